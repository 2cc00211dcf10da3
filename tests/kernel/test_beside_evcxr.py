"""Drives plain evcxr and our kernel over the same requests, and compares what they say message by
message: kinds, parents and contents, in the order of each channel. What is meant to differ has a name."""

import re
import time
from queue import Empty

import pytest

from conftest import manager_of


class Side:
    """A kernel, and what it says."""

    def __init__(self, manager):
        self.manager = manager
        manager.start_kernel()
        self.client = manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        # The first cell loads rust-analyzer's standard library, in ours before the notebook's first.
        self.client.execute_interactive("0", timeout=120, output_hook=lambda _: None)
        self.heard()

    def close(self):
        self.client.stop_channels()
        if self.manager.has_kernel:
            self.manager.shutdown_kernel()

    def ask(self, channel, kind, content, answer=None, interrupt_after=None):
        """Sends a request and returns all that is said until it is done: lists of messages by channel.

        `answer` is for the first input that is asked for; an interrupt comes so many seconds later."""
        message = self.client.session.msg(kind, content)
        self.send(channel, message)
        heard = {"shell": [], "control": [], "stdin": [], "iopub": []}
        request = message["header"]["msg_id"]
        began = time.monotonic()
        deadline = began + 60
        quiet = None
        # Late messages are heard too: evcxr passes stderr on after it said that the cell is done.
        while quiet is None or time.monotonic() < quiet:
            assert time.monotonic() < deadline, f"no end of {kind}: {heard}"
            for name, news in self.heard(0.02).items():
                heard[name] += news
                if news and quiet:
                    quiet = time.monotonic() + 0.3
            if answer is not None and heard["stdin"]:
                reply = self.client.session.msg("input_reply", {"value": answer})
                answer = None
                self.send("stdin", reply)
            if interrupt_after is not None and time.monotonic() > began + interrupt_after:
                interrupt_after = None
                self.send("control", self.client.session.msg("interrupt_request", {}))
            idle = any(m["content"].get("execution_state") == "idle" and parent(m) == request for m in heard["iopub"])
            if quiet is None and (idle or channel == "control" and heard["control"]):
                quiet = time.monotonic() + 0.3
        return {name: [plainly(m, request) for m in news] for name, news in heard.items()}

    def send(self, channel, message):
        self.channels()[channel].send(message)

    def heard(self, seconds=0.3):
        """What has been said since."""
        news = {}
        for name, channel in self.channels().items():
            news[name] = []
            while True:
                try:
                    news[name].append(channel.get_msg(timeout=seconds if name == "iopub" else 0))
                except Empty:
                    break
        return news

    def channels(self):
        client = self.client
        return {
            "shell": client.shell_channel,
            "control": client.control_channel,
            "stdin": client.stdin_channel,
            "iopub": client.iopub_channel,
        }


def parent(message):
    return message["parent_header"].get("msg_id")


def plainly(message, request):
    """Kind, parent and content."""
    whose = {request: "the request", None: "nobody"}.get(parent(message), "another")
    return [message["msg_type"], whose, message["content"], message["metadata"]]


# What is meant to differ in every cell, by name. Each gets what one side said on iopub, and makes alike
# what may differ.


def lines_are_gathered(messages):
    """Ours sends several lines in a message; stdout and stderr have no order in evcxr; and what a cell wrote
    to stderr may come after plain evcxr's word that it is done."""
    texts = {"stdout": "", "stderr": ""}
    others = []
    for message in messages:
        if message[0] == "stream" and message[1] == "the request":
            texts[message[2]["name"]] += message[2]["text"]
        else:
            others.append(message)
    return [*map(list, texts.items()), *others]


def cells_are_counted_from_ours(messages):
    """Ours runs a cell of its own first."""

    def one_less(value):
        if isinstance(value, dict):
            return {
                key: "count" if key == "execution_count" else one_less(content) for key, content in value.items()
            }
        if isinstance(value, list):
            return [one_less(content) for content in value]
        return re.sub(r"command_\d+", "command_N", value) if isinstance(value, str) else value

    return [one_less(list(message)) for message in messages]


def places_in_generated_code(messages):
    """Numbers of threads and of lines of the code that evcxr generates, and the trace through it."""

    def plain(text):
        text = re.sub(r"stack backtrace:\n( .*\n|note: .*\n)*", "", text)
        return re.sub(r"\(\d+\) panicked at src/lib.rs:\d+:\d+", "panicked", text)

    return [[message[0], plain(message[1])] if message[0] == "stderr" else message for message in messages]


def a_loop_gives_nothing(messages):
    """Ours does not show the value of what has none."""
    return [m for m in messages if not (m[0] == "execute_result" and m[2]["data"] == {"text/plain": "()"})]


ALWAYS = [a_loop_gives_nothing, lines_are_gathered, cells_are_counted_from_ours, places_in_generated_code]


