"""What a corpus entry promises, checked: one list of complaints for a prompt, empty when everything holds.

An entry has `prompt`, `subject`, `seen` (in the spatial prompt), `unseen` (not in it), `order` (in the
temporal prompt, in this order), and perhaps `unsaid` (not in the temporal prompt), `segments` (their times)
and `framing` (what the spatial prompt ends with, where the prompt asks for one).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stillmotion.prompts import decouple
from stillmotion.prompts.text import estimate_clip_tokens

HERE = Path(__file__).parent


def entries(name: str) -> list[dict[str, Any]]:
    """The entries of a corpus file beside this one."""
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines()]


def complaints(entry: dict[str, Any]) -> list[str]:
    """Everything that the rules writer's plan for this entry gets wrong."""
    plan = decouple(entry["prompt"], entry["subject"])
    spatial, temporal = plan.spatial.lower(), plan.temporal.lower()
    found = [f"not seen: {text}" for text in entry["seen"] if text.lower() not in spatial]
    found += [f"seen: {text}" for text in entry["unseen"] if text.lower() in spatial]
    found += [f"said: {text}" for text in entry.get("unsaid", ()) if text.lower() in f" {temporal}"]
    at = 0
    for text in entry["order"]:
        place = temporal.find(text.lower(), at)
        if place < 0:
            found.append(f"lost or out of order: {text}")
        else:
            at = place
    if not plan.temporal.startswith(entry["subject"]) or not plan.spatial.startswith(entry["subject"]):
        found.append("does not start with the subject")
    framing = entry.get("framing", "close-up")
    if not plan.spatial.endswith(f", {framing}"):
        found.append(f"does not end with {framing}")
    if estimate_clip_tokens(plan.spatial) > 75:
        found.append("too many tokens")
    times = [[segment.start, segment.end] for segment in plan.segments]
    if times != entry.get("segments", []):
        found.append(f"segments: {times}")
    return found
