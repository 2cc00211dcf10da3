"""A network in a page, used as a reader uses it: drawn on, pointed at, turned, in a notebook and as a file."""

import json
import re

import pytest
from alive_page import AlivePage, listen
from conftest import both_themes, read_bundles

# Ways of writing digits, in hundredths of the pad; deliberately not where or as large as MNIST has them.
STROKES = {
    "0": [[(60, 20), (44, 22), (34, 40), (33, 60), (42, 77), (55, 78), (66, 62), (67, 40), (58, 21)]],
    "1": [[(30, 12), (31, 40), (30, 66)]],
    "2": [[(30, 34), (38, 22), (55, 20), (64, 32), (58, 48), (42, 64), (28, 80), (50, 79), (72, 78)]],
    "3": [[(34, 20), (52, 16), (64, 26), (56, 42), (44, 46), (60, 50), (68, 64), (58, 80), (34, 80)]],
    "4": [[(46, 20), (40, 42), (34, 56), (52, 56), (74, 52)], [(64, 22), (62, 55), (59, 88)]],
    "7": [[(30, 24), (50, 23), (70, 21), (58, 50), (48, 84)]],
}
NAMES = ["digits", "odd"]


@pytest.fixture(scope="module")
def folder(gallery):
    return gallery("alive")


@pytest.fixture(scope="module")
def bundles(folder):
    return read_bundles(folder, NAMES)


@pytest.fixture
def opened(folder, browser, request):
    """Opens a network's page as a file. It may say and ask for nothing."""
    pages = []

    def opened(name, **options):
        pages.append(AlivePage.file(browser, folder / f"{name}.page.html", **options))
        return pages[-1]

    yield opened
    for page in pages:
        page.close()


@pytest.fixture
def digits(opened):
    return opened("digits")


def number(text):
    return float(text.replace("−", "-"))


def unit_at(rounded):
    """Half a unit of the last place of a number as it is written."""
    return 0.5 * 10.0 ** -len(rounded.partition(".")[2])


@pytest.mark.parametrize("digit", STROKES)
def test_strokes_are_recognized_while_they_are_drawn(digit, digits):
    digits.answer(digits.find("clear").click)
    before = digits.evaluate("() => alive.scene.runs")
    digits.draw(STROKES[digit])
    assert digits.guess() == digit
    # It answered on the way, not only when the pen was lifted.
    assert digits.evaluate("() => alive.scene.runs") - before >= 5
    assert digits.find("said").text_content().startswith(f"First guess: {digit}")
    digits.answer(digits.find("undo").click)
    digits.answer(digits.find("clear").click)
    assert max(digits.evaluate("() => [...alive.scene.bytes]")) == 0


def test_the_eraser_takes_ink_away(digits):
    digits.choose(8)
    ink = digits.evaluate("() => alive.scene.bytes.reduce((a, b) => a + b)")
    digits.find("choice-tool-eraser").check(force=True)
    digits.draw([[(20, 40), (80, 40), (80, 50), (20, 50)]])
    assert digits.evaluate("() => alive.scene.bytes.reduce((a, b) => a + b)") < 0.9 * ink


def test_a_dropped_picture_is_prepared_and_a_broken_one_is_refused(digits, folder):
    digits.answer(lambda: digits.find("file").set_input_files(folder / "digits.png"))
    assert len(set(digits.evaluate("() => [...alive.scene.bytes]"))) > 10
    digits.find("file").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"})
    digits.frame.wait_for_function("() => document.querySelector('[data-testid=note]').textContent != ''")


def test_a_value_s_arithmetic_adds_up(opened):
    # Every kind of layer: maps behind convolutions with and without norms, poolings, joins, rows of numbers.
    for name in NAMES:
        page = opened(name)
        page.choose(3)
        page.find("choice-view-flat").check(force=True)
        tried = set()
        for canvas in page.frame.locator("[data-testid=flat] canvas[data-testid^=maps-]").all():
            canvas.scroll_into_view_if_needed()
            box = canvas.bounding_box()
            for x, y in [(0.06, 0.3), (0.55, 0.55), (0.92, 0.7)]:
                page.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
                page.page.wait_for_timeout(60)
                tried |= check_arithmetic(page)
        assert {"products", "largest of", "max(0"} <= tried or name == "odd", tried


