"""A notebook that runs in a page: in JupyterLab, or in Notebook 7, which are driven in the same way."""

import time

import nbformat

FRONT_ENDS = {"JupyterLab": "/doc/tree/", "Notebook 7": "/notebooks/"}

# What is to be seen of a cell: whether it runs, and of each of its outputs the pictures in it and its text.
LOOK = """index => {
    const cell = document.querySelectorAll('.jp-Notebook .jp-CodeCell')[index];
    const pictures = output => [...output.querySelectorAll('img')].map(img => img.src)
        .concat([...output.querySelectorAll('canvas')].map(canvas => canvas.toDataURL()));
    return {
        runs: cell.querySelector('.jp-InputPrompt').innerText.includes('*'),
        outputs: [...cell.querySelectorAll('.jp-OutputArea-output')]
            .map(output => ({pictures: pictures(output), text: output.innerText.trim()})),
    };
}"""


class LivePage:
    """A page of its own, with a notebook whose kernel starts with it."""

    def __init__(self, browser, server, front_end, cells):
        self.front_end, self.server = front_end, server
        self.name = f"{front_end.replace(' ', '-').lower()}.ipynb"
        self.path = server.folder / self.name
        v4 = nbformat.v4
        spec = {"name": "convscope", "display_name": "Rust (convscope)", "language": "rust"}
        notebook = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells], metadata={"kernelspec": spec})
        nbformat.write(notebook, self.path)
        self.page = browser.new_page(viewport={"width": 1000, "height": 1100})
        self.page.set_default_timeout(60_000)
        self.open()

    def open(self):
        self.page.goto(f"{self.server.url}{FRONT_ENDS[self.front_end]}{self.name}")
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell .cm-content")
        self.page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='idle']", state="attached")

    def cell(self, index):
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(index)

    def begin(self, index):
        """Runs a cell as a person would; returns once it runs, or has run."""
        prompt = self.cell(index).locator(".jp-InputPrompt")
        before = prompt.inner_text()
        for _ in range(5):  # a page that is still loading hears no keys
            self.cell(index).locator(".cm-content").click()
            self.page.keyboard.press("Control+Enter")
            end = time.monotonic() + 3
            while time.monotonic() < end:
                if prompt.inner_text() != before:
                    return
                time.sleep(0.02)
        raise AssertionError(f"cell {index} does not run")

    def look(self, index):
        return self.page.evaluate(LOOK, index)

    def watch(self, index, until=lambda seen: False, limit=60):
        """What is to be seen of a cell while it runs, each state once, or until it is so; the last at the end."""
        seen, end = [], time.monotonic() + limit
        while time.monotonic() < end:
            now = self.look(index)
            if not seen or now != seen[-1]:
                seen.append(now)
            if not now["runs"] or until(now):
                return seen
            time.sleep(0.05)
        raise AssertionError(f"cell {index} is not done after {limit} s: {seen[-1]}")

    def run(self, index, limit=90):
        self.begin(index)
        return self.watch(index, limit=limit)[-1]

    def stop(self):
        """Presses the stop button of the notebook's toolbar."""
        self.page.locator(".jp-Toolbar [data-command='notebook:interrupt-kernel']").first.click()

    def settled(self, index):
        """A cell's outputs once they don't change any more."""
        last, end = None, time.monotonic() + 10
        while time.monotonic() < end:
            now = self.look(index)
            if now == last:
                return now
            last = now
            time.sleep(0.3)
        return last

    def save(self):
        saved = lambda answer: answer.request.method == "PUT" and self.name in answer.url  # noqa: E731
        with self.page.expect_response(saved):
            self.page.locator("[data-command='docmanager:save']").first.click()

    def screenshots(self, path):
        self.page.screenshot(path=f"{path}.png")


def pictures(state):
    return [picture for output in state["outputs"] for picture in output["pictures"]]


def text(state):
    return "\n".join(output["text"] for output in state["outputs"])
