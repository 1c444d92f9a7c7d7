"""Pools of processes on the machines of a Ray cluster: how many, where, for which stages, and who is free.

A seat is a place for one process: a GPU, or so many cores. A seat on the CPU holds all stages of its kind at
once; a seat on a GPU holds one stage's models and takes another's only when the queues ask for it, in a new
process.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from stillmotion import presets
from stillmotion.batch.job import Job
from stillmotion.batch.ray_cluster import Machine
from stillmotion.batch.ray_worker import Hand
from stillmotion.batch.stages import STAGES

if TYPE_CHECKING:
    from stillmotion.batch.layouts import Item

Kind = Literal["cpu", "gpu"]
REST = 5.0
"""Seconds before a seat whose process died or could not work gets a new one."""
LONGEST_REST = 60.0
"""Seconds of rest of a seat where one item after another failed: a broken GPU is quick, and would get all."""
MOST_FAULTS = 3
"""Processes in a row that may not come to work on a seat before it is given up."""


@dataclass(frozen=True)
class Layout:
    """Which kind of seat each stage needs. ``gpu`` is empty where the job runs on the CPU."""

    cpu: tuple[str, ...]
    gpu: tuple[str, ...]

    def of(self, stage: str) -> Kind:
        """The kind of seat that ``stage`` needs."""
        return "gpu" if stage in self.gpu else "cpu"

    def stages(self, kind: Kind) -> tuple[str, ...]:
        """The stages that a seat of this kind may take, in their order."""
        return self.gpu if kind == "gpu" else self.cpu


@dataclass
class Seat:
    """A place for one process, and what it does now. ``stage``: whose models a process on a GPU holds.

    ``faults`` counts processes in a row that could not work at all, ``failures`` items in a row that failed.
    """

    machine: Machine
    kind: Kind
    threads: int
    stage: str | None = None
    actor: Any = None
    ref: Any = None
    work: tuple[str, Item] | None = None
    since: float = 0.0
    rests_until: float = 0.0
    faults: int = 0
    failures: int = 0

    @property
    def closed(self) -> bool:
        """Whether it has been given up."""
        return self.faults >= MOST_FAULTS

    @property
    def idle(self) -> bool:
        """Whether it can take work, if need be with a new process."""
        return self.ref is None and not self.closed and time.monotonic() >= self.rests_until


def layout(job: Job, items: Sequence[Item]) -> Layout:
    """Faces are read on the CPU in any case, prompts unless a language model writes."""
    preset = presets.preset(job.preset)
    if (job.device or preset.device) == "cpu":
        return Layout(STAGES, ())
    usual = job.options.get("writer") or preset.writer
    writers = {str(item.options.get("writer") or usual) for item in items}
    if any(writer.startswith("transformers") for writer in writers):
        return Layout(("identity",), ("plan", "still", "motion"))
    return Layout(("identity", "plan"), ("still", "motion"))


def seats(machine: Machine, job: Job, chosen: Layout, threads: int, most: int) -> list[Seat]:
    """The seats of one machine, at most ``most`` of a kind.

    A job on the CPU gets as many as the cores have room for ``threads`` of each, and the memory for a preset
    each. A job on GPUs gets a seat for each GPU, and as many for what runs beside them on the CPU.
    """
    if machine.cores == 0 and machine.gpus == 0:
        return []
    if not chosen.gpu:
        need = presets.preset(job.preset).need
        room = int(machine.memory / 2**30 / max(need.memory + need.ram, 0.1))
        count = max(1, min(machine.cores // threads, room, most))
        return [Seat(machine, "cpu", threads) for _ in range(count)]
    on_gpu = [
        Seat(machine, "gpu", max(1, min(threads, machine.cores // machine.gpus)))
        for _ in range(min(machine.gpus, most))
    ]
    beside = max(1, min(machine.gpus, machine.cores, most))
    return on_gpu + [Seat(machine, "cpu", 1) for _ in range(beside)]


class Pool:
    """All seats of the cluster. Starts processes, hands out work, tells what is under way."""

    def __init__(self, ray: Any, job: Job, chosen: Layout) -> None:
        self.ray, self.layout = ray, chosen
        self.seats: list[Seat] = []
        self._job, self._hand = job, ray.remote(Hand)

    def add(self, new: Sequence[Seat]) -> None:
        """A machine has come."""
        self.seats.extend(new)

    def remove(self, node: str) -> list[tuple[str, Item]]:
        """A machine is gone: what its seats were at."""
        gone = [seat for seat in self.seats if seat.machine.node == node]
        lost = [seat.work for seat in gone if seat.work]
        self.seats = [seat for seat in self.seats if seat.machine.node != node]
        for seat in gone:
            self._kill(seat)
        return lost

    def count(self, stage: str) -> int:
        """How many GPUs hold the models of ``stage``."""
        return sum(seat.stage == stage for seat in self.seats)

    def coming(self, seat: Seat, stage: str) -> int:
        """How many processes are starting that could take what ``seat`` would for ``stage``."""
        return sum(
            other.ref is not None and other.work is None and (seat.kind == "cpu" or other.stage == stage)
            for other in self.seats
            if other.kind == seat.kind
        )

    def open(self, kind: Kind) -> bool:
        """Whether any seat of this kind is still in use."""
        return any(seat.kind == kind and not seat.closed for seat in self.seats)

    def given_up(self, kind: Kind) -> bool:
        """Whether any seat of this kind was given up."""
        return any(seat.kind == kind and seat.closed for seat in self.seats)

    def refs(self) -> dict[Any, Seat]:
        """What is under way, by Ray's reference."""
        return {seat.ref: seat for seat in self.seats if seat.ref is not None}

    def idle(self) -> list[Seat]:
        """Those who can take work now."""
        return [seat for seat in self.seats if seat.idle]

    def fits(self, seat: Seat, stage: str) -> bool:
        """Whether the seat's process can take ``stage`` as it is."""
        return seat.actor is not None and (seat.kind == "cpu" or seat.stage == stage)

    def start(self, seat: Seat, stage: str) -> None:
        """Let the seat have a new process, one that can take ``stage``."""
        self._kill(seat)
        seat.stage = stage if seat.kind == "gpu" else None
        seat.actor = self._actor(seat)
        seat.ref, seat.since = seat.actor.begin.remote(), time.monotonic()

    def give(self, seat: Seat, stage: str, item: Item) -> None:
        """Let the seat's process take ``item`` through ``stage``."""
        seat.ref, seat.work = seat.actor.take.remote(stage, item), (stage, item)
        seat.since = time.monotonic()

    def done(self, seat: Seat) -> tuple[str, Item] | None:
        """The seat has answered: what it was at, None where it had just begun."""
        work, seat.ref, seat.work = seat.work, None, None
        return work

    def fail(self, seat: Seat, for_good: bool = False) -> None:
        """The seat's process is of no use: end it, and begin anew after a rest, or never."""
        self._kill(seat)
        seat.faults = MOST_FAULTS if for_good else seat.faults + 1
        seat.rests_until = time.monotonic() + REST

    def judge(self, seat: Seat, passed: bool) -> None:
        """An item has passed on this seat, or failed in a way that another seat may not."""
        seat.failures = 0 if passed else seat.failures + 1
        if passed:
            seat.faults = 0
        elif seat.failures >= MOST_FAULTS:
            seat.rests_until = time.monotonic() + min(REST * 2**seat.failures, LONGEST_REST)

    def lose(self, seat: Seat) -> None:
        """The seat's process died over an item, or hangs: the item's fault as likely as the seat's."""
        self._kill(seat)
        seat.rests_until = time.monotonic() + REST
        self.judge(seat, False)

    def close(self) -> None:
        """End every process. What they were at lies in the run folders."""
        for seat in self.seats:
            self._kill(seat)

    def _actor(self, seat: Seat) -> Any:
        from ray.util.scheduling_strategies import (  # type: ignore[import-not-found,unused-ignore]
            NodeAffinitySchedulingStrategy,
        )

        # Ray would restart a process only where it was, and a machine that is gone does not come back: seats
        # are filled anew by us instead, with our own count of what an item has cost.
        options: dict[str, Any] = {
            "scheduling_strategy": NodeAffinitySchedulingStrategy(seat.machine.node, soft=False),
            "max_restarts": 0,
            "num_gpus": 1 if seat.kind == "gpu" else 0,
            "num_cpus": 0 if self.layout.gpu else min(seat.threads, seat.machine.cores),
        }
        return self._hand.options(**options).remote(self._job_of(seat), seat.threads)

    def _job_of(self, seat: Seat) -> Job:
        # What runs beside the GPUs must not look for one: its process is shown none.
        return replace(self._job, device="cpu") if seat.kind == "cpu" else self._job

    def _kill(self, seat: Seat) -> None:
        if seat.actor is not None:
            with suppress(Exception):  # already gone, or the cluster is: nothing is left to end
                self.ray.kill(seat.actor)
        seat.actor = seat.ref = seat.work = None
