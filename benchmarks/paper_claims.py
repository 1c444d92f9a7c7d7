"""The two comparisons of the paper (arXiv 2507.04705) at mini's scale, on people that mini never saw
(pip install '.[evaluate,training]').

    python -m benchmarks.paper_claims -o DIR [--identities 40] [--prompts 5] [--device cuda] [--workers N]

First a frame, then its motion, against video straight from the photo; and refined prompts against raw ones.
Draws held-out people and prompts in wordings never trained on (``DIR/dataset``) and makes every video three
times with the same seed, as ``stillmotion batch`` does: as it is by default (``DIR/decoupled``), with
``--mode r2v`` (``DIR/r2v``) and with ``--prompts raw`` (``DIR/raw``). Each is measured as by ``stillmotion
evaluate`` (``DIR/decoupled.json`` ...), besides by whether dlib names the person among all, and by whether a
judge that was trained on the world alone (`benchmarks.attributes`) sees what was asked for. They are compared
as by ``stillmotion compare``, in pairs. Writes claims.json, claims.md, motion.png and prompts.png. The same
command goes on where it was interrupted: what is there is not made again.

``--make-only`` stops when the videos are there, and needs neither dlib nor the judge; the same command
without it measures them, on this machine or where DIR was copied to. ``--measure-only`` makes nothing that
is missing: its pairs are left out, and counted.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import attributes, held_out
from benchmarks.shared import Line, check_order, command, dataset, over, table
from stillmotion.batch import engine
from stillmotion.batch.job import Job, target_of
from stillmotion.batch.layouts import Dataset, read
from stillmotion.cli import compare as shown
from stillmotion.errors import StillmotionError
from stillmotion.evaluate.comparison import Comparison, compare
from stillmotion.evaluate.dlib_faces import DlibJudge
from stillmotion.evaluate.judges import JUDGES, PROTOCOLS, JudgeSpec
from stillmotion.evaluate.run import evaluate
from stillmotion.evaluate.tables import COLUMNS, Column, column, ordered, to_json
from stillmotion.evaluate.types import Evaluation, Measured, NotComputed, Sample
from stillmotion.files import write_text
from stillmotion.identity.photos import load_image

if TYPE_CHECKING:
    from training.judge_network import Judge

SIDES: dict[str, dict[str, str]] = {"decoupled": {}, "r2v": {"mode": "r2v"}, "raw": {"prompts": "raw"}}
"""The batches by their folder, and the options of each that are not the default."""
SHEET = 20
"""Pairs on a contact sheet: the first prompt of the first so many people."""
PROTOCOL = {
    "dlib_top1": "the person's photo is nearest of all to the mean of dlib's descriptors of 16 frames; "
    "0 without a face",
    "action": "the judge of words names the action that the prompt asks for first",
    "attributes": "share of what the prompt asks to be seen (clothes, place, light ...) that the judge names",
    "kept": "share of the person's hair style, hair colour, beard and glasses that the judge names",
}
LABELS = {
    "dlib_top1": "Named by dlib",
    "action": "Action asked for",
    "attributes": "Attributes asked for",
    "kept": "Hair, beard, glasses kept",
}


@dataclass(frozen=True)
class Claim:
    """The paper says that ``ours`` is better than ``other`` (each a side, and what it is called).

    ``decided_by``: the metrics that were chosen for it before there were any figures; with a dozen of
    them one in twenty looks different by chance.
    """

    name: str
    title: str
    other: tuple[str, str]
    ours: tuple[str, str]
    decided_by: tuple[str, ...]


CLAIMS = (
    Claim(
        "motion",
        "A first frame, then its motion, against straight from the photo",
        ("r2v", "r2v"),
        ("decoupled", "decoupled"),
        ("facesim_dlib",),
    ),
    Claim(
        "prompts",
        "Refined prompts against raw ones",
        ("raw", "raw"),
        ("decoupled", "refined"),
        ("attributes", "action"),
    ),
)


class Stranger(DlibJudge):
    """dlib's judge, which says besides whether the person's own photo is the nearest of all."""

    metrics = (*DlibJudge.metrics, "dlib_top1")

    def __init__(self, photos: Mapping[str, Path]) -> None:
        """``photos``: everybody's, by id."""
        super().__init__("cpu")
        known = {name: self._recogniser(load_image(path)) for name, path in photos.items()}
        self._gallery = {name: face for name, face in known.items() if face is not None}
        self._seen: list[NDArray[np.float64]] = []

    def described(self, frames: NDArray[np.uint8]) -> dict[int, NDArray[np.float64] | None]:
        """As the parent has it, and kept: looking for faces is what takes the time."""
        found = super().described(frames)
        self._seen = [face for face in found.values() if face is not None]
        return found

    def measure(self, sample: Sample) -> Measured:
        """The parent's figures, and 1 or 0."""
        measured = super().measure(sample)
        right = False
        if self._seen:
            mean = np.mean(self._seen, axis=0)
            right = sample.id == min(
                self._gallery, key=lambda name: float(np.linalg.norm(self._gallery[name] - mean))
            )
        return Measured(
            {**measured.values, "dlib_top1": float(right)},
            measured.curves,
            measured.face_frames,
            measured.judged_frames,
            measured.flags,
        )


