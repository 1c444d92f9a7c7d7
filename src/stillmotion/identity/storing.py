"""An `Identity` on disk: PNG for what is seen, JSON for what is said, safetensors for what is measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from stillmotion.errors import CheckpointError
from stillmotion.files import write_folder
from stillmotion.identity.types import Face, Identity, Portrait
from stillmotion.libraries import one_line

FORMAT = 1
_SHAPES = {"box": (4,), "five": (5, 2), "landmarks": (106, 2), "embedding": (512,)}


def save(identity: Identity, folder: Path) -> None:
    """Write ``folder``, whole or not at all: identity.json, faces.safetensors, photo_N.png, matte_N.png."""
    write_folder(folder, lambda part: _write(identity, part))


def _write(identity: Identity, folder: Path) -> None:
    from safetensors.numpy import save_file

    tensors = {}
    rows = []
    for number, portrait in enumerate(identity.portraits):
        face = portrait.face
        Image.fromarray(portrait.image).save(folder / f"photo_{number}.png")
        Image.fromarray(portrait.matte).save(folder / f"matte_{number}.png")
        for name in _SHAPES:
            tensors[f"{number}.{name}"] = np.ascontiguousarray(getattr(face, name), dtype=np.float32)
        row = {"source": portrait.source, "score": face.score, "gender": face.gender, "age": face.age}
        rows.append(row)
    save_file(tensors, folder / "faces.safetensors")
    said = {"format": FORMAT, "subject": identity.subject, "notes": list(identity.notes), "portraits": rows}
    (folder / "identity.json").write_text(
        json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def load(folder: Path) -> Identity:
    """Read what `save` wrote; CheckpointError naming the folder where something is missing or damaged."""
    from safetensors.numpy import load_file

    try:
        said: dict[str, Any] = json.loads((folder / "identity.json").read_text(encoding="utf-8"))
        if said["format"] != FORMAT:
            raise ValueError(f"format {said['format']} is unknown")
        tensors = load_file(folder / "faces.safetensors")
        portraits = tuple(
            _portrait(folder, number, row, tensors) for number, row in enumerate(said["portraits"])
        )
        if not portraits:
            raise ValueError("no portrait in it")
        return Identity(portraits, str(said["subject"]), tuple(str(note) for note in said["notes"]))
    except Exception as error:
        # Whatever a hand-edited or cut file makes a parser raise, the way out is one.
        raise CheckpointError(
            f"{folder}: not a saved identity ({one_line(error)}); read the photos again"
        ) from None


def _portrait(folder: Path, number: int, row: dict[str, Any], tensors: dict[str, Any]) -> Portrait:
    image = np.asarray(Image.open(folder / f"photo_{number}.png", formats=("PNG",)).convert("RGB"))
    matte = np.asarray(Image.open(folder / f"matte_{number}.png", formats=("PNG",)).convert("L"))
    if matte.shape != image.shape[:2]:
        raise ValueError(f"matte_{number}.png is not as large as photo_{number}.png")
    values = {name: tensors[f"{number}.{name}"] for name in _SHAPES}
    for name, shape in _SHAPES.items():
        if values[name].shape != shape or not np.isfinite(values[name]).all():
            raise ValueError(f"{number}.{name} has a wrong shape or value")
    gender = row["gender"] if row["gender"] in ("man", "woman") else None
    age = None if row["age"] is None else float(row["age"])
    face = Face(score=float(row["score"]), gender=gender, age=age, **values)
    return Portrait(image, face, matte, str(row["source"]))
