"""What is true of a clip, as names: what a judge of pictures or captions is measured against."""

from __future__ import annotations

from collections.abc import Sequence

from training.world.actions import Action, as_actions
from training.world.people import Person
from training.world.scenes import Scene


def age_group(years: int) -> str:
    """'young' (under 30), 'middle-aged' (under 58) or 'elderly'."""
    return "young" if years < 30 else "middle-aged" if years < 58 else "elderly"


def labels(person: Person, scene: Scene, actions: Sequence[Action | str] = ()) -> dict[str, str]:
    """Ground-truth attribute names. 'action' is the first action and 'second action' the next or 'none'."""
    names = [a.name for a in as_actions(actions)] or ["still"]
    return {
        "gender": person.gender,
        "age": age_group(person.age),
        "skin": person.skin_name,
        "hair style": person.hair_style,
        "hair colour": person.hair_colour if person.hair_style != "bald" else "none",
        "eye colour": person.eye_colour,
        "beard": person.beard,
        "glasses": "none" if person.glasses == "none" else "glasses",
        "clothing": scene.clothing,
        "colour": scene.colour,
        "pattern": scene.pattern,
        "place": scene.place,
        "studio colour": scene.studio_colour if scene.place == "studio" else "none",
        "light": scene.light,
        "framing": scene.framing,
        "expression": scene.expression,
        "view": scene.view,
        "gaze": scene.gaze,
        "action": names[0],
        "second action": names[1] if len(names) > 1 else "none",
    }
