"""Is in a video what its prompt asked for? Judged by a network that was trained on the synthetic world alone.

The judge lies in ``benchmarks/judge`` (its own accuracy in evaluation.json there) and never saw a generated
picture. Against it stand the lines of truth.jsonl that ``python -m training.world dataset`` writes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.judge_network import DEEDS, Judge

FOLDER = Path(__file__).parent / "judge"
KEPT = ("hair style", "hair colour", "beard", "glasses")
"""What the person brings along: it has to be there whether the words speak of it or not."""


class JudgeMissing(RuntimeError):
    """There is no judge in the folder."""


def load(folder: Path = FOLDER, device: str | None = None) -> Judge:
    """The judge, on the CPU where no ``device`` is named or it is not there (the videos may come from a
    machine with a GPU to one without); JudgeMissing with the command that makes one.
    """
    if not (folder / "judge.safetensors").is_file():
        raise JudgeMissing(
            f"{folder}: holds no judge; train one: "
            f"python -m training.judge --data SHARDS --out {folder} --seconds 300"
        )
    import torch

    return Judge(folder, device if device and torch.cuda.is_available() else "cpu")


def own_accuracy() -> dict[str, Any]:
    """The judge's evaluation, where it lies beside it."""
    path = FOLDER / "evaluation.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def verdict(shown: Mapping[str, str] | None, truth: Mapping[str, Any]) -> dict[str, Any]:
    """What of the asked is there, for a line of truth.jsonl and what the judge names (None: no video).

    "asked": by label whether it is there; "kept": the same for KEPT, against the person; "action": whether
    the first action asked for is named first; "in order": of two, whether both are (None: one was asked for).
    """
    seen = shown or {}
    there = {label: seen.get(label) in values for label, values in truth["asked"].items()}
    both = all(there[deed] for deed in DEEDS) if DEEDS[1] in there else None
    return {
        "asked": {label: hit for label, hit in there.items() if label not in (*KEPT, *DEEDS)},
        "kept": {label: seen.get(label) == truth["labels"][label] for label in KEPT},
        "action": there[DEEDS[0]],
        "in order": both,
    }


def judged(judge: Judge, frames: NDArray[np.uint8], truth: Mapping[str, Any]) -> dict[str, Any]:
    """The verdict on a video (T, H, W, 3) uint8, with what the judge named ("shown")."""
    shown = judge(frames)
    return {**verdict(shown, truth), "shown": shown}
