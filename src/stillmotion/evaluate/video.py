"""Finished videos from outside: a path becomes RGB frames, or one line that says what is wrong with the file.

Everything is bounded before and while it is decoded, and only containers that hold their own pictures are
opened: a playlist in an .mp4's clothes would name other files and addresses.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stillmotion.errors import InputError
from stillmotion.libraries import one_line

MOST_BYTES = 2 * 2**30
"""What a video may unpack to: 1,790 frames of 832x480, or 345 of 1920x1080."""
LONGEST_SIDE = 8192
SHORTEST_SIDE = 16
MOST_FILE_BYTES = 4 * 2**30
_CONTAINERS = ((4, b"ftyp", "mov"), (0, b"\x1aE\xdf\xa3", "matroska"))
_WAY_OUT = "give an MP4, MOV, WebM or MKV video"


@dataclass(frozen=True, eq=False)
class Video:
    """``frames`` (T, H, W, 3) RGB uint8, T >= 1; ``fps`` in frames per second, 0 where the file has none."""

    frames: NDArray[np.uint8]
    fps: float


def read_video(path: Path) -> Video:
    """All frames of a video. InputError naming the file where it is missing, cut, too large or no video."""
    kind = check_video(path)
    import av

    # PyAV's logging stays off, its default: called from a decoder's thread it can wait for ever for the
    # interpreter, which waits for that thread when the file is closed.
    try:
        with av.open(str(path), format=kind, options={"protocol_whitelist": "file"}) as container:
            if not container.streams.video:
                raise InputError(f"{path}: has no pictures; {_WAY_OUT}")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            frames = _decode(container, stream, path)
            rate = stream.average_rate
    except InputError:
        raise
    except MemoryError:
        raise InputError(f"{path}: does not fit into memory; give a shorter video") from None
    except Exception as error:
        # A demuxer or decoder that meets damaged bytes raises whatever its parser tripped over.
        reason = getattr(error, "strerror", None) or one_line(error)
        raise InputError(f"{path}: the video is damaged or cut short ({reason})") from None
    return Video(frames, float(rate) if rate else 0.0)


def check_video(path: Path) -> str:
    """FFmpeg's name of the container, by the file's first bytes.

    InputError naming the file where it is missing, empty, too large or something else.
    """
    try:
        if not path.exists():
            raise InputError(f"{path}: there is no such video")
        if not path.is_file():
            raise InputError(f"{path}: is not a regular file; {_WAY_OUT}")
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(12)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check its permissions") from None
    if size == 0:
        raise InputError(f"{path}: is empty; make the video again")
    if size > MOST_FILE_BYTES:
        raise InputError(f"{path}: is larger than {MOST_FILE_BYTES >> 30} GiB; give a shorter video")
    for offset, magic, name in _CONTAINERS:
        if start[offset : offset + len(magic)] == magic:
            return name
    raise InputError(f"{path}: is not a video that can be read; {_WAY_OUT}")


def _decode(container: Any, stream: Any, path: Path) -> NDArray[np.uint8]:
    width, height = stream.width, stream.height
    if not SHORTEST_SIDE <= min(width, height) <= max(width, height) <= LONGEST_SIDE:
        raise InputError(f"{path}: is {width}x{height} pixels; sides may have 16 to {LONGEST_SIDE}")
    most = MOST_BYTES // (width * height * 3)
    frames: list[NDArray[np.uint8]] = []
    packets = 0
    for packet in container.demux(stream):
        # A packet that the file ends within is handed out all the same, and decoded into guesses.
        packets += packet.size > 0 and not packet.is_corrupt
        for frame in packet.decode():
            if len(frames) == most:
                raise InputError(
                    f"{path}: has more than {most} frames of {width}x{height}; give a shorter video"
                )
            if frame.is_corrupt:
                raise InputError(f"{path}: frame {len(frames)} is damaged or cut short; make the video again")
            pixels = frame.to_ndarray(format="rgb24")
            if pixels.shape != (height, width, 3):
                raise InputError(f"{path}: changes its size from frame to frame; encode it again")
            frames.append(pixels)
    if not frames:
        raise InputError(f"{path}: no frame can be decoded; make the video again")
    if packets < stream.frames:
        raise InputError(f"{path}: is cut short, {packets} of {stream.frames} frames are there")
    return np.stack(frames)
