"""A dataset becomes a folder of videos: checked whole, then stage by stage, resumable at any kill.

    examine     every item's request, photos and hashes, before anything is written
    run         what is not finished yet, through an engine; then the manifest in order

The local engine takes all items through one stage before it loads the models of the next. Engines know no
files: the ledger says where an item goes and what is written about it.
"""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from stillmotion import motion, presets
from stillmotion.batch import manifest
from stillmotion.batch.job import (
    WORK,
    Job,
    input_hash,
    request_of,
    run_of,
    settings_hash,
    target_of,
)
from stillmotion.batch.locks import LOCK, alone, claim
from stillmotion.batch.manifest import Entry, Ledger, Order
from stillmotion.batch.reading import failed
from stillmotion.batch.stages import STAGES, Worker, stages_of
from stillmotion.errors import InputError, MissingWeightsError
from stillmotion.files import digest, remove, sweep
from stillmotion.output import check_target
from stillmotion.progress import Progress, silent
from stillmotion.request import settle
from stillmotion.steps import check_weights, hash_photo

if TYPE_CHECKING:
    from stillmotion.batch.layouts import Dataset, Item

ENGINES = ("local", "ray")
log = logging.getLogger("stillmotion")


@dataclass(frozen=True)
class Summary:
    """What a run came to: videos made, set aside (their lines: ``failures``), and there before."""

    done: int
    failed: int
    skipped: int
    seconds: float
    failures: tuple[Entry, ...] = ()


def run(
    dataset: Dataset,
    job: Job,
    engine: str = "local",
    shard: tuple[int, int] = (1, 1),
    limit: int | None = None,
    attempts: int = 3,
    progress: Progress = silent,
) -> Summary:
    """Make the videos of ``dataset`` that are not there yet, into ``job.out``.

    ``shard`` (number from 1, count) takes that part of the items, ``limit`` the first so many of them. An
    item that fails is tried ``attempts`` times in all, unless it is itself wrong, and then set aside. Raises
    InputError before any work for what is wrong with items or folder, StillmotionError for what stops all
    of them; after that, a KeyboardInterrupt or a kill the same call goes on.
    """
    started = time.monotonic()
    if engine not in ENGINES:
        raise InputError(f"engine: '{engine}' is unknown; there are {', '.join(ENGINES)}")
    items = part_of(dataset.items, shard, limit)
    orders = examine(dataset, job, items)
    made_folder = _open_folder(job.out)
    try:
        with claim(job.out / WORK, shard):
            known = manifest.read_all(job.out)
            ready = _finished(job, orders, known)
            todo = [order for order in orders if order.item.output not in ready]
            _check_targets(dataset, job, todo, known)
            path = job.out / manifest.shard_name(*shard)
            ledger = Ledger(job, path, todo, attempts)
            _work(engine, job, ledger, attempts, progress)
            entries = ready | ledger.ended
            if ledger.ended or shard == (1, 1):
                _write_manifest(dataset, job, path, entries, known if shard == (1, 1) else {})
        _tidy(dataset, job, shard)
    except InputError:
        _take_back(job.out, made_folder)
        raise
    failures = tuple(entry for entry in ledger.ended.values() if entry.status == "failed")
    seconds = time.monotonic() - started
    return Summary(len(ledger.ended) - len(failures), len(failures), len(ready), seconds, failures)


def part_of(items: Sequence[Item], shard: tuple[int, int], limit: int | None) -> tuple[Item, ...]:
    """The shard's items: neighbours, so that one person's videos stay together; its first ``limit``."""
    number, count = shard
    if not 1 <= number <= count:
        raise InputError(f"shard: {number}/{count} is none; take 1/{count} to {count}/{count}")
    if limit is not None and limit < 1:
        raise InputError(f"limit: {limit} is less than 1")
    total = len(items)
    part = items[(number - 1) * total // count : number * total // count]
    return tuple(part[:limit])


def examine(dataset: Dataset, job: Job, items: Sequence[Item]) -> list[Order]:
    """Each item's hashes and stages; InputError for wrong settings, photos that are gone, missing weights."""
    preset = presets.preset(job.preset)
    photos: dict[Path, str] = {}
    settings_checked: set[str] = set()
    orders, problems = [], []
    outputs = {PurePosixPath(item.output).with_suffix("") for item in items}
    for item in items:
        try:
            if outputs & set(PurePosixPath(item.output).parents):
                raise InputError("output: lies in a folder named like another video; rename it")
            request = request_of(job, item)
            if request.preset != preset.name:
                raise InputError(
                    f"preset: '{request.preset}' is not the batch's '{preset.name}'; make another batch"
                )
            if not request.faces:
                raise InputError("faces: give at least one photo of the person")
            settings = settle(request)
            kind = settings.model_copy(update={"seed": 0}).model_dump_json()
            if kind not in settings_checked:
                check_weights(preset, settings, "still" in stages_of(request), motion=True)
                motion.check(preset.motion, settings, None)
                settings_checked.add(kind)
            for face in request.faces:
                photos[face] = photos.get(face) or hash_photo(face).sha256
            entered = input_hash(tuple(photos[face] for face in request.faces), request.prompt)
            orders.append(Order(item, entered, settings_hash(request), stages_of(request)))
        except MissingWeightsError:
            raise
        except InputError as error:
            problems.append(f"{item.output}: {error}")
    if problems:
        raise failed(dataset.root, problems)
    return orders


def run_local(job: Job, ledger: Ledger, progress: Progress) -> None:
    """All items through one stage, then all through the next; one stage's models at a time."""
    queues: dict[str, deque[Item]] = {stage: deque() for stage in STAGES}
    for item in ledger.items:
        queues[ledger.first(item)].append(item)
    for stage, queue in queues.items():
        if not queue:
            continue
        worker = Worker(job, stage)
        try:
            progress(stage, *ledger.count(stage))
            while queue:
                item = queue.popleft()
                after = ledger.report(worker(item))
                if after is not None:  # the next stage, or this one again when all others have had a try
                    queues[after].append(item)
                progress(stage, *ledger.count(stage))
        finally:
            worker.close()


def _work(engine: str, job: Job, ledger: Ledger, attempts: int, progress: Progress) -> None:
    items = ledger.items
    if not items:
        return
    if engine == "ray":
        from stillmotion.batch import ray_engine

        ray_engine.run(items, job, ledger, attempts, progress)
    else:
        run_local(job, ledger, progress)


def _open_folder(out: Path) -> bool:
    """Make the output's folder if need be: whether it was made. InputError where it cannot be written."""
    try:
        fresh = not out.is_dir()
        if fresh:
            out.mkdir()
        (out / WORK).mkdir(exist_ok=True)
    except FileNotFoundError:
        raise InputError(f"{out}: there is no folder {out.parent}; create it first") from None
    except FileExistsError:
        raise InputError(f"{out}: is a file; name a folder for the videos") from None
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror}; name another folder") from None
    if not os.access(out, os.W_OK | os.X_OK):
        raise InputError(f"{out}: is not writable; mend its rights or name another folder")
    return fresh


