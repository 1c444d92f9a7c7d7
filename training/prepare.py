"""Gets a folder of shards ready for the diffusion trainers, on all cores: texts as token ids, references as
crops.

    python -m training.prepare --data DIR --tokenizers DIR --workers N

Beside each shard's arrays it writes ``ids.npy`` (stills: (n, 4, 77) CLIP ids; clips: (n, 4, 128) T5 ids);
for stills ``crops.npy`` (n, 64, 64, 3), HyperLoRA's reference image of each picture; for clips ``parts.npy``
(n, 2, 4, 128), the ids of texts that tell of one action alone, zeros where a clip has but one.
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
from training.words import VARIANTS, part_texts, spatial_texts, temporal_texts
from training.world import actions_of
from training.world.jobs import truth_of
from training.world.shards import read_shard

CLIP_LENGTH, T5_LENGTH = 77, 128
CROP = 64
LAST = {"stills": "crops.npy", "clips": "parts.npy"}
"""What is written last: a shard that has it is ready."""


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
    apart = np.zeros((len(shard.jobs), 2, VARIANTS, length), np.int16)

    def ids_of(some: list[str]) -> np.ndarray:
        return words(
            some, padding="max_length", max_length=length, truncation=True, return_tensors="np"
        ).input_ids.astype(np.int16)

    for row, (job, view) in enumerate(zip(shard.jobs, shard.views, strict=True)):
        truth = truth_of(job)
        rng = np.random.default_rng((5, job.number, view))
        # A user's prompt tells of deeds that its first frame does not show yet.
        texts += make(truth.person, truth.scenes[view], truth.actions or actions_of(job.number), rng)
        if len(truth.actions) == 2:
            for part, some in enumerate(part_texts(truth.person, truth.scenes[view], truth.actions, rng)):
                apart[row, part] = ids_of(some)
    _write(ids_of(texts).reshape(len(shard.jobs), -1, length), path / "ids.npy")
    if kind == "clips":
        _write(apart, path / "parts.npy")
    else:
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
        if not (p / LAST[p.name.split("-")[0]]).exists()
    ]
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    with multiprocessing.get_context("spawn").Pool(args.workers) as pool:
        pool.starmap(prepare, [(p, str(args.tokenizers)) for p in todo], chunksize=1)
    print(f"prepared {len(todo)} shards", flush=True)


if __name__ == "__main__":
    main()
