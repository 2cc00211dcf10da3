"""Scatter plots, films, curves and summaries in JupyterLab: what a reader can do with them."""

import json
import os
import subprocess
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT
from notebook_page import LISTEN, changed, complaints, open_notebook, screenshots, scroll_through, settled

SCREENS = ROOT / "target/screens"
NAMES = ["scatter", "scatter_many", "scatter_choice", "scatter_panels", "film", "film_long", "curves", "summary"]
VEGA = "application/vnd.vega.v5+json"


@pytest.fixture(scope="session")
def gallery(tmp_path_factory):
    """The folder of figures that the library drew, each a JSON file of its forms."""
    folder = tmp_path_factory.mktemp("gallery_motion")
    command = ["cargo", "run", "--locked", "--quiet", "--example", "gallery_motion", "--", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True)
    return folder


@pytest.fixture
def notebook(gallery):
    """A notebook with these figures as its outputs, one a cell."""

    def write(*names):
        v4 = nbformat.v4
        cells = []
        for name in names:
            forms = json.loads((gallery / f"{name}.json").read_text(encoding="utf-8"))
            output = v4.new_output("execute_result", data=forms, execution_count=1)
            cells.append(v4.new_code_cell(name, outputs=[output], execution_count=1))
        path = gallery / f"motion_{'_'.join(names) if len(names) < 3 else 'all'}.ipynb"
        nbformat.write(v4.new_notebook(cells=cells), path)
        return path

    return write


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_figure_is_visible(notebook, theme, page, lab):
    path = notebook(*NAMES)
    wanted = open_notebook(page, lab, path, f"JupyterLab {theme.title()}")
    figures = scroll_through(page)
    screenshots(page, SCREENS / f"{path.stem}-{theme}")
    assert complaints(page) == []
    assert len(figures) == wanted
    assert [where for where, seen in figures if not seen] == [], "figures that can't be seen"


def save_and_reopen(page):
    """Saves the notebook, and opens it from its file."""
    page.locator(".jp-NotebookPanel-toolbar").first.click(position={"x": 2, "y": 2})
    page.keyboard.press("Control+s")
    page.wait_for_timeout(1000)
    page.reload()
    page.wait_for_selector(".jp-OutputArea-output canvas")
    page.wait_for_selector("#jupyterlab-splash", state="detached")


@pytest.mark.parametrize("reopened", [False, True])
def test_a_film_plays(notebook, reopened, page, lab):
    open_notebook(page, lab, notebook("film"))
    if reopened:
        save_and_reopen(page)
    canvas, slider = page.locator("canvas").first, page.locator("input[name=frame]")
    last = settled(canvas)
    assert slider.input_value() == "23"
    slider.focus()
    slider.press("Home")
    count, _, whole = changed(last, settled(canvas))
    assert count > 0.1 * whole, "the first frame looks like the last"
    slider.press("End")
    assert changed(last, settled(canvas))[0] == 0

    play = page.locator("input[name=playing]")
    play.check()
    page.wait_for_function("() => document.querySelector('input[name=frame]').value < 20")
    page.wait_for_timeout(500)
    play.uncheck()
    stopped = slider.input_value()
    paused = settled(canvas)
    assert slider.input_value() == stopped and stopped != "23"
    assert changed(last, paused)[0] > 0


# Where a dot of the colour is, in pixels of the page; the legend's keys lie right of `right`.
DOT = """(canvas, [r, g, b, left, right]) => {
    const box = canvas.getBoundingClientRect(), scale = canvas.width / box.width;
    const {width, height, data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const like = (x, y) => {
        const i = 4 * (y * width + x);
        return Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) < 90;
    };
    for (let y = 2; y < height - 2; y++)
        for (let x = Math.ceil(left * scale); x < Math.min(right * scale, width - 2); x++)
            if (like(x, y) && like(x - 2, y) && like(x + 2, y) && like(x, y - 2) && like(x, y + 2))
                return {x: box.left + x / scale, y: box.top + y / scale};
    return null;
}"""
BLUE = [0, 114, 178]
LEGEND = 510  # of a scatter plot of one panel


