"""Figures while a cell runs: what the library says in frames, as a notebook sees it."""

import time
from queue import Empty

import psutil
import pytest

from conftest import wait_until

FRAMES = r"""
fn frame(json: String) { println!("\u{1}convscope:{json}"); }
fn show(id: &str, text: &str) { frame(format!(r#"{{"show":"{id}","data":{{"text/plain":"{text}"}}}}"#)); }
fn update(id: &str, text: &str) { frame(format!(r#"{{"update":"{id}","data":{{"text/plain":"{text}"}}}}"#)); }
fn leave(id: &str) { frame(format!(r#"{{"leave":"{id}"}}"#)); }
fn pause(milliseconds: u64) { std::thread::sleep(std::time::Duration::from_millis(milliseconds)); }
"""


class Notebook:
    """What a frontend makes of iopub: a list of outputs for each cell."""

    def __init__(self, kernel):
        self.kernel = kernel
        self.client = kernel.client
        self.outputs = {}
        self.seen = []

    def run(self, code, seconds=60):
        """Runs a cell, and returns its number."""
        cell = self.client.execute(code)
        self.read(cell, seconds)
        return cell

    def read(self, cell, seconds=60):
        """Reads until a cell is done."""
        deadline = time.monotonic() + seconds
        while not self.hear(deadline - time.monotonic(), cell):
            pass

    def wait(self, condition, seconds=20):
        deadline = time.monotonic() + seconds
        while not condition():
            self.hear(deadline - time.monotonic())

    def hear(self, seconds, cell=None):
        """Takes one message, and says whether it ends the cell."""
        message = self.client.get_iopub_msg(timeout=seconds)
        self.seen.append(message)
        kind, content = message["msg_type"], message["content"]
        parent = message["parent_header"].get("msg_id")
        outputs = self.outputs.setdefault(parent, [])
        if kind == "stream":
            if outputs and outputs[-1][0] == content["name"]:
                outputs[-1][1] += content["text"]
            else:
                outputs.append([content["name"], content["text"]])
        elif kind == "display_data":
            name = content["transient"]["display_id"]
            assert name not in self.displays()
            outputs.append([name, content["data"]])
        elif kind == "update_display_data":
            name = content["transient"]["display_id"]
            where, display = self.displays()[name]
            assert where == parent, "an update's parent is the cell that shows it"
            display[1] = content["data"]
        elif kind == "execute_result":
            outputs.append(["result", content["data"]])
        elif kind == "error":
            outputs.append(["error", content["evalue"]])
        return kind == "status" and content["execution_state"] == "idle" and parent == cell

    def displays(self):
        found = {}
        for cell, outputs in self.outputs.items():
            found.update({o[0]: (cell, o) for o in outputs if o[0] not in ("stdout", "stderr", "result", "error")})
        return found

    def what(self, cell):
        """The outputs of a cell, as texts."""
        return [
            content if isinstance(content, str) else content.get("text/plain", "empty")
            for _, content in self.outputs[cell]
        ]

    def kinds(self, cell):
        return [m["msg_type"] for m in self.seen if m["parent_header"].get("msg_id") == cell]


@pytest.fixture(scope="module")
def kernel(built):
    with built.kernel() as kernel:
        kernel.run(FRAMES)
        yield kernel


@pytest.fixture
def notebook(kernel):
    return Notebook(kernel)


def test_three_figures_are_three_figures_with_the_text_between_them(notebook):
    cell = notebook.run(
        'println!("a"); show("1", "one"); println!("b"); println!("c"); show("2", "two"); show("3", "three"); println!("d"); 7'
    )
    assert notebook.what(cell) == ["a\n", "one", "b\nc\n", "two", "three", "d\n", "7"]
    assert notebook.kinds(cell).count("display_data") == 3


