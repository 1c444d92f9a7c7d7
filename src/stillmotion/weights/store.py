"""Where weights lie on this machine, and whether they are whole. Standard library only; nothing here loads
or fetches.

Embedded parts lie in the package (``weights/mini/NAME``) and are verified by sha256 at every first use;
downloaded parts lie in ``<home>/models/NAME`` with a ``source.json`` that says where every file came from.
A part that a person put there by hand has no ``source.json``: it is used as it is, and ``doctor`` says that
nobody verified it.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import resources
from pathlib import Path
from typing import Any

from stillmotion.errors import CheckpointError, MissingWeightsError
from stillmotion.parts import Source
from stillmotion.presets import PRESETS, Preset
from stillmotion.weights.manifest import verify

HOME_VARIABLE = "STILLMOTION_HOME"
INCOMPLETE = ".incomplete"
"""Lies in a part's folder from the first downloaded byte until the last verified one."""
RECORD = "source.json"
"""Lies in a downloaded part's folder: repository, commit, licence, and size and sha256 of every file."""


def home() -> Path:
    """The folder of everything stillmotion keeps: $STILLMOTION_HOME, else ``~/.cache/stillmotion``. Not
    created here.
    """
    chosen = os.environ.get(HOME_VARIABLE, "").strip()
    return Path(chosen).expanduser().absolute() if chosen else Path.home() / ".cache" / "stillmotion"


def folder_of(source: Source) -> Path:
    """Where a part's files belong, whether or not they are there."""
    if source.embedded:
        return Path(str(resources.files("stillmotion.weights"))) / "mini" / source.name
    return home() / "models" / source.name


def locate(source: Source, preset: str | None = None) -> Path:
    """The folder (or single file) of a part, checked to be whole.

    Embedded parts: every file's sha256 against the manifest, once per process and file version (0.1 s for
    100 MiB). Downloaded parts: finished, and every file of its recorded size. ``preset`` is named in the
    command of the error. Raises MissingWeightsError with the command that fetches the part, CheckpointError
    naming a damaged file.
    """
    folder = folder_of(source)
    if source.embedded:
        if not folder.is_dir():
            raise MissingWeightsError(
                f"{folder}: the embedded weights are not in this installation; take a version that has them, "
                "or train them as training/README.md says and run: python -m training.install"
            )
        verify(folder)
        return folder
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        raise MissingWeightsError(
            f"{source.name}: not on this machine ({folder}); fetch it: {command(source, preset)}"
        )
    if folder.is_dir():
        check_finished(source, folder, preset)
    return folder / source.subfolder if source.subfolder else folder


def check_finished(source: Source, folder: Path, preset: str | None = None) -> None:
    """Refuse a part whose download was interrupted or whose files have changed their sizes since."""
    if (folder / INCOMPLETE).exists():
        raise MissingWeightsError(
            f"{source.name}: its download was interrupted ({folder}); go on with: {command(source, preset)}"
        )
    if (folder / RECORD).exists():
        for name, entry in read_record(folder)["files"].items():
            path = folder / name
            size = path.stat().st_size if path.is_file() else None
            if size != entry["size"]:
                found = "missing" if size is None else f"{size} bytes instead of {entry['size']}"
                raise CheckpointError(f"{path}: {found}; fetch it again: {command(source, preset)}")
    if source.subfolder and not (folder / source.subfolder).exists():
        raise CheckpointError(
            f"{folder / source.subfolder}: missing; fetch it again: {command(source, preset)}"
        )


def read_record(folder: Path) -> dict[str, Any]:
    """A downloaded part's ``source.json``; CheckpointError naming it where it is not one."""
    path = folder / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        well_formed = all(
            isinstance(entry["size"], int) and isinstance(entry["sha256"], str)
            for entry in record["files"].values()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        well_formed = False
    if not well_formed:
        raise CheckpointError(
            f"{path}: not a record of a download; delete the folder {folder} and download it again"
        )
    return dict(record)


def require(preset: Preset) -> None:
    """Every part of a preset is here and whole; else the error of the first one that is not, before any
    work starts.
    """
    for source in preset.sources():
        locate(source, preset.name)


def find_repository(repository: str) -> Path:
    """The folder of a Hub repository that some preset names ("Qwen/Qwen3-8B"); MissingWeightsError if it is
    not here.

    A repository of no preset may be put by hand into ``<home>/models/OWNER--NAME``.
    """
    for chosen in PRESETS.values():
        for source in chosen.sources():
            if source.repo is not None and source.repo.lower() == repository.lower():
                return locate(source, chosen.name)
    folder = home() / "models" / repository.replace("/", "--")
    if folder.is_dir() and any(folder.iterdir()):
        return folder
    raise MissingWeightsError(
        f"{repository}: not on this machine; fetch it: hf download {repository} --local-dir '{folder}'"
    )


def command(source: Source, preset: str | None = None) -> str:
    """The shell command that fetches a part: the asking preset's, else that of the first preset with it."""
    names = [chosen.name for chosen in PRESETS.values() if source in chosen.sources()]
    if preset is None and not names:
        return f"put its files into {folder_of(source)}"
    return f"stillmotion download {preset or names[0]}"


def offline_environment() -> None:
    """Call before a loader of diffusers or transformers: no remote code, no telemetry, no network from here
    on.

    Generation reads local folders only; these switches turn a mistake in that into an error instead of a
    silent download. Libraries that were imported before and read their switches then are switched as well.
    """
    for name in (
        "DIFFUSERS_DISABLE_REMOTE_CODE",
        "HF_HUB_DISABLE_TELEMETRY",
        "HF_HUB_OFFLINE",
        "TRANSFORMERS_OFFLINE",
    ):
        os.environ[name] = "1"
    for module, names in _SWITCHES.items():
        for name in names:
            if hasattr(sys.modules.get(module), name):
                setattr(sys.modules[module], name, True)


_SWITCHES = {
    "huggingface_hub.constants": ("HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"),
    "diffusers.utils.constants": ("DIFFUSERS_DISABLE_REMOTE_CODE",),
    "diffusers.utils.dynamic_modules_utils": ("DIFFUSERS_DISABLE_REMOTE_CODE",),
}
