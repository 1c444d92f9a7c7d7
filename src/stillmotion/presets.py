"""Presets: which parts a pipeline is made of. A preset is data; nothing outside this file asks for its
name.

Every figure that a request can override has its default here, per quality, and nowhere else.
``docs/presets.md`` is generated from this file and says where each comes from.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from stillmotion.errors import InputError

Quality = Literal["draft", "standard", "best"]
QUALITIES: tuple[Quality, ...] = ("draft", "standard", "best")


@dataclass(frozen=True)
class Licence:
    """A licence as a user is told it before a download."""

    name: str
    address: str
    commercial: bool
    note: str = ""


@dataclass(frozen=True)
class Source:
    """Where one part's files come from.

    ``name`` is the folder (or file) below the weights home; ``embedded`` parts lie inside the package
    instead. ``repo`` is a Hub repository, ``revision`` the pinned commit (None: the commit of the first
    download is recorded and kept), ``files`` the patterns to fetch (empty: everything that is safetensors,
    JSON or a tokenizer), ``url`` a plain address for what is not on the Hub, ``hosts`` the hosts that it
    may redirect to. ``sha256`` is that of the one file that ``url`` or ``files`` names. ``size`` in bytes,
    about: the server's own figures count in a download. ``subfolder`` is the folder or file in it that a
    loader opens; ``variant`` is diffusers' infix of the weight files.
    """

    name: str
    licence: Licence
    repo: str | None = None
    revision: str | None = None
    files: tuple[str, ...] = ()
    url: str | None = None
    hosts: tuple[str, ...] = ()
    sha256: str | None = None
    embedded: bool = False
    size: int | None = None
    subfolder: str = ""
    variant: str | None = None

    @property
    def pin(self) -> Literal["package", "commit", "content", "first download"]:
        """What fixes the bytes: our package, a Hub commit, a sha256, or whatever the first download
        brings.
        """
        if self.embedded:
            return "package"
        if self.revision is not None:
            return "commit"
        return "content" if self.sha256 is not None else "first download"


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
    (applied at weight 1 besides HyperLoRA's) was distilled for it. ``view`` and
    ``expression``: what a refined prompt says of them where the user does not. No further candidate is made
    above ``enough_similarity``; below ``kept_similarity`` (None: the judge's own threshold) the user is told
    that the face was not kept.
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


OWN = Licence("Apache-2.0 (stillmotion's own weights)", "https://www.apache.org/licenses/LICENSE-2.0", True)
APACHE = Licence("Apache-2.0", "https://www.apache.org/licenses/LICENSE-2.0", True)
MIT = Licence("MIT (OpenAI CLIP)", "https://github.com/openai/CLIP/blob/main/LICENSE", True)
OPENRAIL = Licence(
    "CreativeML Open RAIL++-M",
    "https://huggingface.co/stabilityai/stable-diffusion-xl-base-1.0/blob/main/LICENSE.md",
    True,
    "use-based restrictions apply, to you and to whom you pass it on",
)
CC_BY_NC = Licence(
    "CC BY-NC 4.0",
    "https://creativecommons.org/licenses/by-nc/4.0/",
    False,
    "no commercial use; name the authors",
)
INSIGHTFACE = Licence(
    "insightface model licence",
    "https://github.com/deepinsight/insightface#license",
    False,
    "non-commercial research only",
)

WAN_NEGATIVE = (
    "色调艳丽，过曝，静态，细节模糊不清，字幕，风格，作品，画作，画面，静止，整体发灰，最差质量，低质量，"
    "JPEG压缩残留，丑陋的，残缺的，多余的手指，画得不好的手部，画得不好的脸部，畸形的，毁容的，形态畸形的肢体，"
    "手指融合，静止不动的画面，杂乱的背景，三条腿，背景人很多，倒着走"
)
"""Wan's own negative prompt, as its documentation gives it."""

