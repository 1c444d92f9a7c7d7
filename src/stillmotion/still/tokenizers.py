"""CLIP's tokenizers of an SDXL checkpoint, and the count of a prompt's tokens before any model is loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stillmotion.errors import CheckpointError, MissingWeightsError
from stillmotion.libraries import AGAIN, one_line, quiet
from stillmotion.presets import StillPreset
from stillmotion.still.words import count_tokens
from stillmotion.weights import locate


class _Plain:
    """A ``tokenizer.json`` run by the tokenizers library alone: importing transformers takes a second."""

    def __init__(self, path: Path) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(path))

    def __call__(self, words: list[str], add_special_tokens: bool) -> Any:
        """As transformers' tokenizers are called: an object whose ``input_ids`` are a list for every word."""
        found = self._tokenizer.encode_batch(words, add_special_tokens=add_special_tokens)
        return _Encoding([each.ids for each in found])


@dataclass(frozen=True)
class _Encoding:
    input_ids: list[list[int]]


def token_counter(preset: StillPreset) -> Callable[[str], int] | None:
    """``StillModels.count_tokens`` without loading a model; None where the checkpoint is not on this
    machine.
    """
    try:
        path = locate(preset.checkpoint)
    except MissingWeightsError:
        return None
    file = single_file_in(path)
    plain = (file.parent if file else path) / "tokenizer" / "tokenizer.json"
    if plain.is_file():
        try:
            tokenizer = _Plain(plain)
        except Exception as fault:  # the tokenizers library raises bare Exceptions
            raise CheckpointError(f"{plain}: no tokenizer ({one_line(fault)}); {AGAIN}") from None
    else:
        tokenizer, _ = load_tokenizers(path)
    return lambda prompt: count_tokens(prompt, tokenizer)


def load_tokenizers(path: Path) -> tuple[Any, Any]:
    """The two CLIP tokenizers of a checkpoint; a missing second one is the first, padded with "!" as SDXL's
    is.
    """
    file = single_file_in(path)
    folder = file.parent if file else path
    first = _tokenizer(folder / "tokenizer")
    if (folder / "tokenizer_2").is_dir():
        return first, _tokenizer(folder / "tokenizer_2")
    return first, _tokenizer(folder / "tokenizer", pad_token="!")


def single_file_in(path: Path) -> Path | None:
    """The checkpoint's one file, also where ``path`` is the folder that holds it; None for a diffusers
    folder.
    """
    if path.is_file():
        return path
    files = sorted(path.glob("*.safetensors"))
    if (path / "model_index.json").exists() or len(files) != 1:
        return None
    return files[0]


def _tokenizer(folder: Path, **options: Any) -> Any:
    """A CLIP tokenizer from its own files."""
    if not any((folder / name).is_file() for name in ("vocab.json", "tokenizer.json")):
        raise CheckpointError(
            f"{folder}: the CLIP tokenizer (vocab.json, merges.txt) is missing; put SDXL's own there, "
            "it is the 'tokenizer' folder of every SDXL repository"
        )
    try:
        with quiet("transformers"):
            from transformers import CLIPTokenizer

            return CLIPTokenizer.from_pretrained(folder, local_files_only=True, **options)
    except Exception as fault:  # the libraries raise nearly anything for a file they do not understand
        raise CheckpointError(f"{folder}: no CLIP tokenizer ({one_line(fault)}); {AGAIN}") from None
