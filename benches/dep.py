"""How long a notebook waits for `:dep` of usual crates: in the first session, and in the next.

Compares, in one run, the convscope kernel with plain evcxr kernels, without and with `:cache 500`. Run it
with the Python that Jupyter runs in, after `convscope install`; no crate asked for should be among
`--with`. What sessions have kept is put aside for that time. The network must be there for crates never
fetched.

    python benches/dep.py
    python benches/dep.py 'polars = "0.50"' 'use polars::prelude::*;'

Processor time is that of evcxr and of the compilers that it ran: it means the same on a busy machine.
"""

import argparse
import contextlib
import json
import os
import shutil
import tempfile
from pathlib import Path

import psutil

from kernel_start import ROOT, Kernel, machine

CRATES = [
    ('ndarray = "0.16"', "ndarray::Array2::<f32>::eye(3).sum()"),
    ('rand = "0.9"', "rand::random::<f32>() < 1.0"),
    (
        'serde_json = "1"\n:dep serde = { version = "1", features = ["derive"] }',
        '#[derive(serde::Serialize)] struct P { x: f32 }\nserde_json::to_string(&P { x: 1.0 })?',
    ),
]


def processor_seconds(kernel):
    root = psutil.Process(kernel.manager.provisioner.pid)
    evcxr = next(p for p in [root, *root.children()] if "evcxr" in Path(p.exe()).name)
    return sum(evcxr.cpu_times()[:4])


def session(specs, name, crates, first=""):
    """Seconds of the clock and of the processor for each crate's cell, in one kernel."""
    times = []
    with Kernel(specs, name) as kernel:
        kernel.run(first or "1 + 1")
        for dep, use in crates:
            before = processor_seconds(kernel)
            seconds, _ = kernel.run(f":dep {dep}\n{use}")
            times.append((seconds, processor_seconds(kernel) - before))
    return times


@contextlib.contextmanager
def put_aside(folder):
    """Nothing lies at `folder` meanwhile; afterwards, what lay there before."""
    aside = folder.with_name(folder.name + "-aside")
    if folder.exists():
        folder.rename(aside)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if aside.exists():
            aside.rename(folder)


def plain_kernel(install, folder):
    """A kernelspec of evcxr alone, with a cache folder of its own."""
    home = folder / "home"
    spec = folder / "specs" / "plain"
    spec.mkdir(parents=True)
    cargo = {name: os.environ.get(name, str(Path.home() / f".{name[:-5].lower()}")) for name in ["CARGO_HOME", "RUSTUP_HOME"]}
    (spec / "kernel.json").write_text(json.dumps({
        "argv": [install["evcxr"], "--control_file", "{connection_file}"],
        "display_name": "plain evcxr",
        "language": "rust",
        "interrupt_mode": "message",
        "env": {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache"), "XDG_CONFIG_HOME": str(home / ".config"), **cargo},
    }))  # fmt: skip
    return spec.parent


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("crate", nargs="*", help="pairs: what stands after :dep, and a line that uses it")
    parser.add_argument(
        "--kernels",
        type=Path,
        default=ROOT / ".convscope" / "venv" / "share" / "jupyter" / "kernels",
        help="the folder that holds the kernelspec `convscope`",
    )
    args = parser.parse_args()
    crates = list(zip(args.crate[::2], args.crate[1::2])) or CRATES
    spec = json.loads((args.kernels / "convscope" / "kernel.json").read_text())
    state = Path(spec["argv"][spec["argv"].index("--state") + 1])
    install = json.loads((state / "install.json").read_text())

    print(f"Machine: {machine()}\n")
    library = ':dep convscope = "0.1"\nuse convscope::prelude::*;'
    columns = {}
    with put_aside(state / "target" / "package" / "kept"):
        for name in ["convscope, first session", "convscope, next"]:
            columns[name] = session(args.kernels, "convscope", crates, library)
            print(f"({name}: done)", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        plain = plain_kernel(install, Path(folder))
        for name, first in [("evcxr, first", ""), ("next", ""), ("evcxr with `:cache 500`, first", ":cache 500"), ("next ", ":cache 500")]:
            columns[name] = session(plain, "plain", crates, first)
            print(f"({name}: done)", flush=True)

    print(f"\n| `:dep` (seconds, of the processor in brackets) | {' | '.join(columns)} |")
    print(f"|---|{'---:|' * len(columns)}")
    rows = [" and ".join(part.split(" ")[0] for part in dep.split("\n:dep ")) for dep, _ in crates]
    for index, row in enumerate(rows):
        cells = [f"{times[index][0]:.1f} ({times[index][1]:.1f})" for times in columns.values()]
        print(f"| `{row}` | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
