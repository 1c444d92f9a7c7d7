"""Downloads: what a preset still needs is planned, told and accepted, then fetched, verified and recorded.

    plan = plan_download("paper")         asks the servers for files and sizes; writes nothing
    describe(plan), plan.licences         what the user has to be told first
    download(plan, accept_licences=True)  resumable at any moment: the same call goes on

Only addresses that a preset names are contacted. A part's folder holds ``.incomplete`` (the commit and the
finished files) from the first byte on; when every file is verified it becomes ``source.json``. Where a
preset pins no commit, that of the first download is recorded there, and a later download of the part takes
that commit again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from stillmotion.errors import CheckpointError, InputError, MissingWeightsError, StillmotionError
from stillmotion.files import digest, write_text
from stillmotion.parts import Licence, Source
from stillmotion.presets import Preset, preset
from stillmotion.progress import Progress, silent
from stillmotion.weights import hub
from stillmotion.weights.archive import unpack
from stillmotion.weights.convert import convert
from stillmotion.weights.judges import BUNDLES, Judges, PickledSource
from stillmotion.weights.safety import check_folder
from stillmotion.weights.store import INCOMPLETE, RECORD, check_finished, folder_of, home, locate, read_record
from stillmotion.weights.transfer import Remote, fetch, part_of, size_of

MARGIN = 256 * 2**20
"""Bytes that stay free on the disk."""


@dataclass(frozen=True)
class File:
    """One file to fetch: its path in the part's folder, its size and how much of it is here, in bytes."""

    name: str
    size: int
    have: int
    remote: Remote


@dataclass(frozen=True)
class Part:
    """One part of a preset. ``files`` is empty where it is ready; ``note`` says in a word why or what is
    pinned.
    """

    source: Source
    folder: Path
    commit: str | None
    files: tuple[File, ...]
    note: str

    @property
    def missing_bytes(self) -> int:
        """Bytes that have to come over the network."""
        return sum(file.size - file.have for file in self.files)

    @property
    def needed_bytes(self) -> int:
        """Disk space it still takes; a zip or a pickle lies beside what comes out of it for a moment."""
        doubled = _is_zip(self.source) or isinstance(self.source, PickledSource)
        unpacked = sum(file.size for file in self.files) if doubled else 0
        return self.missing_bytes + unpacked


@dataclass(frozen=True)
class DownloadPlan:
    """What ``download`` will do, to be shown first: parts, sizes in bytes, licences, destination, free
    space.
    """

    preset: str
    destination: Path
    parts: tuple[Part, ...]
    free_bytes: int

    @property
    def missing(self) -> tuple[Part, ...]:
        """The parts that are not ready."""
        return tuple(part for part in self.parts if part.files)

    @property
    def total_bytes(self) -> int:
        """Size of everything to fetch, counting what of it is here already."""
        return sum(file.size for part in self.missing for file in part.files)

    @property
    def missing_bytes(self) -> int:
        """Bytes that have to come over the network."""
        return sum(part.missing_bytes for part in self.missing)

    @property
    def needed_bytes(self) -> int:
        """Disk space that the download takes besides what is used already."""
        return sum(part.needed_bytes for part in self.missing)

    @property
    def fits(self) -> bool:
        """Whether the disk has room for it."""
        return self.needed_bytes == 0 or self.needed_bytes + MARGIN <= self.free_bytes

    @property
    def licences(self) -> dict[Licence, tuple[str, ...]]:
        """The licences to accept, each with the names of the missing parts under it."""
        found: dict[Licence, tuple[str, ...]] = {}
        for part in self.missing:
            found[part.source.licence] = (*found.get(part.source.licence, ()), part.source.name)
        return found


def plan_download(wanted: str | Preset | Judges) -> DownloadPlan:
    """What a preset, or the judges of ``evaluate``, still need, sizes from the servers; nothing is written.

    A preset that is ready needs no network; embedded parts are verified. Raises InputError for an unknown
    preset, StillmotionError in one line where a server cannot be reached or no longer has the files.
    """
    chosen = _named(wanted) if isinstance(wanted, str) else wanted
    for source in chosen.sources():
        if source.embedded:
            locate(source)
    parts = tuple(_plan_part(source) for source in chosen.sources() if not source.embedded)
    return DownloadPlan(chosen.name, home() / "models", parts, free_bytes(home()))


def _named(name: str) -> Preset | Judges:
    """The judges or the preset of that name; InputError listing all."""
    try:
        return BUNDLES.get(name) or preset(name)
    except InputError as fault:
        raise InputError(f"{fault}; what judges: {', '.join(BUNDLES)}") from None


