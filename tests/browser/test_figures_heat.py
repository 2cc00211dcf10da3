"""Heatmaps, comparisons, occlusion and best guesses, used as a reader uses them in JupyterLab."""

import json
import re
import subprocess

import nbformat
import pytest
from conftest import ROOT
from notebook_page import changed, complaints, open_notebook, screenshots, scroll_through, settled

SCREENS = ROOT / "target/screens"
NAMES = ["saliency", "boxes", "classes", "layers", "methods", "grid", "top_k", "hostile", "occlusion"]
VEGA = "application/vnd.vega.v5+json"

# JupyterLab gives no access to Vega's view. What it draws is read instead: every text, and where each
# picture lies, in CSS pixels of the canvas.
WATCH = """() => {
    const context = CanvasRenderingContext2D.prototype;
    const {fillText, drawImage} = context;
    context.fillText = function (text, ...rest) {
        (this.canvas.texts ??= []).push(text);
        return fillText.call(this, text, ...rest);
    };
    context.drawImage = function (image, x, y, w, h, ...rest) {
        if (w !== undefined) {
            const at = this.getTransform(), ratio = window.devicePixelRatio;
            const box = {x: (at.e + at.a * x) / ratio, y: (at.f + at.d * Math.min(y, y + h)) / ratio,
                w: at.a * w / ratio, h: Math.abs(at.d * h) / ratio};
            const boxes = this.canvas.pictures ??= [];
            if (!boxes.some(old => Math.hypot(old.x - box.x, old.y - box.y) < 1)) boxes.push(box);
        }
        return w === undefined ? drawImage.call(this, image, x, y) : drawImage.call(this, image, x, y, w, h, ...rest);
    };
}"""


@pytest.fixture(scope="session")
def bundles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gallery_heat")
    command = ["cargo", "run", "--quiet", "--locked", "--example", "gallery_heat", "--", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True)
    return {name: json.loads((folder / f"{name}.json").read_text()) for name in NAMES}


@pytest.fixture(scope="session")
def notebook(bundles, tmp_path_factory):
    """A cell a figure. Nobody has signed it, so JupyterLab doesn't trust it."""
    v4 = nbformat.v4
    output = lambda name: v4.new_output("execute_result", data=bundles[name], execution_count=1)  # noqa: E731
    cells = [v4.new_code_cell(name, outputs=[output(name)], execution_count=1) for name in NAMES]
    path = tmp_path_factory.mktemp("heat") / "figures_heat.ipynb"
    nbformat.write(v4.new_notebook(cells=cells), path)
    return path


class Seen:
    """A figure in the page."""

    def __init__(self, page, name):
        self.page = page
        self.output = page.locator(".jp-Notebook .jp-Cell").nth(NAMES.index(name))
        self.canvas = self.output.locator("canvas").first
        self.canvas.scroll_into_view_if_needed()
        settled(self.canvas)

    def pictures(self):
        """Where pictures lie in the figure, row by row."""
        boxes = self.canvas.evaluate("canvas => canvas.pictures")
        return sorted(boxes, key=lambda box: (round(box["y"]), box["x"]))

    def point(self, box, x, y):
        """Moves the mouse to this part of a picture's width and height."""
        corner = self.canvas.bounding_box()
        self.page.mouse.move(corner["x"] + box["x"] + x * box["w"], corner["y"] + box["y"] + y * box["h"])

    def drawn(self, act):
        """What act() returns; and all texts of the figure as it is afterwards."""
        self.canvas.evaluate("canvas => { canvas.texts = []; }")
        act()
        settled(self.canvas)
        return self.canvas.evaluate("canvas => canvas.texts")

    def slider(self, name):
        return self.output.locator(f"input[name={name}]")


@pytest.fixture
def opened(page, lab, notebook):
    page.add_init_script(f"({WATCH})()")
    open_notebook(page, lab, notebook)
    return lambda name: Seen(page, name)


def readings(texts):
    """The values that a figure reads to its reader at last: (x, y, value)."""
    found = [re.match(r"x (\d+), y (\d+):  (\S+)", text) for text in texts]
    return [(int(m[1]), int(m[2]), m[3].replace("−", "-")) for m in found if m]


def read_map(row, x, y):
    column, line = int(x * row["columns"]), int(y * row["rows"])
    return row["step"] * row["values"][line * row["columns"] + column]


