"""A photo of a person and a sentence become a video of that person.

>>> from stillmotion import Pipeline, Request
>>> Pipeline("mini").generate(Request(faces=("anna.png",), prompt="She waves on a beach"), "anna.mp4")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from stillmotion.errors import (
        CheckpointError,
        InputError,
        MissingExtraError,
        MissingWeightsError,
        NoFaceError,
        OutOfMemoryError,
        StillmotionError,
    )
    from stillmotion.output import Result
    from stillmotion.pipeline import Pipeline
    from stillmotion.request import Request

__all__ = [
    "CheckpointError",
    "InputError",
    "MissingExtraError",
    "MissingWeightsError",
    "NoFaceError",
    "OutOfMemoryError",
    "Pipeline",
    "Request",
    "Result",
    "StillmotionError",
]

_HOMES = {"Pipeline": "pipeline", "Request": "request", "Result": "output"}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562): importing the package alone costs nothing."""
    if name not in __all__:
        raise AttributeError(f"module 'stillmotion' has no attribute '{name}'")
    return getattr(import_module(f"stillmotion.{_HOMES.get(name, 'errors')}"), name)
