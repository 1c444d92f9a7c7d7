"""``stillmotion still``: the first frame alone, to look at before the minutes of motion are spent."""

from __future__ import annotations

from typing import Any

from stillmotion.cli import console
from stillmotion.cli.options import (
    PLAN_FIELDS,
    STILL_FIELDS,
    Device,
    Force,
    Json,
    Output,
    PlanFile,
    RunDir,
    asked,
    mirror,
)


@mirror((*PLAN_FIELDS, *STILL_FIELDS))
def command(
    *,
    output: Output,
    plan: PlanFile = None,
    run: RunDir = None,
    device: Device = None,
    force: Force = False,
    as_json: Json = False,
    **options: Any,
) -> None:
    """Make the first frame: candidates with their similarity, the best one at OUTPUT.

    Several candidates are written beside it as NAME-1.png, NAME-2.png ... Go on with
    'stillmotion animate --image OUTPUT'.
    """
    from stillmotion.output import still_targets
    from stillmotion.pipeline import Pipeline
    from stillmotion.prompts import Plan
    from stillmotion.request import parse

    chosen_plan = Plan.load(plan) if plan else None
    fields = asked(options)
    if chosen_plan:
        fields.setdefault("prompt", chosen_plan.temporal)
    request = parse(fields)
    with console.meter() as progress:
        first = Pipeline(request.preset, device).still(
            request, output, run, progress, plan=chosen_plan, force=force
        )
    files = still_targets(output, len(first.candidates))[1:] or (output,)
    candidates = [
        {"file": str(file), "similarity": candidate.similarity, "seed": candidate.seed}
        for file, candidate in zip(files, first.candidates, strict=True)
    ]
    if as_json:
        console.result({"output": str(output), "chosen": first.chosen, "candidates": candidates})
        return
    for number, candidate in enumerate(candidates):
        mark = " <- chosen" if number == first.chosen else ""
        seen = candidate["similarity"]
        console.say(
            f"{candidate['file']}: " + ("no face" if seen is None else f"similarity {seen:.2f}") + mark
        )
    console.result(str(output))
