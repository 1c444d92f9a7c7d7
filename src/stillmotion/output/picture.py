"""A still as a PNG that says it is AI-generated and how it was made; no EXIF, no other metadata."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from stillmotion import __version__
from stillmotion.errors import StillmotionError
from stillmotion.files import replacing
from stillmotion.output.record import Record
from stillmotion.still.types import FirstFrame


def still_targets(output: Path, candidates: int) -> tuple[Path, ...]:
    """The files of a first frame: ``output`` for the chosen still, then those of several candidates."""
    numbers = range(1, candidates + 1) if candidates > 1 else ()
    return (output, *(output.with_name(f"{output.stem}-{number}{output.suffix}") for number in numbers))


def write_stills(first: FirstFrame, record: Record, targets: Sequence[Path]) -> None:
    """Write the chosen still to the first of ``targets`` and the candidates to the others, in their order.

    There may be fewer candidates than were asked for: one that is similar enough ends the search.
    """
    for target, image in zip(targets, (first.image, *(c.image for c in first.candidates)), strict=False):
        _write(image, record, target)


def _write(image: NDArray[np.uint8], record: Record, path: Path) -> None:
    """One picture (H, W, 3) RGB uint8, whole or absent; StillmotionError where the disk refuses."""
    texts = PngInfo()
    texts.add_itxt("Title", f"AI-generated: {record.request.prompt}")
    texts.add_itxt("Comment", record.model_dump_json())
    texts.add_text("Software", f"stillmotion {__version__}")
    try:
        with replacing(path) as part:
            Image.fromarray(image).save(part, format="PNG", pnginfo=texts)
    except OSError as error:
        raise StillmotionError(f"{path}: could not be written: {error.strerror or error}") from error
