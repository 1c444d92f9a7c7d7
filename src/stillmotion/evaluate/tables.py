"""An evaluation as text: JSON, CSV and a Markdown table that can stand in a paper.

Nothing is computed here but the layout. What was not computed is named, and published figures stand in
tables of their own protocol.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from stillmotion.errors import InputError
from stillmotion.evaluate.published import PUBLISHED, Protocol
from stillmotion.evaluate.types import Counts, Evaluation, Interval


@dataclass(frozen=True)
class Column:
    """How a metric is written: its name in the field, which way is better, digits after the point."""

    label: str
    better: Literal["higher", "lower"] = "higher"
    digits: int = 3

    @property
    def head(self) -> str:
        """The label with the arrow that papers use."""
        return f"{self.label} {'↑' if self.better == 'higher' else '↓'}"

    def text(self, value: float) -> str:
        """A figure with this column's digits."""
        return f"{value:.{self.digits}f}"

    def signed(self, value: float) -> str:
        """A difference with its sign, and without one where its digits are all 0."""
        written = self.text(value)
        return self.text(0) if float(written) == 0 else written if value < 0 else f"+{written}"


COLUMNS: dict[str, Column] = {
    "facesim_arc": Column("FaceSim-Arc"),
    "facesim_cur": Column("FaceSim-Cur"),
    "facesim_dlib": Column("FaceSim-dlib"),
    "face_frame_ratio": Column("Frames with a face"),
    "fid_consisid": Column("FID (ConsisID)", "lower", 1),
    "clipscore": Column("CLIPScore", digits=2),
    "clipscore_consisid": Column("CLIPScore (BGR)", digits=2),
    "subject_consistency": Column("Subject consistency"),
    "motion_smoothness": Column("Motion smoothness"),
    "motion_smoothness_linear": Column("Motion smoothness (linear)"),
    "dynamic_degree": Column("Dynamic degree"),
    "imaging_quality": Column("Imaging quality"),
    "aesthetic_quality": Column("Aesthetic quality"),
}
"""The known metrics in the order of all tables; one that is not here follows under its own name."""

IDENTITY = tuple(COLUMNS)[: tuple(COLUMNS).index("subject_consistency")]
"""Identity and text: what the first table holds. The second holds the rest, so that each fits a page."""


def column(metric: str) -> Column:
    """The column of a metric; one that nobody described is shown by its name, higher as better."""
    return COLUMNS.get(metric, Column(metric))


def ordered(metrics: Collection[str]) -> list[str]:
    """``metrics`` in the order of all tables."""
    return [m for m in COLUMNS if m in metrics] + sorted(m for m in metrics if m not in COLUMNS)


def to_json(evaluation: Evaluation) -> str:
    """The whole evaluation as one JSON object, UTF-8, with a line end."""
    return (
        json.dumps(evaluation.model_dump(mode="json"), ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    )


def to_csv(evaluation: Evaluation) -> str:
    """One row per video in the dataset's order, every metric of the summary a column; no figure: empty."""
    metrics = ordered(evaluation.summary.keys() | {m for video in evaluation.videos for m in video.metrics})
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    head = ("id", "prompt_id", "file", "frames", "judged_frames", "face_frames")
    writer.writerow((*head, *metrics, "flags", "error"))
    for video in evaluation.videos:
        row = (getattr(video, name) for name in head)
        figures = (video.metrics.get(metric) for metric in metrics)
        writer.writerow((*row, *figures, "; ".join(video.flags), video.error))
    return out.getvalue()


def to_markdown(evaluation: Evaluation, name: str = "stillmotion", test_set: str | None = None) -> str:
    """Our figures with their 95 % intervals, and what others published, as Markdown.

    ``name`` is the first cell of our row. ``test_set`` (a key of PUBLISHED) says that the videos were made
    for that test set: our row then stands in that protocol's table as well. Raises InputError for a test set
    that is not known.
    """
    if test_set is not None and test_set not in PUBLISHED:
        raise InputError(f"test set '{test_set}' is not known; there are {', '.join(PUBLISHED)}")
    blocks = ["## Ours", count_line(evaluation.counts), *_ours(evaluation, name)]
    blocks += _not_computed(evaluation)
    if evaluation.protocol:
        blocks += ["How each figure was computed:", _bullets(evaluation.protocol)]
    blocks += ["## Published", _why_apart(test_set)]
    for key, protocol in PUBLISHED.items():
        blocks += _published(protocol, evaluation if key == test_set else None, name)
    return "\n\n".join(blocks) + "\n"


def count_line(counts: Counts) -> str:
    """How many videos stand behind the figures, in a sentence."""
    return (
        f"{counts.videos} {'video' if counts.videos == 1 else 'videos'} asked for, {counts.failed} failed,"
        f" {counts.without_face} without any face (FaceSim 0). Mean [95 % interval, bootstrap over videos],"
        " n videos."
    )


def figure(metric: str, interval: Interval) -> str:
    """A mean with its interval and n: ``0.441 [0.420, 0.462], n = 198``."""
    text = column(metric).text
    return f"{text(interval.mean)} [{text(interval.low)}, {text(interval.high)}], n = {interval.n}"


def _ours(evaluation: Evaluation, name: str) -> Iterable[str]:
    """One table for identity and text, one for the rest; metrics without a figure have no column."""
    known = ordered(evaluation.summary)
    for metrics in ([m for m in known if m in IDENTITY], [m for m in known if m not in IDENTITY]):
        if metrics:
            cells = [figure(metric, evaluation.summary[metric]) for metric in metrics]
            yield _table(metrics, [[name, *cells]])


def _published(protocol: Protocol, ours: Evaluation | None, name: str) -> list[str]:
    rows = []
    if ours is not None:
        summary = ours.summary
        rows.append([name, *(figure(m, summary[m]) if m in summary else "–" for m in protocol.metrics)])
    for system, figures in protocol.rows.items():
        rows.append([system, *figures])
    return [
        f"### {protocol.title}",
        f"Source: <{protocol.source}>. Measured on {protocol.data}. {protocol.note}",
        _table(protocol.metrics, rows),
    ]


def _why_apart(test_set: str | None) -> str:
    if test_set is not None:
        return (
            f"Our row stands beside those of '{test_set}' because the videos were said to be made for its"
            " test set. Every other table is of another protocol: compare no figure across tables."
        )
    return (
        "Other people, other prompts and in part other code: each table below is a protocol of its own."
        " Compare none of its figures with ours above or with another table's."
    )


def _not_computed(evaluation: Evaluation) -> list[str]:
    if not evaluation.not_computed:
        return []
    reasons = {metric: evaluation.not_computed[metric] for metric in ordered(evaluation.not_computed)}
    return ["Not computed:", _bullets(reasons)]


def _bullets(texts: dict[str, str]) -> str:
    known = (metric for metric in ordered(texts))
    return "\n".join(f"- {_cell(column(metric).label)}: {_cell(texts[metric])}" for metric in known)


def _table(metrics: Collection[str], rows: Iterable[list[str]]) -> str:
    """A Markdown table: systems down, metrics across."""
    lines = [["", *(column(metric).head for metric in metrics)], ["---", *("---:" for _ in metrics)], *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    """One line that no Markdown reader takes for a cell's end or for HTML."""
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
