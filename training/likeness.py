"""How much a painted picture looks like its person, as a loss: PuLID's idea (arXiv 2404.16022) in small.

The latents painted are decoded, the face is cut out where it stands in the true picture, and recognisers
(frozen) compare it with the true face: what they make of it, and the features that lead them there. Not with
the person's mean: that one looks into the camera and has no expression, and soon no painted face has one, in
whatever words it is asked for. One recogniser alone is soon pleased with pictures that please no other one,
and mini's own knows people by their hair and colours more than by their features: beside it there may be
judges that were trained from other seeds, that look at the face from near, often without colours, and read
the person's sliders and expression from it (`training.face --judge`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stillmotion.identity.geometry import ARCFACE_FIVE, HEAD_FIVE, similarity
from stillmotion.identity.networks import EMBEDDING_DIM, RECOGNISER_SIZE, Recogniser
from training.common import load_tensors, precision
from training.face_data import MARGIN, alignment
from training.judge_moments import FELT

SHRINKS = 0.65**2
"""Below this change of area, a picture is sampled from its half-sized version."""


class Feeling(nn.Module):
    """Reads what a face expresses (B, FELT) from a recogniser's third stage (B, C, 14, 14): from where things
    are. The embedding is the same for all of a person's expressions.
    """

    PLANES = 24

    def __init__(self, width: int) -> None:
        super().__init__()
        self.planes = nn.Conv2d(width, self.PLANES, 1)
        self.told = nn.Linear(self.PLANES * (RECOGNISER_SIZE // 8) ** 2, len(FELT))

    def forward(self, at8: Tensor) -> Tensor:
        told: Tensor = self.told(F.silu(self.planes(at8)).flatten(1))
        return told


@dataclass(frozen=True)
class Judge:
    """A frozen recogniser; ``close``: it looks at the face from near, aligned as for ArcFace, and not at the
    head; ``reading``: the layer that makes sliders and colours of its embedding, and ``feeling`` the one that
    tells the expression, where it has them.
    """

    network: Recogniser
    close: bool = False
    reading: nn.Linear | None = None
    feeling: Feeling | None = None

    def matrix(self, heads: Tensor) -> Tensor:
        """The transforms (B, 2, 3) to its input, by those to mini's own (`head_matrix`)."""
        return close_matrix(heads) if self.close else heads

    def verdict(self, at8: Tensor) -> Tensor:
        """What it says of a face, (B, 512 + D): the unit embedding, and what it reads from it."""
        embedding = self.network.embedding(at8)
        if self.reading is None:
            return embedding
        return torch.cat([embedding, self.reading(embedding * EMBEDDING_DIM**0.5).float()], 1)


def recogniser(path: Path, device: torch.device) -> Recogniser:
    """A trained recogniser, folded, from its file, frozen."""
    return judge(path, device).network


def judge(path: Path, device: torch.device, close: bool = False) -> Judge:
    """The same as a judge, with its reading layer if the file has one."""
    state = load_tensors(path)
    reading, feeling = None, None
    if "regress.weight" in state:
        weight, bias = state.pop("regress.weight"), state.pop("regress.bias")
        reading = nn.Linear(weight.shape[1], weight.shape[0])
        reading.load_state_dict({"weight": weight, "bias": bias})
        reading.to(device).requires_grad_(False)
    if felt := {k.removeprefix("feeling."): state.pop(k) for k in list(state) if k.startswith("feeling.")}:
        feeling = Feeling(felt["planes.weight"].shape[1])
        feeling.load_state_dict(felt)
        feeling.to(device).requires_grad_(False)
    a, b, c, d = (len(state[f"at{stage}.0.conv.bias"]) for stage in (2, 4, 8, 16))
    network = Recogniser((a, b, c, d), folded=True)
    network.load_state_dict(state)
    return Judge(network.to(device).eval().requires_grad_(False), close, reading, feeling)


def judges(folder: Path, device: torch.device) -> list[Judge]:
    """The recogniser of mini and the further ones in ``folder``/face/judges, frozen."""
    further = sorted((folder / "face/judges").glob("*.safetensors"))
    own = judge(folder / "face/analyzer/recogniser.safetensors", device)
    return [own, *(judge(path, device, close=True) for path in further)]


def features(network: Recogniser, faces: Tensor) -> list[Tensor]:
    """What a recogniser sees at a half, a quarter and an eighth of the size of pictures (B, 3, H, W)."""
    at2 = network.at2(faces)
    at4 = network.at4(at2)
    return [at2, at4, network.at8(at4)]