class Words:
    """Is there what the prompt asked for, and is the person's own still there?"""

    metrics = ("action", "attributes", "kept")

    def __init__(self, judge: Judge, lines: Sequence[Line]) -> None:
        """``lines``: of truth.jsonl."""
        self._judge = judge
        self._truth = {(line["id"], f"prompt{line['prompt']}"): line for line in lines}

    def measure(self, sample: Sample) -> Measured:
        """1 or 0 for the action; shares of the attributes, of which every prompt asks for some."""
        verdict = attributes.judged(self._judge, sample.frames, self._truth[sample.id, sample.prompt_id])
        shares = {"attributes": verdict["asked"], "kept": verdict["kept"]}
        values = {name: float(np.mean(list(there.values()))) for name, there in shares.items()}
        return Measured({"action": float(verdict["action"]), **values})


def add_judges(data: Dataset) -> None:
    """Make the two judges known to `evaluate`, with the names of their metrics."""
    lines = [json.loads(line) for line in (data.root / "truth.jsonl").read_text("utf-8").splitlines()]
    photos = {item.id: item.faces[0] for item in data.items}

    def words(device: str) -> Words:
        try:
            return Words(attributes.load(device=device), lines)
        except attributes.JudgeMissing as reason:
            raise NotComputed(str(reason)) from None

    JUDGES["dlib"] = JudgeSpec(Stranger.metrics, lambda device: Stranger(photos), memory=0.5)
    JUDGES["words"] = JudgeSpec(Words.metrics, words, memory=0.5)
    PROTOCOLS.update(PROTOCOL)
    COLUMNS.update({metric: Column(label) for metric, label in LABELS.items()})


def make(out: Path, order: Mapping[str, Any], device: str | None, workers: int) -> None:
    """Draw the people and make all their videos, as far as they are not there.

    A side none of whose videos can be made is a StillmotionError.
    """
    dataset(out / "dataset", order["identities"], order["prompts"], order["seed"])
    data = read(out / "dataset")
    for side, options in SIDES.items():
        job = Job(
            out / side, order["preset"], device, {"quality": order["quality"], **options}, order["seed"]
        )
        if all(target_of(job, item).is_file() for item in data.items):
            continue
        job.out.mkdir(exist_ok=True)
        shards = [(number + 1, workers) for number in range(workers)]
        failures = [f for some in over(partial(make_part, data=data, job=job), shards, workers) for f in some]
        for video, reason in failures:
            _say(f"{side}/{video}: not made: {reason}")
        if len(failures) == len(data.items):
            raise StillmotionError(f"{side}: no video could be made: {failures[0][1]}")


def make_part(shard: tuple[int, int], data: Dataset, job: Job) -> list[tuple[str, str]]:
    """A shard of a batch; the videos that were set aside, each with its reason."""

    def progress(step: str, done: int, total: int) -> None:
        _say(f"{job.out.name} {shard[0]}/{shard[1]}: {step}: {done} of {total}")

    summary = engine.run(data, job, shard=shard, progress=progress)
    return [(entry.output, str(entry.error)) for entry in summary.failures]


def without_paths(reason: str) -> str:
    """A reason that may be published: where this machine keeps things is nobody's business."""
    return reason.replace(f"{attributes.FOLDER}", "benchmarks/judge").replace(f"{Path.home()}/", "~/")


def evaluated(side: str, out: Path) -> Evaluation:
    """One side's videos through every judge that this machine has; written to ``out``/SIDE.json."""
    add_judges(read(out / "dataset"))

    def progress(step: str, done: int, total: int) -> None:
        _say(f"{side}: {step}: {done} of {total}")

    evaluation = evaluate(out / side, out / "dataset", progress=progress)
    reasons = {metric: without_paths(reason) for metric, reason in evaluation.not_computed.items()}
    evaluation = evaluation.model_copy(update={"not_computed": reasons})
    write_text(out / f"{side}.json", to_json(evaluation))
    return evaluation


def outcome(claim: Claim, comparison: Comparison) -> list[str]:
    """What comes out, in sentences: of each metric that decides, and of all others together."""
    other, ours = comparison.name_a, comparison.name_b
    lines = []
    for metric in claim.decided_by:
        label, paired = column(metric).label, comparison.metrics.get(metric)
        if paired is None:
            lines.append(f"{label}: {comparison.not_compared[metric]}.")
            continue
        signed, difference = column(metric).signed, paired.difference
        figure = (
            f"{ours} minus {other} is {signed(difference.mean)} "
            f"[{signed(difference.low)}, {signed(difference.high)}] over {difference.n} pairs"
        )
        words = {
            "b": f"{ours} is better, as the paper says",
            "a": f"{other} is better, which contradicts the paper",
            "open": "no difference can be told, which neither bears the paper out nor contradicts it",
        }
        lines.append(f"{label}: {words[paired.verdict]}: {figure}.")
    rest: dict[str, list[str]] = {"b": [], "a": [], "open": []}
    for metric, paired in comparison.metrics.items():
        if metric not in claim.decided_by:
            rest[paired.verdict].append(column(metric).label)
    said = {"b": f"{ours} is better", "a": f"{other} is better", "open": "no difference can be told"}
    parts = [f"{said[verdict]} in: {', '.join(labels)}" for verdict, labels in rest.items() if labels]
    return [*lines, *([f"Besides, {'; '.join(parts)}."] if parts else [])]


