"""Draws the trainers' curves: every CSV of a folder as one panel, over the samples of all its runs.

    python -m training.curves docs/training/curves -o docs/training/curves.png

A trainer counts its steps and samples from nothing in every run; where a row's step is not above the one
before, a new run began (a dotted line). A figure that was not recorded is an empty field, and a gap in the
line.
"""

from __future__ import annotations

import argparse
import csv
import math
from pathlib import Path

SHOWN = {  # of each CSV; all figures of the others
    "still_vae": ("psnr",),
    "video_vae": ("psnr",),
    "face_detector": ("heat", "points", "matte"),
    "face_recogniser": ("contrast", "vector"),
    "judge_of_words": ("person", "clothes", "setting", "pose", "moments", "action", "second"),
}
COUNTS = ("step", "samples", "seconds")


def joined(path: Path) -> tuple[list[float], dict[str, list[float]], list[float]]:
    """The samples seen at each row over all runs, the figures (nan where empty), and where runs began."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        raise SystemExit(f"{path}: no rows")
    seen: list[float] = []
    begins: list[float] = []
    before = 0.0
    for row, previous in zip(rows, [None, *rows], strict=False):
        if previous is not None and int(row["step"]) <= int(previous["step"]):
            before += float(previous["samples"])
            begins.append(before)
        seen.append(before + float(row["samples"]))
    names = [n for n in rows[0] if n not in COUNTS and n in SHOWN.get(path.stem, rows[0])]
    return seen, {n: [float(r[n] or math.nan) for r in rows] for n in names}, begins


def draw(folder: Path, output: Path) -> None:
    """Write the picture of all curves."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    paths = sorted(folder.glob("*.csv"))
    columns = 2
    lines = math.ceil(len(paths) / columns)
    figure, axes = pyplot.subplots(lines, columns, figsize=(11, 3.1 * lines), squeeze=False)
    for path, axis in zip(paths, axes.flat, strict=False):
        seen, figures, begins = joined(path)
        for name, values in figures.items():
            axis.plot([s / 1e6 for s in seen], values, label=name, linewidth=1.2)
        for begin in begins:
            axis.axvline(begin / 1e6, color="0.6", linestyle=":", linewidth=0.8)
        if "psnr" not in figures:
            axis.set_yscale("log")
        axis.set(title=path.stem.replace("_", " "), xlabel="million samples")
        axis.legend(fontsize=8)
        axis.grid(alpha=0.3)
    for axis in axes.flat[len(paths) :]:
        axis.set_visible(False)
    figure.tight_layout()
    figure.savefig(output, dpi=90)


def main() -> None:
    """Read the command line and draw."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    draw(args.folder, args.output)


if __name__ == "__main__":
    main()