def download(
    wanted: str | Preset | Judges | DownloadPlan, accept_licences: bool = False, progress: Progress = silent
) -> DownloadPlan:
    """Fetch what a preset misses; returns the plan that was carried out.

    ``progress("download: PART/FILE", bytes here, bytes in all)`` counts over all files. Raises InputError
    where the licences are not accepted, StillmotionError where network or disk fail (the same call
    resumes), CheckpointError where a file is not what it should be.
    """
    plan = wanted if isinstance(wanted, DownloadPlan) else plan_download(wanted)
    if not plan.missing:
        return plan
    if not accept_licences:
        names = "; ".join(licence.name for licence in plan.licences)
        raise InputError(f"licences: {plan.preset} needs: {names}; read them, then --accept-licences")
    if not plan.fits:
        raise StillmotionError(
            f"{plan.destination}: {in_words(plan.needed_bytes)} needed and {in_words(plan.free_bytes)} free; "
            "make room, or set STILLMOTION_HOME to a larger disk"
        )
    done = 0
    for part in plan.missing:
        done = _fetch_part(part, plan.total_bytes, done, progress)
    return plan


def describe(plan: DownloadPlan) -> str:
    """The plan in plain words, as it is told before the question whether the licences are accepted."""
    if not plan.missing:
        return f"{plan.preset}: everything is here ({plan.destination})"
    lines = [f"{plan.preset}: {in_words(plan.missing_bytes)} to download into {plan.destination}"]
    for part in plan.parts:
        if not part.files:
            lines.append(f"  {part.source.name}: {part.note}")
            continue
        size = sum(file.size for file in part.files)
        here = f", {in_words(size - part.missing_bytes)} of it here" if part.missing_bytes < size else ""
        lines.append(f"  {part.source.name}: {len(part.files)} files, {in_words(size)}{here}; {part.note}")
    lines.append(f"disk: {in_words(plan.needed_bytes)} needed, {in_words(plan.free_bytes)} free")
    lines.append("licences:")
    for licence, names in plan.licences.items():
        terms = "" if licence.commercial else " NO COMMERCIAL USE"
        note = f" ({licence.note})" if licence.note else ""
        lines.append(f"  {', '.join(names)}: {licence.name}{terms}{note}: {licence.address}")
    return "\n".join(lines)


def free_bytes(path: Path) -> int:
    """Free bytes on the disk that holds ``path`` or would hold it."""
    while not path.exists() and path != path.parent:
        path = path.parent
    try:
        return shutil.disk_usage(path).free
    except OSError:
        return 0


def in_words(size: int) -> str:
    """A size in bytes for people: "0.4 GB", "126.2 GB", "13 MB"."""
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.0f} MB"


def _plan_part(source: Source) -> Part:
    """Ready, put there by hand, or a list of files with their sizes."""
    folder = folder_of(source)
    marker = folder / INCOMPLETE
    if folder.exists() and not marker.exists():
        if not (folder / RECORD).exists() and (folder.is_file() or any(folder.iterdir())):
            return Part(source, folder, None, (), "put there by hand, not verified")
        with suppress(MissingWeightsError, CheckpointError):
            if (folder / RECORD).exists():
                check_finished(source, folder)
                return Part(source, folder, read_record(folder).get("commit"), (), "ready")
    if source.repo is None:
        return _plan_archive(source, folder)
    journal = _journal(folder)
    listing = hub.list_files(source, source.revision or journal.get("commit"))
    files = tuple(
        File(file.name, file.size, _here(source, folder, file, journal), hub.remote(file))
        for file in listing.files
    )
    return Part(source, folder, listing.commit, files, _pinned(source))


def _pinned(source: Source) -> str:
    if source.pin == "first download":
        return "NOT PINNED, the first download is trusted and kept"
    if source.pin == "commit":
        return "pinned by commit"
    return "pinned by sha256" if len(source.sha256 or "") == 64 else "pinned by first digits of sha256"


def _plan_archive(source: Source, folder: Path) -> Part:
    """A plain address: one file, whose size the source knows or, of a pickle, the server."""
    if source.url is None or source.size is None:
        raise StillmotionError(f"{source.name}: no address is known; put its files into {folder} by hand")
    name = Path(urlsplit(source.url).path).name
    pinned = f"sha256:{source.sha256}" if source.sha256 else None
    remote = Remote(source.url, source.size, pinned, source.hosts)
    size = source.size
    if isinstance(source, PickledSource):
        remote = replace(remote, size=size_of(replace(remote, size=None)))
        size = remote.size or size
    have = min(_bytes_of(part_of(folder / name)) or _bytes_of(folder / name), size)
    if _is_unpacked(folder, _journal(folder)):
        have = size
    return Part(source, folder, source.revision, (File(name, size, have, remote),), _pinned(source))


def _here(source: Source, folder: Path, file: hub.HubFile, journal: dict[str, Any]) -> int:
    """Bytes of a file that need not be fetched again."""
    kept = _kept_as(source, file.name)
    if kept in journal["files"]:
        expected = file.size if kept == file.name else journal["files"][kept]["size"]
        if _bytes_of(folder / kept) == expected:
            return file.size
    came = _bytes_of(part_of(folder / file.name))
    if kept != file.name:
        came = came or _bytes_of(folder / file.name)
    return min(came, file.size)


