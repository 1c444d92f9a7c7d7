"""A comparison as one HTML file: the paired differences, then every item with both videos side by side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stillmotion.evaluate import page, page_parts
from stillmotion.evaluate.comparison import Comparison, Key, Paired
from stillmotion.evaluate.page_parts import Media, text
from stillmotion.evaluate.tables import column
from stillmotion.evaluate.types import Evaluation, VideoResult

HALF = 100
"""Units from the zero of a difference's drawing to either end."""


def write_comparison(
    comparison: Comparison, a: Evaluation, b: Evaluation, file: Path, room: int = 48 << 20
) -> None:
    """Write the page of ``comparison`` (of ``a`` and ``b``) to ``file``, atomically.

    The items on which B loses most come first; ``room`` bytes of videos go into the page, the others are
    linked to. Raises InputError where ``file`` cannot be or is a file that is not ours.
    """
    page_parts.check(file)
    videos = _by_key(a), _by_key(b)
    metric = page.leading(tuple(comparison.metrics))
    items = sorted(comparison.items, key=lambda key: _gain(metric, videos[0][key], videos[1][key]))
    shown = items[: page.CARDS // 2]
    media = Media(file, side=320 if len(shown) <= page.MANY // 2 else 192, room=room)
    cards = [_card(comparison, (a, b), (videos[0][key], videos[1][key]), media) for key in shown]
    name_a, name_b = comparison.name_a, comparison.name_b
    body = [
        f"<main><h1>{text(name_a)} against {text(name_b)}</h1>",
        f'<p class="soft"><code>{text(a.videos_folder)}</code> against <code>{text(b.videos_folder)}</code>,'
        f" {len(comparison.items)} items that both have</p>",
        _figures(comparison),
        _left_out(comparison),
        f'<h2>Items</h2><p class="soft">Differences: {text(name_b)} minus {text(name_a)}; first those where'
        f" {text(name_b)} loses most.{_rest(len(shown), len(items))}</p></main>",
        page.controls(tuple(comparison.metrics), {}, (f"{name_b} loses first", f"{name_b} wins first")),
        f'<main><div class="cards pairs">{"".join(cards)}</div><footer>Made by stillmotion.</footer></main>',
    ]
    title = f"{name_a} against {name_b}"
    page_parts.write(file, page_parts.document(title, "\n".join(body)))


def _by_key(evaluation: Evaluation) -> dict[Key, VideoResult]:
    return {(video.id, video.prompt_id): video for video in evaluation.videos}


def _gain(metric: str | None, a: VideoResult, b: VideoResult) -> float:
    """By how much B is better; an item without both figures comes last."""
    if metric is None or metric not in a.metrics or metric not in b.metrics:
        return float("inf")
    difference = b.metrics[metric] - a.metrics[metric]
    return difference if column(metric).better == "higher" else -difference


def _rest(shown: int, total: int) -> str:
    return f" The first {shown:,} of {total:,} are shown." if shown < total else ""


def _figures(comparison: Comparison) -> str:
    name_a, name_b = text(comparison.name_a), text(comparison.name_b)
    rows = "".join(_row(comparison, metric, paired) for metric, paired in comparison.metrics.items())
    head = (
        f'<th>Metric</th><th class="right">{name_a}</th><th class="right">{name_b}</th>'
        f"<th>Difference, 95 %</th><th>{name_a} better · 0 · {name_b} better</th>"
        f"<th>Wins</th><th class='right'>Pairs</th>"
    )
    return (
        f'<h2>Figures</h2><div class="panel"><table class="wide duel"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
        '<p class="soft">Mean of the paired differences with its 95 % interval, bootstrap over pairs. Open:'
        " the interval holds 0, or there are fewer than six pairs.</p>"
    )


def _row(comparison: Comparison, metric: str, paired: Paired) -> str:
    write, signed, difference = column(metric).text, column(metric).signed, paired.difference
    names = {"a": comparison.name_a, "b": comparison.name_b}
    verdict = f"{names[paired.verdict]} is better" if paired.verdict in names else "open"
    return (
        f'<tr><th scope="row">{text(column(metric).head)}</th>'
        f'<td class="right" data-label="{text(comparison.name_a)}">{write(paired.mean_a)}</td>'
        f'<td class="right" data-label="{text(comparison.name_b)}">{write(paired.mean_b)}</td>'
        f"<td class='full'><b>{signed(difference.mean)}</b> [{signed(difference.low)},"
        f' {signed(difference.high)}]<br><span class="{paired.verdict}">{text(verdict)}</span></td>'
        f'<td class="spread {paired.verdict}">{_whisker(paired)}</td>'
        f'<td data-label="wins">{paired.wins_a:.0%} : {paired.wins_b:.0%},'
        f" {paired.ties:.0%} tied</td>"
        f'<td class="right" data-label="pairs">{difference.n}</td></tr>'
    )


def _whisker(paired: Paired) -> str:
    """The interval around zero; to the right B is better, also where lower is."""
    sign = 1 if paired.better == "higher" else -1
    low, mean, high = (
        sign * v for v in (paired.difference.low, paired.difference.mean, paired.difference.high)
    )
    scale = 0.9 * HALF / (max(abs(low), abs(high)) or 1)
    start, middle, end = (HALF + value * scale for value in (low, mean, high))
    return (
        f'<svg viewBox="0 0 {2 * HALF} 24" role="img" aria-label="interval of the difference">'
        f'<line class="zero" x1="{HALF}" x2="{HALF}" y1="0" y2="24"/>'
        f'<line class="whisker" x1="{start:.1f}" x2="{end:.1f}" y1="12" y2="12"/>'
        f'<circle class="dot" cx="{middle:.1f}" cy="12" r="4"/></svg>'
    )


def _left_out(comparison: Comparison) -> str:
    lines = [
        f"<li><b>{text(column(metric).label)}</b> is not compared: {text(reason)}</li>"
        for metric, reason in comparison.not_compared.items()
    ]
    for item in comparison.left_out:
        of = f" ({text(', '.join(column(metric).label for metric in item.metrics))})" if item.metrics else ""
        lines.append(f"<li><b>{text(item.id)} {text(item.prompt_id)}</b>{of}: {text(item.reason)}</li>")
    if not lines:
        return ""
    return f'<h2>Left out</h2><div class="panel"><ul class="notes">{"".join(lines[:200])}</ul></div>' + (
        f'<p class="soft">and {len(lines) - 200:,} more; --json has all.</p>' if len(lines) > 200 else ""
    )


def _card(
    comparison: Comparison,
    evaluations: tuple[Evaluation, Evaluation],
    pair: tuple[VideoResult, VideoResult],
    media: Media,
) -> str:
    names = (comparison.name_a, comparison.name_b)
    a, b = pair
    reference = media.reference(a.reference, evaluations[0].references)
    figures, shapes = [page_parts.figure(reference, "reference")], set[str]()
    for name, evaluation, video in zip(names, evaluations, pair, strict=True):
        label = f"{name} {video.id} {video.prompt_id}"
        _, moving, shape = media.video(page_parts.video_file(evaluation, video), label)
        shapes.add(shape)
        figures.append(page_parts.figure(moving, name + (f": {video.error}" if video.error else "")))
    both = {m: b.metrics[m] - a.metrics[m] for m in comparison.metrics if m in a.metrics and m in b.metrics}
    words = f"{a.id} {a.prompt_id} {a.prompt}"
    return (
        f'<article class="card" {page.attributes(both, (), words)}><header><span class="rank number"></span>'
        f"<h3>{text(a.id)} <span>{text(a.prompt_id)}</span></h3>{_flags(names, pair)}</header>"
        f'<div><div class="media {shapes.pop() if len(shapes) == 1 else ""}">{"".join(figures)}</div>'
        f"{page.similarity(_leading_curve(comparison, names, pair))}</div>"
        f'<div><p class="prompt">{text(a.prompt)}</p>{_table(names, pair, both)}</div></article>\n'
    )


def _flags(names: tuple[str, str], pair: tuple[VideoResult, VideoResult]) -> str:
    """Each side's flags under its name."""
    return "".join(
        f'<span class="flag">{text(name)}: {text(flag)}</span>'
        for name, video in zip(names, pair, strict=True)
        for flag in video.flags
    )


def _leading_curve(
    comparison: Comparison, names: tuple[str, str], pair: tuple[VideoResult, VideoResult]
) -> list[tuple[str, VideoResult]]:
    """Both videos with the one curve that leads, so that a line is a side."""
    metric = page.leading([m for m in comparison.metrics if all(m in video.curves for video in pair)])
    if metric is None:
        return []
    cut = (video.model_copy(update={"curves": {metric: video.curves[metric]}}) for video in pair)
    return list(zip(names, cut, strict=True))


def _table(
    names: tuple[str, str], pair: tuple[VideoResult, VideoResult], differences: Mapping[str, float]
) -> str:
    """A row per metric: both figures and their difference."""
    rows = "".join(
        f'<tr><th scope="row">{text(column(metric).label)}</th>'
        f'<td class="right">{column(metric).text(pair[0].metrics[metric])}</td>'
        f'<td class="right">{column(metric).text(pair[1].metrics[metric])}</td>'
        f'<td class="right"><b>{column(metric).signed(difference)}</b></td></tr>'
        for metric, difference in differences.items()
    )
    head = "".join(f'<th class="right">{text(name)}</th>' for name in (*names, "difference"))
    return f"<table><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table>" if rows else ""
