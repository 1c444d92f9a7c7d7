"""HyperLoRA's resampler: learned queries that read an identity and answer with one token per LoRA factor.

Its parameters carry the released checkpoint's names. Only the network lives here; what the tokens mix is
``hyperlora``'s business.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class ResamplerSizes:
    """``queries`` tokens ``width`` wide; ``inputs`` is the conditions' width, ``outputs`` the answers'."""

    queries: int
    width: int
    depth: int
    heads: int
    dim_head: int
    ff_width: int
    inputs: int
    outputs: int


class Attention(nn.Module):
    """Multi-head attention from ``x`` (B, Q, W) to ``context`` (B, T, W), without biases."""

    def __init__(self, width: int, heads: int, dim_head: int) -> None:
        super().__init__()
        inner = heads * dim_head
        self.heads = heads
        self.to_q = nn.Linear(width, inner, bias=False)
        self.to_k = nn.Linear(width, inner, bias=False)
        self.to_v = nn.Linear(width, inner, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(inner, width, bias=False)])

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """(B, Q, W) in, (B, Q, W) out."""
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.to_q(x), self.to_k(context), self.to_v(context))
        )
        mixed = F.scaled_dot_product_attention(query, key, value)
        answer: Tensor = self.to_out[0](mixed.transpose(1, 2).flatten(2))
        return answer


class Projection(nn.Module):
    """The feed-forward's first half: linear, then the exact GELU."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.proj = nn.Linear(width, inner)

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) in, (..., inner) out."""
        return F.gelu(self.proj(x))


class FeedForward(nn.Module):
    """Linear, GELU, linear; ``net.1`` is the place of a dropout that only training ever had."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.net = nn.Sequential(Projection(width, inner), nn.Identity(), nn.Linear(inner, width))

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) in and out."""
        answer: Tensor = self.net(x)
        return answer


class Layer(nn.Module):
    """One pre-norm residual layer: self-attention, first condition, second condition if any, feed-forward."""

    def __init__(self, sizes: ResamplerSizes, conditions: int) -> None:
        super().__init__()
        width = sizes.width

        def attention() -> Attention:
            return Attention(width, sizes.heads, sizes.dim_head)

        self.norm_attn1 = nn.LayerNorm(width)
        self.attn1 = attention()
        self.norm_attn2_l = nn.LayerNorm(width)
        self.norm_attn2_x = nn.LayerNorm(width)
        self.attn2 = attention()
        self.two = conditions == 2
        if self.two:
            self.norm_attn3_l = nn.LayerNorm(width)
            self.norm_attn3_y = nn.LayerNorm(width)
            self.attn3 = attention()
        self.norm_ff = nn.LayerNorm(width)
        self.ff = FeedForward(width, sizes.ff_width)

    def forward(self, latents: Tensor, first: Tensor, second: Tensor | None) -> Tensor:
        """``latents`` (B, Q, W) and the projected conditions (B, T, W) in; the latents (B, Q, W) out."""
        own = self.norm_attn1(latents)
        latents = latents + self.attn1(own, own)
        latents = latents + self.attn2(self.norm_attn2_l(latents), self.norm_attn2_x(first))
        if self.two:
            latents = latents + self.attn3(self.norm_attn3_l(latents), self.norm_attn3_y(second))
        answer: Tensor = latents + self.ff(self.norm_ff(latents))
        return answer


class Resampler(nn.Module):
    """Learned queries answer with ``outputs``-wide tokens; ``conditions`` is 1 (base LoRA) or 2 (ID LoRA)."""

    def __init__(self, sizes: ResamplerSizes, conditions: int) -> None:
        super().__init__()
        # Of unit length: what a layer adds soon outweighs where a query started, so the conditions are heard.
        self.latents = nn.Parameter(torch.randn(1, sizes.queries, sizes.width) / sizes.width**0.5)
        self.proj_in = nn.Linear(sizes.inputs, sizes.width)
        if conditions == 2:
            self.proj_in_2 = nn.Linear(sizes.inputs, sizes.width)
        self.layers = nn.ModuleList([Layer(sizes, conditions) for _ in range(sizes.depth)])
        self.proj_out = nn.Linear(sizes.width, sizes.outputs)

    def forward(self, first: Tensor, second: Tensor | None = None) -> Tensor:
        """Conditions (B, T, inputs) in; one token per query, (B, Q, outputs), out."""
        first = self.proj_in(first)
        second = None if second is None else self.proj_in_2(second)
        latents = self.latents.expand(first.shape[0], -1, -1)
        for layer in self.layers:
            latents = layer(latents, first, second)
        answer: Tensor = self.proj_out(latents)
        return answer
