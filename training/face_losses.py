"""The face networks' training pictures and what is asked of them: one batch in, one loss out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from stillmotion.identity.networks import (
    DETECTOR_SIZE,
    EMBEDDING_DIM,
    FIVE,
    HEAT_STRIDE,
    LANDMARKS,
    POINT_UNIT,
    RECOGNISER_SIZE,
    Recogniser,
)
from training import face_augment as augment
from training.face_data import CROP, Store

FELT_WEIGHT = 2.0
"""A judge's loss of the expression, which is to be read beside the person."""
SMALLEST, LARGEST = 14.0, 120.0
"""How high the landmarks of a training face stand in the detector's 160 pixels."""


@dataclass(frozen=True)
class Scenes:
    """A detector batch: ``pictures`` (B, 3, 160, 160) in 0..1; ``matte`` (B, 1, 80, 80); up to two faces
    each: ``points`` (B, 2, 111, 2) in pixels, ``valid`` (B, 2) 1 where there is one; ``weight`` (B,) 0 where
    a face is too hidden to ask for it.
    """

    pictures: Tensor
    matte: Tensor
    points: Tensor
    valid: Tensor
    weight: Tensor


def _height(points: Tensor) -> Tensor:
    bounds = points[:, :LANDMARKS]
    return (bounds.amax(1) - bounds.amin(1)).amax(1).clamp_min(1.0)


def _centre(points: Tensor) -> Tensor:
    bounds = points[..., :LANDMARKS, :]
    return (bounds.amax(-2) + bounds.amin(-2)) / 2


def _placed(store: Store, count: int, largest: float) -> tuple[Tensor, Tensor]:
    """Random pictures at random places, sizes and angles: (B, 5, 160, 160) of RGB, matte and cover, and
    points.
    """
    device = store.device
    index = torch.randint(0, len(store["frames"]), (count,), device=device)
    colour, matte = store["frames"][index].float() / 255, store["mattes"][index].float() / 255
    layers = torch.cat([colour, matte, torch.ones_like(matte)], 1)
    points = torch.cat([store["landmarks"][index], store["five"][index]], 1)
    height = torch.exp(augment.uniform(count, math.log(SMALLEST), math.log(largest), device))
    place = DETECTOR_SIZE / 2 + torch.randn(count, 2, device=device) * DETECTOR_SIZE * 0.2
    angle = torch.randn(count, device=device) * 0.25
    matrix = augment.affine(angle, height / _height(points), _centre(points), place)
    return augment.warp(layers, matrix, DETECTOR_SIZE), augment.move(matrix, points)


def _sampled(mask: Tensor, points: Tensor) -> Tensor:
    """The mean of ``mask`` (B, 1, S, S) at ``points`` (B, N, 2): (B,)."""
    grid = (points + 0.5) * 2 / mask.shape[-1] - 1
    return F.grid_sample(mask, grid[:, None], align_corners=False).mean((1, 2, 3))


def _inside(points: Tensor) -> Tensor:
    centre = _centre(points)
    return ((centre > 0) & (centre < DETECTOR_SIZE - 1)).all(1).float()


def _nothing(store: Store, count: int) -> Tensor:
    """Pictures without a person: drawn backgrounds, and rendered pictures in scrambled patches."""
    drawn = augment.backgrounds(count, DETECTOR_SIZE, store.device)
    index = torch.randint(0, len(store["frames"]), (count,), device=store.device)
    rendered = F.interpolate(
        store["frames"][index].float() / 255, (DETECTOR_SIZE, DETECTOR_SIZE), mode="area"
    )
    cells = 8 if torch.rand(()) < 0.5 else 10
    use = augment.chance(count, 0.3, store.device)
    return torch.lerp(drawn, augment.scrambled(rendered, cells), use)


