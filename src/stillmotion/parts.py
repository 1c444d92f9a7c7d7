"""Where each part of a preset comes from: its repository or address, what pins its bytes, and its licence, as
a user is told it before a download.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


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
