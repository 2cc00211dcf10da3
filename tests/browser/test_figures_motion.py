"""Scatter plots, films, curves and summaries: what a reader can do with them."""

import os

import pytest
from conftest import both_themes, read_bundles
from figure_page import VEGA, changed

NAMES = ["scatter", "scatter_many", "scatter_choice", "scatter_panels", "film", "film_long", "curves", "summary"]


@pytest.fixture(scope="module")
def folder(gallery, vega_file):
    """The figures, and pages made with another build of Vega if CONVSCOPE_VEGA names one."""
    return gallery("motion", os.environ.get("CONVSCOPE_VEGA") or vega_file)


@pytest.fixture(scope="module")
def bundles(folder):
    return read_bundles(folder, NAMES)


@pytest.fixture
def opened(bare, bundles):
    """Shows one figure on a bare page."""
    return lambda name: bare.show({name: bundles[name]})[0]


@both_themes
def test_every_figure_is_visible(lab, written, bundles):
    wanted = lab.open(written("figures_motion", bundles))
    figures = lab.scroll_through()
    assert len(figures) == wanted == len(NAMES)
    assert [where for where, seen in figures if not seen] == [], "figures that can't be seen"


def test_a_film_plays(everywhere, bundles):
    [figure] = everywhere({"film": bundles["film"]})
    page, slider, play = figure.page, figure.input("frame"), figure.input("playing")
    [frame] = [signal for signal in figure.spec["signals"] if signal["name"] == "frame"]
    last = figure.settled()
    assert slider.input_value() == "23"
    slider.focus()
    slider.press("Home")
    count, _, whole = changed(last, figure.settled())
    assert count > 0.1 * whole, "the first frame looks like the last"
    slider.press("End")
    assert changed(last, figure.settled())[0] == 0

    play.check()
    shown = "document.querySelector('input[name=frame]').value"
    page.wait_for_function(f"{shown} < 20")
    before = slider.input_value()
    page.wait_for_function(f"before => {shown} != before", arg=before)
    play.uncheck()
    paused, stopped = figure.settled(), slider.input_value()
    page.wait_for_timeout(3 * frame["on"][0]["events"]["throttle"])  # or it would show another one
    assert slider.input_value() == stopped and changed(paused, figure.settled())[0] == 0
    assert stopped == "23" or changed(last, paused)[0] > 0


# Where a dot of the color is, in pixels of the canvas; the legend's keys lie right of `right`.
DOT = """(canvas, [r, g, b, left, right, reach]) => {
    const scale = canvas.width / canvas.getBoundingClientRect().width;
    const {width, height, data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const like = (x, y) => {
        const i = 4 * (y * width + x);
        return Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) < 90;
    };
    for (let y = 2; y < height - 2; y++)
        for (let x = Math.ceil(left * scale); x < Math.min(right * scale, width - 2); x++)
            if (like(x, y) && like(x - reach, y) && like(x + reach, y) && like(x, y - reach) && like(x, y + reach))
                return [x / scale, y / scale];
    return null;
}"""
BLUE, VERMILION = [0, 114, 178], [213, 94, 0]
LEGEND = 510  # of a scatter plot of one panel


def dot(figure, color, left, right, reach=2):
    return figure.canvas.evaluate(DOT, [*color, left, right, reach])


def point(figure, x, y):
    """Moves the pointer there, with a step before it: what is under it counts from its last move."""
    figure.point(x - 1, y)
    figure.point(x, y)


def press(figure, place, count=1):
    """Clicks at a place in the canvas, once or twice."""
    point(figure, *place)
    for number in range(1, count + 1):
        figure.page.mouse.down(click_count=number)
        figure.page.mouse.up(click_count=number)


def dark_pixels(canvas):
    return canvas.evaluate(
        """canvas => {
            const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
            let count = 0;
            for (let i = 0; i < data.length; i += 4) count += data[i] + data[i + 1] + data[i + 2] < 30;
            return count;
        }"""
    )