def point(page, place):
    """Moves the pointer there, with a step before it: what is under it counts from its last move."""
    page.mouse.move(place["x"] - 1, place["y"])
    page.mouse.move(place["x"], place["y"])


def dark_pixels(canvas):
    return canvas.evaluate(
        """canvas => {
            const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
            let count = 0;
            for (let i = 0; i < data.length; i += 4) count += data[i] + data[i + 1] + data[i + 2] < 30;
            return count;
        }"""
    )


def test_a_scatter_answers_the_pointer(notebook, page, lab):
    open_notebook(page, lab, notebook("scatter"))
    canvas = page.locator("canvas").first
    canvas.scroll_into_view_if_needed()
    rest = settled(canvas)
    dot = canvas.evaluate(DOT, [*BLUE, 20, LEGEND])

    before = dark_pixels(canvas)
    point(page, dot)
    assert changed(rest, settled(canvas))[0] > 3000, "no card beside the point"
    assert dark_pixels(canvas) - before > 3000, "the digit's black ground is not in it"
    point(page, {"x": dot["x"] - 200, "y": dot["y"] - 300})
    assert changed(rest, settled(canvas))[0] == 0

    # The wheel zooms at the pointer, dragging moves, a double click shows all again.
    box = canvas.bounding_box()
    middle = {"x": box["x"] + 250, "y": box["y"] + 320}
    point(page, middle)
    page.mouse.wheel(0, -300)
    zoomed = settled(canvas)
    count, covered, whole = changed(rest, zoomed)
    assert count > 3000 and covered > 0.3 * whole
    page.mouse.down()
    page.mouse.move(middle["x"] + 60, middle["y"] + 40, steps=4)
    page.mouse.up()
    assert changed(zoomed, settled(canvas))[0] > 3000
    page.mouse.dblclick(middle["x"], middle["y"])
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    assert changed(rest, settled(canvas))[0] == 0


def test_the_legend_filters(notebook, page, lab):
    open_notebook(page, lab, notebook("scatter", "scatter_panels"))
    canvas = page.locator("canvas").first
    canvas.scroll_into_view_if_needed()
    rest = settled(canvas)
    key = canvas.evaluate(DOT, [*BLUE, LEGEND, 2000])
    click = {"x": key["x"] + 25, "y": key["y"] + 3}  # on the class's name
    point(page, click)
    page.mouse.click(click["x"], click["y"])
    settled(canvas)
    assert canvas.evaluate(DOT, [*BLUE, 20, LEGEND]) is None, "the class is still there"
    page.mouse.click(click["x"], click["y"])
    # Where dots overlap, those shown again lie on top.
    assert changed(rest, settled(canvas))[0] < 100
    page.wait_for_timeout(600)  # or it would count as a double click
    page.mouse.dblclick(click["x"], click["y"])
    settled(canvas)
    assert canvas.evaluate(DOT, [*BLUE, 20, LEGEND]) is not None
    assert canvas.evaluate(DOT, [213, 94, 0, 20, LEGEND]) is None, "the class is not alone"

    # Of two panels, both.
    canvas = page.locator("canvas").nth(1)
    canvas.scroll_into_view_if_needed()
    settled(canvas)
    key = canvas.evaluate(DOT, [*BLUE, 775, 2000])
    page.mouse.dblclick(key["x"] + 25, key["y"] + 3)
    settled(canvas)
    for left in (20, 400):
        assert canvas.evaluate(DOT, [213, 94, 0, left, left + 360]) is None


def test_a_layout_is_chosen(notebook, page, lab):
    open_notebook(page, lab, notebook("scatter_choice"))
    canvas, radios = page.locator("canvas").first, page.locator("input[type=radio]")
    canvas.scroll_into_view_if_needed()
    first = settled(canvas)
    assert radios.count() == 3
    radios.nth(2).check()
    assert changed(first, settled(canvas))[0] > 3000
    radios.nth(0).check()
    assert changed(first, settled(canvas))[0] == 0


