"""The view in depth: turned by dragging, and used by keyboard."""


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


def test_arrow_keys_go_through_a_layer_and_page_keys_through_layers(digits):
    view = digits.find("depth")
    view.focus()
    place = lambda: digits.evaluate("() => [alive.scene.focus.node, alive.scene.focus.unit]")  # noqa: E731
    press = digits.page.keyboard.press
    press("ArrowRight")  # shows where the keyboard is: in the first convolution
    assert place() == [2, 0]
    press("ArrowRight")
    press("ArrowDown")
    assert place() == [2, 25]
    said = digits.find("said-depth").text_content()
    assert said.startswith("conv1, map 0, row 1, column 1: "), said
    assert digits.find("value").count() == 1
    press("PageDown")
    node, _ = place()
    assert node > 2
    press("End")
    node, _ = place()
    assert digits.model()["output"]["node"] == node
    press("ArrowDown")
    assert place() == [node, 1]
    press("Enter")
    assert digits.evaluate("() => alive.scene.kept")
    before = view.screenshot()
    press("Shift+ArrowLeft")  # turns, and stays at the value
    digits.page.wait_for_timeout(100)
    assert place() == [node, 1] and view.screenshot() != before
    press("Escape")
    assert digits.evaluate("() => alive.scene.focus") is None
