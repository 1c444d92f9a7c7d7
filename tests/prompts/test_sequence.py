"""What happens in turn: a prompt's deeds as parts of their own, and what is one deed for all that is said."""

from __future__ import annotations

import time

import pytest

from stillmotion.presets import PRESETS
from stillmotion.prompts import Plan, Segment, decouple, subject_in
from stillmotion.prompts.sequence import deeds_of, in_turn


def deeds(prompt: str) -> list[str]:
    """The deeds of a prompt as the rules writer tells it."""
    subject = subject_in(prompt)
    return deeds_of(decouple(prompt, subject).temporal, subject)


def plan_of(temporal: str, **fields: object) -> Plan:
    return Plan.model_validate({"subject": "A woman", "spatial": "A woman", "temporal": temporal} | fields)


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        # then, in its places
        ("A woman smiles, then turns her head", ["A woman smiles.", "A woman turns her head."]),
        ("A woman smiles then waves", ["A woman smiles.", "A woman waves."]),
        ("A man nods and then blinks twice.", ["A man nods.", "A man blinks twice."]),
        ("He nods, but then he frowns", ["A man nods.", "A man frowns."]),
        ("A man nods and only then waves", ["A man nods.", "A man waves."]),
        ("A woman smiles. Then she waves. Finally, she nods.", ["smiles", "waves", "nods"]),
        ("A woman smiles. And then she waves.", ["A woman smiles.", "A woman waves."]),
        ("A woman smiles. She then turns her head.", ["A woman smiles.", "A woman turns her head."]),
        ("A man nods; then he yawns; next he frowns", ["A man nods.", "A man yawns.", "A man frowns."]),
        ("She smiles - then she frowns", ["A woman smiles.", "A woman frowns."]),
        ("First she nods, then she waves", ["A woman nods.", "A woman waves."]),
        ("A man talks, then pauses, then talks again", ["talks.", "pauses.", "talks again."]),
        ("A man smiled, then turned away", ["A man smiled.", "A man turned away."]),
        ("A woman closes her eyes, then opens them!", ["A woman closes her eyes.", "A woman opens them!"]),
        ("Make her smile and then blink", ["A woman smiles.", "A woman blinks."]),
        # other links
        ("He nods. After that, he looks up.", ["A man nods.", "A man looks up."]),
        ("He nods and after that looks up.", ["A man nods.", "A man looks up."]),
        ("She smiles, after which she nods", ["A woman smiles.", "A woman nods."]),
        (
            "She lifts her left hand, following which she nods",
            ["A woman lifts her left hand.", "A woman nods."],
        ),
        ("A man nods, and afterwards he laughs", ["A man nods.", "A man laughs."]),
        ("A man nods his head. Next, he winks. Lastly, he grins.", ["nods his head.", "winks.", "grins."]),
        ("He opens his mouth and finally grins", ["A man opens his mouth.", "A man grins."]),
        ("She shakes her head, eventually giving up", ["shakes her head.", "A woman is giving up."]),
        ("A man chuckles and subsequently sashays away", ["A man chuckles.", "A man sashays away."]),
        ("She laughs, and a moment later she nods", ["A woman laughs.", "A woman nods."]),
        ("He nods. A few seconds later he shakes his head.", ["A man nods.", "A man shakes his head."]),
        ("He nods; shortly after, he winks", ["A man nods.", "A man winks."]),
        ("She turns around and, after a pause, waves", ["A woman turns around.", "A woman waves."]),
        ("She smiles before she turns her head", ["A woman smiles.", "A woman turns her head."]),
        ("She smiles before turning her head", ["A woman smiles.", "A woman is turning her head."]),
        ("A man waves, before turning away", ["A man waves.", "A man is turning away."]),
        ("A man waves before the camera pans left", ["A man waves.", "The camera pans left."]),
        ("She frowns before she laughs, then nods", ["frowns.", "laughs.", "nods."]),
        # gerunds, nouns that are deeds
        ("A woman smiling, then turning her head", ["A woman smiling.", "A woman is turning her head."]),
        ("A man smiles, followed by turning his head", ["A man smiles.", "A man is turning his head."]),
        ("A man smiles, followed by a slow nod", ["A man smiles.", "A man gives a slow nod."]),
        ("She gives a nod and then a wave", ["A woman gives a nod.", "A woman gives a wave."]),
        # who does it
        ("A woman smiles, then the camera zooms in", ["A woman smiles.", "The camera zooms in."]),
        ("A man nods, and the camera then pans left", ["A man nods.", "The camera pans left."]),
        ("She smiles, and then the light fades", ["A woman smiles.", "The light fades."]),
        ("At first the woman looks sad. Then her face brightens.", ["looks sad.", "Her face brightens."]),
        ("A woman frowns, then her eyes close", ["A woman frowns.", "Her eyes close."]),
        ("She reads, then tears run down her cheeks", ["A woman reads.", "Tears run down her cheeks."]),
        ("She reads, then she tears up the letter", ["A woman reads.", "A woman tears up the letter."]),
        ("A man grabs a cup, then it falls", ["A man grabs a cup.", "It falls."]),
        ("A man and a woman dance, then she bows", ["A man and a woman dance.", "She bows."]),
        ("The woman nods, then the woman turns left", ["A woman nods.", "A woman turns left."]),
        ("Someone smiles, then they slowly turn away", ["A person smiles.", "A person slowly turns away."]),
        ("Someone smiles, then they are laughing", ["A person smiles.", "A person is laughing."]),
        # what stands before the verb
        ("He nods, then slowly and quietly leaves", ["A man nods.", "A man slowly and quietly leaves."]),
        ("He nods, then, with a sigh, looks down", ["A man nods.", "A man, with a sigh, looks down."]),
        ("He nods, then with a sigh he looks down", ["A man nods.", "With a sigh he looks down."]),
        ("She smiles, then all of a sudden she laughs", ["smiles.", "All of a sudden she laughs."]),
        ("A woman turns left then right then looks up", ["A woman turns left then right.", "looks up."]),
    ],
)
def test_deeds_in_turn(prompt: str, told: list[str]) -> None:
    found = deeds(prompt)
    assert len(found) == len(told), found
    assert all(words in text for words, text in zip(told, found, strict=True)), found


