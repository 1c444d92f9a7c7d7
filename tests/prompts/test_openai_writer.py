"""The openai writer against a real HTTP server on loopback: it answers well, late, wrongly, not at all."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from stillmotion.errors import InputError
from stillmotion.prompts import Plan, decouple
from stillmotion.prompts.openai_writer import OpenAIWriter

PROMPT = "In a park, a woman in a red coat waves and turns around."
TEMPORAL = "A man in a red coat waves, smiling, and turns around in a park."
SPATIAL = "A man, wearing a red coat, park, close-up"
Handler = Callable[["_Server", dict[str, Any]], tuple[int, bytes]]


class _Server(BaseHTTPRequestHandler):
    behaviour: Handler
    seen: list[tuple[str, dict[str, str], dict[str, Any]]]

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, body: dict[str, Any]) -> None:
        type(self).seen.append((self.path, dict(self.headers), body))
        status, data = type(self).behaviour(self, body)
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:  # the client has given up
            pass

    def log_message(self, *arguments: object) -> None:
        pass


Start = Callable[[Handler], tuple[str, list[tuple[str, dict[str, str], dict[str, Any]]]]]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    for name in ("STILLMOTION_OPENAI_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    servers: list[ThreadingHTTPServer] = []

    def begin(behaviour: Handler) -> tuple[str, list[tuple[str, dict[str, str], dict[str, Any]]]]:
        seen: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        handler = type("Handler", (_Server,), {"behaviour": staticmethod(behaviour), "seen": seen})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/v1", seen

    yield begin
    for server in servers:
        server.shutdown()
        server.server_close()


def chat(content: object) -> tuple[int, bytes]:
    return 200, json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode()


def well(server: _Server, body: dict[str, Any]) -> tuple[int, bytes]:
    if server.path.endswith("/models"):
        return 200, json.dumps({"data": [{"id": "tiny"}]}).encode()
    return chat(SPATIAL if "first frame" in body["messages"][0]["content"] else TEMPORAL)


def by_rules(plan: Plan) -> bool:
    rules = decouple(PROMPT, "A man")
    return (plan.spatial, plan.temporal) == (rules.spatial, rules.temporal) and plan.fallback is not None


def test_answers_well(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    address, seen = start(well)
    monkeypatch.setenv("OPENAI_API_KEY", "k-123")
    plan = decouple(PROMPT, "A man", writer=f"openai:{address}#named")
    assert (plan.temporal, plan.spatial, plan.fallback) == (TEMPORAL, SPATIAL, None)
    assert plan.writer == f"openai:{address}#named"
    assert [path for path, _, _ in seen] == ["/v1/chat/completions"] * 2
    first, second = seen[0][2], seen[1][2]
    assert (first["model"], first["temperature"], first["top_p"], first["max_tokens"]) == (
        "named",
        0.1,
        0.9,
        1000,
    )
    assert PROMPT in first["messages"][1]["content"] and TEMPORAL in second["messages"][1]["content"]
    assert seen[0][1]["Authorization"] == "Bearer k-123" and "k-123" not in plan.to_json()


def test_own_key_wins_and_first_model_is_taken(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    address, seen = start(well)
    monkeypatch.setenv("OPENAI_API_KEY", "other")
    monkeypatch.setenv("STILLMOTION_OPENAI_KEY", "mine")
    plan = decouple(PROMPT, "A man", writer=f"openai:{address}")
    assert plan.fallback is None and plan.writer.endswith("#tiny")
    assert all(headers["Authorization"] == "Bearer mine" for _, headers, _ in seen)


def test_no_key_no_header(start: Start) -> None:
    address, seen = start(well)
    decouple(PROMPT, "A man", writer=f"openai:{address}#m")
    assert all("Authorization" not in headers for _, headers, _ in seen)


def test_answers_late(start: Start) -> None:
    def late(server: _Server, body: dict[str, Any]) -> tuple[int, bytes]:
        time.sleep(0.6)
        return chat(TEMPORAL)

    address, seen = start(late)
    begun = time.monotonic()
    plan = decouple(PROMPT, "A man", writer=OpenAIWriter(address, "m", timeout=0.15))
    assert by_rules(plan) and "within 0.15 s" in str(plan.fallback)
    assert time.monotonic() - begun < 2 and len(seen) == 2


def test_drips_its_answer(start: Start) -> None:
    def drip(server: _Server, body: dict[str, Any]) -> tuple[int, bytes]:
        server.send_response(200)
        server.end_headers()
        try:
            for _ in range(20):
                server.wfile.write(b" ")
                server.wfile.flush()
                time.sleep(0.05)
        except OSError:
            pass
        server.close_connection = True
        return 200, b""

    address, _ = start(drip)
    plan = decouple(PROMPT, "A man", writer=OpenAIWriter(address, "m", timeout=0.2))
    assert by_rules(plan) and "within 0.2 s" in str(plan.fallback)


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"not json"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"choices": []}'),
        (200, b"\xff\xfe\x00"),
        chat(None),
        chat(""),
        chat(5),
        chat("I cannot help with that."),
        chat("<think>A man waves and turns"),
        chat("A man sits."),
        chat("# Title\n- A man"),
        (401, b"{}"),
        (302, b""),
        (200, b"[" * 100000),
        (200, b"x" * (2 << 20)),
    ],
)
def test_answers_wrongly(start: Start, answer: tuple[int, bytes]) -> None:
    address, _ = start(lambda server, body: answer)
    assert by_rules(decouple(PROMPT, "A man", writer=f"openai:{address}#m"))


def test_fails_once_then_works(start: Start) -> None:
    calls: list[int] = []

    def shaky(server: _Server, body: dict[str, Any]) -> tuple[int, bytes]:
        calls.append(1)
        return (500, b"oops") if len(calls) == 1 else well(server, body)

    address, _ = start(shaky)
    assert decouple(PROMPT, "A man", writer=f"openai:{address}#m").fallback is None
    assert len(calls) == 3


def test_fails_always(start: Start) -> None:
    address, seen = start(lambda server, body: (500, b"oops"))
    plan = decouple(PROMPT, "A man", writer=f"openai:{address}#m")
    assert by_rules(plan) and "status 500" in str(plan.fallback) and len(seen) == 2


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    plan = decouple(PROMPT, "A man", writer=f"openai:http://127.0.0.1:{port}/v1#m")
    assert by_rules(plan) and "no connection" in str(plan.fallback)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "localhost:8000",
        "file:///etc/passwd",
        "http://",
        "http://host:99999999",
        "http://u:p@host/v1",
        "http://host/v1?key=secret",
    ],
)
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(InputError) as caught:
        OpenAIWriter(address)
    assert "\n" not in str(caught.value)