@torch.no_grad()
def scenes(store: Store, count: int) -> Scenes:
    """A detector batch: none, one or two people before their own or another background, worn by `worn`."""
    device = store.device
    first, points = _placed(store, count, LARGEST)
    second, other = _placed(store, count, LARGEST / 2)
    empty = augment.chance(count, 0.15, device)
    matte, cover = first[:, 3:4] * (1 - empty), first[:, 4:5] * (1 - empty)
    apart = (_centre(points) - _centre(other)).norm(dim=1) > 0.75 * (_height(points) + _height(other))
    clear = (_sampled(matte, other) < 0.15) & apart & (_inside(other) > 0)
    pasted = augment.chance(count, 0.35, device) * clear.float()[:, None, None, None] * (1 - empty)
    background = _nothing(store, count)
    background = torch.lerp(background, second[:, :3], second[:, 3:4] * pasted)
    # A pasted second person stands behind the first, so the first one's own background has to go.
    own = augment.chance(count, 0.45, device) * (1 - pasted)
    alpha = torch.lerp(matte, cover, own)
    picture = torch.lerp(background, first[:, :3] / first[:, 4:5].clamp_min(1e-3), alpha)
    person = torch.maximum(matte, second[:, 3:4] * pasted * (1 - matte))
    shade = augment.ellipses(count, DETECTOR_SIZE, device, 0.03, 0.2) * augment.chance(count, 0.3, device)
    picture = torch.lerp(picture, background.roll(1, 0), shade)
    hidden = torch.maximum(_sampled(shade, points), _sampled(shade, other) * pasted[:, 0, 0, 0])
    valid = torch.stack([_inside(points) * (1 - empty[:, 0, 0, 0]), pasted[:, 0, 0, 0]], 1)
    return Scenes(
        pictures=augment.worn(picture, least=0.3),
        matte=F.avg_pool2d(person * (1 - shade), 2),
        points=torch.stack([points, other], 1),
        valid=valid,
        weight=(hidden < 0.55).float(),
    )


def heat_target(batch: Scenes, cells: int) -> Tensor:
    """(B, 1, cells, cells): 1 in the cell of each face's centre, a Gaussian as wide as the face around it."""
    axis = torch.arange(cells, device=batch.points.device, dtype=torch.float32)
    target = torch.zeros(len(batch.points), cells, cells, device=batch.points.device)
    for number in range(batch.points.shape[1]):
        points = batch.points[:, number]
        cell = _cell(points, cells)
        sigma = (_height(points) / HEAT_STRIDE * 0.12).clamp(0.4, 1.5)[:, None, None]
        dx = axis[None, None, :] - cell[:, 0, None, None]
        dy = axis[None, :, None] - cell[:, 1, None, None]
        bump = torch.exp(-(dx**2 + dy**2) / (2 * sigma**2)) * batch.valid[:, number, None, None]
        target = torch.maximum(target, bump)
    return target[:, None]


def _cell(points: Tensor, cells: int) -> Tensor:
    return ((_centre(points) - (HEAT_STRIDE - 1) / 2) / HEAT_STRIDE).round().clamp(0, cells - 1)


