"""The expression of the still: the preset's where the user tells none."""

from __future__ import annotations

import time

import pytest

from stillmotion.presets import PRESETS
from stillmotion.prompts import decouple, subject_in
from stillmotion.prompts.text import estimate_clip_tokens
from stillmotion.prompts.views import tells_expression

NEUTRAL = "neutral expression"


def seen(prompt: str, expression: str = NEUTRAL) -> str:
    return decouple(prompt, subject_in(prompt), view="facing the camera", expression=expression).spatial


@pytest.mark.parametrize(
    "prompt",
    [
        "A woman in a red coat nods",
        "A man turns his head to the left",
        "A man smiles and waves",  # that is what happens later
        "A woman nods, then frowns",
        "A man without a smile nods",
        # moods of things
        "A man in a warm sweater nods",
        "A woman in warm light nods",
        "A man on a calm beach nods",
        "A man in a gloomy office nods",
        # words that only begin like a mood's
        "A man under wooden beams nods",
        "A woman with crystal earrings nods",
        "A woman in a ragged coat nods",
        "A woman in a sleeveless dress nods",
        "A woman in front of a merry-go-round nods",
    ],
)
def test_where_no_expression_is_told_it_is_the_presets(prompt: str) -> None:
    assert f"facing the camera, {NEUTRAL}, close-up" in seen(prompt)


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        ("A smiling woman nods", "smiling"),
        ("A man with a wide grin nods", "wide grin"),
        ("A laughing man waves", "smiling"),
        ("A frowning man nods", "frowning"),
        ("A crying boy nods", "crying"),
        ("A woman with an angry look nods", "angry look"),
        ("An angry man points at us", "angry expression"),
        ("A woman with a puzzled look nods", "puzzled look"),
        ("A man with a surprised expression nods", "surprised expression"),
        ("A woman with a stern face nods", "stern face"),
        ("A teary-eyed woman nods", "teary-eyed"),
        ("A woman in tears nods", "in tears"),
        ("At the beginning, the woman's expression is this: laughing.", "laughing"),
        ("The man's expression is: crying.", "crying"),
        ("A woman nods. Her expression is laughing", "laughing"),
        ("A man waves. His expression is this: frowning", "frowning"),
        ("A man with tears in his eyes nods", "with tears"),
        ("A woman who is happy nods", "happy expression"),
        ("A man looks sad", "sad expression"),
        ("A woman beaming with joy nods", "joy"),
        ("A sleepy man nods", "sleepy"),
        ("A man with his mouth open nods", "mouth open"),
        ("A man with closed eyes nods", "closed eyes"),
        ("A woman with raised eyebrows nods", "raised eyebrows"),
        ("A man with a furrowed brow nods", "furrowed brow"),
    ],
)
def test_an_expression_that_is_told_is_the_only_one(prompt: str, told: str) -> None:
    assert told in seen(prompt) and "neutral" not in seen(prompt)


def test_a_neutral_expression_is_told_once() -> None:
    assert seen("A man with a neutral expression nods").count("neutral") == 1


@pytest.mark.parametrize("things", range(4, 20))
def test_a_full_prompt_loses_nothing_to_it(things: int) -> None:
    text = f"A man wearing {', '.join(f'a {letter}ish scarf' for letter in 'abcdefghijklmnopqrst'[:things])}"
    full, plain = seen(text), seen(text, expression="")
    assert estimate_clip_tokens(full) <= 75
    assert full in (plain, plain.replace(", close-up", f", {NEUTRAL}, close-up"))
    assert things > 5 or full != plain


def test_a_token_limit_leaves_it_out() -> None:
    text = "A man in a red coat nods"
    roomy = decouple(text, "A man", expression=NEUTRAL, count_tokens=lambda said: len(said.split()) + 60)
    full = decouple(text, "A man", expression=NEUTRAL, count_tokens=lambda said: len(said.split()) + 68)
    assert roomy.spatial == f"A man, wearing a red coat, {NEUTRAL}, close-up"
    assert full.spatial == "A man, wearing a red coat, close-up"


def test_only_mini_tells_one() -> None:
    assert {name: preset.still.expression for name, preset in PRESETS.items() if preset.still.expression} == {
        "mini": NEUTRAL
    }
    assert seen("A man nods", expression="") == "A man, facing the camera, close-up"
    raw = decouple("A man nods", "A man", mode="raw", view="facing the camera", expression=NEUTRAL)
    assert raw.spatial == "A man nods"


@pytest.mark.parametrize("piece", ["calm ", "eyes ", "smil", "old ", "eyes wide ", "raised ", "tear-"])
def test_long_texts_take_no_time(piece: str) -> None:
    began = time.monotonic()
    tells_expression((piece * 1000)[:4000])
    assert time.monotonic() - began < 2
