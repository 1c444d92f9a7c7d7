"""A file's record as a request: the same video again, or a variation of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stillmotion.errors import InputError
from stillmotion.files import digest
from stillmotion.output.record import Photo, Record, read_record
from stillmotion.prompts import Plan
from stillmotion.request import Request, parse

CHANGES_PLAN = {"prompt", "writer", "prompts", "preset"}
CHANGES_DEFAULTS = {"preset", "quality"}


def again(path: Path, asked: Mapping[str, Any]) -> tuple[Request, Plan | None, Path | None]:
    """The request, plan and given first frame (None: made by step 3) of the file at ``path``.

    ``asked`` holds the fields that the user names now, which win. The recorded plan is used as long as
    nothing that it depends on was named. InputError where a recorded photo is gone or is another photo
    now.
    """
    record = read_record(path)
    fields = {**_recorded(record, asked), **asked}
    if "faces" in asked:
        hashes = [digest(Path(face)) if Path(face).is_file() else "" for face in asked["faces"]]
    else:
        fields["faces"] = [_same(photo, path, "give it with --face") for photo in record.photos]
        hashes = [photo.sha256 for photo in record.photos]
    same_people = hashes == [photo.sha256 for photo in record.photos]
    keep_plan = same_people and not CHANGES_PLAN & asked.keys()
    if not keep_plan and "writer" not in asked and str(fields.get("writer", "")).startswith("openai:"):
        raise InputError(f"{path}: its plan came from a server; name the writer of a new plan with --writer")
    image = _same(record.image, path, "put it back") if record.image else None
    return parse(fields), record.plan if keep_plan else None, image


def _recorded(record: Record, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The fields to start from: every setting; only those once asked for, where the defaults are to change.

    The motion's negative prompt has no field of its own, so negative prompts stay as they were asked for.
    """
    fields = record.request.model_dump(exclude={"faces"}, exclude_none=True)
    if not CHANGES_DEFAULTS & asked.keys():
        fields |= record.settings.model_dump(exclude={"negative_prompt", "motion_negative_prompt"})
    return {**fields, "seed": record.settings.seed}


def _same(photo: Photo, video: Path, remedy: str) -> Path:
    """The recorded picture, found where it was or beside the video, and still the same file."""
    for place in (photo.path, video.parent / photo.path.name):
        if place.is_file():
            if digest(place) != photo.sha256:
                raise InputError(f"{place}: is another picture than the one in {video}; {remedy}")
            return place
    raise InputError(f"{photo.path}: the picture that {video} was made from is not there; {remedy}")
