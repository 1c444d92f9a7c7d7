"""Captions of the world's pictures and clips: phrases, motion prompts and the raw prompts of users.

`held_out=True` uses wordings and sentence frames that training never sees. Left and right are the
person's own. All randomness comes from the generator that the caller passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.world import wordings as words
from training.world.actions import Action, as_actions
from training.world.people import Person
from training.world.scenes import Scene
from training.world.truth import age_group

_NOUNS = {
    "young": ("young {n}", "young {n}", "{n}"),
    "middle-aged": ("{n}", "middle-aged {n}"),
    "elderly": ("elderly {n}", "old {n}", "{n}"),
}
_NOUNS_HELD = {
    "young": ("{n} in {his} twenties",),
    "middle-aged": ("mature {n}",),
    "elderly": ("{n} of advanced age",),
}
_CAMERA = ("zoom in", "zoom out", "pan left", "pan right")


@dataclass(frozen=True)
class Speaker:
    """How a caption speaks of its person: the noun and the pronouns that go with it."""

    noun: str
    he: str
    his: str
    him: str
    held_out: bool

    def a(self) -> str:
        """The noun with its indefinite article."""
        return with_article(self.noun)

    def fill(self, text: str, colour: str = "") -> str:
        """Put the pronouns and a colour into a wording."""
        return text.format(he=self.he, his=self.his, him=self.him, colour=colour)

    def say(self, rng: np.random.Generator, wording: words.Wordings, colour: str = "") -> str:
        """One of the wordings that this speaker may use, filled in."""
        return self.fill(_one(rng, wording[1] if self.held_out else wording[0]), colour)


def _one(rng: np.random.Generator, options: Sequence[str]) -> str:
    return options[int(rng.integers(len(options)))]


def with_article(text: str) -> str:
    """'a' or 'an' before a noun phrase, by its first letter."""
    return ("an " if text[0].lower() in "aeio" or text.startswith("ugly") else "a ") + text


def speaker_of(
    person: Person, rng: np.random.Generator, held_out: bool = False, plain: float = 0.6
) -> Speaker:
    """A speaker for a person: 'man' or 'woman' mostly, sometimes with the age, now and then 'person'."""
    he, his, him = ("he", "his", "him") if person.gender == "man" else ("she", "her", "her")
    roll = rng.random()
    if roll < 0.06:
        return Speaker("person", "the person", "their", "them", held_out)
    noun = person.gender
    if roll > plain:
        table = _NOUNS_HELD if held_out else _NOUNS
        noun = _one(rng, table[age_group(person.age)]).format(n=noun, his=his)
    return Speaker(noun, he, his, him, held_out)


def _clothing(person: Person, scene: Scene, speaker: Speaker, rng: np.random.Generator) -> str:
    wording = words.CLOTHES[scene.clothing]
    if scene.clothing == "dress" and person.gender == "man":
        wording = words.MEN_DRESS
    name = speaker.say(rng, wording)
    colour = speaker.say(rng, words.COLOURS[scene.colour])
    if scene.pattern != "plain":
        second = _one(rng, words.COLOURS[scene.second_colour][0][:1])
        pattern = speaker.say(rng, words.PATTERNS[scene.pattern])
        colour = f"{colour} and {second} {pattern}" if rng.random() < 0.6 else f"{colour} {pattern}"
    return f"{colour} {name}"


def _place(scene: Scene, speaker: Speaker, rng: np.random.Generator) -> str:
    return speaker.say(rng, words.PLACES[scene.place], scene.studio_colour)


def _hair(person: Person, speaker: Speaker, rng: np.random.Generator) -> str:
    return speaker.say(rng, words.HAIR[person.hair_style], person.hair_colour)


def _looks(person: Person, speaker: Speaker, rng: np.random.Generator) -> list[str]:
    """What can be said of the head: hair, beard, glasses, each as a noun phrase."""
    looks = [_hair(person, speaker, rng)]
    if person.beard != "none":
        looks.append(speaker.say(rng, words.BEARDS[person.beard]))
    if person.glasses != "none":
        looks.append(speaker.say(rng, words.GLASSES[person.glasses]))
    return looks


def _join(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def spatial(person: Person, scene: Scene, rng: np.random.Generator, held_out: bool = False) -> str:
    """What is seen, as comma-separated phrases: subject first, framing last or left out."""
    speaker = speaker_of(person, rng, held_out)
    phrases: list[str] = []
    clothes = _one(rng, ("wearing {}", "in {}") if not held_out else ("dressed in {}",))
    phrases.append(clothes.format(with_article(_clothing(person, scene, speaker, rng))))
    phrases.append(_place(scene, speaker, rng))
    if rng.random() < 0.4:
        phrases += [
            f"with {look}" if not look.endswith("glasses") else look for look in _looks(person, speaker, rng)
        ]
    if scene.light != "soft light" or rng.random() < 0.5:
        phrases.append(speaker.say(rng, words.LIGHTS[scene.light]))
    if scene.expression != "neutral" or rng.random() < 0.5:
        phrases.append(speaker.say(rng, words.EXPRESSIONS[scene.expression]))
    if scene.view != "front" or rng.random() < 0.3:
        phrases.append(speaker.say(rng, words.VIEWS[scene.view]))
    if scene.gaze != "camera":
        phrases.append(speaker.say(rng, words.GAZES[scene.gaze]))
    if rng.random() < 0.5:  # the order of phrases should carry no meaning
        phrases = [phrases[i] for i in rng.permutation(len(phrases))]
    if rng.random() < 0.9:
        phrases.append(speaker.say(rng, words.FRAMINGS[scene.framing]))
    return ", ".join([speaker.a(), *phrases])


def _deeds(actions: Sequence[Action], speaker: Speaker, rng: np.random.Generator) -> list[str]:
    """One verb phrase per action, with its speed now and then."""
    deeds = []
    for action in actions:
        deed = speaker.say(rng, words.ACTIONS[action.name])
        if (
            action.speed in words.SPEED_WORDS
            and action.name not in ("still", *_CAMERA)
            and rng.random() < 0.7
        ):
            adverb = speaker.say(rng, words.SPEED_WORDS[action.speed])
            deed = f"{adverb} {deed}" if not deed.startswith("is ") else f"{deed} {adverb}"
        deeds.append(deed)
    return deeds


def _sequence(deeds: Sequence[str], speaker: Speaker, rng: np.random.Generator) -> str:
    text = deeds[0]
    for deed in deeds[1:]:
        text += f"{speaker.say(rng, words.THEN)} {deed}"
    return text


def temporal(
    person: Person,
    scene: Scene,
    actions: Sequence[Action | str],
    rng: np.random.Generator,
    held_out: bool = False,
) -> str:
    """What happens, as one sentence that starts with the subject."""
    speaker = speaker_of(person, rng, held_out, plain=0.8)
    subject = _one(rng, ("The " + speaker.noun, speaker.a().capitalize()))
    if rng.random() < 0.35:
        subject += f" in {with_article(_clothing(person, scene, speaker, rng))}"
    if rng.random() < 0.2:
        subject += f" {_place(scene, speaker, rng)}"
    return f"{subject} {_sequence(_deeds(as_actions(actions), speaker, rng), speaker, rng)}."


def _sentence(person: Person, scene: Scene, speaker: Speaker, deeds: str, rng: np.random.Generator) -> str:
    """One sentence that holds clothing, deed, place and light."""
    clothes, place = with_article(_clothing(person, scene, speaker, rng)), _place(scene, speaker, rng)
    light = speaker.say(rng, words.LIGHTS[scene.light])
    tail = f" in {light}" if rng.random() < 0.5 and not light.startswith("the ") else ""
    frames = (
        f"{speaker.a()} in {clothes} {deeds} {place}{tail}.",
        f"{speaker.a()} wearing {clothes} {deeds} {place}{tail}.",
        f"{place}, {speaker.a()} in {clothes} {deeds}.",
        f"{speaker.a()} {place} {deeds}. {speaker.he.capitalize()} is wearing {clothes}.",
    )
    held = (
        f"Dressed in {clothes}, {speaker.a()} {deeds} {place}{tail}.",
        f"We see {speaker.a()} {place}, dressed in {clothes}, who {deeds}.",
    )
    text = _one(rng, held if speaker.held_out else frames)
    return text[0].upper() + text[1:]


def _paragraph(
    person: Person, scene: Scene, speaker: Speaker, deeds: Sequence[str], rng: np.random.Generator
) -> str:
    """A captioner's paragraph: setting, looks, deeds, and things that a still cannot show."""
    clothes, place = with_article(_clothing(person, scene, speaker, rng)), _place(scene, speaker, rng)
    he = speaker.he.capitalize()
    noun = speaker.noun
    opening = (
        (
            "The video features {a} {place}.",
            "The video shows {a} {place}.",
            "In this video, {a} can be seen {place}.",
        )
        if not speaker.held_out
        else ("This footage presents {a} {place}.", "We are shown a clip of {a} {place}.")
    )
    parts = [
        _one(rng, opening).format(a=speaker.a() if speaker.noun != "person" else "an individual", place=place)
    ]
    parts.append(f"{he} is wearing {clothes} and has {_join(_looks(person, speaker, rng)[:2])}.")
    if scene.expression != "neutral":
        look = speaker.say(rng, words.EXPRESSIONS[scene.expression])
        parts.append(f"At the beginning, the {noun}'s expression is this: {look}.")
    parts.append(f"The scene is set in {speaker.say(rng, words.LIGHTS[scene.light])}.")
    scenery = words.SCENERY[scene.place]
    if rng.random() < 0.7:
        parts.append(_one(rng, scenery))
    if len(deeds) > 1:
        parts.append(f"At first, the {noun} {deeds[0]}. Then {speaker.he} {deeds[1]}.")
    else:
        lead = "Throughout the video, the" if not speaker.held_out else "From start to finish, the"
        parts.append(f"{lead} {noun} {deeds[0]}.")
    if rng.random() < 0.4:
        parts.append(
            f"The shot is a {speaker.say(rng, words.FRAMINGS[scene.framing])}.".replace("a upper", "an upper")
        )
    closing = ("The overall mood is quiet and natural.", f"The focus remains on the {noun} at all times.")
    if rng.random() < 0.5:
        parts.append(_one(rng, closing))
    return " ".join(parts)


def prompt(
    person: Person,
    scene: Scene,
    actions: Sequence[Action | str],
    rng: np.random.Generator,
    held_out: bool = False,
) -> str:
    """A user's raw prompt: from one sentence to a captioner's paragraph (at most about 900 characters)."""
    done = as_actions(actions)
    speaker = speaker_of(person, rng, held_out)
    deeds = _deeds(done, speaker, rng)
    style = rng.random()
    if style < 0.55:
        return _sentence(person, scene, speaker, _sequence(deeds, speaker, rng), rng)
    if style < 0.72:
        clothes = with_article(_clothing(person, scene, speaker, rng))
        first = f"{speaker.a()} {_place(scene, speaker, rng)}, wearing {clothes}."
        return f"{first[0].upper()}{first[1:]} {speaker.he.capitalize()} {_sequence(deeds, speaker, rng)}."
    return _paragraph(person, scene, speaker, deeds, rng)