def _fetch_part(part: Part, total: int, done: int, progress: Progress) -> int:
    """Fetch, verify and record one part; the number of bytes of the whole plan that are here afterwards."""
    try:
        part.folder.mkdir(parents=True, exist_ok=True)
        with _only_one(part):
            journal = _journal(part.folder) | {"commit": part.commit}
            _write_json(part.folder / INCOMPLETE, journal)
            for file in part.files:
                _fetch_file(part, file, journal, _counter(part, file, done, total, progress))
                done += file.size
            _finish(part, journal)
    except OSError as error:
        raise StillmotionError(
            f"{error.filename or part.folder}: cannot be written ({error.strerror or error}); "
            "set STILLMOTION_HOME to a folder that can"
        ) from None
    return done


def _fetch_file(part: Part, file: File, journal: dict[str, Any], report: Callable[[int], None]) -> None:
    """Fetch one file unless the journal has it; what comes out of a zip or a pickle takes its place."""
    target = part.folder / file.name
    kept = _kept_as(part.source, file.name)
    known = journal["files"].get(kept)
    unpacked = _is_zip(part.source) and _is_unpacked(part.folder, journal)
    if unpacked or (known is not None and _bytes_of(part.folder / kept) == known["size"]):
        report(file.size)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    replaced = _is_zip(part.source) or kept != file.name
    if not (replaced and _bytes_of(target) == file.size):
        fetch(file.remote, target, report)
    names = [file.name]
    if _is_zip(part.source):
        names = unpack(target, part.folder)
        target.unlink()
    elif kept != file.name:
        names = [kept]
        _convert(target, part.folder, kept)
    for name in names:
        path = part.folder / name
        journal["files"][name] = {"size": path.stat().st_size, "sha256": digest(path)}
    _write_json(part.folder / INCOMPLETE, journal)


def _convert(pickle: Path, folder: Path, kept: str) -> None:
    """Turn a fetched pickle into the safetensors file that is kept; the pickle goes, taken or refused."""
    try:
        convert(pickle, folder / kept)
    finally:
        pickle.unlink()
    if pickle.parent != folder:
        with suppress(OSError):
            pickle.parent.rmdir()


def _finish(part: Part, journal: dict[str, Any]) -> None:
    """Compare with an earlier record, look for what a loader must not open, and put the record in place."""
    source = part.source
    earlier = read_record(part.folder)["files"] if (part.folder / RECORD).exists() else {}
    if source.pin == "first download":
        for name, entry in journal["files"].items():
            if name in earlier and earlier[name]["sha256"] != entry["sha256"]:
                raise CheckpointError(
                    f"{part.folder / name}: differs from the first download; if you trust the new one, "
                    f"delete {part.folder} and download again"
                )
    check_folder(part.folder)
    record = {
        "name": source.name,
        "repository": source.repo,
        "address": source.url,
        "commit": part.commit,
        "pinned_by": source.pin,
        "licence": source.licence.name,
        "accepted": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": journal["files"],
    }
    _write_json(part.folder / RECORD, record)
    (part.folder / INCOMPLETE).unlink()


def _counter(part: Part, file: File, done: int, total: int, progress: Progress) -> Callable[[int], None]:
    """A report that counts this file's bytes on top of those of the files before it."""
    step = f"download: {part.source.name}/{file.name}"
    return lambda here: progress(step, min(done + here, total), total)


def _only_one(part: Part) -> Any:
    """A lock against a second download of the same part; it goes with its process."""
    from filelock import FileLock, Timeout

    lock = FileLock(part.folder.with_name(f".{part.folder.name}.lock"))
    try:
        return lock.acquire(timeout=0)
    except Timeout:
        raise StillmotionError(
            f"{part.source.name}: another process is downloading it into {part.folder}; wait for that one"
        ) from None


def _journal(folder: Path) -> dict[str, Any]:
    """What an interrupted download had finished, or the record of a finished one; {"files": {}} where none
    is.
    """
    for name in (INCOMPLETE, RECORD):
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            found = json.loads((folder / name).read_text(encoding="utf-8"))
            files = {
                str(file): {"size": int(e["size"]), "sha256": str(e["sha256"])}
                for file, e in found["files"].items()
            }
            return {"commit": found.get("commit"), "files": files}
    return {"commit": None, "files": {}}


def _is_unpacked(folder: Path, journal: dict[str, Any]) -> bool:
    """Whether all that came out of an archive is there; only the record was not written yet."""
    files = journal["files"]
    return bool(files) and all(_bytes_of(folder / name) == entry["size"] for name, entry in files.items())


def _kept_as(source: Source, name: str) -> str:
    """The name under which a source's file stays in the part's folder."""
    return source.becomes if isinstance(source, PickledSource) and name == source.pickle else name


def _is_zip(source: Source) -> bool:
    return source.url is not None and source.url.lower().endswith(".zip")


def _bytes_of(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _write_json(path: Path, value: dict[str, Any]) -> None:
    write_text(path, json.dumps(value, indent=1) + "\n")
