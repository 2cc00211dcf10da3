"""Filters and feature maps in JupyterLab: the value under the pointer, and a click that enlarges."""

import json
import subprocess

import nbformat
import pytest
from conftest import ROOT
from notebook_page import FIGURES, LISTEN, changed, complaints, open_notebook, screenshots, settled

SCREENS = ROOT / "target/screens"
NAMES = ["filters", "filters_deep", "feature_maps", "journey", "difference", "batch"]
VEGA = "application/vnd.vega.v5+json"
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gallery")
    command = ["cargo", "run", "--quiet", "--locked", "--example", "gallery_maps", "--", folder]
    subprocess.run(command, cwd=ROOT, check=True)
    return {name: json.loads((folder / f"{name}.json").read_text()) for name in NAMES}


@pytest.fixture(scope="module")
def notebook(bundles, tmp_path_factory):
    """Nobody has trusted it: it was not made by this Jupyter."""
    v4 = nbformat.v4
    cells = [
        v4.new_code_cell(name, outputs=[v4.new_output("display_data", data=bundle)]) for name, bundle in bundles.items()
    ]
    path = tmp_path_factory.mktemp("maps") / "figures_maps.ipynb"
    nbformat.write(v4.new_notebook(cells=cells), path)
    return path


class OnPage:
    """One figure in an open notebook."""

    def __init__(self, page, name, bundle):
        self.page, self.spec = page, bundle[VEGA]
        self.canvas = page.locator(FIGURES).nth(NAMES.index(name))
        self.canvas.scroll_into_view_if_needed()
        settled(self.canvas)
        self.tiles = self.spec["data"][0]["values"]
        self.sizes = self.spec["signals"][0]["value"]

    def place(self, tile, row, column):
        """The middle of a value, in the figure's pixels."""
        size = self.sizes[tile["size"]]
        return tile["x"] + (column + 0.5) * size["step"], tile["y"] + (row + 0.5) * size["step"]

    def value(self, tile, row, column, plane=0):
        size = self.sizes[tile["size"]]
        at = 2 * ((plane * size["rows"] + row) * size["columns"] + column)
        first, second = tile["values"][at : at + 2]
        code = 64 * DIGITS.index(first) + DIGITS.index(second)
        return tile["low"] + (tile["high"] - tile["low"]) * code / 4094

    def enlarged(self, tile):
        """The enlarged map's left upper corner, and by how much it is enlarged."""
        width, height = self.spec["width"], self.spec["height"]
        size = self.sizes[tile["size"]]
        zoom = min(min(420, width - 40) / size["width"], min(420, height - 76) / size["height"])
        shown = zoom * size["height"]
        top = min(max(tile["y"] + (size["height"] - shown) / 2, 44), height - shown - 24)
        return (width - zoom * size["width"]) / 2, top, zoom

    def point(self, place):
        """Moves the pointer there; gives what the figure then writes."""
        self.page.mouse.move(0, 0)
        settled(self.canvas)
        self.page.evaluate("window.written = []")
        self.canvas.hover(position={"x": place[0], "y": place[1]})
        settled(self.canvas)
        return self.page.evaluate("window.written")

    def click(self, place):
        self.canvas.click(position={"x": place[0], "y": place[1]})
        self.page.mouse.move(0, 0)
        return settled(self.canvas)


@pytest.fixture(params=["untrusted", "saved and reopened"])
def opened(request, page, lab, notebook):
    page.add_init_script(LISTEN)
    open_notebook(page, lab, notebook)
    if request.param == "saved and reopened":
        page.locator(".jp-Cell").first.click()
        with page.expect_response(lambda r: r.request.method == "PUT" and notebook.name in r.url):
            page.keyboard.press("Control+s")
        page.reload()
        page.wait_for_function(
            "([what, number]) => document.querySelectorAll(what).length >= number", arg=[FIGURES, len(NAMES)]
        )
    return page


def number(text):
    return float(text.replace("\u2212", "-"))


