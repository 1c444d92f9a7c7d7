"""The gallery as two pages: README.md for readers on the web, index.html that plays the videos from disk.

Everything is read from the figures, nothing is computed here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from benchmarks import shared
from stillmotion.evaluate import page_parts
from stillmotion.evaluate.page_parts import Media, text
from stillmotion.files import write_text

NONE = "not computed"
COLUMNS = {
    "top1": "person named",
    "similarity": "similarity",
    "face_frames": "frames with a face",
    "ssim": "first frame / still",
    "drift": "drift",
    "action": "action",
    "in order": "two in order",
    "attributes": "attributes",
}
KINDS = {"plain": "", "timed": "with times", "r2v": "r2v", "raw": "raw prompt"}
READING = (
    "**Similarity**: by dlib, a face recogniser that mini never met, between the photo and the frames: 1 is "
    "the same picture, above .4 the same person by dlib's own threshold, .2 a stranger. **Rank**: the "
    "person's place among all {people} by that; 1 is named rightly. **First frame / still**: SSIM, 1 "
    "for equal. **Drift**: of the mean colour to the last frame, 0 to 255. **Judged**: by a network that "
    "learnt from the world alone, the actions in their order, and every attribute that was asked for or had "
    "to be kept (hair, beard, glasses)."
)
HOW = (
    "Each strip is the photo and five frames, the first to the last; it leads to the video. In a clone "
    "[index.html](index.html) plays all of them. All figures: [figures.json](figures.json)."
)


def command(order: Mapping[str, Any]) -> str:
    """What makes this gallery again."""
    preset = "" if order["preset"] == "mini" else f" --preset {order['preset']}"
    return (
        f"python -m benchmarks.gallery -o docs/gallery --people {order['people']} --seed {order['seed']} "
        f"--quality {order['quality']}{preset}"
    )


def about(figures: Mapping[str, Any]) -> list[str]:
    """What the reader has to know, as paragraphs of Markdown."""
    order, rows = figures["order"], figures["videos"]
    devices = sorted({row["device"] for row in rows.values() if "device" in row})
    made = f" on {' and '.join(devices)}" if devices else ""
    lacking = {
        who
        for row in rows.values()
        for key, who in (("face_frames", "what dlib says"), ("shown", "what the judge says"))
        if "error" not in row and key not in row
    }
    note = f" **Not computed yet**: {' and '.join(sorted(lacking))}." if lacking else ""
    return [
        f"{len(rows)} videos, made by `{order['preset']}` at {order['quality']} quality{made}. The people "
        "are synthetic, drawn by [a small world](../../training/world/README.md): the first "
        f"{order['people']} of those held out, whom no training saw. The prompts are in wordings that no "
        f"training saw either. Seeds are fixed (seed {order['seed']}): nothing here was picked and nothing "
        "was left out.",
        READING.format(people=order["people"]) + note,
    ]


def number(value: float | None, digits: int = 2) -> str:
    """A figure as the pages write it, or `NONE`."""
    return NONE if value is None else f"{value:.{digits}f}".removeprefix("0" if digits == 2 else "")


def said(row: Mapping[str, Any]) -> dict[str, str]:
    """A video's figures by their names, as text."""
    figures = {"dlib": NONE}
    if "face_frames" in row:
        figures = {
            "similarity": number(row["similarity"]),
            "rank": str(row["rank"] or "no face"),
            "frames with a face": f"{row['face_frames']} of {row['frames']}",
        }
    figures["first frame / still"] = "no still" if row["kind"] == "r2v" else number(row.get("ssim"))
    figures["drift"] = number(row.get("drift"), 1)
    if "shown" not in row:
        return figures | {"judged": NONE}
    return figures | {"judged actions": _actions(row), "judged attributes": _attributes(row)}


def _actions(row: Mapping[str, Any]) -> str:
    """Each action asked for and whether it was seen at its place; what was seen instead."""
    parts = []
    for asked, label in zip(row["actions"], ("action", "second action"), strict=False):
        seen = row["shown"][label]
        parts.append(f"{asked}: yes" if seen == asked else f"{asked}: no, {seen}")
    return "; ".join(parts)


def _attributes(row: Mapping[str, Any]) -> str:
    """How many are there, and which are not."""
    every = {**row["asked"], **row["kept"]}
    wrong = [label for label, there in every.items() if not there]
    return f"{len(every) - len(wrong)} of {len(every)}" + (f"; not {', '.join(wrong)}" if wrong else "")


def told(row: Mapping[str, Any]) -> dict[str, str]:
    """The plan: what each stage was told, and which words were read as others."""
    parts = [f"{part['start']:g}-{part['end']:g} s: {part['text']}" for part in row["segments"]]
    plan = {"still": row["spatial"], "motion": " ".join(parts) or row["temporal"]}
    if row["kind"] == "r2v":
        del plan["still"]
    return plan | ({"read": ", ".join(row["read"])} if row["read"] else {})


def title(row: Mapping[str, Any]) -> str:
    """Which video it is."""
    kind = KINDS[row["kind"]]
    return f"{row['id']}, prompt {row['prompt']}" + (f", {kind}" if kind else "")


