"""HyperLoRA (arXiv 2503.16944): one forward pass turns photos of a person into that person's LoRA for SDXL.

A checkpoint is a folder: ``hyper_lora_modules.{json,safetensors}`` (which attentions, and the bases to mix),
``resampler.safetensors`` and ``id_projector.safetensors`` (who the person is, as mixing weights), with a base
LoRA also ``base_resampler.safetensors``, and optionally ``config.json`` and ``image_encoder/``. The class
below is an ``nn.Module`` whose parameters are named ``FILE STEM.TENSOR``, so that what is trained is what is
saved. Applying a LoRA to a UNet happens in ``lora``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import CLIPVisionModelWithProjection

from stillmotion.errors import CheckpointError
from stillmotion.files import replacing, write_text
from stillmotion.libraries import AGAIN, one_line, quiet
from stillmotion.still.checkpoint import fill, read_json, read_shapes, read_tensors, shape_of
from stillmotion.still.resampler import Resampler, ResamplerSizes

PROJECTIONS = ("to_q", "to_k", "to_v", "to_out")
MODULE_NAME = re.compile(
    r"lora_unet_((input|output)_blocks_\d+_1|middle_block_1|(down|up)_blocks_\d+_attentions_\d+|mid_block_attentions_\d+)"
    r"_transformer_blocks_\d+_attn[12]"
)
MODULES = "hyper_lora_modules"
# The released scale of every HyperLoRA: alpha = 0.5 * rank, so a delta is weight * 0.5 * up @ down.
ALPHA_PER_RANK = 0.5

LoraWeights = dict[str, tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class HyperLoRAConfig:
    """The architecture's sizes; the defaults are the released model's."""

    hyper_dim: int = 128
    lora_rank: int = 8
    width: int = 1024
    depth: int = 4
    heads: int = 12
    dim_head: int = 64
    ff_mult: int = 4
    clip_dim: int = 1024
    id_embed_dim: int = 512
    num_id_tokens: int = 16
    has_base_lora: bool = False

    def resampler(self, modules: int) -> ResamplerSizes:
        """The resampler's sizes for that many modules: two tokens for each of four projections."""
        return ResamplerSizes(
            queries=2 * len(PROJECTIONS) * modules,
            width=self.width,
            depth=self.depth,
            heads=self.heads,
            dim_head=self.dim_head,
            ff_width=self.ff_mult * self.width,
            inputs=self.clip_dim,
            outputs=self.hyper_dim,
        )

    def to_json(self) -> dict[str, Any]:
        """As the checkpoint's ``config.json`` has it."""
        resampler = {"dim": self.width, "depth": self.depth, "heads": self.heads}
        resampler |= {"dim_head": self.dim_head, "ff_mult": self.ff_mult}
        return {
            "resampler": resampler,
            "encoder_types": ["clip", "arcface"],
            "id_embed_dim": self.id_embed_dim,
            "num_id_tokens": self.num_id_tokens,
            "hyper_dim": self.hyper_dim,
            "lora_rank": self.lora_rank,
            "has_base_lora": self.has_base_lora,
        }


class Tokens(nn.Module):
    """(B, 1, N * E) -> (B, N, E)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, x: Tensor) -> Tensor:
        """Cut one long vector per photo into tokens."""
        return x.reshape(x.shape[0], -1, self.width)


class Bases(nn.Module):
    """One projection's bases, (D, in, r) and (D, r, out), for the ID LoRA and, if there is one, the base
    LoRA.

    Fresh up bases are zero, so that an untrained HyperLoRA leaves the UNet as it is; fresh down bases are
    normal with deviation 1/sqrt(in): the mixing token has unit length, so the mixed matrix keeps that
    deviation, and the up bases get a gradient from the first step.
    """

    def __init__(self, inputs: int, outputs: int, config: HyperLoRAConfig) -> None:
        super().__init__()
        size, rank = config.hyper_dim, config.lora_rank
        self.id_down_basis = nn.Parameter(torch.randn(size, inputs, rank) / inputs**0.5)
        self.id_up_basis = nn.Parameter(torch.zeros(size, rank, outputs))
        if config.has_base_lora:
            self.base_down_basis = nn.Parameter(torch.randn(size, inputs, rank // 2) / inputs**0.5)
            self.base_up_basis = nn.Parameter(torch.zeros(size, rank // 2, outputs))

    def mix(self, kind: str, down: Tensor, up: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, D) for down and up -> (B, r, in) and (B, out, r); ``kind`` is "id" or "base"."""
        down_basis: Tensor = getattr(self, f"{kind}_down_basis")
        up_basis: Tensor = getattr(self, f"{kind}_up_basis")
        return torch.einsum("bd,dir->bri", down, down_basis), torch.einsum("bd,dro->bor", up, up_basis)


