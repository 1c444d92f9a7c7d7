"""Whether a name may be written, asked before any work starts."""

from __future__ import annotations

import os
from pathlib import Path

from stillmotion.errors import InputError
from stillmotion.output.record import read_record


def check_target(path: Path, suffix: str, force: bool = False) -> None:
    """InputError where ``path`` cannot become a file: wrong suffix, a folder, no parent, not writable.

    A file that stillmotion made is replaced when the new one is complete; any other existing file is
    refused unless ``force``.
    """
    if path.suffix.lower() != suffix:
        raise InputError(f"{path}: the output has to end in {suffix}")
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file in it, such as {path / ('video' + suffix)}")
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: is not an ordinary file; name another")
    parent = path.parent
    if not parent.is_dir():
        raise InputError(f"{path}: there is no folder {parent}; create it first")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"{path}: the folder {parent} is not writable; choose another or change its rights")
    if len(os.fsencode(path.name)) > 200:
        raise InputError(f"{path.name[:40]}...: the name is too long; take at most 200 bytes")
    if path.exists() and not force and not _ours(path):
        raise InputError(
            f"{path}: exists and was not made by stillmotion; choose another name or add --force"
        )


def _ours(path: Path) -> bool:
    """Whether the file carries a record of ours, so that making it again may replace it."""
    try:
        read_record(path)
    except InputError:
        return False
    return True
