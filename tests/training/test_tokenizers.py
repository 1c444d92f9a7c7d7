"""mini's tokenizers: the world's words are whole, nothing that a user types is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from transformers import PreTrainedTokenizerFast

from training import tokenizers
from training.words import texts


@pytest.fixture(scope="module")
def corpus() -> list[str]:
    return [text for seed in range(120) for text in texts(seed)]


def everything(corpus: list[str]) -> Iterator[str]:
    yield from tokenizers.captions(0)
    yield from corpus


def test_clips_words_are_whole_and_every_byte_is_known(corpus: list[str]) -> None:
    clip = tokenizers.clip_tokenizer(everything(corpus))
    assert clip.tokenize("a woman wearing glasses") == ["a</w>", "woman</w>", "wearing</w>", "glasses</w>"]
    for strange in ("naïve", "日本", "☃!", "zyx"):
        ids = clip(strange, add_special_tokens=False).input_ids
        assert clip.eos_token_id not in ids
        assert clip.decode(ids).strip() == strange
    assert clip("").input_ids == [clip.bos_token_id, clip.eos_token_id]


def test_t5s_pieces_are_words_and_survive_the_file(
    corpus: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("t5")
    tokenizers.t5_tokenizer(corpus).save_pretrained(folder)
    t5 = PreTrainedTokenizerFast.from_pretrained(folder)
    assert t5.tokenize("The woman is wearing") == ["▁The", "▁woman", "▁is", "▁wearing"]
    assert t5("").input_ids == [t5.eos_token_id] == [1]
    unseen = t5("Juggles “oranges”, naïve!").input_ids
    assert t5.unk_token_id not in unseen
    assert t5.decode(unseen, skip_special_tokens=True) == "Juggles “oranges”, naïve!"
    assert t5("ﬁne").input_ids == t5("fine").input_ids
