"""The steps of scripts/setup, side by side as far as they don't need one another.

Each step knows whether it is done, and goes on where it was interrupted. What its commands print is
in .convscope/log/; a terminal shows the last line of each, and the seconds.
"""

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

ROOT, VENV, TOOLS, DIR, LIBTORCH, EVCXR_PROGRAM, COMMAND = (
    Path(os.environ[name])
    for name in ("ROOT", "VENV", "TOOLS", "CONVSCOPE_DIR", "LIBTORCH", "CONVSCOPE_EVCXR", "CONVSCOPE_BIN")
)
TORCH, TORCHVISION, EVCXR = (os.environ[name] for name in ("TORCH", "TORCHVISION", "EVCXR"))
PYTHON = VENV / "bin/python"
REQUIREMENTS, TEST_REQUIREMENTS = (ROOT / "scripts" / name for name in ("requirements.txt", "requirements-tests.txt"))
CPU_INDEX = "https://download.pytorch.org/whl/cpu"


class Failed(Exception):
    """A step went wrong; the message is for people."""


class Step:
    """Something to be made, and what must be there before."""

    title = note = ""
    needs = ()

    def __init__(self):
        self.name = type(self).__name__.lower()
        self.log = DIR / "log" / f"{self.name}.log"
        self.state = "waiting"  # then "running", and "done" or "already there" or "failed"
        self.began = self.took = 0.0
        self.over = threading.Event()

    def is_there(self):
        return False

    def run(self, *command, **environment):
        """Runs a command whose output goes to the log."""
        with open(self.log, "ab") as log:
            process = subprocess.Popen(
                [str(word) for word in command],
                env=os.environ | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that it can be ended with all that it started
            )
            running.add(process)
            try:
                if process.wait() != 0:
                    raise Failed(f"`{Path(command[0]).name} {command[1]} …` failed")
            finally:
                running.discard(process)

    def stamped(self, text):
        """Whether the step was finished from just this."""
        stamp = DIR / "stamps" / self.name
        return stamp.is_file() and stamp.read_text() == text

    def stamp(self, text):
        write(DIR / "stamps" / self.name, text)


def write(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f"{file.name}.unfinished")
    unfinished.write_text(text)
    os.replace(unfinished, file)


def digest(*paths):
    """Of the contents of files, and of all files in folders, with their names."""
    total = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                total.update(f"{file.relative_to(ROOT)}\n".encode() + file.read_bytes())
    return total.hexdigest()


def succeeds(*command):
    return subprocess.run([str(word) for word in command], capture_output=True).returncode == 0


# --- Python and libtorch --------------------------------------------------------------------------


def pip(step, *arguments):
    # Compiling what is installed takes as long as installing it; Python compiles what it imports.
    step.run(PYTHON, "-m", "pip", "install", *arguments, "--no-compile", "--progress-bar=off", "--disable-pip-version-check")


def venv_works():
    """Its programs carry absolute paths, so a folder that was moved or copied needs a new one."""
    program = VENV / "bin/pip"
    return program.is_file() and f"{PYTHON}" in program.read_text() and succeeds(PYTHON, "-c", "import pip")


def cpu_index_answers():
    def ask():
        with urllib.request.urlopen(f"{CPU_INDEX}/torch/", timeout=5) as answer:
            answers.append(answer.read(1))

    answers = []
    asking = threading.Thread(target=lambda: suppressed(ask), daemon=True)  # a name lookup may hang
    asking.start()
    asking.join(5)
    return bool(answers)


def suppressed(action):
    try:
        action()
    except OSError:
        pass


def choose_wheel():
    """Which build of torch, why, and how many GB of disk it takes with everything else."""
    if sys.platform == "darwin":
        return None, "macOS has one build", 6
    if shutil.which("nvidia-smi") and succeeds("nvidia-smi", "-L"):
        return None, "NVIDIA GPU found", 12
    if cpu_index_answers():
        return CPU_INDEX, "no NVIDIA GPU", 6
    return None, "no answer from PyTorch's CPU index", 12


