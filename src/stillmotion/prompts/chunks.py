"""Sentences as chunks: noun phrases, verbs, the small words between them, and who the main character is."""

from __future__ import annotations

from dataclasses import dataclass, field

from stillmotion.prompts import lexicon as lx
from stillmotion.prompts.morphology import is_plural, singular
from stillmotion.prompts.tagging import tag
from stillmotion.prompts.tokens import Token, is_trade, noun_class
from stillmotion.prompts.wordlist import words

_QUANTIFIERS = words("""
    pair couple lot kind type sort variety mix mixture hint touch array bit set series piece number range
    combination group collection plenty dozen row bunch pop splash layer crowd
""")
_BACKDROPS = words("background backdrop wall paper curtain screen")
_PARTS_OF_HAIR = words("part parting fringe bang bangs")
_ON_A_FACE = words("on in into over round above across along under below beneath around between")
_NOUN_TAGS = ("NOUN", "NAME")


@dataclass(slots=True)
class Chunk:
    """A noun phrase ("NP"), adjectives alone ("AP"), or one word of another tag ("VERB", "PREP", "PUNCT")."""

    kind: str
    tokens: list[Token]
    head: str = ""
    noun: str = ""  # class of the head noun, see lexicon.NOUN_CLASSES
    inner: Chunk | None = None  # of "X of Y": Y
    modifiers: list[Token] = field(default_factory=list)
    role: str = ""  # of a person: "main" or "other"

    @property
    def own(self) -> list[Token]:
        """Of "a man of advanced age" the words "a man"; all words where nothing is attached."""
        if self.inner is None:
            return self.tokens
        return self.tokens[: -len(self.inner.tokens) - 1]

    @property
    def start(self) -> int:
        """First character in the sentence."""
        return self.tokens[0].start

    @property
    def end(self) -> int:
        """One past the last character."""
        return self.tokens[-1].end

    @property
    def low(self) -> str:
        """The chunk's words in lower case."""
        return " ".join(token.low for token in self.tokens)

    @property
    def determiner(self) -> str:
        """The first word if it is a determiner or possessive, in lower case."""
        first = self.tokens[0]
        return first.low if first.tag in ("DET", "POSS") else "their" if first.tag == "GEN" else ""

    @property
    def plural(self) -> bool:
        """Whether the head is a plural."""
        heads = [token for token in self.tokens if token.tag in _NOUN_TAGS and token.lemma == self.head]
        return bool(heads) and is_plural(heads[-1].text)


@dataclass(slots=True)
class Sentence:
    """A sentence: its text, tokens and chunks."""

    text: str
    tokens: list[Token]
    chunks: list[Chunk]


def parse(sentence: str) -> Sentence:
    """The chunks of one sentence."""
    tokens = tag(sentence)
    chunks: list[Chunk] = []
    index = 0
    while index < len(tokens):
        chunk, index = _next_chunk(tokens, index)
        chunks.append(chunk)
    return Sentence(sentence, tokens, _attach(chunks))


def _next_chunk(tokens: list[Token], index: int) -> tuple[Chunk, int]:
    token = tokens[index]
    if token.tag == "PRON" and token.low in lx.SUBJECT_PRONOUNS:
        noun = "thing" if token.low == "it" else "person"
        return Chunk("NP", [token], head=token.low, noun=noun), index + 1
    if token.tag in ("DET", "POSS", "NUM", "ADJ", "NOUN", "NAME", "GEN") or (
        token.tag == "ADV" and _leads_adjective(tokens, index)
    ):
        end = _noun_phrase_end(tokens, index)
        if end > index:
            return _noun_phrase(tokens[index:end]), end
    if token.tag == "OPRON":
        return Chunk("OPRON", [token], head=token.low), index + 1
    return Chunk(token.tag, [token], head=token.lemma), index + 1


def _leads_adjective(tokens: list[Token], index: int) -> bool:
    return index + 1 < len(tokens) and tokens[index + 1].tag == "ADJ"


def _noun_phrase_end(tokens: list[Token], index: int) -> int:
    """One past the last token of the noun phrase that begins here."""
    at, seen_noun = index, False
    while at < len(tokens):
        token = tokens[at]
        if (
            token.tag in ("DET", "POSS")
            and at > index
            and (seen_noun or tokens[at - 1].tag not in ("DET", "PUNCT"))
        ):
            break
        if token.tag in _NOUN_TAGS:
            seen_noun = True
        elif token.tag == "GEN":
            if at > index and _is_person(tokens[at - 1]) and not _names_garment(tokens, index, at):
                break
            seen_noun = False
        elif token.tag in ("ADJ", "NUM"):
            if seen_noun:
                break
        elif token.tag in ("PUNCT", "CONJ"):
            if not (
                token.low in (",", "and", "&", "or")
                and not seen_noun
                and at > index
                and tokens[at - 1].tag in ("ADJ", "PUNCT")
                and (_adjectives_then_noun(tokens, at + 1) or _only_adjectives(tokens, index, at + 1))
            ):
                break
        elif token.tag == "ADV":
            if seen_noun or not _leads_adjective(tokens, at):
                break
        elif token.tag not in ("DET", "POSS"):
            break
        at += 1
    return at


