"""Renders in many processes at once, into shared memory, for a trainer that consumes as they come.

    with Pool(workers=16, size=256, seed=1, kind="clips") as pool:
        for item in pool:
            ...  # item.frames is a view of shared memory, valid until
            pool.release(item)

Every worker has its own OpenGL context and one thread; the parent's environment stays as it was. A
worker that fails ends the iteration with `WorkerFailed`. Shared memory is given back when the pool
closes, is collected, or the interpreter ends.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import traceback
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.world.body import DEFAULT_BUST
from training.world.jobs import Job, Truth, draw_job, make_job, truth_of

_CHILD_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "LP_NUM_THREADS": "1",
}  # fmt: skip


class WorkerFailed(RuntimeError):
    """A rendering process ended or raised; the message holds what it said."""


@dataclass(frozen=True)
class Plan:
    """What all workers of a pool share: sizes and the series of jobs."""

    workers: int
    size: int
    seed: int
    kind: str
    frames: int
    views: int
    identities: int | None
    bust: str
    devices: int = 1

    @property
    def length(self) -> int:
        """T, the number of pictures of one item."""
        return self.frames if self.kind == "clips" else self.views

    def layout(self) -> dict[str, tuple[tuple[int, ...], str]]:
        """Shape and type of one item's arrays."""
        t, s = self.length, self.size
        return {
            "frames": ((t, s, s, 3), "u1"),
            "matte": ((t, s, s), "u1"),
            "landmarks": ((t, 106, 2), "f4"),
            "five": ((t, 5, 2), "f4"),
            "box": ((t, 4), "f4"),
        }


@dataclass(frozen=True)
class Item:
    """One finished job in its slot; the arrays are views of shared memory until `Pool.release`."""

    slot: int
    job: Job
    frames: NDArray[np.uint8]
    matte: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    five: NDArray[np.float32]
    box: NDArray[np.float32]

    @property
    def truth(self) -> Truth:
        """The person, scenes and actions of the job."""
        return truth_of(self.job)


