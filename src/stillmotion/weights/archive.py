"""Model packs that come as a zip: only ONNX files come out, flat, each bounded; nothing else is written."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path, PurePosixPath

from stillmotion.errors import CheckpointError

MOST_ENTRIES = 64
LARGEST_FILE = 2**30
LARGEST_TOTAL = 2 * 2**30
"""Bytes; insightface's largest packs hold 0.4 GiB."""


def unpack(path: Path, folder: Path) -> list[str]:
    """Write the ONNX files of a zip straight into ``folder`` and return their names.

    Raises CheckpointError naming the zip where an entry leaves its folder, is a link or encrypted, where
    entries share a name, where they are too many or too large, or where the zip is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = _checked(path, archive.infolist())
            for name, entry in entries.items():
                _write(archive, entry, folder / name)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise CheckpointError(f"{path}: not a zip, or damaged ({error}); download it again") from None
    return sorted(entries)


def _checked(path: Path, infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """File name -> entry of the ONNX files."""
    if len(infos) > MOST_ENTRIES or sum(info.file_size for info in infos) > LARGEST_TOTAL:
        raise CheckpointError(f"{path}: far larger unpacked than any known model pack; refused")
    entries: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = PurePosixPath(info.filename)
        link = (info.external_attr >> 16) & 0o170000 == 0o120000
        if name.is_absolute() or ".." in name.parts or "\\" in info.filename or ":" in info.filename or link:
            raise CheckpointError(f"{path}: entry {info.filename!r} points outside the pack; refused")
        if info.is_dir() or name.suffix.lower() != ".onnx" or name.name.startswith("."):
            continue
        if name.name in entries:
            raise CheckpointError(f"{path}: two entries are named {name.name!r}; refused")
        if info.file_size > LARGEST_FILE:
            raise CheckpointError(f"{path}: {info.filename!r} unpacks to {info.file_size} bytes; refused")
        entries[name.name] = info
    if not entries:
        raise CheckpointError(f"{path}: no ONNX files in it; not an insightface model pack")
    return entries


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    """Write one entry whole or not at all; zipfile itself refuses more bytes than the entry announces."""
    part = target.with_name(target.name + ".part")
    with archive.open(entry) as source, part.open("wb") as file:
        shutil.copyfileobj(source, file, 2**20)
    os.replace(part, target)
