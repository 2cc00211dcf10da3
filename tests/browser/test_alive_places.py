"""Where a network's page is shown: as a file, several on one page, in a notebook that is trusted or is not."""

import json

import pytest
from alive_page import STROKES, AlivePage, listen
from conftest import both_themes, read_bundles


@pytest.fixture(scope="module")
def bundles(networks):
    return read_bundles(networks, ["digits", "odd"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_file_follows_the_system_s_theme(scheme, opened):
    page = opened("digits", color_scheme=scheme)
    color = page.evaluate("() => getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).slice(0, 3).map(Number)")
    assert (max(color) < 60) == (scheme == "dark"), color


def test_without_scripts_a_file_shows_the_still(networks, browser):
    page = browser.new_page(java_script_enabled=False)
    page.goto((networks / "digits.page.html").as_uri())
    assert page.locator("noscript img").bounding_box()["height"] > 200
    page.close()


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