def table(section: Mapping[str, Any]) -> list[list[str]]:
    """A section's rows, one for each kind of video: its name and the mean of each column that has one."""
    rows = []
    for kind, means in section["summary"].items():
        name = section["title"] + (f": {kind}" if len(section["summary"]) > 1 else "")
        values = {key: means[key]["mean"] for key in COLUMNS}
        cells = ("" if v is None else number(v, 1 if key == "drift" else 2) for key, v in values.items())
        rows.append([name, str(means["videos"]), *cells])
    return rows


def markdown(figures: Mapping[str, Any]) -> str:
    """README.md."""
    first, second = about(figures)
    lines = ["# Gallery", "", first, "", f"    {command(figures['order'])}", "", HOW, "", second, ""]
    rows = (row for section in figures["sections"] for row in table(section))
    lines += shared.table(["", "videos", *COLUMNS.values()], rows)
    for section in figures["sections"]:
        lines += ["", f"## {section['title']}", "", section["text"]]
        for name in section["videos"]:
            lines += ["", *_entry(name, figures["videos"][name])]
    return "\n".join(lines) + "\n"


def _entry(name: str, row: Mapping[str, Any]) -> list[str]:
    lines = [f"### {title(row)}", "", f"> {_plain(row['text'])}", ""]
    if "error" in row:
        return [*lines, f"Not made: {_plain(row['error'])}"]
    sheet = Path(name).with_suffix(".jpg").as_posix()
    figures = " · ".join(f"{key} **{_plain(value)}**" for key, value in said(row).items())
    plan = [f"- {key}: {_plain(value)}" for key, value in told(row).items()]
    picture = f"[![{title(row)}](sheets/{sheet})](videos/{name})"
    return [*lines, picture, "", f"[video](videos/{name}) · {figures}", "", *plan]


def _plain(words: str) -> str:
    """Words that Markdown leaves as they are."""
    return "".join(f"\\{c}" if c in "\\`*_[]#|" else c for c in escape(words, quote=False))


def html(figures: Mapping[str, Any], out: Path) -> str:
    """index.html: pictures inside it, videos beside it."""
    media = Media(out / "index.html", side=192, room=0)
    first, second = (_marked(paragraph) for paragraph in about(figures))
    body = [f"<main><h1>Gallery</h1><p>{first}</p><p><code>{text(command(figures['order']))}</code></p>"
            f'<p class="soft">{second}</p>{_means(figures)}']  # fmt: skip
    for section in figures["sections"]:
        cards = "".join(_card(name, figures["videos"][name], out, media) for name in section["videos"])
        body.append(f"<h2>{text(section['title'])}</h2><p class='soft'>{_marked(section['text'])}</p>")
        body.append(f'<div class="cards">{cards}</div>')
    return page_parts.document("Gallery", "\n".join([*body, "</main>"]))


def _marked(paragraph: str) -> str:
    """A paragraph of `about` as HTML: bold, code and the one link."""
    made = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", text(paragraph))
    made = re.sub(r"`(.+?)`", r"<code>\1</code>", made)
    return re.sub(r"\[(.+?)\]\((.+?)\)", r'<a href="\2">\1</a>', made)


def _means(figures: Mapping[str, Any]) -> str:
    head = "".join(f'<th class="right">{text(name)}</th>' for name in ("videos", *COLUMNS.values()))
    rows = ""
    for section in figures["sections"]:
        for name, *cells in table(section):
            values = "".join(f'<td class="right">{text(cell)}</td>' for cell in cells)
            rows += f'<tr><th scope="row">{text(name)}</th>{values}</tr>'
    whole = f"<table><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<div class="panel">{whole}</div>'


def _card(name: str, row: Mapping[str, Any], out: Path, media: Media) -> str:
    head = f'<article class="card"><header><h3>{text(title(row))}</h3></header>'
    prompt = f'<p class="prompt">{text(row["text"])}</p>'
    if "error" in row:
        return f'{head}<div>{prompt}<p class="error">Not made: {text(row["error"])}</p></div></article>\n'
    first, moving, shape = media.video(out / "videos" / name, title(row))
    pictures = (
        page_parts.figure(media.reference(row["photo"], str(out)), "photo"),
        page_parts.figure(first, "first frame"),
        page_parts.figure(moving, f"{row['frames']} frames"),
    )
    plan = "".join(f'<p class="soft"><b>{text(k)}</b>: {text(v)}</p>' for k, v in told(row).items())
    figures = "".join(f"<div><dt>{text(k)}</dt><dd>{text(v)}</dd></div>" for k, v in said(row).items())
    return (
        f'{head}<div><div class="media {shape}">{"".join(pictures)}</div></div>'
        f'<div>{prompt}<dl class="figures">{figures}</dl>{plan}</div></article>\n'
    )


def write(figures: Mapping[str, Any], out: Path) -> None:
    """Both pages, each whole or not at all."""
    write_text(out / "README.md", markdown(figures))
    page_parts.write(out / "index.html", html(figures, out))
