"""The judge of words: it is taught what its pictures show, and comes back from its files as it was."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from training import judge
from training.judge_augment import HIDDEN, Mirror, across, coded, hidden, worn
from training.judge_evaluate import SEEDS, accuracies, confusions
from training.judge_moments import MOMENTS, SIDED, changes, misread, moments_of
from training.judge_network import (
    DEEDS,
    FRAMES,
    HEADS,
    SIDE,
    Judge,
    JudgeNetwork,
    Reader,
    evenly,
    shrunk,
    write_judge,
)
from training.world.actions import ACTIONS, Action, actions_of, movement
from training.world.jobs import Job, clip_scene, make_job, suited, truth_of
from training.world.people import HELD_OUT, identity_of
from training.world.posing import EXPRESSION_WEIGHTS, face_weights
from training.world.scenes import reference_scene, scene_of
from training.world.shards import write_shard
from training.world.truth import labels

torch.set_num_threads(2)


def told(job: Job, view: int = 0) -> dict[str, str]:
    """The labels of a job by name."""
    places = zip(HEADS.items(), judge.labels_of(job, view), strict=True)
    return {head: values[place] for (head, values), place in places if place != judge.UNKNOWN}


def test_labels_of_a_clip_are_those_of_its_footage() -> None:
    changed = 0
    for number in range(200):
        job = make_job("clips", 3, number)
        truth = truth_of(job)
        names = told(job)
        assert names.items() <= labels(truth.person, truth.scenes[0], truth.actions).items()
        assert names["action"] == truth.actions[0].name
        assert names["second action"] == (truth.actions[1].name if len(truth.actions) > 1 else "none")
        changed += names["framing"] != scene_of(job.scenes[0]).framing
    assert changed > 20  # a clip's scene is not the plain one with its seed


def test_labels_of_stills_are_those_of_their_view_and_no_action() -> None:
    job = make_job("stills", 3, 5, views=3)
    assert told(job, 0)["place"] == reference_scene(job.scenes[0]).place == "studio"
    for view in (1, 2):
        assert told(job, view)["clothing"] == scene_of(job.scenes[view]).clothing
    assert not set(DEEDS) & set(told(job, 1))
    assert told(job, 1)["hair style"] == identity_of(job.person).hair_style


def test_every_label_that_the_world_knows_has_a_place() -> None:
    for number in range(500):
        assert len(judge.labels_of(make_job("clips", 0, number))) == len(HEADS)


def test_the_evaluation_never_draws_what_training_drew() -> None:
    for number in range(200):
        for kind in ("clips", "stills"):
            job = make_job(kind, 0, number)
            assert max(*job.scenes, job.action or 0) < SEEDS
            assert job.person not in HELD_OUT


def test_moments_tell_everything_that_actions_and_faces_move() -> None:
    told: dict[str, float] = dict.fromkeys(MOMENTS, 0.0)
    for name in ACTIONS:
        moved = movement([Action(name)], FRAMES)
        fields = {key for key, curve in vars(moved).items() if key not in ("expression", "face")}
        moving = {key for key in fields if np.ptp(getattr(moved, key)) > 0} | set(moved.face)
        names = {key.removesuffix("Left").removesuffix("Right") for key in moving}
        assert names <= set(MOMENTS)
        change = np.abs(moments_of(reference_scene(), [name], FRAMES)).max(0)
        assert {key for key, most in zip(MOMENTS, change, strict=True) if most > 0} >= names
        told = {key: max(most, told[key]) for key, most in zip(MOMENTS, change.tolist(), strict=True)}
    for weights in EXPRESSION_WEIGHTS.values():
        assert {key.removesuffix("Left").removesuffix("Right") for key in weights} <= set(MOMENTS)
    # A third of what some action does is one; only sad scenes shrug their lower lip.
    assert all(2 < most < 7 for key, most in told.items() if key != "mouthShrugLower")


def test_moments_are_what_the_world_draws() -> None:
    for number in range(60):
        truth = truth_of(make_job("clips", 5, number))
        scene, moved = truth.scenes[0], movement(truth.actions, FRAMES)
        told = moments_of(scene, truth.actions, FRAMES) * np.array(list(MOMENTS.values()))
        column = dict(zip(MOMENTS, told.T, strict=True))
        turned = {"front": 0.0, "left": 0.42, "right": -0.42}[scene.view]
        np.testing.assert_allclose(column["yaw"], moved.yaw + scene.yaw + turned, atol=1e-5)
        np.testing.assert_allclose(np.exp(column["zoom"]), moved.zoom, atol=1e-5)
        for name in ("hand", "pan", "lean", "wave"):
            np.testing.assert_allclose(column[name], getattr(moved, name), atol=1e-5)
        face = face_weights(scene, moved)
        for name, curve in face.items():
            if name.endswith("Left"):
                np.testing.assert_array_equal(curve, face[name.replace("Left", "Right")])
            np.testing.assert_allclose(
                column[name.removesuffix("Left").removesuffix("Right")], curve, atol=1e-5
            )


def test_moments_of_what_is_loaded_follow_its_frames() -> None:
    job = make_job("clips", 1, 0)
    truth = truth_of(job)
    assert judge._moments(job, 0, 33).shape == (FRAMES, len(MOMENTS))
    long = moments_of(truth.scenes[0], truth.actions, 33)
    np.testing.assert_array_equal(judge._moments(job, 0, 33), long[::2])
    still = make_job("stills", 1, 0, views=3)
    view = moments_of(scene_of(still.scenes[2]), (), 1)
    np.testing.assert_array_equal(judge._moments(still, 2, 1), view)


ONE_SIDED = ("tilt", "shake head", "shrug", "walk", "wave")
"""Actions that only ever happen to one side, or begin with it: their names are true of the other as well."""


def test_what_is_told_of_a_mirrored_clip_is_what_the_world_says_of_the_other_side() -> None:
    mirror, turned = Mirror(torch.device("cpu")), torch.tensor([True])
    sides = set()
    for number in range(150):
        job = make_job("clips", 6, number)
        truth = truth_of(job)
        scene = truth.scenes[0]
        other = scene.replace(
            view=across(scene.view), gaze=across(scene.gaze), yaw=-scene.yaw, roll=-scene.roll
        )
        actions = [dataclasses.replace(a, name=across(a.name)) for a in truth.actions]
        names = labels(truth.person, other, actions)
        places = [values.index(names[head]) for head, values in HEADS.items()]
        assert mirror.labels(turned, torch.tensor([judge.labels_of(job)])).tolist() == [places]
        said = mirror.moments(turned, torch.from_numpy(moments_of(scene, truth.actions, FRAMES))[None])[0]
        true = torch.from_numpy(moments_of(other, actions, FRAMES))
        if {a.name for a in actions} & set(ONE_SIDED):
            even = [place for place, name in enumerate(MOMENTS) if name not in SIDED]
            said, true = said[:, even], true[:, even]
        torch.testing.assert_close(said, true, atol=1e-4, rtol=1e-4)
        sides |= {a.name for a in actions}
    assert {"turn left", "gaze right", "pan left", *ONE_SIDED} <= sides
    assert across("turn left") == "turn right"
    assert across("gaze right") == "gaze left"
    assert across("bright daylight") == "bright daylight"
    assert set(SIDED) <= set(MOMENTS)


def test_only_the_chosen_are_mirrored_and_the_unknown_stays_unknown() -> None:
    mirror, turned = Mirror(torch.device("cpu")), torch.tensor([True, False])
    frames = torch.arange(8).view(1, 1, 1, 1, 8).expand(2, 1, 3, 2, 8)
    told = torch.tensor([judge.labels_of(make_job("stills", 1, 4, views=3), 2)] * 2)
    told[:, list(HEADS).index("view")] = 1
    moments = torch.ones(2, 1, len(MOMENTS))
    pictures, names, moved = mirror(turned, frames, told, moments)
    assert torch.equal(pictures[0], frames[0].flip(-1))
    assert torch.equal(pictures[1], frames[1])
    assert names[:, list(HEADS).index("view")].tolist() == [2, 1]
    assert torch.equal(names[1], told[1])
    assert (names[:, [list(HEADS).index(deed) for deed in DEEDS]] == judge.UNKNOWN).all()
    assert moved[0].sum() == len(MOMENTS) - 2 * len(SIDED)
    assert torch.equal(moved[1], moments[1])


def test_patches_are_small_and_stay_where_they_are() -> None:
    torch.manual_seed(0)
    clip = torch.full((40, 3, 3, 50, 50), 2.0)
    gone = (hidden(clip) != 2).all(2)
    assert torch.equal(gone[:, 0], gone[:, 2])
    share = gone[:, 0].float().mean((1, 2))
    assert (share == 0).any()
    assert 0 < share.max() <= 2 * (HIDDEN + 0.03) ** 2


def test_a_scene_is_suited_to_its_actions_alone() -> None:
    for seed in range(50):
        actions = actions_of(seed)
        assert suited(scene_of(seed + 7), actions) == clip_scene(seed + 7, actions)


def test_rehearsed_clips_are_told_by_their_actions() -> None:
    told = judge.rehearsals(60, torch.device("cpu"))
    assert told.moments.shape == (60, FRAMES, len(MOMENTS))
    place = list(HEADS).index("action")
    assert (told.labels[:, :place] == judge.UNKNOWN).all()
    twice = (told.labels[:, place + 1] > 0).float().mean()
    assert 0.4 < twice < 0.8
    still = told.labels[:, place] == HEADS["action"].index("still")
    assert (changes(told.moments[still]) == 0).all()
    assert (changes(told.moments[~still]).abs().amax((1, 2)) > 1.5).all()
    wrong = misread(told.moments) - told.moments
    assert 0.2 < wrong.std() < 1


def test_actions_are_learnt_from_true_moments() -> None:
    torch.manual_seed(0)
    told = judge.rehearsals(24, torch.device("cpu"))
    reader = Reader({head: len(values) for head, values in HEADS.items()})
    weights = judge.balance(told.labels)
    optimizer = torch.optim.AdamW(reader.parameters(), 3e-3)
    seen = []
    for _ in range(45):
        loss, right = judge.losses(reader(told.moments), told.labels, weights)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.append(float(loss.detach()))
    assert seen[-1] < 0.5 * seen[0]
    assert right["action"] > 0.9


def test_wear_does_not_mirror_and_keeps_what_moves() -> None:
    torch.manual_seed(0)
    clip = torch.linspace(0.2, 0.8, 32).expand(16, 4, 3, 32, 32).clone()
    clip[:, 3] = clip[:, 3].flip(-2)
    used = worn(clip)
    assert used.shape == clip.shape
    assert used.min() >= 0
    assert used.max() <= 1
    right, left = used[..., 20:].mean((1, 2, 3, 4)), used[..., :12].mean((1, 2, 3, 4))
    assert (right > left + 0.1).all()
    # A spot that jumps from top to bottom still does, in the same clip's later frame.
    spot = torch.zeros(8, 2, 3, 32, 32)
    spot[:, 0, :, 4:8, 14:18] = 1
    spot[:, 1, :, 24:28, 14:18] = 1
    rows = worn(spot).mean((2, 4)).argmax(-1)
    assert (rows[:, 0] < 12).all()
    assert (rows[:, 1] > 20).all()


def test_wear_differs_from_clip_to_clip() -> None:
    torch.manual_seed(0)
    used = worn(torch.rand(1, 2, 3, 32, 32).expand(6, -1, -1, -1, -1))
    for i in range(1, 6):
        assert (used[0] - used[i]).abs().mean() > 0.01


def test_coding_rounds_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    clip = torch.rand(2, 1, 3, 16, 24)
    monkeypatch.setattr("training.judge_augment._some", lambda x: torch.zeros(len(x), 1, 1, 1, 1))
    torch.testing.assert_close(coded(clip), clip, atol=2e-3, rtol=0)


def test_a_still_is_a_clip_of_one_frame_repeated() -> None:
    torch.manual_seed(0)
    network = JudgeNetwork().eval()
    picture = torch.rand(2, 1, 3, SIDE, SIDE) * 2 - 1
    with torch.no_grad():
        one, many = network(picture), network(picture.expand(-1, FRAMES, -1, -1, -1))
    assert set(many) - set(one) == set(DEEDS)
    for head, logits in one.items():
        torch.testing.assert_close(logits, many[head], atol=1e-4, rtol=1e-4)


def test_actions_are_told_from_the_order_of_the_frames() -> None:
    torch.manual_seed(0)
    network = JudgeNetwork().eval()
    clip = torch.rand(1, FRAMES, 3, SIDE, SIDE) * 2 - 1
    with torch.no_grad():
        there, back = network(clip), network(clip.flip(1))
    assert (there["action"] - back["action"]).abs().max() > 1e-3


def test_the_network_is_small_enough_to_ship() -> None:
    assert 1_500_000 <= sum(p.numel() for p in JudgeNetwork().parameters()) <= 3_000_000


def test_seventeen_frames_of_any_video_are_seen() -> None:
    assert evenly(17).tolist() == list(range(17))
    assert evenly(33).tolist() == list(range(0, 33, 2))
    assert len(evenly(5)) == FRAMES
    assert shrunk(torch.zeros(2, 64, 48, 3, dtype=torch.uint8)).shape == (2, 3, SIDE, SIDE)


def test_rare_values_weigh_more_and_unknown_ones_nothing() -> None:
    rows = torch.zeros(10, len(HEADS), dtype=torch.long)
    rows[0, 0] = 1
    rows[:5, -1] = judge.UNKNOWN
    weights = judge.balance(rows)
    assert weights[0][1] > 2 * weights[0][0]
    assert len(weights[-1]) == len(HEADS["second action"])


def test_entropy_is_that_of_the_textbook() -> None:
    torch.manual_seed(0)
    logits, truth = torch.randn(9, 5), torch.randint(0, 5, (9,))
    own = judge.entropy(logits, truth, torch.ones(5))
    known = torch.nn.functional.cross_entropy(logits, truth, label_smoothing=judge.SMOOTHING)
    torch.testing.assert_close(own, known)
    heavy = judge.entropy(logits, truth, torch.ones(5).index_fill(0, truth[:1], 1e6))
    alone = judge.entropy(logits[truth == truth[0]], truth[truth == truth[0]], torch.ones(5))
    torch.testing.assert_close(heavy, alone, atol=1e-4, rtol=1e-4)


def test_telling_nothing_but_the_mean_costs_one() -> None:
    torch.manual_seed(0)
    true = torch.randn(30, FRAMES, len(MOMENTS)).cumsum(1)
    telling = judge.Telling(true)
    still, _ = telling(true.mean((0, 1)).expand_as(true), true)
    _, moved = telling(true[:, :1].expand_as(true), true)
    assert float(still) == pytest.approx(1, abs=1e-4)
    assert float(moved) == pytest.approx(1, abs=1e-4)
    assert max(map(float, telling(true, true))) == 0
    still, moved = telling(true + 3, true)
    assert still > 0.3
    assert moved < 1e-4  # who is always off by the same sees all that moves


def write_shards(folder: Path) -> None:
    """Noise under the jobs of a renderer, one of them of a person held out."""

    def shard(kind: str, shape: tuple[int, ...], jobs: list[Job]) -> None:
        rng = np.random.default_rng(len(shape))
        still = kind == "stills"
        frames = [rng.integers(0, 255, shape, dtype=np.uint8) for _ in jobs]
        empty = [np.zeros(4, np.float32) for _ in jobs]
        rows = {"frames": frames, "matte": [f[..., 0] for f in frames]}
        rows |= {"landmarks": empty, "five": empty, "box": empty}
        meta = [{"job": job.record(), "view": i % 3 if still else 0} for i, job in enumerate(jobs)]
        write_shard(folder, f"{kind}-00000-00000", rows, meta)

    folder.mkdir()
    clips = [make_job("clips", 1, n) for n in range(3)]
    held = Job(3, "clips", HELD_OUT[7], clips[0].scenes, clips[0].action)
    shard("clips", (FRAMES, 64, 64, 3), [*clips, held])
    shard("stills", (64, 64, 3), [make_job("stills", 1, n, views=3) for n in range(3)])


def test_held_out_persons_never_enter(tmp_path: Path) -> None:
    write_shards(tmp_path / "data")
    shown = judge.load(tmp_path / "data", "clips", torch.device("cpu"), 100)
    assert shown is not None
    assert shown.frames.shape == (3, FRAMES, 3, SIDE, SIDE)
    assert shown.labels.tolist() == [judge.labels_of(make_job("clips", 1, n)) for n in range(3)]
    first = truth_of(make_job("clips", 1, 0))
    moments = moments_of(first.scenes[0], first.actions, FRAMES)
    np.testing.assert_array_equal(shown.moments[0].numpy(), moments)
    stills = judge.load(tmp_path / "data", "stills", torch.device("cpu"), 100)
    assert stills is not None
    assert stills.labels.tolist() == [judge.labels_of(make_job("stills", 1, n, views=3), n) for n in range(3)]


def test_training_leaves_a_judge_that_comes_back_and_goes_on(tmp_path: Path) -> None:
    write_shards(tmp_path / "data")
    out = tmp_path / "out"
    small = ["--clips", "1", "--stills", "1", "--device", "cpu", "--seconds", "1"]
    small += ["--rehearsals", "4", "--most-rehearsals", "9"]
    arguments = ["--data", str(tmp_path / "data"), "--out", str(out), *small]
    assert judge.main(arguments) == 0
    assert (out / "judge.safetensors").stat().st_size < 6.5e6
    header = (out / "judge.csv").read_text().splitlines()[0]
    assert header == "step,samples,seconds,loss,person,clothes,setting,pose,moments,action,second,rehearsed"
    first = Judge(out)
    clip = torch.randint(0, 255, (1, FRAMES, 3, SIDE, SIDE), dtype=torch.uint8)
    network = JudgeNetwork()
    network.load_state_dict(first.network.state_dict())
    write_judge(network, tmp_path / "again")
    again = Judge(tmp_path / "again")
    for head, logits in first.logits(clip).items():
        torch.testing.assert_close(logits, again.logits(clip)[head], rtol=0, atol=0)
    said = first(np.zeros((9, 32, 32, 3), np.uint8))
    assert all(said[head] in HEADS[head] for head in HEADS)
    assert judge.main([*arguments, "--resume"]) == 0
    assert not torch.equal(Judge(out).logits(clip)["place"], first.logits(clip)["place"])


def lesson_of(folder: Path) -> judge.Lesson:
    """A lesson on the CPU of three clips and three stills of noise."""
    write_shards(folder)
    cpu = torch.device("cpu")
    shown = {kind: judge.load(folder, kind, cpu, 100) for kind in ("clips", "stills")}
    data: dict[str, judge.Told] = {kind: told for kind, told in shown.items() if told is not None}
    data["rehearsals"] = judge.rehearsals(8, cpu)
    return judge.Lesson(JudgeNetwork().train(), data, torch.float32)


def test_a_step_is_drawn_and_reckoned_on_the_device_alone(tmp_path: Path) -> None:
    """As a captured graph wants it: nothing comes from the host, is read back or has a shape of its own."""
    lesson = lesson_of(tmp_path / "data")
    rows = lesson.draw({"clips": 1, "stills": 1, "rehearsals": 4})
    # As it really runs (what watches an operation can change its way), by the names of its operations.
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as seen:
        lesson("judge", rows)
    names = {event.key.removeprefix("aten::") for event in seen.key_averages()}
    assert "convolution" in names
    assert not names & {"masked_select", "nonzero", "item", "_local_scalar_dense", "lift_fresh", "unique"}

    def away(value: Any) -> Any:
        return value.to("meta") if isinstance(value, Tensor) else value

    lesson.network.to("meta")
    lesson.weights = tree_map(away, lesson.weights)
    lesson.data = {
        kind: dataclasses.replace(told, **{key: away(value) for key, value in vars(told).items()})
        for kind, told in lesson.data.items()
    }
    for tables in (lesson.mirror, *lesson.telling.values()):
        vars(tables).update(tree_map(away, dict(vars(tables))))

    class Watched(TorchDispatchMode):
        def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            made = op(*args, **(kwargs or {}))
            assert all(t.device.type == "meta" for t in tree_leaves(made) if isinstance(t, Tensor)), op
            return made

    with Watched():
        loss, figures = lesson("judge", tree_map(away, rows))
        loss.backward()
    assert loss.shape == ()
    assert all(figure.shape == () for figure in figures.values())
    assert all(p.grad is not None for p in lesson.network.parameters())


def test_training_learns_its_clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    lesson = lesson_of(tmp_path / "data")
    monkeypatch.setattr(judge, "worn", lambda clips: clips)
    monkeypatch.setattr(judge, "hidden", lambda clips: clips)
    rows = {"clips": torch.zeros(1, dtype=torch.long), "rehearsals": torch.arange(8)}
    optimizer = torch.optim.AdamW(lesson.network.parameters(), 1e-3)
    seen = []
    for _ in range(6):
        loss, figures = lesson("judge", rows)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.append((float(loss.detach()), float(figures["moments"].detach())))
    assert seen[-1][0] < 0.7 * seen[0][0]
    assert seen[-1][1] < 0.7 * seen[0][1]


def test_a_folder_without_clips_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no clips"):
        judge.main(["--data", str(tmp_path), "--out", str(tmp_path), "--seconds", "1", "--device", "cpu"])


def test_files_of_something_else_are_no_judge(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"format": "else"}))
    with pytest.raises(ValueError, match="no judge"):
        Judge(tmp_path)
    write_judge(JudgeNetwork(), tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    Judge(tmp_path)
    for change in ({"version": 1}, {"moments": ["yaw"]}):
        (tmp_path / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(ValueError, match="no judge of this version"):
            Judge(tmp_path)


def test_accuracies_and_confusions_of_made_up_judgements() -> None:
    still = {head: values[0] for head, values in HEADS.items()}
    two = still | {"action": "wave", "second action": "nod"}
    shown = [still, still, two, two]
    judged = [still, still | {"second action": "nod"}, two, two | {"action": "nod", "colour": "blue"}]
    figures = accuracies(shown, judged)
    assert figures["heads"]["action"] == 0.75
    assert figures["heads"]["colour"] == 0.75
    assert figures["one action"] == 0.5
    assert figures["second action of two"] == 1
    assert figures["sequence"] == 0.5
    assert figures["clips of two"] == 2
    assert figures["attributes"] == pytest.approx(1 - 0.25 / 16, abs=1e-4)
    worst = confusions([*shown, two], [*judged, judged[-1]])
    assert worst[0]["clips"] == 2
    assert {"head": "action", "shown": "wave", "judged": "nod", "clips": 2} in worst
