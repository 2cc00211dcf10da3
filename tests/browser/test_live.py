"""Pictures that change while a cell runs, and the stop button, through the real kernel, in JupyterLab and in
Notebook 7. Both notebooks stay open for all tests here, each with a kernel of its own."""

import importlib.util

import nbformat
import pytest
from conftest import photograph
from jupyter_client.kernelspec import find_kernel_specs
from live_page import FRONT_ENDS, LivePage, pictures, text
from notebook_page import Server

FIRST, THREE, FILLS_IN, STOPPED, AFTERWARDS = range(5)


def cells(digit):
    return [
        f':dep convscope = "0.1"\nuse convscope::prelude::*;\nuse std::time::Duration;\n'
        f"let net = zoo::digits()?;\nlet digit = data::digit({digit}, 2)?;",
        "for layer in [\"conv1\", \"conv2\"] {\n    net.feature_maps(&digit, layer)?.show();\n    println!(\"after {layer}\");\n}\n"
        "saliency(&net, &digit, Target::Top)?.show();",
        "Rise::default().masks(1_000_000).time_limit(Duration::from_secs(12)).explain(&net, &digit, Target::Top)?",
        "Rise::default().masks(1_000_000).explain(&net, &digit, Target::Top)?",
        "(digit.title().to_owned(), net.name().to_owned())",
    ]


@pytest.fixture(scope="module")
def notebooks(browser, tmp_path_factory):
    if importlib.util.find_spec("notebook") is None:
        pytest.skip("skipped: no Notebook 7 (`make setup` installs it)")
    if "convscope" not in find_kernel_specs():
        pytest.skip("skipped: the convscope kernel is not installed (`make setup`)")
    with Server(tmp_path_factory.mktemp("live"), kernels=True) as server:
        pages = {}
        for digit, name in zip([4, 7], FRONT_ENDS, strict=True):
            pages[name] = LivePage(browser, server, name, cells(digit))
            pages[name].begin(FIRST)  # both compile at once
        for page in pages.values():
            last = page.watch(FIRST, limit=180)[-1]
            assert text(last) == "", f"{page.front_end}: {text(last)}"
        yield pages


@pytest.fixture(params=list(FRONT_ENDS))
def live(request, notebooks):
    page = notebooks[request.param]
    yield page
    photograph(request, page)


def test_three_figures_of_a_cell_are_three_figures(live):
    live.run(THREE)
    outputs = live.settled(THREE)["outputs"]
    shown = [bool(output["pictures"]) for output in outputs]
    said = [output["text"] for output in outputs if not output["pictures"]]
    assert shown == [True, False, True, False, True], outputs
    assert said == ["after conv1", "after conv2"]


def test_two_maps_fill_in_at_once_each_in_its_notebook(notebooks):
    for page in notebooks.values():
        page.begin(FILLS_IN)
    states = {name: [] for name in notebooks}
    while any(not seen or seen[-1]["runs"] for seen in states.values()):
        for name, page in notebooks.items():
            states[name].append(page.look(FILLS_IN))
    for (name, seen), digit in zip(states.items(), "47", strict=True):
        under_way = [state for state in seen if state["runs"]]
        stills = list(dict.fromkeys(picture for state in under_way for picture in pictures(state)))
        assert len(stills) >= 2, f"{name}: {len(stills)} pictures while it ran"
        most = max(len(pictures(state)) for state in under_way)
        assert most == 1, f"{name}: {most} pictures at once, which should replace one another"
        assert any("RISE: " in text(state) and "s left" in text(state) for state in under_way), f"{name}: no bar"
        last = notebooks[name].settled(FILLS_IN)
        assert len(pictures(last)) == 1, f"{name}: {text(last)}"
        # The figure that ends the cell, not the last still: it moves.
        assert notebooks[name].cell(FILLS_IN).locator(".vega-embed").count() == 1, name
        assert "s left" not in text(last)
        notebooks[name].save()
        (figure,) = [output for output in saved(notebooks[name], FILLS_IN) if "image/png" in output.get("data", {})]
        assert f"a drawn {digit}" in figure["data"]["text/plain"], figure["data"]["text/plain"]


def test_the_stop_button_leaves_the_figure_so_far_and_the_variables(notebooks):
    for page in notebooks.values():
        page.begin(STOPPED)
    for page in notebooks.values():
        page.watch(STOPPED, until=lambda state: bool(pictures(state)))
        page.stop()
    for name, page in notebooks.items():
        page.watch(STOPPED, limit=30)
        last = page.settled(STOPPED)
        assert len(pictures(last)) == 1, f"{name}: {text(last)}"
        assert page.cell(STOPPED).locator(".vega-embed").count() == 1, f"{name}: {text(last)}"
        assert "stopped after" in text(last), name
        page.begin(AFTERWARDS)
    for name, page in notebooks.items():
        assert '"digits"' in text(page.watch(AFTERWARDS)[-1]), name


def test_a_saved_notebook_has_the_figures_that_were_last(live):
    live.save()
    outputs = [len([o for o in saved(live, cell) if "image/png" in o.get("data", {})]) for cell in (THREE, FILLS_IN, STOPPED)]
    assert outputs == [3, 1, 1]
    before = [len(pictures(live.settled(cell))) for cell in (THREE, FILLS_IN, STOPPED)]
    live.open()
    live.page.wait_for_selector(".vega-embed canvas")
    after = [len(pictures(live.settled(cell))) for cell in (THREE, FILLS_IN, STOPPED)]
    assert before == after == [3, 1, 1]


def saved(page, cell):
    """A cell's outputs in the notebook's file."""
    return nbformat.read(page.path, as_version=4).cells[cell].outputs
