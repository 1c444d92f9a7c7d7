"""The options that mirror Request: names, help and defaults are the schema's, which checks the values."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from stillmotion.request import Request

Command = TypeVar("Command", bound=Callable[..., None])

Output = Annotated[Path, typer.Option("--output", "-o", help="The file to write.", metavar="FILE")]
PlanFile = Annotated[
    Path | None, typer.Option("--plan", help="A plan as 'stillmotion plan --json' prints it.", metavar="FILE")
]
RunDir = Annotated[
    Path | None,
    typer.Option("--run", help="Keep every intermediate here, to look at and go on from.", metavar="DIR"),
]
Device = Annotated[str | None, typer.Option(help="cpu or cuda; else the preset's own.", metavar="NAME")]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that stillmotion did not make.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

PLAN_FIELDS: tuple[str, ...] = ("faces", "prompt", "preset", "prompts", "writer")
STILL_FIELDS: tuple[str, ...] = (
    "quality",
    "seed",
    "negative_prompt",
    "still_width",
    "still_height",
    "still_steps",
    "candidates",
)
STILL_FIELDS += ("detail", "guidance_scale", "lora_weight")
MOTION_FIELDS: tuple[str, ...] = (
    "quality",
    "seed",
    "negative_prompt",
    "width",
    "height",
    "num_frames",
    "fps",
    "motion_steps",
)
MOTION_FIELDS += ("motion_guidance_scale",)


def mirror(fields: Collection[str] = tuple(Request.model_fields)) -> Callable[[Command], Command]:
    """Give a command an option for each of Request's ``fields``.

    The command receives them as keywords, None where the user said nothing; ``asked`` drops those.
    """

    def decorate(command: Command) -> Command:
        signature = inspect.signature(command, eval_str=True)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        options = [
            _option(name, Request.model_fields[name]) for name in Request.model_fields if name in fields
        ]
        parameters = [p.replace(kind=p.KEYWORD_ONLY) for p in (*options, *own)]
        setattr(command, "__signature__", signature.replace(parameters=parameters))  # noqa: B010
        command.__annotations__ = {p.name: p.annotation for p in parameters}
        return command

    return decorate


def asked(options: dict[str, Any]) -> dict[str, Any]:
    """The fields that the user named on the command line."""
    return {name: value for name, value in options.items() if value is not None}


def _option(name: str, field: FieldInfo) -> inspect.Parameter:
    """The option of one field: text, which the schema turns into a value; a flag; or a repeatable path."""
    flag = "--face" if name == "faces" else f"--{name.replace('_', '-')}"
    default = "" if field.is_required() or not field.default else f" [default: {field.default}]"
    text = f"{field.description}{default}"
    kind: Any
    if field.annotation == bool | None:
        kind = Annotated[bool | None, typer.Option(f"{flag}/--no-{name}", help=text, show_default=False)]
    elif name == "faces":
        kind = Annotated[list[str] | None, typer.Option(flag, help=text, metavar="FILE", show_default=False)]
    else:
        kind = Annotated[str | None, typer.Option(flag, help=text, metavar=_metavar(field.annotation))]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)


def _metavar(annotation: Any) -> str:
    """How help shows a value: its choices, INTEGER, NUMBER or TEXT."""
    if get_origin(annotation) is Literal:
        return "|".join(get_args(annotation))
    inner = [part for part in get_args(annotation) if part is not type(None)]
    base = inner[0] if inner else annotation
    return {int: "INTEGER", float: "NUMBER"}.get(get_args(base)[0] if get_args(base) else base, "TEXT")
