"""What one batch makes of a dataset: where its files go, which settings and seed each item gets, and by which
hashes a finished item is known again. Nothing here loads a model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from stillmotion import presets
from stillmotion.request import Request, parse, settle
from stillmotion.runs import key

if TYPE_CHECKING:
    from stillmotion.batch.layouts import Item

WORK = ".work"
"""The folder below a batch's output that holds run folders, shared identities and locks."""
SEED_RANGE = 2**32


@dataclass(frozen=True)
class Job:
    """One batch. Picklable: workers on other machines are built from it.

    ``out`` is the folder that receives the videos; ``options`` are Request fields for all items (not faces,
    prompt, preset or seed), and an item's own win; ``device`` None takes the preset's.
    """

    out: Path
    preset: str = "mini"
    device: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0


def seed_of(seed: int, item: Item) -> int:
    """The item's seed, 0 to 2**32 - 1: SHA-256 of the batch's seed and the item's output.

    The same in every order, shard and engine.
    """
    digest = hashlib.sha256(f"{seed}\0{item.output}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % SEED_RANGE


def request_of(job: Job, item: Item) -> Request:
    """What the item asks of the pipeline; InputError naming a field that cannot be."""
    fields = {"seed": seed_of(job.seed, item), **job.options, **item.options}
    return parse({"preset": job.preset, **fields, "faces": item.faces, "prompt": item.prompt})


def target_of(job: Job, item: Item) -> Path:
    """The item's video."""
    return job.out / item.output


def run_of(job: Job, item: Item) -> Path:
    """The item's run folder, below ``DIR/.work``; it is there while the item is unfinished."""
    return job.out / WORK / PurePosixPath(item.output).with_suffix("")


def input_hash(photos: tuple[str, ...], prompt: str) -> str:
    """The SHA-256 (hex) of what goes in: the photos' SHA-256 in their order, and the prompt."""
    return key(photos=photos, prompt=prompt)


def settings_hash(request: Request) -> str:
    """The SHA-256 (hex) of how it is made: every setting with its default filled in, and the preset's parts.

    Neither the device nor this package's version counts: a batch may go on on another machine. Each file's
    record names both.
    """
    settings = settle(request).model_dump(mode="json")
    return key(settings=settings, preset=asdict(presets.preset(request.preset)))
