"""Maps of classes and boxes with labels, used as a reader uses them."""

import re

import pytest
from conftest import both_themes, read_bundles
from figure_page import changed

NAMES = ["segmentation", "many", "region", "detections", "object"]


@pytest.fixture(scope="module")
def bundles(gallery):
    return read_bundles(gallery("outputs"), NAMES)


@pytest.fixture
def opened(bare, bundles):
    """Shows one figure on a bare page."""
    return lambda name: bare.show({name: bundles[name]})[0]


def signals(figure):
    return {signal["name"]: signal.get("value") for signal in figure.spec["signals"]}


@both_themes
def test_every_figure_is_visible(lab, written, bundles):
    wanted = lab.open(written("figures_outputs", bundles))
    figures = lab.scroll_through()
    assert wanted == len(NAMES) <= len(figures)
    assert [where for where, seen in figures if not seen] == []


@pytest.mark.parametrize("name", ["segmentation", "many"])
def test_opacity_shows_the_picture_and_the_map(name, opened):
    figure = opened(name)
    start = figure.settled()
    figure.input("opacity").focus()
    figure.input("opacity").press("Home")
    bare = figure.settled()
    figure.input("opacity").press("End")
    assert changed(bare, figure.settled())[0] > 500
    assert changed(bare, start)[0] > 500


def read_class(figure, x, y):
    """The class and the probability that the bundle holds for a part of the width and the height."""
    all = signals(figure)
    columns, rows = all["cells"]
    at = 2 * (int(y * rows) * columns + int(x * columns))

    def number(codes):
        high, low = (all["digits"].index(digit) for digit in codes["text"][at : at + 2])
        return codes["low"] + codes["span"] * (64 * high + low) / 4094

    return all["names"][round(number(all["classes"]))], 100 * number(all["probabilities"])


@pytest.mark.parametrize("name", ["segmentation", "many"])
def test_the_pointer_reads_class_and_probability(name, everywhere, bundles):
    [figure] = everywhere({name: bundles[name]})
    panel = figure.pictures()[0]
    for x, y in [(0.2, 0.25), (0.5, 0.2), (0.99, 0.98)]:
        texts = figure.drawn(lambda x=x, y=y: figure.point(panel["x"] + x * panel["w"], panel["y"] + y * panel["h"]))
        found = [re.match(r"x (\d+), y (\d+):  (.+), ([\d.]+) %$", text) for text in texts]
        [column, line, label, sure] = [match for match in found if match][-1].groups()
        wanted, probability = read_class(figure, x, y)
        assert label == wanted and float(sure) == pytest.approx(probability, abs=0.11), (x, y)
        width, height = signals(figure)["input"]
        assert abs(int(column) - width * x) <= 1.5 and abs(int(line) - height * y) <= 1.5
    assert any("point at the map" in text for text in figure.drawn(figure.away))


def test_the_slider_hides_boxes(opened):
    figure = opened("detections")
    start = figure.settled()
    slider = figure.input("threshold")
    slider.focus()
    slider.press("Home")
    all = figure.settled()
    slider.press("End")
    none = figure.settled()
    assert changed(none, all)[0] > changed(none, start)[0] > 100
