"""Plans: what `decouple` returns, saved, edited, loaded; every wrong field named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from stillmotion.errors import InputError
from stillmotion.prompts import Brief, Plan, Segment, Written, decouple, subject_in

KEYS = ["subject", "spatial", "temporal", "segments", "writer", "fallback"]


def test_json_has_exactly_the_contract_keys() -> None:
    plan = decouple("0-2s: she waves; 2-5s: she turns left", "A woman")
    data = json.loads(plan.to_json())
    assert list(data) == KEYS
    assert data["segments"] == [
        {"start": 0.0, "end": 2.0, "text": "A woman waves."},
        {"start": 2.0, "end": 5.0, "text": "A woman turns left."},
    ]
    assert data["writer"] == "rules" and data["fallback"] is None


def test_save_edit_load(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    plan = decouple("A man in a blue coat \u2014 \u00e9l\u00e9gant \u2014 waves", "A man")
    plan.save(path)
    assert Plan.load(path) == plan
    assert list(tmp_path.iterdir()) == [path]
    data = json.loads(path.read_text(encoding="utf-8"))
    data["spatial"] = "A man, red coat, close-up"
    path.write_text("\ufeff" + json.dumps(data), encoding="utf-8")
    assert Plan.load(path).spatial == "A man, red coat, close-up"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("subject", "A dog", "subject"),
        ("spatial", "", "spatial"),
        ("temporal", 7, "temporal"),
        ("temporal", "a\x07b", "temporal"),
        ("segments", [{"start": 0, "end": 0, "text": "x"}], "segments.0"),
        ("segments", [{"start": 0, "end": 2}], "segments.0.text"),
        ("segments", [{"start": -1, "end": 2, "text": "x"}], "segments.0.start"),
        ("segments", "none", "segments"),
        ("segments", [{"start": 0, "end": 3, "text": "x"}, {"start": 2, "end": 4, "text": "y"}], "overlaps"),
        ("seed", 3, "seed"),
    ],
)
def test_a_wrong_edit_is_named(tmp_path: Path, field: str, value: object, said: str) -> None:
    path = tmp_path / "edited.json"
    data = json.loads(decouple("A man waves", "A man").to_json()) | {field: value}
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        Plan.load(path)
    assert said in str(caught.value) and "edited.json" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"null", b"0" * (1 << 21)])
def test_no_plan_at_all(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"plan\.json"):
        Plan.load(path)
    with pytest.raises(InputError, match="missing"):
        Plan.load(tmp_path / "missing.json")
    with pytest.raises(InputError):
        Plan.load(tmp_path)


def test_plans_cannot_be_changed_in_place() -> None:
    plan = decouple("A man waves", "A man")
    with pytest.raises(ValidationError):
        plan.spatial = "x"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Segment(start=2, end=1, text="x")


def test_raw_mode_is_the_prompt_itself() -> None:
    prompt = "In a park, she waves."
    plan = decouple(prompt, "A man", mode="raw", writer="transformers:nowhere", trigger="fcsks fxhks fhyks, ")
    assert (plan.spatial, plan.temporal, plan.writer, plan.fallback) == (
        "fcsks fxhks fhyks, " + prompt,
        prompt,
        "raw",
        None,
    )


def test_trigger_words_come_first() -> None:
    assert (
        decouple("A man waves in a park", "A man", trigger="fcsks fxhks fhyks, ").spatial
        == "fcsks fxhks fhyks, A man, park, close-up"
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject": "A cat"},
        {"mode": "both"},
        {"writer": "gpt"},
        {"writer": "openai:"},
        {"writer": "openai:ftp://host"},
        {"writer": "openai:http://me:secret@host/v1"},
    ],
)
def test_wrong_arguments(wrong: dict[str, str]) -> None:
    with pytest.raises(InputError) as caught:
        decouple("A man waves", **wrong)  # type: ignore[arg-type]
    assert "secret" not in str(caught.value)


def test_a_writer_of_ones_own() -> None:
    class Shouting:
        name = "shouting"

        def write(self, brief: Brief) -> Written:
            return Written(spatial=f"{brief.subject}, LOUD, close-up", temporal=brief.prompt.upper())

    plan = decouple("a man waves", "A man", writer=Shouting())
    assert (plan.writer, plan.temporal, plan.spatial) == ("shouting", "A MAN WAVES", "A man, LOUD, close-up")


@pytest.mark.parametrize(
    ("prompt", "subject"),
    [
        ("A man in a blue shirt waves", "A man"),
        ("On a beach she turns to the man behind her", "A woman"),
        ("A person dances with a man", "A person"),
        ("Waves break on a beach", "A person"),
    ],
)
def test_without_a_photo_the_prompt_names_its_person(prompt: str, subject: str) -> None:
    assert subject_in(prompt) == subject


@pytest.mark.parametrize(
    ("prompt", "view"),
    [
        ("A man in a blue coat waves in a park", "facing the camera"),
        ("A man turns his head to the left", "facing the camera"),
        ("A man grins, then glances sideways", "facing the camera"),
        ("A man looking cheerful waves", "facing the camera"),
        ("A man facing away from us waves in a park", "facing away from us"),
        ("A man with his head turned to the left side nods", "head turned to the left side"),
        ("A man, gazing off into the distance, shrugs", "gazing off into the distance"),
        ("A man looks happy, his eyes lowered", "eyes lowered"),
        ("A man whose face is averted talks", "face averted"),
    ],
)
def test_the_view_is_the_one_that_the_user_says_or_the_given_one(prompt: str, view: str) -> None:
    plain = decouple(prompt, "A man").spatial
    seen = decouple(prompt, "A man", view="facing the camera").spatial
    assert seen == plain.removesuffix(", close-up") + f", {view}, close-up"


@pytest.mark.parametrize("prompt", ["A man in profile reads a letter", "A man not facing the camera waves"])
def test_no_view_is_added_where_the_still_tells_one_or_it_is_denied(prompt: str) -> None:
    assert decouple(prompt, "A man", view="facing the camera").spatial == decouple(prompt, "A man").spatial


def test_a_view_never_overfills_the_prompt_and_raw_prompts_stay() -> None:
    full = decouple("A man in a blue coat waves", "A man", count_tokens=lambda text: 75 + ("view" in text))
    told = decouple(
        "A man in a blue coat waves",
        "A man",
        count_tokens=lambda text: 75 + ("view" in text),
        view="front view",
    )
    assert told.spatial == full.spatial
    raw = decouple("A man waves", "A man", mode="raw", view="front view")
    assert raw.spatial == "A man waves"
