"""Heatmaps, comparisons, occlusion and best guesses, used as a reader uses them."""

import json
import re

import pytest
from conftest import both_themes, read_bundles
from figure_page import VEGA, changed

NAMES = ["saliency", "boxes", "classes", "layers", "methods", "grid", "top_k", "hostile", "occlusion"]


@pytest.fixture(scope="module")
def bundles(gallery):
    return read_bundles(gallery("heat"), NAMES)


@pytest.fixture
def opened(bare, bundles):
    """Shows one figure on a bare page."""
    return lambda name: bare.show({name: bundles[name]})[0]


def point(figure, box, x, y):
    """Moves the pointer to this part of a picture's width and height."""
    figure.point(box["x"] + x * box["w"], box["y"] + y * box["h"])


def readings(texts):
    """The values that a figure reads to its reader at last: (x, y, value)."""
    found = [re.match(r"x (\d+), y (\d+):  (\S+)", text) for text in texts]
    return [(int(m[1]), int(m[2]), m[3].replace("−", "-")) for m in found if m]


def read_map(row, x, y):
    column, line = int(x * row["columns"]), int(y * row["rows"])
    return row["step"] * row["values"][line * row["columns"] + column]


def maps_of(figure):
    return figure.spec["data"][2]["values"]


@both_themes
def test_every_figure_is_visible(lab, written, bundles):
    wanted = lab.open(written("figures_heat", bundles))
    figures = lab.scroll_through()
    assert wanted == len(NAMES) <= len(figures)
    assert [where for where, seen in figures if not seen] == []


@pytest.mark.parametrize("name", ["saliency", "boxes", "classes", "grid"])
def test_the_threshold_hides_weak_values_and_opacity_all(name, opened):
    figure = opened(name)
    opacity, threshold = figure.input("opacity"), figure.input("threshold")
    start = figure.settled()
    opacity.focus()
    opacity.press("Home")
    bare = figure.settled()
    opacity.press("End")
    whole = figure.settled()
    threshold.focus()
    for _ in range(3):
        threshold.press("PageUp")
    some = figure.settled()
    threshold.press("End")
    few = figure.settled()
    covered = [changed(bare, picture)[0] for picture in (whole, some, few)]
    assert covered[0] > 1.2 * covered[1] and covered[1] > 1.2 * covered[2], covered
    assert changed(start, bare)[0] > 1000
    threshold.press("Home")
    assert changed(whole, figure.settled())[0] == 0


def test_the_pointer_reads_the_value_and_its_place(everywhere, bundles):
    [figure] = everywhere({"boxes": bundles["boxes"]})
    [panel] = figure.pictures()
    [row] = maps_of(figure)
    for x, y in [(0.1, 0.2), (0.51, 0.63), (0.98, 0.02)]:
        [(column, line, value)] = readings(figure.drawn(lambda x=x, y=y: point(figure, panel, x, y)))[-1:]
        assert abs(column - 28 * x) <= 1 and abs(line - 28 * y) <= 1
        expected = read_map(row, x, y)
        assert float(value) == pytest.approx(expected, rel=0.01, abs=1e-6), (x, y)
    away = figure.drawn(figure.away)
    assert any("point at the map" in text for text in away) and not readings(away)


def test_maps_without_a_sign_keep_their_colors_beside_one_with(opened):
    figure = opened("methods")
    figure.input("opacity").press("End")
    drawn = figure.settled()
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
def test_one_pointer_reads_all_maps(name, opened):
    figure = opened(name)
    rows = maps_of(figure)
    pictures = figure.pictures()
    assert len(pictures) == len(figure.spec["data"][1]["values"])
    for panel in (pictures[0], pictures[-1]):  # also over the bare picture
        texts = figure.drawn(lambda panel=panel: point(figure, panel, 0.4, 0.45))
        found = readings(texts)[-len(rows) :]
        assert len({(x, y) for x, y, _ in found}) == 1, found
        expected = [read_map(row, 0.4, 0.45) for row in rows]
        assert [float(value) for *_, value in found] == pytest.approx(expected, rel=0.01, abs=1e-6)
        figure.away()


