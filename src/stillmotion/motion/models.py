"""A Wan checkpoint folder becomes a pipeline that is ready to sample: checked, loaded, placed.

The folders are diffusers' released layouts of Wan2.1-VACE, Wan2.2-TI2V-5B and Wan2.2-I2V-A14B. Components are
loaded one by one from the classes named below, never from what a file names, so a foreign or damaged folder
fails with the file's name before any memory is spent on it.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import diffusers
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast, UMT5EncoderModel

from stillmotion.errors import CheckpointError, InputError, OutOfMemoryError
from stillmotion.libraries import AGAIN, is_out_of_memory, one_line
from stillmotion.motion import placement, schedulers
from stillmotion.motion.loras import fuse
from stillmotion.motion.placement import Placement
from stillmotion.motion.vace import ZEROS, RememberingVACEPipeline
from stillmotion.presets import MotionPreset
from stillmotion.weights import check_folder, offline_environment

PIPELINES = {
    "vace": ("WanVACEPipeline",),
    "ti2v": ("WanPipeline", "WanImageToVideoPipeline"),
    "i2v": ("WanImageToVideoPipeline",),
}
"""What ``model_index.json`` may name; Wan2.2 TI2V-5B is released as a text-to-video pipeline."""
REMEMBERED_PROMPTS = 64


@dataclass
class MotionModels:
    """A loaded video model: what ``animate`` needs of it. Made by ``load``; used by one thread at a time.

    ``pipe`` is a diffusers pipeline whose text encoder may be absent between prompts (placement "release").
    A clip's sides are multiples of ``spatial``, its length is a multiple of ``temporal`` plus 1.
    """

    preset: MotionPreset
    folder: Path
    device: torch.device
    dtype: torch.dtype
    pipe: Any
    placement: Placement
    spatial: int
    temporal: int
    embeddings: dict[str, Tensor] = field(default_factory=dict)

    def embed(self, prompts: list[str]) -> list[Tensor]:
        """Each prompt's embedding, (1, max_sequence_length, text_dim); known texts are not encoded again.

        All texts of a clip are encoded together, before it is denoised, so that umT5-xxl (11 GB in bfloat16)
        need not lie in memory beside the transformer.
        """
        missing = [text for text in dict.fromkeys(prompts) if text not in self.embeddings]
        if missing:
            self._encode(missing)
        found = [self.embeddings[text] for text in prompts]
        while len(self.embeddings) > REMEMBERED_PROMPTS:
            self.embeddings.pop(next(iter(self.embeddings)))
        return found

    def _encode(self, prompts: list[str]) -> None:
        if self.pipe.text_encoder is None:
            self.pipe.text_encoder = load_text_encoder(self.folder, self.dtype).to(self.device)
        try:
            for text in prompts:
                embedding, _ = self.pipe.encode_prompt(
                    prompt=text,
                    do_classifier_free_guidance=False,
                    max_sequence_length=self.preset.max_sequence_length,
                    device=self.device,
                )
                self.embeddings[text] = embedding.detach()
        finally:
            self.settle()
            if self.placement.strategy == "release":
                self.pipe.text_encoder = None
                gc.collect()

    def settle(self) -> None:
        """Bring offloaded models back to the CPU and forget half-done work, also after an interrupt."""
        self.pipe.maybe_free_model_hooks()
        self.pipe.vae.clear_cache()


def load_folder(folder: Path, preset: MotionPreset, device: str) -> MotionModels:
    """Load the Wan checkpoint in ``folder`` for ``preset`` onto ``device`` ("cpu", "cuda" or "cuda:N").

    CPU: float32. CUDA: bfloat16, the VAE float32. Raises CheckpointError naming the damaged, missing or
    foreign file, InputError for a device that is not here, OutOfMemoryError where the weights do not fit.
    """
    offline_environment()
    if not folder.is_dir():
        raise CheckpointError(
            f"{folder}: not a folder; a video model is a diffusers folder with model_index.json"
        )
    index = _read_index(folder, preset.kind)
    check_folder(folder)
    target = _device(device)
    dtype = torch.float32 if target.type == "cpu" else torch.bfloat16
    configs = {name: _read_json(folder / name / "config.json") for name in ("vae", "transformer")}
    _check_configs(folder, preset.kind, index, configs)
    chosen = _place(folder, preset, target, dtype, configs)
    try:
        pipe = _assemble(folder, preset, index, dtype, text_encoder=chosen.strategy != "release")
        fuse(pipe, preset.loras)
        _move(pipe, target, chosen)
    except (MemoryError, RuntimeError) as fault:
        if not is_out_of_memory(fault):
            raise
        raise OutOfMemoryError(
            f"motion: the weights in {folder} do not fit into the memory of '{device}'; take a smaller preset"
        ) from None
    patch = int(configs["transformer"]["patch_size"][1])
    return MotionModels(
        preset=preset,
        folder=folder,
        device=target,
        dtype=dtype,
        pipe=pipe,
        placement=chosen,
        spatial=pipe.vae_scale_factor_spatial * patch,
        temporal=pipe.vae_scale_factor_temporal,
    )


def _device(name: str) -> torch.device:
    """The torch device of that name, if this machine has it."""
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError(f"device: '{name}' is unknown; take 'cpu' or 'cuda'") from None
    if device.type == "cuda" and (device.index or 0) < torch.cuda.device_count():
        return device
    if device.type == "cpu":
        return device
    raise InputError(f"device: '{name}' is not on this machine; take 'cpu'")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise CheckpointError(f"{path}: missing; the checkpoint is incomplete, {AGAIN}") from None
    except ValueError:
        raise CheckpointError(f"{path}: not valid JSON; {AGAIN}") from None
    if not isinstance(value, dict):
        raise CheckpointError(f"{path}: not a JSON object; {AGAIN}")
    return value


def _read_index(folder: Path, kind: str) -> dict[str, Any]:
    """``model_index.json``, of a pipeline that serves ``kind``, with every model that the kind needs."""
    path = folder / "model_index.json"
    index = _read_json(path)
    found = index.get("_class_name")
    if found not in PIPELINES[kind]:
        raise CheckpointError(
            f"{path}: is of {found!r}, not {PIPELINES[kind][0]}; give the folder of another model"
        )
    needed = {"tokenizer", "text_encoder", "vae", "scheduler", "transformer"}
    needed |= {"transformer_2"} if kind == "i2v" else set()
    for name in sorted(needed):
        if not index.get(name) or None in index[name]:
            raise CheckpointError(f"{path}: names no '{name}'; give the folder of another model")
    return index


def _check_configs(
    folder: Path, kind: str, index: dict[str, Any], configs: dict[str, dict[str, Any]]
) -> None:
    """The numbers by which the kinds differ; a mismatch would show as an error deep in the sampling."""
    transformer, vae = configs["transformer"], configs["vae"]
    path = folder / "transformer" / "config.json"
    latent, spatial = int(vae.get("z_dim", 16)), int(vae.get("scale_factor_spatial") or 8)
    wanted = {"vace": latent, "ti2v": latent, "i2v": 2 * latent + 4}[kind]
    if transformer.get("in_channels", 16) != wanted or transformer.get("image_dim") is not None:
        raise CheckpointError(
            f"{path}: takes {transformer.get('in_channels')} channels where this kind of model ('{kind}') "
            f"takes {wanted}, and no image embedding; give the folder of another model"
        )
    if kind == "vace" and transformer.get("vace_in_channels", 96) != 2 * latent + spatial**2:
        raise CheckpointError(f"{path}: vace_in_channels does not fit the VAE beside it; {AGAIN}")
    if kind == "ti2v" and not index.get("expand_timesteps"):
        raise CheckpointError(f"{folder / 'model_index.json'}: no 'expand_timesteps', so not Wan2.2 TI2V-5B")
    if kind == "i2v" and index.get("boundary_ratio") is None:
        raise CheckpointError(f"{folder / 'model_index.json'}: no 'boundary_ratio', so not Wan2.2 I2V-A14B")


def _place(
    folder: Path,
    preset: MotionPreset,
    device: torch.device,
    dtype: torch.dtype,
    configs: dict[str, dict[str, Any]],
) -> Placement:
    dtypes = dict.fromkeys(placement.MODELS, dtype) | {"vae": torch.float32}
    work = placement.activation_bytes(preset, configs["transformer"], configs["vae"], dtype.itemsize)
    sizes = placement.weight_bytes(folder, dtypes)
    return placement.decide(device, sizes, placement.free_bytes(device), *work)


def _assemble(
    folder: Path, preset: MotionPreset, index: dict[str, Any], dtype: torch.dtype, *, text_encoder: bool
) -> Any:
    """The pipeline with its components on the CPU."""
    vace = preset.kind == "vace"
    of_kind = diffusers.WanVACETransformer3DModel if vace else diffusers.WanTransformer3DModel
    parts: dict[str, Any] = {
        "tokenizer": _guarded(folder / "tokenizer", _load_tokenizer),
        "vae": _load_model(diffusers.AutoencoderKLWan, folder / "vae", torch.float32),
        "transformer": _load_model(of_kind, folder / "transformer", dtype),
        "transformer_2": None,
        "text_encoder": load_text_encoder(folder, dtype) if text_encoder else None,
        "boundary_ratio": preset.boundary_ratio or index.get("boundary_ratio"),
    }
    if preset.kind == "i2v":
        parts["transformer_2"] = _load_model(of_kind, folder / "transformer_2", dtype)
    config = _read_json(folder / "scheduler" / "scheduler_config.json")
    parts["scheduler"] = _guarded(
        folder / "scheduler", lambda _: schedulers.build(preset, config, str(config.get("_class_name")))
    )
    pipe: Any
    if vace:
        pipe = RememberingVACEPipeline(**parts)
        _guarded(folder / ZEROS, pipe.recall)
    else:
        image_to_video: Any = diffusers.WanImageToVideoPipeline
        pipe = image_to_video(**parts, expand_timesteps=bool(index.get("expand_timesteps")))
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _guarded(path: Path, load: Callable[[Path], Any]) -> Any:
    """What ``load`` makes of ``path``; whatever a library says against the files is told in one line."""
    try:
        return load(path)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError) as fault:
        if is_out_of_memory(fault):
            raise
        raise CheckpointError(f"{path}: cannot be loaded ({one_line(fault)}); {AGAIN}") from None


def _load_tokenizer(path: Path) -> Any:
    """umT5's tokenizer exactly as its tokenizer.json says.

    Not AutoTokenizer: transformers 5 answers with its own T5Tokenizer, which drops the file's normalizer and
    pre-tokenizer, so full-width letters and Chinese punctuation would get other ids than in training.
    """
    if not (path / "tokenizer.json").is_file():
        raise OSError("tokenizer.json is missing")
    return PreTrainedTokenizerFast.from_pretrained(path, local_files_only=True)


def _load_model(model_class: Any, path: Path, dtype: torch.dtype) -> Any:
    """A diffusers model from its folder; every tensor that it has must be there in its shape."""
    model, report = _guarded(
        path,
        lambda folder: model_class.from_pretrained(
            folder, torch_dtype=dtype, use_safetensors=True, local_files_only=True, output_loading_info=True
        ),
    )
    _check_report(path, report)
    return model.eval().requires_grad_(False)


def load_text_encoder(folder: Path, dtype: torch.dtype) -> Any:
    """The umT5 encoder of a checkpoint folder, on the CPU."""
    path = folder / "text_encoder"
    model, report = _guarded(
        path,
        lambda source: UMT5EncoderModel.from_pretrained(
            source, dtype=dtype, use_safetensors=True, local_files_only=True, output_loading_info=True
        ),
    )
    _check_report(path, report)
    return model.eval().requires_grad_(False)


def _check_report(path: Path, report: dict[str, Any]) -> None:
    """CheckpointError naming a tensor that was not in the files, or had another shape."""
    for key, words in (
        ("missing_keys", "is missing"),
        ("mismatched_keys", "has another shape than the config says"),
    ):
        found = sorted(
            str(entry[0] if isinstance(entry, tuple) else entry) for entry in report.get(key) or ()
        )
        if found:
            raise CheckpointError(
                f"{path}: tensor '{found[0]}' {words}; these weights belong to another model"
            )


def _move(pipe: Any, device: torch.device, chosen: Placement) -> None:
    """Bring the models to where ``chosen`` wants them."""
    if chosen.tiling:
        pipe.vae.enable_tiling()
    if chosen.strategy in ("resident", "release"):
        pipe.to(device)
    elif chosen.strategy == "offload":
        pipe.enable_model_cpu_offload(device=device)
    else:
        _stream(pipe, device)


def _stream(pipe: Any, device: torch.device) -> None:
    """Large models stay in CPU memory and pass through the GPU layer by layer, copied ahead."""
    from diffusers.hooks.group_offloading import apply_group_offloading

    for name in ("text_encoder", "transformer", "transformer_2"):
        model = getattr(pipe, name, None)
        if model is not None:
            apply_group_offloading(
                model,
                onload_device=device,
                offload_type="leaf_level",
                use_stream=True,
                low_cpu_mem_usage=True,
            )
    pipe.vae.to(device)
