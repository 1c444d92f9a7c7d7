"""Makes mini's two tokenizers from captions: CLIP's byte-pair encoding and T5's unigrams, in their released
files.

    python -m training.tokenizers --out checkpoints/mini/tokenizers

Every byte (CLIP) and every letter of Latin script (T5) is in the vocabulary, so that no prompt fails; words
of the world are whole tokens.
"""

from __future__ import annotations

import argparse
import math
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTokenizer, PreTrainedTokenizerBase, T5Tokenizer

CLIP_VOCABULARY = 3000
T5_VOCABULARY = 3000
LEAST_COUNT = 3
LETTER_SCORE = -25.0
LETTERS = string.printable.strip() + "àáâäãåæçèéêëìíîïñòóôöõøœùúûüýÿßÀÁÂÄÃÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÖÕØŒÙÚÛÜÝ’“”–—…"
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


def words_of(text: str) -> Iterator[str]:
    """A text's words and punctuation marks, with T5's mark in front of those that follow a space."""
    for match in re.finditer(r"\w+|[^\w\s]", text):
        first = match.start() == 0 or text[match.start() - 1].isspace()
        yield ("\u2581" if first else "") + match[0]


def t5_tokenizer(corpus: Iterable[str]) -> PreTrainedTokenizerBase:
    """A T5Tokenizer (unigram, metaspace, </s> at the end): the corpus's words are its pieces.

    T5's own trainer leaves frequent short words in letters on a corpus of so few words. A piece's score is
    the logarithm of its share; single letters stand far below all words, for what the world never says.
    """
    counts = Counter(piece for text in corpus for piece in words_of(unicodedata.normalize("NFKC", text)))
    kept = [(piece, count) for piece, count in counts.most_common(T5_VOCABULARY) if count >= LEAST_COUNT]
    total = sum(count for _, count in kept)
    pieces = {piece: math.log(count / total) for piece, count in kept}
    for letter in ("\u2581", *LETTERS):
        pieces.setdefault(letter, LETTER_SCORE)
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 2 * LETTER_SCORE), *pieces.items()]
    backend = Tokenizer(models.Unigram(vocabulary, unk_id=2))
    backend.normalizer = normalizers.NFKC()
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
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
