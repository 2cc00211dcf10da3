"""install, uninstall and doctor."""

import json
import time

from conftest import VERSIONS


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
