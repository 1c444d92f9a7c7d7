"""``stillmotion download``: a preset's weights, or the judges' of ``evaluate``, told and accepted first."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from stillmotion.cli import console
from stillmotion.cli.options import Json

if TYPE_CHECKING:
    from stillmotion.weights.fetch import DownloadPlan

HELP = "See 'stillmotion presets'; 'evaluate': the judges; 'evaluate-musiq': a non-commercial one."
Name = Annotated[str, typer.Argument(help=HELP, metavar="PRESET")]
Accept = Annotated[bool, typer.Option("--accept-licences", help="Do not ask: they are read and accepted.")]


def command(preset: Name, accept: Accept = False, as_json: Json = False) -> None:
    """Fetch what a preset, or the judges of 'evaluate', need; sizes and licences are shown before.

    Interrupted, it goes on later.
    """
    from stillmotion.weights.fetch import download, plan_download

    plan = plan_download(preset)
    _tell(plan)
    if plan.missing and not accept and sys.stdin.isatty():
        accept = typer.confirm("Do you accept these licences?", err=True)
    with console.meter() as progress:
        download(plan, accept, progress)
    facts = {"preset": plan.preset, "folder": str(plan.destination), "fetched_bytes": plan.missing_bytes}
    console.result(facts if as_json else f"{plan.preset} is ready")


def _tell(plan: DownloadPlan) -> None:
    """Parts, sizes, licences and disk space, on stderr."""
    from stillmotion.weights.fetch import in_words

    for part in plan.missing:
        console.say(f"{part.source.name}: {in_words(part.missing_bytes)} to fetch ({part.note})")
    for licence, names in plan.licences.items():
        note = f"; {licence.note}" if licence.note else ""
        note = note if licence.commercial else f" (NO COMMERCIAL USE){note}"
        console.say(f"licence of {', '.join(names)}: {licence.name}{note}; {licence.address}")
    if plan.missing:
        sizes = f"{in_words(plan.needed_bytes)} needed, {in_words(plan.free_bytes)} free"
        console.say(f"to {plan.destination}: {sizes}")
