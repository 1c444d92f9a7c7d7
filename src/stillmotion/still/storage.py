"""A first frame as a folder: one PNG for every candidate, and what is known of them in ``still.json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stillmotion.errors import InputError
from stillmotion.files import write_folder
from stillmotion.libraries import one_line
from stillmotion.still.types import Candidate, FirstFrame

INDEX = "still.json"
LARGEST = 4096


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    image: Annotated[str, Field(pattern=r"^candidate_\d+\.png$")]
    similarity: Annotated[float, Field(ge=-1.001, le=1.001)] | None
    seed: Annotated[int, Field(ge=0)]


class _Index(BaseModel):
    model_config = ConfigDict(extra="forbid")

    candidates: Annotated[list[_Entry], Field(min_length=1, max_length=64)]
    chosen: Annotated[int, Field(ge=0)]


def save(first: FirstFrame, folder: Path) -> None:
    """Write the first frame, whole or not at all; what was in ``folder`` is replaced."""
    write_folder(folder, lambda part: _write(first, part))


def load_first_frame(folder: Path) -> FirstFrame:
    """Read what ``save`` wrote; its ``chosen`` may have been edited, and a PNG painted over.

    Raises InputError naming the file and what is wrong in it.
    """
    path = folder / INDEX
    try:
        index = _Index.model_validate_json(path.read_bytes())
    except OSError as fault:
        raise InputError(f"{path}: cannot be read ({fault.strerror}); make the still again") from None
    except ValidationError as fault:
        first = fault.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InputError(f"{path}: {where}: {first['msg']}; make the still again") from None
    if index.chosen >= len(index.candidates):
        raise InputError(
            f"{path}: chosen: {index.chosen}, but there are {len(index.candidates)} candidates, from 0 on"
        )
    made = (Candidate(_read(folder / each.image), each.similarity, each.seed) for each in index.candidates)
    return FirstFrame(tuple(made), index.chosen)


def _write(first: FirstFrame, folder: Path) -> None:
    entries = []
    for number, candidate in enumerate(first.candidates):
        name = f"candidate_{number}.png"
        Image.fromarray(candidate.image).save(folder / name)
        entries.append(_Entry(image=name, similarity=candidate.similarity, seed=candidate.seed))
    index = _Index(candidates=entries, chosen=first.chosen)
    (folder / INDEX).write_text(json.dumps(index.model_dump(), indent=1), encoding="utf-8")


def _read(path: Path) -> NDArray[np.uint8]:
    try:
        with Image.open(path, formats=("PNG",)) as image:
            if max(image.size) > LARGEST:
                raise InputError(f"{path}: is larger than {LARGEST} pixels; make the still again")
            return np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as fault:
        raise InputError(f"{path}: no PNG ({one_line(fault)}); make the still again") from None
