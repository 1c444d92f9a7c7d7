"""Clips on disk: lossless, atomic, refused when damaged."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from stillmotion.errors import InputError, StillmotionError
from stillmotion.motion import Clip, load_clip, save


def _clip(fps: float = 23.976) -> Clip:
    return Clip(np.random.default_rng(1).integers(0, 256, (5, 16, 24, 3), dtype=np.uint8), fps)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    save(_clip(), tmp_path / "a" / "b")
    loaded = load_clip(tmp_path / "a" / "b")
    assert (loaded.frames == _clip().frames).all() and loaded.frames.dtype == np.uint8
    assert loaded.fps == 23.976
    assert os.listdir(tmp_path / "a" / "b") == ["clip.safetensors"]


def test_a_view_is_saved_as_it_looks(tmp_path: Path) -> None:
    frames = np.flip(_clip().frames, axis=2)[::2]
    save(Clip(frames, 8.0), tmp_path)
    assert (load_clip(tmp_path).frames == frames).all()


def test_an_interrupted_write_leaves_the_old_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(_clip(8.0), tmp_path)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save(_clip(30.0), tmp_path)
    assert load_clip(tmp_path).fps == 8.0
    assert os.listdir(tmp_path) == ["clip.safetensors"]


def test_missing_and_damaged(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"clip\.safetensors: missing"):
        load_clip(tmp_path)
    save(_clip(), tmp_path)
    path = tmp_path / "clip.safetensors"
    whole = path.read_bytes()
    for damaged in (whole[:-100], b"", whole[:3], b"\x80\x04K\x01." * 100):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="damaged or not a clip"):
            load_clip(tmp_path)


def test_something_else_in_the_file(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"frames": np.zeros((2, 4, 4, 3), np.float32)}, tmp_path / "clip.safetensors", {"fps": "8"})
    with pytest.raises(InputError, match="not a clip"):
        load_clip(tmp_path)
    save_file({"frames": np.zeros((2, 4, 4, 3), np.uint8)}, tmp_path / "clip.safetensors", {"fps": "nan"})
    with pytest.raises(InputError, match="not a clip"):
        load_clip(tmp_path)


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StillmotionError, match="cannot be written") as caught:
        save(_clip(), tmp_path / "file" / "below")
    assert not isinstance(caught.value, InputError), "the run would be thrown away"
