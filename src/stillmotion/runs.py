"""The run folder: every intermediate of one run on disk, so that an interrupted run goes on where it stopped.

    request.json        what was asked, the settings with the drawn seed, the photos' hashes
    identity/           step 1        plan.json           step 2, for people to read and edit
    still/  motion/     steps 3, 4    still.parts/  motion.parts/  what an unfinished step has so far
    done/STEP.json      the mark of a finished step: the key of what it depends on, the digest of what it made
    lock                held by the process that works here

A step is finished only when its mark exists and the mark's key is today's: the key hashes the settings,
models and files that the step reads, so a changed prompt, seed or photo redoes exactly what depends on
it. Files are taken as they are now, so a step's result that a person edited counts, and the steps after
it are redone. The mark goes before a result changes and comes after it is whole, so a kill at any moment
costs at most the work in hand.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from stillmotion.errors import InputError, StillmotionError
from stillmotion.files import digest, remove, replacing, sweep, write_text

Value = TypeVar("Value")
COSTLY = ("still", "motion")
UNREADABLE = (OSError, ValueError, KeyError)


def key(**parts: Any) -> str:
    """The SHA-256 (hex) of everything that a step depends on, as canonical JSON."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def beside(output: Path) -> Path:
    """Where the run of a video lies if nobody says otherwise: a hidden folder next to it."""
    return output.with_name(f".{output.name}.run")


@contextmanager
def open_run(path: Path, keep: bool) -> Iterator[RunFolder]:
    """Lock the run folder at ``path``, made if need be, for the length of the block.

    ``keep`` is for a folder that the user named. Otherwise it is removed on success. After a wrong input
    nothing that this block began remains, except finished stills or motion in a kept folder. After a
    failure or an interruption everything finished remains for the next try. InputError where ``path``
    cannot be a run folder, StillmotionError while another process works in it.
    """
    fresh = not path.exists()
    lock = _lock(path)
    run = RunFolder(path)
    try:
        sweep(path)
        yield run
        if not keep:
            run.discard()
    except InputError:
        if fresh and not (keep and any(run.mark(step) for step in COSTLY)):
            run.discard()
        raise
    finally:
        os.close(lock)


def _lock(path: Path) -> int:
    """A handle that holds the folder's lock; the folder is made, and a foreign one is refused."""
    try:
        if path.is_dir() and any(path.iterdir()) and not (path / "lock").is_file():
            raise InputError(f"{path}: holds other files; name a new folder for the run")
        path.mkdir(exist_ok=True)
        while True:
            handle = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), os.stat(path / "lock")):
                    return handle
            os.close(handle)  # the run that held the lock removed its folder meanwhile
            path.mkdir(exist_ok=True)
    except BlockingIOError:
        os.close(handle)
        raise StillmotionError(
            f"{path}: another process works on this run; wait for it or name another folder (--run)"
        ) from None
    except FileExistsError:
        raise InputError(f"{path}: is a file; the run needs a folder") from None
    except FileNotFoundError:
        raise InputError(f"{path}: there is no folder {path.parent}; create it first") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be used as a run folder: {error.strerror}") from None


class RunFolder:
    """One run's folder, whose lock the caller holds (see ``open_run``)."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def step(
        self,
        name: str,
        key: str,
        make: Callable[[], Value],
        save: Callable[[Value, Path], object],
        load: Callable[[Path], Value],
    ) -> Value:
        """The step's result: loaded where it is finished under this key, else made and kept.

        ``save(value, path)`` writes a file, or fills a folder that it makes itself, at a temporary path. A
        finished result that ``load`` cannot read is made again, unless a person edited it: then the error
        stands, for them to mend.
        """
        if self.finished(name, key):
            try:
                return load(self.path / name)
            except (*UNREADABLE, InputError):
                if self.edited(name):
                    raise
        value = make()
        self.keep(name, key, lambda path: save(value, path))
        self.drop(f"{name}.parts")
        return value

    def finished(self, name: str, key: str) -> bool:
        """Whether the step's result is here and depends on nothing that has changed."""
        return self.mark(name).get("key") == key and (self.path / name).exists()

    def keep(self, name: str, key: str, write: Callable[[Path], object]) -> None:
        """Put a step's result in place, then mark it: whole or absent.

        What a person made of an earlier result stays, as ``NAME.edited``.
        """
        target, mark = self.path / name, self._mark_path(name)
        for folder in (mark.parent, target.parent):
            folder.mkdir(exist_ok=True)
        if self.edited(name):
            remove(target.with_name(f"{target.name}.edited"))
            os.replace(target, target.with_name(f"{target.name}.edited"))
        remove(mark)
        with replacing(target) as part:
            write(part)
        write_text(mark, json.dumps({"key": key, "digest": digest(target)}))

    def parts(self, name: str, key: str, load: Callable[[Path], Value]) -> list[Value]:
        """An unfinished step's finished parts, in order: those that ``keep_part`` kept under this key."""
        found: list[Value] = []
        while self.finished(f"{name}.parts/{len(found)}", key):
            try:
                found.append(load(self.path / f"{name}.parts" / str(len(found))))
            except (*UNREADABLE, InputError):
                break
        return found

    def keep_part(self, name: str, key: str, number: int, write: Callable[[Path], object]) -> None:
        """Keep part ``number`` (from 0) of a step that is not finished yet."""
        self.keep(f"{name}.parts/{number}", key, write)

    def drop(self, name: str) -> None:
        """Remove a result and its marks, the marks first."""
        for mark in (self.path / "done").glob(f"{name}*.json"):
            if mark.stem == name or mark.stem.startswith(f"{name}."):
                remove(mark)
        remove(self.path / name)

    def digest(self, name: str) -> str:
        """What a result is now: the SHA-256 (hex) of its file or folder."""
        return digest(self.path / name)

    def edited(self, name: str) -> bool:
        """Whether a person changed a finished step's result after it was made."""
        made = self.mark(name).get("digest")
        return made is not None and (self.path / name).exists() and made != self.digest(name)

    def mark(self, name: str) -> dict[str, str]:
        """The mark of a step; empty where it is not finished."""
        return _read_json(self._mark_path(name))

    def note(self, facts: dict[str, Any]) -> None:
        """Write ``request.json``, for people and for ``drawn_seed``."""
        write_text(self.path / "request.json", json.dumps(facts, indent=2, ensure_ascii=False))

    def drawn_seed(self) -> int | None:
        """The seed of the run that was begun here; None in a new folder."""
        seed = _read_json(self.path / "request.json").get("settings", {}).get("seed")
        return seed if isinstance(seed, int) else None

    def discard(self) -> None:
        """Remove the whole folder, marks first: a kill halfway leaves nothing that looks finished."""
        remove(self.path / "done")
        remove(self.path)

    def _mark_path(self, name: str) -> Path:
        return self.path / "done" / f"{name.removesuffix('.json').replace('/', '.')}.json"


def _read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file; empty where there is none or it is damaged."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
