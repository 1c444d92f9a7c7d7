"""What runs on this machine: versions, devices, disk, presets that fit, what is missing and the exact
command.

Looks only: nothing is loaded, fetched or written (but for one probe of the home folder). It must answer on
any machine, so whatever is absent or broken is a finding, never an exception.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stillmotion.errors import StillmotionError
from stillmotion.files import digest
from stillmotion.libraries import one_line
from stillmotion.parts import Source
from stillmotion.presets import PRESETS, Preset
from stillmotion.weights.fetch import free_bytes, in_words
from stillmotion.weights.manifest import REINSTALL
from stillmotion.weights.store import RECORD, folder_of, home, locate, read_record

PACKAGES = ("torch", "diffusers", "transformers", "huggingface_hub", "safetensors", "av", "numpy", "pillow")
EXTRAS = {"insightface": ("insightface", "onnxruntime")}
"""pip extra -> the modules it brings."""


@dataclass(frozen=True)
class Device:
    """Something to compute on; ``memory`` in GiB, None where it cannot be read."""

    kind: str
    name: str
    memory: float | None


@dataclass(frozen=True)
class PartReport:
    """A part of a preset: "ready", "by hand", or what is wrong; ``size`` in bytes, about, None where
    unknown.
    """

    name: str
    state: str
    size: int | None
    problem: str | None


@dataclass(frozen=True)
class PresetReport:
    """Whether a preset fits and is complete. ``commands`` are to be run, in this order, to make it ready."""

    name: str
    summary: str
    fits: bool
    reason: str
    ready: bool
    parts: tuple[PartReport, ...]
    commands: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """Everything ``doctor`` found. ``packages`` maps a name to its version or None; sizes in bytes."""

    stillmotion: str
    python: str
    system: str
    packages: dict[str, str | None]
    devices: tuple[Device, ...]
    home: str
    home_writable: bool
    free_bytes: int
    h264_encoder: bool
    presets: tuple[PresetReport, ...]
    notes: tuple[str, ...]

    @property
    def healthy(self) -> bool:
        """Whether at least one preset is ready and fits, and a video can be written."""
        return self.h264_encoder and any(preset.ready and preset.fits for preset in self.presets)

    def as_json(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        return asdict(self) | {"healthy": self.healthy}


def examine(verify: bool = False) -> Report:
    """Look at the machine; takes seconds. ``verify`` also hashes every downloaded file, about 1 s per GB."""
    notes: list[str] = []
    packages = {name: _version(name) for name in PACKAGES}
    devices = (_processor(), *_accelerators(notes))
    where = home()
    encoder = _has_encoder(notes)
    presets = tuple(_examine_preset(preset, devices, verify) for preset in PRESETS.values())
    return Report(
        stillmotion=_version("stillmotion") or "not installed",
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        packages=packages,
        devices=devices,
        home=str(where),
        home_writable=_writable(where),
        free_bytes=free_bytes(where),
        h264_encoder=encoder,
        presets=presets,
        notes=tuple(notes),
    )


def render(report: Report) -> str:
    """The report as plain text for people, with the commands that would make more presets ready."""
    lines = [f"stillmotion {report.stillmotion}, Python {report.python}, {report.system}"]
    lines += [", ".join(f"{name} {version or 'MISSING'}" for name, version in report.packages.items())]
    for device in report.devices:
        memory = "memory unknown" if device.memory is None else f"{device.memory:.1f} GiB"
        lines.append(f"{device.kind}: {device.name}, {memory}")
    writable = "writable" if report.home_writable else "NOT WRITABLE: set STILLMOTION_HOME elsewhere"
    lines.append(f"home: {report.home}, {writable}, {in_words(report.free_bytes)} free")
    lines.append(f"H.264 encoder: {'present' if report.h264_encoder else 'MISSING: pip install av'}")
    lines += [f"note: {note}" for note in report.notes]
    for preset in report.presets:
        state = "ready" if preset.ready else "not ready"
        lines += ["", f"{preset.name}: {state}; {preset.reason}", f"  {preset.summary}"]
        missing = [_sized(part) for part in preset.parts if part.state == "missing"]
        lines += [f"  missing: {', '.join(missing)}"] if missing else []
        lines += [
            f"  {part.name}: {part.problem}"
            for part in preset.parts
            if part.problem is not None and part.state != "missing"
        ]
        lines += [f"  run: {command}" for command in preset.commands]
    return "\n".join(lines)


def _sized(part: PartReport) -> str:
    """A part's name with its size, where it is known before the server is asked."""
    return part.name if part.size is None else f"{part.name} ({in_words(part.size)})"


