"""Two evaluations of the same items, paired: which is better, by how much, and how sure that is.

A pair is one item (id, prompt_id) with a figure on both sides; the difference is always B minus A. What has
no partner is named with its reason and never filled in.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from stillmotion.errors import InputError
from stillmotion.evaluate.intervals import interval
from stillmotion.evaluate.tables import column, ordered
from stillmotion.evaluate.types import Evaluation, Interval, VideoResult

TIE = 1e-9
"""Figures nearer than this are equal; judges that count (dynamic degree) tie often."""
FEWEST = 6
"""Pairs that a verdict needs: five wins of five may be chance (sign test, two-sided: 2 x 0.5^5 = 6 %)."""
FILE_NAME = "evaluation.json"
"""What is looked for where a folder is given."""

Key = tuple[str, str]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Paired(_Part):
    """One metric over ``difference.n`` pairs.

    ``difference`` is the mean of B - A with its 95 % interval. ``wins_a``, ``ties`` and ``wins_b`` are shares
    of the pairs and sum to 1; a win goes to the better figure, which for ``better`` "lower" is the smaller.
    ``left_out`` counts the items of both sides without a pair here.
    """

    better: Literal["higher", "lower"]
    mean_a: float
    mean_b: float
    difference: Interval
    wins_a: float
    ties: float
    wins_b: float
    left_out: int

    @property
    def verdict(self) -> Literal["a", "b", "open"]:
        """Whose figures are better; "open" while the interval holds 0, and of fewer than six pairs."""
        low, high = self.difference.low, self.difference.high
        if low <= 0 <= high or self.difference.n < FEWEST:
            return "open"
        return "b" if (low > 0) == (self.better == "higher") else "a"


class LeftOut(_Part):
    """An item without a pair: of the named ``metrics``, or of all where there are none."""

    id: str
    prompt_id: str
    reason: str
    metrics: tuple[str, ...] = ()


class Comparison(_Part):
    """The whole answer; ``items`` are the (id, prompt_id) that both sides have, in A's order."""

    schema_version: Literal[1] = 1
    name_a: str
    name_b: str
    items: tuple[Key, ...]
    metrics: dict[str, Paired]
    not_compared: dict[str, str]
    left_out: tuple[LeftOut, ...]


def load(path: Path) -> Evaluation:
    """Read what ``stillmotion evaluate --json`` wrote: a file, or a folder that holds evaluation.json.

    Raises InputError for anything else: absent, no JSON, of another program, another schema, an item twice.
    """
    file = path / FILE_NAME if path.is_dir() else path
    try:
        found = json.loads(file.read_text(encoding="utf-8"), parse_constant=_refuse)
    except OSError as error:
        raise InputError(
            f"{file}: {error.strerror}; 'stillmotion evaluate DIR --json FILE' writes one"
        ) from error
    except (ValueError, RecursionError) as error:  # JSON and UTF-8 faults are ValueErrors
        raise InputError(f"{file}: not JSON that 'stillmotion evaluate --json' wrote") from error
    if not isinstance(found, dict) or found.get("made_by") != "stillmotion" or "summary" not in found:
        raise InputError(f"{file}: not an evaluation; give a file of 'stillmotion evaluate --json'")
    if found.get("schema_version") != 1:
        version = json.dumps(found.get("schema_version"))
        raise InputError(f"{file}: schema_version {version}, this version reads 1; evaluate again")
    return _validated(file, found)


def compare(a: Evaluation, b: Evaluation, names: tuple[str, str] = ("A", "B")) -> Comparison:
    """Pair the items of ``a`` and ``b`` and compare every metric that both have.

    Raises InputError where the two have no item in common.
    """
    sides = {_key(video): video for video in a.videos}, {_key(video): video for video in b.videos}
    left_out = _unpaired(*sides, names)
    alone = {(item.id, item.prompt_id) for item in left_out}
    items = tuple(key for key in sides[0] if key not in alone)
    if not items:
        raise InputError(
            f"{names[0]} and {names[1]} have no item (id, prompt_id, prompt) in common;"
            " compare two evaluations of one dataset"
        )
    metrics: dict[str, Paired] = {}
    not_compared: dict[str, str] = {}
    gaps: dict[tuple[Key, str], list[str]] = {}
    for metric in ordered(_metrics(a) | _metrics(b)):
        reason = _incomparable(metric, a, b, names)
        pairs, lacking = ([], {}) if reason else _pairs(metric, items, sides, names)
        for gap in lacking.items():
            gaps.setdefault(gap, []).append(metric)
        if pairs:
            without = len(items) + len(alone) - len(pairs)
            metrics[metric] = pair(np.asarray(pairs), column(metric).better, without)
        else:
            not_compared[metric] = reason or "no item has a figure on both sides"
    for (key, reason), those in gaps.items():
        some = () if set(those) >= metrics.keys() else tuple(those)
        left_out.append(LeftOut(id=key[0], prompt_id=key[1], reason=reason, metrics=some))
    return Comparison(
        name_a=names[0],
        name_b=names[1],
        items=items,
        metrics=metrics,
        not_compared=not_compared,
        left_out=tuple(left_out),
    )


