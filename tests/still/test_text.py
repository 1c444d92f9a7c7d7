"""Prompt weights and what they do to the embeddings."""

from __future__ import annotations

import logging
from math import sqrt
from typing import Any

import pytest
import torch

from stillmotion.still import sdxl, text, words


@pytest.mark.parametrize(
    ("prompt", "pieces"),
    [
        ("a man", [("a man", 1.0)]),
        ("a (red) hat", [("a ", 1.0), ("red", 1.1), (" hat", 1.0)]),
        ("a ((red)) hat", [("a ", 1.0), ("red", 1.1 * 1.1), (" hat", 1.0)]),
        ("[dark] wood", [("dark", 1 / 1.1), (" wood", 1.0)]),
        ("(red hat:1.3), coat", [("red hat", 1.3), (", coat", 1.0)]),
        ("(a (red:1.5) hat:0.5)", [("a ", 0.5), ("red", 0.75), (" hat", 0.5)]),
        ("([x]:2)", [("x", 2 / 1.1)]),
        (r"a \(real\) \[cat\] \\", [(r"a (real) [cat] " + "\\", 1.0)]),
        ("(open", [("open", 1.1)]),
        ("stray) and ]", [("stray) and ]", 1.0)]),
        ("at 10:30) he", [("at 10:30) he", 1.0)]),
        ("(look: left)", [("look: left", 1.1)]),
        ("(x:1.2.3)", [("x:1.2.3", 1.1)]),
        ("(x:99999)", [("x", 10.0)]),
        ("(x:.5)(y: 2 )", [("x", 0.5), ("y", 2.0)]),
        ("[x:1.3]", [("x:1.3", 1 / 1.1)]),
        ("", []),
    ],
)
def test_brackets(prompt: str, pieces: list[tuple[str, float]]) -> None:
    parsed = words.parse_weights(prompt)
    assert [piece for piece, _ in parsed] == [piece for piece, _ in pieces]
    assert [weight for _, weight in parsed] == pytest.approx([weight for _, weight in pieces])


def test_long_words_share_a_change_and_the_mean_stays_one(pipe: Any) -> None:
    plain = "xyz man"
    assert words.count_tokens(plain, pipe.tokenizer) == 4  # x y z, and man in one piece
    ids, weights, dropped = words.tokenize("(xyz:1.5) man", pipe.tokenizer)
    raw = [1 + 0.5 / sqrt(3)] * 3 + [1.0]
    shift = 1 - sum(raw) / 4
    assert weights[1:5] == pytest.approx([weight + shift for weight in raw])
    assert sum(weights) / 77 == pytest.approx(1)
    assert weights[0] == weights[5] == 1 and len(ids) == len(weights) == 77
    assert ids == pipe.tokenizer(plain, padding="max_length", max_length=77).input_ids and not dropped


def test_the_second_tokenizer_pads_with_its_own_token(pipe: Any) -> None:
    first, second = (words.tokenize("man", t)[0] for t in (pipe.tokenizer, pipe.tokenizer_2))
    assert first[2:] == [pipe.tokenizer.eos_token_id] * 75
    assert second[3:] == [pipe.tokenizer_2.convert_tokens_to_ids("!")] * 74


def test_without_weights_it_is_diffusers_own_encoding(pipe: Any) -> None:
    prompt = "the man, working in a  red hat."
    mine = text.encode(prompt, pipe, 2)
    with torch.inference_mode():
        tokens, _, pooled, _ = pipe.encode_prompt(prompt, do_classifier_free_guidance=False)
    assert torch.equal(mine.tokens, tokens)
    assert torch.equal(mine.pooled, pooled)


def test_weights_act_on_the_embeddings_and_leave_their_mean(pipe: Any) -> None:
    plain, weighed = (text.encode(prompt, pipe, 2) for prompt in ("the man", "the (man:1.4)"))
    assert torch.equal(plain.pooled, weighed.pooled)
    first = slice(0, 64)  # the first encoder's share: its mean is restored on its own
    before, after = plain.tokens[..., first], weighed.tokens[..., first]
    assert float(after.mean()) == pytest.approx(float(before.mean()), rel=1e-3)
    ratio = (after / before)[0].median(dim=1).values
    # "the" and "man" are one token each: 0.8 and 1.2 about their mean, up to the common factor
    assert float(ratio[2] / ratio[1]) == pytest.approx(1.2 / 0.8, rel=1e-4)
    assert float(ratio[0] / ratio[1]) == pytest.approx(1 / 0.8, rel=1e-4)


def test_clip_skip_takes_another_layer(pipe: Any) -> None:
    ids = torch.tensor([words.tokenize("the man", pipe.tokenizer)[0]])
    states = pipe.text_encoder(ids, output_hidden_states=True).hidden_states
    for skip in (1, 2, 3):
        torch.testing.assert_close(text.encode("the man", pipe, skip).tokens[..., :64], states[-skip])


def test_what_does_not_fit_is_cut_off_by_words_and_told(pipe: Any, caplog: pytest.LogCaptureFixture) -> None:
    prompt = "man " * 70 + "hat coat shoes"
    ids, _, dropped = words.tokenize(prompt, pipe.tokenizer)
    assert dropped == "coat shoes"  # three letters more fit, four do not
    assert len(ids) == 77 and ids[74] == pipe.tokenizer.eos_token_id
    with caplog.at_level(logging.WARNING, "stillmotion"):
        text.encode(prompt, pipe, 2)
    assert "coat shoes" in caplog.text


def test_an_empty_negative_prompt_is_zeros_only_where_the_checkpoint_says_so(pipe: Any) -> None:
    zeros = sdxl.encode_prompts(pipe, "the man", "", 5.0, 2)
    assert not bool(zeros.tokens[0].any()) and not bool(zeros.pooled[0].any()) and bool(zeros.tokens[1].any())
    pipe.register_to_config(force_zeros_for_empty_prompt=False)
    try:
        encoded = sdxl.encode_prompts(pipe, "the man", "", 5.0, 2)
    finally:
        pipe.register_to_config(force_zeros_for_empty_prompt=True)
    assert torch.equal(encoded.tokens[:1], text.encode("", pipe, 2).tokens)
    assert sdxl.encode_prompts(pipe, "the man", "", 1.0, 2).tokens.shape[0] == 1


def test_a_script_without_spaces_is_cut_inside_its_one_long_word(pipe: Any) -> None:
    ids, weights, dropped = words.tokenize("(" + "x" * 90 + ":1.2) man", pipe.tokenizer)
    assert len(ids) == len(weights) == 77 and ids[-1] == pipe.tokenizer.eos_token_id
    assert pipe.tokenizer.eos_token_id not in ids[:-1]
    assert dropped == "x" * 90 + " man"


def test_what_has_no_tokens_weighs_nothing(pipe: Any) -> None:
    assert words.tokenize("(\u200b:1.5) (\x00)", pipe.tokenizer)[2] == ""
    assert text.encode("(:1.5) ()", pipe, 2).tokens.isfinite().all()
