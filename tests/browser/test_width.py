"""Figures in an output area of 800 pixels: nothing is cut off behind a scroll bar."""

import json

import pytest

TOPICS = ["heat", "maps", "motion", "outputs"]
AREA = 800

# Each output's room and what it takes.
WIDTHS = """() => [...document.querySelectorAll('.jp-Notebook .jp-OutputArea-output')]
    .map(output => [output.clientWidth, output.scrollWidth])"""


@pytest.mark.parametrize("topic", TOPICS)
def test_every_figure_fits_an_output_area_of_800_pixels(topic, gallery, written, lab):
    folder = gallery(topic)
    bundles = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
    before = lab.page.viewport_size
    try:
        lab.open(written("widths", bundles))
        lab.scroll_through()
        [room, _] = lab.page.evaluate(WIDTHS)[0]
        lab.page.set_viewport_size({**before, "width": before["width"] + AREA - room})
        lab.page.wait_for_timeout(300)  # the notebook is laid out anew
        widths = dict(zip(bundles, lab.page.evaluate(WIDTHS), strict=True))
        assert {room for room, _ in widths.values()} == {AREA}
        assert {name: taken for name, (room, taken) in widths.items() if taken > room} == {}
    finally:
        lab.page.set_viewport_size(before)
