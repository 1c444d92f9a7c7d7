"""Makes mini's two tokenizers from captions: CLIP's byte-pair encoding and T5's unigrams, in their released
files.

    python -m training.tokenizers --out checkpoints/mini/tokenizers

Every byte (CLIP) and every letter of Latin script (T5) is in the vocabulary, so that no prompt fails; words
of the world are whole tokens.
"""

from __future__ import annotations

import argparse
import string
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTokenizer, PreTrainedTokenizerBase, T5Tokenizer

CLIP_VOCABULARY = 3000
T5_VOCABULARY = 3000
TRIGGER_WORDS = "fcsks fxhks fhyks"


def captions(count: int) -> Iterator[str]:
    """``count`` texts of each kind that the two stages read: spatial, temporal, and users' prompts."""
    from training.words import texts

    for seed in range(count):
        yield from texts(seed)
    yield TRIGGER_WORDS
    # Every byte at the end of a word, so that nothing is ever unknown: ASCII, then all last bytes of UTF-8.
    yield from (f"{chr(c)} a{chr(c)}" for c in (*range(33, 127), *range(0xC0, 0x180)))


def clip_tokenizer(corpus: Iterator[str]) -> PreTrainedTokenizerBase:
    """A CLIPTokenizer whose merges come from the corpus."""
    alphabet = sorted(ByteLevel.alphabet())
    vocabulary = {
        t: i
        for i, t in enumerate(
            [*alphabet, *(a + "</w>" for a in alphabet), "<|startoftext|>", "<|endoftext|>"]
        )
    }
    plain = CLIPTokenizer(vocab=vocabulary, merges=[])
    trained = plain.train_new_from_iterator(corpus, CLIP_VOCABULARY)
    trained.model_max_length = 77
    return trained


def t5_tokenizer(corpus: Iterator[str]) -> PreTrainedTokenizerBase:
    """A T5Tokenizer (unigram, metaspace, </s> at the end) whose pieces come from the corpus."""
    backend = Tokenizer(models.Unigram())
    backend.normalizer = normalizers.NFKC()
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    letters = list(
        string.printable.strip() + "àáâäãåæçèéêëìíîïñòóôöõøœùúûüýÿßÀÁÂÄÃÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÖÕØŒÙÚÛÜÝ'’“”–—…"
    )
    trainer = trainers.UnigramTrainer(
        vocab_size=T5_VOCABULARY,
        special_tokens=["<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        initial_alphabet=letters,
    )
    backend.train_from_iterator(corpus, trainer)
    backend.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    return T5Tokenizer(tokenizer_object=backend, extra_ids=0, model_max_length=512)


def main() -> None:
    """Train both and write their folders."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--captions", type=int, default=20000)
    args = parser.parse_args()
    clip_tokenizer(captions(args.captions)).save_pretrained(args.out / "clip")
    t5_tokenizer(captions(args.captions)).save_pretrained(args.out / "t5")


if __name__ == "__main__":
    main()