class Torch(Step):
    title = f"Python and libtorch {TORCH}"
    packages = (f"torch=={TORCH}", f"torchvision=={TORCHVISION}")
    made_from = f"{VENV} {' '.join(packages)}"

    def is_there(self):
        if not (venv_works() and (DIR / "libtorch/include/torch").exists()):
            return False
        if self.stamped(self.made_from):
            return True
        # Made by hand, perhaps: then it must work.
        versions = "import sys, torch, torchvision as v; sys.exit([m.__version__.split('+')[0] for m in (torch, v)] != sys.argv[1:])"
        works = succeeds(PYTHON, "-c", versions, TORCH, TORCHVISION)
        if works:
            self.stamp(self.made_from)
        return works

    def make(self):
        index, why, wanted = choose_wheel()
        free = shutil.disk_usage(DIR).free >> 30
        if free < wanted:
            raise Failed(f"{DIR} needs {wanted} GB of free disk, and has {free}: make room, or CONVSCOPE_DIR=/elsewhere")
        self.note = f"the build {'for the CPU' if index else 'from PyPI'}: {why}"
        if not venv_works():
            self.run(sys.executable, "-m", "venv", "--clear", VENV)
        try:
            pip(self, *self.packages, *(["--index-url", index] if index else []))
        except Failed:
            if not index:
                raise
            self.note = "the build from PyPI: that for the CPU failed"
            pip(self, *self.packages)
        (site,) = VENV.glob("lib/python3*/site-packages/torch")
        link = DIR / "libtorch"
        if link.is_symlink():
            link.unlink()
        link.symlink_to(os.path.relpath(site, DIR))  # relative: cargo doesn't mind if the folder moves
        self.stamp(self.made_from)


class Jupyter(Step):
    title = "Jupyter"
    needs = (Torch,)
    made_from = f"{VENV} {digest(REQUIREMENTS)}"

    def is_there(self):
        return (VENV / "bin/jupyter-lab").is_file() and self.stamped(self.made_from)

    def make(self):
        pip(self, "-r", REQUIREMENTS, *Torch.packages)  # torch's line keeps these from replacing it
        self.stamp(self.made_from)


class Tests(Step):
    title = "the tests' Python packages"
    needs = (Jupyter,)  # pip knows no lock
    made_from = f"{VENV} {digest(TEST_REQUIREMENTS)}"

    def is_there(self):
        return (VENV / "bin/pytest").is_file() and self.stamped(self.made_from)

    def make(self):
        pip(self, "-r", TEST_REQUIREMENTS, *Torch.packages)
        self.stamp(self.made_from)


# --- evcxr and the command --------------------------------------------------------------------------


