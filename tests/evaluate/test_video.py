"""Videos from outside: whole ones come back pixel for pixel, all others as one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from stillmotion.errors import InputError
from stillmotion.evaluate import video
from stillmotion.evaluate.video import read_video

from .packs import picture, write_video


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.stack([picture(seed=n, side=64, cell=(2, 3)) for n in range(9)])


@pytest.fixture
def whole(tmp_path: Path, frames: np.ndarray) -> Path:
    return write_video(tmp_path / "whole.mp4", frames, fps=8)


def test_frames_and_rate_are_those_that_were_written(whole: Path, frames: np.ndarray) -> None:
    read = read_video(whole)
    np.testing.assert_array_equal(read.frames, frames)
    assert read.frames.dtype == np.uint8
    assert read.fps == 8


def test_matroska_is_read_as_well(tmp_path: Path, frames: np.ndarray) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("ffv1", rate=16)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "bgr0"
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    read = read_video(path)
    np.testing.assert_array_equal(read.frames, frames)
    assert read.fps == 16


def complaint(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_video(path)
    message = str(caught.value)
    assert message.startswith(str(path)) and "\n" not in message
    return message


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.99])
def test_a_video_that_was_cut_is_refused_and_not_half_judged(whole: Path, share: float) -> None:
    data = whole.read_bytes()
    whole.write_bytes(data[: int(len(data) * share)])
    assert "cut short" in complaint(whole)


def test_files_that_are_no_videos(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    assert "no such video" in complaint(path)
    path.write_bytes(b"")
    assert "is empty" in complaint(path)
    path.write_bytes(b"hello, I am a video" * 50)
    assert "not a video" in complaint(path)
    path.write_bytes(b"\0\0\0\x18ftypisom" + bytes(range(256)) * 40)
    assert "damaged" in complaint(path)
    path.unlink()
    path.mkdir()
    assert "not a regular file" in complaint(path)


def test_a_playlist_opens_no_other_file(tmp_path: Path, whole: Path) -> None:
    path = tmp_path / "list.mp4"
    path.write_text(f"#EXTM3U\n#EXTINF:1,\n{whole}\n#EXT-X-ENDLIST\n")
    assert "not a video" in complaint(path)
    path.write_text(f"ffconcat version 1.0\nfile '{whole}'\n")
    assert "not a video" in complaint(path)


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert "no pictures" in complaint(path)


def test_what_would_not_fit_is_stopped_while_it_is_decoded(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video, "MOST_BYTES", 4 * 64 * 64 * 3)
    assert "more than 4 frames" in complaint(whole)
    monkeypatch.setattr(video, "LONGEST_SIDE", 48)
    assert "64x64" in complaint(whole)
    monkeypatch.setattr(video, "MOST_FILE_BYTES", 100)
    assert "larger than" in complaint(whole)


def test_damaged_bytes_never_do_more_than_complain(whole: Path, frames: np.ndarray) -> None:
    """Whatever is flipped: frames of the right shape or one line, in a process that survives."""
    script = (
        "import sys, random\nfrom pathlib import Path\n"
        "from stillmotion.errors import InputError\nfrom stillmotion.evaluate.video import read_video\n"
        "path = Path(sys.argv[1]); data = path.read_bytes(); rng = random.Random(5)\n"
        "for _ in range(30):\n"
        "    broken = bytearray(data)\n"
        "    for _ in range(rng.choice((1, 4, 40))):\n"
        "        broken[rng.randrange(len(broken))] = rng.randrange(256)\n"
        "    path.write_bytes(broken)\n"
        "    try:\n"
        "        assert read_video(path).frames.shape[3] == 3\n"
        "    except InputError:\n"
        "        pass\n"
        "print('alive')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(whole)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout.strip() == "alive"
