"""A network in a page is drawn on: by mouse, finger and keyboard, and with pictures that are dropped on it."""

import pytest
from alive_page import STROKES

# What was drawn is answered.
DRAWN = "() => alive.scene.isSettled && alive.scene.bytes.some(byte => byte > 0)"


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


def test_a_dropped_picture_is_prepared_and_a_broken_one_is_refused(digits, networks):
    digits.answer(lambda: digits.find("file").set_input_files(networks / "digits.png"))
    assert len(set(digits.evaluate("() => [...alive.scene.bytes]"))) > 10
    digits.find("file").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"})
    digits.frame.wait_for_function("() => document.querySelector('[data-testid=note]').textContent != ''")


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
    page.frame.wait_for_function(DRAWN)
    assert page.guess() == "7"


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
    digits.frame.wait_for_function(DRAWN)
    assert digits.guess() == "1"
    press("v")
    digits.find("maps-conv1").focus()
    press("ArrowRight")
    press("Enter")
    assert digits.evaluate("() => alive.scene.kept")
    press("Escape")
