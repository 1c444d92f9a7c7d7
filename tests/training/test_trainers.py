"""The trainers' arithmetic: what they feed and fold is what the pipelines do."""

from __future__ import annotations

import copy
import json
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from checkpoints.wan import write_vace
from stillmotion.identity.geometry import ARCFACE_FIVE, HEAD_FIVE, similarity
from stillmotion.identity.networks import Recogniser
from stillmotion.motion.vace import RememberingVACEPipeline
from stillmotion.motion.vace import control as pipeline_control
from stillmotion.still.lora import attention_modules
from training import bank as banks
from training import common, gates, guided, likeness, motion, muon, networks, still, vae
from training.store import Store
from training.world.shards import write_shard

torch.set_num_threads(2)


def jittered(model: nn.Module, seed: int = 0) -> nn.Module:
    """A fresh model with every parameter moved, so that no zero or one hides an error."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(torch.randn(p.shape, generator=generator) * 0.02)
    return model.eval()


@pytest.fixture(scope="module")
def video_vae() -> Any:
    return jittered(networks.video_vae())


@pytest.mark.parametrize("frames", [1, 5, 17])
def test_one_pass_is_the_chunked_path(video_vae: Any, frames: int) -> None:
    x = torch.rand(1, 3, frames, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.no_grad():
        chunked = video_vae.encode(x).latent_dist
        decoded = video_vae.decode(chunked.mean).sample
        one = copy.deepcopy(video_vae)
        vae.one_pass(one)
        mean, logvar = vae.encode_video(one, x)
        frames_made = vae.decode_video(one, mean).clamp(-1, 1)
    assert torch.allclose(mean, chunked.mean, atol=1e-5)
    assert torch.allclose(logvar.clamp(-30, 20), chunked.logvar, atol=1e-5)
    assert torch.allclose(frames_made, decoded, atol=3e-5)
    assert decoded.std() > 0.05


def test_folding_makes_unit_latents_and_the_same_pictures() -> None:
    model: Any = jittered(networks.still_vae())
    x = torch.rand(6, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        mean, logvar = vae.encode_still(model, x)
        before = vae.decode_still(model, mean)
        centre, spread = mean.mean((0, 2, 3)), mean.std((0, 2, 3))
        vae.fold(model, centre, spread)
        folded, folded_logvar = vae.encode_still(model, x)
        after = vae.decode_still(model, folded)
    assert folded.mean((0, 2, 3)).abs().max() < 1e-4
    assert torch.allclose(folded.std((0, 2, 3)), torch.ones(16), atol=1e-4)
    assert torch.allclose(after, before, atol=1e-4)
    assert torch.allclose(folded_logvar, logvar - 2 * spread.log().view(1, -1, 1, 1), atol=1e-4)


def test_normalised_training_latents_are_the_pipelines(video_vae: Any) -> None:
    plain, inside = copy.deepcopy(video_vae), copy.deepcopy(video_vae)
    mean, std = torch.linspace(-1, 1, 16), torch.linspace(0.5, 3, 16)
    vae.one_pass(plain)
    vae.one_pass(inside)
    banks.normalise(inside, mean, std)
    x = torch.rand(1, 3, 5, 32, 32) * 2 - 1
    with torch.no_grad():
        raw, _ = vae.encode_video(plain, x)
        latents, _ = vae.encode_video(inside, x)
        assert torch.allclose(
            latents, (raw - mean.view(1, -1, 1, 1, 1)) / std.view(1, -1, 1, 1, 1), atol=1e-4
        )
        assert torch.allclose(vae.decode_video(inside, latents), vae.decode_video(plain, raw), atol=1e-4)


def pipeline_fed(pipe: Any, frames: np.ndarray, known: int, reference: Any) -> Tensor:
    """The control latents that WanVACEPipeline feeds its transformer for these frames."""
    height, width = frames.shape[1:3]
    if known:
        video, mask = pipeline_control(frames[:known], len(frames), width, height)
    else:
        video, mask = None, None
    pictures = [reference] if reference is not None else None
    video_in, mask_in, references = pipe.preprocess_conditions(
        video, mask, pictures, 1, height, width, len(frames), torch.float32, torch.device("cpu")
    )
    latents = pipe.prepare_video_latents(video_in, mask_in, references, None, torch.device("cpu"))
    return torch.cat([latents, pipe.prepare_masks(mask_in, references)], dim=1)


@pytest.mark.parametrize(
    ("task", "known", "frames"),
    [
        ("first", 1, 17),
        ("first+reference", 1, 9),
        ("reference", 0, 17),
        ("extension+reference", 5, 17),
        ("extension+reference", 5, 13),
        ("extension+reference", 5, 9),
    ],
)
def test_training_feeds_what_the_pipeline_feeds(
    tmp_path_factory: pytest.TempPathFactory, task: str, known: int, frames: int
) -> None:
    from PIL import Image

    folder = tmp_path_factory.mktemp("vace")
    write_vace(folder, seed=3, patched_vae=True)
    pipe = RememberingVACEPipeline.from_pretrained(folder, torch_dtype=torch.float32)
    rng = np.random.default_rng(5)
    clip = rng.integers(0, 255, (frames, 32, 32, 3), dtype=np.uint8)
    picture = Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8))
    fed = pipeline_fed(pipe, clip, known, picture if "reference" in task else None)

    mean, std = (
        torch.tensor(v).view(1, -1, 1, 1, 1)
        for v in (pipe.vae.config.latents_mean, pipe.vae.config.latents_std)
    )

    def encoded(x: Tensor) -> Tensor:
        with torch.no_grad():
            return (pipe.vae.encode(x).latent_dist.mean - mean) / std

    x = vae.to_float(torch.from_numpy(clip)[None])
    first, last = torch.zeros_like(x), torch.zeros_like(x)
    first[:, :, :1], last[:, :, :5] = x[:, :, :1], x[:, :, :5]
    sample = {
        "latents": encoded(x),
        "inactive_first": encoded(first),
        "inactive_last": encoded(last),
        "reference": encoded(vae.to_float(torch.from_numpy(np.asarray(picture))[None, None])),
    }
    # What is kept of grey is a long clip's: a shorter one's must be its beginning.
    bank: Any = SimpleNamespace(grey=encoded(torch.zeros(1, 3, 17, 32, 32)))
    clean, ours = motion.control(bank, task, sample)
    assert ours.shape == fed.shape
    assert torch.allclose(ours, fed, atol=1e-4)
    assert torch.equal(clean[:, :, -sample["latents"].shape[2] :], sample["latents"])


def test_shortened_latents_are_those_of_the_shorter_clip(video_vae: Any) -> None:
    x = torch.rand(1, 3, 17, 32, 32) * 2 - 1
    with torch.no_grad():
        whole, part = video_vae.encode(x).latent_dist.mean, video_vae.encode(x[:, :, :9]).latent_dist.mean
    batch = motion.shortened({"latents": whole, "ids": torch.zeros(1, 7)}, 3)
    assert torch.allclose(batch["latents"], part, atol=1e-5)
    assert batch["ids"].shape == (1, 7)


def test_personal_layers_are_kohyas_arithmetic() -> None:
    unet: Any = jittered(networks.unet())
    name = next(iter(attention_modules(unet)))
    layer = unet.get_submodule("down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q")
    assert name == "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1"
    x = torch.randn(2, 6, layer.in_features)
    plain = layer(x)
    personal = still.Personal(unet)
    assert torch.allclose(layer(x), plain, atol=1e-6)
    down, up = torch.randn(2, 4, layer.in_features), torch.randn(2, layer.out_features, 4)
    with personal.applied({f"{name}_to_q": (down, up)}):
        mine = layer(x)
    for sample in range(2):
        beside = plain[sample] + 0.5 * x[sample] @ down[sample].T @ up[sample].T
        assert torch.allclose(mine[sample], beside, atol=1e-4)
    assert torch.allclose(layer(x), plain, atol=1e-6)


def test_people_pick_another_picture_of_the_same_person() -> None:
    persons = np.array([7, 3, 7, 9, 3, 7])
    people = banks.People(persons)
    for _ in range(20):
        rows = np.arange(6)
        other = people.other(rows)
        assert (persons[other] == persons).all()
        assert (other != rows)[[0, 1, 2, 4, 5]].all()
        assert other[3] == 3
    assert people.any(np.array([8]))[0] == -1
    assert persons[people.any(np.array([9, 3]))].tolist() == [9, 3]


def test_clips_are_drawn_by_their_weight() -> None:
    np.random.seed(8)
    weight = np.array([0.0, 1.0, 0.0, 2.0, 1.0, 0.0])
    rows = banks.drawn(np.cumsum(weight) / weight.sum(), 20_000)
    assert np.allclose(np.bincount(rows, minlength=6) / 20_000, weight / 4, atol=0.015)


def test_heads_are_the_analyzers_crops() -> None:
    from stillmotion.identity.crops import head_crop
    from stillmotion.identity.geometry import ARCFACE_FIVE

    ramp = np.add.outer(np.arange(256), np.arange(256))
    picture = np.stack([ramp // 2, 255 - ramp // 2, np.broadcast_to(np.arange(256), (256, 256))], -1).astype(
        np.uint8
    )
    for scale, turn in ((1.1, 0.2), (0.9, -0.3)):
        rotation = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        five = ((ARCFACE_FIVE - 56) @ rotation.T + 128).astype(np.float32)
        pixels = torch.from_numpy(picture)[None].permute(0, 3, 1, 2).float()
        mine = likeness.heads(pixels, likeness.head_matrix(torch.from_numpy(five)[None]))[0].permute(1, 2, 0)
        assert np.abs(mine.numpy() - head_crop(picture, five)).mean() < 1.5


def test_a_judge_looks_from_near_where_arcface_wants_the_face() -> None:
    rng = np.random.default_rng(2)
    angle, scale, shift = 0.3, 1.4, np.array([60.0, 40.0])
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    five = (ARCFACE_FIVE @ turn.T + shift + rng.normal(0, 0.5, (5, 2))).astype(np.float32)
    ours = likeness.close_matrix(likeness.head_matrix(torch.from_numpy(five)[None]))[0]
    assert np.allclose(ours.numpy(), similarity(five, ARCFACE_FIVE), atol=1e-2)


def test_likeness_is_nothing_for_the_true_picture_and_something_for_another() -> None:
    torch.manual_seed(3)
    eyes = [Recogniser(folded=True).eval() for _ in range(2)]
    jury = [
        likeness.Judge(eyes[0]),
        likeness.Judge(eyes[1], True, nn.Linear(512, 7), likeness.Feeling(96)),
    ]
    pictures = torch.rand(2, 3, 160, 160) * 2 - 1
    five = torch.from_numpy(HEAD_FIVE).float().expand(2, 5, 2)
    matrix = likeness.head_matrix(five)
    faces = [
        ((likeness.heads(pictures, judge.matrix(matrix)) + 1) * 127.5).round() / 127.5 - 1 for judge in jury
    ]
    with torch.no_grad():
        same = likeness.likeness_loss(jury, pictures, matrix, faces)
        other = likeness.likeness_loss(jury, pictures.flip(0), matrix, faces)
    assert set(same) == set(still.LIKENESS_WEIGHTS)
    assert same["unlike"] < 1e-3 and same["apart"] < 0.01 and same["misread"] < 1e-4 and same["unfelt"] < 1e-6
    assert all(other[name] > 10 * same[name] for name in same)


def test_guidance_that_is_folded_in_is_what_guidance_would_give() -> None:
    conditional, free, scale = torch.tensor([[3.0, -1.0]]), torch.tensor([[1.0, 1.0]]), 2.5
    made = conditional.clone()
    for _ in range(60):  # a model that learns whatever it is told at once
        made = guided.guided(conditional, made, free, torch.tensor([[True]]), scale)
    assert torch.allclose(made, free + scale * (conditional - free), atol=1e-4)
    untold = guided.guided(free, made, free, torch.tensor([[False]]), scale)
    assert torch.equal(untold, free)
    assert guided.left(1) == guided.SCALE and guided.left(guided.SCALE) == 1


def test_painting_with_a_perfect_model_ends_at_the_truth() -> None:
    torch.manual_seed(6)
    alphas = still.alphas_cumprod(torch.device("cpu"))
    x0, noise = torch.randn(3, 16, 4, 4), torch.randn(3, 16, 4, 4)
    asked = []

    def perfect(x: Tensor, t: Tensor, context: Tensor, pooled: Tensor) -> Tensor:
        asked.append(t)
        a, s = still.signal_and_noise(alphas, t)
        return a * (x - a * x0) / s - s * x0

    model: Any = perfect
    words = (torch.zeros(3, 77, 8), torch.zeros(3, 8))
    assert torch.allclose(still.paint(model, x0, noise, words, alphas), x0, atol=1e-3)
    assert len(asked) == still.PAINTED
    assert (asked[0] >= still.LEAST_NOISE).all() and (asked[-1] < asked[0]).all()


def test_polishing_moves_the_decoder_alone_and_keeps_the_latents_figures(tmp_path: Path) -> None:
    torch.manual_seed(4)
    model: Any = jittered(networks.video_vae())
    vae.one_pass(model)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    own = likeness.Judge(Recogniser(folded=True).eval().requires_grad_(False))
    jury = vae.looking_near([own])
    assert [judge.close for judge in jury] == [False, True] and vae.looking_near(jury) == jury
    parts = vae.decoder_of(model)
    pixels = torch.randint(0, 255, (1, 5, 32, 32, 3), dtype=torch.uint8)
    matrix = likeness.head_matrix(torch.from_numpy(HEAD_FIVE / 4).float().expand(5, 5, 2))
    loss, figures = vae.losses(model, False, {"pixels": pixels, "heads": matrix}, jury)
    weights = {"loss": 1, "kl": vae.KL_WEIGHT, "features": vae.FEATURES_WEIGHT, **vae.LIKENESS_WEIGHTS}
    assert torch.isclose(
        loss, torch.stack([weight * figures[name] for name, weight in weights.items()]).sum()
    )
    assert all(figures[name] > 0 for name in weights)
    optim = torch.optim.SGD([p for part in parts for p in part.parameters()], lr=1.0)
    loss.backward()
    optim.step()
    moved = {k.partition(".")[0] for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert moved == {"decoder", "post_quant_conv"}
    assert all(p.grad is None for p in model.encoder.parameters())

    known = {"latent_mean": [0.5] * 16, "latent_std": [2.0] * 16}
    common.write_json(known, tmp_path / "latents.json")
    store: Any = SimpleNamespace(
        clip_crops=lambda count, length, size: {"pixels": pixels.expand(2, -1, -1, -1, -1)}
    )
    vae.finish("video", model, store, tmp_path, batches=1, keep_latents=True)
    written = json.loads((tmp_path / "latents.json").read_text())
    assert {k: written[k] for k in known} == known and written["psnr"] > 0


@pytest.mark.parametrize(("kind", "shape"), [("clips", (5,)), ("stills", (1,))])
def test_crops_know_where_their_faces_are(kind: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    y, x = np.mgrid[:64, :64]
    rows: dict[str, list[Any]] = {name: [] for name in ("frames", "matte", "landmarks", "five", "box")}
    meta = []
    for number in range(6):
        corner = rng.integers(4, 40, (*shape, 1, 2))
        five = (corner + rng.integers(0, 20, (*shape, 5, 2))).astype(np.float32)
        drawn = {
            "frames": np.stack([np.stack([x, y, x * 0 + 8 * number + t], -1) for t in range(*shape)]),
            "matte": np.zeros((*shape, 64, 64)),
            "landmarks": np.zeros((*shape, 98, 2)),
            "five": five,
            "box": np.concatenate([five.min(-2), five.max(-2)], -1),
        }
        for name, values in drawn.items():
            whole = values.astype(np.uint8 if name in ("frames", "matte") else np.float32)
            rows[name].append(whole[0] if kind == "stills" else whole)
        job = {"number": number, "kind": kind, "person": 1000, "scenes": (7,), "action": None}
        meta.append({"job": job, "view": 0})
    write_shard(tmp_path, f"{kind}-00000-00000", rows, meta)
    store = Store(tmp_path, torch.device("cpu"), clips=kind == "clips")
    if kind == "clips":
        crops = store.clip_crops(60, 3, 32)
    else:
        crops = {name: values[:, None] for name, values in store.still_crops(60, 32).items()}
    assert crops["pixels"].shape[2:] == (32, 32, 3) and crops["five"].shape[2:] == (5, 2)
    seen = 0
    for pixels, points in zip(crops["pixels"].flatten(0, 1), crops["five"].flatten(0, 1), strict=True):
        left, top, name = pixels[0, 0].tolist()
        true = np.array(rows["five"][name // 8]).reshape(*shape, 5, 2)[name % 8]
        assert np.allclose(points.numpy() + np.array([left, top]), true)
        seen += bool(((points >= 0) & (points < 32)).all())
    assert 0.3 < seen / crops["pixels"].flatten(0, 1).shape[0] < 1  # most look at the face, some elsewhere


def test_steps_descend_and_follow_the_clock() -> None:
    torch.manual_seed(0)
    target, layer = torch.randn(64, 3), nn.Linear(5, 3)
    inputs = torch.randn(64, 5)

    def loss_of(key: Any, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        loss = (layer(batch["x"]) - target).square().mean()
        return loss, {"loss": loss}

    clock = common.Clock(1000)
    stepper = common.Stepper(loss_of, [([layer], 0.05)], clock, torch.device("cpu"))
    losses = [float(stepper("only", {"x": inputs})["loss"]) for _ in range(300)]
    best = torch.linalg.lstsq(torch.cat([inputs, torch.ones(64, 1)], 1), target)
    floor = (torch.cat([inputs, torch.ones(64, 1)], 1) @ best.solution - target).square().mean()
    assert losses[-1] < losses[0]
    assert losses[-1] == pytest.approx(float(floor), rel=0.05)
    assert common.learning_rate(1.0, 0.0, 0) == pytest.approx(1 / 200)
    assert common.learning_rate(1.0, 0.5, 10_000) == pytest.approx(0.525)
    assert common.learning_rate(1.0, 1.0, 10_000) == pytest.approx(0.05)


def test_half_precision_keeps_small_steps_in_its_masters() -> None:
    """Updates below bfloat16's resolution add up, and the average is of what is exact."""
    layer = nn.Linear(4, 4, bias=False)
    with torch.no_grad():
        layer.weight.fill_(1.0)
    inputs = torch.eye(4, dtype=torch.bfloat16)
    stepper = common.Stepper(
        lambda _, batch: (layer(batch["x"]).float().sum(), {}),
        [([layer], 2e-2)],
        common.Clock(1000),
        torch.device("cpu"),
        half=True,
    )
    mean = common.Averaged(stepper.parameters, 0.5, stepper.masters)
    for _ in range(40):
        stepper("only", {"x": inputs})
        mean.update()
    assert layer.weight.dtype == torch.bfloat16
    # One step at this point of the warm-up is below the distance of two bfloat16 numbers near one.
    assert 2e-2 * 40 / 200 < 2**-7
    assert float(stepper.masters[0].mean().detach()) < 0.95
    assert torch.equal(layer.weight, stepper.masters[0].bfloat16())
    assert mean.mean[0].dtype == torch.float32 and float(mean.mean[0].mean()) < 0.96


