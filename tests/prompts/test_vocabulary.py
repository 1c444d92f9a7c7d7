"""What people say in the words that mini was taught: the corpus, and what may never change."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stillmotion.presets import PRESETS
from stillmotion.prompts import Plan, Segment, as_read, decouple, subject_in
from stillmotion.prompts.vocabulary import told, translate
from stillmotion.prompts.vocabulary.tables import table
from stillmotion.weights.store import folder_of
from training.words import texts
from training.world import actions_of, captions, identity_of, scene_of

LINES = (Path(__file__).parent / "vocabulary.jsonl").read_text(encoding="utf-8").splitlines()
CORPUS: list[dict[str, Any]] = [json.loads(line) for line in LINES]
PLANS: list[dict[str, Any]] = [
    json.loads(line)
    for line in (Path(__file__).parent / "as_read.jsonl").read_text(encoding="utf-8").splitlines()
]


def read(text: str, subject: str = "A person", moves: bool = True) -> str:
    return translate(text, "mini", subject, moves).text


def test_corpus_is_large() -> None:
    assert len({entry["say"] for entry in CORPUS}) == len(CORPUS) >= 80


@pytest.mark.parametrize("entry", CORPUS, ids=[str(number) for number in range(len(CORPUS))])
def test_corpus_entry(entry: dict[str, Any]) -> None:
    text = read(entry["say"], entry.get("subject", "A person"), not entry.get("seen", False)).lower()
    missing = [words for words in entry["read"] if words.lower() not in text]
    left = [words for words in entry.get("not", ()) if re.search(rf"\b{words}\b", text)]
    assert not missing and not left, text


@pytest.mark.parametrize("entry", PLANS, ids=[entry["prompt"][:40] for entry in PLANS])
def test_prompt_as_read(entry: dict[str, Any]) -> None:
    """From the prompt to what mini's models are told: framing, light, places, hair, expressions."""
    still = PRESETS["mini"].still
    subject = subject_in(entry["prompt"])
    plan, _ = as_read(
        decouple(entry["prompt"], subject, view=still.view, expression=still.expression), "mini"
    )
    missing = [text for text in entry["seen"] if text not in plan.spatial]
    missing += [text for text in entry.get("happens", ()) if text not in plan.temporal]
    left = [text for text in entry.get("unseen", ()) if text in plan.spatial]
    left += [text for text in entry.get("not", ()) if text in plan.temporal.lower()]
    assert not missing and not left, (plan.spatial, plan.temporal)


def test_what_mini_was_trained_on_stays_as_it_is() -> None:
    changed = []
    for seed in range(300, 400):
        rng = np.random.default_rng((seed, 5))
        person, scene, actions = identity_of(1000 + seed), scene_of(seed), actions_of(seed)
        prompt = captions.prompt(person, scene, actions, rng)
        seen = [captions.spatial(person, scene, rng), prompt]
        happens = [captions.temporal(person, scene, actions, rng), prompt]
        both = texts(seed)
        changed += [text for text in (*seen, *both[:4]) if read(text, moves=False) != text]
        changed += [text for text in (*happens, *both[4:]) if read(text) != text]
    assert changed == []


@pytest.mark.parametrize(
    "text",
    [
        "She swivels her head to the {}.",
        "He glanced over his {} shoulder.",
        "Her eyes dart to the {}.",
        "The camera is panning to the {} as he grins.",
    ],
)
def test_left_stays_left_and_right_right(text: str) -> None:
    for side, other in (("left", "right"), ("right", "left")):
        changed = read(text.format(side))
        assert changed != text.format(side) and side in changed and other not in changed


@pytest.mark.parametrize(
    ("said", "order"),
    [
        ("She grins, then arches an eyebrow.", ("smiles", "raises her eyebrows")),
        ("He yawned and afterwards gave a shrug.", ("opens his mouth wide", "shrugs")),
        ("He peeked to the right before giggling.", ("glances to the right", "before he laughs")),
        ("She was giggling while she waved goodbye.", ("laughs", "waves")),
    ],
)
def test_the_order_of_two_actions_stays(said: str, order: tuple[str, str]) -> None:
    changed = read(said)
    assert changed.index(order[0]) < changed.index(order[1])


def test_speed_goes_with_its_action() -> None:
    assert read("A woman gives a slow nod.") == "A woman slowly nods."
    assert read("He swiftly arched an eyebrow.") == "He quickly raises his eyebrows."


