"""Other crates beside the library: compiled ahead by `install --with`, and kept from session to session."""

import contextlib
import json
import os
import re
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import DEP, EVCXR, Place, wait_until

VALUE = "pub fn value() -> i32 {{ {value} }}\n"


def write_crate(folder, value=0, name="tiny", more="", lib=None, build=None):
    (folder / "src").mkdir(parents=True, exist_ok=True)
    (folder / "Cargo.toml").write_text(f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2024"\n{more}')
    (folder / "src" / "lib.rs").write_text(lib or VALUE.format(value=value))
    if build:
        (folder / "build.rs").write_text(build)
    return f':dep {name} = {{ path = "{folder}" }}'


@contextlib.contextmanager
def watched(place, env=None):
    """A kernel, and a function that tells which crates it has compiled so far."""
    log = place.crate.parent / f"kernel-{time.monotonic_ns()}.log"
    with open(log, "wb") as stderr, place.kernel_with({**os.environ, **(env or {})}, stderr=stderr) as kernel:
        yield kernel, lambda: re.findall(r"Compiling (\S+)", log.read_text())


def locked(folder, name):
    lock = (folder / "Cargo.lock").read_text()
    return re.findall(rf'name = "{name}"\nversion = "(.*)"', lock)


def kept(place):
    return sorted(path.name.rsplit("-", 1)[0] for path in (place.kernels / "kept").glob("*-????????????????"))


@pytest.fixture
def place(built, tmp_path):
    """The common installation, with nothing kept and room for crates."""
    shutil.rmtree(built.kernels / "kept", ignore_errors=True)
    built.crates = tmp_path
    return built


# --- compiled ahead -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rich(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("rich"))
    place.tiny = write_crate(place.crate.parent / "tiny", 5)
    options = ["--with", "fnv=1", "--with", place.tiny.removeprefix(":dep ")]
    sources = ["--crate", place.crate, "--libtorch", place.libtorch, "--evcxr", EVCXR]
    place.install_with = lambda *more, ok=True: place.run("install", *sources, *more, ok=ok)
    place.install_with(*options)
    return place


FNV = ':dep fnv = "1"'
HASH = "use std::hash::Hasher; fnv::FnvHasher::default().finish()"


def test_crates_named_at_the_installation_are_there_in_any_order(rich):
    for cells in [[FNV, rich.tiny, DEP], [DEP, FNV + "\n" + rich.tiny], [FNV + "\n" + DEP, rich.tiny]]:
        with watched(rich, {"CARGO_NET_OFFLINE": "true"}) as (kernel, compiled):
            for cell in cells:
                assert kernel.run(cell).error == ""
            assert kernel.run("tiny::value() + answer()").value == "46"
            assert kernel.run(HASH).value == "14695981039346656037"
            assert compiled() == []
            # A mistake's reason is looked for by `cargo check`, which has been there too.
            assert "no_such" in kernel.run("let a = tiny::no_such();").error


def test_the_choice_is_remembered_shown_and_changed(rich):
    assert 'fnv = "1", tiny = ' in rich.run("doctor").stdout
    assert "nothing to do" in rich.install_with().stdout
    assert list(rich.warm().glob("target/*/debug/deps/libfnv-*.rlib"))
    done = rich.install_with("--without", "fnv")
    assert "the crate fnv is gone" in done.stdout and "Compiling" not in done.stdout
    assert "fnv" not in rich.run("doctor").stdout
    assert not list(rich.warm().glob("target/**/*fnv-*.rlib"))
    assert "no such crate" in rich.install_with("--without", "fnv", ok=False).stderr
    done = rich.install_with("--with", "fnv@1.0,features=std")
    assert "the crate fnv is new" in done.stdout
    assert 'features = ["std"]' in rich.run("doctor").stdout


@pytest.mark.parametrize(
    "crate, words",
    [
        ("convscope-no-such-crate=1", "there is no crate `convscope-no-such-crate`"),
        ("fnv=99", 'no version of the crate is `fnv = "^99"`'),
        ("fnv,features=nonsense", "nonsense"),
        ("../tiny", "names no crate"),
    ],
)
def test_what_is_not_there_is_told_and_changes_nothing(rich, crate, words):
    before = (rich.state / "install.json").read_text()
    done = rich.install_with("--with", crate, ok=False)
    assert done.returncode == 1 and words in done.stderr and len(done.stderr) < 700, done.stderr
    assert (rich.state / "install.json").read_text() == before
    with watched(rich) as (kernel, compiled):
        assert kernel.run(DEP + "\nanswer()").value == "41"
        assert kernel.run(rich.tiny + "\ntiny::value()").value == "5"
        assert compiled() == []


def test_a_crate_that_does_not_compile_is_named(rich):
    broken = write_crate(rich.crate.parent / "broken", name="broken", lib="pub fn value() { seven }\n")
    done = rich.install_with("--with", broken.removeprefix(":dep "), ok=False)
    assert done.returncode == 1
    assert "the crate broken does not compile" in done.stderr and "cannot find value `seven`" in done.stderr
    with watched(rich) as (kernel, compiled):
        assert kernel.run(DEP + "\nanswer()").value == "41"
        assert compiled() == []
    assert "nothing to do" in rich.install_with().stdout


def test_without_a_network_that_is_said(rich, monkeypatch):
    monkeypatch.setenv("CARGO_NET_OFFLINE", "true")
    done = rich.install_with("--with", "fnv=0.9.9", ok=False)
    assert done.returncode == 1 and len(done.stderr) < 700
    assert "network" in done.stderr or "no version" in done.stderr, done.stderr


# --- kept from session to session -------------------------------------------------------------------------


def test_versions_of_the_warm_build_do_not_move(place):
    # Known for any `itoa`, as if a newer one had appeared since.
    with place.kernel() as kernel:
        version = locked(place.warm(), "itoa")
        tiny = write_crate(place.crates / "tiny", 1)
        assert kernel.run(tiny).error == ""
        assert kernel.run(':dep itoa = "1"\nitoa::Buffer::new().format(7).to_owned()').value == '"7"'
        assert kernel.run(DEP + "\nanswer()").value == "41"
        (session,) = place.sessions()
        assert locked(session, "itoa") == version


def test_what_one_session_has_compiled_the_next_has(place):
    tiny = write_crate(place.crates / "tiny", 6)
    with watched(place) as (one, compiled):
        assert one.run(DEP).error == ""
        assert one.run(tiny + "\ntiny::value()").value == "6"
        assert compiled() == ["tiny"]
        wait_until(lambda: "tiny" in kept(place))
        # The first is still there.
        with watched(place, {"CARGO_NET_OFFLINE": "true"}) as (two, compiled):
            assert two.run(tiny + "\ntiny::value()").value == "6"
            assert two.run(DEP + "\nanswer()").value == "41"
            assert compiled() == []
    assert "1 part(s) from notebooks" in place.run("doctor").stdout
    write_crate(place.crates / "tiny", 7)
    with watched(place) as (kernel, compiled):
        assert kernel.run(tiny + "\ntiny::value()").value == "7"
        assert compiled() == ["tiny"]
    with watched(place) as (kernel, compiled):
        assert kernel.run(tiny + "\ntiny::value()").value == "7"
        assert compiled() == []


def test_two_at_once_with_different_crates_of_one_name(place):
    deps = [write_crate(place.crates / folder / "tiny", value) for folder, value in [("a", 1), ("b", 2)]]
    deps.append(deps[0].replace("}", ', features = ["big"] }'))
    write_crate(
        place.crates / "a" / "tiny", more="[features]\nbig = []\n",
        lib='pub fn value() -> i32 { if cfg!(feature = "big") { 100 } else { 1 } }\n',
    )  # fmt: skip
    values = ["1", "2", "100"]
    for again in range(3):
        with contextlib.ExitStack() as stack:
            kernels = [stack.enter_context(watched(place)) for _ in deps]
            with ThreadPoolExecutor() as pool:
                cells = pool.map(lambda pair: pair[0][0].run(pair[1] + "\ntiny::value()"), zip(kernels, deps))
                assert [cell.value for cell in cells] == values
            if again:
                assert [compiled() for _, compiled in kernels] == [[], [], []]


def test_two_at_once_that_compile_the_same(place):
    """Whoever kept first or last, what a third gets fits together."""
    write_crate(place.crates / "below", 3, name="below")
    deps = [
        write_crate(
            place.crates / name, name=name, more='[dependencies]\nbelow = { path = "../below" }\n',
            lib="pub fn value() -> i32 { below::value() }\n",
        )
        for name in ["left", "right"]
    ]  # fmt: skip
    with watched(place) as (one, _), watched(place) as (two, _):
        with ThreadPoolExecutor() as pool:
            cells = pool.map(lambda pair: pair[0].run(f"{pair[1]}\n{pair[2]}::value()"), [(one, deps[0], "left"), (two, deps[1], "right")])
            assert [cell.value for cell in cells] == ["3", "3"]
    for _ in range(2):
        with watched(place) as (kernel, compiled):
            assert kernel.run("\n".join(deps) + "\nleft::value() + right::value()").value == "6"
    assert compiled() == []


def test_a_session_that_is_killed_while_it_compiles(place):
    """What it had finished is kept; what it had begun is no part of anything."""
    wait = place.crates / "wait"
    wait.touch()
    write_crate(place.crates / "quick", 4, name="quick")
    slow = write_crate(
        place.crates / "slow", name="slow",
        more='build = "build.rs"\n[dependencies]\nquick = { path = "../quick" }\n',
        lib="pub fn value() -> i32 { quick::value() }\n",
        build=f'fn main() {{ while std::path::Path::new("{wait}").exists() {{ std::thread::sleep(std::time::Duration::from_millis(50)) }} }}\n',
    )  # fmt: skip
    with watched(place) as (kernel, compiled):
        kernel.run("1")  # the session is there
        kernel.begin(slow + "\nslow::value()")
        (session,) = place.sessions()
        wait_until(lambda: any(path.stat().st_size for path in session.glob("target/*/debug/.fingerprint/quick-*/lib-quick")), 60)
        os.killpg(kernel.pid, signal.SIGKILL)
        wait_until(lambda: not kernel.manager.is_alive())
    wait.unlink()
    with watched(place) as (kernel, compiled):
        assert kernel.run(slow + "\nslow::value()").value == "4"
        assert set(compiled()) == {"slow"}


@pytest.mark.parametrize("damage", ["cut", "gone", "record", "versions", "half"])
def test_damage_is_noticed(place, damage):
    tiny = write_crate(place.crates / "tiny", 8)
    with watched(place) as (kernel, _):
        kernel.run(tiny)
    (entry,) = (place.kernels / "kept").glob("tiny-*")
    (library,) = entry.glob("target/**/*.rlib")
    if damage == "cut":
        library.unlink()
        library.write_bytes(b"!<arch>\n")
    elif damage == "gone":
        library.unlink()
    elif damage == "record":
        (entry / "convscope-unit.json").write_text(json.dumps({"hash": 7})[:-3])
    elif damage == "versions":
        (place.kernels / "kept" / "versions").write_text("[[package]]\nname = \"itoa\"\nversion = \"9.9.9\"\n")
    elif damage == "half":
        next(entry.glob("target/**/.fingerprint/*/lib-tiny")).write_text("")
    with watched(place) as (kernel, compiled):
        assert kernel.run(tiny + "\ntiny::value()").value == "8"
        assert kernel.run(DEP + "\nanswer()").value == "41"
        assert compiled() == ([] if damage == "versions" else ["tiny"])
    with watched(place) as (kernel, compiled):
        assert kernel.run(tiny + "\ntiny::value()").value == "8"
        assert compiled() == []


def test_what_is_kept_is_bounded(place):
    large = "pub static DATA: [u8; 700_000] = [1; 700_000]; pub fn value() -> i32 { DATA[9].into() }\n"
    deps = [write_crate(place.crates / name, name=name, lib=large) for name in ["one", "two", "three"]]
    # There is room for two. Used again by a later session, the first is younger than the second.
    env = {"CONVSCOPE_KEEP_MIB": "5"}
    for dep in [deps[0], deps[1], deps[0], deps[2]]:
        with watched(place, env) as (kernel, _):
            assert kernel.run(dep).error == ""
    assert kept(place) == ["one", "three"]
    with watched(place, {"CONVSCOPE_KEEP_MIB": "0"}) as (kernel, _):
        kernel.run(deps[1])
    assert kept(place) == []


def test_what_is_compiled_in_another_way_is_not_kept(place):
    tiny = write_crate(place.crates / "tiny", 9)
    for command in [":build_env TINY=1", ":allow_static_linking 0"]:
        with watched(place) as (kernel, _):
            kernel.run(command)
            assert kernel.run(tiny + "\ntiny::value()").value == "9"
        assert kept(place) == []
