"""A person's LoRA on a UNet: which attentions it means, and a swap that leaves the base weights untouched.

kohya's arithmetic, for every attention projection: W' x = W x + weight * (alpha / r) * up (down x). The delta
is computed beside the layer and never added into W, so one loaded model serves any number of people without
drift.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from stillmotion.errors import CheckpointError

_LDM = re.compile(r"(input_blocks|output_blocks)_(\d+)_1_(.*)|(middle_block)_1_(.*)")
_PAIR = "take the SDXL checkpoint and the HyperLoRA that belong together"
_PROJECTIONS = {"to_q": "to_q", "to_k": "to_k", "to_v": "to_v", "to_out_0": "to_out.0"}


def diffusers_name(name: str, layers_per_block: int) -> str:
    """A kohya name, LDM- or diffusers-style, in diffusers' style.

    LDM numbers all input blocks in one row: the first is ``conv_in``, then every down block has its layers
    and a downsampler; an up block has one layer more and its upsampler inside the last.
    """
    match = _LDM.fullmatch(name.removeprefix("lora_unet_"))
    if not match:
        return name
    if match[4]:
        return f"lora_unet_mid_block_attentions_0_{match[5]}"
    row, stride = int(match[2]), layers_per_block + 1
    block, layer = divmod(row - 1 if match[1] == "input_blocks" else row, stride)
    side = "down_blocks" if match[1] == "input_blocks" else "up_blocks"
    return f"lora_unet_{side}_{block}_attentions_{layer}_{match[3]}"


def attentions(unet: nn.Module) -> dict[str, nn.Module]:
    """Every attention of a diffusers UNet under its diffusers-style kohya name, in the UNet's order."""
    found = (
        (f"lora_unet_{path.replace('.', '_')}", module)
        for path, module in unet.named_modules()
        if path.endswith((".attn1", ".attn2"))
    )
    return dict(found)


def attention_modules(unet: nn.Module) -> dict[str, dict[str, int | None]]:
    """A UNet's attentions as ``hyper_lora_modules.json`` lists them: name -> hidden_size,
    cross_attention_dim.
    """
    modules: dict[str, dict[str, int | None]] = {}
    for name, attention in attentions(unet).items():
        query: Any = attention.get_submodule("to_q")
        key: Any = attention.get_submodule("to_k")
        context = key.in_features if name.endswith("attn2") else None
        modules[name] = {"hidden_size": query.in_features, "cross_attention_dim": context}
    return modules


class PersonalLinear(nn.Module):
    """A linear layer with a person's low-rank delta beside it."""

    def __init__(self, base: nn.Linear, down: Tensor, up: Tensor, scale: float) -> None:
        super().__init__()
        self.base = base
        self.down: Tensor
        self.up: Tensor
        self.register_buffer("down", down.mT.to(base.weight).contiguous())
        self.register_buffer("up", (up.mT * scale).to(base.weight).contiguous())

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, in) -> (B, T, out)."""
        answer: Tensor = self.base(x)
        return answer + (x @ self.down) @ self.up


@contextmanager
def personal(unet: Any, weights: Mapping[str, tuple[Tensor, Tensor]], scale: float) -> Iterator[None]:
    """Within this context the UNet is that person's: every projection's delta is ``scale * up @ down``.

    ``weights``: ``{NAME}_{to_q|to_k|to_v|to_out_0}`` -> (down (r, in), up (out, r)), or with a leading batch
    size for one person per sample, as ``HyperLoRA.weights`` gives them. Afterwards the UNet's own layers are
    back, and they were never written to. Raises CheckpointError where a name or a shape is not this UNet's.
    """
    known, layers = attentions(unet), int(unet.config.layers_per_block)
    places = [_place(known, layers, name, *pair) for name, pair in weights.items()]
    try:
        for (parent, child, base), (down, up) in zip(places, weights.values(), strict=True):
            parent.set_submodule(child, PersonalLinear(base, down, up, scale))
        yield
    finally:
        for parent, child, base in places:
            parent.set_submodule(child, base)


def factors(lora: Mapping[str, Tensor]) -> dict[str, tuple[Tensor, Tensor]]:
    """A kohya LoRA as (down, up) pairs, alpha / r multiplied into ``up``."""
    ends = ".lora_down.weight"
    found: dict[str, tuple[Tensor, Tensor]] = {}
    for name in (key.removesuffix(ends) for key in lora if key.endswith(ends)):
        down, up = lora[f"{name}{ends}"], lora[f"{name}.lora_up.weight"]
        found[name] = down, up * (lora[f"{name}.alpha"] / down.shape[0])
    return found


def _place(
    known: Mapping[str, nn.Module], layers: int, name: str, down: Tensor, up: Tensor
) -> tuple[nn.Module, str, nn.Linear]:
    """The attention, the child's name and the linear layer that a LoRA's ``name`` means."""
    stem, projection = _split(name)
    attention = known.get(diffusers_name(stem, layers))
    base = attention.get_submodule(_PROJECTIONS[projection]) if attention and projection else None
    if attention is None or not isinstance(base, nn.Linear):
        raise CheckpointError(f"HyperLoRA: '{name}' is no attention of this SDXL checkpoint; {_PAIR}")
    if (up.shape[-2], down.shape[-1]) != (base.out_features, base.in_features):
        found, wanted = f"{up.shape[-2]} x {down.shape[-1]}", f"{base.out_features} x {base.in_features}"
        raise CheckpointError(f"HyperLoRA: '{name}' is {found}, this SDXL checkpoint's is {wanted}; {_PAIR}")
    return attention, _PROJECTIONS[projection], base


def _split(name: str) -> tuple[str, str]:
    """An attention's name and the projection at its end, "" where there is none."""
    for projection in _PROJECTIONS:
        if name.endswith(f"_{projection}"):
            return name.removesuffix(f"_{projection}"), projection
    return name, ""
