"""JupyterLab in a page, and what a test sees of a notebook that is open in it."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

from figure_page import RECORD, VEGA, Figure
from playwright.sync_api import TimeoutError

# No news, no questions, no saving on its own (two pages have notebooks of one name), and every cell in the
# page at once instead of only those in sight.
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}
# Outputs must do without a kernel, so none is started.
PAGE_CONFIG = {"notebookStartsKernel": "false"}

# The notebook's own scrolling element, and the height of all its cells.
SCROLLER = ".jp-WindowedPanel-outer"
CELLS_HEIGHT = "el => el.querySelector('.jp-WindowedPanel-viewport').scrollHeight"
FIGURES = ".jp-OutputArea-output :is(img, canvas)"
TALLEST = 2400  # pixels in one screenshot: in taller ones nobody can read anything

# Closes what is open, without the question whether to save it.
OPEN = """async path => {
    for (const widget of [...jupyterapp.shell.widgets('main')]) widget.dispose();
    const widget = await jupyterapp.commands.execute('docmanager:open', {path});
    await widget.revealed;
}"""
TRUSTED = """() => [...jupyterapp.shell.currentWidget.content.widgets]
    .some(cell => cell.model.type == 'code' && cell.model.trusted)"""

# Brings every cell into sight; gives the figures found, as [where, whether it can be seen]. An image
# that could not be decoded has no size of its own; a canvas on which nothing was drawn has one color.
# It may come a moment later: Vega loads its images after it has made the canvas.
SCROLL_THROUGH = """async selector => {
    const frame = () => new Promise(requestAnimationFrame);
    const drawn = figure => {
        const box = figure.getBoundingClientRect();
        if (Math.min(box.width, box.height) < 8 || !figure.checkVisibility({visibilityProperty: true})) return false;
        if (figure.tagName == 'IMG') return figure.naturalWidth > 0;
        const data = figure.getContext('2d').getImageData(0, 0, figure.width, figure.height).data;
        return data.some((value, i) => value != data[i % 4]);
    };
    const found = [], end = performance.now() + 30000;
    for (const [at, cell] of [...document.querySelectorAll('.jp-Notebook .jp-Cell')].entries()) {
        cell.scrollIntoView();
        await frame();
        for (const figure of cell.querySelectorAll(selector)) {
            figure.scrollIntoView();
            await frame();
            let seen = drawn(figure);
            while (!seen && performance.now() < end) {
                await frame();
                seen = drawn(figure);
            }
            found.push([`${figure.tagName} in cell ${at + 1}`, seen]);
        }
    }
    return found;
}"""

# Every output in which JupyterLab or Vega says that it could not show something.
COMPLAINTS = """() => [...document.querySelectorAll('.jp-OutputArea-output, .jp-Dialog, .vega-embed')]
    .filter(el => el.matches('.jp-Dialog')
        || el.matches('[data-mime-type="application/vnd.jupyter.stderr"]')
        || el.matches('[data-mime-type="application/vnd.jupyter.error"]')
        || /JavaScript Error|Error displaying|Javascript error/i.test(el.innerText))
    .map(el => el.innerText.slice(0, 500))"""


class Server:
    """A running JupyterLab with a folder of its own. Nothing of the person's Jupyter is read or changed."""

    def __init__(self, home, kernels=False):
        self.kernels = kernels
        self.folder, self.home = home / "notebooks", home
        self.folder.mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        for plugin, values in SETTINGS.items():
            self.set(plugin, values)
        if not kernels:
            write_json(home / "config/labconfig/page_config.json", PAGE_CONFIG)

    def __enter__(self):
        own = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
        }
        if not self.kernels:  # rustup's toolchains lie there
            own["HOME"] = ""
        self.environment = os.environ | {name: str(self.home / folder) for name, folder in own.items()}
        command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
        command += [f"--port={self.port}", "--ServerApp.port_retries=0", "--IdentityProvider.token="]
        command += [f"--ServerApp.root_dir={self.folder}", "--expose-app-in-browser"]
        log = self.home / "lab.log"
        with open(log, "w") as output:
            self.process = subprocess.Popen(command, env=self.environment, stdout=output, stderr=output)
        end = time.monotonic() + 120
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.url}/api", timeout=2)
                return self
            time.sleep(0.2)
        self.__exit__()
        raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def set(self, plugin, values):
        write_json(self.home / f"settings/@jupyterlab/{plugin}.jupyterlab-settings", values)


def write_json(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values))