def _arrays(buffer: memoryview | None, plan: Plan, slot: int) -> dict[str, NDArray[Any]]:
    sizes = {n: int(np.prod(shape)) * np.dtype(kind).itemsize for n, (shape, kind) in plan.layout().items()}
    offset = slot * slot_bytes(plan)
    out = {}
    for name, (shape, kind) in plan.layout().items():
        out[name] = np.ndarray(shape, kind, buffer=buffer, offset=offset)
        offset += -(-sizes[name] // 64) * 64
    return out


def slot_bytes(plan: Plan) -> int:
    """Bytes of one slot, each array aligned to 64."""
    sizes = (int(np.prod(shape)) * np.dtype(kind).itemsize for shape, kind in plan.layout().values())
    return sum(-(-size // 64) * 64 for size in sizes)


@contextlib.contextmanager
def single_threaded_children() -> Iterator[None]:
    """Processes started inside get one thread each; this process's environment is put back after."""
    before = {name: os.environ.get(name) for name in _CHILD_ENVIRONMENT}
    os.environ.update(_CHILD_ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def orphaned() -> bool:
    """Whether the process that started this one is gone, so that no one will ever take what it draws."""
    parent = multiprocessing.parent_process()
    return parent is not None and not parent.is_alive()


def device_of(worker: int, devices: int) -> int | None:
    """The EGL device of a worker when workers take turns among `devices`; None, the default, for one."""
    return worker % devices if devices > 1 else None


def _work(worker: int, plan: Plan, memory: str, free: Any, done: Any) -> None:
    """A worker's life: take a free slot, draw the next job of its own series into it, report."""
    from training.world.draw import Renderer

    shared = SharedMemory(name=memory)
    try:
        renderer = Renderer(plan.size, plan.bust, device_of(worker, plan.devices))
        number = worker
        while True:
            try:
                slot = free.get(timeout=2.0)
            except queue.Empty:
                if orphaned():
                    return
                continue
            job = make_job(plan.kind, plan.seed, number, plan.views, plan.identities)
            footage = draw_job(renderer, job, plan.frames)
            target = _arrays(shared.buf, plan, slot)
            for name, array in target.items():
                array[...] = getattr(footage, name)
            del target, array
            done.put(("item", slot, job))
            number += plan.workers
    except (KeyboardInterrupt, EOFError, BrokenPipeError):
        return
    except BaseException:  # whatever it was, the trainer must hear of it
        done.put(("error", worker, traceback.format_exc()))
    finally:
        shared.close()


def _give_back(memory: SharedMemory, processes: list[Any]) -> None:
    for process in processes:
        if process.is_alive():
            process.terminate()
    for process in processes:
        process.join(5)
    # A consumer may still hold views; the name goes at once, the pages when the last view does.
    with contextlib.suppress(BufferError):
        memory.close()
    with contextlib.suppress(FileNotFoundError):
        memory.unlink()


class Pool:
    """Processes that draw jobs of one kind without end. Iterate, and `release` what you have used.

    `kind` is 'clips' (T = frames) or 'stills' (T = views pictures of one person, the first a plain
    frontal reference). `slots` finished items wait at most (default: two for each worker).
    Workers take turns among `devices` GPUs.
    """

    def __init__(
        self,
        workers: int,
        size: int = 256,
        seed: int = 0,
        kind: str = "clips",
        *,
        frames: int = 17,
        views: int = 4,
        identities: int | None = None,
        slots: int | None = None,
        bust: Path | str = DEFAULT_BUST,
        devices: int = 1,
    ) -> None:
        make_job(kind, seed, 0)  # an unknown kind fails here, not in a child
        self.plan = Plan(workers, size, seed, kind, frames, views, identities, str(bust), devices)
        count = slots or 2 * workers
        self._memory = SharedMemory(create=True, size=count * slot_bytes(self.plan))
        context = multiprocessing.get_context("spawn")
        self._free: Any = context.Queue()
        self._done: Any = context.Queue()
        for slot in range(count):
            self._free.put(slot)
        arguments = (self.plan, self._memory.name, self._free, self._done)
        self._processes = [
            context.Process(target=_work, args=(w, *arguments), daemon=True) for w in range(workers)
        ]
        self._finalizer = weakref.finalize(self, _give_back, self._memory, self._processes)
        with single_threaded_children():
            for process in self._processes:
                process.start()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Item]:
        while self._finalizer.alive:
            yield self.get()

    def get(self, timeout: float = 300.0) -> Item:
        """The next finished item. Raises `WorkerFailed` when a worker ended or none finished in time."""
        waited = 0.0
        while True:
            try:
                kind, number, content = self._done.get(timeout=0.5)
            except queue.Empty:
                waited += 0.5
                self._check(waited, timeout)
                continue
            if kind == "error":
                raise WorkerFailed(f"rendering worker {number} failed:\n{content}")
            return Item(slot=number, job=content, **_arrays(self._memory.buf, self.plan, number))

    def _check(self, waited: float, timeout: float) -> None:
        for index, process in enumerate(self._processes):
            if process.exitcode is not None:
                raise WorkerFailed(f"rendering worker {index} ended with exit code {process.exitcode}")
        if waited >= timeout:
            raise WorkerFailed(f"no rendering worker finished anything in {timeout:.0f} s")

    def release(self, item: Item) -> None:
        """Give an item's slot back to the workers; its arrays are overwritten from now on."""
        self._free.put(item.slot)

    def close(self) -> None:
        """End the workers and give the shared memory back. Safe to call twice."""
        if not self._finalizer.alive:
            return
        for q in (self._free, self._done):
            q.cancel_join_thread()
            q.close()
        self._finalizer()
        self._free = self._done = None  # their semaphores go with them