class Evcxr(Step):
    title = f"evcxr_jupyter {EVCXR}"
    ours = TOOLS / "bin/evcxr_jupyter"
    # What rust-analyzer, which is most of evcxr, does at a notebook's first `let`: reading crates. With
    # these optimized it takes as long as with everything (6.3 and 7 s beside other work; else 9.3).
    hot = (
        "salsa rowan dashmap indexmap triomphe smallvec la-arena countme text-size line-index boxcar smol_str "
        "ra-ap-rustc_lexer ra_ap_base_db ra_ap_cfg ra_ap_hir_def ra_ap_hir_expand ra_ap_intern ra_ap_mbe "
        "ra_ap_parser ra_ap_span ra_ap_stdx ra_ap_syntax ra_ap_syntax-bridge ra_ap_tt ra_ap_vfs"
    ).split()
    # What a notebook never asks for, or has as soon either way. ra_ap_hir_ty, the largest crate of all,
    # is not among these: without optimization the first `let` takes a second longer.
    cold = (
        "backtrace cargo_metadata chrono evcxr_jupyter futures-util gimli icu_locale_core icu_properties idna "
        "notify object pulldown-cmark ra_ap_hir ra_ap_ide ra_ap_ide_assists ra_ap_ide_completion ra_ap_ide_db "
        "ra_ap_ide_diagnostics ra_ap_ide_ssr ra_ap_load-cargo ra_ap_proc_macro_api ra_ap_project_model "
        "ra_ap_test_utils ra_ap_vfs-notify regex-automata regex-syntax serde_json syn time tokio toml "
        "tracing-subscriber url winnow zeromq"
    ).split()

    def is_there(self):
        """cargo lists an installed program after it has copied it, so the list is the proof."""
        if EVCXR_PROGRAM != self.ours:
            return EVCXR_PROGRAM.is_file()
        listed = TOOLS / ".crates2.json"
        return self.ours.is_file() and listed.is_file() and f'"evcxr_jupyter {EVCXR} ' in listed.read_text()

    def make(self):
        if EVCXR_PROGRAM != self.ours:
            raise Failed(f"there is no {EVCXR_PROGRAM}, which CONVSCOPE_EVCXR names")
        # A target folder of its own lets an interrupted build go on; --force is for a program that
        # cargo copied but had no time to list.
        target = DIR / "build/evcxr"
        levels = dict.fromkeys(self.hot, 3) | dict.fromkeys(self.cold, 0)
        options = [f"--config=profile.release.package.{name}.opt-level={level}" for name, level in levels.items()]
        self.run(
            "cargo", "install", "evcxr_jupyter", *options, f"--version={EVCXR}", "--locked", "--force", f"--root={TOOLS}",
            CARGO_TARGET_DIR=str(target),
            CARGO_PROFILE_RELEASE_OPT_LEVEL="1",
            CARGO_PROFILE_RELEASE_LTO="off",
            CARGO_PROFILE_RELEASE_CODEGEN_UNITS="64",
        )  # fmt: skip
        shutil.rmtree(target.parent)


class Command(Step):
    title = "the command convscope"
    made_from = f"{TOOLS} {digest(ROOT / 'kernel', ROOT / 'weights', ROOT / 'Cargo.toml', ROOT / 'Cargo.lock')}"

    def is_there(self):
        return COMMAND.is_file() and self.stamped(self.made_from)

    def make(self):
        # --debug: its dependencies are optimized all the same (see Cargo.toml), and cargo test needs
        # the same build anyhow. It goes into the workspace's target folder.
        self.run("cargo", "install", "--path=kernel", "--locked", "--debug", "--force", f"--root={TOOLS}")
        self.stamp(self.made_from)


# --- the kernel -------------------------------------------------------------------------------------

STATE = DIR / "kernel"


def convscope(step, subcommand):
    crates = [f"--with={crate}" for crate in os.environ.get("WITH", "").split()]  # make setup WITH="ndarray=0.16"
    step.run(
        COMMAND, subcommand, f"--prefix={VENV}", f"--state={STATE}", f"--crate={ROOT}", f"--libtorch={LIBTORCH}",
        f"--evcxr={EVCXR_PROGRAM}", *crates,
    )  # fmt: skip


class Crates(Step):
    title = "the crates that notebooks use"
    needs = (Torch, Command)

    def is_there(self):
        """A warm build of whatever age: the kernel's step brings it up to date."""
        return any((STATE / "target/package").glob("warm-*"))

    def make(self):
        convscope(self, "prebuild")


class Kernel(Step):
    title = "the kernel and its warm build"
    needs = (Crates, Evcxr, Jupyter)

    def make(self):
        convscope(self, "install")  # which finds out quickly whether there is anything to do


ALL = (Torch, Jupyter, Evcxr, Command, Crates, Kernel)
WANTED = {"all": ALL, "build": (Torch,), "test": (*ALL, Tests)}

# --- all of them ------------------------------------------------------------------------------------

running = set()
failed = []
stopping = threading.Event()


