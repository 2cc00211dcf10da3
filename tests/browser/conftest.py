"""A JupyterLab server and a Chromium for the tests in this folder."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXECUTED = ROOT / "target/tour"  # where `make tour` and `make test` leave what they ran

CHROMIUM_ARGS = [
    "--no-sandbox",  # it can't have one as root in a container, and sees only our own pages
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

# No news, no questions, and every cell in the page at once instead of only those in sight.
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}


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


class Lab:
    """A running JupyterLab whose files are `folder`."""

    def __init__(self, folder, settings, url):
        self.folder, self.settings, self.url = folder, settings, url

    def set(self, plugin, values):
        file = self.settings / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))

    def add(self, path):
        """Copies a notebook in, to be opened without the Rust kernel: its outputs must do without.

        JupyterLab starts a notebook's kernel on opening it, and Python's costs least.
        """
        notebook = json.loads(Path(path).read_text(encoding="utf-8"))
        notebook["metadata"]["kernelspec"] = {"name": "python3", "display_name": "Python", "language": "python"}
        (self.folder / Path(path).name).write_text(json.dumps(notebook), encoding="utf-8")
        return Path(path).name


@pytest.fixture(scope="session")
def lab(browser, tmp_path_factory):  # after `browser`: without one there is no need to start
    home = tmp_path_factory.mktemp("lab")
    folder = home / "notebooks"
    folder.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # Nothing of the person's own Jupyter: neither read nor changed.
    own = {
        "HOME": home,
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": home / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
        "IPYTHONDIR": home / "ipython",
    }
    lab = Lab(folder, home / "settings", f"http://127.0.0.1:{port}")
    for plugin, values in SETTINGS.items():
        lab.set(plugin, values)
    environment = os.environ | {name: str(path) for name, path in own.items()}
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    command += [f"--port={port}", "--ServerApp.port_retries=0"]
    command += ["--IdentityProvider.token=", f"--ServerApp.root_dir={folder}"]
    with open(home / "lab.log", "w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            wait_until_up(server, lab.url, home / "lab.log")
            yield lab
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()


def wait_until_up(server, url, log):
    end = time.monotonic() + 120
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{url}/api", timeout=2)
            return
        time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.set_default_timeout(60_000)
    yield page
    page.close()
