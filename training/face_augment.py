"""Pictures made difficult on the device: what the face networks must see through.

The world's own backgrounds, light and framing are few. A detector that only ever saw them would learn the
places instead of the faces, so people are cut out by their mattes and set before noise, stripes, gradients,
blobs and scrambled pictures; whole batches go through warps, shadows, blur, block noise and odd colours. All
of it is batched tensor arithmetic: pictures are (B, 3, H, W) floats in 0..1, points (B, N, 2) are pixels, x
first, pixel centres at whole numbers.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def uniform(count: int, low: float, high: float, device: torch.device) -> Tensor:
    """(count,) numbers drawn evenly from ``low`` to ``high``."""
    return torch.rand(count, device=device) * (high - low) + low


def chance(count: int, share: float, device: torch.device) -> Tensor:
    """(count, 1, 1, 1) of 0 and 1: which pictures of a batch an effect touches."""
    return (torch.rand(count, 1, 1, 1, device=device) < share).float()


def affine(angle: Tensor, scale: Tensor, source: Tensor, target: Tensor) -> Tensor:
    """(B, 2, 3) matrices: rotate by ``angle`` and scale around ``source`` (B, 2), then bring it to
    ``target``.
    """
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    linear = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)
    shift = target - (linear @ source[..., None])[..., 0]
    return torch.cat([linear, shift[..., None]], 2)


def move(matrix: Tensor, points: Tensor) -> Tensor:
    """Points (B, N, 2) through matrices (B, 2, 3)."""
    return points @ matrix[:, :, :2].transpose(1, 2) + matrix[:, None, :, 2]


def warp(pictures: Tensor, matrix: Tensor, size: int) -> Tensor:
    """Each picture (B, C, H, W) seen through its (B, 2, 3) matrix in a (size, size) view; zero outside.

    Where a view shrinks its picture, a picture already averaged over 2x2 or 4x4 pixels is sampled instead.
    """
    count, _, height, width = pictures.shape
    linear = matrix[:, :, :2].float()
    (a, b), (c, d) = linear.permute(1, 2, 0)
    area = a * d - b * c
    # Written out: a solver's start-up on a GPU costs seconds, for a 2x2 matrix.
    inverse = torch.stack([d, -b, -c, a], 1).reshape(-1, 2, 2) / area[:, None, None]
    axis = torch.arange(size, device=pictures.device, dtype=torch.float32)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    target = torch.stack([x, y], -1).reshape(1, -1, 2) - matrix[:, None, :, 2].float()
    source = (target @ inverse.transpose(1, 2)).reshape(count, size, size, 2)
    extent = torch.tensor([width, height], device=pictures.device, dtype=torch.float32)
    grid = ((source + 0.5) * 2 / extent - 1).to(pictures.dtype)
    scale = area.abs().sqrt()
    view = F.grid_sample(pictures, grid, align_corners=False)
    for factor in (2, 4):
        coarse = scale < 1.3 / factor
        if bool(coarse.any()):
            chosen = coarse.nonzero()[:, 0]
            small = F.avg_pool2d(pictures[chosen], factor)
            view = view.index_copy(0, chosen, F.grid_sample(small, grid[chosen], align_corners=False))
    return view


def backgrounds(count: int, size: int, device: torch.device) -> Tensor:
    """(count, 3, size, size) pictures of nothing: clouds of noise, stripes, blobs, plain colours."""
    picture = torch.rand(count, 3, 1, 1, device=device).expand(count, 3, size, size)
    octaves = torch.zeros(count, 3, size, size, device=device)
    for cells in (2, 5, 12, 32, 80):
        noise = torch.randn(count, 3, cells, cells, device=device)
        # Some noise is colourless, as most texture is.
        noise = torch.lerp(noise, noise[:, :1], chance(count, 0.6, device))
        strength = uniform(count, 0, 0.22, device)[:, None, None, None] * chance(count, 0.6, device)
        octaves = octaves + strength * F.interpolate(
            noise, (size, size), mode="bilinear", align_corners=False
        )
    picture = picture + octaves + _stripes(count, size, device)
    for _ in range(3):
        mask = ellipses(count, size, device, low=0.05, high=0.45) * chance(count, 0.45, device)
        skin = torch.tensor([0.75, 0.55, 0.45], device=device) * uniform(count, 0.3, 1.2, device)[:, None]
        colour = torch.where(
            torch.rand(count, 1, device=device) < 0.5, skin, torch.rand(count, 3, device=device)
        )
        picture = torch.lerp(picture, colour[:, :, None, None] + 0.5 * octaves, mask)
    return picture.clamp(0, 1)


def _stripes(count: int, size: int, device: torch.device) -> Tensor:
    axis = torch.linspace(0, 1, size, device=device)
    angle = uniform(count, 0, math.pi, device)[:, None, None]
    along = axis[None, None, :] * torch.cos(angle) + axis[None, :, None] * torch.sin(angle)
    period = 2 * math.pi * torch.exp(uniform(count, 0, 3.5, device))[:, None, None]
    wave = torch.sin(along * period + uniform(count, 0, 6.3, device)[:, None, None])
    sharp = torch.where(torch.rand(count, 1, 1, device=device) < 0.5, wave.sign(), wave)
    colour = torch.randn(count, 3, 1, 1, device=device) * 0.15
    return sharp[:, None] * colour * chance(count, 0.35, device)


def ellipses(count: int, size: int, device: torch.device, low: float, high: float) -> Tensor:
    """(count, 1, size, size) masks of one soft ellipse or rectangle each, half axes ``low`` to ``high`` of
    the side.
    """
    axis = torch.linspace(-1, 1, size, device=device)
    cx, cy = (
        uniform(count, -0.9, 0.9, device)[:, None, None],
        uniform(count, -0.9, 0.9, device)[:, None, None],
    )
    rx, ry = (uniform(count, 2 * low, 2 * high, device)[:, None, None] for _ in range(2))
    u, v = ((axis[None, None, :] - cx) / rx).abs(), ((axis[None, :, None] - cy) / ry).abs()
    square = torch.rand(count, 1, 1, device=device) < 0.4
    distance = torch.where(square, torch.maximum(u, v), torch.sqrt(u * u + v * v))
    return ((1 - distance) * 12).clamp(0, 1)[:, None]


def scrambled(pictures: Tensor, cells: int = 8) -> Tensor:
    """The pictures with their patches shuffled: every texture stays and no face is left."""
    count, channels, height, width = pictures.shape
    patches = pictures.reshape(count, channels, cells, height // cells, cells, width // cells)
    patches = patches.permute(0, 2, 4, 1, 3, 5).flatten(1, 2)
    order = torch.rand(count, cells * cells, device=pictures.device).argsort(1)
    patches = patches.gather(1, order[:, :, None, None, None].expand_as(patches))
    patches = patches.reshape(count, cells, cells, channels, height // cells, width // cells)
    return patches.permute(0, 3, 1, 4, 2, 5).reshape(count, channels, height, width)


def colours(pictures: Tensor) -> Tensor:
    """Exposure, contrast, gamma, white balance, and now and then no colour at all."""
    count, device = len(pictures), pictures.device

    def factor(low: float, high: float, channels: int = 1) -> Tensor:
        spread = torch.rand(count, channels, 1, 1, device=device) * (math.log(high) - math.log(low))
        return torch.exp(spread + math.log(low))

    x = pictures.clamp(1e-4, 1) ** factor(0.65, 1.5)
    x = x * factor(0.65, 1.35) * factor(0.85, 1.18, 3)
    middle = x.mean((2, 3), keepdim=True)
    x = (x - middle) * factor(0.7, 1.35) + middle
    grey = x.mean(1, keepdim=True)
    keep = torch.where(chance(count, 0.08, device) > 0, torch.zeros_like(middle[:, :1]), factor(0.6, 1.4))
    return (grey + (x - grey) * keep).clamp(0, 1)


def shadows(pictures: Tensor) -> Tensor:
    """A soft slope of light across the picture."""
    count, _, height, width = pictures.shape
    device = pictures.device
    slope = torch.randn(count, 1, 3, 3, device=device) * 0.18 * chance(count, 0.4, device)
    return (pictures * torch.exp(F.interpolate(slope, (height, width), mode="bilinear"))).clamp(0, 1)


def softened(pictures: Tensor, share: float = 0.5, least: float = 0.25) -> Tensor:
    """A share of the pictures shrunk, down to ``least`` of their side, and enlarged again."""
    size = pictures.shape[-1]
    out = pictures
    touched = torch.rand(len(pictures), device=pictures.device) < share
    # A few sizes a batch, each for a part of it: sizes cannot differ inside one call.
    part = torch.randint(0, 3, (len(pictures),), device=pictures.device)
    for number in range(3):
        side = int(size * (least + (1 - least) * float(torch.rand(()))))
        chosen = (touched & (part == number)).nonzero()[:, 0]
        if len(chosen):
            small = F.interpolate(pictures[chosen], (side, side), mode="bilinear", antialias=True)
            large = F.interpolate(small, (size, size), mode="bilinear", align_corners=False)
            out = out.index_copy(0, chosen, large.to(out.dtype))
    return out


def _cosine_matrix(device: torch.device) -> Tensor:
    n = torch.arange(8, device=device, dtype=torch.float32)
    matrix = torch.cos((2 * n[None, :] + 1) * n[:, None] * math.pi / 16) * math.sqrt(2 / 8)
    matrix[0] /= math.sqrt(2)
    return matrix


def blocky(pictures: Tensor, share: float = 0.3) -> Tensor:
    """JPEG's kind of loss: 8x8 cosine blocks, rounded more coarsely the finer they are. Sides are multiples
    of 8.
    """
    count, channels, height, width = pictures.shape
    device = pictures.device
    matrix = _cosine_matrix(device).to(pictures.dtype)
    blocks = pictures.reshape(count, channels, height // 8, 8, width // 8, 8)
    # Autocast would turn the products of float pictures into bfloat16, which the blend below cannot mix.
    blocks = _both_sides(matrix, blocks)
    n = torch.arange(8, device=device)
    steps = (0.06 + 0.05 * (n[:, None] + n[None, :]))[None, None, None, :, None, :]
    strength = uniform(count, 0.2, 1.2, device)[:, None, None, None, None, None]
    steps = (steps * strength).to(pictures.dtype)
    blocks = torch.round(blocks / steps) * steps
    rounded = _both_sides(matrix.T, blocks).reshape(pictures.shape)
    return torch.lerp(pictures, rounded, chance(count, share, device).to(pictures.dtype))


def _both_sides(matrix: Tensor, blocks: Tensor) -> Tensor:
    """``matrix`` @ each 8x8 block @ its transpose, blocks (B, C, H/8, 8, W/8, 8), in the blocks' own
    precision.
    """
    with torch.autocast(blocks.device.type, enabled=False):
        return torch.einsum("ij,bchjwk,lk->bchiwl", matrix, blocks, matrix)


def worn(pictures: Tensor, least: float = 0.25) -> Tensor:
    """What lenses, sensors and files do: light, colours, blur, grain, block noise; in 0..1."""
    x = softened(shadows(colours(pictures)), least=least)
    grain = uniform(len(x), 0, 0.05, x.device)[:, None, None, None] * chance(len(x), 0.5, x.device)
    return blocky(x + grain * torch.randn_like(x)).clamp(0, 1)
