"""What runs on the machines of a Ray cluster: a look around before work starts, and the processes that work.

Ray takes these by name from the package on each machine, so importing this file must be quick and safe;
nothing here knows of the cluster. Faults travel as text, since not every exception survives the way.
"""

from __future__ import annotations

import fcntl
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from stillmotion import __version__
from stillmotion.errors import InputError, StillmotionError
from stillmotion.libraries import one_line

if TYPE_CHECKING:
    from stillmotion.batch.job import Job
    from stillmotion.batch.layouts import Item
    from stillmotion.batch.stages import Outcome, Worker

SHARED_WITHIN = 10.0
"""Seconds in which a new file on a shared disk must show on every machine: NFS remembers for a while."""
LOCK_OUTLIVES = 120.0
"""Seconds that the lock of a run may outlive who held it: NFS waits 90 for a machine that is gone."""


@dataclass(frozen=True)
class Fault:
    """Why a process cannot work at all; ``user``: a person has to mend it, another try is vain."""

    text: str
    user: bool


def look(probe: Path, token: str, photo: Path | None, version: str) -> Fault | None:
    """What is wrong with this machine for the batch; None: it may work.

    ``probe`` is a file that the driver wrote into the batch's folder, ``token`` its text, ``photo`` one of
    the dataset's, ``version`` the driver's stillmotion.
    """
    if version != __version__:
        return Fault(f"has stillmotion {__version__}, and this one {version}; install the same", True)
    if not _holds(probe, token):
        return Fault(
            f"does not see {probe.parent.parent}; the videos' folder must lie on a disk that all share", True
        )
    try:
        mine = probe.with_name(f"{probe.name}.{uuid4().hex}")
        mine.write_text(token, encoding="ascii")
        mine.unlink()
    except OSError as error:
        return Fault(f"cannot write to {probe.parent}: {error.strerror}; mend its rights there", True)
    if photo is not None and not os.access(photo, os.R_OK):
        return Fault(f"cannot read {photo}; the dataset must lie on a disk that all share", True)
    return None


def _holds(probe: Path, token: str) -> bool:
    """Whether the file is there with this text, before time is up."""
    until = time.monotonic() + SHARED_WITHIN
    while True:
        try:
            if probe.read_text(encoding="ascii") == token:
                return True
        except (OSError, ValueError):
            pass
        if time.monotonic() > until:
            return False
        time.sleep(0.5)


class Hand:
    """One process of a pool: it holds a Worker for each stage that it was asked for, models loaded once.

    ``threads`` bounds torch: the frames' last bits depend on that number, and processes that share a machine
    must not have more threads than it has cores.
    """

    def __init__(self, job: Job, threads: int) -> None:
        self._job, self._threads = job, threads
        self._workers: dict[str, Worker] = {}

    def begin(self) -> None:
        """Answer as soon as this process runs, its threads bounded."""
        os.environ["OMP_NUM_THREADS"] = str(self._threads)
        import torch

        torch.set_num_threads(self._threads)

    def take(self, stage: str, item: Item) -> Outcome | Fault:
        """Take ``item`` through ``stage``; a Fault where no item would pass here."""
        from stillmotion.batch import stages
        from stillmotion.batch.job import run_of

        try:
            _when_free(run_of(self._job, item))
            if stage not in self._workers:
                self._workers[stage] = stages.Worker(self._job, stage)
            return self._workers[stage](item)
        except Exception as fault:
            known = isinstance(fault, StillmotionError)
            text = one_line(fault, 500) if known else f"{type(fault).__name__}: {one_line(fault, 400)}"
            return Fault(text, isinstance(fault, InputError))


def _when_free(run: Path) -> None:
    """Return when nobody holds the run's lock, or when it is held for longer than a dead process's is."""
    until = time.monotonic() + LOCK_OUTLIVES
    while time.monotonic() < until:
        try:
            with (run / "lock").open("r+b") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(0.5)
        except OSError:  # there is no run yet, or its fault will be told by whoever opens it
            return
