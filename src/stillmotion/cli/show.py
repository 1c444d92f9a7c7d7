"""``stillmotion show``: how a file was made."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stillmotion.cli import console
from stillmotion.cli.options import Json

if TYPE_CHECKING:
    from rich.table import Table

    from stillmotion.output.record import Record

File = Annotated[Path, typer.Argument(help="A video or still that stillmotion made.", metavar="FILE")]


def command(file: File, as_json: Json = False) -> None:
    """Print the record inside a video or still: prompt, plan, settings, seeds, models, versions."""
    from stillmotion.output.record import read_record

    record = read_record(file)
    if as_json:
        console.result(record.model_dump(mode="json"))
    elif sys.stdout.isatty():
        console.result(_table(record))
    else:
        console.result("\n".join(f"{name}: {value}" for name, value in _rows(record)))


def _table(record: Record) -> Table:
    """The record for people: a row for each fact."""
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _rows(record):
        table.add_row(name, Text(value))
    return table


def _rows(record: Record) -> list[tuple[str, str]]:
    rows = [("notice", record.notice), ("prompt", record.request.prompt), ("subject", record.plan.subject)]
    rows += [("seen", record.plan.spatial), ("happens", record.plan.temporal)]
    rows += [(f"{s.start:g} to {s.end:g} s", s.text) for s in record.plan.segments]
    rows += [("read", str(reading)) for reading in record.readings]
    rows += [("photo", f"{photo.path}  sha256 {photo.sha256}") for photo in record.photos]
    if record.image:
        rows.append(("first frame", f"{record.image.path}  sha256 {record.image.sha256}"))
    if record.still:
        found = ["no face" if s is None else f"{s:.3f}" for s in record.still.similarities]
        rows.append(("similarity", f"{', '.join(found)}; number {record.still.chosen + 1} was chosen"))
    if record.clip:
        clip = record.clip
        rows.append(("frames", f"{clip.frames} of {clip.width}x{clip.height}, {clip.fps:g} a second"))
        rows.append(("frame hash", clip.sha256))
    if record.edited:
        rows.append(("edited", f"by hand: {', '.join(record.edited)}"))
    rows += [(name, str(value)) for name, value in record.settings.model_dump().items() if value != ""]
    rows += [("device", record.device)]
    rows += [(f"model {name}", origin) for name, origin in record.parts.items()]
    rows += [(name, number) for name, number in record.versions.items()]
    return rows
