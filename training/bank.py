"""What the diffusion trainers draw batches from: latents, token ids and references, all on the device.

Pictures are encoded once by the trained autoencoders; the result is kept beside the shards
(``cache-*.pt``), since every phase of training starts from it.
"""

from __future__ import annotations

import copy
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import CLIPTokenizer, PreTrainedTokenizerFast

from training import networks
from training.common import ahead, load_tensors
from training.likeness import close_matrix, features, head_matrix, heads, recogniser
from training.prepare import LAST
from training.vae import encode_still, encode_video, one_pass, to_float
from training.world import actions_of
from training.world.shards import Shard, shards

KEPT_LAST = 5
FRAMES_A_LATENT = 4  # the first frame has a latent to itself
FIRST_PART = 3  # latents of a clip of two actions that show the first: frames 0 to 8
SECOND_FROM = 4  # the frame from which on its other part is seen: five of the first action, then the second
SEQUENCE = 2.0  # a clip of two actions is drawn so many times as often: they are learnt last
REFERENCES = 4  # pictures of each person in the clips, kept as references
WHITE = 255


def load_vae(kind: str, folder: Path, device: torch.device) -> Any:
    """The trained autoencoder of ``folder``/{kind}_vae, frozen, normalising its latents where the config
    has to.
    """
    import json

    vae: Any = networks.still_vae() if kind == "still" else networks.video_vae()
    vae.load_state_dict(load_tensors(folder / f"{kind}_vae/vae.safetensors"))
    if kind == "video":
        one_pass(vae)
        figures = json.loads((folder / "video_vae/latents.json").read_text())
        normalise(vae, torch.tensor(figures["latent_mean"]), torch.tensor(figures["latent_std"]))
    return vae.to(device).eval().requires_grad_(False)


@torch.no_grad()
def normalise(vae: Any, mean: Tensor, std: Tensor) -> None:
    """Fold a video autoencoder's latent mean and spread into its 1x1 convolutions, for training alone.

    The pipeline does the same outside the autoencoder, with the figures in its config.
    """
    channels = len(mean)
    down, up = vae.quant_conv, vae.post_quant_conv
    down.weight[:channels] /= std.view(-1, 1, 1, 1, 1)
    down.bias[:channels] = (down.bias[:channels] - mean) / std
    up.bias += up.weight[:, :, 0, 0, 0] @ mean
    up.weight *= std.view(1, -1, 1, 1, 1)


def ready(shard: Shard) -> bool:
    """Whether ``training.prepare`` has been over the shard."""
    return (shard.path / LAST[shard.path.name.split("-")[0]]).exists()


class People:
    """Which rows show the same person: picks for each row another one of its person."""

    def __init__(self, persons: np.ndarray) -> None:
        self.persons = persons
        self.order = np.argsort(persons, kind="stable")
        names, self.first, self.count = np.unique(persons[self.order], return_index=True, return_counts=True)
        self.place = {int(p): i for i, p in enumerate(names)}
        self.slot = np.searchsorted(names, persons)
        self.rank = np.empty(len(persons), np.int64)
        self.rank[self.order] = np.arange(len(persons)) - self.first[self.slot[self.order]]

    def other(self, rows: np.ndarray) -> np.ndarray:
        """A random other row of the same person for each row (the row itself where there is no other)."""
        slot = self.slot[rows]
        shift = 1 + (np.random.rand(len(rows)) * np.maximum(1, self.count[slot] - 1)).astype(np.int64)
        return self.order[self.first[slot] + (self.rank[rows] + shift) % self.count[slot]]

    def any(self, persons: np.ndarray) -> np.ndarray:
        """A random row of each of these persons; -1 where a person has none."""
        slots = np.array([self.place.get(int(p), -1) for p in persons])
        pick = (np.random.rand(len(slots)) * self.count[slots]).astype(np.int64)
        return np.where(slots >= 0, self.order[self.first[slots] + pick], -1)


