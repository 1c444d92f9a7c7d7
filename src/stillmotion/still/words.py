"""A prompt's words, their weights and their CLIP tokens. No torch: prompts are counted without a model.

Weights are written as in the AUTOMATIC1111 web UI: ``(word)`` times 1.1, ``[word]`` divided by 1.1,
``(word:1.3)`` as given, nested, with backslash escapes. Their token normalisation is "length+mean": a word of
n tokens shares its change, each token getting 1 + (w - 1) / sqrt(n), then all weights are shifted so that
their mean is 1.
"""

from __future__ import annotations

import re
from typing import Any

BRACKET = 1.1
LONGEST = 75
# Beyond this a weight drowns every other word, and an absurd one would overflow half precision.
LARGEST_WEIGHT = 10.0
_SYNTAX = re.compile(r"\\[()\[\]\\]|[(\[\])]|:\s*([+-]?\d*\.?\d+)\s*\)|[^\\()\[\]:]+|.", re.DOTALL)


def parse_weights(prompt: str) -> list[tuple[str, float]]:
    """The prompt as (text, weight) pieces; brackets left open close at the end, stray ones are text."""
    pieces: list[tuple[str, float]] = []
    opened: list[tuple[str, int]] = []

    def multiply(start: int, factor: float) -> None:
        pieces[start:] = [(text, weight * factor) for text, weight in pieces[start:]]

    for match in _SYNTAX.finditer(prompt):
        found = match[0]
        round_open = bool(opened) and opened[-1][0] == "("
        if found in ("(", "["):
            opened.append((found, len(pieces)))
        elif match[1] is not None and round_open:
            multiply(opened.pop()[1], max(-LARGEST_WEIGHT, min(LARGEST_WEIGHT, float(match[1]))))
        elif found == ")" and round_open:
            multiply(opened.pop()[1], BRACKET)
        elif found == "]" and opened and not round_open:
            multiply(opened.pop()[1], 1 / BRACKET)
        else:
            pieces.append((found[1:] if found[0] == "\\" and len(found) == 2 else found, 1.0))
    for bracket, start in reversed(opened):
        multiply(start, BRACKET if bracket == "(" else 1 / BRACKET)
    return _merge(pieces)


def _merge(pieces: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """Neighbours of one weight become one piece, so that an escape does not cut a word."""
    merged: list[tuple[str, float]] = []
    for text, weight in pieces:
        if merged and merged[-1][1] == weight:
            merged[-1] = (merged[-1][0] + text, weight)
        else:
            merged.append((text, weight))
    return merged


def _words(prompt: str, tokenizer: Any) -> list[tuple[str, float, list[int]]]:
    """The prompt's words with their weights and token ids (no start, no end)."""
    words = [(word, weight) for text, weight in parse_weights(prompt) for word in text.split()]
    ids = tokenizer([word for word, _ in words], add_special_tokens=False).input_ids if words else []
    return [(word, weight, each) for (word, weight), each in zip(words, ids, strict=True) if each]


def count_tokens(prompt: str, tokenizer: Any) -> int:
    """How many of the 75 tokens the prompt takes; brackets and weights take none."""
    return sum(len(ids) for _, _, ids in _words(prompt, tokenizer))


def tokenize(prompt: str, tokenizer: Any) -> tuple[list[int], list[float], str]:
    """Token ids (77), their normalised weights (77) and the text that did not fit, "" where all did."""
    ids: list[int] = []
    weights: list[float] = []
    dropped: list[str] = []
    for word, weight, tokens in _words(prompt, tokenizer):
        room = LONGEST - len(ids)
        if dropped or len(tokens) > room:
            dropped.append(word)
            # A "word" longer than all the room there is comes from a script without spaces: cut inside it.
            if len(dropped) > 1 or len(tokens) <= LONGEST:
                continue
            tokens = tokens[:room]  # noqa: PLW2901
        ids += tokens
        weights += [1 + (weight - 1) / len(tokens) ** 0.5] * len(tokens)
    shift = 1 - sum(weights) / len(weights) if weights else 0.0
    padding = LONGEST - len(ids)
    row = [tokenizer.bos_token_id, *ids, tokenizer.eos_token_id, *[tokenizer.pad_token_id] * padding]
    return row, [1.0, *(weight + shift for weight in weights), *[1.0] * (padding + 1)], " ".join(dropped)