@pytest.mark.parametrize("reopened", [False, True])
def test_curves_are_read_by_the_pointer(notebook, reopened, page, lab):
    page.add_init_script(LISTEN)
    open_notebook(page, lab, notebook("curves"))
    if reopened:
        save_and_reopen(page)
    canvas = page.locator("canvas").first
    canvas.scroll_into_view_if_needed()
    rest = settled(canvas)
    box = canvas.bounding_box()
    middle = box["y"] + 0.6 * box["height"]

    def read_at(share):
        """What the figure writes anew when the pointer comes so far along its width."""
        page.mouse.move(0, 0)
        settled(canvas)
        page.evaluate("window.written = []")
        point(page, {"x": box["x"] + share * box["width"], "y": middle})
        settled(canvas)
        return set(page.evaluate("window.written"))

    # The panels stand side by side; both tell the values at the pointer's epoch.
    values = {
        "epoch 1": ["2.25", "2.5", "11"],
        "epoch 2": ["1.125", "1.5", "52"],
        "epoch 3": ["0.5", "0.75", "73"],
        "epoch 4": ["0.375", "84"],  # one was not measured
        "epoch 5": ["0.25", "0.625", "95"],
        "epoch 6": ["0.125", "0.875", "96"],
    }
    found = set()
    for share in (0.08, 0.17, 0.25, 0.33, 0.41, 0.96):  # the last in the second panel
        words = read_at(share)
        (epoch,) = words & set(values)
        assert set(values[epoch]) <= words, f"{epoch}: the figure writes {words}"
        found.add(epoch)
    assert len(found) >= 4, found
    assert changed(rest, settled(canvas))[0] > 100, "no rule at the pointer"
    page.mouse.move(0, 0)
    assert changed(rest, settled(canvas))[0] == 0


@pytest.mark.parametrize("reopened", [False, True])
def test_a_summary_tells_of_the_layer_under_the_pointer(notebook, gallery, reopened, page, lab):
    open_notebook(page, lab, notebook("summary"))
    if reopened:
        save_and_reopen(page)
    spec = json.loads((gallery / "summary.json").read_text(encoding="utf-8"))[VEGA]
    canvas = page.locator("canvas").first
    canvas.scroll_into_view_if_needed()
    settled(canvas)
    box = canvas.bounding_box()
    tiles = spec["data"][2]["values"]
    assert len(tiles) >= 10
    for tile in tiles:
        # The title stands above; the padding is 14.
        top = box["height"] - 14 - spec["height"]
        place = {"x": box["x"] + 14 + tile["x"] + tile["w"] / 2, "y": box["y"] + top + tile["y"] + tile["h"] / 2}
        point(page, place)
        told = page.locator("#vg-tooltip-element.visible").inner_text(timeout=5000)
        for words in tile["told"].values():
            assert words in told, f"{words} is missing of {tile['told']}: {told}"


def test_pages_with_vega_need_no_network(tmp_path, page):
    vega = os.environ.get("CONVSCOPE_VEGA")
    if not vega or not Path(vega).is_file():
        pytest.skip("skipped: CONVSCOPE_VEGA names no build of Vega 5 (npm pack vega@5: build/vega.min.js)")
    command = ["cargo", "run", "--locked", "--quiet", "--example", "gallery_motion", "--", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True)
    requests, errors = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: errors.append(error))
    page.goto((tmp_path / "scatter_page.html").as_uri())
    page.wait_for_selector("canvas")
    page.mouse.move(300, 400)
    page.mouse.move(301, 400)
    before = page.evaluate("view.scale('x0').domain()")
    page.mouse.wheel(0, -300)
    page.wait_for_function("before => view.scale('x0').domain()[0] > before[0]", arg=before)
    page.goto((tmp_path / "film_page.html").as_uri())
    page.wait_for_selector("canvas")
    assert page.evaluate("view.signal('pointer')") == 230
    page.locator("input[name=playing]").check()
    page.wait_for_function("view.signal('pointer') < 200")
    assert errors == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
