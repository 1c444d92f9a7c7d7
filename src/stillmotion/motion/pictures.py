"""Pictures as the video models want them: the first frame at the clip's size, the reference person on white.

Only pixels enter and leave. Resampling is Pillow's Lanczos, which does not alias when a photo shrinks
tenfold; the pipelines' own bilinear resizing would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stillmotion.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

    from stillmotion.identity.types import Identity, Portrait

WHITE = 255
LEAST_KEPT = 0.5
"""A first frame of which a crop would throw away more than this share is refused, not cut."""
SMALL_PERSON = 0.5
"""A person whose bounding box fills less than this share of the photo is cropped to it; a bust is left as it
is.
"""
MARGIN = 0.05


def fit_first_frame(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """``image`` (H, W, 3) RGB scaled to cover ``width`` x ``height`` and cropped in the middle, (height,
    width, 3).

    A picture of that size comes back unchanged. InputError where it is no RGB picture, or over half would
    be cut off.
    """
    if image.ndim != 3 or image.shape[-1] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise InputError(
            f"image: {image.dtype} {list(image.shape)} is no RGB picture; give one of 8 bits and 3 channels"
        )
    rows, columns = image.shape[:2]
    if (rows, columns) == (height, width):
        return image
    kept = min(columns * height / (rows * width), rows * width / (columns * height))
    if kept < LEAST_KEPT:
        raise InputError(
            f"image: {columns}x{rows} cut to {width}x{height} would lose {1 - kept:.0%} of it; "
            "crop it by hand, or set width and height to its proportions"
        )
    scale = max(width / columns, height / rows)
    box_width, box_height = width / scale, height / scale
    left, top = (columns - box_width) / 2, (rows - box_height) / 2
    from PIL import Image

    resized = Image.fromarray(image).resize(
        (width, height), Image.Resampling.LANCZOS, box=(left, top, left + box_width, top + box_height)
    )
    return np.asarray(resized)


def reference_image(identity: Identity, width: int, height: int) -> Image:
    """The best portrait's person on white, letterboxed on white to ``width`` x ``height``.

    White is what VACE pads its reference images with, so the person stands on one even ground. A person who
    is small in the photo is cropped to the matte's bounding box and a margin first.
    """
    from PIL import Image

    portrait = identity.portraits[0]
    left, top, right, bottom = _person_box(portrait)
    person = Image.fromarray(portrait.cutout(WHITE)[top:bottom, left:right])
    scale = min(width / person.width, height / person.height)
    size = (max(1, round(person.width * scale)), max(1, round(person.height * scale)))
    canvas = Image.new("RGB", (width, height), (WHITE, WHITE, WHITE))
    resized = person.resize(size, Image.Resampling.LANCZOS)
    canvas.paste(resized, ((width - size[0]) // 2, (height - size[1]) // 2))
    return canvas


def _person_box(portrait: Portrait) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is shown of the photo: all of it, unless the person is small in it."""
    rows, columns = portrait.matte.shape
    inside = portrait.matte > 127
    ys, xs = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if len(ys) == 0 or (ys[-1] + 1 - ys[0]) * (xs[-1] + 1 - xs[0]) >= SMALL_PERSON * rows * columns:
        return 0, 0, columns, rows
    margin = round(MARGIN * max(ys[-1] + 1 - ys[0], xs[-1] + 1 - xs[0]))
    return (
        max(0, int(xs[0]) - margin),
        max(0, int(ys[0]) - margin),
        min(columns, int(xs[-1]) + 1 + margin),
        min(rows, int(ys[-1]) + 1 + margin),
    )
