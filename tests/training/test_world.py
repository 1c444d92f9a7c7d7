"""The synthetic world without a picture: persons, scenes, actions, words, jobs, shards."""

from __future__ import annotations

import json
import re
import string
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.world import (
    ACTIONS,
    HELD_OUT,
    IDENTITY_DIM,
    IDENTITY_NAMES,
    TRAIN,
    Action,
    actions_of,
    as_actions,
    captions,
    identity_of,
    labels,
    reference_scene,
    scene_of,
    wordings,
)
from training.world.actions import movement
from training.world.body import BustMissing, phenotype_variations
from training.world.draw import Renderer
from training.world.jobs import clip_scene, job_from, make_job, truth_of
from training.world.landmarks import face_box, five_points
from training.world.people import BEARDS, HAIR_STYLES
from training.world.posing import frame_rotation, rotation
from training.world.scenes import CLOTHES, COLOURS, EXPRESSIONS, FRAMINGS, LIGHTS, PLACES
from training.world.shards import read_shard, shards, write_shard

PEOPLE = [identity_of(i) for i in range(400)]


def test_a_person_is_the_same_every_time_and_no_one_else() -> None:
    again = identity_of.__wrapped__(7)
    assert again == identity_of(7)
    assert len({p.sliders for p in PEOPLE}) == len(PEOPLE)


def test_held_out_persons_are_never_in_training_jobs() -> None:
    persons = {make_job(kind, 3, n).person for n in range(300) for kind in ("clips", "stills")}
    assert min(persons) >= TRAIN.start
    assert not persons & set(HELD_OUT)
    assert max(make_job("clips", 3, n, identities=50).person for n in range(200)) < TRAIN.start + 50


def test_a_negative_person_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        identity_of(-1)


def test_vectors_are_bounded_and_name_every_entry() -> None:
    table = np.stack([p.vector() for p in PEOPLE])
    assert table.shape == (len(PEOPLE), IDENTITY_DIM) == (len(PEOPLE), len(IDENTITY_NAMES))
    assert table.dtype == np.float32
    assert np.abs(table).max() <= 1.3
    one_hot = [i for i, name in enumerate(IDENTITY_NAMES) if name.startswith("hair:")]
    assert (table[:, one_hot].sum(1) == 1).all()
    chosen = [HAIR_STYLES[k] for k in table[:, one_hot].argmax(1)]
    assert chosen == [p.hair_style for p in PEOPLE]


def test_the_world_is_varied_and_women_have_no_beards() -> None:
    assert {p.hair_style for p in PEOPLE} == set(HAIR_STYLES)
    assert {p.beard for p in PEOPLE} == set(BEARDS)
    assert all(p.beard == "none" for p in PEOPLE if p.gender == "woman")
    assert 0.4 < np.mean([p.gender == "man" for p in PEOPLE]) < 0.6
    assert min(p.age for p in PEOPLE) >= 18
    scenes = [scene_of(i) for i in range(400)]
    for field, names in (("clothing", CLOTHES), ("place", PLACES), ("light", LIGHTS), ("framing", FRAMINGS),
                         ("expression", EXPRESSIONS), ("colour", tuple(COLOURS))):  # fmt: skip
        assert {getattr(s, field) for s in scenes} == set(names)
    assert len(PLACES) >= 10
    assert len(ACTIONS) >= 16


def test_variation_weights_of_each_phenotype_sum_to_one() -> None:
    weights = phenotype_variations(identity_of(5).phenotypes)
    groups = np.split(weights, np.cumsum([3, 2, 5, 3, 3, 2, 2, 3]))
    assert np.allclose([g.sum() for g in groups], 1, atol=1e-5)


@pytest.mark.parametrize("name", list(ACTIONS))
def test_every_action_starts_at_rest_and_moves_but_standing_still(name: str) -> None:
    m = movement((Action(name),), 17)
    curves = {n: getattr(m, n) for n in ("yaw", "pitch", "roll", "gaze_x", "gaze_y", "lean", "shrug", "bob",
                                         "sway", "hand", "wave", "pan")}  # fmt: skip
    curves |= m.face | {"zoom": m.zoom - 1}
    assert all(abs(float(c[0])) < 0.02 for c in curves.values())
    moves = max(float(np.abs(c).max()) for c in curves.values())
    assert moves == 0 if name == "still" else moves > 0.015


