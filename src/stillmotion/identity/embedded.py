"""mini's face analyzer: our own two small networks, on any device, without a download.

It was trained on the people of a synthetic world alone. Real photos are outside what it has seen: it is the
analyzer of `mini`, not a substitute for insightface's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from stillmotion.errors import CheckpointError
from stillmotion.identity import geometry
from stillmotion.identity.crops import head_crop
from stillmotion.identity.guided import largest_region, upsample
from stillmotion.identity.networks import (
    DETECTOR_SIZE,
    FIVE,
    HEAT_STRIDE,
    LANDMARKS,
    POINT_UNIT,
    Detector,
    Recogniser,
)
from stillmotion.identity.types import Face, Gender, Pixels
from stillmotion.libraries import one_line

Network = TypeVar("Network", bound=nn.Module)
MOST_FACES = 8
SECOND_LOOK = 1.1
"""Half side of the square that is looked at again, in longer sides of the face's box."""
CLOSER = ((0.3, 0.3), (0.7, 0.3), (0.3, 0.7), (0.7, 0.7), (0.5, 0.5))
"""Where a picture without a face is looked at again in parts, as shares of its sides."""


@dataclass(frozen=True, eq=False)
class Found:
    """A face before it is recognised: ``points`` (111, 2), the 106 landmarks and the five; ``score`` 0..1."""

    points: NDArray[np.float32]
    score: float

    @property
    def box(self) -> NDArray[np.float32]:
        """x0, y0, x1, y1."""
        return geometry.box_of(self.points[:LANDMARKS])