def do(step, steps):
    for needed in step.needs:
        steps[needed].over.wait()
        if steps[needed].state == "failed" or stopping.is_set():
            step.state = "failed"
            step.over.set()
            return
    step.began = time.monotonic()
    try:
        if step.is_there():
            step.state = "already there"
        else:
            step.log.write_bytes(b"")
            step.state = "running"
            step.make()
            step.took = time.monotonic() - step.began
            # The last step always looks; that takes no time where there is nothing to do.
            step.state = "already there" if isinstance(step, Kernel) and step.took < 2 else "done"
    except Exception as error:
        step.took = time.monotonic() - step.began
        step.state = "failed"
        if not stopping.is_set():  # else it was ended because another had failed
            step.note = str(error) if isinstance(error, Failed) else repr(error)
            failed.append(step)
        stopping.set()
    step.over.set()


def last_line(step):
    try:
        with open(step.log, "rb") as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - 2000))
            lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
    except OSError:
        return ""
    return "".join(letter for letter in lines[-1] if letter.isprintable()) if lines else ""


class Table:
    """On a terminal one line a step, drawn over and over."""

    def __init__(self, steps):
        self.steps, self.drawn = steps, 0

    def show(self):
        columns = shutil.get_terminal_size().columns
        if self.drawn:
            print(f"\x1b[{self.drawn}A", end="")
        for step in self.steps:
            seconds = time.monotonic() - step.began if step.state == "running" else step.took
            detail = {"running": f"{seconds:4.0f} s  {last_line(step)}", "done": f"{seconds:4.0f} s"}.get(step.state, step.state)
            print(f"\x1b[2K{f'{step.title:<32} {detail}'[: columns - 1]}")
        self.drawn = len(self.steps)
        sys.stdout.flush()


class Lines:
    """Elsewhere a line for each beginning and end, and now and then one for what takes long."""

    def __init__(self, steps):
        self.steps, self.said, self.spoke = steps, {}, time.monotonic()

    def show(self):
        for step in self.steps:
            if self.said.get(step) != step.state and step.state != "waiting":
                self.said[step] = step.state
                detail = {"running": "…", "done": f"done in {step.took:.0f} s"}.get(step.state, step.state)
                self.say(f"{step.title}: {detail}" + (f" ({step.note})" if step.state == "done" and step.note else ""))
        if time.monotonic() - self.spoke > 60:
            now = [f"{step.title} ({time.monotonic() - step.began:.0f} s)" for step in self.steps if step.state == "running"]
            self.say(f"still: {', '.join(now)}")

    def say(self, line):
        print(line, flush=True)
        self.spoke = time.monotonic()


def end_all():
    stopping.set()
    for process in list(running):
        suppressed(lambda process=process: os.killpg(process.pid, signal.SIGTERM))


def take_lock():
    """Two set-ups of one folder take turns."""
    lock = open(DIR / ".lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"another set-up of {DIR} is running; waiting for it …", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def main():
    wanted = WANTED[sys.argv[1] if sys.argv[1:] else "all"]
    for folder in ("log", "stamps"):
        (DIR / folder).mkdir(parents=True, exist_ok=True)
    lock = take_lock()
    began = time.monotonic()
    steps = {step: step() for step in wanted}
    for step in steps.values():
        threading.Thread(target=do, args=(step, steps), daemon=True).start()
    view = (Table if sys.stdout.isatty() else Lines)(list(steps.values()))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        while not all(step.over.wait(0.5) for step in steps.values() if not stopping.is_set()):
            view.show()
    except (KeyboardInterrupt, SystemExit):
        end_all()
        sys.exit("interrupted; the next run goes on from here")
    end_all()  # after a failure, what would only run on
    view.show()
    for step in failed:
        log = step.log.read_text(errors="replace").splitlines()[-25:] if step.log.is_file() else []
        print(f"--- the end of {step.log}", *log, "---", sep="\n", file=sys.stderr)
        sys.exit(
            f"{step.title}: {step.note}. Once the cause is gone, scripts/setup goes on from here; "
            f"rm -r {DIR} starts afresh"
        )
    if any(step.state == "done" for step in steps.values()):
        print(f"all set up in {time.monotonic() - began:.0f} s")
    lock.close()


if __name__ == "__main__":
    main()
