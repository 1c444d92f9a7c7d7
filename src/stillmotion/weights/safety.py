"""What a checkpoint may hold before a loader opens it: safetensors and JSON, known classes, whole files.
Standard library.

Nothing here loads a model. ``check_folder`` is called by every room that loads weights, embedded or
downloaded or the user's own: pickles cannot load, no class outside the lists below is named, no code comes
with the weights, and a cut or flipped safetensors header is found before gigabytes are read. Format:
https://huggingface.co/docs/safetensors.
"""

from __future__ import annotations

import json
import os
from math import prod
from pathlib import Path
from typing import Any

from stillmotion.errors import CheckpointError

PICKLES = (
    ".bin",
    ".pt",
    ".pth",
    ".ckpt",
    ".pkl",
    ".pickle",
    ".joblib",
    ".npy",
    ".npz",
    ".h5",
    ".msgpack",
    ".dill",
)
CODE = (".py", ".pyc", ".so", ".dll", ".dylib", ".sh", ".exe")
LARGEST_JSON = 64 * 2**20
LARGEST_HEADER = 100_000_000
"""Bytes; the safetensors format's own limit."""
DEEPEST = 4
"""Folders below the checkpoint's own that are looked into; released ones have one level."""

PIPELINES = {
    "StableDiffusionXLPipeline",
    "StableDiffusionXLImg2ImgPipeline",
    "WanPipeline",
    "WanImageToVideoPipeline",
    "WanVACEPipeline",
}
COMPONENTS = {
    "diffusers": {
        "AutoencoderKL",
        "AutoencoderKLWan",
        "DDIMScheduler",
        "DPMSolverMultistepScheduler",
        "DPMSolverSDEScheduler",
        "DPMSolverSinglestepScheduler",
        "EulerAncestralDiscreteScheduler",
        "EulerDiscreteScheduler",
        "FlowMatchEulerDiscreteScheduler",
        "HeunDiscreteScheduler",
        "LCMScheduler",
        "LMSDiscreteScheduler",
        "PNDMScheduler",
        "UNet2DConditionModel",
        "UniPCMultistepScheduler",
        "WanTransformer3DModel",
        "WanVACETransformer3DModel",
    },
    "transformers": {
        "CLIPImageProcessor",
        "CLIPImageProcessorFast",
        "CLIPImageProcessorPil",
        "CLIPTextModel",
        "CLIPTextModelWithProjection",
        "CLIPTokenizer",
        "CLIPTokenizerFast",
        "CLIPVisionModel",
        "CLIPVisionModelWithProjection",
        "PreTrainedTokenizerFast",
        "T5Tokenizer",
        "T5TokenizerFast",
        "TokenizersBackend",
        "UMT5EncoderModel",
    },
}
BITS = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 16),
    **dict.fromkeys(("I32", "U32", "F32"), 32),
    **dict.fromkeys(("I64", "U64", "F64", "C64"), 64),
    **{"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6},
}
"""Bits of one element of each safetensors dtype."""


def check_folder(path: Path) -> None:
    """Refuse a checkpoint folder (or single file) that a loader must not open; CheckpointError naming the
    file.

    Every JSON and safetensors file is checked, a shard named by an index must be there, and each component
    that ``model_index.json`` names must be of a known class and in its folder. Pickles that lie beside
    safetensors are left alone, since loaders here pass ``use_safetensors=True``; pickles alone are refused.
    Reads headers, not tensors.
    """
    if path.is_file():
        check_file(path)
        return
    if not path.is_dir():
        raise CheckpointError(f"{path}: there is no such checkpoint; give a folder, or a .safetensors file")
    _check_level(path, depth=0)
    index = path / "model_index.json"
    if index.is_file():
        _check_model_index(index)


def check_file(path: Path) -> None:
    """Refuse one file: pickle, code, broken JSON, foreign code named in JSON, or a broken safetensors
    header.
    """
    suffix = path.suffix.lower()
    if not path.is_file():
        raise CheckpointError(f"{path}: there is no such file")
    if suffix in PICKLES:
        raise CheckpointError(f"{path}: may hold code, so it is never loaded; convert it to .safetensors")
    if suffix in CODE:
        raise CheckpointError(f"{path}: code does not belong into a checkpoint and is never run; remove it")
    if suffix == ".safetensors":
        _check_safetensors(path)
    elif suffix == ".json":
        _check_json(path)


def _check_level(folder: Path, depth: int) -> None:
    """Check the files of one folder and of those below it."""
    if depth > DEEPEST:
        raise CheckpointError(f"{folder}: folders nested deeper than any known checkpoint; remove it")
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise CheckpointError(f"{folder}: cannot be read ({error.strerror})") from None
    has_safetensors = any(entry.suffix.lower() == ".safetensors" for entry in entries)
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            _check_level(entry, depth + 1)
        elif not (has_safetensors and entry.suffix.lower() in PICKLES):
            check_file(entry)


