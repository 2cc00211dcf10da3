"""The look of a network's page: nothing is cut off at any width, and words can be read in both themes."""

import pytest
from test_theme import LEAST_CONTRAST, contrast

# Looks at a unit of the third layer, whose arithmetic then stands below the view.
LOOK = "() => { const {scene} = alive; scene.lookAt(scene.rows[2].node, 30, true); }"

# What is wider than the room it has.
CUT_OFF = """() => ['html', '.side', '.tools', '.toolbar', '.flat', '.inspector', '.parts', '.ledger', '.grids']
    .flatMap(name => [...document.querySelectorAll(name)].map(element => [name, element.scrollWidth, element.clientWidth]))
    .filter(([, taken, room]) => taken > room + 1)"""

# The colors of each text and of what is behind it, as three bytes.
WORDS = """() => [...document.querySelectorAll('#alive *')]
    .filter(element => element.checkVisibility({visibilityProperty: true}) && !element.matches(':disabled, option, .unseen')
        && [...element.childNodes].some(child => child.nodeType == Node.TEXT_NODE && child.data.trim()))
    .map(element => {
        const bytes = color => color.match(/[\\d.]+/g).map(Number);
        let behind = element;
        while (behind.parentElement && bytes(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
        const paper = bytes(getComputedStyle(behind).backgroundColor);
        return [element.innerText, bytes(getComputedStyle(element).color).slice(0, 3), paper.slice(0, 3)];
    })"""


@pytest.mark.parametrize("width", [390, 612, 800, 1600])
def test_nothing_is_cut_off(width, opened):
    for name in ["digits", "untrained"]:
        page = opened(name, viewport={"width": width, "height": 900})
        for view in ["flat", "depth"]:
            page.find(f"choice-view-{view}").check(force=True)
            page.evaluate(LOOK)
            page.find("ledger").wait_for()
            page.page.wait_for_timeout(100)
            assert page.evaluate(CUT_OFF) == [], (name, view)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_read(scheme, opened):
    page = opened("digits", color_scheme=scheme)
    page.evaluate(LOOK)
    page.find("slow-open").click()
    for view in ["depth", "flat"]:
        page.find(f"choice-view-{view}").check(force=True)
        page.page.wait_for_timeout(100)
        words = page.evaluate(WORDS)
        assert len(words) > 30
        assert [(text, ink, paper) for text, ink, paper in words if contrast(ink, paper) < LEAST_CONTRAST] == []
