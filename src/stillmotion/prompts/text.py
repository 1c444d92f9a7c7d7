"""Prompt text before any grammar: validation, sentences, and how many CLIP tokens a text costs."""

from __future__ import annotations

import math
import re
import unicodedata
from functools import lru_cache

from stillmotion.errors import InputError

MAX_PROMPT_CHARACTERS = 3999
"""The longest prompt that is read, in characters. Captioners write about 1,500."""

CLIP_CONTENT_TOKENS = 75
"""CLIP reads 77 tokens, two of which mark the start and the end."""

_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
_TYPOGRAPHY = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201b": "'",
        "\u02bc": "'",
        "\u00a0": " ",
        "\u2011": "-",
        "\u2010": "-",
        "\u200b": "",
        "\u202f": " ",
        "\u2009": " ",
        "\u00ad": "",
    }
)


def check_prompt(prompt: str, name: str = "prompt") -> str:
    """The prompt in Unicode NFC without outer white space, or an `InputError` that says what is wrong with
    it.

    Refused: empty prompts and prompts without a letter or digit, control characters other than tab and line
    breaks, invisible direction marks, and more than `MAX_PROMPT_CHARACTERS` characters.
    """
    if not isinstance(prompt, str):
        raise InputError(f"{name} must be text, not {type(prompt).__name__}")
    if len(prompt) > MAX_PROMPT_CHARACTERS:
        raise InputError(
            f"{name} has {len(prompt)} characters; at most {MAX_PROMPT_CHARACTERS} are read. Shorten it."
        )
    for position, character in enumerate(prompt):
        category = unicodedata.category(character)
        if (
            category in ("Cc", "Cs", "Co", "Cn") and character not in "\t\n\r"
        ) or character in _BIDI_CONTROLS:
            raise InputError(
                f"{name} has a control character (U+{ord(character):04X}) at position {position}; remove it"
            )
    text = unicodedata.normalize("NFC", prompt).translate(_TYPOGRAPHY).strip()
    if not text:
        raise InputError(f"{name} is empty; write what the person looks like and does")
    if not any(character.isalnum() for character in text):
        raise InputError(f"{name} has no word in it; write what the person looks like and does")
    return text


def one_line(text: str) -> str:
    """White space collapsed to single spaces; a line break after a line without punctuation ends a
    sentence.
    """
    lines = [" ".join(line.split()) for line in text.splitlines()]
    lines = [re.sub(r"^(?:[-*\u2022]|\d{1,2}[.)])\s+", "", line) for line in lines if line]
    joined = " ".join(
        line if line[-1] in ".!?;:,\u3002\uff0c\u3001\uff01\uff1f" else line + "." for line in lines[:-1]
    )
    return f"{joined} {lines[-1]}".strip() if lines else ""


_ABBREVIATIONS = (
    "mr",
    "mrs",
    "ms",
    "dr",
    "st",
    "vs",
    "etc",
    "e.g",
    "i.e",
    "approx",
    "no",
    "prof",
    "jr",
    "sr",
    "u.s",
)
_SENTENCE_END = re.compile(r"(?:[.!?\u2026]+[\"'\u201d\u2019)\]]*|;)(?=\s)|[\u3002\uff01\uff1f]")


def sentences(text: str) -> list[str]:
    """The sentences of one line of text, their closing punctuation with them. Nothing is lost."""
    found: list[str] = []
    begin = 0
    for match in _SENTENCE_END.finditer(text):
        before = text[begin : match.start()].rsplit(None, 1)
        last = before[-1].lower() if before else ""
        follows = text[match.end() :].lstrip()[:1]
        if match.group()[-1] in "\"\u201d\u2019'" and follows.islower():
            continue
        if match.group().startswith(".") and (
            last in _ABBREVIATIONS or (len(last) == 1 and last.isalpha() and last != "i")
        ):
            continue
        if (
            match.group()[0] in ".\u2026"
            and (match.group().startswith("...") or "\u2026" in match.group())
            and follows.islower()
        ):
            continue
        piece = text[begin : match.end()].strip()
        if piece:
            found.append(piece)
        begin = match.end()
    rest = text[begin:].strip()
    return [*found, rest] if rest else found


_CLIP_PIECES = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[^\W\d_]+|\d|[^\s\w]+|_+")


@lru_cache(maxsize=4096)
def _word_cost(word: str) -> int:
    if word.isascii():
        if not word.isalpha():
            return 1 if len(word) == 1 or word.startswith("'") else len(word)
        if word in ("fcsks", "fxhks", "fhyks"):
            return 4
        from stillmotion.prompts import tokens

        if tokens.is_known(word):
            return 1 if len(word) <= 11 else 2
        return 1 if len(word) <= 3 else 1 + math.ceil((len(word) - 3) / 3)
    in_bytes = len(word.encode())
    return in_bytes if in_bytes > 2 * len(word) else math.ceil(0.75 * in_bytes)


def estimate_clip_tokens(text: str) -> int:
    """A careful upper estimate of CLIP's byte-pair token count of `text`, start and end tokens not counted.

    Used where no tokenizer is at hand. Everyday words cost one token, unknown ones about one for three
    letters, other scripts up to one a byte, digits one each; seven per cent and one token are added, which
    covers the words of the lexicon that CLIP cuts in two. Not below CLIP's own count on any prompt of the
    test corpus.
    """
    return math.ceil(1.07 * sum(_word_cost(piece) for piece in _CLIP_PIECES.findall(text.lower()))) + 1
