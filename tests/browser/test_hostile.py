"""Every type of figure with names that try to be anything but text: nothing runs, nothing is asked for."""

import re

import pytest
from conftest import ROOT, read_bundles
from figure_page import VEGA

# What a figure's names would do if they got out: they set a flag, ask this host, warn, or open a dialog.
RAN = "() => window.hacked !== undefined || document.querySelector('[onload], [onerror], a[href^=javascript]') !== null"


def figure_types():
    """Every type of the library that can be drawn."""
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.rs"))
    types = {name for text in sources for name in re.findall(r"^impl(?:<.*>)? Figure for (\w+)", text, re.M)}
    return sorted(types - {"Box"})


@pytest.fixture(scope="module")
def folder(gallery, vega_file):
    return gallery("hostile", vega_file)


@pytest.fixture
def watched(browser):
    """A page that tells what ran in it and what it asked for."""
    page = browser.new_page(viewport={"width": 1000, "height": 800})
    seen = []
    page.on("request", lambda request: seen.append(request.url) if not request.url.startswith(("file:", "data:")) else None)
    page.on("console", lambda said: seen.append(said.text))
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("dialog", lambda dialog: (seen.append(dialog.message), dialog.dismiss()))
    yield page, seen
    page.close()


def touch(page, canvas):
    """Moves the pointer over a figure, so that it writes what it keeps for that, and clicks on it."""
    box = canvas.bounding_box()
    for x, y in [(0.1, 0.35), (0.3, 0.5), (0.5, 0.65), (0.75, 0.5), (0.9, 0.4)]:
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * min(box["height"], 760))
    page.mouse.click(box["x"] + 0.3 * box["width"], box["y"] + 0.5 * min(box["height"], 760))


def test_every_type_of_figure_is_tried(folder):
    assert sorted(path.stem for path in folder.glob("*.json")) == figure_types()


def test_no_page_runs_a_name_or_asks_for_anything(folder, watched):
    page, seen = watched
    pages = sorted(folder.glob("*.html"))
    assert len(pages) > len(figure_types())
    for path in pages:
        page.goto(path.as_uri())
        if path.stem.endswith("_interactive"):
            page.wait_for_selector("canvas")
            page.evaluate("async () => { await view.runAsync(); }")
            touch(page, page.locator("canvas").first)
        if page.locator("#alive").count():
            page.evaluate("async () => { await alive.ready; }")
            touch(page, page.get_by_test_id("depth"))
        assert not page.evaluate(RAN), path.name
        assert "&lt;script&gt;window.h" in page.content(), f"{path.name} has lost its names"
        assert seen == [], path.name


def test_no_notebook_runs_a_name(folder, written, lab):
    names = figure_types()
    bundles = read_bundles(folder, names)
    assert all(set(bundle) <= {VEGA, "text/html", "image/png", "text/plain"} for bundle in bundles.values())
    asked = []
    listen = lambda request: asked.append(request.url) if "hostile" in request.url else None  # noqa: E731
    lab.page.on("request", listen)
    try:
        lab.open(written("names", bundles))
        figures = lab.scroll_through()
        assert [where for where, seen in figures if not seen] == []
        cells = lab.page.locator(".jp-Notebook .jp-Cell")
        for at, name in enumerate(names):
            if VEGA in bundles[name]:
                canvas = cells.nth(at).locator("canvas").first
                canvas.scroll_into_view_if_needed()
                touch(lab.page, canvas)
        assert not lab.page.evaluate("() => window.hacked !== undefined")
        assert asked == []
    finally:
        lab.page.remove_listener("request", listen)
