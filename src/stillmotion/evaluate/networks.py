"""The judges' models that come as transformers folders, loaded frozen in float32 (single files: `tensors`).

No pickle, no code of a checkpoint, no network. What does not fit is one line that names the folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stillmotion.evaluate.types import NotComputed
from stillmotion.evaluate.weights import AGAIN
from stillmotion.libraries import one_line, quiet
from stillmotion.weights import offline_environment


def load_pretrained(kind: Any, folder: Path, device: str | None = None, **options: Any) -> Any:
    """``kind.from_pretrained`` of a local folder; with ``device`` it is a model, else a tokenizer.

    Raises NotComputed where the folder holds something else or lacks a tensor of the model.
    """
    offline_environment()
    if device is not None:
        options |= {"use_safetensors": True, "output_loading_info": True, "dtype": "float32"}
    try:
        with quiet("transformers"):
            found = kind.from_pretrained(folder, local_files_only=True, **options)
    except MemoryError:
        raise
    except Exception as fault:  # a foreign folder makes transformers raise nearly anything
        raise NotComputed(f"{folder}: not a {kind.__name__} ({one_line(fault, 120)}); {AGAIN}") from None
    if device is None:
        return found
    model, report = found
    if report["missing_keys"]:
        raise NotComputed(f"{folder}: tensor '{min(report['missing_keys'])}' is missing; {AGAIN}")
    return model.eval().requires_grad_(False).to(device)
