"""``stillmotion evaluate``: finished videos measured, as a table, files and a page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stillmotion.cli import console
from stillmotion.errors import InputError

if TYPE_CHECKING:
    from stillmotion.evaluate.types import Evaluation

Videos = Annotated[Path, typer.Argument(help="The folder that 'batch' wrote.", metavar="DIR")]
References = Annotated[
    Path, typer.Option("--references", help="The dataset the videos were made for.", metavar="DATASET")
]
Metrics = Annotated[str | None, typer.Option(help="Some metrics only, such as a,b.", metavar="A,B")]
JsonFile = Annotated[
    Path | None, typer.Option("--json", help="Everything; - for stdout.", metavar="FILE.json")
]
CsvFile = Annotated[Path | None, typer.Option("--csv", help="A row for each video.", metavar="FILE.csv")]
MarkdownFile = Annotated[
    Path | None, typer.Option("--markdown", help="Tables beside published figures.", metavar="FILE.md")
]
HtmlFile = Annotated[
    Path | None, typer.Option("--html", help="A page to look at, worst videos first.", metavar="FILE.html")
]
Device = Annotated[str | None, typer.Option(help="cpu or cuda; else what there is.", metavar="NAME")]
Title = Annotated[str, typer.Option("--name", help="What the Markdown table calls our row.")]
TestSet = Annotated[
    str | None,
    typer.Option("--test-set", help="The published test set that the videos were made for.", metavar="NAME"),
]
Again = Annotated[bool, typer.Option("--again", help="Measure again what was measured before.")]
STDOUT = Path("-")
ENDINGS = {
    "--json": (".json",),
    "--csv": (".csv",),
    "--markdown": (".md", ".markdown"),
    "--html": (".html", ".htm"),
}


def command(
    videos: Videos,
    references: References,
    metrics: Metrics = None,
    json: JsonFile = None,
    csv: CsvFile = None,
    markdown: MarkdownFile = None,
    html: HtmlFile = None,
    device: Device = None,
    name: Title = "stillmotion",
    test_set: TestSet = None,
    again: Again = False,
) -> int:
    """Measure videos: does the person stay the same, does the picture follow the words, does it move.

    Videos are looked for where 'batch' puts them, or a challenge's submission. A metric that cannot be
    computed here is named with its reason. Interrupted, the same command goes on. Ends with 1 where no video
    could be judged.
    """
    targets = {"--json": json, "--csv": csv, "--markdown": markdown, "--html": html}
    _check(targets, device, test_set)
    from stillmotion.evaluate import tables
    from stillmotion.evaluate.page import write_page
    from stillmotion.evaluate.run import evaluate

    with console.meter() as progress:
        evaluation = evaluate(videos, references, _names(metrics), device, progress, again)
    _write(csv, lambda: tables.to_csv(evaluation))
    _write(markdown, lambda: tables.to_markdown(evaluation, name, test_set))
    if html is not None:
        write_page(evaluation, html)
    if json == STDOUT:
        console.result(evaluation.model_dump(mode="json"))
    else:
        _write(json, lambda: tables.to_json(evaluation))
        console.result(_table(evaluation))
    for option, path in targets.items():
        if path not in (None, STDOUT):
            console.say(f"{option.removeprefix('--')}: {path}")
    _tell(evaluation)
    return 0 if evaluation.summary else 1


def _names(metrics: str | None) -> list[str] | None:
    """The metrics of "a,b"; None for all."""
    return None if metrics is None else [name.strip() for name in metrics.split(",") if name.strip()]


def _check(targets: dict[str, Path | None], device: str | None, test_set: str | None) -> None:
    """Refuse before the work what would fail after it."""
    from stillmotion.evaluate.published import PUBLISHED

    if device not in (None, "cpu", "cuda"):
        raise InputError(f"--device {device}: is unknown; there are cpu and cuda")
    if test_set is not None and test_set not in PUBLISHED:
        raise InputError(f"--test-set {test_set}: is unknown; there are {', '.join(PUBLISHED)}")
    for option, path in targets.items():
        if path is None or (option == "--json" and path == STDOUT):
            continue
        # An ending of its own keeps a slip of the hand from replacing a video.
        if path.suffix.lower() not in ENDINGS[option]:
            raise InputError(f"{option} {path}: give a file that ends in {ENDINGS[option][0]}")
        if path.is_dir() or not path.absolute().parent.is_dir():
            raise InputError(f"{option} {path}: cannot be written; give a file in a folder that is there")


def _write(path: Path | None, text: Callable[[], str]) -> None:
    from stillmotion.files import write_text

    if path is not None:
        write_text(path, text())


def _table(evaluation: Evaluation) -> str:
    """A line for each metric: mean, interval, number of videos."""
    from stillmotion.evaluate.tables import column, figure, ordered

    rows = [
        (column(metric).head, figure(metric, evaluation.summary[metric]))
        for metric in ordered(evaluation.summary)
    ]
    width = max((len(head) for head, _ in rows), default=0)
    return "\n".join(f"{head:<{width}}  {text}" for head, text in rows) or "no figures"


def _tell(evaluation: Evaluation) -> None:
    """Counts, failed videos and metrics without figures, on stderr."""
    from stillmotion.evaluate.tables import column, count_line, ordered

    counts = evaluation.counts
    console.say(count_line(counts))
    if counts.judged_frames:
        console.say(f"a face in {counts.face_frames} of {counts.judged_frames} judged frames")
    failed = [video for video in evaluation.videos if video.error]
    for video in failed[:10]:
        console.say(f"failed: {video.file}: {video.error}")
    if len(failed) > 10:
        console.say(f"failed: {len(failed) - 10} more")
    by_reason: dict[str, list[str]] = {}
    for metric in ordered(evaluation.not_computed):
        by_reason.setdefault(evaluation.not_computed[metric], []).append(column(metric).label)
    for reason, labels in by_reason.items():
        console.say(f"not computed: {', '.join(labels)}: {reason}")