def test_a_scatter_answers_the_pointer(opened):
    figure = opened("scatter")
    rest = figure.settled()
    x, y = dot(figure, BLUE, 20, LEGEND)

    before = dark_pixels(figure.canvas)
    point(figure, x, y)
    assert changed(rest, figure.settled())[0] > 3000, "no card beside the point"
    assert dark_pixels(figure.canvas) - before > 3000, "the digit's black ground is not in it"
    point(figure, x - 200, y - 300)
    assert changed(rest, figure.settled())[0] == 0

    # The wheel zooms at the pointer, dragging moves, a double click shows all again.
    point(figure, 250, 320)
    figure.page.mouse.wheel(0, -300)
    zoomed = figure.settled()
    count, covered, whole = changed(rest, zoomed)
    assert count > 3000 and covered > 0.3 * whole
    figure.page.mouse.down()
    figure.point(310, 360)
    figure.page.mouse.up()
    assert changed(zoomed, figure.settled())[0] > 3000
    press(figure, (250, 320), 2)
    figure.point(2, 2)
    assert changed(rest, figure.settled())[0] == 0


# Turns the wheel once. How many dots that draws, how long it takes, and the same once the hand rests.
TURN = """async (canvas, by) => {
    const {left, top} = canvas.getBoundingClientRect(), {view} = canvas, context = canvas.getContext('2d');
    let dots = 0;
    const {fill} = CanvasRenderingContext2D.prototype;
    context.fill = function (...how) { dots++; return fill.apply(this, how); };
    const where = {clientX: left + 250, clientY: top + 320, bubbles: true, cancelable: true};
    let began = performance.now();
    canvas.dispatchEvent(new WheelEvent('wheel', {deltaY: by, ...where}));
    await view.runAsync();
    const turned = [dots, performance.now() - began];
    dots = 0;
    began = performance.now();
    while (dots < 1 && performance.now() - began < 20000) await new Promise(done => setTimeout(done, 10));
    await view.runAsync();
    delete context.fill;
    return [...turned, dots, performance.now() - began];
}"""


def test_many_dots_stay_quick(opened):
    figure = opened("scatter_many")
    (columns,) = figure.spec["data"][0]["values"]
    assert len(columns["id"]) == 70_000
    rest = figure.settled()
    point(figure, *dot(figure, BLUE, 20, LEGEND, reach=1))
    assert changed(rest, figure.settled())[0] > 1000, "no card beside the point"
    figure.away()
    # Where a part of the canvas is drawn anew, dots' edges differ in single pixels.
    assert changed(rest, figure.settled())[0] < 100
    point(figure, 250, 320)
    figure.settled()
    for by in (-100, 100):
        turned, took, rested, until = figure.canvas.evaluate(TURN, by)
        assert 3_000 < turned < 6_000 and took < 500, f"{turned} dots in {took:.0f} ms"
        assert rested > 60_000 and until < 3_000, f"{rested} dots after {until:.0f} ms"
    figure.away()
    # Zoomed in and out again, all of them are where they were.
    assert changed(rest, figure.settled())[0] < 100

    # Dragged, they all come back too.
    point(figure, 250, 320)
    figure.page.mouse.down()
    figure.point(200, 300)
    figure.point(150, 280)
    figure.page.mouse.up()
    figure.page.wait_for_timeout(500)
    moved = figure.settled()
    assert changed(rest, moved)[0] > 3000
    press(figure, (250, 320), 2)
    figure.away()
    figure.page.wait_for_timeout(500)
    assert changed(rest, figure.settled())[0] < 100


def test_dots_have_the_legends_colors_in_the_dark(bare, bundles):
    # The seventh class is black on white paper. Words would be found too.
    spec = bundles["scatter_many"][VEGA] | {"title": {"text": ""}, "config": {"style": {"guide-label": {"fill": "#fff"}}}}
    [figure] = bare.show({"dark": {VEGA: spec}})
    assert dot(figure, [230, 230, 230], 20, LEGEND, reach=1) is not None


