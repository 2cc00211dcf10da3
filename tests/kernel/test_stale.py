"""Kernels on a warm build that no longer fits."""

import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import DEP, LIB, Place


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("stale"))
    place.install()
    return place


def test_a_changed_source_is_rebuilt_before_the_cell_runs(place):
    place.write_lib(LIB.format(answer=42))
    assert place.run("doctor", ok=False).returncode == 1
    began = time.monotonic()
    with place.kernel() as kernel:
        assert time.monotonic() - began < 3, "the kernel must answer while it builds"
        cell = kernel.run(DEP + "\nanswer()")
        assert cell.value == "42"
        assert "src/lib.rs changed since the warm build" in cell.stdout
        assert kernel.run("answer()").stdout == ""
    with place.kernel() as kernel:
        cell = kernel.run(DEP + "\nanswer()")
        assert (cell.value, cell.stdout) == ("42", "")


def test_a_new_date_counts_as_a_change(place):
    os.utime(place.crate / "src" / "lib.rs")
    with place.kernel() as kernel:
        assert "src/lib.rs has a new date" in kernel.run(DEP).stdout
    with place.kernel() as kernel:
        assert kernel.run(DEP).stdout == ""


def test_the_crate_beside_it_counts_too(place):
    beside = place.crate / "weights"
    (beside / "src").mkdir(parents=True)
    (beside / "Cargo.toml").write_text(
        '[package]\nname = "convscope-weights"\nversion = "0.1.0"\nedition = "2024"\n'
    )
    (beside / "src" / "lib.rs").write_text("pub const ANSWER: i32 = 50;\n")
    manifest = place.crate / "Cargo.toml"
    alone = manifest.read_text()
    manifest.write_text(alone + 'convscope-weights = { version = "0.1.0", path = "weights" }\n')
    place.write_lib("pub mod prelude { pub fn answer() -> i32 { convscope_weights::ANSWER } }\n")
    with place.kernel() as kernel:
        assert kernel.run(DEP + "\nanswer()").value == "50"
    (beside / "src" / "lib.rs").write_text("pub const ANSWER: i32 = 51;\n")
    with place.kernel() as kernel:
        cell = kernel.run(DEP + "\nanswer()")
        assert cell.value == "51"
        assert "weights/src/lib.rs changed since the warm build" in cell.stdout
        assert "usually under a minute" in cell.stdout
    manifest.write_text(alone)
    shutil.rmtree(beside)


def test_one_kernel_builds_and_the_others_wait(place):
    place.write_lib(LIB.format(answer=43))
    with place.kernel() as one, place.kernel() as two:
        with ThreadPoolExecutor() as pool:
            cells = list(pool.map(lambda kernel: kernel.run(DEP + "\nanswer()"), [one, two]))
    assert [cell.value for cell in cells] == ["43", "43"]
    news = [cell.stdout for cell in cells]
    assert sum("rebuilding" in text for text in news) == 1
    assert sum("another kernel" in text for text in news) == 1


def test_a_broken_crate_is_told_in_the_notebook_and_can_be_mended(place):
    place.write_lib("pub mod prelude { pub fn answer() -> i32 { seven } }\n")
    with place.kernel() as kernel:
        cell = kernel.run(DEP)
        assert cell.status == "error"
        assert "cannot find value `seven`" in cell.error
        assert "src/lib.rs:1" in cell.error
        # The same kernel tries again with the next cell.
        place.write_lib(LIB.format(answer=7))
        assert kernel.run(DEP + "\nanswer()").value == "7"
    with place.kernel() as kernel:
        assert kernel.run(DEP + "\nanswer()").value == "7"


def test_a_waiting_cell_can_be_interrupted_and_the_kernel_shut_down(place):
    place.write_lib(LIB.format(answer=44))
    with place.kernel() as kernel:
        cell = kernel.begin(DEP)
        kernel.manager.interrupt_kernel()
        reply = kernel.reply_to(cell)
        assert reply["status"] == "error"
        assert "interrupted" in reply["evalue"]
        began = time.monotonic()
        kernel.manager.shutdown_kernel()
        assert time.monotonic() - began < 3


def test_an_interrupted_build_is_continued(place):
    place.write_lib(LIB.format(answer=45))
    with place.kernel():
        pass
    assert "done" in place.install().stdout
    with place.kernel() as kernel:
        assert kernel.run(DEP + "\nanswer()").value == "45"