def check_arithmetic(page):
    """Each line of the ledger in focus gives its result, and the last one is the value. Gives what was met."""
    focus = page.evaluate("() => alive.scene.focus && [alive.scene.focus.node, alive.scene.focus.unit]")
    if focus is None:  # between two maps
        return set()
    shown = page.find("value").text_content()
    assert number(shown) == pytest.approx(page.value(*focus), abs=1.01 * unit_at(shown))
    met = set()
    lines = [[cell.text_content() for cell in row.locator("td").all()] for row in page.find("ledger").locator("tr").all()]
    assert number(lines[-1][2].removeprefix("= ")) == number(shown)
    for _, calculation, result in lines:
        result, place = number(result.removeprefix("= ")), unit_at(result)
        products = re.match(r"(\d+) products: (−?[\d.]+) ([+−]) ([\d.]+) bias$", calculation)
        if products:
            bias = number(products[4]) * (1 if products[3] == "+" else -1)
            assert number(products[2]) + bias == pytest.approx(result, abs=3.1 * place), calculation
            check_products(page, number(products[2]), 10 * place)
            met.add("products")
        rectified = re.match(r"max\((?:0, )?(−?[\d.]+)(?:, 0)?\)$", calculation)
        if rectified:
            assert max(0, number(rectified[1])) == pytest.approx(result, abs=1.1 * place), calculation
            met.add("max(0")
        if "largest of" in calculation:
            met.add("largest of")
    return met


def check_products(page, total, within):
    """The maps' sums, as they are listed, are the sum of all products."""
    listed = page.frame.locator("[data-testid=arithmetic] .terms button span:last-child").all_text_contents()
    if 0 < len(listed) < 64:
        rounding = sum(unit_at(text) for text in listed)
        assert sum(number(text) for text in listed) == pytest.approx(total, abs=within + rounding)


def test_a_unit_s_receptive_field_lights_up_in_every_earlier_layer(digits):
    # pool2's unit of row 1, column 2 sees 16×16 pixels from row 4, column 8 on.
    digits.evaluate("() => alive.scene.lookAt(6, 5 * 16 + 1 * 4 + 2, true)")
    regions = digits.evaluate("() => alive.scene.focus.regions")
    assert regions[0] == [[0, 1], [4, 20], [8, 24]]
    assert regions[3] == [[0, 12], [2, 8], [4, 10]]  # pool1, all of whose maps it reads
    assert regions[5] == [[5, 6], [2, 4], [4, 6]]  # relu2, of which it is the largest of four
    # In depth too, something is marked: the picture is another than without a unit in focus.
    marked = digits.find("depth").screenshot()
    digits.page.keyboard.press("Escape")
    digits.frame.wait_for_function("() => !alive.scene.focus")
    digits.page.wait_for_timeout(100)
    assert digits.find("depth").screenshot() != marked


def test_a_click_keeps_a_unit_and_escape_lets_go(digits):
    digits.find("choice-view-flat").check(force=True)
    maps = digits.find("maps-conv1")
    maps.click(position={"x": 30, "y": 30})
    kept = digits.find("value").text_content()
    digits.page.mouse.move(5, 5)
    digits.page.wait_for_timeout(100)
    assert digits.find("value").text_content() == kept and "kept" in digits.find("arithmetic").text_content()
    digits.page.keyboard.press("Escape")
    digits.frame.wait_for_function("() => !document.querySelector('[data-testid=value]')")


