"""What judges said before, so that an interrupted evaluation goes on and a second one costs nothing.

An answer belongs to everything that it came from: the video's and the reference's bytes, the prompt, the
judge, its weights, its device and this code. Answers lie below the weights home, one line of JSON each; they
hold hashes and figures, no picture and no word.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from stillmotion.evaluate.types import Measured
from stillmotion.weights.store import home

FOLDER = "evaluations"


@dataclass(frozen=True)
class Answer:
    """``frames``: how many the video has."""

    frames: int
    measured: Measured


class Answers:
    """The answers about the videos of one folder. ``again``: none is known, and none is read."""

    def __init__(self, videos: Path, again: bool = False) -> None:
        name = hashlib.sha256(str(videos.resolve()).encode()).hexdigest()[:16]
        self._file = home() / FOLDER / f"{name}.jsonl"
        self._known: dict[str, Answer] = {} if again else _read(self._file)

    def find(self, key: str) -> Answer | None:
        """What was said under ``key``."""
        return self._known.get(key)

    def keep(self, key: str, answer: Answer) -> None:
        """Write an answer down. Where the disk refuses it is lost, which costs time and nothing else."""
        self._known[key] = answer
        measured = answer.measured
        line: dict[str, Any] = {"key": key, "frames": answer.frames, "values": dict(measured.values)}
        line |= {"curves": {name: list(curve) for name, curve in measured.curves.items()}}
        line |= {"faces": [measured.face_frames, measured.judged_frames], "flags": list(measured.flags)}
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            # A line that a killed process left unfinished is ended by the first character.
            with self._file.open("a", encoding="utf-8") as file:
                file.write(f"\n{json.dumps(line)}\n")
        except OSError:
            return


def key_of(*parts: object) -> str:
    """One hash over texts and numbers."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()


def fingerprint(needs: Sequence[str]) -> str:
    """Changes where a file of these weights, or any code of this room, changes."""
    models = home() / "models"
    files = (file for name in needs for file in sorted((models / name).rglob("*")) if file.is_file())
    facts = ((str(file.relative_to(models)), file.stat()) for file in files)
    return key_of(_code(), *((name, stat.st_size, stat.st_mtime_ns) for name, stat in facts))


@cache
def _code() -> str:
    """The digest of this room's own files."""
    own = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in own)).hexdigest()


def _read(file: Path) -> dict[str, Answer]:
    """The answers of a file; lines that are none are passed over."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    known = {}
    for line in filter(None, lines):
        try:
            entry = json.loads(line)
            measured = Measured(
                values={name: float(value) for name, value in entry["values"].items()},
                curves={name: tuple(curve) for name, curve in entry["curves"].items()},
                face_frames=entry["faces"][0],
                judged_frames=entry["faces"][1],
                flags=tuple(entry["flags"]),
            )
            known[str(entry["key"])] = Answer(int(entry["frames"]), measured)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            continue
    return known
