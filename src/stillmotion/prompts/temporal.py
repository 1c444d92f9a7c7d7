"""Temporal Prompt Polisher by rules: the prompt from the subject's view, every action kept, in order.

The text stays the user's own; only spans of it are replaced: the captioner's frame ("The video shows ...")
goes, the first mention of the main character becomes the subject, pronouns follow the subject, and still
scenery that stood before the person moves to the end.
"""

from __future__ import annotations

import re

from stillmotion.prompts import lexicon as lx
from stillmotion.prompts.chunks import Cast, Chunk, Sentence, gender_of, own_noun, parse, subject_gender
from stillmotion.prompts.frames import CAUSATIVE, CAUSATIVE_PRONOUN, EMPTY_OPENING, IN_VIDEO
from stillmotion.prompts.morphology import third_person, verb_readings
from stillmotion.prompts.prose import Edit, apply, glue, join, keeps_capital, listed, paragraph, split_closing
from stillmotion.prompts.tokens import Token, is_trade
from stillmotion.prompts.wordlist import words

_BACKDROP = words("""
    background backdrop setting environment scenery surroundings room lighting wall sky scene space place
    location interior light atmosphere
""")
_NO_ORDER = re.compile(
    r"\b(?:then|next|after|before|finally|suddenly|later|now|as|while|when|begins?|starts?)\b", re.IGNORECASE
)
_PRONOUNS = {
    "male": ("he", "him", "his", "his", "himself"),
    "female": ("she", "her", "her", "hers", "herself"),
    "neutral": ("they", "them", "their", "theirs", "themselves"),
}
_CASES = {
    "he": 0,
    "she": 0,
    "they": 0,
    "i": 0,
    "you": 0,
    "we": 0,
    "him": 1,
    "them": 1,
    "me": 1,
    "us": 1,
    "her": -1,
    "his": -2,
    "their": 2,
    "my": 2,
    "your": 2,
    "our": 2,
    "hers": 3,
    "theirs": 3,
    "mine": 3,
    "himself": 4,
    "herself": 4,
    "themselves": 4,
    "themself": 4,
    "myself": 4,
    "yourself": 4,
}
_AUX_THIRD = {
    "are": "is",
    "were": "was",
    "have": "has",
    "do": "does",
    "am": "is",
    "'re": "'s",
    "'m": "'s",
    "'ve": "'s",
    "aren't": "isn't",
    "don't": "doesn't",
    "haven't": "hasn't",
    "weren't": "wasn't",
}
_AUX_PLURAL = {"am": "are", "'m": "'re", "was": "were"}


