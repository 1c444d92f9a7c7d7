"""How the model libraries are dealt with: kept quiet, their faults told in one line, full memory recognised.

torch, transformers and diffusers are never imported here, only spoken to where they are imported already or
where the caller names them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

AGAIN = "take an undamaged copy (stillmotion download PRESET)"
"""The way out of every message about a damaged checkpoint."""


def one_line(fault: BaseException, longest: int = 200) -> str:
    """An exception's text on one line of at most ``longest`` characters; its class where it says nothing."""
    return " ".join(str(fault).split())[:longest] or type(fault).__name__


def is_out_of_memory(fault: BaseException) -> bool:
    """Python's own error, torch's, or the plain RuntimeError of torch's allocator on the CPU."""
    names = {kind.__name__ for kind in type(fault).__mro__}
    return bool(names & {"MemoryError", "OutOfMemoryError"}) or "can't allocate memory" in str(fault)


@contextmanager
def quiet(*libraries: str) -> Iterator[None]:
    """Without the progress bars and remarks of these libraries ("transformers", "diffusers"; both if none).

    A checkpoint is read, or a package imported that remarks on others: progress is told through ours.
    """
    names = libraries or ("transformers", "diffusers")
    loggings: list[Any] = [import_module(f"{name}.utils.logging") for name in names]
    before = [(logging.get_verbosity(), logging.is_progress_bar_enabled()) for logging in loggings]
    for logging in loggings:
        logging.set_verbosity_error()
        logging.disable_progress_bar()
    try:
        yield
    finally:
        for logging, (level, bars) in zip(loggings, before, strict=True):
            logging.set_verbosity(level)
            if bars:
                logging.enable_progress_bar()
