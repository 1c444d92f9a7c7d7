"""One file over HTTP: resumed where it was cut, bounded in size, verified before it takes its name.

huggingface_hub 2 deletes a partial file when its process ends; files here have gigabytes, so the bytes that
came stay in ``NAME.part`` and the next run asks for the rest. Nothing here knows presets or the Hub.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx

from stillmotion.errors import CheckpointError, StillmotionError
from stillmotion.files import digest
from stillmotion.libraries import one_line

PAUSES = [0.5, 1.0, 2.0, 4.0]
"""Seconds before each further attempt; any byte that arrives starts the count anew."""
CHUNK = 2**20
REDIRECTS = 5
AGAIN = "the same command goes on where it stopped"


@dataclass(frozen=True)
class Remote:
    """A file on a server: where, how large, what its bytes are.

    ``digest`` is "sha256:HEX" or "git:HEX" (the sha1 of a git blob), None where nothing is known; HEX may be
    the first digits only, where no more are published. Redirects are followed to the address's own host, to
    ``hosts`` and, for a name that starts with a dot, to hosts below it.
    """

    url: str
    size: int | None = None
    digest: str | None = None
    hosts: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


class _Again(Exception):
    """The transfer failed in a way that may pass; the text says how."""


def part_of(target: Path) -> Path:
    """The file that collects the bytes of ``target`` until they are complete."""
    return target.with_name(target.name + ".part")


def fetch(remote: Remote, target: Path, report: Callable[[int], None]) -> None:
    """Fetch ``remote`` to ``target``; ``report`` is called with the bytes of this file that are here.

    Raises StillmotionError where the network or the disk failed (what came is kept), CheckpointError where
    the server's bytes are not those expected (they are removed).
    """
    part = part_of(target)
    attempt = 0
    while True:
        before = _size(part)
        try:
            _receive(remote, part, report)
            break
        except _Again as reason:
            attempt = 0 if _size(part) > before else attempt + 1
            if attempt > len(PAUSES):
                raise StillmotionError(f"{remote.url}: {reason}; {AGAIN}") from None
            time.sleep(PAUSES[max(attempt, 1) - 1])
        except OSError as error:
            raise _disk_error(error, part) from None
    _verify(remote, part)
    os.replace(part, target)
    _etag_of(part).unlink(missing_ok=True)


def size_of(remote: Remote) -> int | None:
    """The size in bytes that the server announces for ``remote``, None where it announces none.

    Asks for the file and hangs up after the headers: some servers answer HEAD otherwise than GET.
    """
    for pause in (*PAUSES, None):
        try:
            with (
                httpx.Client(timeout=30.0) as client,
                closing(_open(client, remote, {**remote.headers, "Accept-Encoding": "identity"})) as response,
            ):
                length = response.headers.get("Content-Length", "")
                return int(length) if length.isdigit() else None
        except (_Again, httpx.TransportError) as fault:
            if pause is None:
                raise StillmotionError(
                    f"{remote.url}: cannot be reached ({one_line(fault, 120)}); check the network and repeat "
                    "the command"
                ) from None
            time.sleep(pause)
    return None


def _receive(remote: Remote, part: Path, report: Callable[[int], None]) -> None:
    """One request: append what the server sends to ``part``; _Again if it ends early."""
    have = _size(part)
    if remote.size is not None and have > remote.size:
        _discard(part)
        have = 0
    if remote.size is not None and have == remote.size:
        report(have)
        return
    headers = {**remote.headers, "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if _etag_of(part).is_file():
            headers["If-Range"] = _etag_of(part).read_text(encoding="ascii")
    try:
        with httpx.Client(timeout=30.0) as client, closing(_open(client, remote, headers)) as response:
            have = _agreed_start(response, remote, part, have)
            with part.open("r+b" if have else "wb") as file:
                file.seek(have)
                file.truncate()
                for chunk in response.iter_bytes():
                    have += len(chunk)
                    if remote.size is not None and have > remote.size:
                        _discard(part)
                        raise CheckpointError(
                            f"{remote.url}: more than the {remote.size} bytes expected; not taken"
                        )
                    file.write(chunk)
                    report(have)
    except httpx.TransportError as error:
        raise _Again(f"the connection failed ({one_line(error)})") from None
    if remote.size is not None and have != remote.size:
        raise _Again(f"the connection ended after {have} of {remote.size} bytes")


def _open(client: httpx.Client, remote: Remote, headers: Mapping[str, str]) -> httpx.Response:
    """The response to a GET, its redirects followed to allowed hosts only; it still has to be read."""
    url, sent = remote.url, dict(headers)
    for _ in range(REDIRECTS):
        response = client.send(client.build_request("GET", url, headers=sent), stream=True)
        if not response.is_redirect:
            _check_status(response, remote)
            return response
        response.close()
        target = urljoin(url, response.headers.get("Location", ""))
        if not _allowed(remote, target):
            host = urlsplit(target).hostname
            raise StillmotionError(f"{remote.url}: redirects to {host}, not a host of this source; refused")
        if urlsplit(target).netloc != urlsplit(url).netloc:
            sent.pop("Authorization", None)
            sent.pop("authorization", None)
        url = target
    raise StillmotionError(f"{remote.url}: more than {REDIRECTS} redirects; try again later")


def _allowed(remote: Remote, target: str) -> bool:
    """Whether a redirect's target is a host of this source and as secure as its address."""
    origin, parts = urlsplit(remote.url), urlsplit(target)
    if parts.scheme not in (origin.scheme, "https"):
        return False
    if parts.hostname == origin.hostname:
        return True
    host = parts.hostname or ""
    return any(host == name or (name.startswith(".") and host.endswith(name)) for name in remote.hosts)


