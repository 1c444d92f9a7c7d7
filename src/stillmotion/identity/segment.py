"""The person cut out of a real photo, for the full presets: Segment Anything 2.1, asked where the face is.

SAM 2.1 (Ravi et al. 2024; Apache-2.0, safetensors, part of transformers) segments what a point is on. Points
on the face and below the chin ask for the person to whom this face belongs, so several people in a photo are
no trouble. Where its weights are not on the machine, OpenCV's GrabCut (Rother et al. 2004) cuts instead: no
weights, rougher hair.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stillmotion.errors import CheckpointError, MissingExtraError, MissingWeightsError
from stillmotion.identity.guided import largest_region, upsample
from stillmotion.identity.types import Face, Pixels
from stillmotion.libraries import one_line
from stillmotion.parts import SAM

ROUGH = (
    f"the person was cut out of the photo without {SAM.name}, which is not on this machine: rougher edges; "
    "'stillmotion download' fetches it with any preset but mini"
)
"""What the user is told where GrabCut cuts."""
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's, in which SAM was trained."""
GRABCUT_SIDE = 512

Cutter = Callable[[Pixels, Face], Pixels]


def cutter(device: str = "cpu", folder: Path | None = None) -> Cutter:
    """What cuts a person out: SAM where its folder is on this machine, else GrabCut."""
    if folder is None:
        from stillmotion.weights import locate

        try:
            folder = locate(SAM)
        except MissingWeightsError:
            return grabcut
    return Sam(folder, device)


class Sam:
    """SAM 2.1 from a local folder; calling it returns the matte (H, W) uint8 of the person with a face."""

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        import torch

        from stillmotion.weights import check_folder, offline_environment

        check_folder(folder)
        offline_environment()
        from transformers import Sam2Model

        try:
            model: Any = Sam2Model.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        except Exception as error:
            # transformers answers a foreign folder with whatever its config parser met first.
            raise CheckpointError(
                f"{folder}: no SAM 2 model ({one_line(error)}); download it again"
            ) from None
        self._torch = torch
        self._model = model.to(device).eval()
        self._side = int(model.config.prompt_encoder_config.image_size)
        self._device = device

    def __call__(self, image: Pixels, face: Face) -> Pixels:
        """The matte of the person to whom ``face`` belongs, (H, W) uint8."""
        torch = self._torch
        height, width = image.shape[:2]
        scale = np.array([self._side / width, self._side / height], np.float32)
        points = torch.from_numpy(prompts(face, height) * scale)[None, None].to(self._device)
        labels = torch.ones(points.shape[:3], dtype=torch.long, device=self._device)
        with torch.inference_mode():
            out = self._model(
                pixel_values=self._pixels(image),
                input_points=points,
                input_labels=labels,
                multimask_output=True,
            )
        masks = torch.sigmoid(out.pred_masks[0, 0].float()).cpu().numpy()
        coarse = whole(masks, out.iou_scores[0, 0].float().cpu().numpy())
        rows, columns = coarse.shape
        matrix = _stretch(columns / width, rows / height)
        own = largest_region(
            coarse, (prompts(face, height) * (columns / width, rows / height)).astype(np.float32)
        )
        return upsample(own, image, matrix, 1)

    def _pixels(self, image: Pixels) -> Any:
        small = Image.fromarray(image).resize((self._side, self._side), Image.Resampling.BILINEAR)
        normalised = (np.asarray(small, np.float32) / 255 - MEAN) / SPREAD
        tensor = self._torch.from_numpy(normalised.astype(np.float32).transpose(2, 0, 1)[None])
        return tensor.to(self._device)


def prompts(face: Face, height: int) -> NDArray[np.float32]:
    """Points (N, 2) that lie on the person: between the eyes, the nose, the mouth, and the chest where it is
    seen.
    """
    eyes, nose, mouth = face.five[:2].mean(0), face.five[2], face.five[3:].mean(0)
    # Down along the face itself, so that a tilted head still points at its own chest.
    chest = mouth + 2.0 * (mouth - eyes)
    points = [eyes, nose, mouth]
    if 0 <= chest[1] < height:
        points.append(chest)
    return np.asarray(points, dtype=np.float32)


def whole(masks: NDArray[np.float32], scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of SAM's three answers (part, subpart, whole) the largest that it believes in: (h, w) in 0..1.

    ``masks`` (3, h, w), ``scores`` (3,) its own estimates of their quality.
    """
    areas = (masks > 0.5).mean((1, 2))
    # An answer that takes nearly the whole picture is the scene, not a person.
    believed = (scores >= scores.max() - 0.2) & (areas < 0.95)
    if not believed.any():
        return np.asarray(masks[int(np.argmax(scores))])
    return np.asarray(masks[int(np.argmax(np.where(believed, areas, -1.0)))])


def grabcut(image: Pixels, face: Face) -> Pixels:
    """The matte by OpenCV's GrabCut, started from where a head and shoulders are expected around ``face``."""
    try:
        cv2 = import_module("cv2")
    except ImportError as fault:
        raise MissingExtraError("opencv-python", "insightface", "cutting out a person", fault) from None
    height, width = image.shape[:2]
    scale = min(1.0, GRABCUT_SIDE / max(height, width))
    columns, rows = max(8, round(width * scale)), max(8, round(height * scale))
    small = np.asarray(Image.fromarray(image).resize((columns, rows), Image.Resampling.BOX))
    guess = expected(face.box * scale, rows, columns)
    labels = np.where(guess > 0.9, cv2.GC_FGD, np.where(guess > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD)).astype(
        np.uint8
    )
    labels[guess < 0.05] = cv2.GC_BGD
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    if (labels == cv2.GC_BGD).any() and (labels == cv2.GC_FGD).any():
        cv2.setRNGSeed(0)
        cv2.grabCut(
            np.ascontiguousarray(small[..., ::-1]),
            labels,
            None,
            background,
            foreground,
            5,
            cv2.GC_INIT_WITH_MASK,
        )
    solid = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    soft = cv2.GaussianBlur(solid, (0, 0), 1.0)
    own = largest_region(soft, face.five * scale)
    return upsample(own, image, _stretch(columns / width, rows / height), 1)


def expected(box: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """How likely each pixel is the person's, (rows, columns) in 0..1, from the face's box alone.

    1 inside the face, above .5 in the head and the trunk below it, 0 far to the sides and above.
    """
    x0, y0, x1, y1 = (float(v) for v in box)
    wide, high = max(1.0, x1 - x0), max(1.0, y1 - y0)
    x = (np.arange(columns)[None, :] - (x0 + x1) / 2) / wide
    y = (np.arange(rows)[:, None] - (y0 + y1) / 2) / high
    face = (x / 0.42) ** 2 + (y / 0.45) ** 2 < 1
    head = (x / 0.75) ** 2 + ((y + 0.1) / 0.8) ** 2 < 1
    # Shoulders: a head's width at the chin, three of them one face below it.
    trunk = (y > 0.5) & (np.abs(x) < np.clip(0.35 + 1.3 * (y - 0.5), 0, 1.5))
    near = (np.abs(x) < np.where(y > 0.4, 2.4, 1.3)) & (y > -1.3)
    likely = np.where(face, 1.0, np.where(head | trunk, 0.7, np.where(near, 0.3, 0.0)))
    return np.broadcast_to(likely, (rows, columns)).astype(np.float32)


def _stretch(across: float, down: float) -> NDArray[np.float32]:
    """The (2, 3) matrix from a picture to a copy of it resized by these factors."""
    return np.array(
        [[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2]],
        dtype=np.float32,
    )
