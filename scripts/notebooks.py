"""Runs notebooks through the convscope kernel, and looks at what they printed.

    python scripts/notebooks.py execute IN.ipynb ... --out DIR [--html]
    python scripts/notebooks.py execute IN.ipynb ... --inplace

Of a Markdown file (README.md) the blocks that begin with ```rust are run, each as a cell, in order.

An error fails the notebook, and so does anything on stderr, where warnings and panics of threads are
written. A cell that means to have one says so with the tag "may-print-stderr" or "raises-exception".
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

# The kernelspec of this very environment, even where the user has another one of that name.
os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"

import nbformat  # noqa: E402
from jupyter_client.manager import AsyncKernelManager  # noqa: E402
from jupyter_core.utils import run_sync  # noqa: E402
from nbclient import NotebookClient  # noqa: E402
from nbclient.exceptions import CellTimeoutError, DeadKernelError  # noqa: E402

KERNEL = "convscope"
EXCUSED = {"may-print-stderr", "raises-exception"}


class CellFailed(Exception):
    """What is wrong with a cell's output; the message is for people."""


def plain(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text).rstrip()


def tidy(cell):
    """Makes one output of lines that came one by one, and numbers the result like its cell (evcxr has
    numbers of its own)."""
    outputs = []
    for output in cell.outputs:
        last = outputs[-1] if outputs else None
        if output.output_type == "stream" and last and last.output_type == "stream" and last.name == output.name:
            last.text += output.text
            continue
        if output.output_type == "execute_result":
            output.execution_count = cell.execution_count
        outputs.append(output)
    cell.outputs = outputs


def check_text(cell):
    """Raises CellFailed if the cell failed, or wrote to stderr."""
    if EXCUSED & set(cell.metadata.get("tags", [])):
        return
    for output in cell.outputs:
        if output.output_type == "error":
            raise CellFailed(plain("\n".join(output.traceback) or f"{output.ename}: {output.evalue}"))
        if output.output_type == "stream" and output.name == "stderr":
            raise CellFailed(f"on stderr:\n{plain(output.text)}")


def check_figures(cell):
    """Raises CellFailed if a figure was not drawn, or would be lost where scripts don't run (GitHub,
    nbviewer, PDF).

    Returns how many figures there are.
    """
    figures = 0
    for output in cell.outputs:
        data = output.get("data", {})
        vega = [mime for mime in data if mime.startswith("application/vnd.vega")]
        images = [mime for mime in data if mime.startswith("image/")]
        if vega and "text/html" in data:
            raise CellFailed(f"text/html hides {vega[0]}: a figure may have one of them only")
        if vega or images:
            figures += 1
            lacking = {"image/png", "text/plain"} - set(data)
            if lacking:
                raise CellFailed(f"a figure ({', '.join(data)}) without {' and '.join(sorted(lacking))}")
        elif "text/html" in data:
            figures += 1
            if "text/plain" not in data:
                raise CellFailed("text/html without text/plain")
        elif "[a figure:" in data.get("text/plain", ""):
            raise CellFailed(
                "a figure is printed, not drawn: evcxr does that where a variable is moved into what "
                f"ends the cell; borrow it, or name the figure first\n{data['text/plain']}"
            )
    return figures


class Kernel:
    """One kernel for all notebooks of a folder, emptied by `:clear` in between: a start and a first
    `let` take longer than most notebooks."""

    def __init__(self):
        self.manager = self.folder = None

    def lend(self, folder):
        """The kernel's manager, and whether it has run something before."""
        used = self.manager is not None and self.folder == folder
        if not used:
            self.end()
            self.manager, self.folder = AsyncKernelManager(kernel_name=KERNEL), folder
        return self.manager, used

    def end(self):
        if self.manager is not None and self.manager.has_kernel:
            run_sync(self.manager.shutdown_kernel)()
        self.manager = None


def run_cell(client, cell, index, number):
    """Runs a cell and gives it all its outputs. Raises CellFailed."""
    try:
        client.execute_cell(cell, index, execution_count=number)
    except CellTimeoutError:
        raise CellFailed(f"no end after {client.timeout} s (--timeout)") from None
    except DeadKernelError:
        raise CellFailed("the kernel died") from None
    tidy(cell)
    check_text(cell)


def run_unseen(client, code):
    """Runs what is no cell of the notebook. Raises CellFailed."""
    faults = []
    kinds = ("error", "stream")
    hook = lambda message: faults.append(message["content"]) if message["msg_type"] in kinds else None  # noqa: E731
    run_sync(client.kc.execute_interactive)(code, timeout=client.timeout, allow_stdin=False, output_hook=hook)
    if faults:
        raise CellFailed(f"`{code}` failed: {faults}")