def test_all_kinds_of_content_and_half_a_line_before_it(notebook):
    cell = notebook.run(r'''
        use std::io::Write;
        print!("by the macro");
        std::io::stdout().write_all(b"50 %\r").unwrap();
        frame(r#"{"show":"k","data":{"text/plain":"a","image/png":"iVBORw0=","application/vnd.vega.v5+json":{"a":[1]},"text/html":"<b>\u0045VCXR_BEGIN_CONTENT é</b>"}}"#.into());
        println!("after");''')
    text, (_, shown), after = notebook.outputs[cell]
    assert text[1] == "by the macro50 %\r" and after[1] == "after\n"
    assert shown == {
        "text/plain": "a",
        "image/png": "iVBORw0=",
        "application/vnd.vega.v5+json": {"a": [1]},
        "text/html": "<b>EVCXR_BEGIN_CONTENT é</b>",
    }


def test_updates_change_in_place_also_from_later_cells(notebook):
    first = notebook.run('show("u", "0"); println!("after"); update("u", "1"); pause(60); update("u", "2");')
    assert notebook.what(first) == ["2", "after\n"]
    later = notebook.run('println!("later"); update("u", "3"); update("nobody", "4");')
    assert (notebook.what(first), notebook.what(later)) == (["3", "after\n"], ["later\n"])
    again = notebook.run('show("u", "a new one"); update("u", "5");')
    assert (notebook.what(first), notebook.what(again)) == (["3", "after\n"], ["5"])


def test_a_thread_goes_on_showing_in_the_cell_that_began_it(notebook):
    first = notebook.run(
        'show("t", "0"); std::thread::spawn(|| for i in 1..=20 { update("t", &i.to_string()); pause(50); });'
    )
    later = notebook.run('println!("later"); pause(1500);')
    assert (notebook.what(first), notebook.what(later)) == (["20"], ["later\n"])


def test_what_left_gives_its_place_to_the_next_figure(notebook):
    cell = notebook.run('show("r", "half"); update("r", "more"); leave("r"); 7')
    assert notebook.what(cell) == ["7"] and "execute_result" not in notebook.kinds(cell)
    cell = notebook.run('show("r", "half"); leave("r"); show("s", "whole"); update("s", "whole!"); update("r", "late");')
    assert notebook.what(cell) == ["whole!"]


def test_what_left_is_empty_where_no_figure_follows(notebook):
    assert notebook.what(notebook.run('show("r", "half"); leave("r");')) == ["empty"]
    cell = notebook.run('show("r", "half"); leave("r"); println!("text"); 7')
    assert notebook.what(cell) == ["empty", "text\n", "7"]
    cell = notebook.run('show("r", "half"); show("s", "other"); leave("r"); leave("s"); 7')
    assert notebook.what(cell) == ["empty", "7"]
    cell = notebook.run('show("r", "half"); leave("r"); panic!("mine");')
    # evcxr passes stderr on beside stdout.
    assert "empty" in notebook.what(cell)


@pytest.mark.parametrize("frame", ['{"show":"a"}', '{"show":"a","data":{"text/plain":', "", '{"drop":"a"}'])
def test_what_is_no_frame_is_shown_as_it_is(notebook, frame):
    cell = notebook.run(f'println!("before"); frame(r#"{frame}"#.into()); println!("after");')
    assert notebook.what(cell) == [f"before\n\1convscope:{frame}\nafter\n"]


def test_ten_thousand_updates_keep_the_last_state_and_the_order(notebook):
    cell = notebook.run(r'''
        show("m", "0");
        for i in 1..=10_000 { if i % 1000 == 0 { println!("{i}"); } update("m", &i.to_string()); }
        show("n", "end");''')
    shown, text, end = notebook.what(cell)
    assert (shown, end) == ("10000", "end")
    assert text.split() == [str(i) for i in range(1000, 10_001, 1000)]
    # What was replaced before it could leave was not sent.
    assert notebook.kinds(cell).count("update_display_data") < 1000