def test_the_legend_filters(opened):
    figure = opened("scatter")
    rest = figure.settled()
    x, y = dot(figure, BLUE, LEGEND, 2000)
    name = (x + 25, y + 3)
    press(figure, name)
    figure.settled()
    assert dot(figure, BLUE, 20, LEGEND) is None, "the class is still there"
    press(figure, name)
    # Where dots overlap, those shown again lie on top.
    assert changed(rest, figure.settled())[0] < 100
    press(figure, name, 2)
    figure.settled()
    assert dot(figure, BLUE, 20, LEGEND) is not None
    assert dot(figure, VERMILION, 20, LEGEND) is None, "the class is not alone"


def test_the_legend_filters_both_panels(opened):
    figure = opened("scatter_panels")
    panels = [(14, 270), (290, 546)]
    for left, right in panels:
        assert dot(figure, VERMILION, left, right, reach=1) is not None
    x, y = dot(figure, BLUE, 560, 2000)
    press(figure, (x + 25, y + 3), 2)
    figure.settled()
    for left, right in panels:
        assert dot(figure, VERMILION, left, right, reach=1) is None


def test_a_layout_is_chosen(opened):
    figure = opened("scatter_choice")
    radios = figure.output.locator("input[type=radio]")
    first = figure.settled()
    assert radios.count() == 3
    radios.nth(2).check()
    assert changed(first, figure.settled())[0] > 3000
    radios.nth(0).check()
    assert changed(first, figure.settled())[0] == 0


def test_curves_are_read_by_the_pointer(everywhere, bundles):
    [figure] = everywhere({"curves": bundles["curves"]})
    figure.away()
    rest = figure.settled()
    box = figure.box()

    def read_at(share):
        """What the figure writes anew when the pointer comes so far along its width."""
        figure.away()
        figure.settled()
        return set(figure.drawn(lambda: point(figure, share * box["width"], 0.6 * box["height"])))

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
    assert changed(rest, figure.settled())[0] > 100, "no rule at the pointer"
    figure.away()
    assert changed(rest, figure.settled())[0] == 0


def test_a_summary_tells_of_the_layer_under_the_pointer(everywhere, bundles):
    [figure] = everywhere({"summary": bundles["summary"]})
    tiles = figure.spec["data"][2]["values"]
    assert len(tiles) >= 10
    # The title stands above; the padding is 14.
    top = figure.box()["height"] - 14 - figure.spec["height"]
    for tile in tiles:
        point(figure, 14 + tile["x"] + tile["w"] / 2, top + tile["y"] + tile["h"] / 2)
        heading = tile["told"]["title"]
        figure.tooltip().get_by_text(heading, exact=True).wait_for()
        told = figure.tooltip().inner_text()
        for words in tile["told"].values():
            assert words in told, f"{words} is missing of {tile['told']}: {told}"


def test_pages_with_vega_need_no_network(folder, bare):
    page, requests = bare.page, []
    page.on("request", lambda request: requests.append(request.url))
    page.goto((folder / "scatter_page.html").as_uri())
    page.wait_for_selector("canvas")
    page.mouse.move(300, 400)
    page.mouse.move(301, 400)
    before = page.evaluate("view.scale('x0').domain()")
    page.mouse.wheel(0, -300)
    page.wait_for_function("before => view.scale('x0').domain()[0] > before[0]", arg=before)
    page.goto((folder / "film_page.html").as_uri())
    page.wait_for_selector("canvas")
    assert page.evaluate("view.signal('pointer')") == 230
    page.locator("input[name=playing]").check()
    page.wait_for_function("view.signal('pointer') < 200")
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert sum(url.startswith("file:") for url in requests) == 2