def at_place(figure, grid, column, row):
    """What the bundle holds for a place: the score, and the guesses' names and percentages."""
    data = {data["name"]: data["values"] for data in figure.spec["data"] if "values" in data}
    signals = {signal["name"]: signal.get("value") for signal in figure.spec["signals"]}
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


def test_the_patch_is_dragged_and_score_and_guesses_follow(everywhere, bundles):
    [figure] = everywhere({"occlusion": bundles["occlusion"]})
    photo, places = figure.pictures()[:2]
    mouse = figure.page.mouse
    shown = []
    for column, row in [(0, 0), (9, 8), (21, 21)]:

        def drag(column=column, row=row):
            point(figure, photo, 0.5, 0.5)
            mouse.down()
            point(figure, photo, 0.4, 0.6)
            point(figure, photo, (column + 3.5) / 28, (row + 3.5) / 28)
            mouse.up()

        assert_shows(figure.drawn(drag), at_place(figure, 0, column, row))
        shown.append(figure.settled())
    assert changed(shown[0], shown[1])[0] > 500, "the patch and the bars have moved"
    # Beyond the picture it stays at the edge; without a button pressed it stays where it is.
    point(figure, photo, 0.5, 0.5)
    mouse.down()
    texts = figure.drawn(lambda: point(figure, photo, -0.5, 0.5))
    mouse.up()
    assert_shows(texts, at_place(figure, 0, 0, 11))
    still = figure.settled()
    point(figure, photo, 0.7, 0.7)
    assert changed(still, figure.settled())[0] == 0
    # A click on the map moves it too.
    point(figure, places, 0.5, 0.5)
    mouse.down()
    mouse.up()
    assert changed(still, figure.settled())[0] > 300


def test_patch_sizes_are_switched(opened):
    figure = opened("occlusion")
    grids = figure.spec["data"][0]["values"]
    buttons = figure.output.locator("input[type=radio]")
    assert buttons.count() == len(grids) == 2
    before = figure.settled()
    texts = figure.drawn(buttons.nth(1).check)
    assert changed(before, figure.settled())[0] > 2000, "another map"
    # The patch stays where it was: the larger one began at its most sensitive place.
    large, small = grids
    most = max(range(len(large["places"]["values"])), key=large["places"]["values"].__getitem__)
    center = [most % large["columns"] + 3.5, most // large["columns"] + 3.5]
    column, row = (round(at - small["patch"] / 2) for at in center)
    assert_shows(texts, at_place(figure, 1, column, row))


def test_guesses_tell_their_class_under_the_pointer(opened):
    figure = opened("top_k")
    [picture] = figure.pictures()
    point(figure, picture, 1.3, 0.5)
    figure.tooltip().wait_for()
    text = figure.tooltip().inner_text()
    for word in ("class", "name", "probability", "logit"):
        assert word in text, text
    figure.away()
    figure.tooltip().wait_for(state="detached")


def test_names_stay_text_under_the_pointer(everywhere, bundles):
    [figure] = everywhere({"hostile": bundles["hostile"]})
    [picture] = figure.pictures()
    point(figure, picture, 1.3, 0.5)
    figure.tooltip().wait_for()
    assert "<img src=x onerror=" in figure.tooltip().inner_text()
    assert figure.tooltip().locator("img").count() == 0 and figure.page.title() != "broken"


def test_figures_move_after_saving_and_loading_all_anew(lab, written, bundles):
    lab.open(written("figures_heat", bundles))
    assert not lab.trusted()
    figure = lab.figures(bundles)[NAMES.index("occlusion")]
    point(figure, figure.pictures()[0], 0.1, 0.1)
    lab.page.mouse.down()
    lab.page.mouse.up()
    lab.save()
    saved = json.loads((lab.server.folder / lab.name).read_text())
    kept = [output["data"] for cell in saved["cells"] for output in cell["outputs"]]
    assert all({VEGA, "image/png", "text/plain"} <= set(data) for data in kept) and len(kept) == len(NAMES)
    assert not any(cell["metadata"].get("trusted") for cell in saved["cells"])
    lab.reload()
    figure = lab.figures(bundles)[NAMES.index("boxes")]
    before = figure.settled()
    figure.input("opacity").focus()
    figure.input("opacity").press("Home")
    assert changed(before, figure.settled())[0] > 1000
