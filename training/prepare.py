"""Gets a folder of shards ready for the diffusion trainers, on all cores: texts as token ids, references as
crops.

    python -m training.prepare --data DIR --tokenizers DIR --workers N

Beside each shard's arrays it writes ``ids.npy`` (stills: (n, 4, 77) CLIP ids; clips: (n, 4, 128) T5 ids)
and, for stills, ``crops.npy`` (n, 64, 64, 3): HyperLoRA's reference image of each picture.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from stillmotion.identity.crops import hyperlora_crop
from training.words import spatial_texts, temporal_texts
from training.world import actions_of
from training.world.jobs import truth_of
from training.world.shards import read_shard

CLIP_LENGTH, T5_LENGTH = 77, 128
CROP = 64


@lru_cache(maxsize=2)
def tokenizer(folder: str, kind: str) -> Any:
    """The tokenizer of one stage, loaded once per process."""
    from transformers import CLIPTokenizer, PreTrainedTokenizerFast

    if kind == "stills":
        return CLIPTokenizer.from_pretrained(f"{folder}/clip")
    # As stage 2 loads it: T5Tokenizer would leave out the file's own normalizer.
    return PreTrainedTokenizerFast.from_pretrained(f"{folder}/t5")


def prepare(path: Path, tokenizers: str) -> None:
    """Write the ids and crops of one shard."""
    kind = path.name.split("-")[0]
    shard = read_shard(path)
    words = tokenizer(tokenizers, kind)
    make, length = (spatial_texts, CLIP_LENGTH) if kind == "stills" else (temporal_texts, T5_LENGTH)
    texts = []
    for job, view in zip(shard.jobs, shard.views, strict=True):
        truth = truth_of(job)
        # A user's prompt tells of deeds that its first frame does not show yet.
        deeds = truth.actions or actions_of(job.number)
        texts += make(truth.person, truth.scenes[view], deeds, np.random.default_rng((5, job.number, view)))
    ids = words(
        texts, padding="max_length", max_length=length, truncation=True, return_tensors="np"
    ).input_ids
    _write(ids.reshape(len(shard.jobs), -1, length).astype(np.int16), path / "ids.npy")
    if kind == "stills":
        pairs = zip(shard.frames, shard.landmarks, strict=True)
        _write(
            np.stack([hyperlora_crop(np.array(f), np.array(m), CROP) for f, m in pairs]), path / "crops.npy"
        )


def _write(array: np.ndarray, path: Path) -> None:
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as file:
        np.save(file, array)
    os.replace(temporary, path)


def main() -> None:
    """Prepare every shard that is not ready yet."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tokenizers", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--kind", choices=["stills", "clips"], help="only these; both otherwise")
    args = parser.parse_args()
    todo = [
        p
        for p in sorted(args.data.glob(f"{args.kind or '*'}-*-*"))
        if not (p / ("crops.npy" if p.name.startswith("stills") else "ids.npy")).exists()
    ]
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    with multiprocessing.get_context("spawn").Pool(args.workers) as pool:
        pool.starmap(prepare, [(p, str(args.tokenizers)) for p in todo], chunksize=1)
    print(f"prepared {len(todo)} shards", flush=True)


if __name__ == "__main__":
    main()
