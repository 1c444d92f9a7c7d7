"""Who may work in a batch's folder: one process alone, or the shards of one count beside each other.

``.lock`` is held shared by shards and alone by an unsharded run; each shard holds a lock of its own as well.
Locks are the kernel's (flock): a killed process holds none.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from stillmotion.errors import StillmotionError

LOCK = ".lock"
PATIENCE = 2.0
"""Seconds: a shard that ends looks for a moment whether it was the last, and holds all while it does."""


@contextmanager
def claim(work: Path, shard: tuple[int, int]) -> Iterator[None]:
    """Hold ``work`` for this shard, (1, 1) being all of it; StillmotionError while another run has it."""
    until = time.monotonic() + PATIENCE
    with ExitStack() as held:
        while not _claim(held, work, *shard):
            held.close()
            if time.monotonic() > until:
                raise StillmotionError(
                    f"{work.parent}: another batch works in it; wait for its end, or name another folder"
                )
            time.sleep(0.05)
        yield


def _claim(held: ExitStack, work: Path, number: int, count: int) -> bool:
    """Take the shard's locks until ``held`` ends; False where another run is in the way."""
    if count == 1:
        return _hold(held, work / LOCK, fcntl.LOCK_EX)
    others = (path for path in work.glob(f"{LOCK}-*") if not path.name.endswith(f"-of-{count}"))
    return (
        _hold(held, work / LOCK, fcntl.LOCK_SH)
        and _hold(held, work / f"{LOCK}-{number}-of-{count}", fcntl.LOCK_EX)
        and all(is_free(path) for path in others)
    )


@contextmanager
def alone(work: Path) -> Iterator[bool]:
    """Hold all of ``work``, if nobody else holds a part of it: whether that is so."""
    with ExitStack() as held:
        yield work.is_dir() and _hold(held, work / LOCK, fcntl.LOCK_EX)


def is_free(path: Path) -> bool:
    """Whether nobody holds the lock at this moment."""
    with ExitStack() as held:
        return _hold(held, path, fcntl.LOCK_EX)


def _hold(held: ExitStack, path: Path, how: int) -> bool:
    """Take the lock until ``held`` ends; False where another process has it."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, how | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(handle), os.stat(path)):
                held.callback(os.close, handle)
                return True
        except BlockingIOError:
            os.close(handle)
            return False
        except FileNotFoundError:
            pass  # a run that ended removed the file between our two looks at it
        os.close(handle)
