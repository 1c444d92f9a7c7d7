"""``stillmotion presets``: what there is to choose from."""

from __future__ import annotations

from typing import Any

from stillmotion.cli import console
from stillmotion.cli.options import Json
from stillmotion.presets import PRESETS, Preset


def command(as_json: Json = False) -> None:
    """List the presets: what they are made of, the licences of their parts, the memory they need."""
    console.result({name: _facts(preset) for name, preset in PRESETS.items()} if as_json else _text())


def _facts(preset: Preset) -> dict[str, Any]:
    motion = preset.motion
    return {
        "summary": preset.summary,
        "device": preset.device,
        "memory_gib": preset.memory,
        "embedded": all(source.embedded for source in preset.sources()),
        "size": f"{motion.width}x{motion.height}",
        "num_frames": motion.num_frames,
        "fps": motion.fps,
        "licences": sorted({source.licence.name for source in preset.sources()}),
        "parts": {source.name: source.repo or source.url for source in preset.sources()},
    }


def _text() -> str:
    """A paragraph for each preset."""
    paragraphs = []
    for name, preset in PRESETS.items():
        facts = _facts(preset)
        video = f"{facts['size']}, {facts['num_frames']} frames at {facts['fps']} a second"
        paragraphs.append(
            f"{name}: {preset.summary}\n"
            f"  {video}; needs {facts['memory_gib']:g} GiB on {preset.device}\n"
            f"  licences: {'; '.join(facts['licences'])}"
        )
    return "\n\n".join(paragraphs)