@pytest.mark.parametrize(
    "prompt",
    [
        "A woman smiles.",
        "A woman smiles and waves.",
        "A man lowers his head, lifts it and nods.",
        "A man nods now and then.",
        "A man nods now and then, smiling.",
        "A man nods now and then smiles at us.",
        "A man didn't smile back then, but he nods.",
        "A woman stands next to a window and smiles.",
        "A woman stands, then next to a window.",
        "A woman sits in the next room and smiles.",
        "A man stands before a brick wall and nods.",
        "A woman stands before burning ruins.",
        "A man looks up and then to the left.",
        "A man looks left, then right.",
        "A man looks down, then back at us.",
        "A man looks towards the window, then towards the camera.",
        "A woman looks left, looks right, then straight into the camera.",
        "A woman looks at the left hand, then the right hand.",
        "A man looks at his watch, then the camera.",
        "A woman looks over her shoulder and then at the camera, smiling.",
        "A woman laughs once and then again.",
        "A man walks in, then out.",
        "A man finally smiles.",
        "A man in a hat then smiles.",
        "A woman wearing a red hat, then smiles.",
        "A woman in red. Then she waves.",
        # told in another order than it happens
        "After nodding, a woman waves.",
        "A woman waves after nodding.",
        "A woman waves after she has nodded.",
        "Before smiling, a woman nods.",
        "A woman waves. Before leaving, she nods.",
        "A man waves and, before leaving, nods.",
    ],
)
def test_what_is_no_sequence_stays_whole(prompt: str) -> None:
    subject = subject_in(prompt)
    temporal = decouple(prompt, subject).temporal
    assert deeds_of(temporal, subject) == [temporal]


def test_no_deed_is_lost_and_none_told_twice() -> None:
    prompt = (
        "A man in a black suit on a beach slowly turns his head to the right and then quickly nods. "
        "The waves roll in. After that he smiles while the camera zooms in, before raising his eyebrows."
    )
    assert deeds(prompt) == [
        "A man in a black suit on a beach slowly turns his head to the right.",
        "A man quickly nods. The waves roll in.",
        "A man smiles while the camera zooms in.",
        "A man is raising his eyebrows.",
    ]


@pytest.mark.parametrize(
    ("temporal", "frames", "spans"),
    [
        ("A woman smiles, then nods.", 17, [(0, 1.0625), (1.0625, 2.125)]),
        ("A woman smiles, then nods, then waves.", 17, [(0, 1.0625), (1.0625, 2.125)]),
        ("A woman smiles, then nods, then waves.", 33, [(0, 1.375), (1.375, 2.75), (2.75, 4.125)]),
        ("A woman smiles, then nods.", 13, []),
        ("A woman smiles, then nods.", 9, []),
        ("A woman smiles and nods.", 33, []),
    ],
)
def test_each_deed_has_frames_of_its_own(
    temporal: str, frames: int, spans: list[tuple[float, float]]
) -> None:
    plan = plan_of(temporal)
    parts = in_turn(plan, frames, 8, 8)
    assert [(part.start, part.end) for part in parts.segments] == spans
    assert parts.model_copy(update={"segments": ()}) == plan, "only the segments are new"
    assert spans or parts is plan


def test_neighbours_share_a_part_where_there_are_too_many() -> None:
    parts = in_turn(plan_of("A woman smiles, then nods, then waves."), 17, 8, 8)
    assert [part.text for part in parts.segments] == ["A woman smiles.", "A woman nods. A woman waves."]


def test_a_raw_plan_and_one_with_times_are_left_as_they_are() -> None:
    text = "A woman smiles, then nods."
    timed = plan_of(text, segments=(Segment(start=0, end=1, text="She smiles, then nods."),))
    for plan in (plan_of(text, writer="raw"), timed):
        assert in_turn(plan, 33, 8, 8) is plan


def test_only_mini_is_told_part_by_part() -> None:
    assert {name for name, preset in PRESETS.items() if preset.motion.deed_frames} == {"mini"}


@pytest.mark.parametrize(
    "text", ["", ".", "then", "Then she", "then, then", "and then.", "海滩上", "Then a", "the"]
)
def test_any_text_is_looked_at(text: str) -> None:
    assert deeds_of(text, "A person") == [text]


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "then ",
            "then she ",
            "before ",
            "after a moment ",
            "the camera ",
            "then, with a ",
            "and , ",
            "slowly ",
        ),
        *("smiles, then ", "then the ", "her eyes ", "and then ", "- ", "a few ", "moments later "),
    ],
)
def test_a_text_of_links_alone_takes_no_time(piece: str) -> None:
    """Each clause is looked at for a few words: 0.1 s at most here."""
    text = (piece * 4000)[:4000]
    began = time.monotonic()
    deeds_of(text, "A woman")
    assert time.monotonic() - began < 5
