"""An evaluation as one HTML file that opens from disk: the figures, then every video, worst first.

Figures are read from the Evaluation, never computed again; what is shown besides comes from the video files
and reference pictures themselves.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Sequence
from pathlib import Path

from stillmotion.evaluate import page_parts as parts
from stillmotion.evaluate.page_parts import Media, text
from stillmotion.evaluate.tables import column, ordered
from stillmotion.evaluate.types import Evaluation, VideoResult

CARDS = 1000
"""Most videos with a card: the worst ones. 1,000 cards are about 20 MB of pictures."""
MANY = 300
"""From here on pictures are smaller."""
LEADING = ("facesim_cur", "facesim_arc", "facesim_dlib")
"""What "worst" means at first: the first of these that there is. FaceSim-Cur leads, being independent of the
ArcFace by which first frames are chosen."""
BINS = 24
CURVES = 4
INDEPENDENT = (
    "First frames are chosen by ArcFace, so FaceSim-Cur and FaceSim-dlib are the independent figures."
)


def write_page(evaluation: Evaluation, page: Path, room: int = 48 << 20) -> None:
    """Write the page of ``evaluation`` to the file ``page``, atomically.

    Videos go into the page, worst first, until ``room`` bytes are full; the others are linked to relative to
    it. Raises InputError where ``page`` cannot be or is a file that is not ours.
    """
    parts.check(page)
    shown = worst_first(evaluation)[:CARDS]
    media = Media(page, side=320 if len(shown) <= MANY else 192, room=room)
    metrics = ordered(evaluation.summary)
    worst = {metric: _worst_tenth(evaluation.videos, metric) for metric in metrics}
    cards = [_card(evaluation, video, rank, media, worst) for rank, video in enumerate(shown, 1)]
    body = [
        "<main>",
        _top(evaluation),
        _summary(evaluation, metrics),
        _not_computed(evaluation),
        "<h2>Videos</h2>",
        _order_note(evaluation, len(shown)),
        "</main>",
        controls(metrics, kinds(evaluation)),
        f'<main><div class="cards">{"".join(cards)}</div>',
        f"<footer>{text(INDEPENDENT)} Made by stillmotion {text(evaluation.version)}.</footer></main>",
    ]
    title = f"Evaluation of {evaluation.videos_folder or 'videos'}"
    parts.write(page, parts.document(title, "\n".join(body)))


def leading(metrics: Sequence[str]) -> str | None:
    """The metric that orders the videos at first."""
    return next((metric for metric in (*LEADING, *metrics) if metric in metrics), None)


def worst_first(evaluation: Evaluation) -> list[VideoResult]:
    """Failed ones, then those without the leading figure, then from the worst figure to the best."""
    metric = leading(ordered(evaluation.summary))

    def key(video: VideoResult) -> tuple[bool, bool, float]:
        value = video.metrics.get(metric or "")
        sign = 1 if metric is None or column(metric).better == "higher" else -1
        return video.error is None, value is not None, sign * (value or 0.0)

    return sorted(evaluation.videos, key=key)


def kinds(evaluation: Evaluation) -> dict[str, int]:
    """How many videos there are of each kind that the page can show alone."""
    count: dict[str, int] = {}
    for video in evaluation.videos:
        for kind in kinds_of(video):
            count[kind] = count.get(kind, 0) + 1
    return count


def kinds_of(video: VideoResult) -> list[str]:
    """``failed``, ``faceless``, ``flagged``: whatever holds."""
    faceless = video.face_frames == 0 and bool(video.judged_frames)
    holds = (("failed", video.error is not None), ("faceless", faceless), ("flagged", bool(video.flags)))
    return [kind for kind, true in holds if true]


def controls(
    metrics: Sequence[str], count: dict[str, int], orders: tuple[str, str] = ("worst first", "best first")
) -> str:
    """The bar that sorts and filters; hidden until the script runs. ``count``: how many of each kind."""
    options, chosen = "", leading(metrics)
    for metric in metrics:
        mark = " selected" if metric == chosen else ""
        label, better = text(column(metric).label), column(metric).better
        options += f'<option value="{text(metric)}" data-better="{better}"{mark}>{label}</option>'
    names = {"failed": "failed", "faceless": "without a face", "flagged": "flagged"}
    shows = "".join(
        f'<option value="{kind}">{label} ({count[kind]})</option>'
        for kind, label in names.items()
        if kind in count
    )
    show = f'<label>Show <select name="show"><option value="all">all</option>{shows}</select></label>'
    return (
        '<form class="bar" hidden><div>'
        f'<label>Sort by <select name="sort">{options}</select></label>'
        f'<label><select name="order" aria-label="order"><option value="worst">{text(orders[0])}</option>'
        f'<option value="best">{text(orders[1])}</option></select></label>'
        f"{show if shows else '<input type=hidden name=show value=all>'}"
        '<label>from <input type="number" step="any" name="low" placeholder="min"></label>'
        '<label>to <input type="number" step="any" name="high" placeholder="max"></label>'
        '<input type="search" name="find" placeholder="id or words" aria-label="find by id or words">'
        '<button type="reset">Reset</button><output></output></div></form>'
    )


def attributes(figures: dict[str, float], shown: Sequence[str], words: str) -> str:
    """What the script sorts and filters a card by."""
    data = json.dumps(figures, allow_nan=False)
    return f'data-figures="{text(data)}" data-kinds="{" ".join(shown)}" data-words="{text(words.lower())}"'


def flags(video: VideoResult) -> str:
    """The video's flags and faults as badges."""
    badges = ['<span class="flag bad">failed</span>'] if video.error is not None else []
    badges += [f'<span class="flag">{text(flag)}</span>' for flag in video.flags]
    return "".join(badges)


