"""``stillmotion batch``: a data set becomes a folder of videos, as a challenge wants them."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stillmotion.cli import console
from stillmotion.cli.options import Device, Json, asked, mirror
from stillmotion.errors import InputError
from stillmotion.progress import Progress
from stillmotion.request import Request

if TYPE_CHECKING:
    from stillmotion.batch.engine import Summary
    from stillmotion.batch.layouts import Dataset

FIELDS = tuple(name for name in Request.model_fields if name not in ("faces", "prompt", "seed"))
SHOWN = 20
"""Problems or failures that are printed one by one; the manifest and --json have them all."""
RECENT = 20
"""Items over which the rate is taken, so that a warm-up does not bend it for long."""

Source = Annotated[Path, typer.Argument(help="The data set: a folder or a list.", metavar="DATASET")]
Folder = Annotated[Path, typer.Option("--output", "-o", help="The folder for the videos.", metavar="DIR")]
Engine = Annotated[str, typer.Option(help="local, or ray for many machines.", metavar="local|ray")]
Shard = Annotated[str, typer.Option(help="Make this part of the items only: part I of N.", metavar="I/N")]
Seed = Annotated[int, typer.Option(help="An item's seed is a hash of this and its file's name.", min=0)]
Limit = Annotated[int | None, typer.Option(help="Make the first so many items only.", min=1)]


@mirror(FIELDS)
def command(
    *,
    dataset: Source,
    output: Folder,
    seed: Seed = 0,
    engine: Engine = "local",
    shard: Shard = "1/1",
    limit: Limit = None,
    device: Device = None,
    as_json: Json = False,
    **options: Any,
) -> None:
    """Make every video of a data set, and a manifest of them.

    Interrupted or killed, the same command goes on where it stopped; finished videos are not made again.
    An item that keeps failing is set aside with its reason, and the rest goes on; the exit code is then 1.
    """
    from stillmotion.batch import engine as room
    from stillmotion.batch.job import Job
    from stillmotion.batch.layouts import DatasetError, read

    fields = _fields(options)
    part = _part(shard)
    try:
        found = read(dataset)
        for warning in found.warnings[:SHOWN]:
            console.say(warning)
        job = Job(output, fields.pop("preset"), device, fields, seed)
        with meter() as progress:
            summary = room.run(found, job, engine, part, limit, progress=progress)
    except DatasetError as error:
        if len(error.problems) > 1:
            for problem in error.problems[:SHOWN]:
                console.say(problem)
        raise
    report(summary, found, output, as_json)
    if summary.failed:
        raise typer.Exit(1)


def report(summary: Summary, dataset: Dataset, output: Path, as_json: bool) -> None:
    """On stdout the folder, or the JSON object; on stderr what was set aside and the counts."""
    for entry in summary.failures[:SHOWN]:
        console.say(f"{entry.output}: set aside: {entry.error}")
    if len(summary.failures) > SHOWN:
        console.say(f"... and {len(summary.failures) - SHOWN} more; the manifest has them all")
    made = f"{summary.done} made, {summary.skipped} finished before, {summary.failed} set aside"
    console.say(f"{made}; {_span(summary.seconds)}")
    if not as_json:
        console.result(str(output))
        return
    console.result(
        {
            "output": str(output),
            "layout": dataset.layout,
            "done": summary.done,
            "skipped": summary.skipped,
            "failed": summary.failed,
            "seconds": round(summary.seconds, 3),
            "set_aside": [{"output": e.output, "error": e.error} for e in summary.failures],
            "warnings": list(dataset.warnings),
        }
    )


def _fields(options: dict[str, Any]) -> dict[str, Any]:
    """The options as Request's values; InputError naming the first wrong one."""
    from stillmotion.request import parse

    named = asked(options)
    request = parse({"prompt": "checked", **named})
    return request.model_dump(include={"preset", *named})


def _part(text: str) -> tuple[int, int]:
    """The text 2/8 as (2, 8); InputError for any other."""
    number, _, count = text.partition("/")
    if not (number.isascii() and number.isdigit() and count.isascii() and count.isdigit()):
        raise InputError(f"--shard: '{text}' is none; write 2/8 for the second of eight parts")
    return int(number), int(count)


@contextmanager
def meter() -> Iterator[Progress]:
    """Progress on stderr: a bar for each stage on a terminal, else a line at its start and every 10 s."""
    if not sys.stderr.isatty():
        yield _Stages()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description:<8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[pace]}"),
    )
    with Bars(*columns, console=Console(stderr=True)) as bars:
        yield _Stages(bars)


class _Stages:
    """Each stage's count, rate and time left: a line now and then, or a bar where ``bars`` are given."""

    def __init__(self, bars: Any = None) -> None:
        self._bars = bars
        self._tasks: dict[str, Any] = {}
        self._moments: dict[str, deque[tuple[float, int]]] = {}
        self._said = 0.0

    def __call__(self, step: str, done: int, total: int) -> None:
        now = time.monotonic()
        first = step not in self._moments
        moments = self._moments.setdefault(step, deque(maxlen=RECENT))
        moments.append((now, done))
        pace = _pace(moments, total)
        if self._bars is not None:
            if first:
                self._tasks[step] = self._bars.add_task(step, total=total, pace="")
            self._bars.update(self._tasks[step], completed=done, total=total, pace=pace)
        elif first or done == total or now - self._said >= console.PLAIN_INTERVAL:
            self._said = now
            console.say(f"{step}: {done} of {total}{', ' if pace else ''}{pace}")


def _pace(moments: deque[tuple[float, int]], total: int) -> str:
    """As in '12.0 a minute, about 3 min left', by the latest items; empty in the first second."""
    (begun, before), (now, done) = moments[0], moments[-1]
    if done == before or now - begun < 1:
        return ""
    rate = (done - before) / (now - begun)
    left = f", about {_span((total - done) / rate)} left" if done < total else ""
    return f"{rate * 60:.1f} a minute{left}"


def _span(seconds: float) -> str:
    """A length of time for people: "40 s", "12 min", "3.5 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
