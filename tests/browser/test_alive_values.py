"""What a network's page says of its values: the arithmetic, what a unit sees, one convolution step by step, and what
is laid over the picture."""

import re

import pytest



def number(text):
    return float(text.replace("−", "-"))


def unit_at(rounded):
    """Half a unit of the last place of a number as it is written."""
    return 0.5 * 10.0 ** -len(rounded.partition(".")[2])


def test_a_value_s_arithmetic_adds_up(opened):
    # Every kind of layer: maps behind convolutions with and without norms, poolings, joins, rows of numbers.
    for name in ["digits", "odd"]:
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