class Bank:
    """Stage 1's data: stills as latents with their texts, and each person's references."""

    def __init__(self, data: Path, folder: Path, device: torch.device, batch: int = 256) -> None:
        self.device, began = device, time.monotonic()
        words = CLIPTokenizer.from_pretrained(folder / "tokenizers/clip")
        self.vocab, self.eos = len(words), int(words.eos_token_id)
        self.no_text = torch.tensor([words("", padding="max_length", max_length=77).input_ids], device=device)
        self.vae = load_vae("still", folder, device)
        cache = data / "cache-stills.pt"
        state = torch.load(cache, weights_only=True) if cache.exists() else self._encode(data, batch)
        if not cache.exists():
            torch.save(state, cache)
        self.persons = People(state["persons"].numpy())
        self.rows = {k: v.to(device) for k, v in state.items() if k != "persons"}
        self.rows["embeds"] = self._embed(folder)
        print(
            f"stills: {len(state['persons'])} of {len(self.persons.count)} people; "
            f"{time.monotonic() - began:.0f} s",
            flush=True,
        )

    @torch.no_grad()
    def _encode(self, data: Path, batch: int) -> dict[str, Tensor]:
        parts: dict[str, list[Tensor]] = {}
        vae = in_half(self.vae)
        for shard in ahead(filter(ready, shards(data, "stills")), _still_rows):
            frames, five = shard.pop("frames"), shard.pop("five")
            for at in range(0, len(frames), batch):
                pixels = frames[at : at + batch].to(self.device)
                matrix = head_matrix(five[at : at + batch].to(self.device))
                latents, _ = encode_still(vae, to_float(pixels).to(vae.dtype))
                _add(parts, latents=latents.half(), heads=matrix, faces=heads_of(pixels, matrix))
                _add(parts, close=heads_of(pixels, close_matrix(matrix)))
            _add(parts, **shard)
        return {k: torch.cat(v).cpu() for k, v in parts.items()}

    @torch.no_grad()
    def _embed(self, folder: Path) -> Tensor:
        """What mini's own recogniser makes of every picture, (N, 512)."""
        network = recogniser(folder / "face/analyzer/recogniser.safetensors", self.device)
        views = (to_float(faces) for faces in self.rows["faces"].split(2048))
        return torch.cat([network.embedding(features(network, view)[-1]).float() for view in views])

    def stills(self, count: int) -> dict[str, Tensor]:
        """A batch of pictures with one of their texts each."""
        return self._batch(np.random.randint(0, len(self.persons.persons), count))

    def people(self, count: int) -> dict[str, Tensor]:
        """A batch of pictures with a text, and another picture of the same person as the reference."""
        rows = np.random.randint(0, len(self.persons.persons), count)
        other = torch.from_numpy(self.persons.other(rows)).to(self.device)
        return self._batch(rows) | {"crops": self.rows["crops"][other], "embeds": self.rows["embeds"][other]}

    def _batch(self, rows: np.ndarray) -> dict[str, Tensor]:
        at = torch.from_numpy(rows).to(self.device)
        texts = self.rows["ids"]
        variant = torch.randint(0, texts.shape[1], (len(rows),), device=self.device)
        batch = {k: self.rows[k][at] for k in ("latents", "heads", "faces", "close")}
        batch["face"] = self.rows["face"][at].float()
        return batch | {"ids": texts[at, variant].long(), "no_text": self.no_text}


