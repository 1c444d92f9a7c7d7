"""Where the judges' weights lie: safetensors below the weights home, or a line that says how to get them."""

from __future__ import annotations

from pathlib import Path

from stillmotion.errors import CheckpointError, MissingWeightsError
from stillmotion.evaluate.types import NotComputed
from stillmotion.weights import check_folder, locate
from stillmotion.weights.judges import PARTS, bundle_of

AGAIN = "delete its folder and run: stillmotion download evaluate"
"""The way out where a judge's weights are damaged or another network's."""


def judge_file(name: str) -> Path:
    """The safetensors file of a judge's part, or its folder where the part has several files, checked.

    ``name`` is one of `stillmotion.weights.judges.PARTS` ("curricularface", "inception-v3", "raft-large"
    ...). Raises NotComputed with the command that fetches the part, or naming the damaged file; KeyError
    where there is no such part.
    """
    source = PARTS[name]
    try:
        path = locate(source, bundle_of(source))
        check_folder(path)
    except (MissingWeightsError, CheckpointError) as fault:
        raise NotComputed(str(fault)) from None
    return path
