"""The face trainer on drawn stand-ins: its parts do what they say, a short run leaves an analyzer."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from fake_pictures import picture, pictures

from stillmotion.identity.embedded import EmbeddedAnalyzer
from stillmotion.identity.geometry import HEAD_FIVE, similarity
from stillmotion.identity.networks import Detector, Recogniser, fold
from training import face, face_augment, face_losses, likeness
from training.common import NonFiniteLossError
from training.face_data import CROP, MARGIN, Store, alignment, expressions, fill, read
from training.face_evaluate import crossing
from training.judge_moments import FELT
from training.world import IDENTITY_DIM, actions_of, scene_of
from training.world.jobs import Job

CPU = torch.device("cpu")


def test_alignment_is_the_least_squares_similarity() -> None:
    five = np.stack([picture(1000 + i, i)[3] for i in range(4)])
    closed = alignment(torch.from_numpy(five)).numpy()
    for points, matrix in zip(five, closed, strict=True):
        np.testing.assert_allclose(matrix, similarity(points, HEAD_FIVE + MARGIN), atol=2e-3)


def test_crops_show_the_eyes_where_the_recogniser_wants_them() -> None:
    store = Store(CPU)
    store.add(pictures([1000], 1))
    crop = store["crops"][0].float().mean(0).numpy()
    # The drawn eyes are the darkest thing in a face.
    for x, y in HEAD_FIVE[:2] + MARGIN:
        assert crop[round(y), round(x)] < 60
    assert crop.shape == (CROP, CROP)


def test_held_out_persons_never_enter() -> None:
    store = Store(CPU)
    fill(store, [pictures([5, 1000, 999, 1001], 2)], range(0, 1000), 100)
    assert sorted(set(store["persons"].tolist())) == [1000, 1001]
    assert len(store["frames"]) == 4


def test_folded_networks_compute_the_same() -> None:
    torch.manual_seed(0)
    for build, size in ((Detector, 64), (Recogniser, 112)):
        network = build()
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2)
        folded = build(folded=True).eval()
        folded.load_state_dict(fold(network.state_dict()))
        x = torch.randn(2, 3, size, size)
        with torch.inference_mode():
            before, after = network.eval()(x), folded(x)
        for name in before:
            torch.testing.assert_close(before[name], after[name], rtol=1e-3, atol=1e-3)


def test_analyzer_is_small_enough_to_ship() -> None:
    parameters = sum(p.numel() for build in (Detector, Recogniser) for p in build(folded=True).parameters())
    assert parameters <= 2_200_000


def test_points_follow_the_picture_through_a_warp() -> None:
    frame, _, _, five = picture(1003, 0)
    image = torch.from_numpy(frame.copy()).permute(2, 0, 1)[None].float()
    points = torch.from_numpy(five)[None]
    matrix = face_augment.affine(
        torch.tensor([0.3]), torch.tensor([1.4]), points.mean(1), torch.tensor([[80.0, 70.0]])
    )
    view = face_augment.warp(image, matrix, 160)[0].mean(0)
    for x, y in face_augment.move(matrix, points)[0, :2]:
        assert view[round(float(y)), round(float(x))] < 60


def test_scrambled_pictures_keep_every_pixel() -> None:
    image = torch.rand(2, 3, 64, 64)
    scrambled = face_augment.scrambled(image)
    assert not torch.equal(scrambled, image)
    torch.testing.assert_close(scrambled.flatten(1).sort().values, image.flatten(1).sort().values)


def test_contrast_is_lower_where_persons_stand_together() -> None:
    who = torch.tensor([0, 0, 1, 1])
    together = torch.tensor([[1.0, 0], [1, 0], [0, 1], [0, 1]])
    apart = together[[0, 2, 1, 3]]
    assert face_losses.contrast(together, who) < 0.1
    assert face_losses.contrast(apart, who) > 1


def test_equal_error_lies_where_both_errors_meet() -> None:
    same, other = np.array([0.4, 0.6, 0.8, 0.9]), np.array([-0.1, 0.1, 0.3, 0.5])
    threshold, error = crossing(same, other)
    assert 0.4 < threshold <= 0.5
    assert error == pytest.approx(0.25)
    assert crossing(same, other - 0.5)[1] == 0


def test_a_broken_loss_ends_the_run_and_keeps_nothing(tmp_path) -> None:
    network = torch.nn.Linear(2, 2)
    task = face.Task(
        "broken",
        {"network": network},
        lambda: {"loss": (network.weight * float("nan")).sum()},
        lambda: None,
        1,
    )
    with pytest.raises(NonFiniteLossError, match="loss"):
        face.train(task, tmp_path, 5, resume=False)
    assert not list(tmp_path.glob("*.safetensors"))


def write_shards(folder) -> None:
    """Stills of six persons and two clips, in the renderer's own format."""
    from training.world.shards import write_shard

    def rows(drawn, persons, kind):
        arrays = {"frames": [], "matte": [], "landmarks": [], "five": [], "box": []}
        meta = []
        for number, (values, person) in enumerate(zip(drawn, persons, strict=True)):
            for name, value in zip(("frames", "matte", "landmarks", "five"), values, strict=True):
                arrays[name].append(value)
            arrays["box"].append(np.zeros(4, np.float32))
            scenes = (7, 8, 9, 10) if kind == "stills" else (7,)
            job = {"number": number, "kind": kind, "person": person, "scenes": scenes, "action": None}
            meta.append({"job": job, "view": number % 4 if kind == "stills" else 0})
        return arrays, meta

    folder.mkdir()
    persons = [1000 + i // 4 for i in range(24)]
    stills = [picture(person, i) for i, person in enumerate(persons)]
    write_shard(folder, "stills-00000-00000", *rows(stills, persons, "stills"))
    clips = [tuple(np.stack([v] * 5) for v in picture(1000 + i, 0)) for i in range(2)]
    write_shard(folder, "clips-00000-00000", *rows(clips, [1000, 1001], "clips"))


def test_shards_are_read_back(tmp_path) -> None:
    write_shards(tmp_path / "data")
    parts = list(read(tmp_path / "data"))
    stills, clips = sorted(parts, key=lambda part: -len(part.frames))
    assert stills.frames.shape == (24, 128, 128, 3)
    assert len(clips.frames) == 2 * 3
    frame, matte, landmarks, _ = picture(1000, 0)
    np.testing.assert_array_equal(stills.frames[0], frame)
    np.testing.assert_array_equal(stills.mattes[0], (matte > 127) * 255)
    np.testing.assert_array_equal(stills.landmarks[0], landmarks)
    # The reference scene (view 0) of a seed is another scene than scene_of the same seed.
    assert stills.scenes[0] == 2 * 7 + 1
    assert stills.scenes[1] == 2 * 8


def test_training_leaves_an_analyzer_that_runs(tmp_path, capsys) -> None:
    write_shards(tmp_path / "data")
    arguments = ["--data", tmp_path / "data", "--out", tmp_path / "out", "--seconds", "3", "--reserve", "1"]
    small = ["--detector-batch", "2", "--people", "3", "--views", "2", "--device", "cpu"]
    nowhere = ["--bust", tmp_path / "no-bust.npz"]
    assert face.main([str(a) for a in [*arguments, *small, *nowhere]]) == 0
    assert "not calibrated" in capsys.readouterr().out
    folder = tmp_path / "out" / "analyzer"
    sizes = [path.stat().st_size for path in folder.glob("*.safetensors")]
    assert len(sizes) == 2
    assert sum(sizes) <= 4.5e6
    assert "same_person" not in json.loads((folder / "config.json").read_text())
    analyzer = EmbeddedAnalyzer(folder)
    assert analyzer.faces(np.zeros((64, 64, 3), np.uint8)) == []
    for name in ("detector", "recogniser"):
        assert (tmp_path / "out" / f"{name}.csv").read_text().startswith("step,samples,seconds,loss")
    first = (tmp_path / "out" / "detector.safetensors").read_bytes()
    assert face.main([str(a) for a in [*arguments, *small, *nowhere, "--resume"]]) == 0
    assert (tmp_path / "out" / "detector.safetensors").read_bytes() != first
    kept = (folder / "recogniser.safetensors").read_bytes()
    detector = (folder / "detector.safetensors").read_bytes()
    (tmp_path / "out" / "recogniser.safetensors").unlink()
    assert face.main([str(a) for a in [*arguments, *small, *nowhere, "--only", "detector"]]) == 0
    assert (folder / "recogniser.safetensors").read_bytes() == kept
    assert (folder / "detector.safetensors").read_bytes() != detector


def test_a_judge_is_trained_beside_the_analyzer(tmp_path) -> None:
    write_shards(tmp_path / "data")
    models = tmp_path / "models"
    arguments = ["--data", tmp_path / "data", "--out", models / "face", "--seconds", "3", "--reserve", "1"]
    small = ["--detector-batch", "2", "--people", "3", "--views", "2", "--device", "cpu"]
    assert face.main([str(a) for a in [*arguments, *small, "--bust", tmp_path / "none"]]) == 0
    kept = (models / "face/analyzer/recogniser.safetensors").read_bytes()
    assert face.main([str(a) for a in [*arguments, *small, "--judge", 4]]) == 0
    assert (models / "face/analyzer/recogniser.safetensors").read_bytes() == kept
    own, other = likeness.judges(models, CPU)
    views = torch.randn(2, 3, 112, 112)
    assert not torch.allclose(own.network(views)["embedding"], other.network(views)["embedding"], atol=0.1)
    assert other.close and not own.close
    seen = likeness.features(other.network, views)[-1]
    assert other.verdict(seen).shape == (2, 512 + IDENTITY_DIM)
    assert own.feeling is None and other.feeling is not None
    assert other.feeling(seen).shape == (2, len(FELT))


def test_a_judge_is_told_what_the_faces_express(tmp_path) -> None:
    """A smiling scene's still, and a clip whose person looks away, in the shards' own order."""
    write_shards(tmp_path / "data")
    smile = next(seed for seed in range(99) if scene_of(seed).expression == "smiling")
    job = Job(3, "stills", 1001, (7, smile))
    assert expressions(job, 1, 1)[0, FELT.index("mouthSmile")] > 1
    assert expressions(job, 0, 1)[0, FELT.index("mouthSmile")] < 0.5  # the plain reference
    turned = next(seed for seed in range(99) if [a.name for a in actions_of(seed)] == ["turn left"])
    yaw = expressions(Job(4, "clips", 1001, (7,), turned), 0, 17)[:, FELT.index("yaw")]
    assert len(yaw) == 17 and yaw[-1] - yaw[0] > 2
    told, plain = (next(read(tmp_path / "data", felt=asked)) for asked in (True, False))
    assert told.felt is not None and told.felt.shape == (len(told.persons), len(FELT)) and plain.felt is None
    store = Store(CPU)
    store.add(told)
    assert torch.equal(store["felt"], torch.from_numpy(told.felt)[: len(store)])
