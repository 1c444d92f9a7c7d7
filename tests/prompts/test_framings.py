"""The framing that a prompt asks for: found in any wording, taken out, never the camera's motion."""

from __future__ import annotations

import time

import pytest

from stillmotion.prompts import decouple
from stillmotion.prompts.framings import framing_of, unframed


@pytest.mark.parametrize(
    ("prompt", "framing", "rest"),
    [
        ("A man nods. The shot is a medium shot.", "medium shot", "A man nods."),
        ("Filmed from the chest up, a woman waves.", "from the chest up", "A woman waves."),
        ("A woman, seen from the waist up, laughs.", "from the waist up", "A woman laughs."),
        ("A man in a hat is shown from the waist up and nods.", "from the waist up", "A man in a hat nods."),
        ("Wide shot: a man walks.", "wide shot", "A man walks."),
        ("The framing is half-length. A woman talks.", "half-length", "A woman talks."),
        ("Framing: medium. A man nods.", "medium shot", "A man nods."),
        ("A man nods; the camera shows him from the waist up.", "from the waist up", "A man nods."),
        ("A woman smiles, framed at the shoulders.", "framed at the shoulders", "A woman smiles."),
        ("A woman nods. We see her head and shoulders.", "head and shoulders", "A woman nods."),
        ("A man nods, the shot showing him down to his chest.", "framed down to his chest", "A man nods."),
        ("A woman nods, her face filling the frame.", "her face filling the frame", "A woman nods."),
        ("A man, close-up, nods.", "close-up", "A man nods."),
        ("A woman waves - waist-up.", "waist-up", "A woman waves."),
        ("Extreme close-up of a man who nods.", "extreme close-up", "Extreme close-up of a man who nods."),
        ("Medium shot.", "medium shot", "Medium shot."),
        ("A man nods. The shot is a portrait.", "portrait", "A man nods."),
        ("A man nods. The shot is an upper body.", "upper body", "A man nods."),
        ("A man nods. Framing: portrait.", "portrait", "A man nods."),
        ("A man nods. It's a full body.", "full body", "A man nods."),
        ("A man nods, the framing is a portrait.", "portrait", "A man nods."),
        ("A man, portrait, nods.", "portrait", "A man nods."),
        ("A man nods. The picture is a bust.", "bust shot", "A man nods."),
        ("A man nods. The shot is a chest-length shot.", "chest-length shot", "A man nods."),
        (
            "Hip-length shot: a man in a knee-length coat nods.",
            "hip-length shot",
            "A man in a knee-length coat nods.",
        ),
    ],
)
def test_framing_is_found_and_taken_out(prompt: str, framing: str, rest: str) -> None:
    assert (framing_of(prompt), unframed(prompt)) == (framing, rest)


@pytest.mark.parametrize(
    "prompt",
    [
        "The camera zooms out to a wide shot.",
        "The camera pulls back slowly into a medium shot as he waves.",
        "The camera cuts to a close-up of her face.",
        "A man nods, the camera moves in for a close-up.",
        "A man shakes his head and shoulders.",
        "A woman stands in front of a full-length mirror in a full-length gown.",
        "A woman with three-quarter length sleeves and hair down to her waist waves.",
        "He stands up close to the wall.",
        "The shot is not a close-up. A man waves.",
        "A man holds a portrait of his father.",
        "The picture is in portrait format. A man nods.",
        "The shot is not a portrait. A man nods.",
        "The camera moves to a portrait. A man nods.",
        "A man leans his upper body forward.",
        "A man stands beside a bust, a portrait on the wall.",
        "A three-quarter view of a man who nods.",
        "She shot up from the chair.",
    ],
)
def test_what_is_no_framing_stays(prompt: str) -> None:
    assert (framing_of(prompt), unframed(prompt)) == ("", prompt)


def test_any_writer_keeps_the_framing_that_is_asked_for() -> None:
    plan = decouple("A man in a red coat nods, filmed from the waist up.", "A man", view="facing the camera")
    assert plan.spatial == "A man, wearing a red coat, facing the camera, from the waist up"
    assert plan.temporal == "A man in a red coat nods."


@pytest.mark.parametrize("text", ["", ".", "shot", "from the", "close-up", "A. B; C!", "up " * 900])
def test_any_text_is_looked_at(text: str) -> None:
    assert unframed(text).strip() == text.strip() or framing_of(text)


@pytest.mark.parametrize(
    "piece", ["medium ", "seen from the waist up ", "zooms out to a wide shot ", "-close", "portrait, "]
)
def test_a_prompt_of_framings_alone_takes_no_time(piece: str) -> None:
    """What repeats in a pattern is bounded, and each framing is looked for once: 0.2 s at most here, where
    going over all of them for each took minutes.
    """
    text = (piece * 1000)[:3900]
    began = time.monotonic()
    framing_of(text)
    unframed(text)
    assert time.monotonic() - began < 10