def similarity(videos: Sequence[tuple[str, VideoResult]]) -> str:
    """The similarity curves of one or more named videos of an item as one drawing, "" where there are none.

    Curves whose values are no similarities (distances) are left out.
    """
    curves: dict[str, Sequence[float | None]] = {}
    labels: list[str] = []
    for name, video in videos:
        for metric in ordered(video.curves):
            values = video.curves[metric]
            alike = column(metric).better == "higher" and all(v is None or -1 <= v <= 1 for v in values)
            if values and alike and len(curves) < CURVES:
                curves[f"{name} {metric}"] = values
                labels.append(f"{column(metric).label} {name}".strip())
    return parts.curve(curves, labels) if curves else ""


def _top(evaluation: Evaluation) -> str:
    counts = evaluation.counts
    tiles = (
        ("videos asked for", counts.videos, ""),
        ("judged without a fault", counts.videos - counts.failed, ""),
        ("failed", counts.failed, "bad" if counts.failed else ""),
        ("without any face", counts.without_face, "warn" if counts.without_face else ""),
    )
    boxes = (f'<div class="{kind}"><dt>{name}</dt><dd>{value}</dd></div>' for name, value, kind in tiles)
    return (
        f"<h1>Evaluation of <code>{text(evaluation.videos_folder or 'videos')}</code></h1>"
        f'<p class="soft">against <code>{text(evaluation.references or "references")}</code></p>'
        f'<dl class="tiles">{"".join(boxes)}</dl>'
    )


