"""A small HTTP server on loopback: files with ranges and faults, and what we use of the Hub's interface."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


class Server:
    """``files``: path -> bytes. ``faults``: path -> what happens to its next requests, one after the other:

    ("cut", n) sends n bytes and closes; ("status", code); ("location", url); ("whole",) ignores the range;
    ("stall", n) sends n bytes and waits until the client is gone; ("chunked", bytes) sends these without a
    length; ("refuse",) closes at once.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[tuple[Any, ...]]] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                """A client that hangs up is part of these tests."""

        self.http = Quiet(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    def ranges(self, path: str) -> list[str | None]:
        return [headers.get("range") for asked, headers in self.requests if asked == path]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = urlsplit(handler.path).path
        self.requests.append((path, {name.lower(): value for name, value in handler.headers.items()}))
        faults = self.faults.get(path, [])
        fault = faults.pop(0) if faults else ("",)
        if fault[0] == "status":
            send(handler, fault[1], b"no", **(fault[2] if len(fault) > 2 else {}))
        elif fault[0] == "location":
            send(handler, 302, b"", Location=fault[1])
        elif fault[0] == "refuse":
            handler.close_connection = True
        elif fault[0] == "chunked":
            handler.send_response(200)
            handler.send_header("Connection", "close")
            handler.end_headers()
            handler.wfile.write(fault[1])
            handler.close_connection = True
        elif path not in self.files:
            send(handler, 404, b"not here", **{"X-Error-Code": "EntryNotFound"})
        else:
            self.send_file(handler, self.files[path], fault)

    def send_file(self, handler: BaseHTTPRequestHandler, data: bytes, fault: tuple[Any, ...]) -> None:
        match = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        etag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
        changed = handler.headers.get("If-Range", etag) != etag
        start = int(match[1]) if match and fault[0] != "whole" and not changed else 0
        if start >= len(data) > 0:
            send(handler, 416, b"")
            return
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(data) - start))
        handler.send_header("ETag", etag)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        handler.end_headers()
        body = data[start:]
        if fault[0] == "cut":
            handler.wfile.write(body[: fault[1]])
            handler.wfile.flush()
            handler.close_connection = True
            handler.connection.shutdown(2)
        elif fault[0] == "stall":
            handler.wfile.write(body[: fault[1]])
            handler.wfile.flush()
            handler.connection.recv(1)
            handler.close_connection = True
        else:
            handler.wfile.write(body)


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


class Hub(Server):
    """A Server that answers as the Hub does for models: ``add`` a repository at a commit."""

    def __init__(self) -> None:
        super().__init__()
        self.repositories: dict[str, dict[str, dict[str, bytes]]] = {}

    def add(self, repo: str, commit: str, files: dict[str, bytes]) -> None:
        self.repositories.setdefault(repo, {})[commit] = files
        for name, data in files.items():
            self.files[f"/{repo}/resolve/{commit}/{name}"] = data

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = urlsplit(handler.path).path
        match = re.fullmatch(r"/api/models/([^/]+/[^/]+?)(?:/revision/(.+))?", path)
        if match is None or self.faults.get(path):
            super().answer(handler)
            return
        self.requests.append((path, {name.lower(): value for name, value in handler.headers.items()}))
        commits = self.repositories.get(match[1])
        if commits is None:
            send(handler, 404, b"{}", **{"X-Error-Code": "RepoNotFound"})
            return
        commit = match[2] or list(commits)[-1]
        if commit not in commits:
            send(handler, 404, b"{}", **{"X-Error-Code": "RevisionNotFound"})
            return
        siblings = [sibling(name, data) for name, data in commits[commit].items()]
        body = json.dumps({"id": match[1], "sha": commit, "siblings": siblings}).encode()
        send(handler, 200, body, **{"Content-Type": "application/json"})


def sibling(name: str, data: bytes) -> dict[str, Any]:
    """A file as the Hub lists it: big binaries through LFS with their sha256, the rest as git blobs."""
    blob = hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
    entry: dict[str, Any] = {"rfilename": name, "size": len(data), "blobId": blob}
    if not name.endswith((".json", ".txt", ".md", ".py")):
        digest = hashlib.sha256(data).hexdigest()
        entry["lfs"] = {"sha256": digest, "size": len(data), "pointerSize": 130}
    return entry
