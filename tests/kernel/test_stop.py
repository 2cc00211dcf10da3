"""The stop button: what it ends, what it keeps, and what it says."""

import os
import signal
import time

import psutil
import pytest

from conftest import wait_until

# What the library does: a run says that it has begun, looks for the file at each step, and gives what it has.
RUNS = r"""
use std::{fs, io::Write, path::PathBuf, thread, time::Duration};
struct Figure(u32);
impl Figure {
    fn evcxr_display(&self) {
        println!("EVCXR_BEGIN_CONTENT text/plain\nfigure after {} steps\nEVCXR_END_CONTENT", self.0);
    }
}
fn send(frame: &str) {
    let mut out = std::io::stdout().lock();
    write!(out, "\u{1}convscope:{frame}\n").unwrap();
    out.flush().unwrap();
}
fn stop() -> PathBuf {
    PathBuf::from(std::env::var("CONVSCOPE_SESSION").unwrap()).join("stop")
}
fn run(id: &str, deaf: bool) -> Figure {
    send(&format!(r#"{{"begin": "{id}", "what": "maximizing {id}"}}"#));
    let mut steps = 0;
    while steps < 3000 && (deaf || !stop().exists()) {
        thread::sleep(Duration::from_millis(10));
        steps += 1;
    }
    send(&format!(r#"{{"end": "{id}"}}"#));
    Figure(steps)
}
fn wait() {
    thread::sleep(Duration::from_secs(60));
}
"""


@pytest.fixture(scope="module")
def kernel(built):
    with built.kernel() as kernel:
        kernel.run(RUNS)
        kernel.run('let kept = String::from("kept");')
        yield kernel


class Cell:
    """A cell that is being stopped."""

    def __init__(self, kernel, code, after=1.0):
        self.kernel, self.message = kernel, kernel.begin(code)
        self.outputs = []
        # What compiles is stopped otherwise.
        wait_until(lambda: code_runs(kernel), 20)
        time.sleep(after)

    def press(self):
        self.kernel.manager.interrupt_kernel()

    def end(self):
        """The reply. All outputs are known after it."""
        reply = self.kernel.reply_to(self.message)
        while True:
            news = self.kernel.client.get_iopub_msg(timeout=20)
            if news["parent_header"].get("msg_id") == self.message:
                self.outputs.append(news)
                if news["content"].get("execution_state") == "idle":
                    return reply

    def text(self, kind):
        contents = [output["content"] for output in self.outputs if output["msg_type"] == kind]
        return "".join(content.get("text") or content.get("evalue") or content["data"]["text/plain"] for content in contents)


def code_runs(kernel):
    """Whether the process of the cells does anything but read its orders."""
    (evcxr,) = psutil.Process(kernel.pid).children()
    programs = [child for child in evcxr.children() if child.exe() == evcxr.exe()]
    with open(f"/proc/{programs[0].pid}/syscall") as call:
        return not call.read().startswith("0 0x0 ")


def stop_file_is_gone(kernel):
    return kernel.run("stop().exists()").value == "false"


def kept(kernel):
    return kernel.run("kept").value == '"kept"'


def test_a_run_ends_with_what_it_has(kernel):
    cell = Cell(kernel, 'let mine = 7; run("relu3_1", false)')
    behind = kernel.client.execute("1 + 1")
    cell.press()
    reply = cell.end()
    assert reply["status"] == "error" and reply["ename"] == "Stopped"
    steps = int(cell.text("execute_result").split()[2])
    assert 50 < steps < 1000
    assert "stopping maximizing relu3_1 after this step" in cell.text("stream")
    assert "what there was so far is kept" in cell.text("error")
    assert kernel.reply_to(behind)["status"] == "aborted"
    assert kept(kernel) and kernel.run("mine").value == "7"
    assert stop_file_is_gone(kernel)


