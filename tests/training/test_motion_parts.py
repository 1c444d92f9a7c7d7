"""Clips of two actions in halves: texts, pictures and what the transformer is fed with."""

from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerFast

from training import bank as banks
from training import motion, networks, prepare, vae
from training.common import save_tensors, write_json
from training.words import part_texts
from training.world import Action, actions_of, identity_of, scene_of
from training.world.jobs import Job
from training.world.shards import write_shard

torch.set_num_threads(2)
SIDE, PEOPLE = 32, (1500, 1501, 1502)


def seeds(count: int, actions: int) -> list[int]:
    """The first seeds of clips with so many actions."""
    return [seed for seed in range(200) if len(actions_of(seed)) == actions][:count]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Shards of two clips of two actions and one of one, noise for pictures; and what the trainers need."""
    data, models = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("models")
    rng = np.random.default_rng(0)
    deeds = [*seeds(2, 2), *seeds(1, 1)]
    clips = [Job(i, "clips", PEOPLE[i], (i,), deed) for i, deed in enumerate(deeds)]
    stills = [Job(9 + i, "stills", person, (5 + i,)) for i, person in enumerate(PEOPLE)]
    for name, jobs, shape in (("clips-00000-00000", clips, (17,)), ("stills-00000-00000", stills, ())):
        rows = {
            "frames": [rng.integers(0, 255, (*shape, SIDE, SIDE, 3), dtype=np.uint8) for _ in jobs],
            "matte": [np.full((*shape, SIDE, SIDE), 255, np.uint8) for _ in jobs],
            "landmarks": [rng.uniform(8, 24, (*shape, 106, 2)).astype(np.float32) for _ in jobs],
            "five": [rng.uniform(8, 24, (*shape, 5, 2)).astype(np.float32) for _ in jobs],
            # The face leaves the picture's left half for its right one with frame 9.
            "box": [
                np.array([[0, 0, 15, 31] if t < 9 else [16, 0, 31, 31] for t in range(17)], np.float32)
                if shape
                else np.array([0, 0, 15, 31], np.float32)
                for _ in jobs
            ],
        }
        write_shard(data, name, rows, [{"job": job.record(), "view": 0} for job in jobs])
    package = Path(str(resources.files("stillmotion.weights"))) / "mini"
    shutil.copytree(package / "motion/tokenizer", models / "tokenizers/t5")
    shutil.copytree(package / "still/tokenizer", models / "tokenizers/clip")
    torch.manual_seed(0)
    save_tensors(networks.video_vae().state_dict(), models / "video_vae/vae.safetensors", dtype=None)
    write_json({"latent_mean": [0.0] * 16, "latent_std": [1.0] * 16}, models / "video_vae/latents.json")
    for path in sorted(data.iterdir()):
        prepare.prepare(path, str(models / "tokenizers"))
    return data, models


@pytest.fixture(scope="module")
def bank(folders: tuple[Path, Path]) -> banks.ClipBank:
    return banks.ClipBank(*folders, torch.device("cpu"), batch=2)


def test_each_part_is_told_alone(folders: tuple[Path, Path]) -> None:
    deeds = (Action("wave", end=0.5), Action("smile", start=0.5))
    for seed in range(5):
        told = part_texts(identity_of(1500), scene_of(seed), deeds, np.random.default_rng(seed))
        assert [len(some) for some in told] == [4, 4]
        assert all("wav" in text.lower() for text in told[0])
        assert not any("wav" in text.lower() for text in told[1])
        assert all("smil" in text.lower() for text in told[1])
    data, models = folders
    parts = np.load(data / "clips-00000-00000/parts.npy")
    assert parts.shape == (3, 2, 4, 128) and not parts[2].any(), "the last clip has one action"
    words: Any = PreTrainedTokenizerFast.from_pretrained(models / "tokenizers/t5")
    first, second = (words.batch_decode(parts[0, part], skip_special_tokens=True) for part in (0, 1))
    assert all(first) and all(second) and not set(first) & set(second)


def test_the_halves_are_what_a_timed_prompt_samples(folders: tuple[Path, Path], bank: banks.ClipBank) -> None:
    data, _ = folders
    frames = np.load(data / "clips-00000-00000/frames.npy")
    np.random.seed(1)
    later = bank.part(8, second=True)
    clips = torch.stack([vae.to_float(torch.from_numpy(f)[None])[0] for f in frames])
    with torch.no_grad():
        there = vae.encode_video(bank.vae, clips[:2, :, 4:])[0]
        kept = torch.zeros_like(clips[:2, :, 4:])
        kept[:, :, :5] = clips[:2, :, 4:9]
        known = vae.encode_video(bank.vae, kept)[0]
    which = [int((there - x).abs().flatten(1).mean(1).argmin()) for x in later["latents"]]
    assert set(which) == {0, 1}, "only clips of two actions"
    assert torch.allclose(later["latents"], there[which], atol=2e-2)
    assert torch.allclose(later["inactive_last"], known[which], atol=2e-2)
    # Frames 4, 5 to 8, 9 to 12, 13 to 16: the face is on the right from frame 9 on.
    assert later["face"][0, 0, :, 0, 0].tolist() == [1, 1, 0, 0]
    parts = torch.from_numpy(np.load(data / "clips-00000-00000/parts.npy")).long()
    assert all((parts[w, 1] == ids).all(-1).any() for w, ids in zip(which, later["ids"], strict=True))

    first = bank.part(8, second=False)
    with torch.no_grad():
        begun = vae.encode_video(bank.vae, clips[:2, :, :9])[0]
    which = [int((begun - x).abs().flatten(1).mean(1).argmin()) for x in first["latents"]]
    assert torch.allclose(first["latents"], begun[which], atol=2e-2)
    assert all((parts[w, 0] == ids).all(-1).any() for w, ids in zip(which, first["ids"], strict=True))


@pytest.mark.parametrize(("task", "latents"), [key for key in motion.SHARES if "of two" in key[0]])
def test_halves_are_fed_as_the_parts_of_a_clip_are(task: str, latents: int, bank: banks.ClipBank) -> None:
    batch = motion.batch_of(bank, task, latents, 2)
    clean, fed = motion.control(bank, task, batch)
    assert clean.shape[2] == fed.shape[2] == latents + 1, "the reference stands in front"
    assert torch.equal(fed[:, :16, :1], batch["reference"])
    kept = 2 if task == motion.SECOND_OF_TWO else 0  # frames 4 to 8 of 13 are kept: two latents' masks
    assert fed[:, 32:, 1 : 1 + kept].eq(0).all() and fed[:, 32:, 1 + kept :].eq(1).all()
    source = "inactive_last" if task == motion.SECOND_OF_TWO else "inactive_first"
    assert torch.equal(fed[:, :16, 1:], batch[source])
