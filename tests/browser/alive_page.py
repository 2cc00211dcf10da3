"""A network in its page, and what a test touches and sees there."""

import json


class AlivePage:
    """The page as a file, or in the frame of a notebook's output."""

    def __init__(self, page, frame):
        self.page, self.frame = page, frame
        self.frame.wait_for_function("() => window.alive")
        self.frame.evaluate("async () => { await window.alive.ready; }")

    @classmethod
    def file(cls, browser, path, **options):
        """Opens the file in a page of its own, which may say nothing in the console and ask for nothing."""
        page = browser.new_page(**{"viewport": {"width": 1200, "height": 900}, **options})
        page.set_default_timeout(60_000)
        complaints = []
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        wanted = (path.as_uri(), "data:", "blob:")
        page.on("request", lambda request: complaints.append(request.url) if not request.url.startswith(wanted) else None)
        page.goto(path.as_uri())
        alive = cls(page, page.main_frame)
        alive.complaints = complaints
        return alive

    def close(self):
        self.page.close()
        assert self.complaints == []

    def evaluate(self, script, argument=None):
        return self.frame.evaluate(script, argument)

    def model(self):
        return json.loads(self.frame.locator("#model").text_content())

    def choose(self, at):
        """Chooses an example, and waits until every layer has answered."""
        self.evaluate("at => window.alive.show(at)", at)
