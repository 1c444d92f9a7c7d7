"""Presets: which parts a pipeline is made of. A preset is data; nothing outside this file asks for its
name.

Every figure that a request can override has its default here, per quality, and nowhere else.
``docs/presets.md`` is generated from this file and says where each comes from.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from stillmotion.errors import InputError
from stillmotion.parts import (
    ANTELOPEV2,
    BUFFALO_L,
    CLIP_VISION,
    HYPERLORA,
    I2V_A14B,
    OWN,
    QWEN,
    REALVISXL,
    SAM,
    SDXL_FEW_STEPS,
    TI2V_5B,
    VACE_1_3B,
    VACE_14B,
    VACE_FEW_STEPS,
    Source,
)

Quality = Literal["draft", "standard", "best"]
QUALITIES: tuple[Quality, ...] = ("draft", "standard", "best")


@dataclass(frozen=True)
class StillSettings:
    """How stage 1 samples; sizes in pixels."""

    steps: int
    candidates: int
    detail: bool


@dataclass(frozen=True)
class StillPreset:
    """Stage 1: an SDXL checkpoint (folder or single file), a HyperLoRA folder and its CLIP vision tower.

    ``scheduler``: "dpm++2m-karras" of the reference, or "ddim-trailing" where a few-step LoRA in ``loras``
    (applied at weight 1 besides HyperLoRA's) was distilled for it. ``view`` and ``expression``: what a
    refined prompt says of them where the user does not. No further candidate is made above
    ``enough_similarity``; below ``kept_similarity`` (None: the judge's own threshold) the user is told that
    the face was not kept.
    """

    checkpoint: Source
    hyperlora: Source
    image_encoder: Source
    width: int
    height: int
    guidance_scale: float
    quality: dict[Quality, StillSettings]
    scheduler: Literal["dpm++2m-karras", "ddim-trailing"] = "dpm++2m-karras"
    clip_skip: int | None = 2
    lora_weight: float = 0.85
    trigger: str = "fcsks fxhks fhyks, "
    view: str = ""
    expression: str = ""
    enough_similarity: float = 0.5
    kept_similarity: float | None = None
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
    """Stage 2: one Wan checkpoint folder of the given kind; ``steps`` per quality.

    ``boundary_ratio`` is the share of the noise schedule below which Wan2.2's low-noise expert takes over,
    with ``guidance_scale_2``. ``sigmas`` are the unshifted noise levels of a few-step LoRA: with
    ``flow_shift`` they give those it was distilled on, and the number of steps is theirs. ``deed_frames``: of
    what a prompt says happens in turn each is shown in a part of its own, at least so long; None: the model
    is told all of it at once.
    """

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
    boundary_ratio: float | None = None
    max_sequence_length: int = 512
    overlap_frames: int = 5
    deed_frames: int | None = None
    sigmas: tuple[float, ...] | None = None
    loras: tuple[Source, ...] = ()
    negative_prompt: str = ""


@dataclass(frozen=True)
class Need:
    """What the largest step of a preset needs on its device: weights and what is computed with them.

    ``parameters``: billions in the largest part that must be on the device at once, other parts waiting in
    RAM; ``bytes_each`` per parameter (2: bfloat16); ``activations``: GiB besides. ``total_parameters``:
    billions of all parts, which is what RAM holds. ``memory`` and ``ram`` in GiB are estimates unless
    docs/presets.md says measured.
    """

    parameters: float
    activations: float
    total_parameters: float
    bytes_each: int = 2

    @property
    def memory(self) -> float:
        """Least device memory in GiB."""
        return round(self.parameters * self.bytes_each * 1e9 / 2**30 + self.activations, 1)

    @property
    def ram(self) -> float:
        """Main memory in GiB that holds all parts of the preset while they wait."""
        return round(self.total_parameters * self.bytes_each * 1e9 / 2**30, 1)


@dataclass(frozen=True)
class Preset:
    """The parts of one pipeline. ``analyzer`` reads the photos for HyperLoRA, ``judge`` measures
    similarity.

    Both are "embedded" or "insightface:PACK". ``memory`` is the least device memory in GiB that the preset
    needs, with offloading; ``device`` says where it is meant to run; ``extras`` names the pip extras its
    parts import. ``vocabulary`` names the one (``prompts/vocabulary``) whose words alone the models know;
    None: they know everyday English.
    """

    name: str
    summary: str
    analyzer: str
    judge: str
    writer: str
    still: StillPreset
    motion: MotionPreset
    need: Need
    device: Literal["cpu", "cuda"]
    extra_sources: tuple[Source, ...] = field(default=())
    extras: tuple[str, ...] = ()
    vocabulary: str | None = None

    @property
    def memory(self) -> float:
        """Least device memory in GiB, with parts that do not work waiting in main memory."""
        return self.need.memory

    def sources(self) -> tuple[Source, ...]:
        """Every part that has to be on the machine, each once."""
        parts = (
            self.still.checkpoint,
            self.still.hyperlora,
            self.still.image_encoder,
            self.motion.checkpoint,
        )
        return tuple(dict.fromkeys((*parts, *self.still.loras, *self.motion.loras, *self.extra_sources)))


WAN_NEGATIVE = (
    "色调艳丽，过曝，静态，细节模糊不清，字幕，风格，作品，画作，画面，静止，整体发灰，最差质量，低质量，"
    "JPEG压缩残留，丑陋的，残缺的，多余的手指，画得不好的手部，画得不好的脸部，畸形的，毁容的，形态畸形的肢体，"
    "手指融合，静止不动的画面，杂乱的背景，三条腿，背景人很多，倒着走"
)
"""Wan's own negative prompt, as its documentation gives it."""

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
        guidance_scale=1.0,
        lora_weight=1.0,
        view="facing the camera",
        expression="neutral expression",
        enough_similarity=0.96,
        kept_similarity=0.9,
        quality={
            "draft": StillSettings(steps=10, candidates=1, detail=False),
            "standard": StillSettings(steps=12, candidates=3, detail=False),
            "best": StillSettings(steps=20, candidates=6, detail=True),
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
        steps={"draft": 8, "standard": 10, "best": 30},
        guidance_scale=1.0,
        flow_shift=3.0,
        max_sequence_length=128,
        deed_frames=8,
    ),
    need=Need(parameters=0.15, activations=2.4, total_parameters=0.15, bytes_each=4),
    device="cpu",
    extra_sources=(Source("analyzer", OWN, embedded=True),),
    vocabulary="mini",
)

SDXL_STILL = StillPreset(
    checkpoint=REALVISXL,
    hyperlora=HYPERLORA,
    image_encoder=CLIP_VISION,
    width=832,
    height=480,
    guidance_scale=5.0,
    quality={
        "draft": StillSettings(steps=20, candidates=1, detail=False),
        "standard": StillSettings(steps=20, candidates=3, detail=True),
        "best": StillSettings(steps=30, candidates=6, detail=True),
    },
)
FULL_PARTS = (ANTELOPEV2, BUFFALO_L, SAM, QWEN)
SHARED = 8.2 + 5.7 + 3.5 + 0.3
"""Billions of parameters that every full preset has: Qwen3-8B, umT5-XXL, SDXL, CLIP ViT-L/14's vision
tower."""

PAPER = Preset(
    name="paper",
    summary="the paper's method: SDXL + HyperLoRA, Wan2.1-VACE-14B, Qwen3-8B; 832x480, 81 frames at 16 fps",
    analyzer="insightface:antelopev2",
    judge="insightface:buffalo_l",
    writer="transformers:Qwen/Qwen3-8B",
    still=SDXL_STILL,
    motion=MotionPreset(
        kind="vace",
        checkpoint=VACE_14B,
        width=832,
        height=480,
        num_frames=81,
        fps=16,
        steps={"draft": 20, "standard": 50, "best": 50},
        guidance_scale=5.0,
        flow_shift=16.0,
        negative_prompt=WAN_NEGATIVE,
    ),
    need=Need(parameters=17.34, activations=6.4, total_parameters=17.34 + SHARED),
    device="cuda",
    extra_sources=FULL_PARTS,
    extras=("insightface",),
)
PAPER_SMALL = replace(
    PAPER,
    name="paper-small",
    summary="the paper's method with Wan2.1-VACE-1.3B: fits a 24 GB card; 832x480, 81 frames at 16 fps",
    motion=replace(PAPER.motion, checkpoint=VACE_1_3B),
    need=Need(parameters=8.2, activations=2.0, total_parameters=2.15 + SHARED),
)
WAN22_5B = replace(
    PAPER,
    name="wan22-5b",
    summary="SDXL + HyperLoRA, Wan2.2 TI2V-5B: 1280x704, 121 frames at 24 fps on a 24 GB card",
    still=replace(SDXL_STILL, width=1280, height=704),
    motion=MotionPreset(
        kind="ti2v",
        checkpoint=TI2V_5B,
        width=1280,
        height=704,
        num_frames=121,
        fps=24,
        steps={"draft": 20, "standard": 50, "best": 50},
        guidance_scale=5.0,
        flow_shift=5.0,
        negative_prompt=WAN_NEGATIVE,
    ),
    need=Need(parameters=8.2, activations=4.0, total_parameters=5.0 + SHARED),
)
WAN22_14B = replace(
    PAPER,
    name="wan22-14b",
    summary="SDXL + HyperLoRA, Wan2.2 I2V-A14B, two experts: 1280x720, 81 frames at 16 fps",
    still=replace(SDXL_STILL, width=1280, height=720),
    motion=MotionPreset(
        kind="i2v",
        checkpoint=I2V_A14B,
        width=1280,
        height=720,
        num_frames=81,
        fps=16,
        steps={"draft": 20, "standard": 40, "best": 40},
        guidance_scale=3.5,
        guidance_scale_2=3.5,
        boundary_ratio=0.9,
        flow_shift=5.0,
        negative_prompt=WAN_NEGATIVE,
    ),
    need=Need(parameters=14.29, activations=14.8, total_parameters=2 * 14.29 + SHARED),
)
FAST = replace(
    PAPER,
    name="fast",
    summary="paper with few-step LoRAs: 8 steps for the still, 4 without CFG for the video",
    still=replace(
        SDXL_STILL,
        loras=(SDXL_FEW_STEPS,),
        scheduler="ddim-trailing",
        quality={
            "draft": StillSettings(steps=8, candidates=1, detail=False),
            "standard": StillSettings(steps=8, candidates=3, detail=True),
            "best": StillSettings(steps=8, candidates=6, detail=True),
        },
        detail_steps=8,
    ),
    motion=replace(
        PAPER.motion,
        loras=(VACE_FEW_STEPS,),
        steps={"draft": 4, "standard": 4, "best": 4},
        sigmas=(1.0, 0.75, 0.5, 0.25),
        guidance_scale=1.0,
        flow_shift=5.0,
    ),
)

PRESETS: dict[str, Preset] = {p.name: p for p in (MINI, PAPER, PAPER_SMALL, WAN22_5B, WAN22_14B, FAST)}


def preset(name: str) -> Preset:
    """The preset of that name; InputError listing the names where there is none."""
    try:
        return PRESETS[name]
    except KeyError:
        raise InputError(f"preset: '{name}' is unknown; there are {', '.join(PRESETS)}") from None