def _summary(evaluation: Evaluation, metrics: Sequence[str]) -> str:
    """A row per metric: mean, interval, n, how the videos are spread, how it was computed."""
    rows = []
    for metric in metrics:
        found, write = evaluation.summary[metric], column(metric).text
        rows.append(
            f'<tr><th scope="row">{text(column(metric).head)}</th>'
            f'<td class="right"><b>{write(found.mean)}</b></td>'
            f'<td class="firm" data-label="95 %">{write(found.low)} to {write(found.high)}</td>'
            f'<td class="right" data-label="n">{found.n}</td>'
            f'<td class="spread">{_spread(evaluation, metric)}</td>'
            f'<td class="how">{text(evaluation.protocol.get(metric, ""))}</td></tr>'
        )
    if not rows:
        return '<p class="soft">No figure was computed.</p>'
    head = (
        '<th>Metric</th><th class="right">Mean</th><th>95 % interval</th><th class="right">n</th>'
        "<th>Videos, mean and interval</th><th>How it is computed</th>"
    )
    return (
        f'<h2>Figures</h2><div class="panel"><table class="wide"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _spread(evaluation: Evaluation, metric: str) -> str:
    """A histogram of the videos' figures with the mean as a line and its interval as a band."""
    values = [video.metrics[metric] for video in evaluation.videos if metric in video.metrics]
    if not values:
        return ""
    found, write = evaluation.summary[metric], column(metric).text
    low, high = min(values), max(values)
    scale = 200 / ((high - low) or 1)
    bins = [0] * BINS
    for value in values:
        bins[min(BINS - 1, int((value - low) / ((high - low) or 1) * BINS))] += 1
    width = 200 / BINS
    bars = "".join(
        f'<rect class="bin" x="{n * width:.1f}" width="{width - 1:.1f}"'
        f' y="{30 - 28 * count / max(bins):.1f}" height="{28 * count / max(bins):.1f}"/>'
        for n, count in enumerate(bins)
        if count
    )
    start, mean = (found.low - low) * scale, (found.mean - low) * scale
    band = f'x="{start:.1f}" width="{max(1.5, (found.high - found.low) * scale):.1f}"'
    return (
        '<svg viewBox="0 0 200 44" role="img" aria-label="how the videos are spread">'
        f'{bars}<rect class="band" {band} y="0" height="31"/>'
        f'<line class="mean" x1="{mean:.1f}" x2="{mean:.1f}" y1="0" y2="31"/>'
        f'<text x="0" y="42">{write(low)}</text>'
        f'<text x="200" y="42" text-anchor="end">{write(high)}</text></svg>'
    )


def _not_computed(evaluation: Evaluation) -> str:
    if not evaluation.not_computed:
        return ""
    lines = (
        f"<li><b>{text(column(metric).label)}</b>: {text(evaluation.not_computed[metric])}</li>"
        for metric in ordered(evaluation.not_computed)
    )
    return f'<h2>Not computed</h2><div class="panel"><ul class="notes">{"".join(lines)}</ul></div>'


def _order_note(evaluation: Evaluation, shown: int) -> str:
    metric = leading(ordered(evaluation.summary))
    by = f" by {column(metric).label}" if metric else ""
    total = len(evaluation.videos)
    rest = f" The worst {shown:,} of {total:,} have a card; the CSV has all." if shown < total else ""
    return (
        f'<p class="soft">Worst first{text(by)}, what failed before all.{rest} A figure in red is among the'
        " worst tenth. Where a curve is shaded no face was found; a click on it seeks the video.</p>"
    )


def _worst_tenth(videos: Sequence[VideoResult], metric: str) -> Callable[[float], bool]:
    """Whether a figure is among the worst tenth; figures that are equal are in it together or not at all."""
    sign = 1 if column(metric).better == "higher" else -1
    figures = sorted(sign * video.metrics[metric] for video in videos if metric in video.metrics)
    tenth = len(figures) // 10
    return lambda value: bisect_right(figures, sign * value) <= tenth


def _figure(video: VideoResult, metric: str, worst: Callable[[float], bool] | None) -> str:
    """A figure with its name. FID without a face is 0 in ConsisID's code, its best value: flagged."""
    value = video.metrics[metric]
    written, kind = column(metric).text(value), "worst" if worst and worst(value) else ""
    if metric == "fid_consisid" and video.face_frames == 0:
        written, kind = f"{written} (no face)", "worst"
    return f'<div class="{kind}"><dt>{text(column(metric).label)}</dt><dd>{written}</dd></div>'


def _card(
    evaluation: Evaluation,
    video: VideoResult,
    rank: int,
    media: Media,
    worst: dict[str, Callable[[float], bool]],
) -> str:
    label = f"{video.id} {video.prompt_id}"
    first, moving, shape = media.video(parts.video_file(evaluation, video), label)
    faces = "" if video.judged_frames is None else f" · face in {video.face_frames} of {video.judged_frames}"
    pictures = (
        parts.figure(media.reference(video.reference, evaluation.references), "reference"),
        parts.figure(first, "first frame"),
        parts.figure(moving, f"{video.frames} frames{faces}" if video.frames else "video"),
    )
    figures = "".join(_figure(video, metric, worst.get(metric)) for metric in ordered(video.metrics))
    error = f'<p class="error">{text(video.error)}</p>' if video.error is not None else ""
    return (
        f'<article class="card" {attributes(video.metrics, kinds_of(video), f"{label} {video.prompt}")}>'
        f'<header><span class="rank number">{rank}</span>'
        f"<h3>{text(video.id)} <span>{text(video.prompt_id)}</span></h3>{flags(video)}</header>"
        f'<div><div class="media {shape}">{"".join(pictures)}</div>{similarity([("", video)])}</div>'
        f'<div>{error}<p class="prompt">{text(video.prompt)}</p><dl class="figures">{figures}</dl></div>'
        "</article>\n"
    )
