"""``stillmotion compare``: two evaluations of the same items, paired."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stillmotion.cli import console
from stillmotion.cli.options import Json
from stillmotion.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from stillmotion.evaluate.comparison import Comparison, Paired

A = Annotated[Path, typer.Argument(help="What 'stillmotion evaluate --json' wrote.", metavar="A.json")]
B = Annotated[Path, typer.Argument(help="The same of other videos of the same items.", metavar="B.json")]
Html = Annotated[
    Path | None, typer.Option("--html", help="Write a page with the videos side by side.", metavar="FILE")
]
Names = Annotated[
    str | None, typer.Option(help="What the two are called, with a comma between.", metavar="A,B")
]
VERDICTS = {"open": ("open", "dim"), "a": ("{a} better", "bold red"), "b": ("{b} better", "bold green")}
HEAD = ("metric", "{a}", "{b}", "difference [95 %]", "wins {a}", "ties", "wins {b}", "pairs", "")


def command(a: A, b: B, as_json: Json = False, html: Html = None, names: Names = None) -> None:
    """Compare two evaluations item by item: mean difference (B - A) with its 95 % interval, wins, ties."""
    from stillmotion.evaluate.comparison import compare, load

    called = _names(names, a, b)
    evaluations = load(a), load(b)
    comparison = compare(*evaluations, called)
    if html is not None:
        from stillmotion.evaluate.comparison_page import write_comparison

        write_comparison(comparison, *evaluations, html)
        console.say(f"page: {html}")
    if as_json:
        console.result(comparison.model_dump(mode="json"))
        return
    console.result(_table(comparison) if sys.stdout.isatty() else _plain(comparison))
    for line in remarks(comparison):
        console.say(line)


def _names(given: str | None, a: Path, b: Path) -> tuple[str, str]:
    """The user's names, else those of the files or of their folders, else A and B."""
    if given is None:
        for pair in ((a.stem, b.stem), (a.resolve().parent.name, b.resolve().parent.name)):
            if all(pair) and pair[0] != pair[1]:
                return pair
        return "A", "B"
    parts = [" ".join(part.split()) for part in given.split(",")]
    if len(parts) != 2 or not all(parts) or parts[0] == parts[1]:
        raise InputError(f"--names {given}: give two different names with a comma between, such as r2v,ours")
    return parts[0], parts[1]


def rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """The cells of each metric, as text."""
    from stillmotion.evaluate.tables import column

    rows = []
    for metric, paired in comparison.metrics.items():
        text, signed, difference = column(metric).text, column(metric).signed, paired.difference
        bounds = f"{signed(difference.low)}, {signed(difference.high)}"
        shares = (f"{share:.0%}" for share in (paired.wins_a, paired.ties, paired.wins_b))
        means = (text(paired.mean_a), text(paired.mean_b))
        head = (column(metric).head, *means, f"{signed(difference.mean)} [{bounds}]")
        rows.append((*head, *shares, str(difference.n), _verdict(comparison, paired)[0]))
    return rows


def _verdict(comparison: Comparison, paired: Paired) -> tuple[str, str]:
    """The verdict in words and its colour."""
    words, style = VERDICTS[paired.verdict]
    return words.format(a=comparison.name_a, b=comparison.name_b), style


def head(comparison: Comparison) -> list[str]:
    return [cell.format(a=comparison.name_a, b=comparison.name_b) for cell in HEAD]


def _table(comparison: Comparison) -> Table:
    """For a terminal."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 1, 0, 0))
    for number, cell in enumerate(head(comparison)):
        table.add_column(Text(cell), justify="left" if number in (0, 8) else "right", no_wrap=number == 0)
    for row, paired in zip(rows(comparison), comparison.metrics.values(), strict=True):
        styles = {number: _verdict(comparison, paired)[1] for number in (3, 8)}
        table.add_row(*(Text(cell, style=styles.get(number, "")) for number, cell in enumerate(row)))
    return table


def _plain(comparison: Comparison) -> str:
    """For a file or a pipe: the same cells in columns."""
    lines = [head(comparison), *rows(comparison)]
    widths = [max(len(line[number]) for line in lines) for number in range(len(HEAD))]
    padded = (zip(line, widths, strict=True) for line in lines)
    return "\n".join("  ".join(cell.ljust(width) for cell, width in line).rstrip() for line in padded)


def remarks(comparison: Comparison) -> list[str]:
    """What was left out and why: each reason once, with how many items it took."""
    from collections import Counter

    from stillmotion.evaluate.tables import column

    lines = [f"{column(name).label}: not compared: {why}" for name, why in comparison.not_compared.items()]
    reasons = Counter((item.reason, item.metrics) for item in comparison.left_out)
    for (reason, metrics), count in reasons.items():
        of = f" ({', '.join(column(metric).label for metric in metrics)})" if metrics else ""
        lines.append(f"left out: {count} {'item' if count == 1 else 'items'}{of}: {reason}")
    return lines
