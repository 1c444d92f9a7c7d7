"""``stillmotion doctor``: what runs here, what is missing, and the commands that help."""

from __future__ import annotations

from typing import Annotated

import typer

from stillmotion.cli import console
from stillmotion.cli.options import Json

Verify = Annotated[bool, typer.Option("--verify", help="Hash every downloaded file: about 1 s per GB.")]


def command(verify: Verify = False, as_json: Json = False) -> None:
    """Examine this machine: devices, memory, which presets fit and are ready, and what is missing."""
    from stillmotion.weights.doctor import examine, render

    report = examine(verify)
    console.result(report.as_json() if as_json else render(report))
    if not report.healthy:
        raise typer.Exit(1)
