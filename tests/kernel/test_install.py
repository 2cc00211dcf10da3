"""install, uninstall and doctor."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from conftest import BIN, DEP, ROOT, VERSIONS, Place


def test_install_writes_a_kernelspec_and_builds(built):
    spec = json.loads((built.spec / "kernel.json").read_text())
    assert spec["display_name"] == "Rust (convscope)"
    assert spec["language"] == "rust"
    assert spec["interrupt_mode"] == "message"
    assert spec["argv"][1:] == [
        "kernel", "--state", str(built.state), "--connection-file", "{connection_file}"
    ]
    assert spec["env"]["LIBTORCH"] == str(built.libtorch)
    assert (built.spec / "logo-svg.svg").exists()
    assert "Compiling convscope v0.1.0" in built.first_install.stdout
    assert built.warm().is_dir()
    assert not (built.crate / "Cargo.lock").exists(), "install wrote into the crate's folder"


def test_second_install_has_nothing_to_do(built):
    began = time.monotonic()
    done = built.install()
    assert time.monotonic() - began < 2
    assert done.stdout.count("nothing to do") == 2


def test_doctor_finds_a_good_installation_good(built):
    done = built.run("doctor")
    assert "all is well" in done.stdout
    assert "✗" not in done.stdout and "\x1b" not in done.stdout


def test_doctor_names_fault_and_remedy(built):
    library = built.libtorch / "lib" / "libtorch_cpu.so"
    library.rename(library.with_suffix(".away"))
    try:
        done = built.run("doctor", ok=False)
    finally:
        library.with_suffix(".away").rename(library)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    (fault,) = [i for i, line in enumerate(lines) if line.startswith("✗")]
    assert "no libtorch at" in lines[fault]
    assert f"pip install torch=={VERSIONS['TORCH']}" in lines[fault + 1]


def test_doctor_before_installation(empty):
    done = empty.run("doctor", ok=False)
    assert done.returncode == 1
    assert "convscope install" in done.stdout


def test_another_libtorch_is_refused(empty):
    (empty.libtorch / "version.py").write_text("__version__ = '1.0.0'\n")
    done = empty.install(ok=False)
    assert done.returncode == 1
    assert "1.0.0" in done.stderr and VERSIONS["TORCH"] in done.stderr
    assert not empty.spec.exists()


def test_a_folder_without_the_crate_is_refused(empty):
    done = empty.run("install", "--crate", empty.libtorch, ok=False)
    assert done.returncode == 1
    assert "--crate" in done.stderr


def test_what_is_compiled_ahead_is_not_compiled_again(empty):
    """While evcxr is still being compiled itself."""
    sources = ["--crate", empty.crate, "--libtorch", empty.libtorch, "--evcxr", empty.crate / "not-yet"]
    done = empty.run("prebuild", *sources)
    assert "Compiling itoa" in done.stderr and "Compiling convscope" in done.stderr
    assert "Compiling" not in empty.run("prebuild", *sources).stderr
    done = empty.install()
    assert "going on with what was compiled before" in done.stdout
    assert "Compiling" not in done.stdout
    assert "there is a warm build already" in empty.run("prebuild", *sources).stdout
    with empty.kernel() as kernel:
        assert kernel.run(':dep convscope = "0.1"\nconvscope::prelude::answer()').value == "41"


def test_the_command_knows_the_set_up_that_it_lies_in(built, tmp_path):
    """As `doctor` and `env` are typed: by the command's path, with nothing else said."""
    tools = tmp_path / "set up" / "tools" / "bin"
    tools.mkdir(parents=True)
    command = tools / "convscope"
    shutil.copy2(BIN, command)
    state, spec = tmp_path / "set up/kernel", tmp_path / "set up/venv/share/jupyter/kernels/convscope"
    state.symlink_to(built.state)
    spec.parent.mkdir(parents=True)
    spec.symlink_to(built.spec)
    done = subprocess.run([command, "doctor"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout

    # In a shell that knows nothing of libtorch, twice, as a profile that is read again would do.
    lines = f'eval "$(\'{command}\' env)"; ' * 2 + 'printf "%s|%s|%s" "$LIBTORCH" "$LD_LIBRARY_PATH" "$PATH"'
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LD_LIBRARY_PATH": "/elsewhere"}
    shell = subprocess.run(["sh", "-c", lines], env=environment, capture_output=True, text=True)
    found = shell.stdout.split("|")
    assert found == [str(built.libtorch), f"{built.libtorch}/lib:/elsewhere", f"{tools}:{os.environ['PATH']}"], shell.stderr


def test_a_closed_pipe_is_no_crash(built):
    line = f"'{BIN}' doctor --prefix '{built.prefix}' --state '{built.state}' | true"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", line], capture_output=True, text=True)
    assert "panicked" not in done.stderr, done.stderr


def test_uninstall_leaves_nothing(empty):
    empty.install()
    done = empty.run("uninstall")
    assert str(empty.spec) in done.stdout and str(empty.state) in done.stdout
    assert not empty.spec.exists() and not empty.state.exists()
    assert "nothing to remove" in empty.run("uninstall").stdout


def test_uninstall_spares_what_is_not_ours(empty):
    empty.state.mkdir()
    (empty.state / "thesis.txt").write_text("five years of work")
    empty.run("uninstall")
    assert (empty.state / "thesis.txt").exists()


ODD = "Jürgens Übung (1) & [x] #%20 'q'"


def test_folders_of_any_name_will_do(tmp_path):
    place = Place(tmp_path / ODD)
    # But for where the compiler works.
    place.state = tmp_path / "Übung(1)&[x]#'q'" / "state"
    place.install()
    notebooks = tmp_path / ODD / "Woche 1 & 2"
    notebooks.mkdir()
    (notebooks / "beside it.txt").write_text("seen")
    home = tmp_path / ODD / "home"
    home.mkdir()
    # Rust lies where it lay.
    rust = {name: os.environ.get(name, str(Path.home() / f".{name[:-5].lower()}")) for name in ["RUSTUP_HOME", "CARGO_HOME"]}
    env = os.environ | rust | {"HOME": str(home), "CONVSCOPE_HOME": str(home / "weights")}
    with place.kernel_with(env, cwd=notebooks) as kernel:
        assert kernel.run(DEP + "\nanswer()").value == "41"
        assert kernel.run('std::fs::read_to_string("beside it.txt")?').value == '"seen"'
    assert "all is well" in place.run("doctor").stdout
    place.run("uninstall")
    assert not place.spec.exists() and not place.state.exists()


@pytest.mark.parametrize("name", ["conv scope", "100%", "a:b"])
def test_a_folder_that_nothing_compiles_in_is_refused_at_once(tmp_path, name):
    place = Place(tmp_path / "place")
    place.state = tmp_path / name
    began = time.monotonic()
    done = place.install(ok=False)
    assert done.returncode != 0 and str(place.state) in done.stderr and "--state DIR" in done.stderr
    setup = subprocess.run(["scripts/setup"], cwd=ROOT, env=os.environ | {"CONVSCOPE_DIR": str(place.state)}, capture_output=True, text=True)
    assert setup.returncode != 0 and str(place.state) in setup.stderr and "export CONVSCOPE_DIR=" in setup.stderr
    assert time.monotonic() - began < 3
    assert not place.state.exists() and not place.spec.exists()