@pytest.mark.gpu
def test_figures_outlive_the_update_where_steps_are_captured() -> None:
    """Graphs that share memory overwrite each other's results: the figures of a step are read after it."""
    layer = nn.Linear(64, 64).cuda()

    def loss_of(key: Any, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        return layer(batch["x"].bfloat16()).float().square().mean(), {"key": batch["x"].mean() * 0 + key}

    stepper = common.Stepper(loss_of, [([layer], 0.01)], common.Clock(1000), torch.device("cuda"), half=True)
    batch = {"x": torch.randn(32, 64, device="cuda")}
    for key in [1, 2, 3] * 8:
        assert float(stepper(key, batch)["key"]) == key


def taught(inputs: Tensor, target: Tensor, device: str = "cpu") -> tuple[Tensor, float]:
    """The weights after five steps of a fixed layer on this process's part of the data, and the agreed
    time.
    """
    team = common.Team(device)
    layer = nn.Linear(5, 3)
    with torch.no_grad():
        for p in layer.parameters():
            p.fill_(0.1)
    clock = common.Clock(1000, start=time.monotonic() - 500.0 * team.rank, team=team)
    mine = slice(team.rank * 32, team.rank * 32 + 32) if team.size > 1 else slice(None)
    stepper = common.Stepper(
        lambda _, batch: ((layer(batch["x"]) - batch["y"]).square().mean(), {}),
        [([layer], 0.5)],
        clock,
        team.device,
        team,
    )
    for _ in range(5):
        assert clock.running()
        clock.elapsed = 0.0
        stepper("only", {"x": inputs[mine], "y": target[mine]})
    clock.running()
    team.end()
    return layer.weight.detach(), clock.elapsed


def member(rank: int, port: int, inputs: Tensor, target: Tensor, folder: str) -> None:
    os.environ |= {
        "RANK": str(rank),
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "LOCAL_RANK": str(rank),
    }
    torch.save(taught(inputs, target), f"{folder}/{rank}.pt")


def test_a_team_takes_the_steps_of_one_with_all_the_data(tmp_path: Path) -> None:
    import socket

    generator = torch.Generator().manual_seed(0)
    inputs, target = torch.randn(64, 5, generator=generator), torch.randn(64, 3, generator=generator)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    torch.multiprocessing.spawn(member, (port, inputs, target, str(tmp_path)), nprocs=2)
    (first, told), (second, heard) = (torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1))
    alone, _ = taught(inputs, target)
    assert torch.equal(first, second)
    assert torch.allclose(first, alone, atol=1e-6)
    assert (alone - 0.1).abs().max() > 1e-3
    assert told == heard