def run(notebook, folder, timeout, kernel):
    """Runs all cells, printing a line for each; gives (cells, figures). Raises CellFailed at the first
    bad one, because those after it would only fail for want of its variables."""
    manager, used = kernel.lend(folder)
    client = NotebookClient(
        notebook,
        km=manager,
        timeout=timeout,
        startup_timeout=300,
        allow_errors=True,  # check_text reports them better
        record_timing=False,  # times would make every run a new diff
        resources={"metadata": {"path": str(folder)}},
    )
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    ran = figures = 0
    # What evcxr's process prints besides the notebook's outputs is chatter; its stderr may matter.
    with client.setup_kernel(stdout=subprocess.DEVNULL, cleanup_kc=False):
        if used:
            run_unseen(client, ":clear")
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type != "code" or not cell.source.strip():
                continue
            ran += 1
            first_line = cell.source.strip().splitlines()[0]
            print(f"  [{ran:>2}] {first_line[:70]:<70}", end="", flush=True)
            start = time.monotonic()
            try:
                run_cell(client, cell, index, ran)
                print(f" {time.monotonic() - start:6.1f} s", flush=True)
                figures += check_figures(cell)
            except CellFailed as failed:
                print(flush=True)
                source = "\n".join(f"    | {line}" for line in cell.source.splitlines())
                raise CellFailed(f"cell [{ran}] failed:\n{source}\n{failed}") from None
        info = client.wait_for_reply(client.kc.kernel_info())
        notebook.metadata["language_info"] = info["content"]["language_info"]
    client.kc.stop_channels()
    return ran, figures


def write(notebook, path):
    """Writes the notebook so that the next run differs only where the outputs do."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    nbformat.write(notebook, unfinished)
    os.replace(unfinished, path)


def write_html(notebook, path):
    from nbconvert import HTMLExporter

    # Neither is needed by our figures, and a page should not wait for somebody's server.
    exporter = HTMLExporter(require_js_url="", jquery_url="")
    resources = {"metadata": {"name": path.stem}}
    path.write_text(exporter.from_notebook_node(notebook, resources)[0], encoding="utf-8")


def read(source):
    if source.suffix != ".md":
        return nbformat.read(source, as_version=4)
    blocks = re.findall(r"^```rust\n(.*?)^```", source.read_text(encoding="utf-8"), re.M | re.S)
    cells = [':dep convscope = "0.1"', *blocks]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell.strip()) for cell in cells])


def execute(source, args, kernel):
    """Runs one notebook and says how it went; True if it went well."""
    print(f"{source}", flush=True)
    notebook = read(source)
    start = time.monotonic()
    failure = None
    cells = figures = 0
    try:
        cells, figures = run(notebook, source.resolve().parent, args.timeout, kernel)
    except (CellFailed, RuntimeError) as error:
        failure = error
    except Exception as error:  # no such kernel, no ports, ...: a failed notebook, not our crash
        failure = f"{type(error).__name__}: {error}"

    if failure is not None:
        kernel.end()  # whatever state it is in
    if args.inplace:
        if failure is None:
            write(notebook, source)
    else:
        target = (args.out / source.name).with_suffix(".ipynb")
        write(notebook, target)  # a failed one too: it shows how far it came
        print(f"  {target}")
        if args.html:
            write_html(notebook, target.with_suffix(".html"))
            print(f"  {target.with_suffix('.html')}")
    took = time.monotonic() - start
    if failure is not None:
        print(f"FAILED {source} after {took:.0f} s: {failure}", flush=True)
        return False
    print(f"ok     {source}: {cells} cells, {figures} figures, {took:.0f} s", flush=True)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    command = parser.add_subparsers(required=True).add_parser("execute", help="run notebooks from the first cell to the last")
    command.add_argument("notebooks", nargs="+", type=Path, metavar="IN")
    where = command.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", type=Path, help="the folder for the executed notebooks")
    where.add_argument("--inplace", action="store_true", help="store the outputs in IN itself, if all went well")
    command.add_argument("--html", action="store_true", help="with --out: write a web page too")
    command.add_argument("--timeout", type=int, default=600, help="seconds for one cell (600)")
    args = parser.parse_args()
    if args.inplace and any(source.suffix == ".md" for source in args.notebooks):
        parser.error("outputs can't be stored in a Markdown file; use --out")

    kernel = Kernel()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # not without ending the kernel
    try:
        failed = [source for source in args.notebooks if not execute(source, args, kernel)]
    finally:
        kernel.end()
    if len(args.notebooks) > 1:
        print(f"{len(args.notebooks) - len(failed)} of {len(args.notebooks)} notebooks ran")
        for source in failed:
            print(f"  failed: {source}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