def _is_person(token: Token) -> bool:
    return token.tag == "NAME" or noun_class(token.lemma) == "person"


def _names_garment(tokens: list[Token], index: int, at: int) -> bool:
    """For instance "a black chef's jacket": the trade tells the kind of garment, it owns nothing."""
    after = tokens[at + 1] if at + 1 < len(tokens) else None
    return (
        after is not None
        and tokens[index].low in ("a", "an")
        and is_trade(tokens[at - 1].lemma)
        and noun_class(after.lemma or after.low) == "garment"
    )


def _only_adjectives(tokens: list[Token], index: int, after: int) -> bool:
    """For instance "long and curly", "soft, natural": a predicate of adjectives alone."""
    return (
        all(token.tag in ("ADJ", "ADV", "PUNCT", "CONJ") for token in tokens[index:after])
        and after < len(tokens)
        and (tokens[after].tag == "ADJ" or _leads_adjective(tokens, after))
        and tokens[after - 1].low == "and"
    )


def _adjectives_then_noun(tokens: list[Token], index: int) -> bool:
    """Whether only adjectives stand before the next noun: "(long, )flowing red dress"."""
    seen = False
    while index < len(tokens) and (
        tokens[index].tag == "ADJ"
        or (tokens[index].low in ("and", ",", "&") and index + 1 < len(tokens))
        or (tokens[index].tag == "ADV" and _leads_adjective(tokens, index))
    ):
        seen = seen or tokens[index].tag == "ADJ"
        index += 1
    if index + 1 < len(tokens) and tokens[index].tag == "NAME":
        index += 1  # "Breton" of "white striped Breton top"
    return seen and index < len(tokens) and tokens[index].tag == "NOUN"


def _noun_phrase(tokens: list[Token]) -> Chunk:
    nouns = [token for token in tokens if token.tag in _NOUN_TAGS]
    if not nouns:
        return Chunk(
            "AP", tokens, head=tokens[-1].low, modifiers=[t for t in tokens if t.tag in ("ADJ", "ADV")]
        )
    head = nouns[-1]
    lemma = head.lemma
    noun = "name" if head.tag == "NAME" else noun_class(head.lemma)
    if len(nouns) > 1:
        compound = f"{nouns[-2].lemma}-{head.lemma}"
        found = next((name for name, table in lx.NOUN_CLASSES if compound in table), "")
        if found:
            noun, lemma = found, compound
    modifiers = [
        t for t in tokens[: tokens.index(head)] if t.tag in ("ADJ", "NOUN", "NAME", "NUM", "ADV", "CONJ")
    ]
    return Chunk("NP", tokens, head=lemma, noun=noun, modifiers=modifiers)


def _attach(chunks: list[Chunk]) -> list[Chunk]:
    """One phrase of two that are one thing: "cup of coffee", "shirt with a collar", "scar on her chin"."""
    merged: list[Chunk] = []
    for chunk in chunks:
        if (
            chunk.kind == "NP"
            and len(merged) >= 2
            and merged[-2].kind == "NP"
            and merged[-1].kind == "PREP"
            and _belongs(chunk, merged[-1].low, merged[-2])
        ):
            preposition, outer = merged.pop(), merged.pop()
            merged.append(_whole(outer, preposition, chunk))
        else:
            merged.append(chunk)
    return merged


def _belongs(chunk: Chunk, preposition: str, outer: Chunk) -> bool:
    """Whether a noun phrase is part of the one before. Pictures of people stay apart."""
    if preposition == "of":
        return outer.noun not in ("camera", "style", "name") and not (
            chunk.noun == "person" and outer.head not in _QUANTIFIERS | lx.SOUNDS | lx.GROUPS
        )
    if outer.head == "studio" and chunk.head in _BACKDROPS:
        return preposition in ("with", "against", "in front of", "before")
    if preposition == "with":
        parted = outer.head in lx.HAIR and chunk.head in _PARTS_OF_HAIR
        return parted or (outer.noun == "garment" and chunk.head in lx.GARMENT_PARTS)
    return outer.noun == "face" and chunk.noun in ("face", "body") and preposition in _ON_A_FACE


