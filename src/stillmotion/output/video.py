"""The clip as an MP4 that plays everywhere: H.264 High, yuv420p, BT.709, index at the front.

One encoder thread and no macroblock tree, so that the same frames make the same bytes: x264's tree reads
memory that nobody wrote where a frame is not 256 pixels wide, and the file then depends on what lay there
before. Constant rate factor 17: differences from
the source are invisible at a normal viewing distance (x264's own guidance: 17 or 18). A frame of odd
width or height gets its last column or row twice, because yuv420p has half as many colours as pixels in
each direction.
"""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation
from numpy.typing import NDArray

from stillmotion.errors import StillmotionError
from stillmotion.files import replacing
from stillmotion.motion.types import Clip
from stillmotion.output.record import ClipFacts, Record, Result

if TYPE_CHECKING:
    from av.video.stream import VideoStream

CRF = 17
TITLE_LENGTH = 120


def facts(clip: Clip) -> ClipFacts:
    """The clip's sizes and the SHA-256 over its RGB bytes."""
    count, height, width, _ = clip.frames.shape
    checksum = hashlib.sha256(np.ascontiguousarray(clip.frames).data).hexdigest()
    return ClipFacts(frames=count, width=width, height=height, fps=clip.fps, sha256=checksum)


def write(clip: Clip, record: Record, path: Path) -> Result:
    """Encode ``clip`` (T, H, W, 3) RGB uint8 to ``path`` with ``record`` inside; whole or absent.

    StillmotionError where the disk refuses.
    """
    record = record.model_copy(update={"clip": facts(clip)})
    try:
        with replacing(path) as part:
            _encode(clip, record, part)
    except OSError as error:
        raise StillmotionError(f"{path}: could not be written: {error.strerror or error}") from error
    return Result(path, record)


def _encode(clip: Clip, record: Record, path: Path) -> None:
    frames = _even(clip.frames)
    rate = Fraction(clip.fps).limit_denominator(1001)
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        container.metadata["title"] = f"AI-generated: {record.request.prompt}"[:TITLE_LENGTH]
        container.metadata["comment"] = record.model_dump_json()
        stream = container.add_stream("libx264", rate=rate)
        _configure(stream, frames.shape[2], frames.shape[1])
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(
                format="yuv420p",
                src_color_range=ColorRange.JPEG,
                dst_color_range=ColorRange.MPEG,
                dst_colorspace=Colorspace.ITU709,
                dst_color_trc=ColorTrc.BT709,
                dst_color_primaries=ColorPrimaries.BT709,
                interpolation=Interpolation.BICUBIC
                | Interpolation.ACCURATE_RND
                | Interpolation.FULL_CHR_H_INP,
                threads=1,
            )
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _configure(stream: VideoStream, width: int, height: int) -> None:
    """Sizes, colours and x264's options; BT.709 is tagged as what it is."""
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.options = {"crf": str(CRF), "preset": "medium", "profile": "high", "x264-params": "mbtree=0"}
    codec = stream.codec_context
    codec.thread_count = 1
    codec.color_range = ColorRange.MPEG
    codec.color_primaries = ColorPrimaries.BT709
    codec.color_trc = ColorTrc.BT709
    codec.colorspace = Colorspace.ITU709


def _even(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Frames (T, H, W, 3) with even H and W: an odd side repeats its last row or column."""
    height, width = frames.shape[1:3]
    if height % 2 == 0 and width % 2 == 0:
        return frames
    return np.pad(frames, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
