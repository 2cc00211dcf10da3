"""What other processes of the machine may send to a kernel's ports: it goes on."""

import hashlib
import hmac
import json
import random
import socket
import struct
import time

import pytest
import zmq

from conftest import DEP

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
PORTS = ["shell_port", "control_port", "stdin_port", "iopub_port", "hb_port"]


def ready(kind=b"DEALER"):
    body = b"\x05READY\x0bSocket-Type" + struct.pack(">I", len(kind)) + kind
    return bytes([4, len(body)]) + body


def huge(size):
    return b"\x02" + struct.pack(">Q", size)


def send(kernel, port, data):
    """Sends what the kernel may refuse to read to its end."""
    connection = kernel.manager.get_connection_info()
    with socket.create_connection((connection["ip"], connection[port]), timeout=5) as stranger:
        try:
            stranger.sendall(data)
            stranger.settimeout(0.05)
            while stranger.recv(4096):
                pass
        except OSError:
            pass


def test_frames_of_any_announced_size_end_nothing(built):
    noise = random.Random(7)
    kinds = {"iopub_port": b"SUB", "hb_port": b"REQ"}
    with built.kernel() as kernel:
        # Before evcxr is there, and after.
        for _ in range(2):
            for port in PORTS:
                greeted = GREETING + ready(kinds.get(port, b"DEALER"))
                send(kernel, port, GREETING + huge(1 << 62))
                for size in [1 << 62, 8 << 30, (1 << 64) - 1, 300 << 20]:
                    send(kernel, port, greeted + huge(size) + b"x")
                send(kernel, port, greeted + b"\x01\x00" * 10_000)
                for _ in range(5):
                    send(kernel, port, greeted + noise.randbytes(2000))
            assert kernel.run("1 + 1").value == "2"
        assert kernel.manager.is_alive()


def signed(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).hexdigest().encode()


@pytest.mark.parametrize("port", ["shell_port", "control_port", "stdin_port"])
def test_only_whole_signed_messages_reach_evcxr(built, port):
    header = json.dumps({"msg_type": "execute_request", "msg_id": "1", "session": "s"}).encode()
    shut_down = json.dumps({"msg_type": "shutdown_request", "msg_id": "1", "session": "s"}).encode()
    content = json.dumps({"code": "panic!()", "restart": False}).encode()
    with built.kernel() as kernel:
        kernel.run("let kept = 41;")
        connection = kernel.manager.get_connection_info()
        key = connection["key"]
        messages = [
            [b"no delimiter"],
            [b"<IDS|MSG>"],
            [b"<IDS|MSG>", b"", header, b"{}", b"{}", content],
            [b"<IDS|MSG>", b"0" * 64, shut_down, b"{}", b"{}", content],
            [b"<IDS|MSG>", b"not hexadecimal", header, b"{}", b"{}", content],
            # Signed, but nothing that evcxr can read.
            [b"<IDS|MSG>", signed(key)],
            [b"<IDS|MSG>", signed(key, header), header],
            [b"<IDS|MSG>", signed(key, b"1", b"{}", b"{}", content), b"1", b"{}", b"{}", content],
            [b"<IDS|MSG>", signed(key, header, b"{}", b"1e999", content), header, b"{}", b"1e999", content],
        ]
        context = zmq.Context()
        stranger = context.socket(zmq.DEALER)
        stranger.connect(f"tcp://{connection['ip']}:{connection[port]}")
        for message in messages * 3:
            stranger.send_multipart(message)
        time.sleep(0.5)
        assert kernel.run("kept + 1").value == "42"
        stranger.close(0)
        context.term()


def test_large_messages_pass(built):
    with built.kernel() as kernel:
        kernel.run(DEP)
        message = kernel.client.session.msg("execute_request", {
            "code": "answer()", "silent": False, "store_history": True, "user_expressions": {},
            "allow_stdin": False, "stop_on_error": True,
        })  # fmt: skip
        message["buffers"] = [bytes(75 << 20), bytes(75 << 20)]
        session, channel = kernel.client.session, kernel.client.shell_channel
        session.send(channel.socket, message, buffers=message["buffers"])
        assert kernel.reply_to(message["header"]["msg_id"])["status"] == "ok"
