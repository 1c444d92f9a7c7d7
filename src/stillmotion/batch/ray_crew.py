"""The machines of a Ray cluster as a batch sees them: who comes, who goes, and who may work."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stillmotion import __version__
from stillmotion.batch import ray_cluster
from stillmotion.batch.job import WORK, Job
from stillmotion.batch.ray_cluster import Machine
from stillmotion.batch.ray_pool import Layout, Pool, Seat, seats
from stillmotion.batch.ray_worker import Fault, look
from stillmotion.errors import InputError
from stillmotion.files import write_text
from stillmotion.libraries import one_line

if TYPE_CHECKING:
    from stillmotion.batch.layouts import Item

ANSWER = 120.0
"""Seconds in which a machine has to start a process and answer."""
log = logging.getLogger("stillmotion")


@dataclass(frozen=True)
class Probe:
    """A file in the batch's folder that every machine must see, and one of the dataset's photos."""

    path: Path
    token: str
    photo: Path | None


@contextmanager
def probing(job: Job, items: Sequence[Item]) -> Iterator[Probe]:
    token = secrets.token_hex(16)
    path = job.out / WORK / f".probe-{token[:8]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, token)
    try:
        yield Probe(path, token, next((face for item in items for face in item.faces), None))
    finally:
        with suppress(OSError):
            path.unlink()


class Crew:
    """The machines: who comes, who goes, who may work."""

    def __init__(self, ray: Any, job: Job, chosen: Layout, pool: Pool, probe: Probe, most: int) -> None:
        import torch

        self._ray, self._job, self._layout, self._pool = ray, job, chosen, pool
        self._probe, self._most = probe, most
        # As many as the local engine would have here: the frames' last bits depend on it.
        self._threads = torch.get_num_threads()
        self._asked: dict[Any, tuple[Machine, float]] = {}
        self.alive: dict[str, Machine] = {}

    def gather(self) -> None:
        """Look at every machine before work begins; InputError names the first that cannot take part."""
        self.refresh()
        while self._asked:
            faults = self._answers(timeout=1.0)
            if faults:
                raise InputError(faults[0])
            self.refresh()
        if not self._pool.seats:
            raise InputError(f"{ray_cluster.ADDRESS}: the Ray cluster has no machine with cores; add one")
        if self._layout.gpu and not self._pool.open("gpu"):
            raise InputError(
                f"preset: '{self._job.preset}' needs GPUs and no machine of the Ray cluster has one; "
                "add one, or take --preset mini"
            )

    def refresh(self) -> list[tuple[str, Item]]:
        """Take note of machines that came, and return what those that went were at."""
        now = ray_cluster.machines(self._ray)
        gone = [node for node in self.alive if node not in now]
        for node in now.keys() - self.alive.keys():
            if self._seats(now[node]):
                self._asked[self._ask(now[node])] = now[node], time.monotonic()
        self.alive = now
        return [work for node in gone for work in self._pool.remove(node)]

    def welcome(self) -> None:
        """Let machines that came later work, or say why one cannot."""
        for fault in self._answers(timeout=0):
            log.warning("%s; it stays out", fault)

    def _seats(self, machine: Machine) -> list[Seat]:
        return seats(machine, self._job, self._layout, self._threads, self._most)

    def _ask(self, machine: Machine) -> Any:
        from ray.util.scheduling_strategies import (  # type: ignore[import-not-found,unused-ignore]
            NodeAffinitySchedulingStrategy,
        )

        where = NodeAffinitySchedulingStrategy(machine.node, soft=False)
        task = self._ray.remote(look).options(scheduling_strategy=where, num_cpus=0, max_retries=0)
        return task.remote(self._probe.path, self._probe.token, self._probe.photo, __version__)

    def _answers(self, timeout: float) -> list[str]:
        """What is wrong with machines that have answered; those with which nothing is get their seats."""
        if not self._asked:
            return []
        answered, _ = self._ray.wait(list(self._asked), num_returns=1, timeout=timeout)
        faults = []
        for ref in [*answered, *self._late()]:
            machine, _ = self._asked.pop(ref)
            fault = self._answer(ref) if ref in answered else "does not answer; restart Ray there"
            if machine.node not in ray_cluster.machines(self._ray):
                continue
            if fault is None:
                self._pool.add(self._seats(machine))
            else:
                faults.append(f"machine {machine.name}: {fault}")
        return faults

    def _late(self) -> list[Any]:
        limit = time.monotonic() - ANSWER
        return [ref for ref, (_, since) in self._asked.items() if since < limit]

    def _answer(self, ref: Any) -> str | None:
        try:
            fault: Fault | None = self._ray.get(ref)
        except Exception as error:
            return f"cannot run stillmotion ({one_line(error)}); install stillmotion[ray] {__version__} there"
        return fault.text if fault else None