def _examine_preset(preset: Preset, devices: tuple[Device, ...], verify: bool) -> PresetReport:
    """One preset's parts, whether it fits, and the commands that it still takes."""
    parts = tuple(_examine_part(source, preset.name, verify) for source in preset.sources())
    extras = [name for name in preset.extras if not _installed(name)]
    commands = [f"pip install 'stillmotion[{','.join(extras)}]'"] if extras else []
    broken = [source.embedded for source, part in zip(preset.sources(), parts, strict=True) if part.problem]
    if False in broken:
        commands.append(f"stillmotion download {preset.name}")
    if True in broken:
        whole = all(folder_of(source).is_dir() for source in preset.sources() if source.embedded)
        commands.append(REINSTALL if whole else "python -m training.install (after training/README.md)")
    fits, reason = _fit(preset, devices)
    ready = not broken and not extras
    return PresetReport(preset.name, preset.summary, fits, reason, ready, parts, tuple(commands))


def _examine_part(source: Source, preset: str, verify: bool) -> PartReport:
    """One part: there, whole and, where asked, byte for byte what was downloaded."""
    try:
        locate(source, preset)
        folder = folder_of(source)
        recorded = (folder / RECORD).is_file()
        if verify and recorded:
            for name, entry in read_record(folder)["files"].items():
                if digest(folder / name) != entry["sha256"]:
                    problem = f"{folder / name}: changed since it was downloaded; delete this file"
                    return PartReport(source.name, "damaged", source.size, problem)
    except StillmotionError as error:
        state = "missing" if not folder_of(source).exists() else "damaged"
        return PartReport(source.name, state, source.size, str(error))
    except OSError as error:
        return PartReport(source.name, "unreadable", source.size, f"{error.filename}: {error.strerror}")
    state = "ready" if source.embedded or recorded else "by hand"
    return PartReport(source.name, state, source.size, None)


def _fit(preset: Preset, devices: tuple[Device, ...]) -> tuple[bool, str]:
    """Whether some device of the preset's kind has the memory that it needs, and why (not)."""
    suitable = [device for device in devices if device.kind == preset.device]
    needs = f"needs {preset.memory:.0f} GiB on {'the CPU' if preset.device == 'cpu' else 'a CUDA device'}"
    if not suitable:
        return False, f"does not fit here: {needs}, and there is none"
    best = max(suitable, key=lambda device: device.memory or 0.0)
    if best.memory is None:
        return True, f"may fit: {needs}, and the memory of {best.name} is unknown"
    if best.memory < preset.memory:
        return False, f"does not fit here: {needs}, {best.name} has {best.memory:.0f}"
    return True, f"fits here: {needs}, {best.name} has {best.memory:.0f}"


def _processor() -> Device:
    """The CPU: cores that this process may use, and memory within its container's limit."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory: float | None = None
    with suppress(AttributeError, ValueError, OSError):
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    with suppress(OSError):
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        if limit.isdigit() and memory is not None:
            memory = min(memory, int(limit) / 2**30)
    return Device("cpu", f"{platform.processor() or platform.machine()}, {cores} cores", memory)


def _accelerators(notes: list[str]) -> list[Device]:
    """CUDA devices as torch sees them; a torch that cannot be imported is a note."""
    try:
        import torch

        found = []
        for index in range(torch.cuda.device_count()):
            properties = torch.cuda.get_device_properties(index)
            found.append(Device("cuda", properties.name, properties.total_memory / 2**30))
        if not found and torch.version.cuda is None:
            notes.append("this torch is built without CUDA; for a GPU install torch as pytorch.org says")
        return found
    except ModuleNotFoundError:
        notes.append("torch is not installed: nothing can be generated; pip install stillmotion")
    except Exception as error:
        notes.append(f"torch does not work: {one_line(error, 160)}")
    return []


def _has_encoder(notes: list[str]) -> bool:
    """Whether PyAV can be imported and brings libx264."""
    try:
        import av

        return "libx264" in av.codecs_available
    except Exception as error:
        notes.append(f"PyAV does not work: {one_line(error, 160)}; pip install av")
        return False


def _writable(folder: Path) -> bool:
    """Whether files can be made in a folder, or in the first existing one above it."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _installed(extra: str) -> bool:
    """Whether all modules of a pip extra can be found."""
    try:
        return all(importlib.util.find_spec(module) is not None for module in EXTRAS.get(extra, ()))
    except (ImportError, ValueError):
        return False


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except Exception:
        return None
