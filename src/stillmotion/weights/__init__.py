"""Weights: where they lie, whether they are whole and safe, how they are fetched. Nothing here runs a model.

    store      locate, require: the folder of a part, checked, or the line that says how to get it
               offline_environment: called before a loader; no network, telemetry or remote code
    safety     check_folder, check_file: no pickle, foreign code or damaged file reaches a loader
    judges     what ``evaluate`` judges with; convert: their pickles into safetensors
    fetch      plan_download and download, told and accepted first
    doctor     what this machine can run
    manifest   our own files with their sha256

The names below are imported when they are first used; ``fetch`` and ``doctor`` are imported as modules.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stillmotion.weights.safety import check_file, check_folder
    from stillmotion.weights.store import find_repository, home, locate, offline_environment, require

__all__ = [
    "check_file",
    "check_folder",
    "find_repository",
    "home",
    "locate",
    "offline_environment",
    "require",
]


def __getattr__(name: str) -> Any:
    """Import a name of this room when it is first used (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module 'stillmotion.weights' has no attribute '{name}'")
    room = "safety" if name.startswith("check_") else "store"
    return getattr(import_module(f"stillmotion.weights.{room}"), name)
