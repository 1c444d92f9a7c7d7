"""VBench's dimensions: every judge against a second, small computation in numpy, RAFT against torchvision."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from math import ceil, prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor
from transformers import (
    CLIPConfig,
    CLIPModel,
    CLIPTextConfig,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    ViTConfig,
    ViTModel,
)

from stillmotion.errors import InputError
from stillmotion.evaluate import dino, flow, quality, smoothness
from stillmotion.evaluate.judges import JUDGES, PROTOCOLS
from stillmotion.evaluate.pixels import centre_crop, resized
from stillmotion.evaluate.raft import Raft, _look_up
from stillmotion.evaluate.types import NotComputed, Sample
from stillmotion.weights.judges import PARTS

Floats = NDArray[np.float64]


def video(count: int, height: int = 40, width: int = 64, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth coloured noise that changes a little from frame to frame."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 200, (1, 5, 8, 3)) + random.integers(0, 56, (count, 5, 8, 3))
    return np.stack(
        [np.asarray(Image.fromarray(frame).resize((width, height))) for frame in small.astype(np.uint8)]
    )


def sample(frames: NDArray[np.uint8], fps: float = 8.0) -> Sample:
    return Sample("id001", "prompt1", Path("id001/prompt1.mp4"), frames, fps, frames[0], "she waves")


def spread(model: torch.nn.Module) -> torch.nn.Module:
    """Random weights large enough that every layer changes the answer."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, max(parameter.shape[-1], 4) ** -0.5)
    return model.eval()


def cubic(offset: float) -> Floats:
    """Weights of the four neighbours in Keys' cubic convolution with a = -0.75, torch's and OpenCV's."""
    a = -0.75

    def weight(x: float) -> float:
        x = abs(x)
        if x <= 1:
            return (a + 2) * x**3 - (a + 3) * x**2 + 1
        return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0

    return np.array([weight(offset - k) for k in (-1, 0, 1, 2)])


def enlarge(row: Floats, count: int, scale: float, kind: str) -> Floats:
    """Resample the first axis to ``count`` places: pixel centres at halves, edges repeated, not smoothed."""
    out = np.zeros((count, *row.shape[1:]))
    for place in range(count):
        x = (place + 0.5) / scale - 0.5
        if kind == "bilinear":
            x = max(x, 0.0)
        base = int(np.floor(x))
        near = cubic(x - base) if kind == "bicubic" else np.array([0.0, 1 - (x - base), x - base, 0.0])
        for step, weight in zip(range(-1, 3), near, strict=True):
            out[place] += weight * row[min(max(base + step, 0), len(row) - 1)]
    return out


@pytest.mark.parametrize("kind", ["bilinear", "bicubic"])
@pytest.mark.parametrize("shape", [(40, 64), (64, 40), (9, 13)])
def test_resizing_is_torchvisions_without_antialiasing(kind: str, shape: tuple[int, int]) -> None:
    frames = video(2, *shape)
    found = resized(frames, 24, kind).numpy()
    height = 24 if shape[0] <= shape[1] else int(24 * shape[0] / shape[1])
    width = 24 if shape[1] < shape[0] else int(24 * shape[1] / shape[0])
    assert found.shape == (2, 3, height, width)
    tall = enlarge(frames[1].astype(np.float64), height, height / shape[0], kind)
    both = enlarge(tall.swapaxes(0, 1), width, width / shape[1], kind).swapaxes(0, 1)
    assert np.abs(found[1] - both.transpose(2, 0, 1)).max() < 1e-3
    side = min(height, width) - 3
    cut = centre_crop(torch.from_numpy(found), side).numpy()
    top, left = round((height - side) / 2), round((width - side) / 2)
    assert np.array_equal(cut, found[:, :, top : top + side, left : left + side])


@pytest.fixture(scope="module")
def vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small ViT with DINO's patch size and a table of 14 x 14 positions, as its Hub folder has it."""
    config = ViTConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2, patch_size=16
    )
    folder = tmp_path_factory.mktemp("dino")
    spread(ViTModel(config)).save_pretrained(folder)  # type: ignore[operator]
    return folder


