"""Photos to an `Identity`: who the video is about. Nothing here knows prompts, stills or motion.

    read(photos, analyzer)    the person on one or several photos          (reading)
    analyzer(name, device)    "embedded" or "insightface:PACK"             (embedded, insight)
    load_image(path)          any photo as bounded, upright RGB pixels     (photos)
    save, load                an identity in a folder                      (storing)

`crops` makes the views that the encoders read; `geometry` aligns faces; `networks` are the embedded
analyzer's.
"""

from __future__ import annotations

from pathlib import Path

from stillmotion.errors import InputError
from stillmotion.identity.photos import load_image
from stillmotion.identity.reading import read
from stillmotion.identity.storing import load, save
from stillmotion.identity.types import Analyzer, Face, Identity, Pixels, Portrait

__all__ = [
    "Analyzer",
    "Face",
    "Identity",
    "Pixels",
    "Portrait",
    "analyzer",
    "load",
    "load_image",
    "read",
    "save",
]


def analyzer(name: str, device: str = "cpu", folder: Path | None = None) -> Analyzer:
    """The analyzer of that name on ``device`` ("cpu" or "cuda").

    "embedded": mini's own networks; "insightface:PACK": a model pack of insightface. ``folder`` overrides
    where the weights lie. Raises InputError for an unknown name, MissingWeightsError, MissingExtraError or
    CheckpointError.
    """
    kind, _, pack = name.partition(":")
    if kind == "embedded" and not pack:
        from stillmotion.identity.embedded import EmbeddedAnalyzer
        from stillmotion.presets import MINI
        from stillmotion.weights import locate

        if folder is None:
            folder = locate(next(source for source in MINI.extra_sources if source.name == "analyzer"))
        return EmbeddedAnalyzer(folder, device)
    if kind == "insightface" and pack:
        from stillmotion.identity.insight import InsightAnalyzer

        return InsightAnalyzer(pack, device, folder)
    raise InputError(f"analyzer: '{name}' is unknown; there are 'embedded' and 'insightface:PACK'")
