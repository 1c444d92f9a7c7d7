"""What is wrong with a request is said in one line that names the field; what it leaves open is filled in."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from stillmotion.errors import InputError
from stillmotion.presets import PRESETS
from stillmotion.request import Request, Settings, parse, settle

GOOD: dict[str, Any] = {"faces": ["a.png"], "prompt": "She waves"}

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"prompt": ""}, "prompt: "),
    ({"prompt": " \n\t "}, "prompt: has no words"),
    ({"prompt": "...?!"}, "prompt: has no words"),
    ({"prompt": "she\x00waves"}, "prompt: holds the control character U+0000"),
    ({"prompt": "she \x1b[31mwaves"}, "prompt: holds the control character U+001B"),
    ({"prompt": "she \ud800 waves"}, "prompt: "),
    ({"prompt": "a" * 4001}, "prompt: "),
    ({"preset": "nano"}, "preset: 'nano' is unknown; there are mini, "),
    ({"quality": "ultra"}, "quality: input should be 'draft', 'standard' or 'best'"),
    ({"mode": "i2v"}, "mode: "),
    ({"seed": -1}, "seed: "),
    ({"seed": 2**63}, "seed: "),
    ({"seed": "seven"}, "seed: input should be a valid integer"),
    ({"width": 0}, "width: "),
    ({"width": 1e9}, "width: "),
    ({"guidance_scale": "nan"}, "guidance_scale: "),
    ({"candidates": 17}, "candidates: "),
    ({"faces": ["https://example.org/a.png"]}, "faces: 'https://example.org/a.png' is an address"),
    ({"faces": ["http:/a.png"]}, "faces: "),
    ({"faces": [""]}, "faces: a path is empty"),
    ({"faces": ["a"] * 9}, "faces: "),
    ({"colour": "red"}, "colour: extra inputs are not permitted"),
]


@pytest.mark.parametrize(("change", "start"), WRONG)
def test_a_wrong_field_is_named_in_one_line(change: dict[str, Any], start: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(GOOD | change)
    message = str(caught.value)
    assert message.startswith(start)
    assert "\n" not in message


IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"width": 100}, "width: 100 is not a multiple of 16; take 96 or 112"),
    ({"still_height": 130}, "still_height: 130 is not a multiple of 8; take 128 or 136"),
    ({"num_frames": 16}, "num_frames: 16 is not 4n+1; take 13 or 17"),
    ({"width": 2048, "height": 2048, "num_frames": 81}, "num_frames: 81 frames of 2048x2048 are more"),
    ({"preset": "fast", "motion_steps": 8}, "motion_steps: fast was made for 4"),
    ({"preset": "wan22-5b", "height": 720}, "height: 720 is not a multiple of 32; take 704 or 736"),
]


@pytest.mark.parametrize(("change", "start"), IMPOSSIBLE)
def test_an_impossible_size_is_refused_with_the_nearest_possible(change: dict[str, Any], start: str) -> None:
    with pytest.raises(InputError) as caught:
        settle(parse(GOOD | change))
    assert str(caught.value).startswith(start)


def test_every_preset_and_quality_can_make_its_own_sizes() -> None:
    for name in PRESETS:
        for quality in ("draft", "standard", "best"):
            settings = settle(parse(GOOD | {"preset": name, "quality": quality}))
            assert settings.width and settings.num_frames


def test_line_breaks_of_a_paragraph_become_spaces() -> None:
    assert (
        parse(GOOD | {"prompt": "She waves.\n\tThen\r\nshe turns. "}).prompt == "She waves. Then she turns."
    )


def test_what_is_asked_for_wins_over_quality_and_preset() -> None:
    settings = settle(
        parse(GOOD | {"quality": "draft", "candidates": 3, "width": 128, "negative_prompt": "hat"})
    )
    assert (settings.candidates, settings.width, settings.still_width) == (3, 128, 128)
    assert (settings.negative_prompt, settings.motion_negative_prompt) == ("hat", "hat")
    assert settings.still_steps == PRESETS["mini"].still.quality["draft"].steps


def test_a_missing_seed_is_drawn_or_taken_from_the_interrupted_run() -> None:
    request = parse(GOOD)
    assert settle(request).seed != settle(request).seed
    assert settle(request, 7).seed == 7
    assert settle(parse(GOOD | {"seed": 5}), 7).seed == 5


def test_every_setting_is_a_field_of_the_request_or_derived_from_one() -> None:
    derived = {"motion_negative_prompt"}
    assert set(Settings.model_fields) - derived <= set(Request.model_fields)


def test_python_users_get_pydantics_own_error() -> None:
    with pytest.raises(ValidationError):
        Request(prompt="")
