"""The networks of mini's face analyzer: a detector (faces, landmarks, matte) and a recogniser.

Plain convolutions, normalisation and ReLU; nothing here knows files or pictures. A network is trained with
batch normalisation and shipped folded: `fold` melts each normalisation into its convolution, so that the
shipped tensors are weights and biases alone.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

DETECTOR_SIZE = 160
"""Side of the detector's square input in pixels."""
HEAT_STRIDE = 8
LANDMARKS = 106
FIVE = 5
POINT_UNIT = 40.0
"""The detector's point offsets are in units of this many input pixels, so that they are near 1."""

RECOGNISER_SIZE = 112
EMBEDDING_DIM = 512


class Conv(nn.Module):
    """Convolution, normalisation, and ReLU unless ``active`` is False; ``folded`` has the norm inside the
    weights.
    """

    def __init__(
        self,
        width_in: int,
        width: int,
        kernel: int = 3,
        stride: int = 1,
        *,
        active: bool = True,
        folded: bool = False,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width_in, width, kernel, stride, kernel // 2, bias=folded)
        self.norm: nn.Module = nn.Identity() if folded else nn.BatchNorm2d(width)
        self.active = active

    def forward(self, x: Tensor) -> Tensor:
        """(B, width_in, H, W) to (B, width, H / stride, W / stride)."""
        x = self.norm(self.conv(x))
        return F.relu(x, inplace=True) if self.active else x


class Residual(nn.Module):
    """Two convolutions beside a shortcut (He et al. 2016)."""

    def __init__(self, width: int, *, folded: bool = False) -> None:
        super().__init__()
        self.first = Conv(width, width, folded=folded)
        self.second = Conv(width, width, active=False, folded=folded)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape in and out."""
        return F.relu(x + self.second(self.first(x)))


def _stage(width_in: int, width: int, blocks: int, folded: bool) -> nn.Sequential:
    body = [Residual(width, folded=folded) for _ in range(blocks)]
    return nn.Sequential(Conv(width_in, width, stride=2, folded=folded), *body)


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


class Detector(nn.Module):
    """Finds faces by their centres ("Objects as Points", Zhou et al. 2019) and mattes the people.

    Input (B, 3, S, S) in -1..1, S a multiple of 16, `DETECTOR_SIZE` in use. Returns

    - ``heat`` (B, 1, S/8, S/8): logit that a face is centred in this cell;
    - ``points`` (B, 2 * 111, S/8, S/8): for a face centred there, x and y of the 106 landmarks and then the
      five
      points, from the cell's centre, in units of `POINT_UNIT` pixels;
    - ``matte`` (B, 1, S/2, S/2): logit that a pixel belongs to a person.
    """

    def __init__(
        self, widths: tuple[int, int, int, int] = (24, 48, 96, 128), *, folded: bool = False
    ) -> None:
        super().__init__()
        a, b, c, d = widths
        self.at2 = _stage(3, a, 1, folded)
        self.at4 = _stage(a, b, 1, folded)
        self.at8 = _stage(b, c, 1, folded)
        self.at16 = _stage(c, d, 1, folded)
        self.from16 = Conv(d, c, 1, folded=folded)
        self.up8 = Conv(c, c, folded=folded)
        self.from8 = Conv(c, b, 1, folded=folded)
        self.up4 = Conv(b, b, folded=folded)
        self.from4 = Conv(b, a, 1, folded=folded)
        self.up2 = Conv(a, a, folded=folded)
        self.head = Conv(c, d, folded=folded)
        self.heat = nn.Conv2d(d, 1, 1)
        self.points = nn.Conv2d(d, 2 * (LANDMARKS + FIVE), 1)
        self.matte = nn.Conv2d(a, 1, 3, padding=1)
        # A face is rare: start from "one cell in a hundred" (Lin et al. 2017, section 3.3).
        nn.init.constant_(self.heat.bias, -4.6) if self.heat.bias is not None else None

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """See the class."""
        x2 = self.at2(x)
        x4 = self.at4(x2)
        x8 = self.at8(x4)
        x16 = self.at16(x8)
        y8 = self.up8(x8 + _doubled(self.from16(x16)))
        y4 = self.up4(x4 + _doubled(self.from8(y8)))
        y2 = self.up2(x2 + _doubled(self.from4(y4)))
        face = self.head(y8)
        return {"heat": self.heat(face), "points": self.points(face), "matte": self.matte(y2)}


class Recogniser(nn.Module):
    """An aligned face to a unit embedding, with the small heads that read gender and age from it.

    Input (B, 3, 112, 112) in -1..1, a head whose five points lie at `geometry.HEAD_FIVE`. Returns
    ``embedding`` (B, 512) of unit length, ``gender`` (B,) the logit of "man", ``age`` (B,) in years / 100.
    """

    def __init__(
        self, widths: tuple[int, int, int, int] = (32, 64, 96, 112), *, folded: bool = False
    ) -> None:
        super().__init__()
        a, b, c, d = widths
        self.at2 = _stage(3, a, 1, folded)
        self.at4 = _stage(a, b, 1, folded)
        self.at8 = _stage(b, c, 2, folded)
        self.at16 = _stage(c, d, 2, folded)
        # A learnt weight for each place instead of the mean over the face (MobileFaceNet, Chen et al. 2018).
        self.pool = nn.Conv2d(d, d, RECOGNISER_SIZE // 16, groups=d)
        self.project = nn.Linear(d, EMBEDDING_DIM)
        self.gender = nn.Linear(EMBEDDING_DIM, 1)
        self.age = nn.Linear(EMBEDDING_DIM, 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """See the class."""
        return self.heads(self.at8(self.at4(self.at2(x))))

    def heads(self, at8: Tensor) -> dict[str, Tensor]:
        """`forward`'s results from what the first three stages made of the pictures."""
        embedding = self.embedding(at8)
        # A unit vector of 512 numbers has small entries: the heads read it at the scale of unit variance.
        scaled = embedding * EMBEDDING_DIM**0.5
        return {"embedding": embedding, "gender": self.gender(scaled)[:, 0], "age": self.age(scaled)[:, 0]}

    def embedding(self, at8: Tensor) -> Tensor:
        """The unit embedding (B, 512) of what the first three stages made of the pictures."""
        return F.normalize(self.project(self.pool(self.at16(at8)).flatten(1)).float(), dim=1)


def fold(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A trained network's state with every batch norm melted into its convolution: the state of
    ``folded=True``.
    """
    folded = {k: v for k, v in state.items() if ".norm." not in k}
    for key in [k for k in state if k.endswith(".norm.running_var")]:
        stem = key.removesuffix(".norm.running_var")
        gain = state[f"{stem}.norm.weight"] / torch.sqrt(state[key] + 1e-5)
        folded[f"{stem}.conv.weight"] = state[f"{stem}.conv.weight"] * gain[:, None, None, None]
        folded[f"{stem}.conv.bias"] = state[f"{stem}.norm.bias"] - state[f"{stem}.norm.running_mean"] * gain
    return folded
