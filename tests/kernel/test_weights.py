"""convscope weights: list, pull and path, with a mirror of the test's own."""

import os
import signal
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from conftest import BIN, wait_until

# Two small contents whose SHA-256 begins as the official files' do, of which no more than these eight
# digits is known. They were found by search: the digits tell a broken file or a proxy's page, not a forgery.
GOOGLENET = ("googlenet-1378be20.pth", b"3065728763")
DEIT = ("deit_tiny_patch16_224-a1311bcf.pth", b"2094216512")


class Mirror(ThreadingHTTPServer):
    """Serves `files` by name, and `ranges` too; waits for `go` in the middle of each."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = dict([GOOGLENET, DEIT])
        self.requests = []
        self.go = threading.Event()
        self.go.set()
        threading.Thread(target=self.serve_forever, args=[0.01], daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        wanted = self.headers.get("Range")
        self.server.requests.append((self.path, wanted))
        content = self.server.files.get(self.path.removeprefix("/"))
        if content is None:
            self.send_error(404)
            return
        begin = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(content) - begin))
        if wanted:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        self.wfile.write(content[begin : begin + 3])
        self.wfile.flush()
        self.server.go.wait(10)
        self.wfile.write(content[begin + 3 :])

    def log_message(self, *_):
        pass


@pytest.fixture
def mirror():
    with Mirror() as mirror:
        yield mirror
        mirror.go.set()
        mirror.shutdown()


@pytest.fixture
def home(tmp_path, mirror):
    return Home(tmp_path, mirror)


class Home:
    def __init__(self, root, mirror):
        self.folder = root / "weights"
        # Nor what PyTorch may have fetched.
        folders = {"CONVSCOPE_HOME": str(root), "TORCH_HOME": str(root / "torch")}
        self.env = os.environ | folders | {"CONVSCOPE_MIRROR": mirror.url}
        self.env.pop("CONVSCOPE_OFFLINE", None)

    def start(self, *args, **env):
        return subprocess.Popen(
            [BIN, "weights", *args],
            env=self.env | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *args, code=0, **env):
        return self.ended(self.start(*args, **env), code)

    @staticmethod
    def ended(process, code=0):
        out, err = process.communicate(timeout=30)
        assert process.returncode == code, out + err
        return out, err

    def names(self):
        return sorted(path.name for path in self.folder.glob("*"))


def test_pull_fetches_once_and_list_and_path_find_it(home, mirror):
    out, err = home.run("pull", "googlenet")
    name, content = GOOGLENET
    assert out == f"googlenet: {home.folder / name}\n"
    assert f"{mirror.url}{name}" in err
    assert (home.folder / name).read_bytes() == content
    assert home.names() == [name]

    assert home.run("pull", "googlenet") == (out, "")
    assert mirror.requests == [(f"/{name}", None)]
    assert home.run("path", "googlenet")[0] == f"{home.folder / name}\n"
    assert home.run("path")[0] == f"{home.folder}\n"
    (here,) = [line for line in home.run("list")[0].splitlines() if name in line]
    assert here.split()[:4] == ["googlenet", "GoogLeNet", "52.1", "MB"]


def test_a_file_laid_by_hand_is_used(home, mirror):
    home.folder.mkdir()
    file = home.folder / "cifar10_resnet20.safetensors"
    file.touch()
    assert home.run("path", "cifar_resnet20")[0] == f"{file}\n"
    assert home.run("pull", "cifar_resnet20")[0] == f"cifar_resnet20: {file}\n"
    assert mirror.requests == []


def test_what_is_absent_has_no_path(home):
    out, err = home.run("path", "alexnet", code=1)
    assert out == "" and "convscope weights pull alexnet" in err


def test_an_unknown_name_is_answered_with_the_nearest(home):
    for command in ["pull", "path"]:
        assert "'resnet18'" in home.run(command, "resnet_18", code=2)[1]


def test_one_that_fails_does_not_keep_the_others(home, mirror):
    out, err = home.run("pull", "alexnet", "deit_tiny", code=1)
    assert "no weights for alexnet" in err and "404" in err
    assert out.startswith("deit_tiny: ")


def test_all_are_asked_for(home, mirror):
    networks = home.run("list")[0].count(" MB ")
    out, err = home.run("pull", "--all", code=1)
    assert len(mirror.requests) == networks
    assert out.count("\n") == 2 and err.count("404") == networks - 2


def test_a_mirror_is_verified_too(home, mirror):
    mirror.files[GOOGLENET[0]] = b"<html>Please log in</html>"
    _, err = home.run("pull", "googlenet", code=1)
    assert "SHA-256" in err and "1378be20" in err
    assert GOOGLENET[0] not in home.names() and f"{GOOGLENET[0]}.part" not in home.names()


def test_a_forgery_with_the_right_eight_digits_is_found_where_all_are_known(home, mirror):
    name = "resnet18-f37072fd.pth"
    mirror.files[name] = b"707339452"
    _, err = home.run("pull", "resnet18", code=1)
    assert "SHA-256 f37072fd176b" in err and "expected f37072fd47e8" in err
    assert home.names() == []


def test_offline_touches_nothing(home, mirror):
    _, err = home.run("pull", "googlenet", code=1, CONVSCOPE_OFFLINE="1")
    assert "CONVSCOPE_OFFLINE" in err
    assert mirror.requests == [] and not home.folder.exists()


def test_of_two_processes_one_fetches_and_the_other_waits(home, mirror):
    mirror.go.clear()
    one = home.start("pull", "googlenet")
    wait_until(lambda: mirror.requests)
    two = home.start("pull", "googlenet")
    assert "Fetching" in two.stderr.readline()
    assert "another process is fetching" in two.stderr.readline()
    mirror.go.set()
    for process in [one, two]:
        assert home.ended(process)[0] == f"googlenet: {home.folder / GOOGLENET[0]}\n"
    assert len(mirror.requests) == 1
    assert home.names() == [GOOGLENET[0]]


def test_a_killed_download_is_gone_on_with(home, mirror):
    mirror.go.clear()
    killed = home.start("pull", "deit_tiny")
    part = home.folder / f"{DEIT[0]}.part"
    wait_until(lambda: part.exists() and part.stat().st_size == 3)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    mirror.go.set()
    home.run("pull", "deit_tiny")
    assert mirror.requests[1] == (f"/{DEIT[0]}", "bytes=3-")
    assert home.names() == [DEIT[0]]
