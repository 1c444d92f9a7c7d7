"""The judge of words: it is taught what its pictures show, and comes back from its files as it was."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from training import judge
from training.judge_augment import coded, worn
from training.judge_evaluate import SEEDS, accuracies, confusions
from training.judge_network import (
    DEEDS,
    FRAMES,
    HEADS,
    SIDE,
    Judge,
    JudgeNetwork,
    evenly,
    shrunk,
    write_judge,
)
from training.world.jobs import Job, make_job, truth_of
from training.world.people import HELD_OUT, identity_of
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
    stills = judge.load(tmp_path / "data", "stills", torch.device("cpu"), 100)
    assert stills is not None
    assert stills.labels.tolist() == [judge.labels_of(make_job("stills", 1, n, views=3), n) for n in range(3)]


def test_training_leaves_a_judge_that_comes_back_and_goes_on(tmp_path: Path) -> None:
    write_shards(tmp_path / "data")
    out = tmp_path / "out"
    small = ["--clips", "2", "--stills", "2", "--device", "cpu", "--seconds", "1"]
    arguments = ["--data", str(tmp_path / "data"), "--out", str(out), *small]
    assert judge.main(arguments) == 0
    assert (out / "judge.safetensors").stat().st_size < 6.5e6
    header = (out / "judge.csv").read_text().splitlines()[0]
    assert header == "step,samples,seconds,loss,person,clothes,setting,pose,action,second"
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


def test_training_learns_its_clips(tmp_path: Path) -> None:
    write_shards(tmp_path / "data")
    torch.manual_seed(0)
    shown = judge.load(tmp_path / "data", "clips", torch.device("cpu"), 100)
    assert shown is not None
    network = JudgeNetwork()
    weights = judge.balance(shown.labels)
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3)
    seen = []
    for _ in range(6):
        loss, _ = judge.losses(network(shown.frames[:2].float() / 127.5 - 1), shown.labels[:2], weights)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.append(float(loss.detach()))
    assert seen[-1] < 0.6 * seen[0]


def test_a_folder_without_clips_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no clips"):
        judge.main(["--data", str(tmp_path), "--out", str(tmp_path), "--seconds", "1", "--device", "cpu"])


def test_files_of_something_else_are_no_judge(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"format": "else"}))
    with pytest.raises(ValueError, match="no judge"):
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