def compared(said):
    """What one side said, without what always differs."""
    for rule in ALWAYS:
        said = said | {"iopub": rule(said["iopub"])}
    return said | {name: cells_are_counted_from_ours(said[name]) for name in ("shell", "stdin", "control")}


@pytest.fixture(scope="module")
def sides(built, plain):
    sides = [Side(manager_of(plain)), Side(built.manager())]
    yield sides
    for side in sides:
        side.close()


def both(sides, *request, **more):
    return [compared(side.ask(*request, **more)) for side in sides]


def cell(code, **more):
    usual = {"silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": True, "stop_on_error": True}
    return "shell", "execute_request", {"code": code, **usual, **more}


CELLS = {
    "a value": "1 + 1",
    "a variable": "let kept = 5;",
    "its value": "kept * 2",
    "nothing": "",
    "a comment": "// nothing",
    "text": '"é\\n\\u{1}".to_owned()',
    "a large value": '"x".repeat(3_000_000)',
    "several forms": r"""for (mime, form) in [("text/html", "<b>a</b>"), ("application/json", r#"{"a": 1}"#)] {
        println!("EVCXR_BEGIN_CONTENT {mime}\n{form}\nEVCXR_END_CONTENT");
    }""",
    "lines": 'println!("a\\nb"); println!(); println!("\\u{1b}[31mred");',
    "lines of stderr": 'eprintln!("a"); eprintln!("b");',
    "lines and a value": 'println!("a"); eprintln!("b"); 7',
    "a loop behind a variable": "let sum = 1; for i in 0..3 { let _ = sum + i; }",
    "many lines": 'for i in 0..3000 { println!("{i}"); }',
    "a wide line": 'println!("{}", "x".repeat(2_000_000));',
    "an unknown name": "unknown_name + 1",
    "a wrong type": "let wrong: i32 = true;",
    "two errors": 'let a: i32 = true; let b: bool = 1;',
    "a warning": "fn unused() {}",
    "a failed question mark": '"x".parse::<i32>()?;',
    "a panic": 'panic!("mine");',
    "a panic of a thread": 'std::thread::spawn(|| panic!("theirs")).join().is_err()',
    "a variable after it": "kept",
    "a moved variable": 'let text = String::from("a"); drop(text); text',
    "a definition": "#[derive(Debug)] struct Point { x: i32 }",
    "its use": "Point { x: 1 }",
    "the version": ":version",
    "an unknown command": ":nothing",
    "the variables": ":vars",
    "the help": ":help",
    "the end of the process": "std::process::exit(3);",
    "a cell after it": "1 + 1",
}


# What plain evcxr calls a success.
CALLED_A_SUCCESS = {"a failed question mark", "a panic"}


@pytest.mark.parametrize("name", CELLS)
def test_cells(sides, name):
    theirs, ours = both(sides, *cell(CELLS[name]))
    failed = [any(m[0] == "error" for m in said["iopub"]) for said in (theirs, ours)]
    assert failed[1] == (failed[0] or name in CALLED_A_SUCCESS)
    if failed[1]:
        theirs, ours = but_for_the_words_of_errors(theirs, ours)
    assert ours == theirs


def replies_say_what_failed(said):
    """Ours repeats in the reply what iopub says of the error, as Jupyter's protocol has it."""
    (answer,) = said["shell"]
    errors = [m[2] for m in said["iopub"] if m[0] == "error"]
    assert answer[2] == {"status": "error", "execution_count": "count", **errors[0]}
    return said | {"shell": [[*answer[:2], {"status": "error", "execution_count": "count"}, answer[3]]]}


def but_for_the_words_of_errors(theirs, ours):
    """Ours says in red what went wrong, with the remedy first, and what is lost; plain evcxr says it on stderr,
    or by the number of a signal, and may call it a success."""
    errors = [m[2] for m in ours["iopub"] if m[0] == "error"]
    assert errors and all(error["evalue"] and error["traceback"] for error in errors)
    assert not any(m[0] == "stderr" and m[1] for m in ours["iopub"])
    bare = [[m for m in said["iopub"] if m[0] not in ("stderr", "error")] for said in (theirs, ours)]
    answer = theirs["shell"][0]
    failed = [[*answer[:2], {"status": "error", "execution_count": "count"}, answer[3]]]
    ours = replies_say_what_failed(ours)
    return theirs | {"iopub": bare[0], "shell": failed}, ours | {"iopub": bare[1]}


HOW = {
    "silent": {"silent": True},
    "no history": {"store_history": False},
    "expressions": {"user_expressions": {"a": "1 + 1"}},
    "no input": {"allow_stdin": False},
}


@pytest.mark.parametrize("how", HOW)
def test_ways_to_execute(sides, how):
    theirs, ours = both(sides, *cell('println!("a"); 1', **HOW[how]))
    assert ours == theirs