def _check_status(response: httpx.Response, remote: Remote) -> None:
    """Sort answers: fine, final, or worth another attempt."""
    status = response.status_code
    if status in (200, 206, 416):
        return
    response.close()
    if status in (408, 425, 429) or status >= 500:
        raise _Again(f"the server answers {status}")
    if status in (401, 403):
        raise StillmotionError(
            f"{remote.url}: access refused ({status}); accept the model's terms on its page, then: "
            "hf auth login"
        )
    raise StillmotionError(f"{remote.url}: the server answers {status}; this file is not there any more")


def _agreed_start(response: httpx.Response, remote: Remote, part: Path, have: int) -> int:
    """The offset at which the response's bytes begin; 0 where the server starts over."""
    if response.status_code == 416:
        _discard(part)
        raise _Again("the server has fewer bytes than are here; starting over")
    start = 0
    if response.status_code == 206:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if match is None or int(match[1]) != have:
            _discard(part)
            raise _Again("the server resumes at another place; starting over")
        start = have
    length = response.headers.get("Content-Length", "")
    if remote.size is not None and length.isdigit() and start + int(length) != remote.size:
        _discard(part)
        raise CheckpointError(
            f"{remote.url}: {start + int(length)} bytes on the server instead of {remote.size}; "
            "the file has been changed there, so it is not taken"
        )
    etag = response.headers.get("ETag", "")
    if etag.startswith('"') and etag.isascii():
        _etag_of(part).write_text(etag, encoding="ascii")
    return start


def _verify(remote: Remote, part: Path) -> None:
    """Compare the finished bytes with the digest; what differs is removed."""
    if remote.digest is None:
        return
    kind, _, expected = remote.digest.partition(":")
    found = digest_of(part, kind)
    if not found.startswith(expected):
        _discard(part)
        raise CheckpointError(
            f"{remote.url}: its {kind} digest is {found[:12]}… instead of {expected[:12]}…; "
            "not taken, try again, and report it if it stays so"
        )


def digest_of(path: Path, kind: str) -> str:
    """Hex digest of a file: "sha256", or "git" for the sha1 of it as a git blob."""
    if kind == "sha256":
        return digest(path)
    with path.open("rb") as file:
        blob = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
        while chunk := file.read(CHUNK):
            blob.update(chunk)
        return blob.hexdigest()


def _disk_error(error: OSError, part: Path) -> StillmotionError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StillmotionError(f"{part.parent}: the disk is full; make room, then {AGAIN}")
    return StillmotionError(f"{error.filename or part}: cannot be written ({error.strerror or error})")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _etag_of(part: Path) -> Path:
    return part.with_name(part.name + ".etag")


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _etag_of(part).unlink(missing_ok=True)