def _whole(outer: Chunk, preposition: Chunk, inner: Chunk) -> Chunk:
    """The phrase of both: it is what `outer` is, but "a pair of glasses" and "a few days of beard" are
    what they measure.
    """
    tokens = outer.tokens + preposition.tokens + inner.tokens
    rest = inner if outer.inner is None else _whole(outer.inner, preposition, inner)
    whole = Chunk("NP", tokens, outer.head, outer.noun, rest, outer.modifiers)
    grown = inner.head in lx.HAIR and outer.noun not in ("person", "garment", "face")
    if preposition.low == "of" and (outer.head in _QUANTIFIERS or grown):
        whole.head, whole.noun = inner.head, inner.noun
    return whole


def gender_of(word: str) -> str:
    """For instance "female", "male" or "" of a singular noun or pronoun."""
    lemma = singular(word)
    return "female" if lemma in lx.FEMALE else "male" if lemma in lx.MALE else ""


def subject_gender(subject: str) -> str:
    """For instance "male" for "A man", "female" for "A woman", "" for "A person"."""
    return gender_of(subject.rsplit(None, 1)[-1])


def possessive(subject: str) -> str:
    """For instance "his", "her" or "their"."""
    return {"male": "his", "female": "her"}.get(subject_gender(subject), "their")


_FEMININE_TWINS = {male: female for female, male in lx.GENDER_TWINS.items()}


def own_noun(noun: str, subject: str) -> str:
    """A noun in the subject's gender: "waitress" of a man is "waiter"; others stay."""
    gender = subject_gender(subject)
    if not gender or gender_of(noun) in ("", gender):
        return noun
    return (lx.GENDER_TWINS if gender == "male" else _FEMININE_TWINS).get(noun, noun)


@dataclass(slots=True)
class Cast:
    """The main character as the prompt words it: where first named, by which noun, of which gender."""

    sentence: int = -1
    chunk: Chunk | None = None
    noun: str = ""
    gender: str = ""
    pronoun: str = ""  # he, she, they, i or you, as the prompt has it
    aliases: list[Chunk] = field(default_factory=list)  # of "the gardener, a woman ...": the woman

    def is_main(self, chunk: Chunk) -> bool:
        """Whether this noun phrase or pronoun names the main character."""
        if chunk is self.chunk or any(chunk is alias for alias in self.aliases):
            return True
        word = chunk.head
        if word in _GENDERED_PRONOUNS:
            return gender_of(word) == self.gender or not self.gender
        if word in _OTHER_PRONOUNS:
            return word in _PRONOUN_FORMS.get(self.pronoun, ())
        if chunk.plural or any(token.low in _NOT_MAIN for token in chunk.tokens):
            return False
        if chunk.noun == "name" or chunk.tokens[-1].tag == "NAME":
            return self.chunk is not None and any(token.low == word for token in self.chunk.tokens)
        return chunk.noun == "person" and chunk.determiner not in lx.POSSESSIVES and self._is_noun(chunk)

    def _is_noun(self, chunk: Chunk) -> bool:
        """Whether a noun for one person means the main character: "the woman", "the individual"."""
        word, definite = chunk.head, chunk.determiner == "the"
        gender = gender_of(word)
        if word in lx.GENERIC_PEOPLE and word not in _GENDERED_NOUNS:
            return chunk.determiner not in lx.INDEFINITE or self.noun == word
        if word == self.noun:
            return True
        if not definite:
            return False
        open_gender = not self.gender and self.noun in lx.GENERIC_PEOPLE
        return any(alias.head == word for alias in self.aliases) or (
            bool(gender) and (gender == self.gender or open_gender)
        )


_GENDERED_PRONOUNS = words("he she him her his himself herself")
_OTHER_PRONOUNS = words("they them themselves themself i you me us we who someone somebody it")
_GENDERED_NOUNS = words("man woman guy lady gentleman male female")
_NOT_MAIN = words("another other second third several many")
_PRONOUN_FORMS = {
    "they": ("they", "them", "themselves", "themself"),
    "i": ("i", "me"),
    "you": ("you",),
    "we": ("we", "us"),
}


def find_cast(sentences: list[Sentence], subject_gender: str = "") -> Cast:
    """The main character: the first single person who does something, else the first person or pronoun at
    all.

    Where two stand side by side ("a man and a woman dance"), the one of the subject's gender is taken.
    """
    ranked: list[tuple[int, int, int, Chunk]] = []
    for at, sentence in enumerate(sentences):
        for position, chunk in enumerate(sentence.chunks):
            rank = _candidate_rank(sentence.chunks, position)
            if rank is not None:
                ranked.append((rank, at, position, chunk))
    if not ranked:
        return _cast_from_pronouns(sentences)
    best = min(ranked, key=lambda item: item[:3])
    if subject_gender and gender_of(best[3].head) not in ("", subject_gender):
        chunks = sentences[best[1]].chunks
        for other in ranked:
            between = chunks[best[2] + 1 : other[2]] if other[1] == best[1] and other[2] > best[2] else []
            if len(between) == 1 and between[0].low == "and" and gender_of(other[3].head) == subject_gender:
                best = other
                break
    chunk = best[3]
    cast = Cast(best[1], chunk, noun=chunk.head, gender=gender_of(chunk.head))
    if chunk.head in ("i", "you", "they", "he", "she", "we"):
        cast.pronoun = chunk.head
    cast.aliases = _aliases(chunk, sentences[best[1]].chunks)
    for alias in cast.aliases:
        cast.gender = cast.gender or gender_of(alias.head)
    _complete_cast(cast, sentences)
    return cast


