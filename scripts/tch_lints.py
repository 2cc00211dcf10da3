"""Looks for calls of tch in src/ that panic where libtorch refuses: `a.matmul(&b)` instead of
`a.f_matmul(&b)?`, and operators on tensors.

Clippy does the looking, so types count and not names. The list of methods is tch's own: each that has a
twin with `f_` before its name. Tests may panic, so only the library is looked at.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# They fail for an undefined tensor alone, which is refused where tensors come in.
HARMLESS = {"kind", "is_floating_point", "is_complex"}
# Without a twin, and panic all the same.
MORE = ["tch::IndexOp::i", "tch::Tensor::flat_view", "tch::Tensor::onehot", "tch::Tensor::zero_grad", "tch::Tensor::random_batch"]
# Operators may be used on these.
NUMBERS = [f"{sign}{bits}" for sign in "iu" for bits in (8, 16, 32, 64, 128, "size")] + ["maximize::objective::Objective"]


def tch():
    """The folder of the version that is built."""
    command = ("cargo", "metadata", "--locked", "--format-version", "1")
    packages = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)["packages"]
    return next(Path(package["manifest_path"]).parent for package in packages if package["name"] == "tch")


def panicking(folder):
    names = set()
    for file in sorted((folder / "src").rglob("*.rs")):
        for block in re.findall(r"^impl Tensor \{\n(.*?)^\}", file.read_text(), re.M | re.S):
            names |= set(re.findall(r"^    pub fn (?:r#)?(\w+)", block, re.M))
    twins = {name for name in names if f"f_{name}" in names}
    if len(twins) < 2_000:
        sys.exit(f"only {len(twins)} methods with a twin in {folder}: is tch written in another way now?")
    return [f"tch::Tensor::{name}" for name in sorted(twins - HARMLESS)]


def main():
    folder = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "tch-lints"
    folder.mkdir(parents=True, exist_ok=True)
    lists = {"disallowed-methods": panicking(tch()) + MORE, "arithmetic-side-effects-allowed": NUMBERS}
    content = "".join(f"{key} = {json.dumps(values)}\n" for key, values in lists.items())
    settings = folder / "clippy.toml"
    # Its date is what tells cargo whether to look again.
    if not settings.exists() or settings.read_text() != content:
        settings.write_text(content)
    lints = ("-D", "clippy::disallowed_methods", "-D", "clippy::arithmetic_side_effects")
    command = ("cargo", "clippy", "-p", "convscope", "--lib", "--locked", "--", *lints)
    sys.exit(subprocess.run(command, cwd=ROOT, env=os.environ | {"CLIPPY_CONF_DIR": str(folder)}).returncode)


if __name__ == "__main__":
    main()
