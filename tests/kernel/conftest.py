"""A tiny crate named convscope, a libtorch that is only a folder, and kernels on top of them."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpecManager

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".convscope" / "tools" / "bin"
BIN = Path(os.environ.get("CONVSCOPE_BIN", TOOLS / "convscope")).absolute()
EVCXR = Path(os.environ.get("CONVSCOPE_EVCXR", TOOLS / "evcxr_jupyter")).absolute()
VERSIONS = dict(line.split("=") for line in (ROOT / "kernel/versions.env").read_text().split() if "=" in line)

DEP = ':dep convscope = "0.1"\nuse convscope::prelude::*;'
LIB = 'pub mod prelude {{ pub fn answer() -> i32 {{ {answer} }} }}\n'


class Place:
    """One installation in a folder of its own."""

    def __init__(self, root: Path):
        self.crate = root / "crate"
        self.libtorch = root / "libtorch"
        self.prefix = root / "prefix"
        # Inside somebody's cargo workspace, as a Python environment may be.
        self.state = root / "workspace" / "state"
        self.kernels = self.state / "target" / "package"
        self.spec = self.prefix / "share" / "jupyter" / "kernels" / "convscope"

        (self.crate / "src").mkdir(parents=True)
        (self.crate / "Cargo.toml").write_text(
            '[package]\nname = "convscope"\nversion = "0.1.0"\nedition = "2024"\n'
            '\n[dependencies]\nitoa = "1"\n'
        )
        self.write_lib(LIB.format(answer=41))
        (self.libtorch / "lib").mkdir(parents=True)
        (self.libtorch / "lib" / "libtorch_cpu.so").touch()
        (self.libtorch / "version.py").write_text(f"__version__ = '{VERSIONS['TORCH']}+cpu'\n")
        self.state.parent.mkdir()
        (self.state.parent / "Cargo.toml").write_text("[workspace]\nmembers = []\n")

    def write_lib(self, text: str):
        (self.crate / "src" / "lib.rs").write_text(text)

    def run(self, command, *args, ok=True):
        args = [str(BIN), command, "--prefix", self.prefix, "--state", self.state, *args]
        done = subprocess.run(args, capture_output=True, text=True)
        assert not ok or done.returncode == 0, done.stdout + done.stderr
        return done

    def install(self, ok=True):
        return self.run(
            "install", "--crate", self.crate, "--libtorch", self.libtorch, "--evcxr", EVCXR, ok=ok
        )

    def warm(self):
        (warm,) = self.kernels.glob("warm-*")
        return warm

    def sessions(self):
        return [path for path in self.kernels.glob("session-*") if path.is_dir()]

    def manager(self):
        return manager_of(self.spec)

    def kernel(self, env=None):
        return self.kernel_with({**os.environ, **(env or {})})

    @contextlib.contextmanager
    def kernel_with(self, env, **how):
        manager = self.manager()
        manager.start_kernel(env=env, **how)
        kernel = Kernel(manager)
        try:
            yield kernel
        finally:
            kernel.client.stop_channels()
            if manager.has_kernel:
                manager.shutdown_kernel()


def manager_of(spec):
    specs = KernelSpecManager(kernel_dirs=[str(spec.parent)], ensure_native_kernel=False)
    return KernelManager(kernel_name=spec.name, kernel_spec_manager=specs)


class Kernel:
    def __init__(self, manager):
        self.manager = manager
        self.connect()

    def connect(self):
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=30)

    @property
    def pid(self):
        return self.manager.provisioner.pid

    def run(self, code, timeout=120):
        """Runs a cell and returns what came of it."""
        began = time.monotonic()
        outputs = []
        reply = self.client.execute_interactive(code, timeout=timeout, output_hook=outputs.append)
        return Result(reply["content"], outputs, time.monotonic() - began)

    def begin(self, code):
        """Sends a cell, and returns its id once the kernel has it."""
        message = self.client.execute(code)
        while True:
            news = self.client.get_iopub_msg(timeout=20)
            if news["parent_header"].get("msg_id") == message:
                return message

    def reply_to(self, message):
        while True:
            reply = self.client.get_shell_msg(timeout=20)
            if reply["parent_header"].get("msg_id") == message:
                return reply["content"]


class Result:
    def __init__(self, reply, outputs, seconds):
        self.reply = reply
        self.status = reply["status"]
        self.outputs = outputs
        self.seconds = seconds

    def of_kind(self, kind):
        return [o["content"] for o in self.outputs if o["msg_type"] == kind]

    @property
    def stdout(self):
        return "".join(c["text"] for c in self.of_kind("stream") if c["name"] == "stdout")

    @property
    def stderr(self):
        return "".join(c["text"] for c in self.of_kind("stream") if c["name"] == "stderr")

    @property
    def value(self):
        (content,) = self.of_kind("execute_result")
        return content["data"]["text/plain"]

    @property
    def error(self):
        return "\n".join(c["evalue"] for c in self.of_kind("error"))

    @property
    def traceback(self):
        """The lines of the only error, without colors."""
        (content,) = self.of_kind("error")
        return [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in content["traceback"]]


def tree_hash(root: Path):
    """Names, contents and dates of all files below."""
    digest = hashlib.sha256()
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        stat = path.stat()
        digest.update(f"{path.relative_to(root)} {stat.st_mtime_ns} {stat.st_size}".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def wait_until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def plain(tmp_path_factory):
    """A kernelspec of evcxr as it is."""
    spec = tmp_path_factory.mktemp("kernels") / "plain"
    spec.mkdir()
    (spec / "kernel.json").write_text(json.dumps({
        "argv": [str(EVCXR), "--control_file", "{connection_file}"],
        "display_name": "plain evcxr",
        "language": "rust",
        "interrupt_mode": "message",
    }))  # fmt: skip
    return spec


@pytest.fixture
def empty(tmp_path):
    return Place(tmp_path)


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """An installation that is made once; a test that changes it mends it."""
    place = Place(tmp_path_factory.mktemp("convscope"))
    place.first_install = place.install()
    yield place
    shutil.rmtree(place.state, ignore_errors=True)
