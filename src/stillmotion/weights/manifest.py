"""Manifests of our own weights: the size and sha256 of every file in a folder. Standard library only.

Training writes one when it installs weights; loading refuses a folder that differs from its manifest by one
byte.

    python -m stillmotion.weights.manifest FOLDER [FOLDER ...]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from stillmotion.errors import CheckpointError
from stillmotion.files import PART, digest, write_text

NAME = "manifest.json"
_verified: dict[Path, tuple[tuple[str, int, int], ...]] = {}


def write(folder: Path) -> Path:
    """Write ``manifest.json`` for all files below ``folder`` (replacing an older one, atomically); return
    its path.
    """
    files = {
        name: {"size": (folder / name).stat().st_size, "sha256": digest(folder / name)}
        for name in _files(folder)
    }
    if not files:
        raise CheckpointError(f"{folder}: no files to list; give a folder with weights")
    path = folder / NAME
    write_text(path, json.dumps({"format": 1, "files": files}, indent=1) + "\n")
    return path


def verify(folder: Path) -> None:
    """Every file of ``folder`` is as its manifest says, and there is no other; CheckpointError naming the
    file if not.

    A folder that was verified in this process is hashed again only when a size or a modification time has
    changed.
    """
    state = tuple(
        (name, stat.st_size, stat.st_mtime_ns) for name in _files(folder) for stat in [(folder / name).stat()]
    )
    if _verified.get(folder) == state:
        return
    expected = _read(folder / NAME)
    for name, (size, wanted) in expected.items():
        path = folder / name
        if not path.is_file():
            raise CheckpointError(f"{path}: missing from the embedded weights; {_AGAIN}")
        if path.stat().st_size != size:
            raise CheckpointError(f"{path}: {path.stat().st_size} bytes instead of {size}; {_AGAIN}")
        if digest(path) != wanted:
            raise CheckpointError(
                f"{path}: damaged or changed, its sha256 is not that of the manifest; {_AGAIN}"
            )
    for name, *_ in state:
        if name not in expected:
            raise CheckpointError(f"{folder / name}: not in {NAME}; remove it, or write the manifest again")
    _verified[folder] = state


REINSTALL = "pip install --force-reinstall --no-deps ."
"""Run in a clone: stillmotion is installed from its repository; a namesake on an index is not ours."""
_AGAIN = f"install stillmotion again, in its clone: {REINSTALL}"


def _files(folder: Path) -> list[str]:
    """All files below a folder but the manifest itself, as sorted POSIX paths relative to it."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(
        name for name in found if name != NAME and not name.endswith(".pyc") and not PART.match(name)
    )


def _read(path: Path) -> dict[str, tuple[int, str]]:
    """File name -> (size, sha256) of a manifest."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["files"]
        return {str(name): (int(entry["size"]), str(entry["sha256"])) for name, entry in entries.items()}
    except FileNotFoundError:
        raise CheckpointError(
            f"{path}: missing, so these weights cannot be verified; "
            f"for weights of your own: python -m stillmotion.weights.manifest {path.parent}"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise CheckpointError(f"{path}: not a manifest of weights; {_AGAIN}") from None


def main(arguments: list[str]) -> int:
    """Write the manifest of each folder named; for trainers and packagers."""
    if not arguments:
        print("usage: python -m stillmotion.weights.manifest FOLDER [FOLDER ...]", file=sys.stderr)
        return 2
    for argument in arguments:
        print(write(Path(argument)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
