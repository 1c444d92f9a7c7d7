"""clipscore and clipscore_consisid: how well the picture follows the prompt, by CLIP ViT-B/32.

Recipe: ConsisID's eval/get_clipscore.py (PKU-YuanGroup/ConsisID): 16 frames at int(i * N / 16), the prompt
cut at 77 tokens, 100 * cosine, mean over the frames. That code hands the frames to CLIP as OpenCV reads
them, blue first: ``clipscore_consisid`` does so too, ``clipscore`` gives CLIP the colours it was trained on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from stillmotion.evaluate.networks import load_pretrained
from stillmotion.evaluate.pixels import clip_pictures
from stillmotion.evaluate.types import Measured, Sample
from stillmotion.evaluate.weights import judge_file

FRAMES = 16
TOKENS = 77


@dataclass(eq=False)
class ClipScore:
    """``model`` is transformers' CLIPModel, ``tokenizer`` its CLIPTokenizer."""

    model: Any
    tokenizer: Any
    device: str
    metrics: tuple[str, ...] = ("clipscore", "clipscore_consisid")

    @torch.inference_mode()
    def measure(self, sample: Sample) -> Measured:
        """100 * cosine of each judged frame and the user's prompt, in 0..100 for what CLIP was trained on."""
        chosen = sample.frames[frame_indices(len(sample.frames))]
        text = self._text(sample.prompt)
        scores = [self._scores(frames, text) for frames in (chosen, chosen[..., ::-1])]
        return Measured(
            values={metric: float(np.mean(row)) for metric, row in zip(self.metrics, scores, strict=True)},
            curves=dict(zip(self.metrics, scores, strict=True)),
        )

    def _text(self, prompt: str) -> Tensor:
        """(1, D) unit vector of a prompt."""
        tokens = self.tokenizer(prompt, truncation=True, max_length=TOKENS, return_tensors="pt")
        found = self.model.text_model(
            input_ids=tokens["input_ids"].to(self.device),
            attention_mask=tokens["attention_mask"].to(self.device),
        )
        return functional.normalize(self.model.text_projection(found.pooler_output), dim=-1)

    def _scores(self, frames: Any, text: Tensor) -> tuple[float, ...]:
        """100 * cosine of each frame and the text."""
        pictures = clip_pictures(frames, self.model.config.vision_config.image_size).to(self.device)
        seen = self.model.visual_projection(self.model.vision_model(pictures).pooler_output)
        return tuple((100 * functional.normalize(seen, dim=-1) @ text.T)[:, 0].tolist())


def frame_indices(count: int) -> list[int]:
    """The 16 judged frames of ``count``; short videos show some of them more than once."""
    return [int(index * count / FRAMES) for index in range(FRAMES)]


def load(device: str) -> ClipScore:
    """The judge with OpenAI's weights; NotComputed where they are not on this machine."""
    return from_folder(judge_file("clip-vit-base-patch32"), device)


def from_folder(folder: Path, device: str) -> ClipScore:
    """The judge with the CLIP model and tokenizer of a transformers folder."""
    from transformers import CLIPModel, CLIPTokenizer

    model = load_pretrained(CLIPModel, folder, device)
    return ClipScore(model, load_pretrained(CLIPTokenizer, folder), device)
