"""The presets and the judges as Markdown tables, for docs/presets.md and docs/evaluate-metrics.md; tests
compare the pages with what this writes.

python -m stillmotion.weights.catalogue             prints the generated part of docs/presets.md
python -m stillmotion.weights.catalogue evaluate    that of docs/evaluate-metrics.md
"""

from __future__ import annotations

import sys

from stillmotion.parts import Source
from stillmotion.presets import PRESETS, QUALITIES, Preset
from stillmotion.weights.fetch import in_words
from stillmotion.weights.judges import BUNDLES, PARTS


def tables() -> str:
    """The generated part of docs/presets.md."""
    presets = list(PRESETS.values())
    sources = list(dict.fromkeys(source for preset in presets for source in preset.sources()))
    sections = (
        ("The presets", _overview(presets)),
        ("Stage 1: the still", _still(presets)),
        ("Stage 2: the motion", _motion(presets)),
        ("Parts, licences and pins", _sources(sources)),
    )
    return "\n\n".join(f"## {title}\n\n{table}" for title, table in sections) + "\n"


def judges() -> str:
    """The generated part of docs/evaluate-metrics.md: what is downloaded together, and the parts."""
    bundles = [
        [
            f"`stillmotion download {bundle.name}`",
            bundle.summary,
            ", ".join(f"`{p.name}`" for p in bundle.parts),
        ]
        for bundle in BUNDLES.values()
    ]
    return f"{_table(['command', 'for', 'parts'], bundles)}\n\n{_sources(list(PARTS.values()))}\n"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _overview(presets: list[Preset]) -> str:
    rows = [
        [
            f"`{preset.name}`",
            preset.summary,
            "CPU" if preset.device == "cpu" else "CUDA",
            f"{preset.memory:.1f}",
            f"{preset.need.ram:.0f}" if preset.device == "cuda" else "the same",
            f"`{preset.analyzer}`, judge `{preset.judge}`",
            f"`{preset.writer}`",
        ]
        for preset in presets
    ]
    head = ["preset", "what it is", "runs on", "device memory, GiB", "RAM, GiB", "faces", "writer"]
    return _table(head, rows)


def _still(presets: list[Preset]) -> str:
    rows = []
    for preset in presets:
        still = preset.still
        settings = [still.quality[quality] for quality in QUALITIES]
        rows.append(
            [
                f"`{preset.name}`",
                f"{still.width}x{still.height}",
                still.scheduler,
                " / ".join(str(one.steps) for one in settings),
                " / ".join(str(one.candidates) for one in settings),
                " / ".join("yes" if one.detail else "no" for one in settings),
                f"{still.guidance_scale:g}",
                f"{still.lora_weight:g}",
                f"{still.enough_similarity:g}",
                "the judge's" if still.kept_similarity is None else f"{still.kept_similarity:g}",
            ]
        )
    qualities = " / ".join(QUALITIES)
    head = ["preset", "size", "sampler", f"steps: {qualities}", "candidates", "face detailer", "CFG"]
    return _table([*head, "HyperLoRA weight", "enough similarity", "face kept from"], rows)


def _motion(presets: list[Preset]) -> str:
    rows = []
    for preset in presets:
        motion = preset.motion
        second = "" if motion.guidance_scale_2 is None else f" / {motion.guidance_scale_2:g}"
        extra = []
        if motion.boundary_ratio is not None:
            extra.append(f"boundary {motion.boundary_ratio:g}")
        if motion.sigmas is not None:
            extra.append("sigmas " + ", ".join(f"{sigma:g}" for sigma in motion.sigmas))
        rows.append(
            [
                f"`{preset.name}`",
                motion.kind,
                f"{motion.width}x{motion.height}",
                f"{motion.num_frames} at {motion.fps}",
                " / ".join(str(motion.steps[quality]) for quality in QUALITIES),
                f"{motion.guidance_scale:g}{second}",
                f"{motion.flow_shift:g}",
                "; ".join(extra) or "none",
            ]
        )
    qualities = " / ".join(QUALITIES)
    head = ["preset", "kind", "size", "frames at fps", f"steps: {qualities}", "CFG", "flow shift", "besides"]
    return _table(head, rows)


def _sources(sources: list[Source]) -> str:
    rows = []
    for source in sources:
        where = f"[{source.repo}](https://huggingface.co/{source.repo})" if source.repo else "in the package"
        if source.url is not None:
            where = f"<{source.url}>"
        pins = {
            "package": "sha256 of every file",
            "commit": f"commit `{source.revision}`",
            "content": f"sha256{'' if len(source.sha256 or '') == 64 else ' begins with'} `{source.sha256}`",
            "first download": "**NOT PINNED: trusted on first download**, kept from then on",
        }
        licence = f"[{source.licence.name}]({source.licence.address})"
        if not source.licence.commercial:
            licence += ", **no commercial use**"
        size = in_words(source.size) if source.size is not None else "told before the download"
        size = "part of the package" if source.embedded else size
        rows.append([f"`{source.name}`", where, licence, size, pins[source.pin]])
    return _table(["part", "from", "licence", "size, about", "pinned by"], rows)


if __name__ == "__main__":
    print(judges() if "evaluate" in sys.argv[1:] else tables(), end="")
