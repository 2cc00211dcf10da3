"""Executed notebooks, as a reader sees them in JupyterLab."""

import pytest
import sample
from conftest import EXECUTED, ROOT
from notebook_page import changed, complaints, open_notebook, screenshots, scroll_through, settled

SCREENS = ROOT / "target/screens"
NOTEBOOKS = ["sample", *sorted(path.stem for path in EXECUTED.glob("*.ipynb"))]
if "00_tour" not in NOTEBOOKS:
    NOTEBOOKS.append("00_tour")  # to be skipped aloud


@pytest.fixture(params=NOTEBOOKS)
def notebook(request, lab, tmp_path_factory):
    """A notebook's path: the hand-made sample, and every one that was executed."""
    if request.param == "sample":
        return sample.write(tmp_path_factory.mktemp("sample") / "sample.ipynb")
    path = EXECUTED / f"{request.param}.ipynb"
    if not path.exists():
        pytest.skip(f"skipped: target/tour/{path.name} is not there (make tour)")
    return path


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_output_is_visible(notebook, theme, page, lab):
    wanted = open_notebook(page, lab, notebook, f"JupyterLab {theme.title()}")
    figures = scroll_through(page)
    screenshots(page, SCREENS / f"{notebook.stem}-{theme}")
    assert complaints(page) == []
    assert len(figures) >= wanted
    assert [where for where, seen in figures if not seen] == [], "figures that can't be seen"


def test_the_opacity_slider_changes_the_photo(notebook, page, lab):
    open_notebook(page, lab, notebook)
    # A heatmap's, which hides weak values too: feature maps have one for what a click enlarges.
    slider_of = lambda name: page.locator(".jp-OutputArea-output", has=page.locator(f"input[name={name}]")).first  # noqa: E731
    figure = slider_of("opacity" if notebook.stem == "sample" else "threshold")
    if figure.count() == 0:
        pytest.skip(f"skipped: no heatmap in {notebook.name}")
    canvas, slider = figure.locator("canvas").first, figure.locator("input[name=opacity]")
    slider.scroll_into_view_if_needed()

    # By the keyboard, as a reader without a mouse would: Home and End go to the ends.
    slider.focus()
    slider.press("Home")
    bare = settled(canvas)
    slider.press("End")
    count, box, whole = changed(bare, settled(canvas))
    assert count > 0.05 * whole, f"only {count} pixels of {whole} changed"
    assert count > 0.3 * box, "the heatmap covers less than a third of its own box"

    slider.press("Home")
    assert changed(bare, settled(canvas))[0] == 0, "back at the start the picture is another"
