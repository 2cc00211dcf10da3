"""The notebooks, as a reader sees them in JupyterLab.

They are opened as they are committed, the tour in both themes. With CONVSCOPE_BROWSER=all they are opened
as they were executed last, with README's, and all of them in both themes.
"""

import json
import os

import pytest
import sample
from conftest import ROOT
from figure_page import VEGA, Figure, changed

ALL = os.environ.get("CONVSCOPE_BROWSER") == "all"
FOLDER = ROOT / ("target/tour" if ALL else "notebooks")
NOTEBOOKS = {path.stem: path for path in sorted(FOLDER.glob("*.ipynb"))}
IN_DARK = ["sample", *NOTEBOOKS] if ALL else ["sample", "00_tour"]


def has_heatmap(path):
    """Whether a slider hides its weak values: feature maps have one for what a click enlarges."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    specs = [output.get("data", {}).get(VEGA, {}) for cell in cells for output in cell.get("outputs", [])]
    return any(signal["name"] == "threshold" for spec in specs for signal in spec.get("signals", []))


HEATMAPS = [name for name, path in NOTEBOOKS.items() if has_heatmap(path)]


@pytest.fixture
def notebook(request, tmp_path):
    if request.param == "sample":
        return sample.write(tmp_path / "sample.ipynb")
    return NOTEBOOKS[request.param]


def test_the_tour_and_other_notebooks_with_heatmaps_are_there():
    assert "00_tour" in HEATMAPS and len(HEATMAPS) >= 3


@pytest.mark.parametrize(
    ("notebook", "lab"),
    [(name, "light") for name in ["sample", *NOTEBOOKS]] + [(name, "dark") for name in IN_DARK],
    indirect=True,
)
def test_every_output_is_visible(notebook, lab):
    wanted = lab.open(notebook)
    figures = lab.scroll_through()
    assert len(figures) >= wanted > 0
    assert [where for where, seen in figures if not seen] == [], "figures that can't be seen"


@pytest.mark.parametrize("notebook", ["sample", *HEATMAPS], indirect=True)
def test_the_opacity_slider_changes_the_photo(notebook, lab):
    lab.open(notebook)
    name = "opacity" if notebook.stem == "sample" else "threshold"
    output = lab.page.locator(".jp-OutputArea-output", has=lab.page.locator(f"input[name={name}]")).first
    figure = Figure(lab.page, output)
    slider = figure.input("opacity")
    slider.scroll_into_view_if_needed()

    # By the keyboard, as a reader without a mouse would: Home and End go to the ends.
    slider.focus()
    slider.press("Home")
    bare = figure.settled()
    slider.press("End")
    count, box, whole = changed(bare, figure.settled())
    assert count > 0.05 * whole, f"only {count} pixels of {whole} changed"
    assert count > 0.3 * box, "the heatmap covers less than a third of its own box"

    slider.press("Home")
    assert changed(bare, figure.settled())[0] == 0, "back at the start the picture is another"
