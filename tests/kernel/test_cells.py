"""What a cell writes, asks for and leaves behind, as a notebook sees it."""

import time

import pytest

from conftest import DEP


@pytest.fixture(scope="module")
def kernel(built):
    with built.kernel() as kernel:
        kernel.run(DEP)
        yield kernel


@pytest.mark.parametrize("macro, name", [("println", "stdout"), ("eprintln", "stderr")])
def test_all_lines_come_before_the_cell_is_done(kernel, macro, name):
    cell = kernel.run(f'for i in 0..20_000 {{ {macro}!("{{i}}"); }}')
    streams = cell.of_kind("stream")
    assert {stream["name"] for stream in streams} == {name}
    assert "".join(stream["text"] for stream in streams).split() == [str(i) for i in range(20_000)]
    # A browser has to do with hundreds of messages, not with thousands.
    assert len(streams) < 2_000
    assert cell.outputs[-1]["content"] == {"execution_state": "idle"}


def test_lines_belong_to_the_cell_that_wrote_them(kernel):
    """Also when the next is sent at once, as with «Run all»."""
    sent = [kernel.client.execute(f'for _ in 0..500 {{ eprintln!("{name}"); }}') for name in "ab"]
    texts = dict.fromkeys(sent, "")
    for message in sent:
        assert kernel.reply_to(message)["status"] == "ok"
    idle = 0
    while idle < 2:
        news = kernel.client.get_iopub_msg(timeout=20)
        idle += news["content"].get("execution_state") == "idle"
        if news["msg_type"] == "stream":
            texts[news["parent_header"]["msg_id"]] += news["content"]["text"]
    assert [set(text.split()) for text in texts.values()] == [{"a"}, {"b"}]


def test_lines_without_an_end(kernel):
    assert kernel.run('print!("half"); eprint!("half");').stdout == "half"
    assert kernel.run('println!("whole")').stdout == "whole\n"
    cell = kernel.run('print!("before"); 7')
    assert (cell.stdout, cell.value) == ("before", "7")
    # Not by way of the macros: nothing tells evcxr that the cell is done.
    flushed = kernel.run('use std::io::Write; write!(std::io::stdout(), "half").unwrap(); std::io::stdout().flush().unwrap();')
    assert (flushed.status, flushed.stdout) == ("ok", "half")


def test_a_thread_that_goes_on_holds_up_nothing(kernel):
    began = time.monotonic()
    kernel.run('std::thread::spawn(|| for _ in 0..100 { eprintln!("tick"); std::thread::sleep(std::time::Duration::from_millis(50)); });')
    assert time.monotonic() - began < 4


def test_unfinished_code_is_refused_at_once(kernel):
    cell = kernel.run("let half = net.")
    assert cell.status == "error" and cell.seconds < 0.5
    assert "something must follow `.`" in cell.error
    assert cell.of_kind("execute_input")
    assert kernel.run("1 + 1").value == "2"


@pytest.mark.parametrize("code, status", [("1 + 1", "complete"), ("let half = net.", "incomplete"), ("fn f() {\n", "incomplete")])
def test_whether_code_is_complete(kernel, code, status):
    message = kernel.client.is_complete(code)
    assert kernel.reply_to(message)["status"] == status


def test_reading_standard_input_is_refused_with_a_way_out(kernel):
    cell = kernel.run("let mut line = String::new();\nstd::io::stdin().read_line(&mut line)?;", timeout=20)
    assert cell.status == "error" and "line 2" in cell.error and "evcxr_input" in cell.error


def test_a_panic_says_what_is_lost(kernel):
    kernel.run("let kept = String::from(\"kept\");")
    cell = kernel.run('let fresh = 1; panic!("mine");')
    assert "mine" in cell.stderr and cell.stderr.count("are lost, others are kept") == 1
    assert kernel.run("kept").value == '"kept"'
    assert "fresh" in kernel.run("fresh").error
    threads = kernel.run('std::thread::spawn(|| panic!("theirs")).join().is_err()')
    assert "theirs" in threads.stderr and "are lost" not in threads.stderr


def test_a_panic_of_libtorch_is_its_sentence(kernel):
    """With an error whose text is that of tch's: the tests' crate has no libtorch."""
    kernel.run("#[derive(Debug)] enum TchError { Torch(String) }")
    trace = r"misfit (2x3 and 2x3)\nException raised from meta at a.cpp:1 (most recent call first):\nframe #0: c10\n"
    cell = kernel.run(f'let r: Result<(), TchError> = Err(TchError::Torch("{trace}".to_owned())); r.unwrap();')
    assert "\nlibtorch: misfit (2x3 and 2x3)\n" in cell.stderr
    assert not any(word in cell.stderr for word in ["Exception", "backtrace", "panicked at"])


def test_an_end_of_the_process_says_that_variables_are_lost(kernel):
    kernel.run("let kept = 1;")
    cell = kernel.run("std::process::abort();")
    assert cell.status == "error" and "They are all lost" in cell.stderr
    assert kernel.run("let kept = 2; kept").value == "2"
