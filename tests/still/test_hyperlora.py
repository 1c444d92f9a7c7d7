"""The HyperLoRA port: agreement with the published tensors, the trainable half, and every damaged folder."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from stillmotion.errors import CheckpointError
from stillmotion.still.hyperlora import HyperLoRA, HyperLoRAConfig

REFERENCE = Path(__file__).parents[1] / "data" / "hyperlora_reference"
TINY = HyperLoRAConfig(
    hyper_dim=6,
    lora_rank=4,
    width=16,
    depth=2,
    heads=2,
    dim_head=4,
    ff_mult=2,
    clip_dim=32,
    id_embed_dim=10,
    num_id_tokens=3,
)
MODULES = {
    "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1": {
        "hidden_size": 8,
        "cross_attention_dim": None,
    },
    "lora_unet_middle_block_1_transformer_blocks_0_attn2": {"hidden_size": 12, "cross_attention_dim": 5},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(REFERENCE, tmp_path / "hyperlora"))


def fresh(base: bool = False) -> HyperLoRA:
    torch.manual_seed(0)
    config = HyperLoRAConfig(**{**TINY.__dict__, "has_base_lora": base})
    model = HyperLoRA.from_config(MODULES, config)
    for name, parameter in model.named_parameters():
        if "up_basis" in name:
            torch.nn.init.normal_(parameter)
    return model


def test_agrees_with_the_reference_tensors() -> None:
    inputs = load_file(REFERENCE / "inputs.safetensors")
    expected = load_file(REFERENCE / "expected_id_lora.safetensors")
    lora = HyperLoRA.from_folder(REFERENCE).id_lora(inputs["pixel_values"], inputs["id_embeds"])
    assert lora.keys() == expected.keys()
    for name, value in expected.items():
        assert lora[name].shape == value.shape
        torch.testing.assert_close(lora[name], value, atol=1e-5, rtol=0)


def test_the_state_dict_is_the_files(tmp_path: Path) -> None:
    model = HyperLoRA.from_folder(REFERENCE)
    model.save(tmp_path)
    stems = ["hyper_lora_modules", "resampler", "id_projector"]
    state = {k: v for k, v in model.state_dict().items() if not k.startswith("image_encoder.")}
    files = {f"{s}.{k}": v for s in stems for k, v in load_file(REFERENCE / f"{s}.safetensors").items()}
    assert state.keys() == files.keys()
    for stem in stems:
        written, original = (load_file(where / f"{stem}.safetensors") for where in (tmp_path, REFERENCE))
        assert written.keys() == original.keys()
        assert all(torch.equal(written[name], original[name]) for name in original)
    for name in ("hyper_lora_modules.json", "config.json"):
        assert json.loads((tmp_path / name).read_text()) == json.loads((REFERENCE / name).read_text())
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["config.json", "hyper_lora_modules.json", *(f"{stem}.safetensors" for stem in stems)]
    )


def test_a_fresh_one_changes_nothing_and_learns_from_the_first_step() -> None:
    torch.manual_seed(0)
    model = HyperLoRA.from_config(MODULES, TINY)
    tokens, faces = torch.randn(3, 7, 32), F.normalize(torch.randn(3, 1, 10), dim=-1)
    weights = model.weights(tokens, faces)
    assert all(not bool((up @ down).any()) for down, up in weights.values())
    sum((up @ down).sum() for down, up in weights.values()).backward()  # type: ignore[union-attr]
    for bases in model.hyper_lora_modules:
        assert all(bool(each.id_up_basis.grad.any()) for each in bases.values())  # type: ignore[operator]
    assert weights["lora_unet_middle_block_1_transformer_blocks_0_attn2_to_k"][0].shape == (3, 4, 5)
    assert weights["lora_unet_middle_block_1_transformer_blocks_0_attn2_to_out_0"][1].shape == (3, 12, 4)


def test_each_sample_is_its_own_person_and_photos_of_one_are_averaged() -> None:
    model = fresh()
    tokens, faces = torch.randn(4, 7, 32), F.normalize(torch.randn(4, 1, 10), dim=-1)
    together = model.weights(tokens, faces)
    alone = [model.weights(tokens[i : i + 1], faces[i : i + 1]) for i in range(4)]
    for name, (down, up) in together.items():
        torch.testing.assert_close(down, torch.cat([each[name][0] for each in alone]))
        torch.testing.assert_close(up, torch.cat([each[name][1] for each in alone]))
    pairs = model.weights(tokens, faces, photos=2)
    second = model.weights(tokens[2:], faces[2:], photos=2)
    for name, (down, _) in pairs.items():
        assert down.shape[0] == 2
        torch.testing.assert_close(down[1:], second[name][0])
        assert not torch.allclose(
            down[1], together[name][0][2:].mean(dim=0), atol=1e-4
        )  # the mean is of tokens


def by_hand(state: dict[str, Tensor], tokens: Tensor) -> Tensor:
    """The one-condition resampler of the specification, for one picture, written out without modules."""

    def normed(x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], state[f"{name}.weight"], state[f"{name}.bias"])

    def attend(x: Tensor, y: Tensor, name: str) -> Tensor:
        q, k, v = (z @ state[f"{name}.to_{n}.weight"].T for z, n in ((x, "q"), (y, "k"), (y, "v")))
        heads = [
            torch.softmax(q[:, h : h + 4] @ k[:, h : h + 4].T / 2, dim=-1) @ v[:, h : h + 4] for h in (0, 4)
        ]
        return torch.cat(heads, dim=1) @ state[f"{name}.to_out.0.weight"].T

    x = state["latents"][0]
    y = tokens @ state["proj_in.weight"].T + state["proj_in.bias"]
    for i in range(2):
        p = f"layers.{i}"
        own = normed(x, f"{p}.norm_attn1")
        x = x + attend(own, own, f"{p}.attn1")
        x = x + attend(normed(x, f"{p}.norm_attn2_l"), normed(y, f"{p}.norm_attn2_x"), f"{p}.attn2")
        wide = (
            normed(x, f"{p}.norm_ff") @ state[f"{p}.ff.net.0.proj.weight"].T
            + state[f"{p}.ff.net.0.proj.bias"]
        )
        wide = wide * 0.5 * (1 + torch.erf(wide / 2**0.5))
        x = x + wide @ state[f"{p}.ff.net.2.weight"].T + state[f"{p}.ff.net.2.bias"]
    return x @ state["proj_out.weight"].T + state["proj_out.bias"]


def test_the_base_lora_follows_the_specification(folder: Path, tmp_path: Path) -> None:
    model = fresh(base=True)
    model.save(tmp_path / "based")
    shutil.copytree(folder / "image_encoder", tmp_path / "based" / "image_encoder")
    loaded = HyperLoRA.from_folder(tmp_path / "based")
    assert loaded.config == model.config
    pixels = torch.randn(2, 3, 32, 32)
    lora = loaded.base_lora(pixels)
    clip = loaded.clip_tokens(pixels)
    state = load_file(tmp_path / "based" / "base_resampler.safetensors")
    tokens = torch.stack([by_hand(state, each) for each in clip]).mean(dim=0)
    tokens = tokens / torch.sqrt(tokens.square().sum(-1, keepdim=True) + 1e-8)
    bases = load_file(tmp_path / "based" / "hyper_lora_modules.safetensors")
    down = sum(tokens[8 + 2, d] * bases["1.to_k.base_down_basis"][d] for d in range(6))
    up = sum(tokens[8 + 3, d] * bases["1.to_k.base_up_basis"][d] for d in range(6))
    name = "lora_unet_middle_block_1_transformer_blocks_0_attn2_to_k"
    torch.testing.assert_close(lora[f"{name}.lora_down.weight"], down.T, atol=1e-5, rtol=0)
    torch.testing.assert_close(lora[f"{name}.lora_up.weight"], up.T, atol=1e-5, rtol=0)
    assert float(lora[f"{name}.alpha"]) == 0.5 * (4 / 2)
    with pytest.raises(ValueError, match="no base LoRA"):
        fresh().base_weights(clip)


def test_a_given_image_encoder_and_half_precision(folder: Path) -> None:
    from stillmotion.still.hyperlora import load_image_encoder

    shutil.move(folder / "image_encoder", folder.parent / "elsewhere")
    by_path = HyperLoRA.from_folder(folder, folder.parent / "elsewhere", torch.bfloat16)
    given = load_image_encoder(folder.parent / "elsewhere")
    by_value = HyperLoRA.from_folder(str(folder), given)
    assert by_value.image_encoder is given
    assert by_path.resampler.latents.dtype == torch.bfloat16
    assert by_path.image_encoder is not None and by_path.image_encoder.dtype == torch.bfloat16
    with pytest.raises(CheckpointError, match=r"image_encoder.config\.json: missing"):
        HyperLoRA.from_folder(folder)


def edit(path: Path, **changes: Tensor | None) -> None:
    """Rewrite a safetensors file with tensors replaced, added or (None) taken away; ``__`` is a dot."""
    tensors: dict[str, Tensor | None] = {
        **load_file(path),
        **{k.replace("__", "."): v for k, v in changes.items()},
    }
    save_file({name: value for name, value in tensors.items() if value is not None}, path)


def rewrite(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def without_a_module(folder: Path) -> None:
    path = folder / "hyper_lora_modules.json"
    modules = json.loads(path.read_text())
    modules.popitem()
    path.write_text(json.dumps(modules))


def flip_header(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[12] ^= 0xFF
    path.write_bytes(bytes(raw))


ATTN = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1"
DAMAGES = {
    "no list": ("hyper_lora_modules.json", lambda f: (f / "hyper_lora_modules.json").unlink()),
    "no bases": ("hyper_lora_modules.safetensors", lambda f: (f / "hyper_lora_modules.safetensors").unlink()),
    "no resampler": ("resampler.safetensors", lambda f: (f / "resampler.safetensors").unlink()),
    "no projector": ("id_projector.safetensors", lambda f: (f / "id_projector.safetensors").unlink()),
    "a folder as file": (
        "id_projector.safetensors",
        lambda f: [(f / "id_projector.safetensors").unlink(), (f / "id_projector.safetensors").mkdir()],
    ),
    "no tower": ("model.safetensors", lambda f: (f / "image_encoder" / "model.safetensors").unlink()),
    "cut bases": (
        "hyper_lora_modules.safetensors",
        lambda f: (f / "hyper_lora_modules.safetensors").open("r+b").truncate(5000),
    ),
    "cut tower": (
        "model.safetensors",
        lambda f: (f / "image_encoder" / "model.safetensors").open("r+b").truncate(9000),
    ),
    "empty resampler": ("resampler.safetensors", lambda f: (f / "resampler.safetensors").write_bytes(b"")),
    "flipped header": ("resampler.safetensors", lambda f: flip_header(f / "resampler.safetensors")),
    "pickle": (
        "id_projector.safetensors",
        lambda f: (f / "id_projector.safetensors").write_bytes(pickle.dumps({"0.weight": [1.0]})),
    ),
    "missing basis": (
        "0.to_v.id_up_basis",
        lambda f: edit(f / "hyper_lora_modules.safetensors", **{"0__to_v__id_up_basis": None}),
    ),
    "missing first basis": (
        "0.to_q.id_down_basis",
        lambda f: edit(f / "hyper_lora_modules.safetensors", **{"0__to_q__id_down_basis": None}),
    ),
    "wrong shape": (
        "1.to_k.id_down_basis",
        lambda f: edit(
            f / "hyper_lora_modules.safetensors", **{"1__to_k__id_down_basis": torch.zeros(16, 32, 8)}
        ),
    ),
    "extra module": (
        "3.to_q.id_up_basis",
        lambda f: edit(
            f / "hyper_lora_modules.safetensors", **{"3__to_q__id_up_basis": torch.zeros(16, 8, 32)}
        ),
    ),
    "missing layer tensor": (
        "layers.1.attn3.to_k.weight",
        lambda f: edit(f / "resampler.safetensors", layers__1__attn3__to_k__weight=None),
    ),
    "missing tower tensor": (
        "class_embedding",
        lambda f: edit(
            f / "image_encoder" / "model.safetensors", vision_model__embeddings__class_embedding=None
        ),
    ),
    "extra tensor": ("surprise", lambda f: edit(f / "resampler.safetensors", surprise=torch.zeros(1))),
    "flat latents": ("latents", lambda f: edit(f / "resampler.safetensors", latents=torch.zeros(24, 64))),
    "too few queries": (
        "latents",
        lambda f: edit(f / "resampler.safetensors", latents=torch.zeros(1, 16, 64)),
    ),
    "not finite": (
        "proj_out.bias",
        lambda f: edit(f / "resampler.safetensors", proj_out__bias=torch.full((16,), float("nan"))),
    ),
    "whole numbers": (
        "proj_out.bias",
        lambda f: edit(f / "resampler.safetensors", proj_out__bias=torch.zeros(16, dtype=torch.int64)),
    ),
    "fewer modules listed": ("hyper_lora_modules.safetensors", without_a_module),
    "foreign name": (
        "hyper_lora_modules.json",
        lambda f: rewrite(
            f / "hyper_lora_modules.json", text_model_0={"hidden_size": 32, "cross_attention_dim": None}
        ),
    ),
    "no sizes": ("hyper_lora_modules.json", lambda f: rewrite(f / "hyper_lora_modules.json", **{ATTN: 32})),
    "negative size": (
        "hyper_lora_modules.json",
        lambda f: rewrite(
            f / "hyper_lora_modules.json", **{ATTN: {"hidden_size": -1, "cross_attention_dim": None}}
        ),
    ),
    "another size": (
        "0.to_q.id_down_basis",
        lambda f: rewrite(
            f / "hyper_lora_modules.json", **{ATTN: {"hidden_size": 40, "cross_attention_dim": None}}
        ),
    ),
    "a list": ("hyper_lora_modules.json", lambda f: (f / "hyper_lora_modules.json").write_text("[]")),
    "empty list": ("hyper_lora_modules.json", lambda f: (f / "hyper_lora_modules.json").write_text("{}")),
    "named twice": (
        "twice",
        lambda f: (f / "hyper_lora_modules.json").write_text('{"a": 1, "a": 2}'),
    ),
    "not JSON": ("hyper_lora_modules.json", lambda f: (f / "hyper_lora_modules.json").write_bytes(b"\xff{")),
    "nested JSON": ("config.json", lambda f: (f / "config.json").write_text("[" * 100_000)),
    "wrong heads": (
        "config.json",
        lambda f: rewrite(f / "config.json", resampler={"heads": 3, "dim_head": 32}),
    ),
    "heads as text": ("config.json", lambda f: rewrite(f / "config.json", resampler={"heads": "2"})),
    "no config, other heads": ("12 heads of 64", lambda f: (f / "config.json").unlink()),
    "tower of another model": (
        "image_encoder",
        lambda f: rewrite(f / "image_encoder" / "config.json", hidden_size=64),
    ),
    "tower config damaged": (
        "config.json",
        lambda f: (f / "image_encoder" / "config.json").write_text("{"),
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_gives_one_clear_line(folder: Path, damage: str) -> None:
    names, harm = DAMAGES[damage]
    harm(folder)
    with pytest.raises(CheckpointError) as caught:
        HyperLoRA.from_folder(folder)
    message = str(caught.value)
    assert names in message
    assert str(folder) in message
    assert "\n" not in message and len(message) < 500


def test_what_is_no_folder_at_all(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", REFERENCE / "config.json"):
        with pytest.raises(CheckpointError, match="not a folder"):
            HyperLoRA.from_folder(path)


def test_an_encoder_of_another_width_is_refused(folder: Path) -> None:
    model = fresh()
    model.save(folder.parent / "mine")
    tensors = load_file(folder.parent / "mine" / "id_projector.safetensors")
    assert tensors["2.weight"].shape == (32,)
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    config = CLIPVisionConfig(
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=48,
        image_size=16,
        patch_size=8,
    )
    with pytest.raises(CheckpointError, match=r"32 wide.*48 wide"):
        HyperLoRA.from_folder(folder.parent / "mine", CLIPVisionModelWithProjection(config))


def test_the_vision_half_of_a_whole_clip_is_taken(tmp_path: Path) -> None:
    """CLIP ViT-L/14 is published with its text half in the same file."""
    from transformers import CLIPConfig, CLIPModel

    from stillmotion.still.hyperlora import load_image_encoder

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 2}
    config = CLIPConfig(
        text_config=sizes | {"vocab_size": 99},
        vision_config=sizes | {"image_size": 32, "patch_size": 8, "projection_dim": 16},
        projection_dim=16,
    )
    whole = CLIPModel(config).eval()
    whole.save_pretrained(tmp_path)
    tower = load_image_encoder(tmp_path)
    pixels = torch.randn(1, 3, 32, 32)
    expected = whole.vision_model(pixels, output_hidden_states=True).hidden_states[-2]
    assert torch.equal(tower(pixels, output_hidden_states=True).hidden_states[-2], expected)
