"""One file over HTTP: every way it can be cut short, changed or misdirected."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from stillmotion.errors import CheckpointError, StillmotionError
from stillmotion.weights.transfer import Remote, digest_of, fetch, part_of

from .hub_server import Server

DATA = os.urandom(300_000)
SHA = "sha256:" + hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def remote(server: Server) -> Remote:
    server.files["/a.bin"] = DATA
    return Remote(f"{server.address}/a.bin", len(DATA), SHA)


def ignore(_: int) -> None:
    pass


def test_a_file_arrives_whole_and_reports_its_bytes(remote: Remote, tmp_path: Path) -> None:
    seen: list[int] = []
    fetch(remote, tmp_path / "a", seen.append)
    assert (tmp_path / "a").read_bytes() == DATA
    assert seen == sorted(seen) and seen[-1] == len(DATA)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["a"]


def test_a_cut_connection_is_resumed_where_it_stopped(server: Server, remote: Remote, tmp_path: Path) -> None:
    server.faults["/a.bin"] = [("cut", 1000), ("cut", 2000), ("status", 503), ("refuse",)]
    fetch(remote, tmp_path / "a", ignore)
    assert (tmp_path / "a").read_bytes() == DATA
    assert server.ranges("/a.bin") == [None, "bytes=1000-", "bytes=3000-", "bytes=3000-", "bytes=3000-"]


def test_a_server_that_stays_away_is_one_line_and_keeps_what_came(
    server: Server, remote: Remote, tmp_path: Path
) -> None:
    server.faults["/a.bin"] = [("cut", 1000)] + [("status", 500)] * 9
    with pytest.raises(StillmotionError, match=r"a\.bin: the server answers 500; the same command goes on"):
        fetch(remote, tmp_path / "a", ignore)
    assert part_of(tmp_path / "a").read_bytes() == DATA[:1000]
    server.faults.clear()
    fetch(remote, tmp_path / "a", ignore)
    assert server.ranges("/a.bin")[-1] == "bytes=1000-"
    assert (tmp_path / "a").read_bytes() == DATA


def test_a_server_without_ranges_starts_over(server: Server, remote: Remote, tmp_path: Path) -> None:
    server.faults["/a.bin"] = [("cut", 5000), ("whole",)]
    fetch(remote, tmp_path / "a", ignore)
    assert (tmp_path / "a").read_bytes() == DATA


def test_a_file_that_changes_between_two_attempts_is_not_mixed(server: Server, tmp_path: Path) -> None:
    server.files["/b.bin"] = b"x" * 9000
    server.faults["/b.bin"] = [("cut", 4000)] + [("status", 500)] * 9
    with pytest.raises(StillmotionError):
        fetch(Remote(f"{server.address}/b.bin"), tmp_path / "b", ignore)
    server.faults.clear()
    server.files["/b.bin"] = b"y" * 9000
    fetch(Remote(f"{server.address}/b.bin"), tmp_path / "b", ignore)
    assert (tmp_path / "b").read_bytes() == b"y" * 9000


def test_another_size_is_refused_before_its_bytes(server: Server, remote: Remote, tmp_path: Path) -> None:
    server.files["/a.bin"] = DATA + b"more"
    with pytest.raises(CheckpointError, match="300004 bytes on the server instead of 300000"):
        fetch(remote, tmp_path / "a", ignore)
    assert not any(path.is_file() for path in tmp_path.iterdir())


def test_an_endless_answer_stops_at_the_expected_size(server: Server, remote: Remote, tmp_path: Path) -> None:
    server.faults["/a.bin"] = [("chunked", DATA + b"!")]
    with pytest.raises(CheckpointError, match="more than the 300000 bytes"):
        fetch(remote, tmp_path / "a", ignore)


def test_one_wrong_byte_is_refused_and_removed(server: Server, remote: Remote, tmp_path: Path) -> None:
    server.files["/a.bin"] = DATA[:-1] + bytes([DATA[-1] ^ 1])
    with pytest.raises(CheckpointError, match="sha256 digest"):
        fetch(remote, tmp_path / "a", ignore)
    assert not any(path.is_file() for path in tmp_path.iterdir())


@pytest.mark.parametrize(("status", "words"), [(404, "answers 404"), (403, "hf auth login"), (410, "410")])
def test_final_answers_are_not_repeated(
    server: Server, remote: Remote, tmp_path: Path, status: int, words: str
) -> None:
    server.faults["/a.bin"] = [("status", status)] * 9
    with pytest.raises(StillmotionError, match=words):
        fetch(remote, tmp_path / "a", ignore)
    assert len(server.requests) == 1


def test_a_redirect_to_a_host_that_the_source_does_not_name_is_refused(
    server: Server, remote: Remote, tmp_path: Path
) -> None:
    elsewhere = server.address.replace("127.0.0.1", "localhost") + "/other"
    server.files["/other"] = DATA
    server.faults["/a.bin"] = [("location", elsewhere)]
    with pytest.raises(StillmotionError, match="redirects to localhost, not a host of this source"):
        fetch(remote, tmp_path / "a", ignore)
    assert [path for path, _ in server.requests] == ["/a.bin"]


def test_a_redirect_to_a_named_host_is_followed_without_the_token(server: Server, tmp_path: Path) -> None:
    elsewhere = server.address.replace("127.0.0.1", "localhost") + "/other"
    server.files["/other"] = DATA
    server.faults["/a.bin"] = [("location", elsewhere)]
    secret = {"Authorization": "Bearer secret"}
    remote = Remote(f"{server.address}/a.bin", len(DATA), SHA, ("localhost",), secret)
    fetch(remote, tmp_path / "a", ignore)
    (_, first), (_, second) = server.requests
    assert first["authorization"] == "Bearer secret"
    assert "authorization" not in second


def test_a_full_disk_is_told_and_the_part_is_kept(
    remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(here: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(StillmotionError, match="the disk is full; make room"):
        fetch(remote, tmp_path / "a", full)
    assert part_of(tmp_path / "a").exists()


def test_an_interrupt_keeps_the_bytes_for_the_next_time(
    server: Server, remote: Remote, tmp_path: Path
) -> None:
    def stop(here: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(remote, tmp_path / "a", stop)
    kept = part_of(tmp_path / "a").stat().st_size
    assert 0 < kept <= len(DATA)
    fetch(remote, tmp_path / "a", ignore)
    assert (tmp_path / "a").read_bytes() == DATA


def test_git_digests_are_those_of_git(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"hello\n")
    assert digest_of(tmp_path / "f", "git") == "ce013625030ba8dba906f756967f9e9ca394464a"
