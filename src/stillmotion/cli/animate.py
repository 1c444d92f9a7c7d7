"""``stillmotion animate``: the motion alone, from a first frame that is already there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from stillmotion.cli import console
from stillmotion.cli.generate import report
from stillmotion.cli.options import (
    MOTION_FIELDS,
    PLAN_FIELDS,
    Device,
    Force,
    Json,
    Output,
    PlanFile,
    RunDir,
    asked,
    mirror,
)

Image = Annotated[Path, typer.Option("--image", help="The first frame.", metavar="FILE")]


@mirror((*PLAN_FIELDS, *MOTION_FIELDS))
def command(
    *,
    image: Image,
    output: Output,
    plan: PlanFile = None,
    run: RunDir = None,
    device: Device = None,
    force: Force = False,
    as_json: Json = False,
    **options: Any,
) -> None:
    """Make a video that starts from a picture: one of 'stillmotion still', or any other.

    Say what happens with --prompt or --plan. Photos (--face) help to keep the person the same.
    """
    from stillmotion.pipeline import Pipeline
    from stillmotion.prompts import Plan
    from stillmotion.request import parse

    chosen_plan = Plan.load(plan) if plan else None
    fields = asked(options)
    if chosen_plan:
        fields.setdefault("prompt", chosen_plan.temporal)
    request = parse(fields)
    with console.meter() as progress:
        result = Pipeline(request.preset, device).generate(
            request, output, run, progress, plan=chosen_plan, image=image, force=force
        )
    report(result, as_json)
