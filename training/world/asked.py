"""What a prompt's words ask for, as names of `truth.labels`: found by looking for the wordings in the text.

A prompt leaves much unsaid (the light in most sentences, the framing in nearly all); nobody is to be judged
by what was not asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from training.world import wordings as words
from training.world.actions import Action
from training.world.people import Person
from training.world.scenes import Scene

_PRONOUNS = (("he", "his", "him"), ("she", "her", "her"), ("the person", "their", "them"))


def asked(text: str, person: Person, scene: Scene, actions: Sequence[Action]) -> dict[str, list[str]]:
    """By label the values that fulfil what `text` asks for; labels that it does not speak of are left out.

    `text` is a caption of this person, scene and these actions.
    """
    said: dict[str, list[str]] = {}
    for label, values, wording, colour in _sayings(person, scene, actions):
        if label not in said and _stands(wording, text.lower(), colour):
            said[label] = values
    return said


def _sayings(
    person: Person, scene: Scene, actions: Sequence[Action]
) -> Iterator[tuple[str, list[str], words.Wordings, str]]:
    """What a caption of these may say: label, accepted values, wordings, and the colour within them."""
    if scene.clothing == "dress" and person.gender == "man":
        # The words for a man's are those for a tank top too.
        yield "clothing", ["dress", "tank top"], words.MEN_DRESS, ""
    else:
        yield "clothing", [scene.clothing], words.CLOTHES[scene.clothing], ""
    yield "colour", [scene.colour], words.COLOURS[scene.colour], ""
    if scene.pattern != "plain":
        yield "pattern", [scene.pattern], words.PATTERNS[scene.pattern], ""
    yield "place", [scene.place], words.PLACES[scene.place], scene.studio_colour
    if scene.place == "studio":
        yield "studio colour", [scene.studio_colour], words.PLACES[scene.place], scene.studio_colour
    yield "light", [scene.light], words.LIGHTS[scene.light], ""
    yield "framing", [scene.framing], words.FRAMINGS[scene.framing], ""
    yield "expression", [scene.expression], words.EXPRESSIONS[scene.expression], ""
    yield "view", [scene.view], words.VIEWS[scene.view], ""
    if scene.gaze != "camera":
        yield "gaze", [scene.gaze], words.GAZES[scene.gaze], ""
    hair = words.HAIR[person.hair_style]
    yield "hair style", [person.hair_style], hair, person.hair_colour
    if person.hair_style != "bald":
        yield "hair colour", [person.hair_colour], hair, person.hair_colour
    if person.beard != "none":
        yield "beard", [person.beard], words.BEARDS[person.beard], ""
    if person.glasses != "none":
        yield "glasses", ["glasses"], words.GLASSES[person.glasses], ""
    for label, action in zip(("action", "second action"), actions, strict=False):
        yield label, [action.name], words.ACTIONS[action.name], ""


def _stands(wording: words.Wordings, text: str, colour: str) -> bool:
    """Whether one of the wordings, with anyone's pronouns, stands in a text in small letters."""
    options = (
        option.format(he=he, his=his, him=him, colour=colour).lower()
        for option in (*wording[0], *wording[1])
        for he, his, him in _PRONOUNS
    )
    return any(re.search(rf"\b{re.escape(option)}\b", text) for option in options)
