"""Wan2.1-VACE: a clip from the frames that are known, the reference image besides, and words.

Layout, as VACE's first-frame and extension tasks have it: the control video is the known frames, then
mid-grey; the mask is 0 (keep) on the known frames, then 1 (generate). Mid-grey is 127.5 of 255, exactly 0
where the VAE's input runs from -1 to 1, so the stream of what is to be generated is all zeros and the stream
of what is kept is known frames and zeros. Reference only (r2v): no control video, all is generated.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import diffusers
import numpy as np
import torch
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from diffusers.models.modeling_outputs import AutoencoderKLOutput
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from stillmotion.files import replacing

if TYPE_CHECKING:
    from PIL.Image import Image

MID_GREY = 0.5
ZEROS = "zeros.safetensors"
"""Where in a checkpoint's folder the encoding of zeros may lie."""
_Pipeline: Any = diffusers.WanVACEPipeline


class RememberingVACEPipeline(_Pipeline):  # type: ignore[misc]
    """diffusers' pipeline, which encodes a video of zeros for each clip, with the memory of having done so.

    The encoding of zeros depends on the size alone, and as the VAE is causal and works in chunks of four
    frames, a shorter video's is the beginning of a longer one's, bit for bit. So the second and later parts
    of a clip encode one video instead of two, and r2v, where both streams are zeros, encodes one instead of
    two at the first part already. A checkpoint can bring the encoding along (``recall``): mini's does, since
    on a CPU it costs a tenth of the video.
    """

    def __init__(
        self,
        tokenizer: Any,
        text_encoder: Any,
        vae: Any,
        scheduler: Any,
        transformer: Any = None,
        transformer_2: Any = None,
        boundary_ratio: float | None = None,
    ) -> None:
        super().__init__(tokenizer, text_encoder, vae, scheduler, transformer, transformer_2, boundary_ratio)
        # The pipeline takes 2 ** len(temperal_downsample), wrong for a VAE that patches its pixels first.
        self.vae_scale_factor_spatial = self.vae.config.scale_factor_spatial
        self.vae_scale_factor_temporal = self.vae.config.scale_factor_temporal
        self.video_processor.register_to_config(vae_scale_factor=self.vae_scale_factor_spatial)
        self.zeros: dict[tuple[int, int], Tensor] = {}

    def recall(self, path: Path) -> None:
        """Take over an encoding of zeros that `remember` wrote; nothing where there is no such file.

        ValueError where it is not of this VAE's shape.
        """
        if not path.is_file():
            return
        known = load_file(path).get("parameters")
        if known is None or known.ndim != 5 or known.shape[:2] != (1, 2 * self.vae.config.z_dim):
            raise ValueError("holds no encoding of zeros by the VAE beside it")
        height, width = (side * self.vae_scale_factor_spatial for side in known.shape[3:])
        self.zeros = {(height, width): known.to(self.vae.dtype)}

    @torch.no_grad()
    def remember(self, path: Path, num_frames: int, width: int, height: int) -> None:
        """Write the encoding of ``num_frames`` frames of zeros of that size for `recall`, whole or not at
        all.
        """
        known = self._encoded_zeros(torch.zeros(1, 3, num_frames, height, width), self.vae.encode)
        with replacing(path) as part:
            save_file({"parameters": known.latent_dist.parameters.float().contiguous()}, part)

    def prepare_video_latents(self, *args: Any, **kwargs: Any) -> Tensor:
        """As the pipeline's, except that zeros are encoded once per size."""
        encode: Callable[[Tensor], AutoencoderKLOutput] = self.vae.encode

        def remembering(video: Tensor) -> AutoencoderKLOutput:
            if video.shape[2] == 1 or bool(video.any()):
                return encode(video)
            return self._encoded_zeros(video, encode)

        self.vae.encode = remembering
        try:
            latents: Tensor = super().prepare_video_latents(*args, **kwargs)
        finally:
            del self.vae.encode
        return latents

    def _encoded_zeros(
        self, video: Tensor, encode: Callable[[Tensor], AutoencoderKLOutput]
    ) -> AutoencoderKLOutput:
        key = (video.shape[3], video.shape[4])
        length = (video.shape[2] - 1) // self.vae_scale_factor_temporal + 1
        known = self.zeros.get(key)
        if known is None or known.shape[2] < length or known.device != video.device:
            known = encode(video).latent_dist.parameters
            self.zeros = {key: known}
        return AutoencoderKLOutput(latent_dist=DiagonalGaussianDistribution(known[:, :, :length]))


def control(
    known: NDArray[np.uint8], num_frames: int, width: int, height: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Control video (1, T, H, W, 3) and mask (1, T, H, W, 1), both in 0..1; ``known`` begins it."""
    video = np.full((1, num_frames, height, width, 3), MID_GREY, np.float32)
    mask = np.ones((1, num_frames, height, width, 1), np.float32)
    video[0, : len(known)] = known.astype(np.float32) / 255
    mask[0, : len(known)] = 0
    return video, mask


def sample(
    pipe: Any,
    known: NDArray[np.uint8] | None,
    reference: Image | None,
    *,
    width: int,
    height: int,
    num_frames: int,
    conditioning_scale: float,
    **sampling: Any,
) -> NDArray[np.float32]:
    """``num_frames`` frames (T, H, W, 3) in 0..1. ``known`` (K, H, W, 3) uint8 begin the clip; None is r2v.

    ``reference``: RGB of the clip's size, the person on white. ``sampling``: the pipeline's own arguments.
    """
    video, mask = (None, None) if known is None else control(known, num_frames, width, height)
    result = pipe(
        video=video,
        mask=mask,
        reference_images=None if reference is None else [reference],
        conditioning_scale=conditioning_scale,
        width=width,
        height=height,
        num_frames=num_frames,
        output_type="np",
        **sampling,
    )
    frames: NDArray[np.float32] = result.frames[0]
    return frames
