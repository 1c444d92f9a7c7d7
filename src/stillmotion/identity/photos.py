"""Photos from outside: a path becomes upright RGB pixels, or one line that says what is wrong with the file.

The only place that opens a user's picture. Three formats, known by their content; a cap on bytes and pixels
before anything is decoded; nothing but pixels comes out (no EXIF, no profile, no second frame).
"""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from stillmotion.errors import InputError
from stillmotion.identity.types import Pixels
from stillmotion.libraries import one_line

MOST_PIXELS = 32_000_000
"""32 megapixels: what a picture may unpack to."""
MOST_BYTES = 128 * 2**20
LONGEST_SIDE = 2048
"""Larger pictures are shrunk to this many pixels on their longer side; faces are found and read well below
it.
"""
SHORTEST_SIDE = 32
TRANSPARENT = (127, 127, 127)
"""Mid grey is put behind transparent pixels: what "background removed" means everywhere in this house."""

_ACCEPTED = ("JPEG", "PNG", "WEBP")
_WAY_OUT = "give a JPEG, PNG or WEBP photo"
_ADDRESS = re.compile(r"^([a-z][a-z0-9+.-]+:/|data:|www\.)", re.IGNORECASE)
_OTHERS = (
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"%PDF", "a PDF document"),
    (b"\0\0\1\0", "an icon"),
    (b"8BPS", "a Photoshop document"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML or SVG document"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
    (b"PK\3\4", "a ZIP archive"),
    (b"\x1aE\xdf\xa3", "a video"),
)


@dataclass(frozen=True, eq=False)
class Photo:
    """``pixels`` (H, W, 3) RGB uint8, upright; ``notes`` are sentences about what was done to the file."""

    pixels: Pixels
    notes: tuple[str, ...] = ()


def load_image(path: Path | str) -> Pixels:
    """The picture in a file: (H, W, 3) RGB uint8, upright, its longer side at most `LONGEST_SIDE`.

    Raises InputError naming the file where it is missing, empty, cut, too large or of another format.
    """
    return load_photo(path).pixels


def load_photo(path: Path | str) -> Photo:
    """`load_image` with its notes."""
    data = _bytes(path)
    try:
        with warnings.catch_warnings():
            # Pillow warns from 89 megapixels on; the cap below is lower and is an error.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=_ACCEPTED) as picture:
                return _decode(picture, path)
    except InputError:
        raise
    except Image.DecompressionBombError:
        raise _too_large(path) from None
    except UnidentifiedImageError:
        raise InputError(f"{path}: is {_kind(data)}; {_WAY_OUT}") from None
    except Exception as error:
        # A decoder that meets damaged bytes raises whatever its parser happened to trip over.
        raise InputError(
            f"{path}: the picture is damaged or cut short ({one_line(error)}); "
            f"{_WAY_OUT} that opens elsewhere"
        ) from None


def _bytes(path: Path | str) -> bytes:
    """The bytes of a regular file of bearable size."""
    if _ADDRESS.match(str(path)):
        raise InputError(f"{path}: is an address, and nothing is fetched; save the picture and give the file")
    try:
        file = Path(path)
        if file.is_dir():
            raise InputError(f"{path}: is a folder; give the photo itself")
        if not file.exists():
            raise InputError(f"{path}: there is no such file; check the path")
        if not file.is_file():
            raise InputError(f"{path}: is not a regular file; {_WAY_OUT}")
        size = file.stat().st_size
        if size == 0:
            raise InputError(f"{path}: is empty; {_WAY_OUT}")
        if size > MOST_BYTES:
            raise InputError(f"{path}: is larger than {MOST_BYTES >> 20} MiB; give a smaller photo")
        return file.read_bytes()
    except PermissionError:
        raise InputError(f"{path}: may not be read; change its permissions") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"{str(path)!r}: cannot be read ({reason}); check the path") from None


def _decode(picture: Image.Image, path: Path | str) -> Photo:
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise _too_large(path)
    if min(width, height) < SHORTEST_SIDE:
        raise InputError(f"{path}: is {width}x{height} pixels, too small for a face; give a larger photo")
    notes = []
    if getattr(picture, "is_animated", False) and picture.format != "MPO":
        notes.append(f"{path} is animated: its first frame was taken")
        picture.seek(0)
    if picture.format == "JPEG" and picture.mode == "RGB":
        # The decoder itself shrinks by 2, 4 or 8 while that stays above the bound.
        picture.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
    picture.load()
    upright = _colours(_upright(picture))
    if max(upright.size) > LONGEST_SIDE:
        upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return Photo(np.ascontiguousarray(np.asarray(upright)), tuple(notes))


def _upright(picture: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:
        # Damaged EXIF says nothing about the pixels: take them as they lie.
        return picture


def _colours(picture: Image.Image) -> Image.Image:
    """Any of Pillow's modes as RGB; transparency becomes mid grey, 16 bits become 8."""
    if picture.mode.startswith("I") or picture.mode == "F":
        deep = np.asarray(picture, dtype=np.float64)
        return Image.fromarray((deep / 257).clip(0, 255).astype(np.uint8)).convert("RGB")
    if picture.has_transparency_data:
        layered = picture.convert("RGBA")
        ground = Image.new("RGBA", layered.size, (*TRANSPARENT, 255))
        return Image.alpha_composite(ground, layered).convert("RGB")
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _too_large(path: Path | str) -> InputError:
    return InputError(f"{path}: has more than {MOST_PIXELS // 1_000_000} megapixels; give a smaller photo")


def _kind(data: bytes) -> str:
    """What a file that is none of the accepted formats looks like."""
    if data[4:8] == b"ftyp":
        brand = data[8:12]
        if brand in (b"heic", b"heix", b"mif1", b"msf1", b"hevc"):
            return "a HEIC picture"
        return "an AVIF picture" if brand in (b"avif", b"avis") else "a video"
    for start, name in _OTHERS:
        if data.lstrip()[: len(start)] == start or data[: len(start)] == start:
            return name
    return "not a picture that can be read"
