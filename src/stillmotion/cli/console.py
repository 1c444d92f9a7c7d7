"""What a person or a program sees: messages and progress on stderr, results on stdout."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from stillmotion.progress import Progress

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

PLAIN_INTERVAL = 10.0
"""Seconds between two progress lines where stderr is no terminal."""


def say(message: str) -> None:
    """One line for a person, on stderr; control characters are shown, never sent to the terminal."""
    line = " ".join(message.split())
    print("".join(c if c.isprintable() else ascii(c)[1:-1] for c in line), file=sys.stderr, flush=True)


def result(value: str | dict[str, Any] | RenderableType) -> None:
    """The command's result on stdout: text as it is, a dict as one JSON object, anything else through rich.

    A reader that went away ("| head") is no error.
    """
    try:
        if isinstance(value, str):
            print(value)
        elif isinstance(value, dict):
            print(json.dumps(value, ensure_ascii=False, indent=2))
        else:
            from rich.console import Console

            Console().print(value)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def meter() -> Iterator[Progress]:
    """Progress on stderr: bars with the time left on a terminal, else a line at each step and every 10 s."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True)) as bars:
        yield _Bars(bars)


class _Bars:
    """One bar for each label that the pipeline reports."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, step: str, done: int, total: int) -> None:
        if step not in self._tasks:
            self._tasks[step] = self._bars.add_task(step, total=total)
        self._bars.update(self._tasks[step], completed=done, total=total)


class _Lines:
    """Plain lines: each label of several units once, then now and then with the time left.

    A step of one unit is over soon and not worth a line; one of none, finished before, is.
    """

    def __init__(self) -> None:
        self._started: dict[str, float] = {}
        self._last = 0.0

    def __call__(self, step: str, done: int, total: int) -> None:
        if total == 1:
            return
        now = time.monotonic()
        if step not in self._started:
            self._started[step] = self._last = now
            say(step)
        elif 0 < done < total and now - self._last >= PLAIN_INTERVAL:
            self._last = now
            left = (now - self._started[step]) / done * (total - done)
            say(f"{step}: {done} of {total}, about {left:.0f} s left")