def test_the_convolution_steps_through_the_picture(opened):
    for name, node, channel in [("digits", 1, 3), ("odd", 1, 5)]:
        page = opened(name)
        page.choose(2)
        page.find("slow-open").click()
        page.find("slow-channel").select_option(str(channel))
        slider = page.find("slow-slider")
        places = int(slider.get_attribute("max")) + 1
        values = page.value(node)
        for place in [0, places // 2, places - 1]:
            slider.evaluate("(el, at) => { el.value = at; el.dispatchEvent(new Event('input')); }", place)
            page.page.wait_for_timeout(60)
            said = page.find("slow-sum").text_content()
            total, sign, bias, result = re.search(r"(−?[\d.]+) ([+−]) bias ([\d.]+) = (−?[\d.]+)$", said).groups()
            assert number(result) == pytest.approx(values[channel * places + place], abs=1.01 * unit_at(result)), said
            bias = number(bias) * (1 if sign == "+" else -1)
            assert number(total) + bias == pytest.approx(number(result), abs=3.1 * unit_at(result)), said
        page.find("slow-play").click()
        slider.evaluate("el => { el.value = 0; el.dispatchEvent(new Event('input')); }")
        page.frame.wait_for_function("() => document.querySelector('[data-testid=slow-slider]').value > 2")


def test_switches_show_changes_saliency_and_grad_cam(digits):
    digits.choose(4)
    view = digits.find("depth")
    plain = view.screenshot()
    digits.find("choice-show-changes").check(force=True)
    digits.page.wait_for_timeout(150)
    changes = view.screenshot()
    for kind in ["saliency", "grad-cam"]:
        digits.answer(lambda kind=kind: digits.find(f"choice-explain-{kind}").check(force=True))
        heat = digits.evaluate("() => alive.scene.heat !== null")
        assert heat, kind
    digits.answer(lambda: digits.find("cam-layer").select_option(index=0))
    digits.answer(lambda: digits.find("bar-9").click())
    assert digits.evaluate("() => alive.scene.explained") == 9
    assert plain != changes
    # Nothing changed since the last stroke where the last stroke was the same picture.
    digits.choose(4)
    digits.choose(4)
    assert digits.evaluate("() => alive.scene.changeOf(1, 40)") == 0


def test_the_layers_turn_by_dragging_and_come_back(digits):
    view = digits.find("depth")
    digits.page.wait_for_timeout(200)
    start, box = view.screenshot(), view.bounding_box()
    digits.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 30)
    digits.page.mouse.down()
    digits.page.mouse.move(box["x"] + box["width"] / 2 + 120, box["y"] + box["height"] - 60, steps=5)
    digits.page.mouse.up()
    digits.page.mouse.move(5, 5)
    digits.page.wait_for_timeout(200)
    assert view.screenshot() != start
    view.dblclick(position={"x": box["width"] / 2, "y": box["height"] - 20})
    digits.page.mouse.move(5, 5)
    digits.page.wait_for_timeout(800)
    assert view.screenshot() == start


def test_by_keyboard_alone(digits):
    digits.answer(digits.find("clear").click)
    digits.find("pad").focus()
    press = digits.page.keyboard.press
    for _ in range(8):
        press("ArrowUp")
    press(" ")
    for _ in range(12):
        press("ArrowDown")
    press(" ")
    digits.frame.wait_for_function("() => !alive.scene.isBusy && alive.scene.bytes.some(byte => byte > 0)")
    assert digits.guess() == "1"
    press("v")
    digits.find("maps-conv1").focus()
    press("ArrowRight")
    press("Enter")
    assert digits.evaluate("() => alive.scene.kept")
    press("Escape")


