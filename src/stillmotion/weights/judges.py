"""The parts that judge finished videos: sources, licences and pins of ``stillmotion download evaluate``.

A part is fetched like a preset's. Some are published as pickles only; each of these names its one pickle,
which is converted into safetensors while it is downloaded (``convert``) and never kept. The name of a part is
its folder below the weights home. ``docs/evaluate-metrics.md`` says which metric reads which part.
"""

from __future__ import annotations

from dataclasses import dataclass

from stillmotion.parts import APACHE, BUFFALO_L, CLIP_VISION, GITHUB_FILES, MIT, Licence, Source


@dataclass(frozen=True)
class PickledSource(Source):
    """A part with one file that is published as a pickle: its path at the source is ``pickle``, and its
    tensors are kept as the safetensors file ``becomes``. The ``size`` of an address is about: the server is
    asked for the real one. ``sha256`` may be the first digits only, where no more than these are published.
    """

    pickle: str = ""
    becomes: str = ""


@dataclass(frozen=True)
class Judges:
    """Parts that are downloaded together, under the name that ``stillmotion download`` takes."""

    name: str
    summary: str
    parts: tuple[Source, ...]

    def sources(self) -> tuple[Source, ...]:
        """Every part, as `Preset.sources` gives a preset's."""
        return self.parts


BSD_RAFT = Licence("BSD-3-Clause (RAFT)", "https://github.com/princeton-vl/RAFT/blob/master/LICENSE", True)
BSD_TORCHVISION = Licence(
    "BSD-3-Clause (torchvision)",
    "https://github.com/pytorch/vision/blob/main/LICENSE",
    True,
    "trained on ImageNet, whose own terms are for research",
)
MIT_LAION = Licence("MIT (LAION)", "https://github.com/LAION-AI/aesthetic-predictor/blob/main/LICENSE", True)
CURRICULAR = Licence(
    "Apache-2.0 (OpenS2V-Weight), trained on Glint360K",
    "https://huggingface.co/BestWishYsh/OpenS2V-Weight",
    False,
    "insightface gives its training data, and what is trained on it, to non-commercial research only",
)
PYIQA = Licence(
    "CC BY-NC-SA 4.0 (pyiqa's weights)",
    "https://huggingface.co/chaofengc/IQA-PyTorch-Weights",
    False,
    "no commercial use, nor of the package pyiqa that reads it",
)

CLIP_BASE = PickledSource(
    "clip-vit-base-patch32",
    MIT,
    repo="openai/clip-vit-base-patch32",
    revision="3d74acf9a28c67741b2f4f2ea7635f0aaf6f0268",
    files=(
        "config.json",
        "merges.txt",
        "preprocessor_config.json",
        "pytorch_model.bin",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.json",
    ),
    size=609_000_000,
    pickle="pytorch_model.bin",
    becomes="model.safetensors",
)
DINO = PickledSource(
    "dino-vitb16",
    APACHE,
    repo="facebook/dino-vitb16",
    revision="f205d5d8e640a89a2b8ef0369670dfc37cc07fc2",
    files=("config.json", "pytorch_model.bin"),
    size=343_000_000,
    pickle="pytorch_model.bin",
    becomes="model.safetensors",
)
CURRICULARFACE = PickledSource(
    "curricularface",
    CURRICULAR,
    repo="BestWishYsh/OpenS2V-Weight",
    files=("glint360k_curricular_face_r101_backbone.bin",),
    sha256="aa54ae6dc9f7ac6e262809f1a81d6108e221952bf836aee4cb677ef19246c6ec",
    size=261_000_000,
    subfolder="curricularface.safetensors",
    pickle="glint360k_curricular_face_r101_backbone.bin",
    becomes="curricularface.safetensors",
)
"""ConsisID's authors publish a file of this name here and in ConsisID-preview; the digest is this one's."""
INCEPTION = PickledSource(
    "inception-v3",
    BSD_TORCHVISION,
    url="https://download.pytorch.org/models/inception_v3_google-0cc3c7bd.pth",
    sha256="0cc3c7bd75056d25e46cba549dc184522069b81e9787eff6df84f397bd52a5ef",
    size=109_000_000,
    subfolder="inception-v3.safetensors",
    pickle="inception_v3_google-0cc3c7bd.pth",
    becomes="inception-v3.safetensors",
)
RAFT = PickledSource(
    "raft-large",
    BSD_RAFT,
    url="https://download.pytorch.org/models/raft_large_C_T_V1-22a6c225.pth",
    sha256="22a6c225",
    size=21_000_000,
    subfolder="raft-large.safetensors",
    pickle="raft_large_C_T_V1-22a6c225.pth",
    becomes="raft-large.safetensors",
)
"""RAFT's own Chairs+Things weights (raft-things.pth, which VBench uses) under torchvision's tensor names."""
AESTHETIC_HEAD = PickledSource(
    "aesthetic-head",
    MIT_LAION,
    revision="7e37768a02b0863eac390a702903aaa90ecf938e",
    url="https://raw.githubusercontent.com/LAION-AI/aesthetic-predictor/"
    "7e37768a02b0863eac390a702903aaa90ecf938e/sa_0_4_vit_l_14_linear.pth",
    size=4_000,
    subfolder="aesthetic-head.safetensors",
    pickle="sa_0_4_vit_l_14_linear.pth",
    becomes="aesthetic-head.safetensors",
)
MUSIQ = PickledSource(
    "musiq-spaq",
    PYIQA,
    url="https://github.com/chaofengc/IQA-PyTorch/releases/download/v0.1-weights/"
    "musiq_spaq_ckpt-358bb6af.pth",
    hosts=GITHUB_FILES,
    sha256="358bb6af275e28ea56821d44fb55c6cb83645db11f394d3ad65b2d149965ab50",
    size=109_000_000,
    subfolder="musiq-spaq.safetensors",
    pickle="musiq_spaq_ckpt-358bb6af.pth",
    becomes="musiq-spaq.safetensors",
)

PARTS: dict[str, Source] = {
    part.name: part
    for part in (
        BUFFALO_L,
        CURRICULARFACE,
        INCEPTION,
        CLIP_BASE,
        DINO,
        RAFT,
        CLIP_VISION,
        AESTHETIC_HEAD,
        MUSIQ,
    )
}
"""Part name -> source, of all judges."""

BUNDLES: dict[str, Judges] = {
    bundle.name: bundle
    for bundle in (
        Judges("evaluate", "all judges but MUSIQ", tuple(p for p in PARTS.values() if p is not MUSIQ)),
        Judges("evaluate-faces", "facesim_arc, facesim_cur", (BUFFALO_L, CURRICULARFACE)),
        Judges("evaluate-fid", "fid_consisid", (BUFFALO_L, INCEPTION)),
        Judges("evaluate-clip", "clipscore, clipscore_consisid", (CLIP_BASE,)),
        Judges("evaluate-dino", "subject_consistency", (DINO,)),
        Judges("evaluate-flow", "dynamic_degree", (RAFT,)),
        Judges("evaluate-aesthetic", "aesthetic_quality", (CLIP_VISION, AESTHETIC_HEAD)),
        Judges("evaluate-musiq", "imaging_quality, non-commercial", (MUSIQ,)),
    )
}
"""What ``stillmotion download`` takes besides the presets; the metrics that each makes computable."""


def bundle_of(source: Source) -> str:
    """The smallest download that brings a judge's part; "evaluate" for one that is in several."""
    holding = [found.name for found in BUNDLES.values() if source in found.parts and found.name != "evaluate"]
    return holding[0] if len(holding) == 1 else "evaluate"