class EmbeddedAnalyzer:
    """The analyzer "embedded": see `stillmotion.identity.types.Analyzer`.

    ``folder`` holds config.json, detector.safetensors and recogniser.safetensors. ``same_person`` is the
    cosine above which two embeddings are said to be of one person, measured on held-out persons when the
    weights were made.
    """

    name = "embedded"
    notes: tuple[str, ...] = ()

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        self.device = torch.device(device)
        config = _read_config(folder / "config.json")
        self.detection_threshold = config["detection_threshold"]
        self.gender_threshold = config["gender_threshold"]
        self.same_person = config.get("same_person", 0.5)
        self._detector = _load(Detector(folded=True), folder / "detector.safetensors", self.device)
        self._recogniser = _load(Recogniser(folded=True), folder / "recogniser.safetensors", self.device)

    def faces(self, image: Pixels) -> list[Face]:
        """All faces of an RGB uint8 (H, W, 3) picture, largest first; an empty list where there is none."""
        found = self.find(image)
        if not found:
            return []
        crops = np.stack([head_crop(image, one.points[LANDMARKS:]) for one in found])
        with torch.inference_mode():
            out = self._recogniser(_tensor(crops, self.device))
        man = torch.sigmoid(out["gender"]).cpu().numpy()
        faces = [
            Face(
                box=one.box,
                five=one.points[LANDMARKS:],
                landmarks=one.points[:LANDMARKS],
                embedding=out["embedding"][i].float().cpu().numpy(),
                score=one.score,
                gender=self._gender(float(man[i])),
                age=float(np.clip(out["age"][i].item() * 100, 0, 120)),
            )
            for i, one in enumerate(found)
        ]
        return sorted(faces, key=lambda face: -_area(face.box))

    def matte(self, image: Pixels, face: Face) -> Pixels:
        """The person to whom ``face`` belongs: (H, W) uint8, 255 = person, 0 = background, soft edges
        between.
        """
        height, width = image.shape[:2]
        matrix = _whole(image)
        with torch.inference_mode():
            logits = self._detector(self._views(image, [matrix]))["matte"][0, 0]
            coarse = torch.sigmoid(logits.float()).cpu().numpy()
        places = (geometry.apply(matrix, face.landmarks) / (DETECTOR_SIZE // coarse.shape[0])).astype(
            np.float32
        )
        own = largest_region(coarse, places)
        # The view is a letterbox: cut the picture's own part out of the coarse matte while enlarging it.
        return upsample(own, image, matrix, DETECTOR_SIZE // own.shape[0]).reshape(height, width)

    def find(self, image: Pixels) -> list[Found]:
        """Faces with their points, without recognising them; best first."""
        first = self._look(image, [_whole(image)])
        if not first:
            first = self._look(image, [_wider(image), *_closer(image)])
        if not first:
            return []
        boxes = [one.box for one in first]
        half = [SECOND_LOOK * float(max(b[2] - b[0], b[3] - b[1])) for b in boxes]
        centres = [((b[:2] + b[2:]) / 2).astype(np.float32) for b in boxes]
        squares = [geometry.square_matrix(c, h, DETECTOR_SIZE) for c, h in zip(centres, half, strict=True)]
        second = [self._middle(image, square) for square in squares]
        return _distinct([one for one in second if one is not None])

    def _middle(self, image: Pixels, square: NDArray[np.float32]) -> Found | None:
        """The face nearest to the middle of a view in which one was expected there, or None."""
        seen = self._look(image, [square])
        middle = np.full(2, (DETECTOR_SIZE - 1) / 2, np.float32)
        for one in sorted(seen, key=lambda f: float(np.linalg.norm(_centre(f, square) - middle))):
            if np.linalg.norm(_centre(one, square) - middle) < DETECTOR_SIZE / 4:
                return one
        return None

    def _look(self, image: Pixels, matrices: list[NDArray[np.float32]]) -> list[Found]:
        with torch.inference_mode():
            out = self._detector(self._views(image, matrices))
            heat = torch.sigmoid(out["heat"].float())
            peaks = (heat == F.max_pool2d(heat, 3, 1, 1)) & (heat > self.detection_threshold)
            places = peaks.nonzero().tolist()
            found = []
            for view, _, row, column in places:
                offsets = (
                    out["points"][view, :, row, column].float().cpu().numpy().reshape(LANDMARKS + FIVE, 2)
                )
                cell = np.array([column, row], np.float32) * HEAT_STRIDE + (HEAT_STRIDE - 1) / 2
                points = geometry.apply(geometry.invert(matrices[view]), cell + offsets * POINT_UNIT)
                found.append(Found(points, float(heat[view, 0, row, column])))
        return _distinct(found)

    def _views(self, image: Pixels, matrices: list[NDArray[np.float32]]) -> Tensor:
        views = np.stack([geometry.warp(image, matrix, DETECTOR_SIZE, fill=127) for matrix in matrices])
        return _tensor(views, self.device)

    def _gender(self, man: float) -> Gender | None:
        if max(man, 1 - man) < self.gender_threshold:
            return None
        return "man" if man > 0.5 else "woman"


def _tensor(pictures: Pixels, device: torch.device) -> Tensor:
    """(B, H, W, 3) uint8 to (B, 3, H, W) in -1..1."""
    return torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1


def _whole(image: Pixels) -> NDArray[np.float32]:
    height, width = image.shape[:2]
    middle = np.array([(width - 1) / 2, (height - 1) / 2], np.float32)
    return geometry.square_matrix(middle, max(height, width) / 2, DETECTOR_SIZE)


def _wider(image: Pixels) -> NDArray[np.float32]:
    height, width = image.shape[:2]
    middle = np.array([(width - 1) / 2, (height - 1) / 2], np.float32)
    return geometry.square_matrix(middle, 0.75 * max(height, width), DETECTOR_SIZE)


def _closer(image: Pixels) -> list[NDArray[np.float32]]:
    height, width = image.shape[:2]
    half = 0.3 * max(height, width)
    return [
        geometry.square_matrix(np.array([x * width, y * height], np.float32), half, DETECTOR_SIZE)
        for x, y in CLOSER
    ]


def _centre(found: Found, matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    seen = geometry.apply(matrix, found.points[:LANDMARKS])
    return np.asarray((seen.min(0) + seen.max(0)) / 2, dtype=np.float32)


def _area(box: NDArray[np.float32]) -> float:
    return float(max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1]))


def _overlap(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Intersection over union of two boxes."""
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    inside = float(np.prod(np.maximum(0, high - low)))
    return inside / max(1e-6, _area(a) + _area(b) - inside)


def _distinct(found: list[Found]) -> list[Found]:
    """The best of every group of overlapping faces, at most `MOST_FACES`; degenerate ones are dropped."""
    kept: list[Found] = []
    for one in sorted(found, key=lambda f: -f.score):
        sound = np.isfinite(one.points).all() and _area(one.box) >= 16
        if sound and all(_overlap(one.box, other.box) < 0.4 for other in kept):
            kept.append(one)
    return kept[:MOST_FACES]


def _read_config(path: Path) -> dict[str, float]:
    try:
        config: Any = json.loads(path.read_text(encoding="utf-8"))
        if config["format"] != "stillmotion-analyzer" or config["version"] != 1:
            raise ValueError("it is of another format or version")
        names = [n for n in ("detection_threshold", "gender_threshold", "same_person") if n in config]
        numbers = {name: float(config[name]) for name in names}
        if not {"detection_threshold", "gender_threshold"} <= numbers.keys():
            raise ValueError("a threshold is missing")
        return numbers
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{path}: not a face analyzer's config ({error}); restore the file or reinstall stillmotion"
        ) from None


def _load(network: Network, path: Path, device: torch.device) -> Network:
    """The network with the weights of a safetensors file, ready to run in float32."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        state = {k: v.float() for k, v in load_file(path).items()}
        network.load_state_dict(state)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise CheckpointError(
            f"{path}: not the weights of this network ({one_line(error)}); "
            "restore the file or reinstall stillmotion"
        ) from None
    if not all(bool(torch.isfinite(v).all()) for v in state.values()):
        raise CheckpointError(
            f"{path}: holds values that are not numbers; restore the file or reinstall stillmotion"
        )
    return network.to(device).eval()
