"""Renders for a while into a folder of shards that a later process reads.

A shard is a folder `clips-00003-00012` or `stills-...` (worker, number) with `frames.npy` (n, T, H, W, 3)
uint8 for clips and (n, H, W, 3) for stills, `matte.npy` (bits packed along the last axis, 1 = person),
`landmarks.npy`, `five.npy`, `box.npy` and `meta.jsonl` with one line per row: the job, and for stills the
view's place in it (view 0 is the plain frontal reference). It is written under a temporary name and
renamed, so what is there is whole.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.world.draw import Footage
from training.world.jobs import Job, draw_job, job_from, make_job
from training.world.pool import WorkerFailed, device_of, orphaned, single_threaded_children

_ARRAYS = ("frames", "matte", "landmarks", "five", "box")


@dataclass(frozen=True)
class Order:
    """What to render: for how many seconds, how large, which share of the pictures as clips."""

    out: str
    seconds: float
    workers: int
    size: int
    seed: int
    clips_share: float
    frames: int
    views: int
    identities: int | None
    clips_per_shard: int
    bust: str
    devices: int = 1


@dataclass(frozen=True)
class Shard:
    """A shard read back; arrays are memory-mapped. `matte` (..., H, W) is 0 or 1."""

    frames: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    five: NDArray[np.float32]
    box: NDArray[np.float32]
    jobs: list[Job]
    views: list[int]
    path: Path

    def matte(self, row: int) -> NDArray[np.uint8]:
        """The matte of one row, 0 or 1, shaped as the frames without their colours."""
        packed = np.load(self.path / "matte.npy", mmap_mode="r")[row]
        return np.unpackbits(packed, axis=-1, count=self.frames.shape[-2])


def write_shard(
    folder: Path, name: str, rows: dict[str, list[NDArray[Any]]], meta: list[dict[str, Any]]
) -> None:
    """Write one shard whole: a temporary folder that is renamed at the end."""
    temporary = folder / f".{name}.{os.getpid()}.tmp"
    temporary.mkdir(parents=True)
    try:
        for key, arrays in rows.items():
            stacked = np.stack(arrays)
            if key == "matte":
                stacked = np.packbits(stacked > 127, axis=-1)
            np.save(temporary / f"{key}.npy", stacked)
        lines = "".join(json.dumps(line) + "\n" for line in meta)
        (temporary / "meta.jsonl").write_text(lines, encoding="utf-8")
        temporary.rename(folder / name)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def read_shard(path: Path) -> Shard:
    """Open a shard folder without reading its pictures."""
    lines = [json.loads(x) for x in (path / "meta.jsonl").read_text(encoding="utf-8").splitlines()]
    arrays = {n: np.load(path / f"{n}.npy", mmap_mode="r") for n in _ARRAYS if n != "matte"}
    return Shard(
        **arrays, jobs=[job_from(x["job"]) for x in lines], views=[int(x["view"]) for x in lines], path=path
    )


def shards(folder: Path, kind: str) -> Iterator[Shard]:
    """The finished shards of a kind ('clips' or 'stills') in a folder, in order of their names."""
    for path in sorted(folder.glob(f"{kind}-*")):
        yield read_shard(path)


class _Writer:
    """Collects the rows of one kind and writes a shard whenever enough are there."""

    def __init__(self, order: Order, worker: int, kind: str) -> None:
        self.order, self.worker, self.kind, self.number = order, worker, kind, 0
        # Shards of both kinds hold about as many pictures.
        self.full = order.clips_per_shard * (1 if kind == "clips" else order.frames)
        self._start()

    def _start(self) -> None:
        self.rows: dict[str, list[NDArray[Any]]] = {n: [] for n in _ARRAYS}
        self.meta: list[dict[str, Any]] = []

    def add(self, job: Job, footage: Footage) -> None:
        stills = self.kind == "stills"
        for view in range(len(footage.frames)) if stills else [0]:
            for name in _ARRAYS:
                whole = getattr(footage, name)
                self.rows[name].append(whole[view] if stills else whole)
            self.meta.append({"job": job.record(), "view": view})
        if len(self.meta) >= self.full:
            self.write()

    def write(self) -> None:
        if self.meta:
            name = f"{self.kind}-{self.worker:05d}-{self.number:05d}"
            write_shard(Path(self.order.out), name, self.rows, self.meta)
            self.number += 1
            self._start()


def _render(worker: int, order: Order, results: Any) -> None:
    from training.world.draw import Renderer

    try:
        renderer = Renderer(order.size, order.bust, device_of(worker, order.devices))
        writers = {kind: _Writer(order, worker, kind) for kind in ("clips", "stills")}
        drawn = {"clips": 0, "stills": 0}
        number = worker
        end = time.monotonic() + order.seconds
        while time.monotonic() < end and not orphaned():
            total = sum(drawn.values())
            kind = "clips" if drawn["clips"] < order.clips_share * (total + 1e-9) or (
                total == 0 and order.clips_share > 0
            ) else "stills"  # fmt: skip
            job = make_job(kind, order.seed, number, order.views, order.identities)
            footage = draw_job(renderer, job, order.frames)
            writers[kind].add(job, footage)
            drawn[kind] += len(footage.frames)
            number += order.workers
        for writer in writers.values():
            writer.write()
        results.put((worker, drawn, None))
    except BaseException:  # reported to the parent, which stops everything
        results.put((worker, {}, traceback.format_exc()))


def render(order: Order) -> dict[str, int]:
    """Render in `order.workers` processes; returns the pictures drawn by kind ('clips', 'stills').

    Raises `WorkerFailed` when a worker fails; what the others finished stays.
    """
    Path(order.out).mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    results: Any = context.SimpleQueue()
    with single_threaded_children():
        processes = [context.Process(target=_render, args=(w, order, results)) for w in range(order.workers)]
        for process in processes:
            process.start()
    total = {"clips": 0, "stills": 0}
    waiting = set(range(order.workers))
    try:
        while waiting:
            if results.empty():
                for worker in list(waiting):
                    code = processes[worker].exitcode
                    if code not in (None, 0):
                        raise WorkerFailed(f"rendering worker {worker} ended with exit code {code}")
                time.sleep(0.05)
                continue
            worker, drawn, error = results.get()
            if error:
                raise WorkerFailed(f"rendering worker {worker} failed:\n{error}")
            waiting.discard(worker)
            for kind, count in drawn.items():
                total[kind] += count
    finally:
        for process in processes:
            if waiting and process.is_alive():
                process.terminate()
            process.join(30)
    return total