def test_a_loss_that_is_no_number_ends_the_run() -> None:
    meter = common.Meter()
    meter.add(loss=torch.tensor(1.0))
    meter.add(loss=torch.tensor(3.0))
    assert meter.read() == {"loss": 2.0}
    meter.add(loss=torch.tensor(float("nan")))
    with pytest.raises(common.NonFiniteLossError, match="loss is nan"):
        meter.read()


def test_averaged_weights_are_put_back() -> None:
    layer = nn.Linear(2, 2)
    average = common.Averaged(layer.parameters(), 0.5)
    start = layer.weight.detach().clone()
    with torch.no_grad():
        layer.weight.add_(1.0)
    average.update()
    live = layer.weight.detach().clone()
    with average.applied():
        assert not torch.equal(layer.weight, live)
        assert ((layer.weight - start) > 0).all()
    assert torch.equal(layer.weight, live)


def test_gate_arithmetic() -> None:
    black, grey = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 51, np.uint8)
    assert gates.psnr(black, grey) == pytest.approx(20 * np.log10(5), abs=1e-6)
    a, b = np.zeros(128), np.ones(128)
    assert gates.top1([a, b], [[a], [b]]) == 1.0
    assert gates.top1([a, b], [[b], [b]]) == 0.5
    assert gates.top1([a, None], [[None], [b]]) == 0.0
    assert gates.together([None, a, b])[0] == pytest.approx(np.full(128, 0.5))
    assert gates.together([None, None]) == [None]


def test_muon_evens_out_singular_values_and_keeps_their_vectors() -> None:
    generator = torch.Generator().manual_seed(3)
    for shape in ((3, 24, 60), (3, 60, 24)):
        x = torch.randn(shape, generator=generator) * torch.tensor([1e-4, 1.0, 50.0]).view(3, 1, 1)
        made = muon.orthogonal(x)
        assert made.shape == x.shape
        u, _s, vh = torch.linalg.svd(x, full_matrices=False)
        inside = u.mT @ made @ vh.mT
        values = inside.diagonal(dim1=-2, dim2=-1)
        assert values.min() > 0.6 and values.max() < 1.3
        assert (inside - torch.diag_embed(values)).abs().max() < 2e-3
    chosen = muon.matrices_of([nn.Sequential(nn.Linear(9, 30), nn.Embedding(50, 30), nn.Conv2d(16, 3, 3))])
    assert [w.shape for w in chosen] == [(30, 9)]