def test_fifty_megabytes_need_no_memory(notebook):
    launcher = psutil.Process(notebook.kernel.pid)
    # A figure of 5 MB passes, and shows what such a one takes.
    cell = notebook.run('show("big", &"x".repeat(5_000_000));')
    assert notebook.what(cell) == ["x" * 5_000_000]
    before, most = launcher.memory_info().rss, 0
    cell = notebook.client.execute(r'''
        show("m", "0");
        let filler = "y".repeat(25_000);
        for i in 1..=2_000 { update("m", &format!("{filler}{i}")); };''')
    done = False
    while not done:
        done = notebook.hear(60, cell)
        most = max(most, launcher.memory_info().rss)
    assert notebook.what(cell) == ["y" * 25_000 + "2000"]
    print(f"the launcher's memory: {before >> 20} MiB before, {most >> 20} MiB at most")
    assert most < before + (40 << 20)


def test_two_clients_see_everything(kernel):
    other = kernel.manager.client()
    other.start_channels()
    other.wait_for_ready(timeout=20)
    mine, theirs = Notebook(kernel), Notebook(kernel)
    theirs.client = other
    cell = mine.run('show("c", "0"); println!("text"); update("c", "1");')
    theirs.read(cell)
    other.stop_channels()
    assert mine.what(cell) == theirs.what(cell) == ["1", "text\n"]


def test_two_kernels_do_not_mix(built, notebook):
    with built.kernel() as kernel:
        kernel.run(FRAMES)
        other = Notebook(kernel)
        mine, theirs = notebook.run('show("x", "mine");'), other.run('show("x", "theirs");')
        notebook.run('update("x", "mine!");')
        other.run('update("x", "theirs!");')
        assert notebook.what(mine) == ["mine!"] and other.what(theirs) == ["theirs!"]
        assert not notebook.displays().keys() & other.displays().keys()


LONG = 'show("l", "0"); for i in 1.. { update("l", &i.to_string()); pause(5); }'


def test_an_interrupt_leaves_what_was_shown(built):
    with built.kernel() as kernel:
        kernel.run(FRAMES)
        notebook = Notebook(kernel)
        cell = kernel.client.execute(LONG)
        notebook.wait(lambda: any(content.get("text/plain", "0") > "1" for _, (_, content) in notebook.displays().values()))
        kernel.manager.interrupt_kernel()
        notebook.read(cell)
        shown = notebook.what(cell)[0]
        assert int(shown) > 1
        # IDs of the next process mean other things.
        kernel.run(FRAMES)
        again = notebook.run('show("l", "new"); update("l", "newer");')
        assert notebook.what(again) == ["newer"] and notebook.what(cell)[0] == shown


def test_a_restart_in_the_middle_of_a_run(built):
    with built.kernel() as kernel:
        kernel.run(FRAMES)
        kernel.client.execute(LONG)
        time.sleep(1)
        kernel.manager.restart_kernel(now=True)
        kernel.client.wait_for_ready(timeout=30)
        kernel.run(FRAMES)
        notebook = Notebook(kernel)
        assert notebook.what(notebook.run('show("l", "new"); update("l", "newer");')) == ["newer"]
        with pytest.raises(Empty):
            notebook.hear(0.3)


def test_a_process_that_dies_in_a_frame(built):
    with built.kernel() as kernel:
        kernel.run(FRAMES)
        notebook = Notebook(kernel)
        cell = notebook.run(r'''
            use std::io::Write;
            show("d", "whole");
            std::io::stdout().write_all(b"\x01convscope:{\"update\":\"d\",\"data\":{\"text/plain\":\"ha").unwrap();
            std::io::stdout().flush().unwrap();
            std::process::abort();''')
        outputs = notebook.what(cell)
        # evcxr's own error comes before the last that the process wrote.
        assert "whole" in outputs and any("has ended" in output for output in outputs)
        assert any(output.startswith('\1convscope:{"update"') for output in outputs)
        assert kernel.run("1 + 1").value == "2"


def test_the_library_is_told_of_the_session(built):
    with built.kernel() as kernel:
        folder = kernel.run('std::env::var("CONVSCOPE_SESSION")?').value.strip('"')
        assert folder in map(str, built.sessions())
