"""The durable record of a batch: one JSON line for each item that ended, and what is still to be done.

A line is appended and flushed to the disk when an item ends, so a kill at any moment loses no finished item;
a torn last line is ignored. When a run ends, its lines are written anew in the dataset's order. An item
counts as finished when a line names today's input and settings and the file's hash is the line's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from stillmotion.batch.job import Job, run_of
from stillmotion.batch.stages import STAGES
from stillmotion.errors import StillmotionError
from stillmotion.files import digest, write_text
from stillmotion.runs import RunFolder

if TYPE_CHECKING:
    from stillmotion.batch.layouts import Item
    from stillmotion.batch.stages import Outcome

NAME = "manifest.jsonl"
SHARDS = "manifest-*-of-*.jsonl"


class Entry(BaseModel):
    """One line: an item that is done, or set aside (``failed``) with its ``error``.

    ``input_sha256`` hashes photos and prompt, ``settings_sha256`` every setting and the preset,
    ``output_sha256`` the file, ``frames_sha256`` the RGB frames before encoding. ``seconds`` were spent in
    each stage; ``figures`` say all else that was measured.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    prompt_id: str
    output: str
    status: Literal["done", "failed"]
    attempts: int
    error: str | None = None
    input_sha256: str
    settings_sha256: str
    output_sha256: str | None = None
    frames_sha256: str | None = None
    seconds: dict[str, float] = {}
    figures: dict[str, Any] = {}


@dataclass(frozen=True)
class Order:
    """An item as this batch would make it: its hashes and the stages that it passes."""

    item: Item
    input_sha256: str
    settings_sha256: str
    stages: tuple[str, ...]


def shard_name(number: int, count: int) -> str:
    """The manifest's file name: its own for each shard that runs beside others."""
    return NAME if count == 1 else f"manifest-{number}-of-{count}.jsonl"


def read(path: Path) -> list[Entry]:
    """The lines of a manifest in their order; none where there is no file. A torn line is passed over."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    entries = []
    for line in text.split("\n"):
        try:
            entries.append(Entry.model_validate_json(line))
        except ValidationError:
            continue
    return entries


def read_all(folder: Path) -> dict[str, list[Entry]]:
    """Every line of every manifest in ``folder``, by output: the whole batch's first, then the shards'."""
    found: dict[str, list[Entry]] = {}
    for path in (folder / NAME, *sorted(folder.glob(SHARDS))):
        for entry in read(path):
            found.setdefault(entry.output, []).append(entry)
    return found


def write(path: Path, entries: Iterable[Entry]) -> None:
    """Write a manifest anew, atomically."""
    write_text(path, "".join(f"{_line(entry)}\n" for entry in entries))


def finished(order: Order, entries: Sequence[Entry], target: Path) -> Entry | None:
    """The line that says this very item is done, if ``target`` is still the file that it speaks of."""
    wanted = order.input_sha256, order.settings_sha256
    same = [e for e in entries if e.status == "done" and (e.input_sha256, e.settings_sha256) == wanted]
    if not same or not target.is_file():
        return None
    found = digest(target)
    return next((entry for entry in reversed(same) if entry.output_sha256 == found), None)


class Ledger:
    """Who is done, who is to be tried again, who is set aside: the one place where that is decided.

    Both engines give it every outcome and ask where the item goes next; it alone writes the manifest. Used by
    one thread of one process, which holds the batch's lock.
    """

    def __init__(self, job: Job, path: Path, orders: Sequence[Order], attempts: int = 3) -> None:
        """``path``: the manifest to append to; ``orders``: the items to be made, in the dataset's order."""
        self._job, self._path, self._most = job, path, attempts
        self._orders = {order.item.output: order for order in orders}
        self._failures = dict.fromkeys(self._orders, 0)
        self._passed = dict.fromkeys(STAGES, 0)
        self._due = {stage: sum(stage in order.stages for order in orders) for stage in STAGES}
        self.ended: dict[str, Entry] = {}

    @property
    def items(self) -> tuple[Item, ...]:
        """Those that have not ended, in order."""
        return tuple(o.item for name, o in self._orders.items() if name not in self.ended)

    def first(self, item: Item) -> str:
        """The stage where the item begins."""
        return self._orders[item.output].stages[0]

    def report(self, outcome: Outcome) -> str | None:
        """Take down an outcome. Returns the stage that the item goes to now: the next, or the same once more;
        None where it has ended, done or set aside.

        An outcome of an item that has ended already changes nothing. StillmotionError where the manifest
        cannot be written.
        """
        order = self._orders[outcome.output]
        if outcome.output in self.ended:
            return None
        if outcome.error is not None:
            self._failures[outcome.output] += 1
            if outcome.retry and self._failures[outcome.output] < self._most:
                return outcome.stage
            self._end(order, outcome)
            for stage in order.stages[order.stages.index(outcome.stage) :]:
                self._due[stage] -= 1
            return None
        self._passed[outcome.stage] += 1
        after = order.stages[order.stages.index(outcome.stage) + 1 :]
        if after:
            return after[0]
        self._end(order, outcome)
        return None

    def count(self, stage: str) -> tuple[int, int]:
        """How many items have passed ``stage`` in this run, and how many will have, as far as is known."""
        return self._passed[stage], self._due[stage]

    def _end(self, order: Order, outcome: Outcome) -> None:
        figures = dict(outcome.figures)
        done = outcome.error is None
        entry = Entry(
            id=order.item.id,
            prompt_id=order.item.prompt_id,
            output=outcome.output,
            status="done" if done else "failed",
            attempts=self._failures[outcome.output] + (1 if done else 0),
            error=outcome.error if done else f"{outcome.stage}: {outcome.error}",
            input_sha256=order.input_sha256,
            settings_sha256=order.settings_sha256,
            output_sha256=figures.pop("output_sha256", None),
            frames_sha256=figures.pop("frames_sha256", None),
            seconds=figures.pop("seconds", {}),
            figures=figures,
        )
        _append(self._path, entry)
        self.ended[outcome.output] = entry
        if done:
            RunFolder(run_of(self._job, order.item)).discard()


def _append(path: Path, entry: Entry) -> None:
    """Add a line and flush it to the disk; a torn one before it is closed off first."""
    try:
        with path.open("ab+") as file:
            size = file.seek(0, os.SEEK_END)
            if size:
                file.seek(size - 1)
                torn = file.read(1) != b"\n"
            else:
                torn = False
            file.write((("\n" if torn else "") + _line(entry) + "\n").encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StillmotionError(f"{path}: could not be written: {error.strerror or error}") from error


def _line(entry: Entry) -> str:
    return json.dumps(entry.model_dump(mode="json"), ensure_ascii=False)
