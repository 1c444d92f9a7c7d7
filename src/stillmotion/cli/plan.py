"""``stillmotion plan``: what a prompt is split into, before anything is spent on pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stillmotion.cli import console
from stillmotion.cli.options import PLAN_FIELDS, Device, Json, asked, mirror

if TYPE_CHECKING:
    from stillmotion.prompts import Plan


@mirror(PLAN_FIELDS)
def command(device: Device = None, as_json: Json = False, **options: Any) -> None:
    """Split a prompt into what is seen in the first frame and what happens after it.

    Save the JSON, edit it, and give it to 'still', 'animate' or 'generate' with --plan. A photo tells the
    subject, a man or a woman; without one the prompt's first word for a person does.
    """
    from stillmotion.pipeline import Pipeline
    from stillmotion.request import parse

    request = parse(asked(options))
    with console.meter() as progress:
        plan = Pipeline(request.preset, device).plan(request, progress)
    console.result(plan.model_dump(mode="json") if as_json else _text(plan))


def _text(plan: Plan) -> str:
    """The plan for people: a paragraph each."""
    timed = [f"{s.start:g} to {s.end:g} s: {s.text}" for s in plan.segments]
    return "\n".join(
        (f"Subject: {plan.subject}", f"Seen: {plan.spatial}", f"Happens: {plan.temporal}", *timed)
    )
