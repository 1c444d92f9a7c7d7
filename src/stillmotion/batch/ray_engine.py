"""The engine for many machines: one Ray job, its pools of processes fed from queues, one for each stage.

Ray carries the work and nothing else. The ledger says what becomes of an item, the run folders on the shared
disk hold what is finished of it, and the driver counts what an item has cost: Ray's own retries are off. An
item is in one place at a time, in a queue or with one process, so nothing is made twice at once and nothing
is lost when a machine is.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stillmotion import errors
from stillmotion.batch import ray_cluster
from stillmotion.batch.job import Job
from stillmotion.batch.ray_crew import ANSWER, Crew, probing
from stillmotion.batch.ray_pool import Pool, Seat, layout
from stillmotion.batch.ray_worker import Fault
from stillmotion.batch.stages import STAGES, Outcome
from stillmotion.libraries import one_line
from stillmotion.progress import Progress

if TYPE_CHECKING:
    from stillmotion.batch.layouts import Item
    from stillmotion.batch.manifest import Ledger

AHEAD = 16
"""Items that may wait before a stage for each of its GPUs; then what feeds it pauses. Loading models, a
minute or two, is little beside so many videos, and as many unfinished runs fit on any disk."""
LOOK_AROUND = 2.0
"""Seconds between two looks at which machines there are."""
DEATH_IS_KNOWN = 30.0
"""Seconds after which Ray has noticed that a machine is gone, and did not only lose one process."""
NO_MACHINE = 300.0
"""Seconds to wait for a machine where none is left."""
LOSSES = 3
"""An item may lose this many machines for each attempt that it has: most often it is not to blame."""
HANGS_AFTER, HANGS_TIMES = 1800.0, 20
"""An item hangs after so many seconds, if they are so many times those of the longest item before it."""
BACK_OFF = 2.0
"""Seconds before an item is tried again; each further time so many times longer."""
log = logging.getLogger("stillmotion")


def run(items: Sequence[Item], job: Job, ledger: Ledger, attempts: int, progress: Progress) -> None:
    """Take ``items`` through their stages on all machines of the cluster, reporting to ``ledger``.

    Raises InputError before any work where a machine cannot take part, StillmotionError where none is left
    that can work. KeyboardInterrupt ends the processes and passes on; the same batch goes on from the run
    folders.
    """
    with ray_cluster.connected() as ray:
        job = replace(job, out=Path(os.path.abspath(job.out)))
        items = [replace(item, faces=tuple(Path(os.path.abspath(f)) for f in item.faces)) for item in items]
        chosen = layout(job, items)
        pool = Pool(ray, job, chosen)
        try:
            with probing(job, items) as probe:
                crew = Crew(ray, job, chosen, pool, probe, len(items))
                crew.gather()
                Dispatcher(ray, pool, crew, ledger, attempts * LOSSES, progress).run(items)
        except (ray.exceptions.RayError, ConnectionError) as fault:
            raise errors.StillmotionError(
                f"the Ray cluster is lost: {one_line(fault)}; start it again, and the same command goes on"
            ) from None
        finally:
            pool.close()


class Dispatcher:
    """The queues before the stages, and the one loop that empties them."""

    def __init__(
        self, ray: Any, pool: Pool, crew: Crew, ledger: Ledger, most_losses: int, progress: Progress
    ) -> None:
        self._ray, self._pool, self._crew, self._ledger = ray, pool, crew, ledger
        self._most_losses, self._progress = most_losses, progress
        self._waiting: dict[str, deque[Item]] = {stage: deque() for stage in STAGES}
        self._later: list[tuple[float, int, str, Item]] = []
        self._numbers = itertools.count()
        self._unjudged: list[tuple[float, str, str, Item, str]] = []
        self._losses: dict[str, int] = {}
        self._tries: dict[str, int] = {}
        self._longest: dict[str, float] = {}
        self._told: set[str] = set()
        self._left = 0
        self._since_work = time.monotonic()
        self._fault = Fault("no machine is left", False)

    def run(self, items: Sequence[Item]) -> None:
        """Until every item has ended; see ``ray_engine.run``."""
        for item in items:
            self._waiting[self._ledger.first(item)].append(item)
        self._left = len(items)
        for stage in STAGES:
            done, due = self._ledger.count(stage)
            if due:
                self._progress(stage, done, due)
        looked = time.monotonic()
        while self._left:
            if time.monotonic() - looked > LOOK_AROUND:
                self._look_around()
                looked = time.monotonic()
            self._hand_out()
            self._take_in()

    def _hand_out(self) -> None:
        """Give every seat that is free what is most urgent for it."""
        while self._later and self._later[0][0] <= time.monotonic():
            _, _, stage, item = heapq.heappop(self._later)
            self._waiting[stage].append(item)
        waiting = {stage: len(queue) for stage, queue in self._waiting.items()}
        for as_it_is in (True, False):  # those whose models are loaded first
            for seat in self._pool.idle():
                wanted = choose(seat, self._pool, waiting)
                if wanted is None:
                    continue
                if self._pool.fits(seat, wanted):
                    self._pool.give(seat, wanted, self._waiting[wanted].popleft())
                    waiting[wanted] -= 1
                elif not as_it_is and self._pool.coming(seat, wanted) < self._work_for(seat, wanted):
                    self._pool.start(seat, wanted)

    def _work_for(self, seat: Seat, stage: str) -> int:
        """How many items wait for a process like the one that ``seat`` would start for ``stage``."""
        alike = self._pool.layout.cpu if seat.kind == "cpu" else (stage,)
        return sum(len(self._waiting[each]) for each in alike)

    def _take_in(self) -> None:
        """Wait a moment for answers, and deal with those that came."""
        under_way = self._pool.refs()
        if not under_way:
            self._check_for_seats()
            time.sleep(0.2)
            return
        self._since_work = time.monotonic()
        answered, _ = self._ray.wait(list(under_way), num_returns=1, timeout=0.5)
        for ref in answered:
            try:
                answer = self._ray.get(ref)
            except Exception as fault:  # Ray's own classes, and any that a worker raised
                self._died(under_way[ref], fault)
            else:
                self._deal(under_way[ref], answer)

    def _deal(self, seat: Seat, answer: Outcome | Fault | None) -> None:
        since = time.monotonic() - seat.since
        work = self._pool.done(seat)
        if isinstance(answer, Fault):
            assert work
            self._waiting[work[0]].appendleft(work[1])
            self._fault = Fault(f"machine {seat.machine.name}: {answer.text}", answer.user)
            self._pool.fail(seat, for_good=answer.user)
            if seat.closed:
                self._tell(f"{self._fault.text}; it works without that process")
        elif answer is not None:
            assert work
            if answer.error is None or answer.retry:
                self._pool.judge(seat, answer.error is None)
            self._longest[work[0]] = max(self._longest.get(work[0], 0.0), since)
            self._report(answer, work[1])

    def _report(self, outcome: Outcome, item: Item) -> None:
        """Tell the ledger, and queue the item where it says."""
        after = self._ledger.report(outcome)
        self._progress(outcome.stage, *self._ledger.count(outcome.stage))
        if after is None:
            self._left -= 1
        elif outcome.error is None:
            self._waiting[after].append(item)
        else:
            self._tries[item.output] = self._tries.get(item.output, 0) + 1
            self._put_off(BACK_OFF ** self._tries[item.output], after, item)

    def _put_off(self, seconds: float, stage: str, item: Item) -> None:
        """Queue the item after a while: what held it up, such as a lock of a dying process, may pass."""
        heapq.heappush(self._later, (time.monotonic() + seconds, next(self._numbers), stage, item))

    def _died(self, seat: Seat, fault: Exception) -> None:
        """A process is gone, or an answer cannot be read: whose fault it was will be known soon."""
        work = self._pool.done(seat)
        text = f"its process died: {type(fault).__name__}"
        if work is None:
            self._pool.fail(seat)
            self._fault = Fault(f"machine {seat.machine.name}: no process starts: {one_line(fault)}", False)
        else:
            self._pool.lose(seat)
            until = time.monotonic() + DEATH_IS_KNOWN
            self._unjudged.append((until, seat.machine.node, *work, text))

    def _look_around(self) -> None:
        """Machines that came and went, processes that hang, deaths whose cause is known by now."""
        for stage, item in self._crew.refresh():
            self._lost(stage, item)
        self._crew.welcome()
        for seat in self._pool.refs().values():
            self._check_for_hanging(seat)
        unjudged, self._unjudged = self._unjudged, []
        for death in unjudged:
            until, node, stage, item, text = death
            if node not in self._crew.alive:
                self._lost(stage, item)
            elif time.monotonic() > until:
                self._report(Outcome(item.output, stage, text, True), item)
            else:
                self._unjudged.append(death)

    def _lost(self, stage: str, item: Item) -> None:
        """The item's machine is gone, which is not counted as an attempt: not until it looks like a habit."""
        self._losses[item.output] = count = self._losses.get(item.output, 0) + 1
        if count < self._most_losses:
            self._put_off(BACK_OFF, stage, item)
        else:
            self._report(Outcome(item.output, stage, f"{count} machines were lost while they made it"), item)

    def _check_for_hanging(self, seat: Seat) -> None:
        seconds = time.monotonic() - seat.since
        if seat.work is None:
            if seconds > ANSWER:
                self._tell(f"machine {seat.machine.name}: waits for cores or GPUs that other work holds")
            return
        stage, item = seat.work
        longest = self._longest.get(stage)
        if longest is not None and seconds > max(HANGS_AFTER, HANGS_TIMES * longest):
            self._pool.lose(seat)
            self._report(Outcome(item.output, stage, f"gave no answer in {seconds:.0f} s", True), item)

    def _tell(self, text: str) -> None:
        """Warn of it, once."""
        if text not in self._told:
            self._told.add(text)
            log.warning("%s", text)

    def _check_for_seats(self) -> None:
        """StillmotionError where nobody works, work waits, and nobody will come."""
        too_long = time.monotonic() - self._since_work > NO_MACHINE
        for kind in {self._pool.layout.of(stage) for stage, queue in self._waiting.items() if queue}:
            if not self._pool.open(kind) and (too_long or self._pool.given_up(kind)):
                error = errors.InputError if self._fault.user else errors.StillmotionError
                raise error(f"{self._fault.text}; mend that, and the same command goes on")


def choose(seat: Seat, pool: Pool, waiting: dict[str, int]) -> str | None:
    """The stage that a free seat should take next; None: nothing for it, or what it would make piles up.

    The latest stage first, so that videos come out from the beginning and few are half made. A GPU stays with
    its models while there is work for them, unless AHEAD items for each GPU of the next stage wait.
    """
    ready = []
    for stage in pool.layout.stages(seat.kind):
        after = STAGES[STAGES.index(stage) + 1 :]
        full = any(waiting[next_] >= AHEAD * (1 + pool.count(next_)) for next_ in after)
        if waiting[stage] and not full:
            ready.append(stage)
    if seat.kind == "gpu" and seat.stage in ready:
        return seat.stage
    return ready[-1] if ready else None