def test_a_finger_draws_on_a_phone(opened):
    page = opened("digits", viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    page.answer(page.find("clear").click)
    lines = [[{"x": x / 100, "y": y / 100} for x, y in line] for line in STROKES["7"]]
    touch = page.page.context.new_cdp_session(page.page)
    box = page.find("pad").bounding_box()
    points = [(box["x"] + p["x"] * box["width"], box["y"] + p["y"] * box["height"]) for p in lines[0]]
    for kind, (x, y) in [("touchStart", points[0]), *[("touchMove", point) for point in points[1:]]]:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
        page.page.wait_for_timeout(30)
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.frame.wait_for_function("() => !alive.scene.isBusy && alive.scene.bytes.some(byte => byte > 0)")
    assert page.guess() == "7"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_file_follows_the_system_s_theme(scheme, opened):
    page = opened("digits", color_scheme=scheme)
    color = page.evaluate("() => getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).slice(0, 3).map(Number)")
    assert (max(color) < 60) == (scheme == "dark"), color


def test_without_scripts_a_file_shows_the_still(folder, browser):
    page = browser.new_page(java_script_enabled=False)
    page.goto((folder / "digits.page.html").as_uri())
    assert page.locator("noscript img").bounding_box()["height"] > 200
    page.close()


# --- in a notebook ----------------------------------------------------------------------------------


def frames_of(page):
    found = page.locator(".convscope-alive iframe").element_handles()
    return [AlivePage(page, handle.content_frame()) for handle in found]


def test_several_figures_on_one_page(browser, bundles):
    page = browser.new_page(viewport={"width": 1100, "height": 900})
    complaints = listen(page)
    page.set_content("<!DOCTYPE html><body></body>")
    html = [bundles[name]["text/html"] for name in ["digits", "odd", "digits"]]
    page.evaluate("html => { for (const one of html) document.body.insertAdjacentHTML('beforeend', one); }", html)
    one, odd, two = frames_of(page)
    one.choose(3)
    two.choose(8)
    assert (one.guess(), two.guess()) == ("3", "8")
    assert len(odd.model()["classes"]) == 5
    assert page.locator(".convscope-alive > img:visible").count() == 0
    assert all(box.bounding_box()["height"] > 300 for box in page.locator("iframe").all())
    page.close()
    assert complaints == []


@both_themes
def test_trusted_it_is_alive_untrusted_a_picture_and_each_once(lab, written, bundles):
    lab.open(written("alive", {"digits": bundles["digits"]}))
    assert not lab.trusted()
    assert lab.page.locator(".jp-OutputArea-output iframe").count() == 0
    assert lab.page.locator(".jp-OutputArea-output img:visible").count() == 1
    lab.trust()
    assert lab.trusted()
    [figure] = frames_of(lab.page)
    figure.find("pad").scroll_into_view_if_needed()
    assert lab.page.locator(".jp-OutputArea-output img:visible").count() == 0
    dark = figure.evaluate("() => document.documentElement.dataset.theme")
    assert dark == ("dark" if "Dark" in lab.theme else "light")
    figure.answer(figure.find("clear").click)
    figure.draw(STROKES["7"])
    assert figure.guess() == "7"
    # Nothing is cut off, and nothing scrolls inside.
    box = lab.page.locator(".convscope-alive iframe").bounding_box()
    assert figure.evaluate("() => document.documentElement.scrollHeight") <= box["height"] + 1
    # Saved and reopened it is alive again.
    lab.save()
    lab.reopen()
    [figure] = frames_of(lab.page)
    figure.choose(3)
    assert figure.guess() == "3"


def test_of_a_bundle_no_text_reaches_the_page_unescaped(gallery, vega_file, browser):
    bundle = json.loads((gallery("hostile", vega_file) / "Alive.json").read_text(encoding="utf-8"))
    page = browser.new_page(viewport={"width": 1100, "height": 900})
    complaints = listen(page)
    page.set_content("<!DOCTYPE html><body></body>")
    page.evaluate("html => document.body.insertAdjacentHTML('beforeend', html)", bundle["text/html"])
    [figure] = frames_of(page)
    for view in ["flat", "depth"]:
        figure.find(f"choice-view-{view}").check(force=True)
        box = figure.find(view).bounding_box()
        for x, y in [(0.2, 0.2), (0.4, 0.5), (0.6, 0.6), (0.8, 0.4)]:
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
            page.wait_for_timeout(40)
    figure.find("slow-open").click()
    figure.answer(lambda: figure.find("choice-explain-grad-cam").check(force=True))
    ran = "() => window.hacked !== undefined || document.querySelector('[onload], [onerror], a[href^=javascript]') !== null"
    assert not page.evaluate(ran) and not figure.evaluate(ran)
    text = figure.evaluate("() => document.body.innerText")
    assert "</script><script>window.hacked = 1</script>" in text, "the names are there, as text"
    assert "\u202e" not in text and "\\u{202e}" in text
    assert figure.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    page.close()
    assert complaints == []
