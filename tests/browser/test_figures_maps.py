"""Filters and feature maps: the value under the pointer, and a click that enlarges."""

import pytest
from conftest import both_themes, read_bundles
from figure_page import changed

NAMES = ["filters", "filters_deep", "feature_maps", "journey", "difference", "batch"]
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


@pytest.fixture(scope="module")
def bundles(gallery):
    return read_bundles(gallery("maps"), NAMES)


class Maps:
    """A figure's tiles, and what the pointer does there."""

    def __init__(self, figure):
        self.figure, self.spec = figure, figure.spec
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

    def bare(self):
        """The figure's pixels while the pointer is elsewhere."""
        self.figure.away()
        return self.figure.settled()

    def point(self, place):
        """Moves the pointer there; gives what the figure then writes."""
        self.bare()
        return self.figure.drawn(lambda: self.figure.canvas.hover(position={"x": place[0], "y": place[1]}))

    def click(self, place):
        self.figure.canvas.click(position={"x": place[0], "y": place[1]})
        return self.bare()


def number(text):
    return float(text.replace("\u2212", "-"))


def test_the_value_under_the_pointer_is_read(everywhere, bundles):
    for name, figure in zip(NAMES, everywhere(bundles), strict=True):
        maps = Maps(figure)
        for index, row, column in [(0, 0, 0), (len(maps.tiles) - 1, 2, 1)]:
            tile = maps.tiles[index]
            size = maps.sizes[tile["size"]]
            said = maps.point(maps.place(tile, row, column))
            assert tile["name"] in said
            mean = size["mean"]
            prefix = f"mean of {mean}×{mean} from " if mean > 1 else ""
            assert f"{prefix}row {row * mean}, column {column * mean}" in said
            read = [text for text in said if text.startswith(size["unit"] + " ")]
            expected = maps.value(tile, row, column)
            assert number(read[-1].split()[-1]) == pytest.approx(expected, rel=6e-3, abs=1e-12), name


def test_the_pointer_leaves_nothing_behind(everywhere, bundles):
    [figure] = everywhere({"feature_maps": bundles["feature_maps"]})
    maps = Maps(figure)
    bare = maps.bare()
    maps.point(maps.place(maps.tiles[3], 4, 4))
    assert changed(bare, figure.settled())[0] > 1000, "no label beside the pointer"
    assert changed(bare, maps.bare())[0] == 0


def test_a_click_enlarges_and_another_closes(everywhere, bundles):
    for name, figure in zip(NAMES, everywhere(bundles), strict=True):
        maps = Maps(figure)
        bare = maps.bare()
        tile = maps.tiles[1]
        count, _, whole = changed(bare, maps.click(maps.place(tile, 0, 0)))
        assert count > 0.1 * whole, f"{name}: only {count} of {whole} pixels changed"

        # Values are read on the enlarged map too.
        size = maps.sizes[tile["size"]]
        left, top, zoom = maps.enlarged(tile)
        row, column = size["rows"] // 2, size["columns"] // 2
        step = zoom * size["step"]
        said = maps.point((left + (column + 0.5) * step, top + (row + 0.5) * step))
        place = f"row {row * size['mean']}, column {column * size['mean']}"
        assert tile["name"] in said and any(text.endswith(place) for text in said), name

        closed = maps.click((left + 5, top + 5))
        assert changed(bare, closed)[0] == 0, f"{name}: the second click has not closed it"


def test_an_enlarged_map_lies_over_the_photo(everywhere, bundles):
    [figure] = everywhere({"feature_maps": bundles["feature_maps"]})
    maps, slider = Maps(figure), figure.input("opacity")
    maps.click(maps.place(maps.tiles[0], 0, 0))
    slider.focus()
    slider.press("Home")
    photo = figure.settled()
    slider.press("End")
    count, box, _ = changed(photo, figure.settled())
    size = maps.sizes[0]
    area = (maps.enlarged(maps.tiles[0])[2] * size["width"]) ** 2
    assert 0.3 * area < count <= box < 1.1 * area, "the map does not cover the photo, or more than it"


@both_themes
def test_every_figure_is_visible_and_legible(lab, written, bundles):
    wanted = lab.open(written("figures_maps", bundles))
    figures = lab.scroll_through()
    assert wanted == len(NAMES) <= len(figures)
    assert [where for where, seen in figures if not seen] == []
    figure = lab.figures(bundles)[NAMES.index("feature_maps")]
    maps = Maps(figure)
    maps.click(maps.place(maps.tiles[2], 5, 5))
    maps.point((figure.spec["width"] / 2, figure.spec["height"] / 2))