def test_reading_twice_changes_nothing_more() -> None:
    for entry in CORPUS:
        once = read(entry["say"], moves=not entry.get("seen", False))
        assert read(once, moves=not entry.get("seen", False)) == once


def test_a_plan_is_read_with_its_segments_and_every_change_is_told_once() -> None:
    plan = Plan(
        subject="A man",
        spatial="fcsks fxhks fhyks, A man, woodland, close-up",
        temporal="A man grins in the woodland.",
        segments=(Segment(start=0, end=2, text="A man grins."), Segment(start=2, end=4, text="He waves.")),
    )
    changed, readings = as_read(plan, "mini")
    assert changed.spatial == "fcsks fxhks fhyks, A man, forest, close-up"
    assert changed.temporal == "A man smiles in a forest."
    assert [segment.text for segment in changed.segments] == ["A man smiles.", "He waves."]
    assert [(each.said, each.read) for each in readings] == [
        ("woodland", "forest"),
        ("grins", "smiles"),
        ("in the woodland", "in a forest"),
    ]
    assert told(readings).startswith('read "woodland" as "forest", "grins"')
    assert as_read(plan, None) == (plan, ())


@pytest.mark.parametrize(
    ("spatial", "temporal", "seen"),
    [
        ("A man, paperwork, printer, close-up", "A man nods.", "A man, in an office, paperwork"),
        ("A man, sand, close-up", "A man stands where waves break over the sand.", "A man, on a beach, sand"),
        ("A man, novels, room, close-up", "A man in a room lined with novels nods.", "A man, in a library,"),
        ("A man, kettle, close-up", "A man beside dishes and spices nods.", "A man, in a kitchen, kettle"),
        ("A man, printer, close-up", "A man nods.", "A man, printer"),
        ("A man, sand, keyboard, close-up", "A man nods.", "A man, sand"),
        ("A man, beach, folders, binders, close-up", "A man nods.", "A man, beach, folders"),
        ("A man, stage, close-up", "A man stands where waves break over the sand.", "A man, stage, close-up"),
    ],
)
def test_things_tell_a_place_where_nothing_else_does(spatial: str, temporal: str, seen: str) -> None:
    plan, readings = as_read(Plan(subject="A man", spatial=spatial, temporal=temporal), "mini")
    assert plan.spatial.startswith(seen)
    assert any(reading.read.startswith(("in ", "on ")) for reading in readings) or ", in " not in seen


def test_only_mini_has_a_vocabulary() -> None:
    assert {name for name, preset in PRESETS.items() if preset.vocabulary} == {"mini"}


def test_all_that_may_be_read_is_known_to_the_tokenizers() -> None:
    """Every word of a reading is whole in both tokenizers, or cut in two."""
    pytest.importorskip("tokenizers")
    from tokenizers import Tokenizer

    for part in ("motion/tokenizer", "still/tokenizer"):
        stage, folder = part.split("/")
        source = getattr(PRESETS["mini"], stage).checkpoint
        file = folder_of(source) / folder / "tokenizer.json"
        if not file.is_file():
            pytest.skip("the embedded weights are not in this tree")
        tokenizer = Tokenizer.from_file(str(file))
        for word in table("mini").known:
            forms = (word, word.capitalize())
            pieces = min((tokenizer.encode(form, add_special_tokens=False).ids for form in forms), key=len)
            assert len(pieces) <= 2, word


@pytest.mark.parametrize("text", ["", ".", "((", "))", "海滩上", "a" * 3000, "her " * 500, "look " * 700])
def test_any_text_is_read(text: str) -> None:
    translate(text, "mini")


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ("A man, hard light from the side, close-up", "A man, hard light from the side, close-up"),
        ("A man, harsh light from the left, close-up", "A man, dramatic side light, close-up"),
        ("A man, lit from behind, close-up", "A man, dramatic side light, close-up"),
        ("A man, soft light from the side, close-up", "A man, soft light, close-up"),
        ("A man, filmed from the side, close-up", "A man, head turned to the left, close-up"),
    ],
)
def test_light_from_the_side_is_a_light(said: str, seen: str) -> None:
    assert read(said, moves=False) == seen


def test_light_that_comes_from_the_side_turns_no_head() -> None:
    assert read("The light is hard and comes from the side.") == "The light is hard and comes from the side."


def test_an_article_keeps_its_noun() -> None:
    assert read("A woman with a laughing expression nods.") == "A woman with a laughing expression nods."
