"""Runs the checks, two at a time, and counts them.

    scripts/test check   format, lints, unit tests: what one runs before each commit
    scripts/test         what must be green before anything lands: Rust, kernel, notebooks, browser
    scripts/test all     that with real weights in the notebooks, every notebook in both themes, the Python
                         oracles computed again, documentation, packages, and a short run of the benchmark

A failed check doesn't stop the rest. What a check printed is in target/test/NAME.log, and is shown if it
failed. The last line is "N passed, N failed", with ", N skipped" where something could not be tried: a
test that can't run here (no Chromium, no weights) prints a line "skipped: why", and such lines are
listed and counted.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "target/test"
EXECUTED = ROOT / "target/tour"
PYTHON = os.environ["CONVSCOPE_PYTHON"]
NOTEBOOKS = [*sorted(str(path.relative_to(ROOT)) for path in (ROOT / "notebooks").glob("*.ipynb")), "README.md"]


class Check:
    """A command, what it needs in its environment, and how what it prints is counted."""

    def __init__(self, name, *command, count=None, **environment):
        self.name, self.command, self.environment = name, command, environment
        self.count = count or count_one
        self.log = LOGS / f"{re.sub('[^a-zA-Z0-9]+', '-', name)}.log"
        self.passed = self.failed = self.skipped = 0
        self.began = self.seconds = None

    def run(self):
        self.began = time.monotonic()
        say(f"== {self.name} …")
        with open(self.log, "wb") as log:
            process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=os.environ | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that it can be ended with all that it started
            )
            running[self] = process
            status = process.wait()
            del running[self]
        self.seconds = time.monotonic() - self.began
        text = self.text()
        self.passed, self.failed, self.skipped = self.count(text, status)
        if status != 0 and self.failed == 0:
            self.failed = 1  # a crash before the first test has no numbers
        if self.failed:
            say(f"{text.rstrip()}\n{RED}== {self.name}: FAILED, {self.seconds:.0f} s{PLAIN}\n")
        else:
            say(f"== {self.name}: ok, {self.seconds:.0f} s")

    def text(self):
        return re.sub(r"\x1b\[[0-9;]*m", "", self.log.read_text(errors="replace"))

    def reasons(self):
        """Why something was skipped."""
        text = self.text()
        named = re.findall(r"^test (.*) \.\.\. ignored", text, re.M)
        return re.findall(r"(?:^| )(skipped: .*)", text, re.M) + [f"skipped: {name}, ignored" for name in named]


def count_one(text, status):
    if status == 0 and re.search(r"^skipped: ", text, re.M):
        return 0, 0, 1
    return (1, 0, 0) if status == 0 else (0, 1, 0)


def count_lines(text, status):
    """Notebooks: a line "ok" or "FAILED" each."""
    return len(re.findall(r"^ok ", text, re.M)), len(re.findall(r"^FAILED ", text, re.M)), 0


def count_cargo(text, status):
    """What `cargo test` says, less the tests that said "skipped:", each of which counts once."""
    sums = {"passed": 0, "failed": 0, "ignored": 0}
    for number, word in re.findall(r"(\d+) (passed|failed|ignored)(?=.*finished in)", text):
        sums[word] += int(number)
    skipped, captured, counted = 0, False, False
    for line in text.splitlines():
        if re.match(r"(test |running |successes:|failures:)", line):
            captured = counted = False
        if re.match(r"---- .* stdout ----", line):
            captured, counted = True, False
        if re.search(r"(^| )skipped: ", line) and not counted:
            skipped, counted = skipped + 1, captured
    return sums["passed"] - skipped, sums["failed"], sums["ignored"] + skipped


def count_pytest(text, status):
    sums = {"passed": 0, "failed": 0, "skipped": 0}
    words = {"passed": "passed", "xfailed": "passed", "failed": "failed", "error": "failed", "xpassed": "failed", "skipped": "skipped"}
    summary = [line for line in text.splitlines() if re.search(r" in [0-9.]+s", line)][-1:]
    for number, word in re.findall(r"(\d+) ([a-z]+?)s?\b", summary[0] if summary else ""):
        if word in words:
            sums[words[word]] += int(number)
    return tuple(sums.values())


# --- the checks -------------------------------------------------------------------------------------


def pytest(name, *arguments, **environment):
    return Check(name, PYTHON, "-m", "pytest", "-rs", *arguments, count=count_pytest, **environment)


def cargo_test(name, *arguments, **environment):
    # Documentation tests are linked without what build.rs says about libtorch's place. For these tests
    # alone: notebooks must find it by what the kernel's own set-up says.
    for variable in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
        paths = [f"{os.environ['LIBTORCH']}/lib", os.environ.get(variable, "")]
        environment[variable] = ":".join(path for path in paths if path)
    # One libtorch thread a test: tests run side by side already. --show-output: the lines "skipped:" of
    # tests that passed.
    command = ("cargo", "test", "--workspace", "--locked", "--no-fail-fast", *arguments, "--", "--show-output")
    return Check(name, *command, count=count_cargo, OMP_NUM_THREADS="1", **environment)


def notebooks(**environment):
    command = (PYTHON, "scripts/notebooks.py", "execute", *NOTEBOOKS, "--out", "target/tour", "--html")
    return Check("notebooks", *command, count=count_lines, OMP_NUM_THREADS="1", **environment)


def checks(tier):
    """Two lanes; those of one lane run one after the other."""
    style = [
        Check("format", "cargo", "fmt", "--all", "--check"),
        Check("lints", "cargo", "clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"),
        Check("tch lints", PYTHON, "scripts/tch_lints.py"),
    ]
    gpu = Check("GPU against CPU", "cargo", "run", "--locked", "--example", "gpu_check")
    # A minute of each kind of file, one after the other, in the lane that would be idle by then.
    fuzz = Check("fuzzers", "cargo", "run", "--locked", "--example", "fuzz", "--", "--seconds", "60")
    kernel = pytest("kernel tests", "tests/kernel")
    project = pytest("a Rust project", "tests/project")
    page = Check("the page's script", "scripts/check-page")
    browser = "tests/browser"
    if tier == "check":
        return [[*style, cargo_test("unit tests", "--lib", "--bins")], []]
    if tier == "test":
        # Notebooks without weights: every cell is compiled and run all the same.
        nowhere = notebooks(CONVSCOPE_HOME=str(LOGS / "no-weights"), TORCH_HOME=str(LOGS / "no-weights"))
        return [[*style, cargo_test("Rust tests"), gpu, fuzz], [kernel, project, page, nowhere, pytest("browser", browser)]]
    more = [Check("documentation", "scripts/check-docs"), Check("packages", "scripts/check-packages")]
    bench = Check("benchmark, a short run", "cargo", "bench", "--locked", "--bench", "speed", "--", "smoke")
    return [
        [*style, cargo_test("Rust tests", CONVSCOPE_ORACLES="recompute"), gpu, fuzz, *more, bench],
        [kernel, project, page, notebooks(), pytest("browser", browser, CONVSCOPE_BROWSER="all")],
    ]


# --- running them -----------------------------------------------------------------------------------

BOLD, RED, PLAIN = ("\x1b[1m", "\x1b[31m", "\x1b[0m") if sys.stdout.isatty() else ("", "", "")
running = {}
speaking = threading.Lock()
spoke = time.monotonic()


def say(text):
    global spoke
    with speaking:
        print(text, flush=True)
        spoke = time.monotonic()


def run_lane(lane):
    for check in lane:
        check.run()


def run_all(lanes):
    threads = [threading.Thread(target=run_lane, args=(lane,), daemon=True) for lane in lanes]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        threads[0].join(1) if threads[0].is_alive() else threads[-1].join(1)
        if time.monotonic() - spoke > 60:
            now = [f"{check.name} ({time.monotonic() - check.began:.0f} s)" for check in list(running)]
            say(f"   still: {', '.join(now)}")


def summarize(done, seconds):
    """Prints what was skipped, what failed, how long it took; gives the number of failures."""
    reasons = [reason for check in done for reason in check.reasons()]
    for reason in sorted(set(reasons)):
        times = reasons.count(reason)
        print(f"{times} {reason}" if times > 1 else reason)
    print(f"{BOLD}{seconds:6.0f} s in all{PLAIN}, of which")
    for check in sorted(done, key=lambda check: -check.seconds):
        print(f"{check.seconds:6.0f} s {check.name}")
    for check in done:
        if check.failed:
            print(f"{RED}failed: {check.name}: {check.log}{PLAIN}")
    passed, failed, skipped = (sum(getattr(check, name) for check in done) for name in ("passed", "failed", "skipped"))
    summary = f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else "")
    (LOGS / "summary").write_text(f"{summary}\n")
    print(summary, flush=True)
    return failed


def main():
    tier = sys.argv[1] if len(sys.argv) == 2 else "test"
    if len(sys.argv) > 2 or tier not in ("check", "test", "all"):
        sys.exit(__doc__)
    for folder in (LOGS, EXECUTED) if tier != "check" else (LOGS,):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    if not sys.stdout.isatty():
        os.environ |= {"CARGO_TERM_COLOR": "never", "CARGO_TERM_PROGRESS_WHEN": "never"}
    lanes = checks(tier)
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        run_all(lanes)
    except (KeyboardInterrupt, SystemExit):
        for process in list(running.values()):
            os.killpg(process.pid, signal.SIGTERM)
        sys.exit("interrupted")
    sys.exit(1 if summarize([check for lane in lanes for check in lane], time.monotonic() - began) else 0)


if __name__ == "__main__":
    main()
