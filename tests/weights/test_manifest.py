"""Manifests of embedded weights: one flipped byte, one file too many or too few is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stillmotion.errors import CheckpointError
from stillmotion.weights import manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "part"
    (folder / "unet").mkdir(parents=True)
    (folder / "unet" / "model.safetensors").write_bytes(os.urandom(5000))
    (folder / "config.json").write_text("{}")
    manifest.write(folder)
    return folder


def test_what_was_written_verifies(folder: Path) -> None:
    manifest.verify(folder)
    assert set(json.loads((folder / "manifest.json").read_text())["files"]) == {
        "config.json",
        "unet/model.safetensors",
    }


@pytest.mark.parametrize("place", [0, 2500, 4999])
def test_one_flipped_byte_is_refused_and_the_file_named(folder: Path, place: int) -> None:
    manifest.verify(folder)
    path = folder / "unet" / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=r"unet/model\.safetensors: damaged or changed"):
        manifest.verify(folder)


def test_a_missing_a_shorter_and_an_extra_file_are_refused(folder: Path) -> None:
    path = folder / "unet" / "model.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    with pytest.raises(CheckpointError, match="4999 bytes instead of 5000"):
        manifest.verify(folder)
    path.unlink()
    with pytest.raises(CheckpointError, match=r"model\.safetensors: missing"):
        manifest.verify(folder)
    path.write_bytes(data)
    (folder / "unet" / "extra.bin").write_bytes(b"pickle")
    with pytest.raises(CheckpointError, match=r"extra\.bin: not in manifest"):
        manifest.verify(folder)


def test_no_manifest_or_a_broken_one_is_refused(folder: Path) -> None:
    (folder / "manifest.json").write_text("[1, 2")
    with pytest.raises(CheckpointError, match="not a manifest"):
        manifest.verify(folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(CheckpointError, match=r"python -m stillmotion\.weights\.manifest"):
        manifest.verify(folder)


def test_verified_once_is_not_hashed_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest.verify(folder)
    hashed: list[Path] = []
    monkeypatch.setattr(manifest, "digest", lambda path: hashed.append(path) or "")
    manifest.verify(folder)
    assert hashed == []


def test_the_tool_writes_a_manifest_that_verifies(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    tool = [sys.executable, "-m", "stillmotion.weights.manifest", str(folder)]
    done = subprocess.run(tool, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(folder / "manifest.json")
    assert done.stderr == ""
    manifest.verify(folder)
