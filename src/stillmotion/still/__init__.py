"""Stage 1: a person and what is seen become the first frame. Nothing here knows how a prompt is written or
moved.

    load, StillModels       SDXL and HyperLoRA        (sdxl, single_file, text; hyperlora, reference)
    make, doubts            best of several           (gate; lora: the person's; detail: faces drawn again)
    save, load_first_frame  every candidate on disk   (storage)
    token_counter           CLIP's measure of a prompt, without a model   (tokenizers, words)

torch and diffusers are imported by the first call, so that importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from stillmotion.libraries import quiet
from stillmotion.still.types import Candidate, FirstFrame

if TYPE_CHECKING:
    from stillmotion.still.gate import doubts, make
    from stillmotion.still.models import StillModels, load
    from stillmotion.still.storage import load_first_frame, save
    from stillmotion.still.tokenizers import token_counter

__all__ = [
    "Candidate",
    "FirstFrame",
    "StillModels",
    "doubts",
    "load",
    "load_first_frame",
    "make",
    "save",
    "token_counter",
]

_ROOMS = {
    "doubts": "gate",
    "make": "gate",
    "StillModels": "models",
    "load": "models",
    "token_counter": "tokenizers",
    "save": "storage",
    "load_first_frame": "storage",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for, when it is asked for."""
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if _ROOMS[name] in ("storage", "tokenizers"):
        return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
    with quiet("transformers"):  # transformers remarks on packages that stage 1 has no use for
        return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
