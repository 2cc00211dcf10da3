"""What a test sees of a notebook that is open in JupyterLab."""

import contextlib
import json

from playwright.sync_api import TimeoutError

# The notebook's own scrolling element, and the height of all its cells.
SCROLLER = ".jp-WindowedPanel-outer"
CELLS_HEIGHT = "el => el.querySelector('.jp-WindowedPanel-viewport').scrollHeight"
FIGURES = ".jp-OutputArea-output :is(img, canvas)"
TALLEST = 2400  # pixels in one screenshot: in taller ones nobody can read anything

# Vega draws on a canvas, where text can't be selected: what it writes is kept in a list.
LISTEN = """
    window.written = [];
    const write = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
        window.written.push(text);
        return write.call(this, text, ...rest);
    };
"""


def open_notebook(page, lab, path, theme="JupyterLab Light"):
    """Opens a copy of the file with nothing else on the screen; gives the number of figures in it.

    Returns once all of them are in the page, or when some of them stay away.
    """
    name = lab.add(path)
    lab.set("apputils-extension/themes", {"theme": theme})
    page.goto(f"{lab.url}/doc/tree/{name}?reset")  # /doc: one document; reset: no layout from before
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell")
    page.wait_for_selector(f"body[data-jp-theme-name='{theme}']", state="attached")
    page.wait_for_selector("#jupyterlab-splash", state="detached")
    wanted = figures_in(path)
    enough = "([what, number]) => document.querySelectorAll(what).length >= number"
    with contextlib.suppress(TimeoutError):
        page.wait_for_function(enough, arg=[FIGURES, wanted], timeout=20_000)
    return wanted


def figures_in(path):
    """How many outputs of the file hold a picture."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    pictures = ("image/", "application/vnd.vega")
    return sum(any(mime.startswith(pictures) for mime in output.get("data", {})) for output in outputs)


# An image that could not be decoded has no size of its own; a canvas on which nothing was drawn has
# one colour.
DRAWN = """figure => {
    const box = figure.getBoundingClientRect();
    if (Math.min(box.width, box.height) < 8) return false;
    if (figure.tagName == 'IMG') return figure.naturalWidth > 0;
    const data = figure.getContext('2d').getImageData(0, 0, figure.width, figure.height).data;
    return data.some((value, i) => value != data[i % 4]);
}"""


def scroll_through(page):
    """Brings every cell into sight; gives the figures found, as (where, whether it can be seen)."""
    figures = []
    for number, cell in enumerate(page.locator(".jp-Notebook .jp-Cell").all(), 1):
        cell.scroll_into_view_if_needed()
        for figure in cell.locator(FIGURES).all():
            figure.scroll_into_view_if_needed()
            try:  # a moment later, perhaps: Vega loads its images after it has made the canvas
                page.wait_for_function(DRAWN, arg=figure.element_handle(), timeout=5_000)
                seen = True
            except TimeoutError:
                seen = False
            figures.append((f"{figure.evaluate('figure => figure.tagName')} in cell {number}", seen))
    return figures


def complaints(page):
    """Every output in which JupyterLab or Vega says that it could not show something."""
    return page.evaluate(
        """() => [...document.querySelectorAll('.jp-OutputArea-output, .jp-Dialog, .vega-embed')]
            .filter(el => el.matches('.jp-Dialog')
                || el.matches('[data-mime-type="application/vnd.jupyter.stderr"]')
                || el.matches('[data-mime-type="application/vnd.jupyter.error"]')
                || /JavaScript Error|Error displaying|Javascript error/i.test(el.innerText))
            .map(el => el.innerText.slice(0, 500))"""
    )


def screenshots(page, path):
    """The whole notebook, from top to bottom, into PATH.png or PATH-1.png, PATH-2.png, ..."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for old in path.parent.glob(f"{path.name}*.png"):
        old.unlink()
    scroller = page.locator(SCROLLER)
    before = page.viewport_size
    chrome = before["height"] - scroller.evaluate("el => el.clientHeight")  # menu and toolbar
    height = scroller.evaluate(CELLS_HEIGHT) + 60
    for part, top in enumerate(range(0, height, TALLEST), 1):
        page.set_viewport_size({"width": before["width"], "height": chrome + min(TALLEST, height - top)})
        scroller.evaluate("(el, top) => el.scrollTo(0, top)", top)
        name = f"{path.name}.png" if height <= TALLEST else f"{path.name}-{part}.png"
        page.screenshot(path=path.parent / name)
    page.set_viewport_size(before)


def settled(canvas):
    """The canvas's pixels once it is at rest: two readings in a row agree. They stay in the browser."""
    return canvas.evaluate_handle(
        """async canvas => {
            const read = () => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            let last = read();
            for (let tries = 0; tries < 50; tries++) {
                await new Promise(done => setTimeout(done, 100));
                const now = read();
                if (now.data.every((value, i) => value == last.data[i])) return now;
                last = now;
            }
            throw new Error('the figure never comes to rest');
        }"""
    )


def changed(before, after):
    """How much two readings of one canvas differ: (pixels, pixels of the box around them, of all)."""
    return before.evaluate(
        """(before, after) => {
            const {width, height} = before, a = before.data, b = after.data;
            let count = 0, left = width, top = height, right = 0, bottom = 0;
            for (let i = 0; i < a.length; i += 4) {
                const apart = Math.abs(a[i] - b[i]) + Math.abs(a[i + 1] - b[i + 1]) + Math.abs(a[i + 2] - b[i + 2]);
                if (apart <= 12) continue;
                const x = (i / 4) % width, y = Math.floor(i / 4 / width);
                count++;
                left = Math.min(left, x); right = Math.max(right, x + 1);
                top = Math.min(top, y); bottom = Math.max(bottom, y + 1);
            }
            return [count, count && (right - left) * (bottom - top), width * height];
        }""",
        after,
    )