def test_subject_consistency_is_vbenchs_formula(vit: Path) -> None:
    frames = video(6, 50, 50)
    model = ViTModel.from_pretrained(vit).eval()
    pixels = resized(frames, 224, "bilinear").numpy() / 255
    pixels = (pixels - np.reshape([0.485, 0.456, 0.406], (3, 1, 1))) / np.reshape(
        [0.229, 0.224, 0.225], (3, 1, 1)
    )
    with torch.no_grad():
        tokens = model(pixel_values=torch.from_numpy(pixels).float()).last_hidden_state[:, 0].numpy()
    unit = tokens / np.linalg.norm(tokens, axis=1, keepdims=True)
    expected = [
        (max(0.0, float(unit[i] @ unit[i - 1])) + max(0.0, float(unit[i] @ unit[0]))) / 2 for i in range(1, 6)
    ]
    found = dino.from_folder(vit, "cpu").measure(sample(frames))
    assert found.values == {"subject_consistency": pytest.approx(np.mean(expected), abs=1e-5)}
    assert found.curves["subject_consistency"][1:] == pytest.approx(expected, abs=1e-5)
    assert found.curves["subject_consistency"][0] is None and np.mean(expected) < 0.9999


def test_opposite_frames_count_as_nothing(vit: Path) -> None:
    judge = dino.from_folder(vit, "cpu")
    unit = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [-0.6, 0.8]])
    judge._features = lambda frames: unit  # type: ignore[method-assign]
    found = judge.measure(sample(video(3)))
    assert found.curves["subject_consistency"][1:] == pytest.approx([0.0, (0.6 + 0.0) / 2])


def test_the_same_frame_all_the_time_is_consistent_at_any_shape(vit: Path) -> None:
    frames = np.repeat(video(1, 48, 83), 20, axis=0)
    found = dino.from_folder(vit, "cpu").measure(sample(frames))
    assert found.values["subject_consistency"] == pytest.approx(1.0, abs=1e-5)
    with pytest.raises(InputError, match="one frame only"):
        dino.from_folder(vit, "cpu").measure(sample(frames[:1]))


def test_positions_are_interpolated_as_dino_does(vit: Path) -> None:
    table = torch.randn(1, 1 + 14 * 14, 5, generator=torch.Generator().manual_seed(3))
    assert dino.positions(table, 14, 14) is table
    found = dino.positions(table, 14, 24)[0].numpy()
    grid = table[0, 1:].reshape(14, 14, 5).numpy().astype(np.float64)
    tall = enlarge(grid, 14, 14.1 / 14, "bicubic")
    wide = enlarge(tall.swapaxes(0, 1), 24, 24.1 / 14, "bicubic").swapaxes(0, 1)
    assert np.abs(found[1:] - wide.reshape(-1, 5)).max() < 1e-4
    assert np.array_equal(found[0], table[0, 0].numpy())
    judge = dino.from_folder(vit, "cpu")
    own = judge.model.embeddings.position_embeddings
    used = judge.model.embeddings.interpolate_pos_encoding(torch.zeros(1, 1 + 14 * 24, 32), 224, 388)
    assert torch.equal(used, dino.positions(own, 14, 24))


def test_linear_smoothness_is_one_minus_the_error_of_the_odd_frames() -> None:
    for count in (7, 8):
        frames = video(count, seed=count)
        whole = frames.astype(np.float64)
        errors = [
            np.abs(whole[i] - np.round((whole[i - 1] + whole[i + 1]) / 2)).mean()
            for i in range(1, count - 1, 2)
        ]
        found = smoothness.load("cpu").measure(sample(frames))
        assert found.values == {"motion_smoothness_linear": pytest.approx(1 - np.mean(errors) / 255)}
        shown = [index for index, value in enumerate(found.curves["motion_smoothness_linear"]) if value]
        assert shown == [1, 3, 5]
    steady = np.stack([np.full((8, 8, 3), 10 * i, np.uint8) for i in range(9)])
    assert smoothness.load("cpu").measure(sample(steady)).values["motion_smoothness_linear"] == 1.0
    with pytest.raises(InputError, match="fewer than 3 frames"):
        smoothness.load("cpu").measure(sample(frames[:2]))


def test_vbenchs_own_smoothness_says_why_it_is_not_computed() -> None:
    with pytest.raises(NotComputed, match=r"AMT-S, which is non-commercial .*motion_smoothness_linear"):
        smoothness.load_amt("cpu")


