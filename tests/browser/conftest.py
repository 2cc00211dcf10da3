"""What the tests in this folder share: a Chromium, a JupyterLab, and the figures that the library drew."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest
import vega
from alive_page import AlivePage
from figure_page import BarePage
from notebook_page import LabPage, Server

ROOT = Path(__file__).resolve().parents[2]
SCREENS = ROOT / "target/screens"

CHROMIUM_ARGS = [
    "--no-sandbox",  # it can't have one as root in a container, and sees only our own pages
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def chromium():
    asked = os.environ.get("CONVSCOPE_CHROMIUM")
    return asked or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def browser():
    path = chromium()
    if path is None:
        pytest.skip("skipped: no Chromium (install Debian's chromium or set CONVSCOPE_CHROMIUM)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGS)
        yield browser
        browser.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    item.failed = getattr(item, "failed", False) or report.failed
    return report


def photograph(request, page):
    """Keeps a picture of the page if the test has failed, or if SCREENS asks for all."""
    if os.environ.get("SCREENS") or getattr(request.node, "failed", False):
        SCREENS.mkdir(parents=True, exist_ok=True)
        name = f"{request.path.stem}-{request.node.name}".replace("test_", "")
        page.screenshots(SCREENS / "".join(c if c.isalnum() or c in "-_" else "-" for c in name).rstrip("-"))


@pytest.fixture(scope="session")
def gallery(browser, tmp_path_factory):  # after `browser`: without one there is nothing to draw for
    """Draws the figures of a topic; gives the folder that they are in."""
    subprocess.run(["cargo", "build", "--quiet", "--locked", "--example", "gallery"], cwd=ROOT, check=True)
    program = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug/examples/gallery"

    def draw(topic, *files):
        folder = tmp_path_factory.mktemp(topic)
        # One thread: the networks are small, and Chromium wants the other cores.
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        subprocess.run([program, topic, folder, *files], env=environment, stdout=subprocess.DEVNULL, check=True)
        return folder

    return draw


@pytest.fixture(scope="session")
def vega_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("vega") / "vega.js"
    path.write_text(vega.script(), encoding="utf-8")
    return path


@pytest.fixture
def bare(browser, vega_file, request):
    """A new page for figures, with nothing else in it."""
    page = BarePage(browser, vega_file)
    yield page
    photograph(request, page)
    complaints = page.complaints()
    page.close()
    assert complaints == []


@pytest.fixture(scope="session")
def server(browser, tmp_path_factory):  # after `browser`: without one there is no need to start
    with Server(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture(scope="session")
def light(browser, server):
    return LabPage(browser, server, "JupyterLab Light")


@pytest.fixture(scope="session")
def dark(browser, server):
    return LabPage(browser, server, "JupyterLab Dark")


@pytest.fixture
def lab(request):
    """A page with JupyterLab, where every test opens its own notebook. The theme is the parameter."""
    page = request.getfixturevalue(getattr(request, "param", "light"))
    yield page
    photograph(request, page)
    assert page.complaints() == []


both_themes = pytest.mark.parametrize("lab", ["light", "dark"], indirect=True)


@pytest.fixture
def written(tmp_path):
    """Writes a notebook with a figure a cell. Nobody has signed it, so JupyterLab doesn't trust it."""

    def write(name, bundles):
        v4 = nbformat.v4
        cells = []
        for title, bundle in bundles.items():
            output = v4.new_output("execute_result", data=bundle, execution_count=1)
            cells.append(v4.new_code_cell(title, outputs=[output], execution_count=1))
        path = tmp_path / f"{name}.ipynb"
        nbformat.write(v4.new_notebook(cells=cells), path)
        return path

    return write


@pytest.fixture(params=["bare page", "untrusted", "saved and reopened"])
def everywhere(request, written):
    """Shows figures: on a bare page, in an untrusted notebook, and in one that was saved and reopened."""
    if request.param == "bare page":
        return request.getfixturevalue("bare").show
    lab = request.getfixturevalue("lab")

    def show(bundles):
        lab.open(written("figures", bundles))
        assert not lab.trusted()
        if request.param == "saved and reopened":
            lab.save()
            lab.reopen()
        return lab.figures(bundles)

    return show


@pytest.fixture(scope="session")
def networks(gallery):
    """A folder of networks in their pages."""
    return gallery("alive")


@pytest.fixture
def opened(networks, browser):
    """Opens a network's page as a file. It may say and ask for nothing."""
    pages = []

    def opened(name, **options):
        pages.append(AlivePage.file(browser, networks / f"{name}.page.html", **options))
        return pages[-1]

    yield opened
    for page in pages:
        page.close()


@pytest.fixture
def digits(opened):
    return opened("digits")


def read_bundles(folder, names):
    return {name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in names}
