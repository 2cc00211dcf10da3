"""Kernels on a warm build that fits."""

import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import psutil

from conftest import DEP, ROOT, tree_hash, wait_until


def evcxr_of(kernel):
    (evcxr,) = psutil.Process(kernel.pid).children()
    return evcxr


def test_a_kernel_is_ready_at_once_and_compiles_nothing(built):
    before = tree_hash(built.warm())
    began = time.monotonic()
    with built.kernel() as kernel:
        assert time.monotonic() - began < 3
        cell = kernel.run(DEP)
        assert (cell.status, cell.stdout, cell.error) == ("ok", "", "")
        (session,) = built.sessions()
        assert kernel.run("answer()").value == "41"
        assert kernel.run("let doubled = answer() * 2;").status == "ok"
        assert kernel.run("doubled").value == "82"
        libraries = [path.name for path in session.glob("target/**/*.rlib")]
        shared = [path for path in built.warm().glob("target/**/*.rlib") if path.stat().st_nlink > 1]
    assert sorted(libraries) == sorted(path.name for path in built.warm().glob("target/**/*.rlib"))
    assert shared, "large build products should be hard links while a session lives"
    assert tree_hash(built.warm()) == before


def test_no_network_is_needed(built):
    with built.kernel({"CARGO_NET_OFFLINE": "true"}) as kernel:
        assert kernel.run(DEP + "\nanswer()").value == "41"


def test_two_kernels_at_once(built):
    before = tree_hash(built.warm())
    with built.kernel() as one, built.kernel() as two:
        with ThreadPoolExecutor() as pool:
            cells = list(pool.map(lambda kernel: kernel.run(DEP + "\nanswer()"), [one, two]))
        assert [cell.value for cell in cells] == ["41", "41"]
        # Not before: a kernel answers while its session is still being made.
        assert len(built.sessions()) == 2
        one.run("let mine = 1;")
        two.run("let mine = 2;")
        assert (one.run("mine").value, two.run("mine").value) == ("1", "2")
    assert tree_hash(built.warm()) == before


THREADS = """let _ = ["GOMP_SPINCOUNT", "OMP_NUM_THREADS", "OMP_WAIT_POLICY"].map(|name| {
    println!("{name}={}", std::env::var(name).unwrap_or_default())
});"""


def test_kernels_leave_room_for_one_another(built):
    """libtorch's threads shall not spin while they wait; tests and benchmarks run as notebooks do."""
    line = ". scripts/env.sh && printf %s \"$GOMP_SPINCOUNT\""
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_", "KMP_"))}
    ours = subprocess.run(["bash", "-c", line], cwd=ROOT, env=bare, capture_output=True, text=True).stdout
    with built.kernel_with(bare) as kernel:
        said = kernel.run(THREADS).stdout.split()
    assert ours and f"GOMP_SPINCOUNT={ours}" in said and "OMP_WAIT_POLICY=" in said
    with built.kernel_with(bare | {"OMP_WAIT_POLICY": "active", "OMP_NUM_THREADS": "7"}) as kernel:
        said = kernel.run(THREADS).stdout.split()
    assert said == ["GOMP_SPINCOUNT=", "OMP_NUM_THREADS=7", "OMP_WAIT_POLICY=active"]


def test_messages_pass_whole(built):
    with built.kernel() as kernel:
        cell = kernel.run('"x".repeat(3_000_000)')
        assert len(cell.value) == 3_000_002
        lines = kernel.run('for i in 0..2000 { println!("{i}"); }').stdout.split()
        assert lines == [str(i) for i in range(2000)]


def test_a_cell_can_ask(built):
    with built.kernel() as kernel:
        values = []
        reply = kernel.client.execute_interactive(
            ':dep evcxr_input = "1"\nevcxr_input::get_string("name? ")',
            allow_stdin=True,
            stdin_hook=lambda request: kernel.client.input(request["content"]["prompt"] + "Ada"),
            output_hook=lambda output: values.append(output["content"].get("data")),
            timeout=60,
        )
        assert reply["content"]["status"] == "ok"
        assert {"text/plain": '"name? Ada"'} in values


def test_interrupt_ends_a_cell_and_keeps_the_kernel(built):
    with built.kernel() as kernel:
        kernel.run(DEP)
        cell = kernel.begin("loop { std::thread::sleep(std::time::Duration::from_secs(1)); }")
        # The runtime is a child of evcxr; let it start looping.
        time.sleep(2)
        kernel.manager.interrupt_kernel()
        assert kernel.reply_to(cell)["status"] == "error"
        assert kernel.run("answer()").value == "41"


def test_shutdown_removes_the_session(built):
    with built.kernel() as kernel:
        kernel.run("1 + 1")
        assert len(built.sessions()) == 1
        began = time.monotonic()
        kernel.manager.shutdown_kernel()
        assert time.monotonic() - began < 4
    assert built.sessions() == []


def test_shutdown_ends_an_endless_cell(built):
    with built.kernel() as kernel:
        kernel.run("1")
        processes = [evcxr_of(kernel), *evcxr_of(kernel).children(recursive=True)]
        kernel.client.execute("loop {}")
        time.sleep(2)
        kernel.manager.shutdown_kernel()
    wait_until(lambda: not any(process.is_running() for process in processes))
    assert built.sessions() == []


def test_restart_forgets_and_goes_on(built):
    with built.kernel() as kernel:
        kernel.run("let kept = 1;")
        kernel.manager.restart_kernel()
        kernel.client.wait_for_ready(timeout=30)
        assert kernel.run("kept").status == "error"
        assert kernel.run(DEP + "\nanswer()").value == "41"
        assert len(built.sessions()) == 1


def test_sigterm_cleans_up(built):
    with built.kernel() as kernel:
        kernel.run("1")
        evcxr = evcxr_of(kernel)
        os.kill(kernel.pid, signal.SIGTERM)
        wait_until(lambda: not evcxr.is_running() and not built.sessions())


def test_after_sigkill_evcxr_is_gone_and_the_next_start_tidies(built):
    with built.kernel() as kernel:
        kernel.run("1")
        evcxr = evcxr_of(kernel)
        # The launcher alone: Jupyter itself would kill the whole group.
        os.kill(kernel.pid, signal.SIGKILL)
        wait_until(lambda: not evcxr.is_running())
        (orphan,) = built.sessions()
    assert "1 folder(s) of crashed kernels" in built.run("doctor").stdout
    with built.kernel() as kernel:
        kernel.run("1")
        assert not orphan.exists()
        assert len(built.sessions()) == 1


def test_a_crash_of_evcxr_ends_the_launcher(built):
    with built.kernel() as kernel:
        kernel.run("1")
        launcher = psutil.Process(kernel.pid)
        evcxr_of(kernel).kill()
        wait_until(lambda: not launcher.is_running() or launcher.status() == psutil.STATUS_ZOMBIE)
        wait_until(lambda: not built.sessions())
