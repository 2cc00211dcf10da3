"""README's section "In a Rust project", followed word by word outside the workspace."""

import os
import re
import subprocess
from pathlib import Path

from PIL import Image, ImageChops

ROOT = Path(__file__).resolve().parents[2]
COMMAND = os.environ.get("CONVSCOPE_BIN", f"{ROOT}/.convscope/tools/bin/convscope")
# Compiled once, not for each run.
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "project"


def section(title):
    """The blocks of code in a section of README: (language, code)."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").split(f"\n## {title}\n")[1].split("\n## ")[0]
    return re.findall(r"^```(\w+)[^\n]*\n(.*?)^```", text, re.M | re.S)


def written(file, code):
    return f"cat >{file} <<'CODE'\n{code}CODE\n"


def test_a_program_of_ones_own(tmp_path):
    (_, begin), (_, program), (_, run), (_, build_script) = section("In a Rust project")
    # The one thing that a reader has to fill in, and the place of a set-up that may be shared.
    begin = begin.replace("path/to/convscope/.convscope/tools/bin/convscope", COMMAND).replace("path/to/convscope", str(ROOT))
    lines = ["set -euo pipefail", begin, written("src/main.rs", program), run, "rm guesses.png"]
    lines += [written("build.rs", build_script), "cargo build", "unset LD_LIBRARY_PATH DYLD_LIBRARY_PATH"]
    lines += ['"$CARGO_TARGET_DIR/debug/first-look"', "convscope --version"]
    script = tmp_path / "typed.sh"
    script.write_text("\n".join(lines))
    environment = {name: value for name, value in os.environ.items() if name not in ("LIBTORCH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")}
    environment["CARGO_TARGET_DIR"] = str(TARGET)
    done = subprocess.run(["bash", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^convscope \d+\.\d+", done.stdout, re.M)

    # README shows the same figure further up.
    drawn = Image.open(tmp_path / "first-look/guesses.png").convert("RGB")
    shown = Image.open(ROOT / "docs/pictures/classify.png").convert("RGB")
    assert drawn.size == shown.size
    assert ImageChops.difference(drawn, shown).getbbox() is None
    assert "<canvas" in (page := (tmp_path / "first-look/relu1.html").read_text()) or "<img" in page