def pair(figures: NDArray[np.float64], better: Literal["higher", "lower"], left_out: int = 0) -> Paired:
    """Compare ``figures`` (n, 2), A's and B's of each pair, n at least 1."""
    a, b = figures[:, 0], figures[:, 1]
    gain = (b - a) if better == "higher" else (a - b)
    return Paired(
        better=better,
        mean_a=float(a.mean()),
        mean_b=float(b.mean()),
        difference=interval(tuple(b - a)),
        wins_a=float((gain < -TIE).mean()),
        ties=float((np.abs(gain) <= TIE).mean()),
        wins_b=float((gain > TIE).mean()),
        left_out=left_out,
    )


def _pairs(
    metric: str,
    items: Sequence[Key],
    sides: tuple[dict[Key, VideoResult], dict[Key, VideoResult]],
    names: Sequence[str],
) -> tuple[list[tuple[float, float]], dict[Key, str]]:
    """The figures of the items that both sides have one of, and why the others have none."""
    pairs, gaps = [], {}
    for key in items:
        a, b = sides[0][key], sides[1][key]
        gap = _gap(metric, a, names[0]) or _gap(metric, b, names[1])
        if gap is None:
            pairs.append((a.metrics[metric], b.metrics[metric]))
        else:
            gaps[key] = gap
    return pairs, gaps


def _metrics(evaluation: Evaluation) -> set[str]:
    return evaluation.summary.keys() | evaluation.not_computed.keys()


def _key(video: VideoResult) -> Key:
    return video.id, video.prompt_id


def _unpaired(a: dict[Key, VideoResult], b: dict[Key, VideoResult], names: Sequence[str]) -> list[LeftOut]:
    """Items that only one side has, and those whose prompts differ: the ids are the same by chance."""
    out = [LeftOut(id=k[0], prompt_id=k[1], reason=f"only in {names[0]}") for k in a if k not in b]
    out += [LeftOut(id=k[0], prompt_id=k[1], reason=f"only in {names[1]}") for k in b if k not in a]
    for key, video in a.items():
        prompts = {video.prompt, b[key].prompt} - {""} if key in b else set()
        if len(prompts) == 2:
            out.append(LeftOut(id=key[0], prompt_id=key[1], reason="two different prompts"))
    return out


def _incomparable(metric: str, a: Evaluation, b: Evaluation, names: Sequence[str]) -> str | None:
    """Why the metric cannot be compared at all, or None."""
    for evaluation, name in ((a, names[0]), (b, names[1])):
        if metric not in evaluation.summary:
            why = evaluation.not_computed.get(metric, "no video has a figure of it")
            return f"not computed in {name}: {why}"
    if a.protocol.get(metric) != b.protocol.get(metric):
        return "computed in two different ways; evaluate both with one version and the same weights"
    return None


def _gap(metric: str, video: VideoResult, name: str) -> str | None:
    """Why this video has no figure to pair, or None.

    Without a face ConsisID's code gives FID 0, the best there is: no figure at all, and so left out here.
    """
    if metric not in video.metrics:
        return f"failed in {name}: {video.error}" if video.error else f"no figure in {name}"
    if metric == "fid_consisid" and video.face_frames == 0:
        return f"no face in {name}"
    return None


def _validated(file: Path, found: dict[str, Any]) -> Evaluation:
    try:
        evaluation = Evaluation.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{file}: {field}: {first['msg']}; evaluate again") from error
    for video in evaluation.videos:
        for metric, value in video.metrics.items():
            if not isfinite(value):
                raise InputError(f"{file}: {video.id}/{video.prompt_id}: {metric} is {value}; evaluate again")
    keys = [_key(video) for video in evaluation.videos]
    twice = next((key for key in keys if keys.count(key) > 1), None) if len(set(keys)) < len(keys) else None
    if twice:
        raise InputError(f"{file}: the item {twice[0]}/{twice[1]} stands there twice; evaluate again")
    return evaluation


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON number")
