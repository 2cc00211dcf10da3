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
    cell = kernel.run('let fresh = 1;\npanic!("mine");')
    assert (cell.status, cell.error) == ("error", "mine") and "mine" not in cell.stderr
    assert cell.traceback == [
        "panic: mine",
        'in line 2: panic!("mine");',
        "Variables that this cell made or moved before the panic are lost, others are kept.",
    ]
    assert kernel.run("kept").value == '"kept"'
    assert "fresh" in kernel.run("fresh").error


@pytest.mark.parametrize("code, value", [
    ('std::thread::spawn(|| panic!("theirs")).join().is_err()', "true"),
    ('std::panic::catch_unwind(|| panic!("theirs")).is_err()', "true"),
])
def test_a_panic_that_the_cell_survives_is_text(kernel, code, value):
    cell = kernel.run(code)
    assert (cell.status, cell.value, cell.error) == ("ok", value, "")
    assert "theirs" in cell.stderr and "lost" not in cell.stderr


def test_a_panic_of_libtorch_is_its_sentence(kernel):
    """With an error whose text is that of tch's: the tests' crate has no libtorch."""
    kernel.run("#[derive(Debug)] enum TchError { Torch(String) }")
    trace = r"misfit (2x3 and 2x3)\nException raised from meta at a.cpp:1 (most recent call first):\nframe #0: c10\n"
    cell = kernel.run(f'let r: Result<(), TchError> = Err(TchError::Torch("{trace}".to_owned())); r.unwrap();')
    assert cell.traceback[0] == "libtorch: misfit (2x3 and 2x3)"
    assert not any(word in f"{cell.stderr}{cell.traceback[0]}" for word in ["Exception", "backtrace", "panicked at"])


@pytest.mark.parametrize("code, name, text", [
    ('let n: i32 = "x".parse()?;', "ParseIntError", "invalid digit found in string"),
    ('let e: Result<(), Box<dyn std::error::Error>> = Err("boxed\\nin two lines".into()); e?', "Error", "boxed\nin two lines"),
    ('Err("a text")?', "&str", "a text"),
    ('struct Mine; impl std::fmt::Display for Mine { fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result { write!(f, "") } } Err(Mine)?', "Mine", ""),
])
def test_a_failed_question_mark_is_an_error(kernel, code, name, text):
    cell = kernel.run('eprintln!("before"); eprint!("half");\n' + code)
    (content,) = cell.of_kind("error")
    assert (cell.status, content["ename"], content["evalue"]) == ("error", name, text)
    assert cell.stderr == "before\nhalf"
    assert cell.reply["ename"] == name and cell.reply["traceback"] == content["traceback"]
    assert "\x1b[31m" in content["traceback"][0]


def test_what_cells_print_themselves_is_no_error(kernel):
    """The macros of the standard library are ours, to hear of failed `?`."""
    cell = kernel.run("""
        let error = "3 < 4"; let (a, width) = (1, 4);
        eprintln!("{}", error); eprintln!("{:?}", error); eprintln!("{a} {0:>1$}", a, width); eprintln!();
        println!("{}", error); println!("{a}",); println!();
    """)
    assert (cell.status, cell.stderr, cell.stdout) == ("ok", '3 < 4\n"3 < 4"\n1    1\n\n', "3 < 4\n1\n\n")


def test_cells_sent_before_an_error_are_not_run(kernel):
    for failing in ['"x".parse::<u8>()?;', "missing", "let half =", "panic!()"]:
        sent = [kernel.client.execute(code) for code in [failing, "println!(\"run\")", "1 + 1"]]
        kinds = kernel.client.kernel_info()
        assert [kernel.reply_to(message)["status"] for message in sent] == ["error", "aborted", "aborted"], failing
        assert kernel.reply_to(kinds)["status"] == "ok"
        assert kernel.run("1 + 2").value == "3"
    sent = [kernel.client.execute(code, stop_on_error=False) for code in ['"x".parse::<u8>()?;', "1 + 1"]]
    assert [kernel.reply_to(message)["status"] for message in sent] == ["error", "ok"]


def test_an_end_of_the_process_says_that_variables_are_lost(kernel):
    kernel.run("let kept = 1;")
    cell = kernel.run("std::process::abort();")
    assert cell.status == "error" and "has ended" in cell.error
    assert cell.traceback[1] == "All variables are lost: run the cells again that made them."
    assert kernel.run("let kept = 2; kept").value == "2"
    # The next process says what went wrong too.
    assert kernel.run('"x".parse::<u8>()?;').status == "error"


def test_after_clear_errors_are_still_errors(built):
    with built.kernel() as kernel:
        kernel.run(DEP)
        assert kernel.run(":clear").status == "ok"
        assert "invalid digit" in kernel.run('"x".parse::<u8>()?;').error
        assert kernel.run('print!("half")').stdout == "half"
        assert kernel.run(DEP + "\nanswer()").value == "41"
