"""Prompt -> Plan: what is seen (spatial), what happens (temporal), and when (segments).

`rules` needs the standard library alone; everything else is imported when it is first used. No picture and
no model weight of the two stages may enter here.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stillmotion.prompts.decoupling import decouple as decouple
    from stillmotion.prompts.decoupling import subject_in as subject_in
    from stillmotion.prompts.plan import Plan as Plan
    from stillmotion.prompts.plan import Segment as Segment
    from stillmotion.prompts.vocabulary import Reading as Reading
    from stillmotion.prompts.vocabulary import as_read as as_read
    from stillmotion.prompts.writers import Brief as Brief
    from stillmotion.prompts.writers import Writer as Writer
    from stillmotion.prompts.writers import Written as Written

_HOMES = {
    "decouple": "decoupling",
    "subject_in": "decoupling",
    "Plan": "plan",
    "Segment": "plan",
    "Reading": "vocabulary",
    "as_read": "vocabulary",
    "Writer": "writers",
    "Brief": "writers",
    "Written": "writers",
}
__all__ = ["Brief", "Plan", "Reading", "Segment", "Writer", "Written", "as_read", "decouple", "subject_in"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