class ClipBank:
    """Stage 2's data: clips as latents with their texts, and references of their people."""

    def __init__(self, data: Path, folder: Path, device: torch.device, batch: int = 24) -> None:
        self.device, began = device, time.monotonic()
        words = PreTrainedTokenizerFast.from_pretrained(folder / "tokenizers/t5")
        self.vocab, self.eos = len(words), int(words.eos_token_id)
        self.vae = load_vae("video", folder, device)
        cache = data / "cache-clips.pt"
        state = torch.load(cache, weights_only=True) if cache.exists() else self._encode(data, batch)
        if not cache.exists():
            torch.save(state, cache)
        self.persons = state.pop("persons").numpy()
        self.references = People(state.pop("reference_persons").numpy())
        self.with_reference = np.array([int(p) in self.references.place for p in self.persons])
        two = state.pop("actions").numpy() > 1
        weight = np.where(two, SEQUENCE, 1.0) * self.with_reference
        self.sequences = np.flatnonzero(two)
        self.told_apart = np.flatnonzero(self.with_reference[self.sequences])
        self.rows = {k: v.to(device) for k, v in state.items()}
        self.until = np.cumsum(weight) / np.cumsum(weight)[-1]
        self.grey = self.rows.pop("grey")
        length = self.rows["ids"].shape[-1]
        self.no_text = torch.zeros(1, length, dtype=torch.long, device=device)
        self.no_text[0, 0] = self.eos
        print(
            f"clips: {len(self.persons)}, {self.with_reference.sum()} with a reference; "
            f"{time.monotonic() - began:.0f} s",
            flush=True,
        )

    @torch.no_grad()
    def _latents(self, vae: Any, frames: Tensor) -> Tensor:
        return encode_video(vae, frames.to(vae.dtype))[0].half()

    @torch.no_grad()
    def _encode(self, data: Path, batch: int) -> dict[str, Tensor]:
        parts: dict[str, list[Tensor]] = {}
        vae = in_half(self.vae)
        for shard in ahead(filter(ready, shards(data, "clips")), _clip_rows):
            frames = shard.pop("frames")
            for at in range(0, len(frames), batch):
                x = to_float(frames[at : at + batch].to(self.device))
                first, last = torch.zeros_like(x), torch.zeros_like(x)
                first[:, :, :1], last[:, :, :KEPT_LAST] = x[:, :, :1], x[:, :, :KEPT_LAST]
                _add(
                    parts,
                    latents=self._latents(vae, x),
                    inactive_first=self._latents(vae, first),
                    inactive_last=self._latents(vae, last),
                )
            for some in filter(len, (shard["actions"] > 1).nonzero()[:, 0].split(batch)):
                later = to_float(frames[some, SECOND_FROM:].to(self.device))
                last = torch.zeros_like(later)
                last[:, :, :KEPT_LAST] = later[:, :, :KEPT_LAST]
                _add(parts, second_latents=self._latents(vae, later), second_kept=self._latents(vae, last))
                _add(parts, second_face=shard["second_face"][some], part_ids=shard["part_ids"][some])
            del shard["second_face"], shard["part_ids"]
            _add(parts, **shard)
        wanted = dict.fromkeys(torch.cat(parts["persons"]).tolist(), REFERENCES)
        for shard in filter(ready, shards(data, "stills")):
            rows = []
            for row, job in enumerate(shard.jobs):
                if wanted.get(job.person, 0) > 0:
                    wanted[job.person] -= 1
                    rows.append(row)
            for at in range(0, len(rows), 64):
                some = rows[at : at + 64]
                _add(parts, references=self._latents(vae, cutouts(shard, some, self.device)[:, :, None]))
                _add(parts, reference_persons=torch.tensor([shard.jobs[i].person for i in some]))
        grey = self._latents(vae, torch.zeros(1, *x.shape[1:], device=self.device)).cpu()
        return {"grey": grey} | {k: torch.cat(v).cpu() for k, v in parts.items()}

    def clips(self, count: int) -> dict[str, Tensor]:
        """A batch of clips with a text each and a reference of the same person from another scene."""
        chosen = drawn(self.until, count)
        at = torch.from_numpy(chosen).to(self.device)
        timed = ("latents", "inactive_first", "inactive_last", "face")
        batch = {k: self.rows[k][at].float() for k in timed}
        return batch | self._told(self.rows["ids"][at], chosen)

    def part(self, count: int, second: bool) -> dict[str, Tensor]:
        """A batch of halves of clips of two actions, each with texts that tell of its own action alone: the
        first, from the scene at rest, or the ``second``, behind the last five frames of the first.
        """
        pick = np.random.choice(self.told_apart, count)
        chosen = self.sequences[pick]
        at, near = (torch.from_numpy(rows).to(self.device) for rows in (chosen, pick))
        if second:
            taken = {"latents": "second_latents", "inactive_last": "second_kept", "face": "second_face"}
            batch = {k: self.rows[name][near].float() for k, name in taken.items()}
        else:
            timed = ("latents", "inactive_first", "face")
            batch = {k: self.rows[k][at][:, :, :FIRST_PART].float() for k in timed}
        return batch | self._told(self.rows["part_ids"][near, int(second)], chosen)

    def _told(self, texts: Tensor, chosen: np.ndarray) -> dict[str, Tensor]:
        """One of each clip's texts (B, variants, L), and a reference of its person."""
        count = len(chosen)
        reference = torch.from_numpy(self.references.any(self.persons[chosen])).to(self.device)
        variant = torch.randint(0, texts.shape[1], (count,), device=self.device)
        rows = torch.arange(count, device=self.device)
        return {
            "reference": self.rows["references"][reference].float(),
            "ids": texts[rows, variant].long(),
        }


