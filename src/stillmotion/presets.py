"""Presets: which parts a pipeline is made of. A preset is data; nothing outside this file asks for its name.

Every figure that a request can override has its default here, per quality, and nowhere else. Settings of the full
presets are those of arXiv 2507.04705 and its reference code, of VACE and of Wan2.2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from stillmotion.errors import InputError

Quality = Literal["draft", "standard", "best"]
QUALITIES: tuple[Quality, ...] = ("draft", "standard", "best")


@dataclass(frozen=True)
class Source:
    """Where one part's files come from.

    ``name`` is the folder (or file) below the weights home; ``embedded`` parts lie inside the package instead.
    ``repo`` is a Hub repository, ``revision`` the pinned commit, ``files`` the patterns to fetch (empty: everything
    that is safetensors, JSON or a tokenizer), ``url`` a plain address for what is not on the Hub. ``licence`` is told
    to the user before a download; ``size`` in bytes, None where the server has to be asked. ``subfolder`` is the part
    of the repository that a loader opens.
    """

    name: str
    licence: str
    repo: str | None = None
    revision: str | None = None
    files: tuple[str, ...] = ()
    url: str | None = None
    sha256: str | None = None
    embedded: bool = False
    size: int | None = None
    subfolder: str = ""


@dataclass(frozen=True)
class StillSettings:
    """How stage 1 samples; sizes in pixels."""

    steps: int
    candidates: int
    detail: bool


@dataclass(frozen=True)
class StillPreset:
    """Stage 1: an SDXL checkpoint (folder or single file), a HyperLoRA folder and its CLIP vision tower."""

    checkpoint: Source
    hyperlora: Source
    image_encoder: Source
    width: int
    height: int
    guidance_scale: float
    quality: dict[Quality, StillSettings]
    clip_skip: int | None = 2
    lora_weight: float = 0.85
    trigger: str = "fcsks fxhks fhyks, "
    enough_similarity: float = 0.5
    detail_strength: float = 0.5
    detail_steps: int = 10
    detail_size: int = 1024
    loras: tuple[Source, ...] = ()
    negative_prompt: str = (
        "blurry, no face, nsfw, lowres, bad anatomy, bad hands, text, error, missing fingers, extra digit, "
        "fewer digits, cropped, worst quality, low quality, human artifacts, signature, watermark, bad feet"
    )


@dataclass(frozen=True)
class MotionPreset:
    """Stage 2: one Wan checkpoint folder of the given kind; ``steps`` per quality."""

    kind: Literal["vace", "ti2v", "i2v"]
    checkpoint: Source
    width: int
    height: int
    num_frames: int
    fps: int
    steps: dict[Quality, int]
    guidance_scale: float
    flow_shift: float
    guidance_scale_2: float | None = None
    max_sequence_length: int = 512
    overlap_frames: int = 5
    sigmas: tuple[float, ...] | None = None
    loras: tuple[Source, ...] = ()
    negative_prompt: str = ""


@dataclass(frozen=True)
class Preset:
    """The parts of one pipeline. ``analyzer`` reads the photos for HyperLoRA, ``judge`` measures similarity.

    Both are "embedded" or "insightface:PACK". ``memory`` is the least device memory in GiB that the preset needs,
    with offloading; ``device`` says where it is meant to run.
    """

    name: str
    summary: str
    analyzer: str
    judge: str
    writer: str
    still: StillPreset
    motion: MotionPreset
    memory: float
    device: Literal["cpu", "cuda"]
    extra_sources: tuple[Source, ...] = field(default=())

    def sources(self) -> tuple[Source, ...]:
        """Every part that has to be on the machine, each once."""
        parts = (self.still.checkpoint, self.still.hyperlora, self.still.image_encoder, self.motion.checkpoint)
        return tuple(dict.fromkeys((*parts, *self.still.loras, *self.motion.loras, *self.extra_sources)))


OWN = "Apache-2.0 (stillmotion)"
MINI = Preset(
    name="mini",
    summary="embedded, runs on a laptop's CPU; people of a synthetic world",
    analyzer="embedded",
    judge="embedded",
    writer="rules",
    still=StillPreset(
        checkpoint=Source("still", OWN, embedded=True),
        hyperlora=Source("hyperlora", OWN, embedded=True),
        image_encoder=Source("image_encoder", OWN, embedded=True),
        width=256,
        height=256,
        guidance_scale=3.0,
        lora_weight=1.0,
        quality={
            "draft": StillSettings(steps=12, candidates=1, detail=False),
            "standard": StillSettings(steps=20, candidates=2, detail=False),
            "best": StillSettings(steps=30, candidates=4, detail=True),
        },
        detail_size=256,
        negative_prompt="",
    ),
    motion=MotionPreset(
        kind="vace",
        checkpoint=Source("motion", OWN, embedded=True),
        width=256,
        height=256,
        num_frames=17,
        fps=8,
        steps={"draft": 10, "standard": 16, "best": 30},
        guidance_scale=2.5,
        flow_shift=3.0,
        max_sequence_length=128,
    ),
    memory=3.0,
    device="cpu",
    extra_sources=(Source("analyzer", OWN, embedded=True),),
)

PRESETS: dict[str, Preset] = {p.name: p for p in (MINI,)}


def preset(name: str) -> Preset:
    """The preset of that name; InputError listing the names where there is none."""
    try:
        return PRESETS[name]
    except KeyError:
        raise InputError(f"preset: '{name}' is unknown; there are {', '.join(PRESETS)}") from None