def maps_of(bundle):
    return bundle[VEGA]["data"][2]["values"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_figure_is_visible(theme, page, lab, notebook):
    wanted = open_notebook(page, lab, notebook, f"JupyterLab {theme.title()}")
    figures = scroll_through(page)
    screenshots(page, SCREENS / f"figures_heat-{theme}")
    assert complaints(page) == []
    assert wanted == len(NAMES) <= len(figures)
    assert [where for where, seen in figures if not seen] == []


@pytest.mark.parametrize("name", ["saliency", "boxes", "classes", "grid"])
def test_the_threshold_hides_weak_values_and_opacity_all(name, opened):
    figure = opened(name)
    opacity, threshold = figure.slider("opacity"), figure.slider("threshold")
    start = settled(figure.canvas)
    opacity.focus()
    opacity.press("Home")
    bare = settled(figure.canvas)
    opacity.press("End")
    whole = settled(figure.canvas)
    threshold.focus()
    for _ in range(3):
        threshold.press("PageUp")
    some = settled(figure.canvas)
    threshold.press("End")
    few = settled(figure.canvas)
    covered = [changed(bare, picture)[0] for picture in (whole, some, few)]
    assert covered[0] > 1.2 * covered[1] and covered[1] > 1.2 * covered[2], covered
    assert changed(start, bare)[0] > 1000
    threshold.press("Home")
    assert changed(whole, settled(figure.canvas))[0] == 0


def test_the_pointer_reads_the_value_and_its_place(opened, bundles):
    figure = opened("boxes")
    [panel] = figure.pictures()
    [row] = maps_of(bundles["boxes"])
    for x, y in [(0.1, 0.2), (0.51, 0.63), (0.98, 0.02)]:
        [(column, line, value)] = readings(figure.drawn(lambda: figure.point(panel, x, y)))[-1:]
        assert abs(column - 28 * x) <= 1 and abs(line - 28 * y) <= 1
        expected = read_map(row, x, y)
        assert float(value) == pytest.approx(expected, rel=0.01, abs=1e-6), (x, y)
    away = figure.drawn(lambda: figure.page.mouse.move(2, 2))
    assert any("point at the map" in text for text in away) and not readings(away)


def test_maps_without_a_sign_keep_their_colours_beside_one_with(opened):
    figure = opened("methods")
    figure.slider("opacity").press("End")
    drawn = settled(figure.canvas)
    bare, *maps = figure.pictures()

    def lightness(box):
        """Of a map's corner, where its value is about 0."""
        return drawn.evaluate(
            """(pixels, box) => {
                const scale = window.devicePixelRatio, at = side => Math.round(scale * (box[side] + 4));
                return pixels.data[4 * (at('y') * pixels.width + at('x'))];
            }""",
            box,
        )

    # Inferno is black at 0, red and blue meet in white.
    lights = [lightness(box) for box in maps]
    assert len(maps) == 3 and lights[0] < 40 and lights[1] > 220 and lights[2] < 40, lights


@pytest.mark.parametrize("name", ["classes", "layers", "methods", "grid"])
def test_one_pointer_reads_all_maps(name, opened, bundles):
    figure = opened(name)
    rows = maps_of(bundles[name])
    pictures = figure.pictures()
    assert len(pictures) == len(bundles[name][VEGA]["data"][1]["values"])
    for panel in (pictures[0], pictures[-1]):  # also over the bare picture
        found = readings(figure.drawn(lambda: figure.point(panel, 0.4, 0.45)))[-len(rows) :]
        assert len({(x, y) for x, y, _ in found}) == 1, found
        expected = [read_map(row, 0.4, 0.45) for row in rows]
        assert [float(value) for *_, value in found] == pytest.approx(expected, rel=0.01, abs=1e-6)
        figure.page.mouse.move(2, 2)


def at_place(bundle, grid, column, row):
    """What the bundle holds for a place: the score, and the guesses' names and percentages."""
    data = {data["name"]: data["values"] for data in bundle[VEGA]["data"] if "values" in data}
    signals = {signal["name"]: signal.get("value") for signal in bundle[VEGA]["signals"]}
    chosen = data["grids"][grid]
    place, count = row * chosen["columns"] + column, chosen["guesses"]
    score = signals["base"] - chosen["step"] * chosen["places"]["values"][place]
    of = slice(place * count, (place + 1) * count)
    names = [data["names"][index]["name"] for index in chosen["names"][of]]
    return score, names, [signals["part"] * p for p in chosen["probabilities"][of]]


def assert_shows(texts, expected):
    score, names, probabilities = expected
    scores = [re.match(r"logit (\S+)  \(drop", text) for text in texts]
    shown = [float(match[1].replace("−", "-")) for match in scores if match][-1]
    assert shown == pytest.approx(score, rel=0.01, abs=0.01)
    # Every redrawing draws names, then percentages; the last one counts.
    percents = [text for text in texts if text.endswith(" %")][-len(names) :]
    want = [f"{100 * p:.1f} %" if p >= 0.0005 else "<0.1 %" for p in probabilities]
    assert percents == want
    digits = [text for text in texts if text in names]
    assert digits[-len(names) :] == names


def test_the_patch_is_dragged_and_score_and_guesses_follow(opened, bundles):
    figure, bundle = opened("occlusion"), bundles["occlusion"]
    photo = figure.pictures()[0]
    mouse = figure.page.mouse
    shown = []
    for column, row in [(0, 0), (9, 8), (21, 21)]:

        def drag(column=column, row=row):
            figure.point(photo, 0.5, 0.5)
            mouse.down()
            figure.point(photo, 0.4, 0.6)
            figure.point(photo, (column + 3.5) / 28, (row + 3.5) / 28)
            mouse.up()

        texts = figure.drawn(drag)
        assert_shows(texts, at_place(bundle, 0, column, row))
        shown.append(settled(figure.canvas))
    assert changed(shown[0], shown[1])[0] > 500, "the patch and the bars have moved"
    # Beyond the picture it stays at the edge; without a button pressed it stays where it is.
    figure.point(photo, 0.5, 0.5)
    mouse.down()
    texts = figure.drawn(lambda: figure.point(photo, -0.5, 0.5))
    mouse.up()
    assert_shows(texts, at_place(bundle, 0, 0, 11))
    still = settled(figure.canvas)
    figure.point(photo, 0.7, 0.7)
    assert changed(still, settled(figure.canvas))[0] == 0
    # A click on the map moves it too.
    place = figure.pictures()[1]

    def click():
        figure.point(place, 0.5, 0.5)
        mouse.down()
        mouse.up()

    assert changed(still, (figure.drawn(click), settled(figure.canvas))[1])[0] > 300


def test_patch_sizes_are_switched(opened, bundles):
    figure, bundle = opened("occlusion"), bundles["occlusion"]
    grids = bundle[VEGA]["data"][0]["values"]
    buttons = figure.output.locator("input[type=radio]")
    assert buttons.count() == len(grids) == 2
    before = settled(figure.canvas)
    texts = figure.drawn(buttons.nth(1).check)
    assert changed(before, settled(figure.canvas))[0] > 2000, "another map"
    # The patch stays where it was: the larger one began at its most sensitive place.
    large, small = grids
    most = max(range(len(large["places"]["values"])), key=large["places"]["values"].__getitem__)
    centre = [most % large["columns"] + 3.5, most // large["columns"] + 3.5]
    column, row = (round(at - small["patch"] / 2) for at in centre)
    assert_shows(texts, at_place(bundle, 1, column, row))


def test_guesses_tell_their_class_under_the_pointer(opened):
    figure = opened("top_k")
    [picture] = figure.pictures()
    figure.point(picture, 1.3, 0.5)
    tip = figure.page.locator("#vg-tooltip-element.visible")
    tip.wait_for()
    text = tip.inner_text()
    for word in ("class", "name", "probability", "logit"):
        assert word in text, text
    figure.page.mouse.move(2, 2)
    tip.wait_for(state="detached")


def test_names_stay_text_under_the_pointer(opened):
    figure = opened("hostile")
    [picture] = figure.pictures()
    figure.point(picture, 1.3, 0.5)
    tip = figure.page.locator("#vg-tooltip-element.visible")
    tip.wait_for()
    assert "<img src=x onerror=" in tip.inner_text()
    assert tip.locator("img").count() == 0 and figure.page.title() != "broken"


def test_figures_move_after_saving_and_reopening(page, lab, notebook):
    page.add_init_script(f"({WATCH})()")
    open_notebook(page, lab, notebook)
    figure = Seen(page, "occlusion")
    figure.point(figure.pictures()[0], 0.1, 0.1)
    page.mouse.down()
    page.mouse.up()
    page.keyboard.press("Control+s")
    page.wait_for_function("() => !document.querySelector('.jp-mod-dirty')")
    saved = json.loads((lab.folder / notebook.name).read_text())
    kept = [output["data"] for cell in saved["cells"] for output in cell["outputs"]]
    assert all({VEGA, "image/png", "text/plain"} <= set(data) for data in kept)
    assert not any(cell["metadata"].get("trusted") for cell in saved["cells"])
    page.reload()
    page.wait_for_selector("#jupyterlab-splash", state="detached")
    page.wait_for_selector("canvas")
    figure = Seen(page, "boxes")
    assert complaints(page) == []
    opacity = figure.slider("opacity")
    before = settled(figure.canvas)
    opacity.focus()
    opacity.press("Home")
    assert changed(before, settled(figure.canvas))[0] > 1000
