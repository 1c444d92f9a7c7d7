"""Model packs: what comes out of a zip, and what does not."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from stillmotion.errors import CheckpointError
from stillmotion.weights import archive


def pack(path: Path, entries: dict[str, bytes], link: str | None = None) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, data in entries.items():
            zipped.writestr(name, data)
        if link is not None:
            info = zipfile.ZipInfo(link)
            info.external_attr = 0o120777 << 16
            zipped.writestr(info, "/etc/passwd")
    return path


def test_only_onnx_comes_out_flat(tmp_path: Path) -> None:
    entries = {
        "antelopev2/": b"",
        "antelopev2/a.onnx": b"1",
        "antelopev2/b.ONNX": b"2",
        "x/run.py": b"3",
        "._a.onnx": b"4",
    }
    path = pack(tmp_path / "p.zip", entries)
    out = tmp_path / "out"
    out.mkdir()
    assert archive.unpack(path, out) == ["a.onnx", "b.ONNX"]
    assert sorted(file.name for file in out.iterdir()) == ["a.onnx", "b.ONNX"]
    assert (out / "a.onnx").read_bytes() == b"1"


@pytest.mark.parametrize(
    "name", ["../a.onnx", "x/../../a.onnx", "/etc/a.onnx", "..\\a.onnx", "C:\\a.onnx", "c:a.onnx"]
)
def test_names_that_leave_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(CheckpointError, match="points outside"):
        archive.unpack(pack(tmp_path / "p.zip", {"ok.onnx": b"1", name: b"2"}), out)
    assert list(out.iterdir()) == []


def test_links_doubles_and_emptiness_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="points outside"):
        archive.unpack(pack(tmp_path / "p.zip", {"ok.onnx": b"1"}, link="l.onnx"), tmp_path)
    with pytest.raises(CheckpointError, match="two entries"):
        archive.unpack(pack(tmp_path / "p.zip", {"a/x.onnx": b"1", "b/x.onnx": b"2"}), tmp_path)
    with pytest.raises(CheckpointError, match="no ONNX"):
        archive.unpack(pack(tmp_path / "p.zip", {"readme.txt": b"1"}), tmp_path)


def test_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "LARGEST_FILE", 10_000)
    with pytest.raises(CheckpointError, match="unpacks to 20000 bytes"):
        archive.unpack(pack(tmp_path / "p.zip", {"a.onnx": bytes(20_000)}), tmp_path)
    monkeypatch.setattr(archive, "LARGEST_TOTAL", 15_000)
    with pytest.raises(CheckpointError, match="far larger"):
        archive.unpack(pack(tmp_path / "p.zip", {"a.onnx": bytes(9_000), "b.onnx": bytes(9_000)}), tmp_path)


def test_damaged_zips_are_refused(tmp_path: Path) -> None:
    good = pack(tmp_path / "p.zip", {"a.onnx": bytes(range(256)) * 40}).read_bytes()
    for data in (b"", b"no zip", good[:-30], good[:60] + bytes([good[60] ^ 255]) + good[61:]):
        (tmp_path / "q.zip").write_bytes(data)
        with pytest.raises(CheckpointError, match=r"q\.zip"):
            archive.unpack(tmp_path / "q.zip", tmp_path)
    assert not (tmp_path / "a.onnx").exists()


def test_an_entry_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        zipped.writestr("a.onnx", bytes(5000))
    data = buffer.getvalue().replace((5000).to_bytes(4, "little"), (50).to_bytes(4, "little"))
    (tmp_path / "p.zip").write_bytes(data)
    with pytest.raises(CheckpointError):
        archive.unpack(tmp_path / "p.zip", tmp_path)
