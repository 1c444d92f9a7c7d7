"""A person's LoRA on a UNet: kohya's arithmetic, both ways of naming, no trace afterwards."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor

from checkpoints.hyperlora import ldm_name
from stillmotion.errors import CheckpointError
from stillmotion.still import lora

Weights = dict[str, tuple[Tensor, Tensor]]


def random_weights(unet: Any, seed: int, rank: int = 8, batch: tuple[int, ...] = ()) -> Weights:
    torch.manual_seed(seed)
    weights: Weights = {}
    for name, sizes in lora.attention_modules(unet).items():
        hidden = sizes["hidden_size"] or 0
        context = sizes["cross_attention_dim"] or hidden
        for projection, width in (
            ("to_q", hidden),
            ("to_k", context),
            ("to_v", context),
            ("to_out_0", hidden),
        ):
            down, up = torch.randn(*batch, rank, width) / width**0.5, torch.randn(*batch, hidden, rank) * 0.1
            weights[f"{name}_{projection}"] = down, up
    return weights


def run(unet: Any, batch: int = 1) -> Tensor:
    torch.manual_seed(5)
    given, tokens = torch.randn(1, 4, 8, 8), torch.randn(1, 77, 192)
    added = {"text_embeds": torch.randn(1, 128), "time_ids": torch.randn(1, 6)}
    repeated = {key: value.repeat(batch, 1) for key, value in added.items()}
    given, tokens = given.repeat(batch, 1, 1, 1), tokens.repeat(batch, 1, 1)
    with torch.no_grad():
        answer: Tensor = unet(given, 500, tokens, added_cond_kwargs=repeated).sample
    return answer


def merged(unet: Any, weights: Weights, scale: float) -> Any:
    """A copy of the UNet with W + scale * up @ down written into every projection, one by one."""
    changed = copy.deepcopy(unet)
    modules = dict(changed.named_modules())
    by_name = {f"lora_unet_{path.replace('.', '_')}": module for path, module in modules.items()}
    for name, (down, up) in weights.items():
        by_name[name].weight.data += scale * up @ down
    return changed


def test_it_is_kohyas_arithmetic(pipe: Any) -> None:
    weights = random_weights(pipe.unet, 0)
    plain, expected = run(pipe.unet), run(merged(pipe.unet, weights, 0.85 * 0.5))
    with lora.personal(pipe.unet, weights, 0.85 * 0.5):
        personal = run(pipe.unet)
    assert float((personal - expected).abs().max()) < 1e-5
    assert float((personal - plain).abs().max()) > 1e-2


def test_a_single_projection_is_within_1e_6(pipe: Any) -> None:
    (name, (down, up)), *_ = random_weights(pipe.unet, 0).items()
    base = lora.attentions(pipe.unet)[name.removesuffix("_to_q")].get_submodule("to_q")
    x = torch.randn(2, 9, down.shape[1])
    expected = x @ (base.weight + 0.85 * (4.0 / 8) * up @ down).T  # type: ignore[operator]
    kohya = {
        f"{name}.lora_down.weight": down,
        f"{name}.lora_up.weight": up,
        f"{name}.alpha": torch.tensor(4.0),
    }
    with lora.personal(pipe.unet, lora.factors(kohya), 0.85):
        changed = lora.attentions(pipe.unet)[name.removesuffix("_to_q")].get_submodule("to_q")
        assert float((changed(x) - expected).abs().max()) < 1e-6


def test_people_are_swapped_without_a_trace(pipe: Any) -> None:
    before = {name: value.clone() for name, value in pipe.unet.state_dict().items()}
    plain = run(pipe.unet)
    people = [random_weights(pipe.unet, seed) for seed in (1, 2)]

    def drawn(weights: Weights) -> Tensor:
        with lora.personal(pipe.unet, weights, 0.4):
            return run(pipe.unet)

    first, second = drawn(people[0]), drawn(people[1])
    for _ in range(2):
        assert torch.equal(drawn(people[0]), first) and torch.equal(drawn(people[1]), second)
    assert not torch.equal(first, second)
    after = pipe.unet.state_dict()
    assert after.keys() == before.keys() and all(torch.equal(after[name], before[name]) for name in before)
    assert torch.equal(run(pipe.unet), plain)


def test_an_interruption_leaves_no_person_behind(pipe: Any) -> None:
    kinds = {name: type(module) for name, module in pipe.unet.named_modules()}
    with pytest.raises(KeyboardInterrupt), lora.personal(pipe.unet, random_weights(pipe.unet, 0), 1.0):
        raise KeyboardInterrupt
    assert {name: type(module) for name, module in pipe.unet.named_modules()} == kinds


def test_both_ways_of_naming_mean_the_same(pipe: Any) -> None:
    weights = random_weights(pipe.unet, 3)
    ldm = {}
    for name, pair in weights.items():
        stem, mark, projection = name.rpartition("_to_")
        ldm[f"{ldm_name(stem)}{mark}{projection}"] = pair
    assert not ldm.keys() & weights.keys()
    with lora.personal(pipe.unet, weights, 0.5):
        expected = run(pipe.unet)
    with lora.personal(pipe.unet, ldm, 0.5):
        assert torch.equal(run(pipe.unet), expected)


@pytest.mark.parametrize(
    ("ldm", "diffusers"),
    [
        ("input_blocks_4_1", "down_blocks_1_attentions_0"),
        ("input_blocks_5_1", "down_blocks_1_attentions_1"),
        ("input_blocks_7_1", "down_blocks_2_attentions_0"),
        ("input_blocks_8_1", "down_blocks_2_attentions_1"),
        ("middle_block_1", "mid_block_attentions_0"),
        ("output_blocks_0_1", "up_blocks_0_attentions_0"),
        ("output_blocks_2_1", "up_blocks_0_attentions_2"),
        ("output_blocks_3_1", "up_blocks_1_attentions_0"),
        ("output_blocks_5_1", "up_blocks_1_attentions_2"),
    ],
)
def test_sdxl_names(ldm: str, diffusers: str) -> None:
    rest = "transformer_blocks_9_attn2"
    assert lora.diffusers_name(f"lora_unet_{ldm}_{rest}", 2) == f"lora_unet_{diffusers}_{rest}"
    assert lora.diffusers_name(f"lora_unet_{diffusers}_{rest}", 2) == f"lora_unet_{diffusers}_{rest}"


def test_a_batch_of_people(pipe: Any) -> None:
    weights = random_weights(pipe.unet, 4, batch=(2,))
    with lora.personal(pipe.unet, weights, 0.5):
        both = run(pipe.unet, batch=2)
    for index in range(2):
        with lora.personal(pipe.unet, {k: (d[index], u[index]) for k, (d, u) in weights.items()}, 0.5):
            torch.testing.assert_close(run(pipe.unet)[0], both[index], atol=1e-5, rtol=0)


def test_another_models_lora_is_refused_before_anything_changes(pipe: Any) -> None:
    weights = random_weights(pipe.unet, 0)
    name, (down, up) = next(iter(weights.items()))
    for foreign in (
        {**weights, "lora_unet_input_blocks_1_1_transformer_blocks_0_attn1_to_q": (down, up)},
        {**weights, "lora_unet_middle_block_1_transformer_blocks_7_attn1_to_q": (down, up)},
        {**weights, "lora_unet_middle_block_1_transformer_blocks_0_attn1": (down, up)},
        {**weights, name: (down[:, :-1], up)},
    ):
        with (
            pytest.raises(CheckpointError, match="belong together"),
            lora.personal(pipe.unet, foreign, 1.0),
        ):
            pass
    assert not any(isinstance(module, lora.PersonalLinear) for module in pipe.unet.modules())