def test_left_is_the_persons_own_left() -> None:
    assert movement((Action("turn left"),), 9).yaw[-1] > 0.4
    assert movement((Action("turn right"),), 9).yaw[-1] < -0.4
    # Positive yaw about z carries the nose (-y) towards +x, the person's left, the viewer's right.
    nose = rotation(2, np.array([0.5]))[0] @ np.array([0, -1, 0])
    assert nose[0] > 0.4


def test_the_second_action_starts_when_the_first_has_ended() -> None:
    first, second = as_actions(("nod", "smile"))
    assert (first.start, first.end, second.start, second.end) == (0.0, 0.5, 0.5, 1.0)
    m = movement((first, second), 17)
    assert np.abs(m.pitch[:9]).max() > 0.1
    assert np.abs(m.pitch[9:]).max() < 0.02
    assert m.face["mouthSmileLeft"][:8].max() == 0
    assert m.face["mouthSmileLeft"][-1] > 0.7


def test_a_held_pose_gives_way_to_its_opposite() -> None:
    m = movement(as_actions(("turn left", "turn right")), 33)
    assert m.yaw.max() > 0.5
    assert m.yaw[-1] < -0.5


def test_unknown_actions_and_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown action 'jump'"):
        as_actions(("jump",))
    with pytest.raises(ValueError, match="clips"):
        make_job("films", 0, 0)


def test_actions_come_in_ones_and_twos() -> None:
    drawn = [actions_of(i) for i in range(600)]
    assert {a.name for d in drawn for a in d} == set(ACTIONS)
    share = np.mean([len(d) == 2 for d in drawn])
    assert 0.2 < share < 0.4
    assert all(d[0].end == d[1].start and d[0].name != d[1].name for d in drawn if len(d) == 2)


def test_a_clip_scene_shows_its_action() -> None:
    for seed in range(300):
        actions = actions_of(seed)
        scene, names = clip_scene(seed, actions), {a.name for a in actions}
        if names & {"wave", "raise hand"}:
            assert scene.framing != "close-up"
        if "smile" in names:
            assert scene.expression != "smiling"
        if "turn left" in names:
            assert scene.view == "front"


def _texts(held_out: bool) -> list[tuple[int, str, str, str]]:
    out = []
    for i in range(300):
        person, actions = identity_of(i), actions_of(i)
        scene, rng = clip_scene(i, actions), np.random.default_rng(i)
        out.append(
            (
                i,
                captions.spatial(person, scene, rng, held_out),
                captions.temporal(person, scene, actions, rng, held_out),
                captions.prompt(person, scene, actions, rng, held_out),
            )
        )
    return out


@pytest.mark.parametrize("held_out", [False, True])
def test_captions_never_mistake_the_person(held_out: bool) -> None:
    for i, *texts in _texts(held_out):
        woman = identity_of(i).gender == "woman"
        wrong = r"\b(he|his|him|man)\b" if woman else r"\b(she|her|woman)\b"
        for text in texts:
            assert not re.search(wrong, text, re.IGNORECASE), text
            assert not re.search(r"[{}]|  |\ba [aeio]|\ban [bcdfghjklmnpqrstvwxyz]", text), text
            assert len(text) <= 1500


def test_prompts_run_from_a_sentence_to_a_paragraph() -> None:
    lengths = [len(text) for *_, text in _texts(False)]
    assert min(lengths) < 90
    assert max(lengths) > 400


def test_words_of_training_and_evaluation_never_overlap() -> None:
    tables = [v for n, v in vars(wordings).items() if isinstance(v, dict) and n[0] in string.ascii_uppercase]
    pairs = [p for t in tables for p in t.values() if isinstance(p[0], tuple)] + [wordings.THEN]
    assert len(pairs) > 100
    for train, held_out in pairs:
        assert train
        assert held_out
        assert not set(train) & set(held_out)