def markdown(
    order: Mapping[str, Any], comparisons: Mapping[str, Comparison], not_computed: Mapping[str, str]
) -> str:
    """Both claims: what comes out, the figures, and what is not among them."""
    pairs = order["identities"] * order["prompts"]
    lines = [
        f"{pairs} pairs of videos for each comparison: {order['identities']} people that {order['preset']} "
        f"never saw, {order['prompts']} prompts each in wordings that it was not trained on, "
        f"{order['quality']} quality, seed {order['seed']}; both videos of a pair have the same seed. "
        "The intervals are a bootstrap over the pairs; prompts of one person count as separate pairs, so for "
        "new people they are somewhat too narrow.",
    ]
    for claim in CLAIMS:
        comparison = comparisons[claim.name]
        lines += ["", f"## {claim.title}", "", *(f"- {text}" for text in outcome(claim, comparison)), ""]
        lines += table(shown.head(comparison), shown.rows(comparison))
        gaps = {metric: why for metric, why in comparison.not_compared.items() if metric not in not_computed}
        remarks = shown.remarks(comparison.model_copy(update={"not_compared": gaps}))
        lines += ["", *(f"- {remark}" for remark in remarks)] if remarks else []
        lines += ["", f"{claim.name}.png: a photo, five frames of {claim.other[1]}, five of {claim.ours[1]}."]
    lines += ["", "## How", ""]
    metrics = {metric for comparison in comparisons.values() for metric in comparison.metrics}
    lines += [f"- {column(metric).label}: {PROTOCOLS[metric]}" for metric in ordered(metrics)]
    lines += ["", "## Not computed", ""] if not_computed else []
    lines += [f"- {column(metric).label}: {not_computed[metric]}" for metric in ordered(not_computed)]
    return "\n".join(lines) + "\n"


def write_sheets(data: Dataset, out: Path) -> None:
    """For each claim the first prompt of the first people, as far as both videos are there."""
    items = sorted(data.items, key=lambda item: item.prompt_id)  # stable: people stay in their order
    for claim in CLAIMS:
        sides = [out / side for side, _ in (claim.other, claim.ours)]
        rows = [[item.faces[0], *(side / item.output for side in sides)] for item in items]
        whole = [row for row in rows if all(path.is_file() for path in row)][:SHEET]
        if whole:
            held_out.sheet(whole, out / f"{claim.name}.png", side=96)


def report(out: Path, order: Mapping[str, Any], workers: int) -> str:
    """Measure what was made and write the files; returns claims.md."""
    data = read(out / "dataset")
    found = over(partial(evaluated, out=out), SIDES, min(workers, len(SIDES)))
    evaluations = dict(zip(SIDES, found, strict=True))
    add_judges(data)  # for the names of their metrics
    comparisons = {
        claim.name: compare(
            evaluations[claim.other[0]], evaluations[claim.ours[0]], (claim.other[1], claim.ours[1])
        )
        for claim in CLAIMS
    }
    figures = {
        "order": dict(order),
        "judge": attributes.own_accuracy(),
        "claims": {
            claim.name: {
                "title": claim.title,
                "decided_by": claim.decided_by,
                "outcome": outcome(claim, comparisons[claim.name]),
                **comparisons[claim.name].model_dump(mode="json"),
            }
            for claim in CLAIMS
        },
    }
    write_text(out / "claims.json", json.dumps(figures, indent=1) + "\n")
    not_computed = {m: why for side in evaluations.values() for m, why in side.not_computed.items()}
    text = markdown(order, comparisons, not_computed)
    write_text(out / "claims.md", text)
    write_sheets(data, out)
    return text


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit code."""
    parser = command(
        "paper_claims",
        "The paper's two comparisons at mini's scale.",
        "make videos; up to three of them measure",
    )
    parser.add_argument("--identities", type=int, default=40)
    parser.add_argument("--prompts", type=int, default=5, help="prompts of each person")
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--make-only", action="store_true", help="make the videos and measure nothing")
    part.add_argument("--measure-only", action="store_true", help="measure the videos that are there")
    args = parser.parse_args(arguments)
    order = {key: getattr(args, key) for key in ("identities", "prompts", "seed", "quality", "preset")}
    try:
        check_order(args.output, order)
        if not args.measure_only:
            make(args.output, order, args.device, args.workers)
        print(args.output if args.make_only else report(args.output, order, args.workers))
    except StillmotionError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