class HyperLoRA(nn.Module):
    """The hypernetwork. ``modules_map``: an attention's kohya name -> its hidden_size and
    cross_attention_dim.

    ``image_encoder`` is the CLIP vision tower, or None where clip tokens come from elsewhere (training).
    """

    def __init__(
        self,
        modules_map: Mapping[str, Mapping[str, int | None]],
        config: HyperLoRAConfig,
        image_encoder: CLIPVisionModelWithProjection | None = None,
    ) -> None:
        super().__init__()
        self.modules_map = {name: dict(sizes) for name, sizes in modules_map.items()}
        self.config = config
        self.image_encoder = image_encoder
        self.hyper_lora_modules = nn.ModuleList([_bases(each, config) for each in self.modules_map.values()])
        sizes = config.resampler(len(self.modules_map))
        self.resampler = Resampler(sizes, conditions=2)
        self.id_projector = nn.Sequential(
            nn.Linear(config.id_embed_dim, config.clip_dim * config.num_id_tokens),
            Tokens(config.clip_dim),
            nn.LayerNorm(config.clip_dim),
        )
        self.base_resampler = Resampler(sizes, conditions=1) if config.has_base_lora else None

    @classmethod
    def from_config(
        cls, modules: Mapping[str, Mapping[str, int | None]], config: HyperLoRAConfig | None = None
    ) -> HyperLoRA:
        """A fresh hypernetwork to train, which changes nothing yet (see ``Bases``).

        ``modules`` as in ``hyper_lora_modules.json``; ``lora.attention_modules(unet)`` lists a UNet's.
        """
        _check_modules(modules, Path(f"{MODULES}.json"))
        return cls(modules, config or HyperLoRAConfig())

    @classmethod
    def from_folder(
        cls,
        folder: str | Path,
        image_encoder: str | Path | CLIPVisionModelWithProjection | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> HyperLoRA:
        """Read a checkpoint folder; sizes come from its tensors, heads from its config.json (else 12 of 64).

        ``image_encoder``: a CLIPVisionModelWithProjection, its folder, or None for ``folder/image_encoder``.
        Raises CheckpointError, naming the file and its fault, for anything damaged or foreign.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise CheckpointError(
                f"{folder}: not a folder; a HyperLoRA checkpoint is one, with {MODULES}.json"
            )
        modules = read_json(folder / f"{MODULES}.json", "HyperLoRA's list of attentions")
        _check_modules(modules, folder / f"{MODULES}.json")
        stems = [MODULES, "resampler", "id_projector"]
        if any(
            ".base_" in name for name in read_shapes(folder / f"{MODULES}.safetensors", "HyperLoRA's bases")
        ):
            stems.append("base_resampler")
        files = {
            stem: read_tensors(folder / f"{stem}.safetensors", f"HyperLoRA's {stem}", dtype) for stem in stems
        }
        config = _infer(files, folder)
        encoder = load_image_encoder(image_encoder or folder / "image_encoder", dtype)
        if encoder.config.hidden_size != config.clip_dim:
            wide = encoder.config.hidden_size
            raise CheckpointError(
                f"{folder / 'id_projector.safetensors'}: made for an image encoder {config.clip_dim} wide, "
                f"but the given one is {wide} wide; give the one that the HyperLoRA was trained with"
            )
        with torch.device("meta"):
            model = cls(modules, config)
        for stem, tensors in files.items():
            fill(getattr(model, stem), tensors, folder / f"{stem}.safetensors")
        model.image_encoder = encoder
        return model.eval().requires_grad_(False)

    def clip_tokens(self, pixel_values: Tensor) -> Tensor:
        """Pictures (B, 3, H, W), normalised as CLIP's are -> the second-to-last hidden state (B, T, E)."""
        if self.image_encoder is None:
            raise ValueError("this HyperLoRA was made without an image encoder")
        answer = self.image_encoder(pixel_values=pixel_values, output_hidden_states=True)
        tokens: Tensor = answer.hidden_states[-2]
        return tokens

    def weights(self, clip_tokens: Tensor, id_embeds: Tensor, photos: int = 1) -> LoraWeights:
        """Per-sample LoRAs, differentiable: the batch is B people with ``photos`` consecutive pictures each.

        ``clip_tokens`` (B * photos, T, E); ``id_embeds`` (B * photos, 1, id_embed_dim), of unit length.
        Returns ``{NAME}_{to_q|to_k|to_v|to_out_0}`` -> (down (B, r, in), up (B, out, r)); a projection's
        delta is weight * 0.5 * up @ down.
        """
        return self._mix("id", _people(self.resampler(self.id_projector(id_embeds), clip_tokens), photos))

    def base_weights(self, clip_tokens: Tensor, photos: int = 1) -> LoraWeights:
        """As ``weights``, for the base LoRA: pictures with the face blurred away, rank r / 2."""
        if self.base_resampler is None:
            raise ValueError("this HyperLoRA has no base LoRA")
        return self._mix("base", _people(self.base_resampler(clip_tokens), photos))

    @torch.no_grad()
    def id_lora(self, pixel_values: Tensor, id_embeds: Tensor) -> dict[str, Tensor]:
        """One person's LoRA from B photos: (B, 3, H, W) and (B, 1, id_embed_dim) in, kohya's tensors out.

        Per attention and projection ``.lora_down.weight`` (r, in), ``.lora_up.weight`` (out, r), ``.alpha``
        ().
        """
        tokens = self.clip_tokens(pixel_values)
        return _kohya(self.weights(tokens, id_embeds, photos=pixel_values.shape[0]))

    @torch.no_grad()
    def base_lora(self, pixel_values: Tensor) -> dict[str, Tensor]:
        """The base LoRA from B pictures (B, 3, H, W) whose face is blurred away; keys as ``id_lora``."""
        return _kohya(self.base_weights(self.clip_tokens(pixel_values), photos=pixel_values.shape[0]))

    def save(self, folder: str | Path, dtype: torch.dtype | None = None) -> None:
        """Write the released files and config.json, each atomically; the image encoder has its own folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        stems = [MODULES, "resampler", "id_projector", *(["base_resampler"] if self.base_resampler else [])]
        for stem in stems:
            state = getattr(self, stem).state_dict()
            tensors = {name: value.detach().to("cpu", dtype).contiguous() for name, value in state.items()}
            with replacing(folder / f"{stem}.safetensors") as part:
                save_file(tensors, part)
        for stem, value in ((MODULES, self.modules_map), ("config", self.config.to_json())):
            write_text(folder / f"{stem}.json", json.dumps(value, indent=1))

    def _mix(self, kind: str, tokens: Tensor) -> LoraWeights:
        """Unit tokens (B, 8 * M, D) -> the mixed factors: (down, up) for q, k, v and out of every module."""
        pairs = tokens.reshape(tokens.shape[0], len(self.modules_map), len(PROJECTIONS), 2, -1)
        mixed: LoraWeights = {}
        for index, (name, bases) in enumerate(zip(self.modules_map, self.hyper_lora_modules, strict=True)):
            for place, projection in enumerate(PROJECTIONS):
                suffix = "to_out_0" if projection == "to_out" else projection
                down, up = pairs[:, index, place].unbind(1)
                mixed[f"{name}_{suffix}"] = bases[projection].mix(kind, down, up)  # type: ignore[index]
        return mixed


def _people(tokens: Tensor, photos: int) -> Tensor:
    """Mean over each person's photos, then every token to unit length: (B * photos, Q, D) -> (B, Q, D)."""
    tokens = tokens.reshape(-1, photos, *tokens.shape[1:]).mean(dim=1)
    return tokens / torch.sqrt(tokens.square().sum(dim=-1, keepdim=True) + 1e-8)


def _kohya(weights: LoraWeights) -> dict[str, Tensor]:
    """The first sample of ``weights`` as a kohya LoRA."""
    lora: dict[str, Tensor] = {}
    for name, (down, up) in weights.items():
        lora[f"{name}.lora_down.weight"] = down[0].contiguous()
        lora[f"{name}.lora_up.weight"] = up[0].contiguous()
        lora[f"{name}.alpha"] = torch.tensor(ALPHA_PER_RANK * down.shape[1])
    return lora


def _bases(sizes: Mapping[str, int | None], config: HyperLoRAConfig) -> nn.ModuleDict:
    """The four projections' bases of one attention."""
    hidden = sizes["hidden_size"] or 0
    context = sizes["cross_attention_dim"] or hidden
    inputs = {"to_q": hidden, "to_k": context, "to_v": context, "to_out": hidden}
    return nn.ModuleDict({name: Bases(inputs[name], hidden, config) for name in PROJECTIONS})


def _check_modules(modules: Mapping[str, Any], path: Path) -> None:
    """CheckpointError unless ``modules`` maps attention names to their two sizes."""
    if not modules:
        raise CheckpointError(f"{path}: lists no attention, so there is nothing for HyperLoRA to change")
    for name, sizes in modules.items():
        if not MODULE_NAME.fullmatch(name):
            raise CheckpointError(f"{path}: '{name[:120]}' is not the kohya name of an SDXL attention")
        if not isinstance(sizes, Mapping) or set(sizes) != {"hidden_size", "cross_attention_dim"}:
            raise CheckpointError(f"{path}: '{name}' needs exactly hidden_size and cross_attention_dim")
        hidden, context = sizes["hidden_size"], sizes["cross_attention_dim"]
        given = [hidden] if context is None else [hidden, context]
        if any(type(size) is not int or not 0 < size <= 2**16 for size in given):
            raise CheckpointError(f"{path}: the sizes of '{name}' are not positive whole numbers")


def _infer(files: Mapping[str, Mapping[str, Tensor]], folder: Path) -> HyperLoRAConfig:
    """The sizes, read from the tensors' shapes; heads from config.json."""
    path = {stem: folder / f"{stem}.safetensors" for stem in files}
    size, _, rank = shape_of(files[MODULES], "0.to_q.id_down_basis", 3, path[MODULES])
    _, _, width = shape_of(files["resampler"], "latents", 3, path["resampler"])
    inner, _ = shape_of(files["resampler"], "layers.0.attn1.to_q.weight", 2, path["resampler"])
    ff_width, _ = shape_of(files["resampler"], "layers.0.ff.net.0.proj.weight", 2, path["resampler"])
    long, id_embed_dim = shape_of(files["id_projector"], "0.weight", 2, path["id_projector"])
    (clip_dim,) = shape_of(files["id_projector"], "2.weight", 1, path["id_projector"])
    heads, dim_head = _heads(folder / "config.json", inner)
    if long % clip_dim:
        raise CheckpointError(
            f"{path['id_projector']}: '0.weight' has {long} rows, no multiple of {clip_dim}"
        )
    if ff_width % width:
        raise CheckpointError(f"{path['resampler']}: a feed-forward of {ff_width} is no multiple of {width}")
    return HyperLoRAConfig(
        hyper_dim=size,
        lora_rank=rank,
        width=width,
        depth=len({name.split(".")[1] for name in files["resampler"] if name.startswith("layers.")}),
        heads=heads,
        dim_head=dim_head,
        ff_mult=ff_width // width,
        clip_dim=clip_dim,
        id_embed_dim=id_embed_dim,
        num_id_tokens=long // clip_dim,
        has_base_lora="base_resampler" in files,
    )


def _heads(path: Path, inner: int) -> tuple[int, int]:
    """Attention heads and their width, from config.json where there is one; they must make up ``inner``."""
    heads, dim_head = 12, 64
    if path.exists():
        resampler = read_json(path, "HyperLoRA's sizes").get("resampler", {})
        if not isinstance(resampler, dict):
            raise CheckpointError(f"{path}: 'resampler' is not an object with heads and dim_head")
        heads, dim_head = resampler.get("heads", heads), resampler.get("dim_head", dim_head)
    if type(heads) is not int or type(dim_head) is not int or heads < 1 or heads * dim_head != inner:
        raise CheckpointError(
            f"{path}: {heads} heads of {dim_head} do not make the resampler's width of {inner}"
        )
    return heads, dim_head


def load_image_encoder(
    source: str | Path | CLIPVisionModelWithProjection, dtype: torch.dtype = torch.float32
) -> CLIPVisionModelWithProjection:
    """A CLIP vision tower from a transformers folder (safetensors only), frozen, as ``dtype``; or the given
    one.
    """
    if isinstance(source, nn.Module):
        return source
    folder = Path(source)
    read_json(folder / "config.json", "the CLIP vision tower's sizes")
    weights = folder / "model.safetensors"
    read_shapes(weights, "the CLIP vision tower's weights")
    load: Any = CLIPVisionModelWithProjection.from_pretrained
    try:
        with quiet():
            model, report = load(
                folder, use_safetensors=True, local_files_only=True, dtype=dtype, output_loading_info=True
            )
    except MemoryError:
        raise
    except Exception as fault:  # a foreign folder makes transformers raise nearly anything
        raise CheckpointError(f"{weights}: not a CLIP vision tower's ({one_line(fault)}); {AGAIN}") from None
    if report["missing_keys"]:
        raise CheckpointError(f"{weights}: tensor '{min(report['missing_keys'])}' is missing; {AGAIN}")
    encoder: CLIPVisionModelWithProjection = model.eval().requires_grad_(False)
    return encoder