@pytest.mark.parametrize("held_out", [False, True])
def test_the_words_say_what_is_true(held_out: bool) -> None:
    side = 1 if held_out else 0
    for i, spatial, temporal, prompt in _texts(held_out):
        person, actions = identity_of(i), actions_of(i)
        scene = clip_scene(i, actions)
        garments = wordings.CLOTHES[scene.clothing][side]
        if person.gender == "man" and scene.clothing == "dress":
            garments = wordings.MEN_DRESS[side]
        assert any(g in spatial for g in garments)
        assert any(c in spatial for c in wordings.COLOURS[scene.colour][side])
        pronouns = [("his", "he", "him"), ("her", "she", "her"), ("their", "the person", "them")]
        for text in (temporal, prompt):
            at = -1
            for action in actions:  # every action is told, in order
                forms = [
                    form.format(his=his, he=he, him=him)
                    for form in wordings.ACTIONS[action.name][side]
                    for his, he, him in pronouns
                ]
                found = [text.find(f, at + 1) for f in forms if text.find(f, at + 1) >= 0]
                assert found, (text, action.name)
                at = min(found)


def test_labels_name_the_truth() -> None:
    person, scene = identity_of(3), scene_of(3)
    truth = labels(person, scene, ("wave", "smile"))
    assert (truth["action"], truth["second action"]) == ("wave", "smile")
    assert truth["clothing"] == scene.clothing
    assert truth["place"] == scene.place
    assert truth["gender"] == person.gender
    assert labels(person, scene)["action"] == "still"


def test_the_reference_is_plain_and_frontal() -> None:
    scene = reference_scene(5)
    assert (scene.place, scene.view, scene.expression, scene.gaze) == ("studio", "front", "neutral", "camera")


def test_a_job_survives_json_and_gives_its_truth_back() -> None:
    for kind, count in (("clips", 1), ("stills", 5)):
        job = make_job(kind, 9, 4, views=5)
        again = job_from(json.loads(json.dumps(job.record())))
        assert again == job
        truth = truth_of(again)
        assert truth.person == identity_of(job.person)
        assert len(truth.scenes) == count
    assert truth.scenes[0].place == "studio"


def test_shards_come_back_whole(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    job = make_job("clips", 1, 0)
    matte = np.where(rng.random((3, 20, 20)) > 0.5, 255, 0).astype(np.uint8)
    row: dict[str, Any] = {
        "frames": rng.integers(0, 256, (3, 20, 20, 3), dtype=np.uint8),
        "matte": matte,
        "landmarks": rng.random((3, 106, 2), dtype=np.float32),
        "five": rng.random((3, 5, 2), dtype=np.float32),
        "box": rng.random((3, 4), dtype=np.float32),
    }
    write_shard(
        tmp_path, "clips-00000-00000", {k: [v] for k, v in row.items()}, [{"job": job.record(), "view": 0}]
    )
    assert [p.name for p in tmp_path.iterdir()] == ["clips-00000-00000"]
    shard = read_shard(tmp_path / "clips-00000-00000")
    assert np.array_equal(shard.frames[0], row["frames"])
    assert np.array_equal(shard.matte(0), matte // 255)
    assert shard.jobs == [job]
    assert [s.path.name for s in shards(tmp_path, "clips")] == ["clips-00000-00000"]
    assert not list(shards(tmp_path, "stills"))


def test_rotations_carry_directions() -> None:
    forward, side = np.array([[0.0, 0, 1]]), np.array([[1.0, 0, 0]])
    new_forward, new_side = np.array([[0.6, -0.8, 0]]), np.array([[0.0, 0, 1.0]])
    turn = frame_rotation(forward, side, new_forward, new_side)[0]
    assert np.allclose(turn @ forward[0], new_forward[0], atol=1e-6)
    assert np.allclose(turn @ side[0], new_side[0], atol=1e-6)
    assert np.isclose(np.linalg.det(turn), 1)


def test_points_and_boxes_of_landmarks() -> None:
    points = np.zeros((1, 106, 2), np.float32)
    points[0, [33, 35, 39, 40]] = (40, 50)
    points[0, [87, 89, 93, 94]] = (80, 50)
    points[0, [86, 52, 61]] = [(60, 70), (45, 90), (75, 90)]
    points[0, points[0].sum(1) == 0] = (60, 75)
    assert five_points(points)[0].tolist() == [[40, 50], [80, 50], [60, 70], [45, 90], [75, 90]]
    x0, y0, x1, y1 = face_box(points, 256)[0]
    assert (x0, x1, y1) == (40, 80, 90)
    assert y0 < 50


def test_a_missing_body_says_how_to_make_it(tmp_path: Path) -> None:
    pytest.importorskip("moderngl")
    with pytest.raises(BustMissing, match=r"python -m training\.world export"):
        Renderer(64, tmp_path / "none.npz")
