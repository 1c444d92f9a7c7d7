"""Wan2.2 TI2V-5B and I2V-A14B: a clip from its first frame and words; they take no reference image.

TI2V-5B holds the first latent frame fixed and gives every token its own timestep; A14B appends the encoded
first frame and its mask to the latents, and hands over from the high-noise to the low-noise transformer at
the boundary.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def sample(
    pipe: Any, first: NDArray[np.uint8], *, guidance_scale_2: float | None, **sampling: Any
) -> NDArray[np.float32]:
    """The clip's frames (T, H, W, 3) in 0..1, beginning with ``first`` (H, W, 3) uint8 of the clip's size.

    ``guidance_scale_2`` is for the low-noise transformer and left out where there is none. ``sampling``: the
    pipeline's own arguments.
    """
    from PIL import Image

    two_stages = pipe.config.boundary_ratio is not None
    result = pipe(
        image=Image.fromarray(first),
        guidance_scale_2=guidance_scale_2 if two_stages else None,
        output_type="np",
        **sampling,
    )
    frames: NDArray[np.float32] = result.frames[0]
    return frames