def _read_json(path: Path) -> Any:
    """A JSON file's value, bounded in size."""
    size = path.stat().st_size
    if size > LARGEST_JSON:
        raise CheckpointError(
            f"{path}: {size} bytes of JSON, more than any known checkpoint has ({LARGEST_JSON})"
        )
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise CheckpointError(
            f"{path}: not valid JSON; the file is damaged, fetch or copy it again"
        ) from None
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from None


def _check_json(path: Path) -> None:
    """JSON must parse and must not redirect a loader to code or to weights elsewhere."""
    if path.name == "adapter_config.json":
        raise CheckpointError(
            f"{path}: points a loader to another model's weights; remove it or merge the adapter"
        )
    value = _read_json(path)
    if not isinstance(value, dict):
        return
    for key in ("auto_map", "custom_pipelines", "trust_remote_code"):
        if value.get(key):
            raise CheckpointError(
                f"{path}: '{key}' asks for code that comes with the weights, which is never run"
            )
    name = value.get("_class_name")
    known = {name for classes in COMPONENTS.values() for name in classes} | PIPELINES
    if name is not None and (not isinstance(name, str) or name not in known):
        raise CheckpointError(f"{path}: class {name!r} is not one that stillmotion loads")
    if path.name.endswith(".safetensors.index.json"):
        _check_shards(path, value)


def _check_shards(path: Path, index: dict[str, Any]) -> None:
    """Every shard of an index is a plain name of a file beside it."""
    shards = index.get("weight_map")
    if not isinstance(shards, dict) or not shards:
        raise CheckpointError(f"{path}: names no shards; the file is damaged, fetch or copy it again")
    for shard in set(map(str, shards.values())):
        if shard != os.path.basename(shard) or "\\" in shard or not shard.endswith(".safetensors"):
            raise CheckpointError(f"{path}: names {shard!r}, which is not a safetensors file beside it")
        if not (path.parent / shard).is_file():
            raise CheckpointError(
                f"{path.parent / shard}: missing, but named in {path.name}; fetch or copy it again"
            )


def _check_model_index(path: Path) -> None:
    """Each component is of a known class, its folder is there, and a model has its weights in safetensors."""
    index = _read_json(path)
    if not isinstance(index, dict) or index.get("_class_name") not in PIPELINES:
        found = index.get("_class_name") if isinstance(index, dict) else index
        raise CheckpointError(f"{path}: {found!r} is not a pipeline that stillmotion loads")
    for name, value in index.items():
        if not isinstance(value, list) or value == [None, None]:
            continue
        library, class_name = (*value, None, None)[:2]
        allowed = COMPONENTS.get(library, set()) if isinstance(library, str) else set()
        if len(value) != 2 or not isinstance(class_name, str) or class_name not in allowed:
            raise CheckpointError(
                f"{path}: '{name}' is of {value!r}, which is not a class that stillmotion loads"
            )
        folder = path.parent / name
        if name != os.path.basename(name) or not folder.is_dir():
            raise CheckpointError(
                f"{folder}: missing, but named in {path.name}; the checkpoint is incomplete"
            )
        is_model = "Model" in class_name or class_name.startswith("Autoencoder")
        if is_model and not any(folder.glob("*.safetensors")):
            raise CheckpointError(f"{folder}: no .safetensors weights in it; the checkpoint is incomplete")


def _check_safetensors(path: Path) -> None:
    """The header must parse and describe exactly the bytes that follow it: no hole, no overlap, nothing
    after.
    """
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 10 or length > min(size - 8, LARGEST_HEADER):
                raise CheckpointError(f"{path}: not a safetensors file, or cut off; fetch or copy it again")
            header = json.loads(file.read(length))
            tensors = {name: value for name, value in header.items() if name != "__metadata__"}
            spans = sorted(_span(path, name, value) for name, value in tensors.items())
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, AttributeError, RecursionError):
        raise CheckpointError(f"{path}: its safetensors header is damaged; fetch or copy it again") from None
    end = 0
    for begin, after, name in spans:
        if begin != end:
            raise CheckpointError(
                f"{path}: tensor {name!r} overlaps another or leaves a hole; the file is damaged"
            )
        end = after
    if end != size - 8 - length:
        raise CheckpointError(
            f"{path}: holds {size - 8 - length} bytes of tensors where its header says {end}; "
            "it is cut off or damaged, fetch or copy it again"
        )


def _span(path: Path, name: str, value: Any) -> tuple[int, int, str]:
    """(begin, end, name) of one tensor's bytes, which must be as many as its dtype and shape say."""
    try:
        begin, end = value["data_offsets"]
        shape, bits = value["shape"], BITS[value["dtype"]]
        numbers = [begin, end, *shape]
        whole = all(type(number) is int and 0 <= number < 2**63 for number in numbers)
        fits = whole and len(shape) <= 16 and (end - begin) * 8 == prod(shape) * bits
    except (KeyError, TypeError, ValueError):
        fits = False
    if not fits:
        raise CheckpointError(
            f"{path}: the header's entry of tensor {name[:80]!r} is damaged; fetch or copy it again"
        )
    return begin, end, name