def unlike_features(made: list[Tensor], true: list[Tensor]) -> Tensor:
    """The mean distance of `features`, in shares of what is there: 0 for equal pictures."""
    shares = [(m - t).abs().float().mean() / t.abs().float().mean() for m, t in zip(made, true, strict=True)]
    return torch.stack(shares).mean()


def head_matrix(five: Tensor) -> Tensor:
    """The transforms (B, 2, 3) from pictures to the recogniser's input, by five points (B, 5, 2)."""
    matrix = alignment(five)
    return torch.cat([matrix[:, :, :2], matrix[:, :, 2:] - MARGIN], dim=2)


def close_matrix(matrix: Tensor) -> Tensor:
    """`head_matrix`'s transforms (B, 2, 3) led on to where ArcFace wants the five points.

    Between the two lie a scale and a shift alone: numbers, since a captured step takes no tensor from the
    host.
    """
    (scale, _, right), (_, _, down) = similarity(HEAD_FIVE, ARCFACE_FIVE).tolist()
    x, y = (scale * matrix).unbind(1)
    return torch.stack([_moved(x, right), _moved(y, down)], dim=1)


def _moved(row: Tensor, by: float) -> Tensor:
    return torch.cat([row[:, :2], row[:, 2:] + by], dim=1)


def heads(pictures: Tensor, matrix: Tensor) -> Tensor:
    """Pictures (B, 3, H, W) -> the recogniser's input (B, 3, 112, 112), through ``head_matrix``'s transforms.

    Bilinear, from pixels averaged in pairs where the head shrinks; no step depends on the values or reaches
    for the host, so that a training step with it can be captured.
    """
    linear, shift = matrix[:, :, :2], matrix[:, :, 2]
    axis = torch.arange(RECOGNISER_SIZE, device=pictures.device, dtype=torch.float32)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    target = torch.stack([x, y], -1).reshape(1, -1, 2) - shift[:, None]
    (a, b), (c, d) = linear[:, 0].unbind(-1), linear[:, 1].unbind(-1)
    area = a * d - b * c
    inverse = torch.stack([torch.stack([d, -b], 1), torch.stack([-c, a], 1)], 1) / area[:, None, None]
    source = (target @ inverse.mT).reshape(-1, RECOGNISER_SIZE, RECOGNISER_SIZE, 2)
    extent = torch.stack([torch.full_like(area[0], float(s)) for s in (pictures.shape[3], pictures.shape[2])])
    grid = (source + 0.5) * 2 / extent - 1
    fine = F.grid_sample(pictures, grid, align_corners=False)
    coarse = F.grid_sample(F.avg_pool2d(pictures, 2), grid, align_corners=False)
    return torch.where((area.abs() < SHRINKS)[:, None, None, None], coarse, fine)


def likeness_loss(
    jury: list[Judge], pictures: Tensor, matrix: Tensor, faces: list[Tensor]
) -> dict[str, Tensor]:
    """How the faces of ``pictures`` (B, 3, H, W) in -1..1 differ from the true ones, over all judges.

    ``unlike``: 1 - cosine of the embeddings. ``apart``: the distance of the networks' features from those of
    the true faces. ``misread``: the mean square difference of what is read from them; each figure read has
    variance 1 among people. ``unfelt``: the distance of what the faces express, in units of
    `training.judge_moments`.

    ``matrix`` (B, 2, 3): where the faces are, as `head_matrix` says it. ``faces``: for each judge its view of
    the true pictures, (B, 3, 112, 112) in -1..1.
    """
    unlike, apart, misread, unfelt = [], [], [], []
    with precision(pictures.device):
        for one, face in zip(jury, faces, strict=True):
            made = heads(pictures.float(), one.matrix(matrix))
            seen = features(one.network, made)
            with torch.no_grad():
                there = features(one.network, face)
                wanted = one.verdict(there[-1])
            verdict = one.verdict(seen[-1])
            unlike.append(1 - (verdict * wanted)[:, :EMBEDDING_DIM].sum(-1).mean())
            apart.append(unlike_features(seen, there))
            if one.reading is not None:
                misread.append((verdict - wanted)[:, EMBEDDING_DIM:].square().mean())
            if one.feeling is not None:
                with torch.no_grad():
                    expressed = one.feeling(there[-1]).float()
                unfelt.append(F.smooth_l1_loss(one.feeling(seen[-1]).float(), expressed))
    none = [torch.zeros_like(unlike[0])]
    figures = {"unlike": unlike, "apart": apart, "misread": misread or none, "unfelt": unfelt or none}
    return {name: torch.stack(values).mean() for name, values in figures.items()}
