"""How long-running work reports itself; no display code may enter here."""

from typing import Protocol


class Progress(Protocol):
    """Called as ``progress(step, done, total)``: ``done`` of ``total`` units of the named step are finished.

    ``step`` is one of the pipeline's steps ("identity", "prompts", "still", "motion", "output"), optionally
    with a detail after a colon ("still: candidate 2 of 3"). 0 of 0: the step was finished before, by the run
    that this one goes on with, and is not made again. Raising KeyboardInterrupt from it stops the work
    cleanly.
    """

    def __call__(self, step: str, done: int, total: int) -> None: ...


def silent(step: str, done: int, total: int) -> None:
    """The progress of nobody: does nothing."""