def drawn(until: np.ndarray, count: int) -> np.ndarray:
    """Random rows, where ``until`` says which share of the draws goes to the rows up to each one."""
    return np.searchsorted(until, np.random.rand(count), side="right")


def in_half(vae: Any) -> Any:
    """On a GPU a copy in bfloat16, which encodes at twice the speed; on a CPU the autoencoder itself."""
    return copy.deepcopy(vae).bfloat16() if vae.device.type == "cuda" else vae


def _still_rows(shard: Shard) -> dict[str, Tensor]:
    """Everything of a stills shard that the bank keeps or encodes, read from the disk."""
    frames = np.array(shard.frames)
    return {
        "frames": torch.from_numpy(frames),
        "five": torch.from_numpy(np.array(shard.five)),
        "face": face_mask(np.array(shard.box).reshape(len(frames), 4), frames.shape[1]),
        "ids": torch.from_numpy(np.load(shard.path / "ids.npy")),
        "crops": torch.from_numpy(np.load(shard.path / "crops.npy")),
        "persons": torch.tensor([j.person for j in shard.jobs]),
    }


def _clip_rows(shard: Shard) -> dict[str, Tensor]:
    """The same of a clips shard; the faces' places by latent frames."""
    frames = np.array(shard.frames)
    box = np.array(shard.box).reshape(-1, 4)
    face = face_mask(box, frames.shape[2]).unflatten(0, frames.shape[:2])
    return {
        "frames": torch.from_numpy(frames),
        "face": by_latents(face),
        "second_face": by_latents(face[:, SECOND_FROM:]),
        "part_ids": torch.from_numpy(np.load(shard.path / "parts.npy")),
        "actions": torch.tensor([len(actions_of(job.action)) for job in shard.jobs]),
        "ids": torch.from_numpy(np.load(shard.path / "ids.npy")),
        "persons": torch.tensor([j.person for j in shard.jobs]),
    }


def by_latents(face: Tensor) -> Tensor:
    """Where the face is in each frame (N, T, h, w), by latent frames: (N, 1, 1 + (T - 1) / 4, h, w)."""
    later = face[:, 1:].unflatten(1, (-1, FRAMES_A_LATENT)).float().mean(2).half()
    return torch.cat([face[:, :1], later], 1)[:, None]


def heads_of(pixels: Tensor, matrix: Tensor) -> Tensor:
    """The recogniser's view of pictures (B, H, W, 3) uint8, kept as uint8 (B, 112, 112, 3)."""
    view = heads(pixels.permute(0, 3, 1, 2).float(), matrix)
    return view.permute(0, 2, 3, 1).round().clamp(0, 255).byte()


def face_mask(box: np.ndarray, size: int) -> Tensor:
    """1 where a latent cell lies in the face's box (N, 4), (N, size/8, size/8) half."""
    centres = (np.arange(size // 8) + 0.5) * 8
    inside_x = (centres >= box[:, :1]) & (centres <= box[:, 2:3])
    inside_y = (centres >= box[:, 1:2]) & (centres <= box[:, 3:4])
    return torch.from_numpy((inside_y[:, :, None] & inside_x[:, None, :]).astype(np.float16))


def cutouts(shard: Shard, rows: list[int], device: torch.device) -> Tensor:
    """The people of a stills shard's rows on white, (B, 3, H, W) in -1..1, as stage 2 is given references."""
    pixels = torch.from_numpy(np.stack([shard.frames[i] for i in rows])).to(device).float()
    mattes = torch.from_numpy(np.stack([shard.matte(i) for i in rows])).to(device).float()[..., None]
    return (pixels * mattes + WHITE * (1 - mattes)).permute(0, 3, 1, 2) / 127.5 - 1


def _add(parts: dict[str, list[Tensor]], **tensors: Tensor) -> None:
    for name, value in tensors.items():
        parts.setdefault(name, []).append(value)
