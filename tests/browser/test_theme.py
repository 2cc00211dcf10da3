"""Figures in JupyterLab's light and dark theme: the page's paper, and words that can be read on it."""

import json

import pytest
from conftest import both_themes

TOPICS = ["heat", "maps", "motion", "outputs"]
# What WCAG asks of small text.
LEAST_CONTRAST = 4.5

# The figure's paper, at its corner, and the colors of its words, each with one of them.
PAPER = "canvas => [...canvas.getContext('2d').getImageData(1, 1, 1, 1).data]"
INKS = "canvas => [canvas.inks, canvas.outlined ?? []]"


def luminance(rgb):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in rgb)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def rgb(color):
    return tuple(int(color[i : i + 2], 16) for i in (1, 3, 5))


@both_themes
@pytest.mark.parametrize("topic", TOPICS)
def test_a_figure_has_the_pages_paper_and_readable_words(topic, gallery, written, lab, request):
    folder = gallery(topic)
    bundles = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
    lab.open(written("themes", bundles))
    lab.scroll_through()
    dark = "dark" in request.node.name
    faint = []
    for name, figure in zip(bundles, lab.figures(bundles), strict=True):
        *paper, alpha = figure.canvas.evaluate(PAPER)
        assert alpha == 255 and (luminance(paper) < 0.02) == dark, f"{name}: paper {paper}"
        # Words in color are those of a class; words with an outline are over pictures.
        inks, outlined = figure.canvas.evaluate(INKS)
        greys = {c: text for c, text in inks.items() if len(set(rgb(c))) == 1 and text not in outlined}
        faint += [(name, text) for c, text in greys.items() if contrast(rgb(c), paper) < LEAST_CONTRAST]
    assert faint == []