def _finished(job: Job, orders: Sequence[Order], known: Mapping[str, Sequence[Entry]]) -> dict[str, Entry]:
    """Those that need no work, with their lines; what a kill left of their runs is removed."""
    ready = {}
    for order in orders:
        output = order.item.output
        entry = manifest.finished(order, known.get(output, ()), target_of(job, order.item))
        if entry:
            ready[output] = entry
            remove(run_of(job, order.item))
    return ready


def _check_targets(
    dataset: Dataset, job: Job, todo: Sequence[Order], known: Mapping[str, Sequence[Entry]]
) -> None:
    """InputError where a video's place is taken by something that is not ours.

    A file of which the manifest says that it was ours, and which is not what it was, is moved aside.
    """
    problems, damaged = [], []
    root = job.out.resolve()
    for order in todo:
        target = target_of(job, order.item)
        try:
            if not target.parent.resolve().is_relative_to(root):
                raise InputError(f"{target.parent}: leads out of {job.out}; remove that link")
            blocked = next((p for p in target.relative_to(job.out).parents if (job.out / p).is_file()), None)
            if blocked is not None:
                raise InputError(f"{job.out / blocked}: is a file where a folder is needed; move it away")
            if target.exists():
                check_target(target, ".mp4")
        except InputError as error:
            if target.is_file() and any(e.status == "done" for e in known.get(order.item.output, ())):
                damaged.append(target)
            else:
                problems.append(str(error).replace("choose another name or add --force", "move it away"))
    if problems:
        raise failed(job.out, problems)
    for target in damaged:
        os.replace(target, f"{target}.damaged")
        log.warning(
            "%s: is not the file that was written; moved to %s.damaged, made again", target, target.name
        )


def _write_manifest(
    dataset: Dataset,
    job: Job,
    path: Path,
    entries: Mapping[str, Entry],
    known: Mapping[str, Sequence[Entry]],
) -> None:
    """The manifest at ``path``, one line for each output: ``entries``, and of others what is ``known``."""
    lines = {output: _latest(job.out / output, found) for output, found in known.items()} | dict(entries)
    names = [item.output for item in dataset.items if item.output in lines]
    rest = sorted(lines.keys() - set(names))
    manifest.write(path, [lines[name] for name in (*names, *rest)])


def _latest(target: Path, entries: Sequence[Entry]) -> Entry:
    """Of several lines for one output the one that its file bears out, else the last."""
    if len(entries) == 1 or not target.is_file():
        return entries[-1]
    found = digest(target)
    return next((entry for entry in reversed(entries) if entry.output_sha256 == found), entries[-1])


def _tidy(dataset: Dataset, job: Job, shard: tuple[int, int]) -> None:
    """Where no other shard is at work: one manifest of all shards that have ended, no empty work folder.

    The last shard to end finds the manifests of all others. What stays in ``.work`` are the runs of items
    that were set aside, for the next try.
    """
    work = job.out / WORK
    with alone(work) as free:
        if not free:
            return
        shards = sorted(job.out.glob(manifest.SHARDS))
        known = manifest.read_all(job.out)
        whole = all(item.output in known for item in dataset.items)
        if shards and whole:
            _write_manifest(dataset, job, job.out / manifest.NAME, {}, known)
            for path in shards:
                remove(path)
        for entry in work.iterdir():
            if entry.name.startswith(".") and not entry.name.startswith(LOCK):
                remove(entry)  # identities, and whatever a killed engine left beside the runs
        _prune(work)


def _prune(work: Path) -> None:
    """Remove empty folders, and ``work`` itself where only locks are left; the caller holds them all."""
    sweep(work)
    for folder, _, _ in os.walk(work, topdown=False):
        if Path(folder) != work:
            with suppress(OSError):
                os.rmdir(folder)
    if all(entry.name.startswith(LOCK) for entry in work.iterdir()):
        remove(work)


def _take_back(out: Path, made: bool) -> None:
    """Nothing was begun: leave no trace of the folders that were made for it."""
    with suppress(OSError), alone(out / WORK) as free:
        if free:
            _prune(out / WORK)
    if made:
        with suppress(OSError):
            out.rmdir()