REALVISXL = Source(
    "realvisxl-v4.0",
    OPENRAIL,
    repo="SG161222/RealVisXL_V4.0",
    revision="26dfe44930964cd70d0a817b6d1cc945c130e38d",
    files=(
        "model_index.json",
        "scheduler/*.json",
        "tokenizer*/*",
        "text_encoder*/config.json",
        "text_encoder*/model.fp16.safetensors",
        "unet/config.json",
        "unet/diffusion_pytorch_model.fp16.safetensors",
        "vae/config.json",
        "vae/diffusion_pytorch_model.fp16.safetensors",
    ),
    variant="fp16",
    size=6_940_000_000,
)
HYPERLORA = Source(
    "hyperlora",
    CC_BY_NC,
    repo="bytedance-research/HyperLoRA",
    files=("sdxl_hyper_id_lora_v1_fidelity/*",),
    subfolder="sdxl_hyper_id_lora_v1_fidelity",
)
CLIP_VISION = Source(
    "clip-vit-large-patch14",
    MIT,
    repo="openai/clip-vit-large-patch14",
    revision="32bd64288804d66eefd0ccbe215aa642df71cc41",
    files=("config.json", "preprocessor_config.json", "model.safetensors"),
    size=1_711_000_000,
)
VACE_14B = Source(
    "wan2.1-vace-14b",
    APACHE,
    repo="Wan-AI/Wan2.1-VACE-14B-diffusers",
    revision="db79b90c60bbb45ceec9e41b9d5a4df934538ac4",
)
VACE_1_3B = Source(
    "wan2.1-vace-1.3b",
    APACHE,
    repo="Wan-AI/Wan2.1-VACE-1.3B-diffusers",
    revision="ec4d2cb062b548996b179d493fdd05340de702a1",
    size=19_040_000_000,
)
TI2V_5B = Source(
    "wan2.2-ti2v-5b",
    APACHE,
    repo="Wan-AI/Wan2.2-TI2V-5B-Diffusers",
    revision="b8fff7315c768468a5333511427288870b2e9635",
)
I2V_A14B = Source(
    "wan2.2-i2v-a14b",
    APACHE,
    repo="Wan-AI/Wan2.2-I2V-A14B-Diffusers",
    revision="596658fd9ca6b7b71d5057529bbf319ecbc61d74",
    size=126_200_000_000,
)
VACE_FEW_STEPS = Source(
    "wan2.1-distill-loras",
    APACHE,
    repo="lightx2v/Wan2.1-Distill-Loras",
    revision="27ae38da91014b947dd39cc3fa78b97cd7b386dd",
    files=("wan2.1_t2v_14b_lora_rank64_lightx2v_4step.safetensors",),
    subfolder="wan2.1_t2v_14b_lora_rank64_lightx2v_4step.safetensors",
)
SDXL_FEW_STEPS = Source(
    "hyper-sd",
    OPENRAIL,
    repo="ByteDance/Hyper-SD",
    files=("Hyper-SDXL-8steps-CFG-lora.safetensors",),
    subfolder="Hyper-SDXL-8steps-CFG-lora.safetensors",
    sha256="55b51334c85061afff5eff7c550b61963c8b8607a5868bbe4f26db49374719b1",
    size=826_000_000,
)
QWEN = Source(
    "qwen3-8b",
    APACHE,
    repo="Qwen/Qwen3-8B",
    revision="b968826d9c46dd6066d109eabc6255188de91218",
    size=16_400_000_000,
)
GITHUB_FILES = ("objects.githubusercontent.com", "release-assets.githubusercontent.com")
ANTELOPEV2 = Source(
    "antelopev2",
    INSIGHTFACE,
    url="https://github.com/deepinsight/insightface/releases/download/v0.7/antelopev2.zip",
    hosts=GITHUB_FILES,
    sha256="8e182f14fc6e80b3bfa375b33eb6cff7ee05d8ef7633e738d1c89021dcf0c5c5",
    size=360_662_982,
)
BUFFALO_L = Source(
    "buffalo_l",
    INSIGHTFACE,
    url="https://github.com/deepinsight/insightface/releases/download/v0.7/buffalo_l.zip",
    hosts=GITHUB_FILES,
    sha256="80ffe37d8a5940d59a7384c201a2a38d4741f2f3c51eef46ebb28218a7b0ca2f",
    size=288_621_354,
)
SAM = Source(
    "sam2.1-hiera-tiny",
    APACHE,
    repo="facebook/sam2.1-hiera-tiny",
    files=("config.json", "model.safetensors"),
    size=156_000_000,
)
"""Cuts the person out of the photo; used by every analyzer of insightface."""

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
