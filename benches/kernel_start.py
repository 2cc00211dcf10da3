"""How long a notebook waits for its first cell, and what its kernel takes in memory.

Compares, in one run, the warm convscope kernel with a plain evcxr kernel that depends on the same
crate. Run it with the Python that Jupyter runs in, after `convscope install`:

    python benches/kernel_start.py --runs 5

The plain kernel compiles tch first, which takes minutes: leave it out with --skip-plain.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import psutil
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpecManager

ROOT = Path(__file__).resolve().parent.parent
PRELUDE = "use convscope::prelude::*;"
FIRST_LET = "let net = zoo::digits()?;"
FIGURE = 'net.filters("conv1")?'
MIB = 1 << 20


class MemoryWatch(threading.Thread):
    """The peak memory of a process and all below it: launcher, evcxr, cargo, rustc, the notebook's
    own process. Pages that several of them share count once (PSS), where the system tells."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.root = psutil.Process(pid)
        self.peak = 0
        self.stopped = threading.Event()
        self.start()

    def run(self):
        while not self.stopped.wait(0.05):
            self.peak = max(self.peak, self.now())

    def now(self):
        return sum(map(memory, self.tree()))

    def tree(self):
        try:
            return [self.root, *self.root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def stop(self):
        self.stopped.set()
        self.join()


def memory(process):
    try:
        full = process.memory_full_info()
        return getattr(full, "pss", full.rss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0


class Kernel:
    """Started on entering; the clock runs from there."""

    def __init__(self, specs, name):
        manager = KernelSpecManager(kernel_dirs=[str(specs)], ensure_native_kernel=False)
        self.manager = KernelManager(kernel_name=name, kernel_spec_manager=manager)

    def __enter__(self):
        self.began = time.monotonic()
        self.manager.start_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.watch = MemoryWatch(self.manager.provisioner.pid)
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=600)
        self.ready = self.since_start()
        return self

    def __exit__(self, *_):
        self.watch.stop()
        self.client.stop_channels()
        self.manager.shutdown_kernel()

    def since_start(self):
        return time.monotonic() - self.began

    def run(self, code):
        """Runs a cell; returns its seconds, and the peak of memory so far in MiB."""
        faults = []

        def hook(message):
            if message["msg_type"] == "error":
                faults.append(message["content"]["evalue"])
            # evcxr calls a cell whose `?` failed a success; stderr tells.
            elif message["content"].get("name") == "stderr":
                faults.append(message["content"]["text"])

        began = time.monotonic()
        self.client.execute_interactive(code, timeout=1800, output_hook=hook)
        if faults:
            raise SystemExit(f"This cell failed:\n{code}\n\n" + "\n".join(faults))
        return time.monotonic() - began, self.watch.peak / MIB


def warm_run(specs):
    with Kernel(specs, "convscope") as kernel:
        _, dep_peak = kernel.run(f':dep convscope = "0.1"\n{PRELUDE}')
        start = kernel.since_start()
        let, let_peak = kernel.run(FIRST_LET)
        figure, figure_peak = kernel.run(FIGURE)
        return {
            "answers": kernel.ready,
            "start": start,
            "let": let,
            "figure": figure,
            "dep_peak": dep_peak,
            "let_peak": let_peak,
            "figure_peak": figure_peak,
            "rest": kernel.watch.now() / MIB,
        }


def plain_run(specs):
    spec = json.loads((specs / "convscope" / "kernel.json").read_text())
    state = Path(spec["argv"][spec["argv"].index("--state") + 1])
    install = json.loads((state / "install.json").read_text())
    crate = install["source"].get("checkout")
    dep = f'{{ path = "{crate}" }}' if crate else f'"{install["source"]["registry"]}"'
    library_path = f"{install['libtorch']}/lib:{os.environ.get('LD_LIBRARY_PATH', '')}"
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain"
        plain.mkdir()
        (plain / "kernel.json").write_text(json.dumps({
            "argv": [install["evcxr"], "--control_file", "{connection_file}"],
            "display_name": "plain evcxr",
            "language": "rust",
            "interrupt_mode": "message",
            "env": {"LIBTORCH": install["libtorch"], "LD_LIBRARY_PATH": library_path},
        }))
        with Kernel(Path(folder), "plain") as kernel:
            _, peak = kernel.run(f":dep convscope = {dep}\n{PRELUDE}")
            return kernel.since_start(), peak


def machine():
    cpu = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0].split(":", 1)[1].strip() if names else cpu
    memory = psutil.virtual_memory().total / (1 << 30)
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores, {cpu}, {memory:.0f} GiB; load before: {load:.1f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--runs", type=int, default=3, help="runs of the warm kernel (median)")
    parser.add_argument("--skip-plain", action="store_true", help="leave out the plain kernel")
    parser.add_argument(
        "--kernels",
        type=Path,
        default=ROOT / ".convscope" / "venv" / "share" / "jupyter" / "kernels",
        help="the folder that holds the kernelspec `convscope`",
    )
    args = parser.parse_args()
    if not (args.kernels / "convscope" / "kernel.json").exists():
        raise SystemExit(f"no convscope kernel in {args.kernels}: run `convscope install`")

    print(f"Machine: {machine()}\n")
    runs = [warm_run(args.kernels) for _ in range(args.runs)]
    median = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    plain = None if args.skip_plain else plain_run(args.kernels)

    print("| from the kernel's start to | convscope | plain evcxr |")
    print("|---|---:|---:|")
    print(f"| its first answer | {median['answers']:.1f} s | |")
    plain_start = f"{plain[0]:.0f} s" if plain else "not run"
    print(f"| the end of the first cell (`:dep convscope`) | {median['start']:.1f} s | {plain_start} |")
    if plain:
        print(f"| ratio | 1 | {plain[0] / median['start']:.0f} |")
    print(f"\nThen `{FIRST_LET}` took {median['let']:.1f} s, `{FIGURE}` {median['figure']:.1f} s.")
    print("\n| peak memory of all processes, up to the end of | convscope | plain evcxr |")
    print("|---|---:|---:|")
    plain_peak = f"{plain[1]:.0f} MiB" if plain else "not run"
    print(f"| the first cell | {median['dep_peak']:.0f} MiB | {plain_peak} |")
    print(f"| the first `let` | {median['let_peak']:.0f} MiB | |")
    print(f"| the first figure | {median['figure_peak']:.0f} MiB | |")
    print(f"| (at rest then) | {median['rest']:.0f} MiB | |")
    print(f"\nMedian of {args.runs} run(s).")


if __name__ == "__main__":
    main()
