"""clipscore: against transformers' own processor and forward pass, and against the published recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from checkpoints.sdxl import write_tokenizer
from stillmotion.evaluate import clip
from stillmotion.evaluate.pixels import clip_pictures
from stillmotion.evaluate.types import NotComputed, Sample

PROMPT = "A woman in a red coat waves on the beach"
SIZE = 224


def video(count: int, height: int = 60, width: int = 90, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth coloured noise, different in every frame."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (count, 6, 9, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(frame).resize((width, height))) for frame in small])


def sample(frames: NDArray[np.uint8], prompt: str = PROMPT) -> Sample:
    return Sample("id001", "prompt1", Path("id001/prompt1.mp4"), frames, 8.0, frames[0], prompt)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CLIP folder in the released format: small, random, every tensor large enough to matter."""
    path = write_tokenizer(tmp_path_factory.mktemp("clip") / "clip")
    tokenizer = CLIPTokenizer.from_pretrained(path)
    config = CLIPConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "eos_token_id": tokenizer.eos_token_id,
            "bos_token_id": tokenizer.bos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
        },
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": SIZE,
            "patch_size": 32,
        },
        projection_dim=24,
    )
    torch.manual_seed(0)
    model = CLIPModel(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, parameter.shape[-1] ** -0.5)
    model.save_pretrained(path, safe_serialization=True)
    return path


def by_transformers(folder: Path, frames: NDArray[np.uint8], prompt: str) -> list[float]:
    """100 * cosine by CLIPImageProcessor, CLIPTokenizer and CLIPModel.forward, as the published code."""
    model, tokenizer = CLIPModel.from_pretrained(folder).eval(), CLIPTokenizer.from_pretrained(folder)
    inputs: dict[str, Any] = dict(
        tokenizer(prompt, padding=True, truncation=True, max_length=77, return_tensors="pt")
    )
    processor = CLIPImageProcessorPil(size={"shortest_edge": SIZE}, crop_size=SIZE)
    inputs["pixel_values"] = processor(list(frames), return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        found = model(**inputs)
    logits = found.logits_per_image[:, 0] / model.logit_scale.exp()
    return [100 * value for value in logits.tolist()]


def test_both_scores_are_those_of_transformers(folder: Path) -> None:
    frames = video(40)
    found = clip.from_folder(folder, "cpu").measure(sample(frames))
    chosen = frames[[0, 2, 5, 7, 10, 12, 15, 17, 20, 22, 25, 27, 30, 32, 35, 37]]
    for metric, seen in (("clipscore", chosen), ("clipscore_consisid", chosen[..., ::-1])):
        expected = by_transformers(folder, np.ascontiguousarray(seen), PROMPT)
        assert np.std(expected) > 0.05
        assert found.curves[metric] == pytest.approx(expected, abs=2e-3)
        assert found.values[metric] == pytest.approx(np.mean(expected), abs=2e-3)
    assert abs(found.values["clipscore"] - found.values["clipscore_consisid"]) > 0.05


def test_the_prompt_is_cut_at_77_tokens(folder: Path) -> None:
    judge = clip.from_folder(folder, "cpu")
    frames = video(3)
    long = "she waves and walks along the long beach " * 9
    scores = [
        judge.measure(sample(frames, text)).values["clipscore"] for text in (long, long + "and smiles", "she")
    ]
    assert scores[0] == scores[1] != scores[2]


def test_sixteen_frames_of_any_video() -> None:
    assert clip.frame_indices(16) == list(range(16))
    assert clip.frame_indices(81)[:4] == [0, 5, 10, 15] and clip.frame_indices(81)[-1] == 75
    assert clip.frame_indices(3) == [0] * 6 + [1] * 5 + [2] * 5


@pytest.mark.parametrize("shape", [(60, 90), (91, 60), (224, 224), (37, 37)])
def test_pictures_are_those_of_clips_processor(shape: tuple[int, int]) -> None:
    frames = video(2, *shape)
    processor = CLIPImageProcessorPil(size={"shortest_edge": SIZE}, crop_size=SIZE)
    expected = processor(list(frames), return_tensors="pt")["pixel_values"]
    assert torch.allclose(clip_pictures(frames, SIZE), expected, atol=1e-6)


def test_a_folder_that_lacks_a_tensor_is_not_computed_with(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    state = load_file(folder / "model.safetensors")
    del state["visual_projection.weight"]
    save_file(state, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(NotComputed, match=r"'visual_projection\.weight' is missing"):
        clip.from_folder(tmp_path, "cpu")
    (tmp_path / "model.safetensors").unlink()
    torch.save(state, tmp_path / "pytorch_model.bin")
    with pytest.raises(NotComputed, match="not a CLIPModel"):
        clip.from_folder(tmp_path, "cpu")
