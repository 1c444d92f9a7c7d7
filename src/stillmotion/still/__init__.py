"""Stage 1: a person and what is seen become the first frame. Nothing here knows how a prompt is written or
moved.

    load, StillModels       SDXL (``sdxl``, ``single_file``, ``text``) and HyperLoRA (``hyperlora``,
    ``reference``) make                    best of several attempts (``gate``), the person's LoRA on
    (``lora``), faces redrawn (``detail``) save, load_first_frame  every candidate on disk (``storage``)
    token_counter           CLIP's measure of a prompt, without a model

torch and diffusers are imported by the first call, so that importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from stillmotion.still.types import Candidate, FirstFrame

if TYPE_CHECKING:
    from stillmotion.still.gate import make
    from stillmotion.still.models import StillModels, load, token_counter
    from stillmotion.still.storage import load_first_frame, save

__all__ = [
    "Candidate",
    "FirstFrame",
    "StillModels",
    "load",
    "load_first_frame",
    "make",
    "save",
    "token_counter",
]

_ROOMS = {
    "make": "gate",
    "StillModels": "models",
    "load": "models",
    "token_counter": "models",
    "save": "storage",
    "load_first_frame": "storage",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for, when it is asked for."""
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if _ROOMS[name] == "storage":
        return getattr(import_module(f"{__name__}.storage"), name)
    from stillmotion.still.checkpoint import quiet

    with quiet():  # transformers remarks on packages that stage 1 has no use for
        return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
