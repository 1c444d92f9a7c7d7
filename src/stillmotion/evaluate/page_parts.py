"""The bricks of the HTML pages: text made safe, pictures and videos as data, drawings as SVG, the document.

A page needs no network and no other file but the videos that are too many to be put inside it. Whatever comes
from outside (ids, prompts, reasons) goes through `text`; pictures are decoded and encoded again.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from stillmotion import __version__, files
from stillmotion.errors import InputError
from stillmotion.evaluate.page_style import SCRIPT, STYLE
from stillmotion.evaluate.types import Evaluation, VideoResult

MARK = '<meta name="generator" content="stillmotion '
"""In the first lines of every page of ours: a file without it is not replaced."""
SHAPES = ("wide-video", "square-video", "tall-video")
CURVE = (480, 108, 28, 474, 8, 88)
"""Width, height, left, right, top and bottom of a curve's drawing, in its own units."""


def text(value: object) -> str:
    """``value`` as HTML text or attribute: no character of it is markup."""
    return html.escape(str(value), quote=True)


@dataclass
class Media:
    """What one page takes from the disk: pictures are small, videos go in until ``room`` bytes are full.

    ``page`` is the file that will hold the HTML, ``side`` the longer side of pictures in pixels, ``left`` the
    bytes still free, ``photos`` the reference pictures so far: a person's videos share one.
    """

    page: Path
    side: int = 320
    room: int = 48 << 20
    largest: int = 4 << 20
    left: int = field(init=False)
    photos: dict[Path, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.left = self.room

    def video(self, file: Path | None, label: str) -> tuple[str, str, str]:
        """The HTML of the first frame and of the video, and the video's `shape`.

        What cannot be read is a box that says so.
        """
        from stillmotion.evaluate.video import read_video

        if file is None:
            return empty("no video"), empty("no video"), SHAPES[1]
        try:
            frames = read_video(file).frames
        except InputError:
            return empty("no first frame"), empty("cannot be read"), SHAPES[1]
        first = self.picture(frames[0], f"first frame of {label}")
        poster = data_uri(jpeg(frames[len(frames) // 2], self.side), "image/jpeg")
        video = f'<video controls loop muted playsinline preload="none" poster="{poster}"'
        moving = f'{video} src="{self._source(file)}" aria-label="{text(label)}"></video>'
        return first, moving, shape(frames.shape[2], frames.shape[1])

    def picture(self, pixels: NDArray[np.uint8], label: str) -> str:
        """An ``img`` of ``pixels`` (H, W, 3) RGB."""
        return image(data_uri(jpeg(pixels, self.side), "image/jpeg"), label)

    def reference(self, path: str, folder: str) -> str:
        """The reference picture; ``path`` is as in the evaluation, absolute or below ``folder``."""
        file = find(path, folder)
        if file is None:
            return empty("no reference picture")
        if file not in self.photos:
            self.photos[file] = _photo(file, self.side)
        source = self.photos[file]
        return image(source, "reference picture") if source else empty("no reference picture")

    def _source(self, file: Path) -> str:
        """The video as a data: URI while there is room, else its address as the page sees it."""
        size = file.stat().st_size * 4 // 3
        if size <= min(self.left, self.largest):
            self.left -= size
            return data_uri(file.read_bytes(), "video/mp4")
        try:
            return quote(Path(os.path.relpath(file.resolve(), self.page.resolve().parent)).as_posix())
        except ValueError:  # another drive has no relative path
            return file.resolve().as_uri()


def video_file(evaluation: Evaluation, video: VideoResult) -> Path | None:
    """Where the video lies, or None: absent, or a name that leads out of the evaluation's folder."""
    folder = Path(evaluation.videos_folder)
    file = folder / video.file
    inside = file.resolve().is_relative_to(folder.resolve())
    return file if video.file and inside and file.is_file() else None


def find(path: str, folder: str) -> Path | None:
    """A file by its path as given, or below ``folder`` or the folder of the file ``folder``."""
    if not path:
        return None
    places = (Path(path), Path(folder) / path, Path(folder).parent / path)
    return next((place for place in places if place.is_file()), None)


def _photo(file: Path, side: int) -> str | None:
    """A photo from disk, upright, as a data: URI; None where it is no picture."""
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as opened:
            opened.draft("RGB", (2 * side, 2 * side))
            upright = ImageOps.exif_transpose(opened).convert("RGB")
            return data_uri(jpeg(np.asarray(upright), side), "image/jpeg")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def jpeg(pixels: NDArray[np.uint8], side: int) -> bytes:
    """``pixels`` (H, W, 3) RGB as JPEG, its longer side at most ``side``."""
    from PIL import Image

    picture = Image.fromarray(pixels)
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=82, optimize=True)
    return out.getvalue()


def shape(width: int, height: int) -> str:
    """The class by which the style sheet lays a video out beside its reference."""
    return SHAPES[0 if width > 1.25 * height else 2 if height > 1.25 * width else 1]


def data_uri(content: bytes, kind: str) -> str:
    """``content`` as an address that holds it."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def image(source: str, label: str) -> str:
    """An ``img`` that is decoded when it comes into sight."""
    return f'<img loading="lazy" decoding="async" src="{source}" alt="{text(label)}">'


def empty(reason: str) -> str:
    """A box where a picture would be."""
    return f'<div class="none">{text(reason)}</div>'


def figure(content: str, caption: str) -> str:
    """A picture or video with what it is."""
    return f"<figure>{content}<figcaption>{text(caption)}</figcaption></figure>"


def curve(curves: Mapping[str, Sequence[float | None]], labels: Sequence[str]) -> str:
    """Similarity over a video's frames: a line for each of ``curves``, broken where a frame has no value.

    Frames in which none of the curves has a value are shaded. At most four lines; the axis is 0 to 1, lower
    where a value is negative. Every line's frames are spread over the whole width, first to last.
    """
    width, height, left, right, top, bottom = CURVE
    low = min([0.0, *(value for values in curves.values() for value in values if value is not None)])

    def y(value: float) -> float:
        return bottom - (bottom - top) * (value - low) / (1 - low)

    marks = [_gaps(list(curves.values()))]
    for level in (0.0, 0.5, 1.0):
        marks.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{y(level):.1f}" y2="{y(level):.1f}"/>')
        marks.append(f'<text x="{left - 5}" y="{y(level) + 3.5:.1f}" text-anchor="end">{level:g}</text>')
    marks.append(f'<text x="{left}" y="{height - 3}">first frame</text>')
    marks.append(f'<text x="{right}" y="{height - 3}" text-anchor="end">last frame</text>')
    for number, values in enumerate(curves.values()):
        points = [(x, None if v is None else y(v)) for x, v in zip(_places(len(values)), values, strict=True)]
        marks += _line(points, number % 4)
    head = f'<line class="head" visibility="hidden" x1="0" x2="0" y1="{top}" y2="{bottom}"/>'
    legend = "".join(f'<span><i class="s{n % 4}"></i>{text(label)}</span>' for n, label in enumerate(labels))
    return (
        f'<div class="curve"><svg viewBox="0 0 {width} {height}" data-left="{left}" data-right="{right}"'
        f' role="img" aria-label="similarity over the frames">{"".join(marks)}{head}</svg>'
        f'<div class="legend">{legend}</div></div>'
    )


def _places(count: int) -> list[float]:
    """The x of ``count`` frames, the first at the left end, the last at the right."""
    _, _, left, right, _, _ = CURVE
    return [left + (right - left) * (i / (count - 1) if count > 1 else 0.5) for i in range(count)]


def _line(points: Sequence[tuple[float, float | None]], number: int) -> list[str]:
    """Unbroken stretches as lines, lone points as dots."""
    stretches: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if y is None:
            stretches.append([])
        else:
            stretches[-1].append((x, y))
    marks = []
    for stretch in filter(None, stretches):
        if len(stretch) == 1:
            marks.append(
                f'<circle class="f{number}" cx="{stretch[0][0]:.1f}" cy="{stretch[0][1]:.1f}" r="2.6"/>'
            )
        else:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in stretch)
            marks.append(f'<polyline class="line s{number}" points="{path}"/>')
    return marks


def _gaps(curves: Sequence[Sequence[float | None]]) -> str:
    """Shades over the frames that no curve has a value for; curves of another length do not count."""
    _, _, left, right, top, bottom = CURVE
    count = len(curves[0]) if curves else 0
    same = [values for values in curves if len(values) == count]
    places, marks = _places(count), []
    step = (right - left) / max(1, count - 1)
    blank = [all(values[i] is None for values in same) for i in range(count)]
    for i in range(count):
        if blank[i] and not (i and blank[i - 1]):
            after = next((n for n in range(i, count) if not blank[n]), count)
            start, end = max(left, places[i] - step / 2), min(right, places[after - 1] + step / 2)
            size = f'width="{end - start:.1f}" height="{bottom - top}"'
            marks.append(f'<rect class="gap" x="{start:.1f}" y="{top}" {size}><title>no face</title></rect>')
            if end - start > 60:
                middle = f'x="{(start + end) / 2:.1f}" y="{(top + bottom) / 2 - 5}"'
                marks.append(f'<text {middle} text-anchor="middle">no face</text>')
    return "".join(marks)


def document(title: str, body: str) -> str:
    """A whole page. Its policy lets nothing run or load but its own style, script, pictures and videos."""
    policy = (
        f"default-src 'none'; style-src '{_hash(STYLE)}'; script-src '{_hash(SCRIPT)}'; img-src data:;"
        " media-src data: file: 'self'; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'{MARK}{text(__version__)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n"
        f"<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def check(page: Path) -> None:
    """Raise InputError where no page can be written: no folder, a folder, a file that is not ours."""
    if not page.parent.is_dir():
        raise InputError(f"{page}: there is no folder {page.parent}; make it first")
    if page.is_dir():
        raise InputError(f"{page}: is a folder; name a file, such as {page}/index.html")
    if page.exists():
        with page.open("rb") as file:
            if MARK.encode() not in file.read(2000):
                raise InputError(f"{page}: is there and is no page of stillmotion; name another file")


def write(page: Path, content: str) -> None:
    """Write a page, whole or not at all. Raises InputError as `check`."""
    check(page)
    files.write_text(page, content)


def _hash(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"