def test_all_runs_of_the_cell_end(kernel):
    cell = Cell(kernel, 'let steps: Vec<u32> = (0..100).map(|i| run(&i.to_string(), false).0).collect(); steps.len()')
    cell.press()
    assert cell.end()["status"] == "error"
    assert cell.text("execute_result") == "100"
    assert kernel.run("steps[1..].iter().sum::<u32>()").value == "0"


def test_a_run_in_a_thread_ends(kernel):
    cell = Cell(kernel, 'thread::spawn(|| run("thread", false)).join().unwrap()')
    cell.press()
    assert cell.end()["ename"] == "Stopped" and "figure" in cell.text("execute_result")
    assert kept(kernel) and stop_file_is_gone(kernel)


def test_an_error_of_the_run_stands(kernel):
    cell = Cell(kernel, 'run("a", false); Err("stopped after 3 of 4 batches")?')
    cell.press()
    assert cell.end()["evalue"] == "stopped after 3 of 4 batches"


def test_presses_at_the_same_moment_are_one(kernel):
    cell = Cell(kernel, 'let figure = run("twice", false); thread::sleep(Duration::from_millis(300)); figure')
    cell.press()
    cell.press()
    assert cell.end()["ename"] == "Stopped" and "figure" in cell.text("execute_result")
    assert kept(kernel)


def test_what_has_no_run_is_ended_with_its_process(kernel):
    """A second press ends the process, as the first does where nothing else would end."""
    for code, presses in [('run("deaf", true)', 2), ('run("short", false); wait()', 2), ("wait()", 1)]:
        cell = Cell(kernel, code)
        cell.press()
        if presses == 2:
            time.sleep(0.7)
            cell.press()
        reply = cell.end()
        assert (reply["status"], reply["ename"]) == ("error", "Interrupted"), code
        assert "run the cells again that made them" in reply["traceback"][1]
        assert kernel.run("kept").status == "error"
        assert kernel.run('let kept = String::from("kept");').status == "ok"
        assert stop_file_is_gone(kernel)


def test_without_a_cell_nothing_is_lost(kernel):
    kernel.manager.interrupt_kernel()
    time.sleep(0.3)
    assert kept(kernel)


@pytest.mark.parametrize("after", [0, 0.02, 0.05, 0.1, 0.15])
def test_a_cell_that_is_compiled_is_not_run(kernel, tmp_path, after):
    ran = tmp_path / "ran"
    message = kernel.begin(f'let fresh: u8 = {{ fs::write("{ran}", "").unwrap(); 1 }};' + 'println!("{}", 1);' * 20)
    time.sleep(after)
    kernel.manager.interrupt_kernel()
    reply = kernel.reply_to(message)
    assert (reply["status"], reply["ename"]) == ("error", "Interrupted"), reply
    assert "all variables are kept" in reply["evalue"]
    assert kept(kernel) and stop_file_is_gone(kernel)
    assert not ran.exists()


def test_a_signal_to_the_kernel_is_an_interrupt(kernel):
    cell = Cell(kernel, 'run("signal", false)')
    # As clients do that don't read the kernelspec: to the whole group.
    os.killpg(os.getpgid(kernel.pid), signal.SIGINT)
    assert cell.end()["ename"] == "Stopped" and "figure" in cell.text("execute_result")
    assert kept(kernel)


def test_a_cell_that_asks_is_interrupted(kernel):
    kernel.run(':dep evcxr_input = "1"')
    message = kernel.client.execute('evcxr_input::get_string("name? ")', allow_stdin=True)
    kernel.client.get_stdin_msg(timeout=60)
    kernel.manager.interrupt_kernel()
    assert kernel.reply_to(message)["ename"] == "Interrupted"
    assert kernel.run("1 + 1").value == "2"


def test_a_restart_during_a_stop(built):
    with built.kernel() as kernel:
        kernel.run(RUNS)
        cell = Cell(kernel, 'run("deaf", true)')
        cell.press()
        kernel.manager.restart_kernel()
        kernel.client.wait_for_ready(timeout=30)
        assert kernel.run("1 + 1").value == "2"
