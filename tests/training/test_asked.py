"""What a prompt asks for is what its words say, and nothing else."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from training.world import DEFAULT_BUST, captions
from training.world.actions import Action, actions_of
from training.world.asked import asked
from training.world.jobs import clip_scene
from training.world.people import identity_of
from training.world.samples import write_dataset
from training.world.scenes import reference_scene, scene_of
from training.world.truth import labels


def test_words_are_taken_at_their_word() -> None:
    woman = next(p for p in map(identity_of, range(100)) if p.gender == "woman" and p.hair_style == "bob")
    scene = scene_of(1).replace(
        clothing="sweater", colour="red", pattern="striped", place="studio", studio_colour="blue",
        light="cold light", framing="portrait", expression="sad",
    )  # fmt: skip
    actions = (Action("smile", end=0.5), Action("wave", start=0.5))
    text = "Dressed in a crimson stripy jumper, a woman beams before a plain blue wall."
    said = asked(text, woman, scene, actions)
    assert said == {
        "clothing": ["sweater"],
        "colour": ["red"],
        "pattern": ["striped"],
        "place": ["studio"],
        "studio colour": ["blue"],
        "action": ["smile"],
    }
    more = f"{text} She greets the camera with a wave. Chilly light. {woman.hair_colour} hair in a bob cut."
    assert set(asked(more, woman, scene, actions)) - set(said) == {
        "second action",
        "light",
        "hair style",
        "hair colour",
    }
    assert asked("A man stays where he is.", woman, scene, actions) == {}


def test_a_word_within_a_word_says_nothing() -> None:
    scene = reference_scene(0).replace(clothing="t-shirt", colour="red")
    assert asked("A tired woman between trees.", identity_of(3), scene, ()) == {}


def test_a_mans_dress_may_be_a_tank_top() -> None:
    man = next(p for p in map(identity_of, range(100)) if p.gender == "man")
    scene = scene_of(2).replace(clothing="dress")
    assert asked("A sleeveless shirt.", man, scene, ())["clothing"] == ["dress", "tank top"]


@pytest.mark.parametrize("held_out", [False, True])
def test_prompts_ask_for_what_they_were_written_of(held_out: bool) -> None:
    counts: Counter[str] = Counter()
    for seed in range(300):
        person, actions = identity_of(seed), actions_of(seed)
        scene = clip_scene(seed, actions)
        text = captions.prompt(person, scene, actions, np.random.default_rng(seed), held_out)
        said = asked(text, person, scene, actions)
        counts.update(said.keys())
        true = labels(person, scene, actions)
        assert {"clothing", "colour", "place", "action"} <= said.keys()
        assert all(true[label] in values for label, values in said.items())
        assert ("second action" in said) == (len(actions) > 1)
        assert ("pattern" in said) == (scene.pattern != "plain")
        assert ("studio colour" in said) == (scene.place == "studio")
    # Said in some prompts and not in others.
    for label in ("light", "framing", "expression", "hair style"):
        assert 5 < counts[label] < 250, label


@pytest.mark.skipif(not DEFAULT_BUST.is_file(), reason="python -m training.world export")
def test_a_data_set_holds_what_its_prompts_ask_for(tmp_path: Path) -> None:
    pytest.importorskip("moderngl")
    write_dataset(tmp_path, range(2), 3, size=64, seed=1, bust=DEFAULT_BUST)
    lines = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text().splitlines()]
    assert len(lines) == 6
    for line in lines:
        person = identity_of(int(line["id"][2:]))
        actions = tuple(Action(**action) for action in line["actions"])
        scene = clip_scene(line["scene_seed"], actions)
        assert line["text"] == (tmp_path / f"raw/{line['id']}/prompt{line['prompt']}.txt").read_text().strip()
        assert line["asked"] == asked(line["text"], person, scene, actions)
        # The person, the seed and the actions are enough to film the prompt.
        assert labels(person, scene, actions) == line["labels"]
        assert [dataclasses.asdict(action) for action in actions] == line["actions"]
