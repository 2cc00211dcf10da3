"""How often a network in a page answers while one draws, in Chromium: digits and ResNet-20 for CIFAR.

A line is drawn for some seconds, as fast as a mouse reports; answers are counted, each of which has been shown.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/browser"))

from alive_page import AlivePage  # noqa: E402
from conftest import CHROMIUM_ARGS, chromium  # noqa: E402

SECONDS = 4
WANTED = {"digits": 30, "untrained": 10}


def rate(page):
    """Answers a second while a line is drawn."""
    box, mouse = page.find("pad").bounding_box(), page.page.mouse
    page.answer(page.find("clear").click)
    mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.2 * box["height"])
    mouse.down()
    runs, began, at = page.evaluate("() => alive.scene.runs"), time.monotonic(), 0
    while time.monotonic() - began < SECONDS:
        at += 1
        x, y = 0.3 + 0.4 * (at % 40) / 40, 0.2 + 0.6 * (at % 57) / 57
        mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    answers = page.evaluate("() => alive.scene.runs") - runs
    seconds = time.monotonic() - began
    mouse.up()
    return answers / seconds


def main():
    if chromium() is None:
        print("skipped: no Chromium (install Debian's chromium or set CONVSCOPE_CHROMIUM)")
        return
    from playwright.sync_api import sync_playwright

    folder = Path(tempfile.mkdtemp())
    try:
        gallery = ["cargo", "run", "--quiet", "--locked", "--example", "gallery", "--", "alive", folder]
        subprocess.run(gallery, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGS)
            for name, wanted in WANTED.items():
                page = AlivePage.file(browser, folder / f"{name}.page.html")
                print(f"{'answers a second, ' + page.model()['name']:44} {rate(page):>9.1f}    (wanted: {wanted})")
                page.close()
            browser.close()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
