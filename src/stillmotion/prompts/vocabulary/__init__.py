"""What the user says in the words that a preset's models were taught: "woodland" is read as "forest".

Large text encoders know English; ones that were trained on few captions know their captions' words. A preset
that names a vocabulary has both prompts translated before they reach its models. The plan keeps the user's
words, and every change is told. What the vocabulary does not know stays as it is.
"""

from __future__ import annotations

from functools import lru_cache

from stillmotion.prompts.plan import Plan
from stillmotion.prompts.vocabulary.reader import Reader, Reading, Translation
from stillmotion.prompts.vocabulary.tables import table

__all__ = ["Reading", "Translation", "as_read", "told", "translate"]


def translate(text: str, name: str, subject: str = "A person", moves: bool = True) -> Translation:
    """``text`` in the words of the vocabulary called ``name``.

    ``subject`` says whose the pronouns are where the text does not; ``moves`` whether the text tells what
    happens (temporal) or what is seen (spatial), for words that may mean either.
    """
    return Reader(text, table(name), subject, moves).translate()


@lru_cache(maxsize=256)  # every step of a run asks for it
def as_read(plan: Plan, name: str | None) -> tuple[Plan, tuple[Reading, ...]]:
    """The plan as a preset's models are told it, and every change to the user's words, each once.

    Without a vocabulary (None) it is the plan itself.
    """
    if name is None:
        return plan, ()
    seen = _placed(translate(plan.spatial, name, plan.subject, moves=False), plan, name)
    happens = translate(plan.temporal, name, plan.subject)
    parts = [translate(segment.text, name, plan.subject) for segment in plan.segments]
    segments = tuple(
        segment.model_copy(update={"text": part.text})
        for segment, part in zip(plan.segments, parts, strict=True)
    )
    read = plan.model_copy(update={"spatial": seen.text, "temporal": happens.text, "segments": segments})
    every = [reading for each in (seen, happens, *parts) for reading in each.readings]
    return read, tuple(dict.fromkeys(every))


def _placed(seen: Translation, plan: Plan, name: str) -> Translation:
    """What is seen with the place that its things tell, where it tells none: folders and binders an office.

    Two things do, or one place described in so many words ("waves roll onto the sand").
    """
    known = table(name)
    words = set(seen.text.lower().replace(",", " ").split())
    if words & known.sets["places"]:
        return seen
    things: dict[str, set[str]] = {}
    described: set[str] = set()
    both = Reader(f"{plan.spatial}. {plan.temporal}", known, plan.subject, moves=False)
    for place, said, describes in both.things():
        things.setdefault(place, set()).add(said)
        described |= {place} if describes else set()
    most = max(things, key=lambda place: (place in described, len(things[place])), default="")
    if not most or (len(things[most]) < 2 and most not in described) or plan.subject not in seen.text:
        return seen
    said = ", ".join(sorted(things[most]))
    text = seen.text.replace(plan.subject, f"{plan.subject}, {most}", 1)
    return Translation(text, (*seen.readings, Reading(said, most)))


def told(readings: tuple[Reading, ...]) -> str:
    """All changes in one line for people; "" where there is none."""
    return f"read {', '.join(str(reading) for reading in readings)}" if readings else ""
