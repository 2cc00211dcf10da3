"""A network in its page, and what a test touches and sees there."""

import json

# Ways of writing digits, in hundredths of the pad; deliberately not where or as large as MNIST has them.
STROKES = {
    "0": [[(60, 20), (44, 22), (34, 40), (33, 60), (42, 77), (55, 78), (66, 62), (67, 40), (58, 21)]],
    "1": [[(30, 12), (31, 40), (30, 66)]],
    "2": [[(30, 34), (38, 22), (55, 20), (64, 32), (58, 48), (42, 64), (28, 80), (50, 79), (72, 78)]],
    "3": [[(34, 20), (52, 16), (64, 26), (56, 42), (44, 46), (60, 50), (68, 64), (58, 80), (34, 80)]],
    "4": [[(46, 20), (40, 42), (34, 56), (52, 56), (74, 52)], [(64, 22), (62, 55), (59, 88)]],
    "7": [[(30, 24), (50, 23), (70, 21), (58, 50), (48, 84)]],
}

# The page has answered what was last shown to it.
ANSWERED = "runs => alive.scene.runs > runs && alive.scene.isSettled"


class AlivePage:
    """The page as a file, or in the frame of a notebook's output."""

    def __init__(self, page, frame):
        self.page, self.frame, self.complaints = page, frame, []
        self.frame.wait_for_function("() => window.alive")
        self.evaluate("async () => { await alive.ready; }")

    @classmethod
    def file(cls, browser, path, **options):
        """Opens the file in a page of its own, which may say nothing in the console and ask for nothing."""
        page = browser.new_page(**{"viewport": {"width": 1200, "height": 900}, **options})
        page.set_default_timeout(60_000)
        complaints = listen(page)
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

    def find(self, name):
        return self.frame.get_by_test_id(name)

    def answer(self, act):
        """Does something that changes the picture, and waits for the answer."""
        runs = self.evaluate("() => alive.scene.runs")
        act()
        self.frame.wait_for_function(ANSWERED, arg=runs)

    def choose(self, at):
        self.answer(self.find(f"example-{at}").click)

    def draw(self, lines):
        """Draws lines with the mouse; points in hundredths of the pad, right and down."""
        self.find("pad").scroll_into_view_if_needed()
        box, mouse = self.find("pad").bounding_box(), self.page.mouse
        for line in lines:
            points = [(box["x"] + x * box["width"] / 100, box["y"] + y * box["height"] / 100) for x, y in line]
            mouse.move(*points[0])
            mouse.down()
            for point in points[1:]:
                mouse.move(*point, steps=4)
            self.answer(mouse.up)

    def guess(self):
        """The first guess."""
        return self.find("first").locator("bdi").text_content()

    def value(self, node, unit=None):
        values = self.evaluate("node => [...alive.engine.values[node]]", node)
        return values if unit is None else values[unit]


def listen(page):
    """What the page says in the console, and what it asks for beyond itself."""
    complaints = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: complaints.append(asked.url) if not asked.url.startswith(("file:", "data:", "blob:", "about:")) else None)
    return complaints