class Polisher:
    """Rewrites parsed sentences for one subject and one main character."""

    def __init__(self, subject: str, cast: Cast) -> None:
        self.subject = subject
        self.cast = cast
        gender = subject_gender(subject)
        self.noun = {"male": "man", "female": "woman"}.get(gender, "person")
        first_person = cast.pronoun in ("i", "you", "we")
        differs = bool(gender) and (cast.gender not in ("", gender) or cast.pronoun == "they" or first_person)
        self.target = gender if differs else ("neutral" if first_person and not gender else "")

    def polish(self, sentences: list[Sentence]) -> str:
        """The temporal prompt: one paragraph that begins with the subject."""
        first = self.cast.sentence
        if first < 0 or self.cast.chunk is None:
            return self._without_mention(sentences)
        owned = next((at for at in range(first + 1) if self._opens_with_possessive(sentences[at])), -1)
        if owned >= 0:
            first = owned
        leading, following = sentences[:first], sentences[first + 1 :]
        person = [self._owned(sentences[first]) if owned >= 0 else self._first(sentences[first])]
        scenery = [self._plain(sentence) for sentence in leading]
        for sentence in following:
            (scenery if self._is_scenery(sentence) else person).append(self._plain(sentence))
        return paragraph([*person, *scenery])

    # --- the sentence that names the main character -----------------------------------------------

    def _first(self, sentence: Sentence) -> str:
        chunk = self.cast.chunk
        assert chunk is not None
        before = sentence.text[: chunk.start].strip()
        edits = self._pronoun_edits(sentence)
        rest = apply(sentence.text, edits, chunk.end, len(sentence.text))
        rest = IN_VIDEO.sub("", rest)
        rest = rest.lstrip() if not rest.startswith("'s") else rest
        if rest.startswith("'s") and chunk.head in _CASES:
            rest = "is" + rest[2:]
        if chunk.head in ("they", "i", "you", "we") or CAUSATIVE.match(before + " "):
            rest = self._third(rest.removeprefix("to "))
        if chunk.plural and chunk.noun == "person":
            return join(f"{self.subject}, one of {_decapitalized(chunk, sentence.text)}", self._third(rest))
        opening = self.subject + ("" if rest.startswith("'s ") else self._apposition(chunk))
        if chunk.inner is not None and chunk.noun == "person":
            opening += "," if "," in opening else ""
            opening += " of " + sentence.text[chunk.inner.start : chunk.inner.end]
        if not before or CAUSATIVE.match(before + " ") or EMPTY_OPENING.match(before):
            return join(opening, rest)
        return self._with_opening(opening, before, rest, sentence)

    def _with_opening(self, opening: str, before: str, rest: str, sentence: Sentence) -> str:
        """What stood before the subject goes right behind it, or, when it is still scenery, to the end of
        the sentence.
        """
        text = apply(sentence.text, self._pronoun_edits(sentence), 0, len(before)).strip().rstrip(",;:- ")
        text = re.sub(r"^(?:and|but|so)\s+", "", text, flags=re.I)
        text = text if keeps_capital(text) else text[:1].lower() + text[1:]
        chunks = parse(before).chunks
        moves = bool(verb_readings(text.split()[0])) or any(
            chunk.kind in ("VERB", "AUX", "SUB") for chunk in chunks
        )
        aside = bool(re.match(r"(?:after|before|while|when|upon|by)\s+\w+ing\b", text, re.IGNORECASE))
        trailing_verb = chunks and chunks[-1].kind in ("VERB", "AUX", "PREP") and not aside
        body, closing = split_closing(rest)
        partners = re.match(r"^(.+?),?\s+and$", text, re.IGNORECASE)
        if partners and not moves:
            return f"{self.subject} and {partners.group(1)}{glue(body)}{closing or '.'}"
        if (
            chunks
            and chunks[-1].kind == "VERB"
            and chunks[-1].tokens[0].form in ("s", "past")
            and before[:1] in "\"\u201c'"
        ):
            verb = before.rsplit(None, 1)[1]
            spoken = before[: -len(verb)].strip()
            comma = "," if "," in opening else ""
            return f"{opening}{comma} {verb} {spoken}{glue(body)}{closing or '.'}"
        said = re.match(r"(\w+),?\s*(.*)$", body)
        if said and text[:1] in "\"\u201c'" and text[-1] in "\"\u201d'":
            return f"{opening} {said[1]}, {text} {said[2]}".rstrip() + (closing or ".")
        if moves and trailing_verb:
            return f"{opening}{glue(body)}{closing or '.'} {text[:1].upper()}{text[1:]} the {self.noun}."
        if moves or len(text.split()) <= 2:
            return join(f"{opening.rstrip(',')}, {text},", body.lstrip(", ")) + (closing or ".")
        return join(opening, body).rstrip(",") + f", {text}" + (closing or ".")

    def _opens_with_possessive(self, sentence: Sentence) -> bool:
        """For instance "Her face lights up ..." before anything else names her."""
        token = sentence.tokens[0] if sentence.tokens else None
        return (
            token is not None
            and token.tag == "POSS"
            and token.low in _CASES
            and (gender_of(token.low) == self.cast.gender or token.low in ("my", "your", "their"))
        )

    def _owned(self, sentence: Sentence) -> str:
        first = sentence.tokens[0]
        edits = [edit for edit in self._pronoun_edits(sentence) if edit.start >= first.end]
        return f"{self.subject}'s{apply(sentence.text, edits, first.end, len(sentence.text))}"

    def _apposition(self, chunk: Chunk) -> str:
        """What the noun phrase says beyond the subject: ", young and tall," or ", a young chef,"."""
        if chunk.noun == "name" or chunk.head in _CASES:
            return ""
        words = [
            token
            for token in chunk.own
            if token.tag in ("ADJ", "NOUN", "NAME", "NUM", "ADV", "CONJ", "PUNCT")
        ]
        words = [
            token
            for token in words[:-1]
            if token.low not in ("one", "single", "main", "lone", "first", "second", "unidentified", "other")
        ]
        while words and words[-1].tag in ("CONJ", "PUNCT", "ADV"):
            words.pop()
        while words and words[0].tag in ("CONJ", "PUNCT"):
            words.pop(0)
        looks = listed(words)
        neutral = not subject_gender(self.subject) and bool(gender_of(chunk.head))
        if neutral or is_trade(chunk.head) or chunk.head in lx.RELATIVES_OF:
            noun = own_noun(chunk.head, self.subject)
            text = f"{looks.replace(' and ', ', ')} {noun}".strip()
            article = "an" if text[0].lower() in "aeiou" else "a"
            return f", {article} {text}"
        if chunk.head in lx.YOUTH and "young" not in looks:
            looks = f"young, {looks}" if looks else "young"
        return f", {looks}" if looks else ""

    # --- other sentences --------------------------------------------------------------------------

    def _plain(self, sentence: Sentence) -> str:
        text = apply(sentence.text, self._pronoun_edits(sentence), 0, len(sentence.text))
        return text

    def _is_scenery(self, sentence: Sentence) -> bool:
        """A sentence about the background alone, without order in time."""
        if _NO_ORDER.search(sentence.text):
            return False
        for chunk in sentence.chunks:
            if (
                (chunk.kind == "NP" and chunk.noun in ("person", "name"))
                or (chunk.kind == "NP" and chunk.determiner in lx.POSSESSIVES)
                or chunk.kind == "OPRON"
            ):
                return False
        first = next((chunk for chunk in sentence.chunks if chunk.kind == "NP"), None)
        return first is not None and first.head in _BACKDROP

    def _pronoun_edits(self, sentence: Sentence) -> list[Edit]:
        edits: list[Edit] = []
        tokens = sentence.tokens
        for chunk in sentence.chunks:
            if (
                chunk.kind == "NP"
                and chunk.noun in ("person", "name")
                and chunk is not self.cast.chunk
                and self.cast.is_main(chunk)
            ):
                edits.extend(self._alias_edits(sentence, chunk) or self._noun_edits(chunk))
        if self.target:
            for index, token in enumerate(tokens):
                if token.low in _CASES and self._mine(token):
                    edits.extend(self._pronoun_edit(tokens, index))
        return sorted(edits, key=lambda edit: edit.start)

    def _mine(self, token: Token) -> bool:
        low = token.low
        if low in ("i", "me", "my", "mine", "myself"):
            return self.cast.pronoun == "i"
        if low in ("you", "your", "yourself"):
            return self.cast.pronoun == "you"
        if low in ("we", "us", "our"):
            return self.cast.pronoun == "we"
        if low.startswith("the"):
            return self.cast.pronoun == "they"
        return bool(self.cast.gender) and gender_of(low) == self.cast.gender

    def _pronoun_edit(self, tokens: list[Token], index: int) -> list[Edit]:
        token = tokens[index]
        case = _CASES[token.low]
        if case == -1:
            case = 2 if token.tag == "POSS" else 1
        elif case == -2:
            case = 2 if token.tag == "POSS" else 3
        word = _PRONOUNS[self.target][case]
        word = word.capitalize() if token.text[0].isupper() and (token.low != "i" or index == 0) else word
        edits = [Edit(token.start, token.end, word)]
        if case == 0 and token.low in ("they", "i", "you", "we"):
            edits.extend(self._agreement(tokens, index + 1))
        return edits

    def _agreement(self, tokens: list[Token], index: int) -> list[Edit]:
        """For instance "they wave and smile" -> "he waves and smiles"."""
        edits: list[Edit] = []
        start = index
        while index < len(tokens):
            token = tokens[index]
            if token.low in ("they", "i", "you", "we") or token.text in (".", ";") or token.tag == "SUB":
                break
            plural = self.target == "neutral"
            if token.tag == "AUX":
                table = _AUX_PLURAL if plural else _AUX_THIRD
                if token.low in table and tokens[index - 1].low != "to":
                    edits.append(Edit(token.start, token.end, table[token.low]))
                if index == start:
                    break
            elif (
                token.tag == "VERB"
                and token.form == "base"
                and not plural
                and not (index and tokens[index - 1].low == "to")
            ):
                edits.append(Edit(token.start, token.end, third_person(token.low)))
            index += 1
        return edits

    def _alias_edits(self, sentence: Sentence, chunk: Chunk) -> list[Edit]:
        """The apposition ", a woman" says nothing beside the subject and goes."""
        plain = len(chunk.tokens) <= 2 and chunk.head in lx.GENERIC_PEOPLE
        if plain and any(chunk is alias for alias in self.cast.aliases):
            before = sentence.text[: chunk.start].rstrip()
            if before.endswith(","):
                return [Edit(len(before) - 1, chunk.end, "")]
        return []

    def _noun_edits(self, chunk: Chunk) -> list[Edit]:
        """A later mention: "the woman" -> "the man" where the subject is a man; a name -> "the man"."""
        if chunk.head in _CASES or chunk.noun not in ("person", "name"):
            return []
        head = next(
            (token for token in reversed(chunk.tokens) if token.lemma == chunk.head), chunk.tokens[-1]
        )
        if chunk.noun == "name":
            capital = "The" if chunk.tokens[0].start == 0 else "the"
            return [Edit(chunk.tokens[0].start, head.end, f"{capital} {self.noun}")]
        gender = subject_gender(self.subject)
        if gender and gender_of(chunk.head) not in ("", gender):
            twin = own_noun(chunk.head, self.subject)
            return [Edit(head.start, head.end, twin if gender_of(twin) in ("", gender) else self.noun)]
        return []

    # --- prompts that name nobody -----------------------------------------------------------------

    def _without_mention(self, sentences: list[Sentence]) -> str:
        """Imperatives, bare actions, lists of words and pure scenes."""
        person: list[str] = []
        scenery: list[str] = []
        subject = self.subject
        for sentence in sentences:
            text = apply(sentence.text, self._pronoun_edits(sentence), 0, len(sentence.text))
            opening = self._action_opening(sentence, text)
            if opening and not person:
                person.append(join(subject, opening))
            elif not person and not scenery and len(sentences) > 1 and self._is_fragment(sentence):
                fragment = text if keeps_capital(text) else text[:1].lower() + text[1:]
                subject = f"{subject}, {fragment}".rstrip(".;")
            elif opening:
                person.append(
                    join(
                        {"male": "He", "female": "She"}.get(subject_gender(self.subject), "The person"),
                        opening,
                    )
                )
            elif person and not self._is_scenery(sentence):
                person.append(text)
            else:
                scenery.append(text)
        if not person and not scenery:
            return paragraph([subject])
        if not person:
            first, *rest = scenery
            first = (
                first
                if keeps_capital(first) or (len(first) > 1 and first[1].isupper())
                else first[:1].lower() + first[1:]
            )
            listed = "," in first and not any(
                token.tag == "AUX" or token.form in ("s", "past") for token in sentences[0].tokens
            )
            return paragraph([f"{subject}{', ' if listed else ' in this scene: '}{first}", *rest])
        return paragraph([*person, *scenery])

    def _is_fragment(self, sentence: Sentence) -> bool:
        """A few words without a finite verb, as in a list."""
        return len(sentence.tokens) <= 12 and not any(
            token.tag == "AUX" or token.form in ("s", "past", "base") for token in sentence.tokens
        )

    def _action_opening(self, sentence: Sentence, text: str) -> str:
        """The sentence as what the subject does, or "" when it begins with no verb."""
        tokens = sentence.tokens
        at = 0
        causative = CAUSATIVE_PRONOUN.match(text)
        if causative:
            return self._third(text[causative.end() :])
        while at < len(tokens) and (
            tokens[at].tag in ("ADV", "PUNCT", "CONJ") or tokens[at].low in ("please", "then")
        ):
            at += 1
        if at >= len(tokens):
            return ""
        token = tokens[at]
        lead = text[: token.start].strip(" ,").lower()
        lead = "" if lead in ("please", "and", "") else lead + " "
        body = text[token.start :]
        body = body[:1].lower() + body[1:]
        if token.tag == "VERB":
            openings = {"ing": f"is {lead}{body}", "base": lead + self._third(body)}
            return openings.get(token.form, lead + body)
        opens = token.tag in ("PREP", "REL") and token.low in ("with", "in", "who", "without", "at", "on")
        return body if opens else ""

    def _third(self, text: str) -> str:
        """The base verbs of an imperative in the third person: "wave and smile" -> "waves and smiles"."""
        tokens = parse(f"they {text}").tokens
        edits: list[Edit] = []
        for index, token in enumerate(tokens[1:], start=1):
            before = tokens[index - 1]
            verb = ""
            if token.tag == "AUX" and before.low != "to":
                verb = _AUX_THIRD.get(token.low, "")
            if token.low == "be" and index == 1:
                verb = "is"
            elif _is_command(tokens, index):
                verb = third_person(token.low)
            if verb:
                edits.append(Edit(token.start - 5, token.end - 5, verb))
        return apply(text, edits, 0, len(text))


def _decapitalized(chunk: Chunk, text: str) -> str:
    words = text[chunk.start : chunk.end]
    return words[:1].lower() + words[1:]


def _is_command(tokens: list[Token], index: int) -> bool:
    """Whether a token of "they wave and smile" is one of its base verbs, known or not."""
    token, before = tokens[index], tokens[index - 1]
    if token.tag == "VERB":
        known = (token.low, "base") in verb_readings(token.low) and token.form == "base"
        return known and before.low not in lx.MODALS and before.tag != "OPRON"
    if token.tag != "NOUN" or before.low not in ("and", "then", ",") or index + 2 >= len(tokens):
        return False
    after = tokens[index + 1]
    return after.tag in ("POSS", "DET", "OPRON") or after.low in ("out", "up", "down", "off", "away")
