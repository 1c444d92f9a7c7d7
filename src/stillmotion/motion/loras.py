"""Few-step LoRAs, merged into the transformers at loading: no cost per step, nothing to switch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stillmotion.errors import CheckpointError
from stillmotion.libraries import AGAIN, one_line
from stillmotion.parts import Source
from stillmotion.weights import check_file, locate


def fuse(pipe: Any, sources: Sequence[Source]) -> None:
    """Merge each LoRA into its transformer: in order into ``transformer`` and ``transformer_2`` where there
    are two.

    CheckpointError naming the file that is damaged or made for another model.
    """
    if not sources:
        return
    both = pipe.transformer_2 is not None
    if both and len(sources) != 2:
        raise ValueError(f"two transformers need two LoRAs (high noise, low noise), not {len(sources)}")
    for index, source in enumerate(sources):
        path = _file_of(locate(source))
        _merge(pipe, path, "transformer_2" if both and index == 1 else "transformer")


def _file_of(path: Path) -> Path:
    """The one safetensors file that ``path`` is or holds."""
    if path.is_dir():
        files = sorted(path.glob("*.safetensors"))
        if len(files) != 1:
            raise CheckpointError(
                f"{path}: holds {len(files)} safetensors files where one LoRA should be; {AGAIN}"
            )
        path = files[0]
    check_file(path)
    return path


def _merge(pipe: Any, path: Path, component: str) -> None:
    """Load, fuse and forget one LoRA file."""
    from safetensors.torch import load_file

    name = "few_step"
    try:
        pipe.load_lora_weights(
            load_file(path), adapter_name=name, load_into_transformer_2=component == "transformer_2"
        )
        if name not in pipe.get_list_adapters().get(component, []):
            raise ValueError("none of its tensors fits this model")
        pipe.fuse_lora(components=[component], adapter_names=[name])
    except (OSError, ValueError, KeyError, RuntimeError, AttributeError) as fault:
        raise CheckpointError(
            f"{path}: not a LoRA for this video model ({one_line(fault)}); {AGAIN}"
        ) from None
    pipe.unload_lora_weights()