def test_the_network_of_dynamic_degree_is_raft_large() -> None:
    """5,257,536 parameters: torchvision's documentation of Raft_Large_Weights.C_T_V1."""
    state = Raft().state_dict()
    assert sum(parameter.numel() for parameter in Raft().parameters()) == 5_257_536
    shapes = {name: tuple(value.shape) for name, value in state.items()}
    assert shapes["feature_encoder.convnormrelu.0.weight"] == (64, 3, 7, 7)
    assert shapes["context_encoder.layer3.0.downsample.1.running_var"] == (128,)
    assert shapes["update_block.motion_encoder.convcorr1.0.weight"] == (256, 324, 1, 1)
    assert shapes["update_block.recurrent_block.convgru2.convq.weight"] == (128, 384, 5, 1)
    assert shapes["update_block.flow_head.conv2.bias"] == (2,)
    assert shapes["mask_predictor.convrelu.0.weight"] == (256, 128, 3, 3)
    assert "feature_encoder.convnormrelu.1.weight" not in shapes


def made_state(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights from a formula, so that another implementation can be given the same."""
    made = {}
    for number, (name, value) in enumerate(state.items()):
        wave = torch.arange(value.numel(), dtype=torch.float64) * 12.9898 + number
        wave = wave.sin().mul(43758.5453).frac().reshape(value.shape)
        if name.endswith("num_batches_tracked"):
            made[name] = torch.zeros_like(value)
        elif name.endswith("running_var"):
            made[name] = (1 + 0.5 * wave).float()
        elif value.dim() <= 1:
            made[name] = (0.1 * wave + (1.0 if name.endswith(".1.weight") else 0.0)).float()
        else:
            made[name] = (1.6 * wave / prod(value.shape[1:]) ** 0.5).float()
    return made


def waves(right: int, down: int) -> Tensor:
    y, x = torch.meshgrid(torch.arange(128.0), torch.arange(136.0), indexing="ij")
    tones = [torch.sin((x - right) * f) * torch.cos((y - down) * f * 0.7) for f in (0.11, 0.23, 0.05)]
    return torch.stack(tones)[None]


def test_raft_gives_torchvisions_flow(tmp_path: Path) -> None:
    """Figures of torchvision 0.29.2's raft_large with the weights of ``made_state``, 4 updates."""
    save_file(made_state(Raft().state_dict()), tmp_path / "raft.safetensors")
    network = flow.from_file(tmp_path / "raft.safetensors", "cpu").network
    with torch.inference_mode():
        found = network(waves(0, 0), waves(3, -2), 4)
    assert found.shape == (1, 2, 128, 136)
    assert found[0].mean((1, 2)).tolist() == pytest.approx([0.99646, 33.38435], abs=5e-3)
    assert float(found.norm(dim=1).mean()) == pytest.approx(34.32258, abs=5e-3)
    places = [float(found[0, c, y, x]) for c, y, x in ((0, 3, 5), (1, 64, 70), (0, 127, 135), (1, 10, 100))]
    assert places == pytest.approx([2.36434, 38.72656, -6.13037, 29.93118], abs=2e-2)


def test_a_file_of_other_tensors_is_not_loaded(tmp_path: Path) -> None:
    state = made_state(Raft().state_dict())
    state["mask_predictor.conv.weight"] = state["mask_predictor.conv.weight"][:9].clone()
    save_file(state, tmp_path / "raft.safetensors")
    with pytest.raises(NotComputed, match=r"raft\.safetensors: is not this judge's network"):
        flow.from_file(tmp_path / "raft.safetensors", "cpu")


def test_correlations_are_looked_up_bilinearly_around_each_place() -> None:
    random = np.random.default_rng(1)
    volume = random.normal(size=(4, 1, 6, 7)).astype(np.float32)
    places = random.uniform(-1, 7, (1, 2, 2, 2)).astype(np.float32)
    levels = [torch.from_numpy(volume), torch.nn.functional.avg_pool2d(torch.from_numpy(volume), 2)]
    found = _look_up(levels, torch.from_numpy(places))[0].numpy()
    assert found.shape == (2 * 81, 2, 2)

    def at(level: Tensor, pixel: int, x: float, y: float) -> float:
        picture, total = level[pixel, 0].numpy(), 0.0
        for row in range(picture.shape[0]):
            for column in range(picture.shape[1]):
                total += max(0, 1 - abs(x - column)) * max(0, 1 - abs(y - row)) * picture[row, column]
        return total

    for row, column, slow, fast, step in ((0, 1, 2, 7, 0), (1, 0, 4, 4, 0), (1, 1, 5, 3, 1), (0, 0, 4, 5, 1)):
        x, y = places[0, :, row, column] / 2**step
        expected = at(levels[step], 2 * row + column, float(x) + slow - 4, float(y) + fast - 4)
        assert found[81 * step + 9 * slow + fast, row, column] == pytest.approx(expected, abs=1e-4)


class Stream:
    """Stands for RAFT: the flow's length is the second picture's red, in pixels, for its bright pixels."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, first: Tensor, second: Tensor, iterations: int) -> Tensor:
        assert iterations == 20 and first.shape == second.shape
        assert float(second.min()) >= -1 and float(second.max()) <= 1
        self.shapes.append(tuple(second.shape))
        red, green = (second[:, 0] + 1) * 127.5, (second[:, 1] + 1) * 127.5
        return torch.stack((red * 0.6, -red * 0.8), dim=1) * (green > 128)[:, None]


def moving(lengths: list[int], share: float = 1.0, side: int = 128) -> NDArray[np.uint8]:
    """Frames into which the flow is ``lengths`` pixels in ``share`` of the picture."""
    frames = np.zeros((len(lengths), side, side, 3), np.uint8)
    frames[..., 0] = np.array(lengths)[:, None, None]
    frames[:, : ceil(side * share), :, 1] = 255
    return frames


@pytest.mark.parametrize(
    ("lengths", "fps", "share", "expected"),
    [
        ([0] + [4] * 4 + [0] * 11, 8.0, 1.0, 1.0),  # 4 of 16 frames: 4 * 16 / 16
        ([0] + [4] * 3 + [0] * 12, 8.0, 1.0, 0.0),
        ([0] + [3] * 15, 8.0, 1.0, 0.0),  # the threshold at 128 pixels is 3, and must be passed
        ([0] + [4] * 15, 8.0, 0.05, 1.0),  # the longest 5 % alone decide
        ([0] + [4] * 15, 8.0, 0.02, 0.0),
        ([0, 9] * 16, 16.0, 1.0, 0.0),  # at 16 frames/s every second frame is seen
        ([0, 9] * 16, 8.0, 1.0, 1.0),
        ([0, 0], 8.0, 1.0, 0.0),
        ([0, 9], 8.0, 1.0, 1.0),
    ],
)
def test_dynamic_degree_counts_moving_pairs(
    lengths: list[int], fps: float, share: float, expected: float
) -> None:
    frames = moving(lengths, share)
    found = flow.DynamicDegree(Stream(), "cpu").measure(sample(frames, fps))
    assert found.values == {"dynamic_degree": expected}
    bright = (frames[..., 1] > 128).reshape(len(frames), -1)
    for index, value in enumerate(found.curves["dynamic_degree"]):
        if value is None:
            assert index == 0 or (fps == 16 and index % 2)
            continue
        flat = np.sort(bright[index] * float(lengths[index]))[::-1]
        assert value == pytest.approx(flat[: int(len(flat) * 0.05)].mean(), rel=1e-3)


def test_pictures_are_padded_to_multiples_of_eight_on_both_sides() -> None:
    network = Stream()
    frames = np.random.default_rng(0).integers(0, 256, (2, 133, 150, 3), dtype=np.uint8)
    judge = flow.DynamicDegree(network, "cpu")
    judge.measure(sample(frames))
    assert network.shapes == [(1, 3, 136, 152)]
    padded = judge._picture(frames[0])[0].permute(1, 2, 0).numpy()
    expected = np.pad(frames[0] / 127.5 - 1, ((1, 2), (1, 1), (0, 0)), mode="edge")
    assert np.abs(padded - expected).max() < 1e-5
    with pytest.raises(InputError, match="at least 128 pixels"):
        judge.measure(sample(frames[:, :100]))


def test_a_quarter_of_the_frames_as_vbench_rounds_it() -> None:
    needed = {
        count: next(n for n in range(count + 1) if flow.moves(n, count)) for count in (2, 6, 10, 16, 40)
    }
    assert needed == {2: 1, 6: 2, 10: 2, 16: 4, 40: 10}
    assert flow.sampled(10, 24.0) == [0, 3, 6, 9] and flow.sampled(4, 5.0) == [0, 1, 2, 3]


def test_aesthetic_quality_is_a_linear_head_on_the_unit_embedding(tmp_path: Path) -> None:
    text = CLIPTextConfig(
        vocab_size=50, hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2
    )
    vision = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=28,
        patch_size=14,
        projection_dim=12,
    )
    config = CLIPConfig(text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=12)
    spread(CLIPModel(config)).save_pretrained(tmp_path / "clip")  # type: ignore[operator]
    random = np.random.default_rng(5)
    weight, bias = random.normal(size=(1, 12)).astype(np.float32), np.float32([5.0])
    head = {"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)}
    save_file(head, tmp_path / "head.safetensors")
    frames = video(18, 40, 61)
    found = quality.aesthetic_from(tmp_path / "clip", tmp_path / "head.safetensors", "cpu").measure(
        sample(frames)
    )
    pixels = resized(frames, 28, "bicubic").numpy()[:, :, :, 7:35] / 255
    mean, deviation = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
    pixels = (pixels - np.reshape(mean, (3, 1, 1))) / np.reshape(deviation, (3, 1, 1))
    model = CLIPVisionModelWithProjection.from_pretrained(tmp_path / "clip").eval()
    with torch.no_grad():
        seen = model(pixel_values=torch.from_numpy(pixels).float()).image_embeds.numpy()
    expected = (seen / np.linalg.norm(seen, axis=1, keepdims=True) @ weight[0] + bias[0]) / 10
    assert found.curves["aesthetic_quality"] == pytest.approx(expected, abs=1e-5)
    assert found.values == {"aesthetic_quality": pytest.approx(float(expected.mean()), abs=1e-5)}
    assert np.std(expected) > 1e-3


def test_imaging_quality_sees_at_most_512_pixels() -> None:
    shapes: list[tuple[int, ...]] = []

    def network(pixels: Tensor) -> Tensor:
        shapes.append(tuple(pixels.shape))
        return 100 * pixels.mean().reshape(1, 1)

    judge = quality.ImagingQuality(network, "cpu")
    frames = video(3, 300, 700)
    found = judge.measure(sample(frames))
    assert shapes == [(1, 3, int(512 / 700 * 300), 512)] * 3
    assert found.values["imaging_quality"] == pytest.approx(frames.mean() / 255, abs=2e-3)
    small = video(2, 100, 200)
    assert judge.measure(sample(small)).values["imaging_quality"] == pytest.approx(small.mean() / 255)
    assert shapes[-1] == (1, 3, 100, 200)


@pytest.mark.skipif(importlib.util.find_spec("pyiqa") is not None, reason="pyiqa is installed")
def test_imaging_quality_without_its_package_says_that_it_is_non_commercial() -> None:
    with pytest.raises(NotComputed, match=r"NON-COMMERCIAL use only; .*download evaluate-musiq"):
        quality.load_imaging("cpu")


def test_every_judge_without_weights_names_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STILLMOTION_HOME", str(tmp_path))
    commands = {
        "clipscore": "evaluate-clip",
        "dino": "evaluate-dino",
        "flow": "evaluate-flow",
        "aesthetic": "evaluate-aesthetic",
    }
    for name, command in commands.items():
        assert set(JUDGES[name].needs) <= set(PARTS)
        with pytest.raises(NotComputed, match=f"stillmotion download {command}$"):
            JUDGES[name].load("cpu")
    assert JUDGES["smoothness"].load("cpu").metrics == JUDGES["smoothness"].metrics
    assert all(metric in PROTOCOLS for spec in JUDGES.values() for metric in spec.metrics)


def test_a_judge_reads_the_frames_and_changes_nothing(vit: Path) -> None:
    frames = video(4, 128, 144)
    kept = frames.copy()
    judges: list[Any] = [
        dino.from_folder(vit, "cpu"),
        smoothness.load("cpu"),
        flow.DynamicDegree(Stream(), "cpu"),
    ]
    for judge in judges:
        first, second = judge.measure(sample(frames)), judge.measure(replace(sample(frames), prompt="other"))
        assert first == second and np.array_equal(frames, kept)
