"""``stillmotion generate``: a photo and a sentence become a video."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from stillmotion.cli import console
from stillmotion.cli.options import Device, Force, Json, Output, PlanFile, RunDir, asked, mirror
from stillmotion.output.record import Result

Replay = Annotated[
    Path | None,
    typer.Option("--from", help="Make this file's video again; other options win.", metavar="FILE"),
]


@mirror()
def command(
    *,
    output: Output,
    replay: Replay = None,
    plan: PlanFile = None,
    run: RunDir = None,
    device: Device = None,
    force: Force = False,
    as_json: Json = False,
    **options: Any,
) -> None:
    """Make a video of the person in the photo doing what the prompt says.

    Interrupted, the same command goes on where it stopped. Without --run the intermediates lie in a hidden
    folder beside the output until it is written.
    """
    from stillmotion.pipeline import Pipeline
    from stillmotion.prompts import Plan
    from stillmotion.request import parse

    chosen_plan, image = Plan.load(plan) if plan else None, None
    if replay:
        from stillmotion.output.replay import again

        request, recorded_plan, image = again(replay, asked(options))
        chosen_plan = chosen_plan or recorded_plan
    else:
        request = parse(asked(options))
    with console.meter() as progress:
        result = Pipeline(request.preset, device).generate(
            request, output, run, progress, plan=chosen_plan, image=image, force=force
        )
    report(result, as_json)


def report(result: Result, as_json: bool) -> None:
    """On stdout the file's path, or the JSON object; notes were logged as they arose."""
    record = result.record
    similarity = record.still.similarity if record.still else None
    if not as_json:
        if similarity is not None:
            console.say(f"similarity of the first frame: {similarity:.2f}; seed {record.settings.seed}")
        console.result(str(result.path))
        return
    console.result(
        {
            "output": str(result.path),
            "seed": record.settings.seed,
            "similarity": similarity,
            "notes": list(result.notes),
            "run": str(result.run) if result.run else None,
            "record": record.model_dump(mode="json"),
        }
    )
