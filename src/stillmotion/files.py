"""Files that are whole or absent: every write is temporary -> fsync -> os.replace -> fsync of the folder.

A process may be killed between any two instructions; whatever carries its final name afterwards is
complete. What a killed process leaves carries its process id and ``.part`` in its name, and ``sweep``
removes it on the next start.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PART = re.compile(r"^\.(.+)\.(\d+)\.part$", re.DOTALL)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` for a file or a folder; on success it takes ``path``'s place.

    On any error the temporary is removed and ``path`` is as before. A folder that is replaced is absent
    for an instant, never half there.
    """
    sweep(path.parent, path.name)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    remove(part)
    try:
        yield part
        _sync(part)
        if path.is_dir() and not path.is_symlink():
            remove(path)
        os.replace(part, path)
        _sync_folder(path.parent)
    except BaseException:
        remove(part)
        raise


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, atomically."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def write_folder(folder: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` fill an empty folder, then put it where ``folder`` is, atomically."""
    with replacing(folder) as part:
        part.mkdir()
        write(part)


def sweep(folder: Path, name: str | None = None) -> None:
    """Remove what processes that live no longer left in ``folder``: of the file ``name``, or of any."""
    for entry in folder.iterdir():
        match = PART.match(entry.name)
        if match and name in (None, match[1]) and not _alive(int(match[2])):
            remove(entry)


def remove(path: Path) -> None:
    """Remove a file or a folder with all it holds; nothing happens where there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(FileNotFoundError):
            path.unlink()


def digest(path: Path) -> str:
    """SHA-256 (hex) of a file, or of a folder's names and bytes in sorted order without hidden files."""
    if not path.is_dir():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    total = hashlib.sha256()
    for entry in sorted(path.rglob("*")):
        if entry.is_file() and not entry.name.startswith("."):
            total.update(f"{entry.relative_to(path).as_posix()}\0{digest(entry)}\n".encode())
    return total.hexdigest()


def _sync(path: Path) -> None:
    """Flush a file, or every file and folder below a folder, to the disk."""
    if path.is_dir():
        for entry in path.iterdir():
            _sync(entry)
        _sync_folder(path)
        return
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _alive(process: int) -> bool:
    """Whether another process of that id runs; our own leftovers of an earlier life count as dead."""
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