class LabPage:
    """A page with JupyterLab in one theme. Loading it takes seconds, opening another notebook in it does not."""

    def __init__(self, browser, server, theme):
        self.server, self.theme, self.name = server, theme, None
        self.page = browser.new_page(viewport={"width": 1200, "height": 900})
        self.page.set_default_timeout(60_000)
        self.page.add_init_script(RECORD)
        self.load("/doc")  # one document, nothing beside it

    def load(self, path):
        self.server.set("apputils-extension/themes", {"theme": self.theme})
        self.page.goto(f"{self.server.url}{path}?reset")  # reset: no layout from before
        self.page.wait_for_function("() => window.jupyterapp")
        self.page.evaluate("async () => { await jupyterapp.restored; }")
        self.page.wait_for_selector(f"body[data-jp-theme-name='{self.theme}']", state="attached")
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")

    def open(self, path):
        """Opens a copy of the notebook; gives the number of figures in it.

        Returns once all of them are in the page, or when some of them stay away.
        """
        self.name = path.name
        shutil.copy(path, self.server.folder / self.name)
        return self.reopen()

    def reopen(self):
        """Opens the notebook from its file; what is open of it is lost."""
        self.page.mouse.move(0, 0)
        with self.page.expect_response(self.is_file("GET")):
            self.page.evaluate(OPEN, self.name)
        return self.wait_for_figures()

    def reload(self):
        """The same, with JupyterLab itself anew."""
        self.load(f"/doc/tree/{self.name}")
        return self.wait_for_figures()

    def wait_for_figures(self):
        wanted = figures_in(self.server.folder / self.name)
        self.page.wait_for_selector(".jp-NotebookPanel .jp-Cell")
        enough = "([what, number]) => document.querySelectorAll(what).length >= number"
        with contextlib.suppress(TimeoutError):
            self.page.wait_for_function(enough, arg=[FIGURES, wanted], timeout=30_000)
        return wanted

    def save(self):
        with self.page.expect_response(self.is_file("PUT")) as answer:
            # By its button: keys pressed in a figure's frame are the figure's.
            self.page.locator("[data-command='docmanager:save']").first.click()
        assert answer.value.ok
        self.page.wait_for_selector(".jp-mod-dirty", state="detached")

    def is_file(self, method):
        path = f"/api/contents/{self.name}"
        return lambda answer: answer.request.method == method and answer.url.split("?")[0].endswith(path)

    def trust(self):
        """Signs the notebook, as *Trust Notebook* does, and opens it again."""
        command = [sys.executable, "-m", "jupyter", "trust", str(self.server.folder / self.name)]
        subprocess.run(command, env=self.server.environment, stdout=subprocess.DEVNULL, check=True)
        self.reopen()

    def trusted(self):
        return self.page.evaluate(TRUSTED)

    def scroll_through(self):
        return self.page.evaluate(SCROLL_THROUGH, FIGURES)

    def complaints(self):
        return self.page.evaluate(COMPLAINTS)

    def figures(self, bundles):
        """Those of a notebook with one a cell."""
        cells = self.page.locator(".jp-Notebook .jp-Cell")
        return [Figure(self.page, cells.nth(at), bundle[VEGA]) for at, bundle in enumerate(bundles.values())]

    def screenshots(self, path):
        """The whole notebook, from top to bottom, into PATH.png or PATH-1.png, PATH-2.png, ..."""
        for old in path.parent.glob(f"{path.name}*.png"):
            old.unlink()
        scroller = self.page.locator(SCROLLER)
        if scroller.count() == 0:  # nothing is open
            self.page.screenshot(path=f"{path}.png")
            return
        before = self.page.viewport_size
        chrome = before["height"] - scroller.evaluate("el => el.clientHeight")  # menu and toolbar
        height = scroller.evaluate(CELLS_HEIGHT) + 60
        for part, top in enumerate(range(0, height, TALLEST), 1):
            size = {"width": before["width"], "height": chrome + min(TALLEST, height - top)}
            self.page.set_viewport_size(size)
            scroller.evaluate("(el, top) => el.scrollTo(0, top)", top)
            name = f"{path.name}.png" if height <= TALLEST else f"{path.name}-{part}.png"
            self.page.screenshot(path=path.parent / name)
        self.page.set_viewport_size(before)


def figures_in(path):
    """How many outputs of the file hold a picture."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    pictures = ("image/", "application/vnd.vega")
    return sum(any(mime.startswith(pictures) for mime in output.get("data", {})) for output in outputs)
