"""A writer on this machine: a chat model through transformers, Qwen3-8B unless another is named.

Local files only, safetensors only, no code from the checkpoint. The model is loaded when first asked and
let go after the work, because the two stages need its memory.
"""

from __future__ import annotations

import gc
from pathlib import Path
from types import TracebackType
from typing import Any

from stillmotion.errors import CheckpointError, MissingWeightsError
from stillmotion.prompts.answers import BadAnswer
from stillmotion.prompts.language import MAX_NEW_TOKENS, TEMPERATURE, TOP_P, Messages, write_with
from stillmotion.prompts.writers import DEFAULT_MODEL, Brief, Written


class TransformersWriter:
    """`model` is a folder or a Hub id whose files are on this machine; `revision` picks one commit of the
    Hub's cache.

    As a context manager it keeps the model loaded for many prompts; without, each `write` loads and
    releases it.
    """

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        revision: str | None = None,
        device: str | None = None,
        max_new_tokens: int = MAX_NEW_TOKENS,
    ) -> None:
        self._source, self._revision, self._device = model, revision, device
        self._max_new_tokens = max_new_tokens
        self._loaded: tuple[Any, Any] | None = None

    @property
    def name(self) -> str:
        """For instance "transformers:MODEL", with "@REVISION" where one was asked for."""
        return f"transformers:{self._source}" + (f"@{self._revision}" if self._revision else "")

    def __enter__(self) -> TransformersWriter:
        self._loaded = self._loaded or self._load()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def write(self, brief: Brief) -> Written:
        """Both prompts from the model, or by rules where its answers are unusable.

        Raises `MissingWeightsError` or `CheckpointError` when the model is not here or cannot be loaded.
        """
        keep = self._loaded is not None
        try:
            self._loaded = self._loaded or self._load()
            return write_with(self._ask, brief)
        finally:
            if not keep:
                self.release()

    def release(self) -> None:
        """Let the model go and hand its memory back."""
        self._loaded = None
        gc.collect()
        import torch

        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _location(self) -> tuple[str, str | None]:
        """What to load from: a folder of the user's, a downloaded part, or a commit in the Hub's cache."""
        from stillmotion.weights import check_folder, find_repository

        folder = Path(self._source)
        if not folder.is_dir():
            try:
                folder = find_repository(self._source)
            except MissingWeightsError:
                if self._revision is None:
                    raise
                return self._source, self._revision
        check_folder(folder)
        return str(folder), None

    def _load(self) -> tuple[Any, Any]:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        from stillmotion.weights import offline_environment

        location, revision = self._location()
        offline_environment()
        common: dict[str, Any] = {
            "revision": revision or "main",
            "local_files_only": True,
            "trust_remote_code": False,
        }
        try:
            tokenizer = AutoTokenizer.from_pretrained(location, **common)
            model: Any = AutoModelForCausalLM.from_pretrained(
                location, use_safetensors=True, dtype="auto", **common
            )
        except torch.OutOfMemoryError:
            raise
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            first = (str(error).splitlines() or [type(error).__name__])[0][:200]
            raise CheckpointError(
                f"{self.name}: cannot be loaded ({first}); give another model or --writer rules"
            ) from None
        if tokenizer.chat_template is None:
            raise CheckpointError(f"{self.name}: has no chat template; give a chat model or --writer rules")
        device = self._device or ("cuda" if torch.cuda.is_available() else "cpu")
        return tokenizer, model.to(device).eval()

    def _ask(self, messages: Messages) -> object:
        import torch

        assert self._loaded is not None
        tokenizer, model = self._loaded
        inputs = tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, enable_thinking=False, return_dict=True, return_tensors="pt"
        ).to(model.device)
        devices = [model.device] if model.device.type == "cuda" else []
        with torch.inference_mode(), torch.random.fork_rng(devices=devices):
            torch.manual_seed(0)  # the same prompt gives the same plan
            try:
                output = model.generate(
                    **inputs,
                    max_new_tokens=self._max_new_tokens,
                    do_sample=True,
                    temperature=TEMPERATURE,
                    top_p=TOP_P,
                )
            except torch.OutOfMemoryError:
                raise
            except (RuntimeError, ValueError, IndexError) as error:
                raise BadAnswer(f"generating failed ({type(error).__name__})") from None
        return tokenizer.decode(output[0][inputs["input_ids"].shape[1] :], skip_special_tokens=True)