def _focal(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """The penalty-reduced focal loss of "Objects as Points" (Zhou et al. 2019), equation 1."""
    logits = logits.float()
    p = torch.sigmoid(logits)
    positive = (target > 0.999).float()
    there = positive * (1 - p) ** 2 * F.logsigmoid(logits)
    away = (1 - positive) * (1 - target) ** 4 * p**2 * F.logsigmoid(-logits)
    loss = -((there + away).sum((1, 2, 3)) * weight).sum()
    return loss / (positive.sum((1, 2, 3)) * weight).sum().clamp_min(1)


def _points(predicted: Tensor, batch: Scenes) -> Tensor:
    """Mean distance of the points in shares of the face's height, asked of a face's cell and its eight
    neighbours.
    """
    count, _, cells, _ = predicted.shape
    flat = predicted.float().flatten(2)
    total, weights = (
        predicted.new_zeros((), dtype=torch.float32),
        predicted.new_zeros((), dtype=torch.float32),
    )
    for number in range(batch.points.shape[1]):
        points = batch.points[:, number]
        middle = _cell(points, cells)
        height = _height(points)[:, None, None].clamp_min(SMALLEST)
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                cell = middle + torch.tensor([dx, dy], device=middle.device)
                inside = ((cell >= 0) & (cell < cells)).all(1)
                cell = cell.clamp(0, cells - 1)
                index = (cell[:, 1] * cells + cell[:, 0]).long()
                offsets = flat.gather(2, index[:, None, None].expand(-1, flat.shape[1], 1))[..., 0]
                origin = cell * HEAT_STRIDE + (HEAT_STRIDE - 1) / 2
                wanted = (points - origin[:, None]) / POINT_UNIT
                error = (offsets.reshape(count, LANDMARKS + FIVE, 2) - wanted).abs() * POINT_UNIT / height
                weight = (
                    inside.float() * batch.valid[:, number] * batch.weight * (1.0 if dx == dy == 0 else 0.35)
                )
                # The five points align the crop that the recogniser sees: they weigh as much as the 106.
                mean = error[:, :LANDMARKS].mean((1, 2)) + error[:, LANDMARKS:].mean((1, 2))
                total, weights = total + (mean * weight).sum(), weights + weight.sum()
    return total / weights.clamp_min(1)


def detector_loss(network: nn.Module, batch: Scenes, autocast: torch.dtype | None) -> dict[str, Tensor]:
    """``loss`` and its parts ``heat``, ``points``, ``matte`` for one batch."""
    with torch.autocast(batch.pictures.device.type, autocast, enabled=autocast is not None):
        out = network(batch.pictures * 2 - 1)
    heat = _focal(out["heat"], heat_target(batch, out["heat"].shape[-1]), batch.weight)
    points = _points(out["points"], batch)
    logits = out["matte"].float()
    matte = F.binary_cross_entropy_with_logits(logits, batch.matte)
    matte = matte + (torch.sigmoid(logits) - batch.matte).abs().mean()
    return {"loss": heat + 4 * points + 2 * matte, "heat": heat, "points": points, "matte": matte}


class Crowd:
    """The persons of a store, for drawing several pictures of each; with what is known of them.

    ``vectors`` (P, D) standardised, ``man`` (P,) 0 or 1, ``age`` (P,) years / 100, in the order of
    ``persons`` (P,).
    """

    def __init__(self, store: Store, vectors: Tensor, man: Tensor, age: Tensor) -> None:
        self.store = store
        self.persons, inverse, counts = torch.unique(
            store["persons"], return_inverse=True, return_counts=True
        )
        self.order = torch.argsort(inverse, stable=True)
        self.counts = counts
        self.starts = torch.cumsum(counts, 0) - counts
        self.vectors = (vectors - vectors.mean(0)) / vectors.std(0).clamp_min(0.05)
        self.man, self.age = man, age

    def draw(self, people: int, views: int) -> tuple[Tensor, Tensor, Tensor | None]:
        """Crops (people * views, 3, CROP, CROP) in 0..1, the persons' places in this crowd, (people *
        views,), and what the faces express, where the store knows it.
        """
        people = min(people, len(self.persons))
        who = torch.randperm(len(self.persons), device=self.persons.device)[:people]
        # Pictures of one person as far apart in the list as they come: neighbours are often of one scene.
        phase = (
            torch.rand(people, 1, device=who.device) + torch.arange(views, device=who.device) / views
        ) % 1
        index = self.order[self.starts[who][:, None] + (phase * self.counts[who][:, None]).long()]
        index = index.flatten()
        felt = self.store["felt"][index] if "felt" in self.store.parts else None
        return self.store["crops"][index].float() / 255, who.repeat_interleave(views), felt


@torch.no_grad()
def faces(crops: Tensor) -> Tensor:
    """Kept crops to recogniser pictures (B, 3, 112, 112) in 0..1: moved a little, covered in part, worn."""
    count, device = len(crops), crops.device
    middle = torch.full((count, 2), (CROP - 1) / 2, device=device)
    place = (RECOGNISER_SIZE - 1) / 2 + torch.randn(count, 2, device=device) * 2.2
    scale = torch.exp(torch.randn(count, device=device) * 0.05)
    view = augment.warp(
        crops, augment.affine(torch.randn(count, device=device) * 0.06, scale, middle, place), 112
    )
    cover = augment.ellipses(count, RECOGNISER_SIZE, device, 0.04, 0.16) * augment.chance(count, 0.25, device)
    view = torch.lerp(view, torch.rand(count, 3, 1, 1, device=device).expand_as(view), cover)
    return augment.worn(view, least=0.22)


@torch.no_grad()
def bare_faces(crops: Tensor) -> Tensor:
    """As `faces`, for a judge: hardly covered or worn, but in any light and colour, often in none.

    Hair and skin tell most people apart; who may not rely on them has to look at the features.
    """
    count, device = len(crops), crops.device
    middle = torch.full((count, 2), (CROP - 1) / 2, device=device)
    place = (RECOGNISER_SIZE - 1) / 2 + torch.randn(count, 2, device=device) * 1.5
    scale = torch.exp(torch.randn(count, device=device) * 0.03)
    turn = torch.randn(count, device=device) * 0.03
    view = augment.warp(crops, augment.affine(turn, scale, middle, place), RECOGNISER_SIZE)
    view = augment.colours(augment.shadows(view))
    view = torch.lerp(view, view.mean(1, keepdim=True), augment.chance(count, 0.4, device))
    return augment.softened(view, share=0.4, least=0.6)


def contrast(embedding: Tensor, who: Tensor, temperature: float = 0.07, margin: float = 0.05) -> Tensor:
    """Supervised contrastive loss (Khosla et al. 2020, equation 2), a margin taken off every true pair's
    cosine.
    """
    same = who[:, None] == who[None, :]
    own = torch.eye(len(who), dtype=torch.bool, device=who.device)
    cosine = embedding @ embedding.T - margin * (same & ~own)
    logits = (cosine / temperature).masked_fill(own, -1e4)
    log_share = logits - logits.logsumexp(1, keepdim=True)
    true = (same & ~own).float()
    return -((log_share * true).sum(1) / true.sum(1).clamp_min(1)).mean()


def recogniser_loss(
    network: Recogniser,
    regress: nn.Module,
    crowd: Crowd,
    pictures: Tensor,
    who: Tensor,
    autocast: torch.dtype | None,
    vector_weight: float,
    feeling: nn.Module | None = None,
    felt: Tensor | None = None,
) -> dict[str, Tensor]:
    """``loss`` and its parts: ``contrast``, ``vector`` (variance unexplained), ``gender``, ``age``, and with
    ``feeling``, which reads the ``felt`` (B, FELT) from the third stage, ``felt``.

    ``pictures`` (B, 3, 112, 112) in 0..1 of the persons at the places ``who`` (B,) of the crowd.
    """
    with torch.autocast(pictures.device.type, autocast, enabled=autocast is not None):
        at8 = network.at8(network.at4(network.at2(pictures * 2 - 1)))
        out = network.heads(at8)
        vector = regress(out["embedding"] * EMBEDDING_DIM**0.5)
        told = feeling(at8) if feeling is not None else None
    pair = contrast(out["embedding"].float(), who)
    shape = F.mse_loss(vector.float(), crowd.vectors[who])
    gender = F.binary_cross_entropy_with_logits(out["gender"].float(), crowd.man[who])
    age = (out["age"].float() - crowd.age[who]).abs().mean()
    loss = pair + vector_weight * shape + 0.2 * gender + 0.5 * age
    parts = {"contrast": pair, "vector": shape, "gender": gender, "age": age}
    if told is not None and felt is not None:
        parts["felt"] = F.smooth_l1_loss(told.float(), felt)
        loss = loss + FELT_WEIGHT * parts["felt"]
    return {"loss": loss, **parts}