def test_the_value_under_the_pointer_is_read(opened, bundles):
    for name in NAMES:
        figure = OnPage(opened, name, bundles[name])
        for index, row, column in [(0, 0, 0), (len(figure.tiles) - 1, 2, 1)]:
            tile = figure.tiles[index]
            size = figure.sizes[tile["size"]]
            said = figure.point(figure.place(tile, row, column))
            assert tile["name"] in said
            mean = size["mean"]
            prefix = f"mean of {mean}×{mean} from " if mean > 1 else ""
            assert f"{prefix}row {row * mean}, column {column * mean}" in said
            read = [text for text in said if text.startswith(size["unit"] + " ")]
            expected = figure.value(tile, row, column)
            assert number(read[-1].split()[-1]) == pytest.approx(expected, rel=6e-3, abs=1e-12), name
    assert complaints(opened) == []


def test_the_pointer_leaves_nothing_behind(opened, bundles):
    figure = OnPage(opened, "feature_maps", bundles["feature_maps"])
    opened.mouse.move(0, 0)
    bare = settled(figure.canvas)
    figure.point(figure.place(figure.tiles[3], 4, 4))
    assert changed(bare, settled(figure.canvas))[0] > 1000, "no label beside the pointer"
    opened.mouse.move(0, 0)
    assert changed(bare, settled(figure.canvas))[0] == 0


def test_a_click_enlarges_and_another_closes(opened, bundles):
    for name in NAMES:
        figure = OnPage(opened, name, bundles[name])
        opened.mouse.move(0, 0)
        bare = settled(figure.canvas)
        tile = figure.tiles[1]
        count, _, whole = changed(bare, figure.click(figure.place(tile, 0, 0)))
        assert count > 0.1 * whole, f"{name}: only {count} of {whole} pixels changed"

        # Values are read on the enlarged map too.
        size = figure.sizes[tile["size"]]
        left, top, zoom = figure.enlarged(tile)
        row, column = size["rows"] // 2, size["columns"] // 2
        step = zoom * size["step"]
        said = figure.point((left + (column + 0.5) * step, top + (row + 0.5) * step))
        place = f"row {row * size['mean']}, column {column * size['mean']}"
        assert tile["name"] in said and any(text.endswith(place) for text in said), name

        closed = figure.click((left + 5, top + 5))
        assert changed(bare, closed)[0] == 0, f"{name}: the second click has not closed it"


def test_an_enlarged_map_lies_over_the_photo(opened, bundles):
    figure = OnPage(opened, "feature_maps", bundles["feature_maps"])
    slider = opened.locator("input[type=range][name=opacity]").first  # figures of filters have none
    figure.click(figure.place(figure.tiles[0], 0, 0))
    slider.focus()
    slider.press("Home")
    photo = settled(figure.canvas)
    slider.press("End")
    count, box, _ = changed(photo, settled(figure.canvas))
    size = figure.sizes[0]
    area = (figure.enlarged(figure.tiles[0])[2] * size["width"]) ** 2
    assert 0.3 * area < count <= box < 1.1 * area, "the map does not cover the photo, or more than it"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_figures_are_legible_in_both_themes(theme, page, lab, notebook, bundles):
    open_notebook(page, lab, notebook, f"JupyterLab {theme.title()}")
    figure = OnPage(page, "feature_maps", bundles["feature_maps"])
    figure.click(figure.place(figure.tiles[2], 5, 5))
    figure.canvas.hover(position={"x": figure.spec["width"] / 2, "y": figure.spec["height"] / 2})
    settled(figure.canvas)
    figure.canvas.screenshot(path=SCREENS / f"figures_maps-enlarged-{theme}.png")
    screenshots(page, SCREENS / f"figures_maps-{theme}")
    # The paper is white on the dark theme too, and there is ink on it.
    corner, ink = figure.canvas.evaluate(
        """canvas => {
            const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, 60).data;
            const values = [...data].filter((_, i) => i % 4 < 3);
            return [[...data.slice(0, 3)], values.filter(value => value < 90).length];
        }"""
    )
    assert corner == [255, 255, 255] and ink > 100