def _aliases(main: Chunk, chunks: list[Chunk]) -> list[Chunk]:
    """Noun phrases that name the main character again: an apposition or what "is" says."""
    at = next(index for index, chunk in enumerate(chunks) if chunk is main)
    following = chunks[at + 1 : at + 4]
    if len(following) < 2 or following[1].kind != "NP" or following[1].noun != "person":
        return []
    link, other = following[0], following[1]
    apposed = (
        link.low == ","
        and other.determiner in ("a", "an", "the")
        and len(following) > 2
        and following[2].low
        in (",", "with", "in", "who", "wearing", "dressed", "clad", "of", "from", "sporting")
    )
    predicate = link.kind == "AUX" and link.low in lx.BE_FORMS
    same = not (gender_of(main.head) and gender_of(other.head)) or gender_of(main.head) == gender_of(
        other.head
    )
    return [other] if (apposed or predicate) and same and not other.plural else []


def _candidate_rank(chunks: list[Chunk], position: int) -> int | None:
    """How well a chunk serves as the main character, 0 best; None when it is no person."""
    chunk = chunks[position]
    if (
        chunk.kind != "NP"
        or chunk.noun not in ("person", "name")
        or chunk.head in ("who", "it", "everyone", "everybody", "nobody")
    ):
        return None
    before = chunks[position - 1] if position else None
    in_pp = (
        before is not None
        and before.kind == "PREP"
        and not (
            before.low == "of"
            and position >= 2
            and chunks[position - 2].noun in ("camera", "style", "abstract", "expression")
        )
    )
    if chunk.noun == "name":
        after = chunks[position + 1] if position + 1 < len(chunks) else None
        apposed = (
            position + 2 < len(chunks)
            and chunks[position + 2].noun == "person"
            and bool(chunks[position + 2].determiner)
        )
        acts = after is not None and (
            after.kind in ("VERB", "AUX", "ADV", "REL")
            or after.low in ("with", "in")
            or (after.low == "," and apposed)
            or after.tokens[0].tag == "GEN"
        )
        return 0 if acts and not in_pp else None
    if chunk.tokens[0].tag == "GEN":
        in_pp = True
    if chunk.determiner in ("his", "her", "their", "my", "your"):
        in_pp = True
    many = chunk.plural or chunk.head in (
        "people",
        "crowd",
        "audience",
        "group",
        "public",
        "staff",
        "team",
        "class",
        "band",
        "family",
    )
    return (2 if in_pp else 0) + (4 if many else 0)


def _complete_cast(cast: Cast, sentences: list[Sentence]) -> None:
    """Gender and pronoun from the pronouns, where the noun leaves them open ("an individual ... she")."""
    if not cast.gender:
        cast.gender = _gender_by_pronouns(cast, sentences)
    if not cast.pronoun:
        cast.pronoun = {"female": "she", "male": "he"}.get(cast.gender, "they")
        if not cast.gender and _plural_people_before_they(sentences):
            cast.pronoun = ""


def _gender_by_pronouns(cast: Cast, sentences: list[Sentence]) -> str:
    """The gender of the first "he", "her" ..., if nobody else was named before whom it could mean."""
    for sentence in sentences:
        for chunk in sentence.chunks:
            for token in chunk.tokens:
                if token.low in _GENDERED_PRONOUNS:
                    return gender_of(token.low)
            if chunk.kind == "NP" and chunk.noun == "person" and not chunk.plural and not cast.is_main(chunk):
                return ""
    return ""


def _plural_people_before_they(sentences: list[Sentence]) -> bool:
    """Whether "they" may mean several people, named before."""
    for sentence in sentences:
        for chunk in sentence.chunks:
            if chunk.low in ("they", "their", "them") or chunk.determiner == "their":
                return False
            if chunk.plural and chunk.noun == "person":
                return True
    return False


def _cast_from_pronouns(sentences: list[Sentence]) -> Cast:
    for sentence in sentences:
        for token in sentence.tokens:
            if token.low in ("her", "his", "him", "their", "them", "my", "me", "your"):
                gender = gender_of(token.low)
                pronoun = {"their": "they", "them": "they", "my": "i", "me": "i", "your": "you"}.get(
                    token.low, "she" if gender == "female" else "he"
                )
                return Cast(gender=gender, pronoun=pronoun)
    return Cast()