REQUESTS = {
    "kernel_info": ("shell", "kernel_info_request", {}),
    "kernel_info on control": ("control", "kernel_info_request", {}),
    "completion": ("shell", "complete_request", {"code": "let a = 1; std::mem::swa", "cursor_pos": 24}),
    "completion of nothing": ("shell", "complete_request", {"code": "", "cursor_pos": 0}),
    "completion beyond the end": ("shell", "complete_request", {"code": "a", "cursor_pos": 99}),
    "inspection": ("shell", "inspect_request", {"code": "std::mem::swap", "cursor_pos": 12, "detail_level": 0}),
    "inspection of nothing": ("shell", "inspect_request", {"code": "", "cursor_pos": 0, "detail_level": 1}),
    "complete code": ("shell", "is_complete_request", {"code": "1 + 1"}),
    "comms": ("shell", "comm_info_request", {}),
    "a comm": ("shell", "comm_open", {"comm_id": "1", "target_name": "unknown", "data": {}}),
    "a message to a comm": ("shell", "comm_msg", {"comm_id": "1", "data": {}}),
    "a check": ("shell", "comm_open", {"comm_id": "2", "target_name": "evcxr-cargo-check", "data": {}}),
    "history": ("shell", "history_request", {"hist_access_type": "tail", "n": 1}),
    "an unknown request": ("shell", "unknown_request", {"a": [1]}),
    "a request without content": ("shell", "execute_request", {}),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_requests(sides, name):
    theirs, ours = both(sides, *REQUESTS[name])
    assert ours == theirs


def test_an_interrupt_between_cells_costs_nothing(sides):
    """Plain evcxr ends the process that holds the variables, and the next cell fails."""
    both(sides, "control", "interrupt_request", {})
    theirs, ours = both(sides, *cell("1 + 1"))
    assert [said["shell"][0][2]["status"] for said in (theirs, ours)] == ["error", "ok"]
    theirs, ours = both(sides, *cell("1 + 1"))
    assert ours == theirs


def test_input(sides):
    code = ':dep evcxr_input = "1"\nevcxr_input::get_string("name? ")'
    theirs, ours = both(sides, *cell(code), answer="Ada")
    assert [m[2]["prompt"] for m in ours["stdin"]] == ["name? "]
    assert ours == theirs


def test_an_interrupt(sides):
    theirs, ours = both(sides, *cell('println!("a"); loop {}'), interrupt_after=4)
    assert ours["control"][0][0] == "interrupt_reply" and ours["shell"][0][2]["status"] == "error"
    theirs, ours = but_for_the_words_of_errors(theirs, ours)
    assert ours == theirs


# What ours says otherwise, in words of its own.


@pytest.mark.parametrize("code", ["()", "let n = 1; for i in 0..n { let _ = i; }"])
def test_nothing_is_shown_of_a_unit(sides, code):
    said = [side.ask(*cell(code))["iopub"] for side in sides]
    shown = [[m[2]["data"] for m in news if m[0] == "execute_result"] for news in said]
    assert shown == [[{"text/plain": "()"}], []]


def test_unfinished_code_is_refused_without_evcxr(sides):
    theirs, ours = both(sides, *cell("let half = net."))
    for said in (theirs, ours):
        assert said["shell"][0][2]["status"] == "error"
        assert [m[0] for m in said["iopub"]][2:] == ["status", "execute_input", "error", "status"]
    assert ours != theirs


def test_unfinished_code_is_not_complete(sides):
    theirs, ours = both(sides, "shell", "is_complete_request", {"code": "fn f() {"})
    assert theirs["shell"][0][2] == {"status": "complete"}
    assert ours["shell"][0][2] == {"status": "incomplete", "indent": "    "}
    assert ours["iopub"] == theirs["iopub"]


def test_lines_without_an_end_are_shown_at_once(sides):
    theirs, ours = both(sides, *cell('print!("half"); println!("whole");'))
    assert (theirs["iopub"][0][1], ours["iopub"][0][1]) == ("halfwhole\n", "halfwhole\n")


def test_frames_are_displays(sides):
    code = r'println!("a\u{1}convscope:{}", r#"{"show":"1","data":{"text/plain":"b"}}"#);'
    theirs, ours = both(sides, *cell(code))
    kinds = [[m[0] for m in said["iopub"][2:]] for said in (theirs, ours)]
    assert kinds == [["status", "execute_input", "status"], ["status", "execute_input", "display_data", "status"]]
    assert ours["iopub"][0] == ["stdout", "a"]


def test_shutdown(sides):
    theirs, ours = (side.ask("control", "shutdown_request", {"restart": False}) for side in sides)
    assert ours == theirs
    for side in sides:
        deadline = time.monotonic() + 10
        while side.manager.is_alive() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not side.manager.is_alive()
