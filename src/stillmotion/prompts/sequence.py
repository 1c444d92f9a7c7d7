"""What a motion prompt says happens one after another: "She smiles, then turns her head" is two deeds.

Video models of little capacity show one of two deeds that they are told at once, either. Told one after the
other, as the segments of a timed prompt are, each has frames of its own.

A link ("then", "after that", "before") begins a deed where a clause comes behind it ("she waves", "turning
her head", "the camera zooms in") and a deed stands before it. What is told in another order than it happens
("after nodding she waves") stays whole.
"""

from __future__ import annotations

from dataclasses import dataclass

from stillmotion.prompts import lexicon_verbs as lv
from stillmotion.prompts.chunks import gender_of, subject_gender
from stillmotion.prompts.morphology import singular, third_person, verb_readings
from stillmotion.prompts.plan import Plan, Segment
from stillmotion.prompts.tagging import tag
from stillmotion.prompts.text import sentences
from stillmotion.prompts.tokens import FUNCTION_WORDS, is_noun, noun_class
from stillmotion.prompts.wordlist import words

_LINKS = words("then next finally lastly subsequently thereafter eventually later afterward afterwards")
_SPAN = words("""
    a an few some one two three couple of short brief little moment moments second seconds instant minute
    minutes bit while pause beat shortly soon right just
""")
_OTHER_THEN = words("back since by until till even if or")
"""Before "then" they make it no link: "back then", "even then"."""
_ALONG = words("also just again suddenly soon very quite still even once more half almost too now")
_ASIDE = words("with without in after")
_JOINED = (" and", " but", ",", ";", "-", "\u2013", "\u2014")
_OWN = words("man woman person individual subject figure girl boy lady guy gentleman")
_SINGULAR = {
    "are": "is",
    "have": "has",
    "do": "does",
    "were": "was",
    "'re": "is",
    "'s": "is",
    "don't": "doesn't",
}
_GIVEN = lv.ALONE | words("wave bow kiss look glance")
_FAR = 12
"""How many words of a clause are looked at, so that a text of links alone takes no time."""


@dataclass(frozen=True, slots=True)
class _Clause:
    """A deed: the word it begins with, what is said first, and the character where its own words go on."""

    begin: int
    opening: str
    rest: int


def deeds_of(temporal: str, subject: str) -> list[str]:
    """The texts of what happens one after another, each a sentence of ``subject`` ("A woman") or of what else
    it names; the whole text alone where nothing follows anything.
    """
    deeds: list[str] = []
    acts = False
    for text in sentences(temporal):
        sentence = _Sentence(text, subject)
        same, *others = sentence.parts(follows=acts)
        if same:
            deeds = [*deeds[:-1], f"{deeds[-1]} {same}"] if deeds else [same]
        deeds += others
        acts = acts or any(sentence.is_deed(at) for at in range(len(sentence.tokens)))
    return deeds if len(deeds) > 1 else [temporal]


def in_turn(plan: Plan, num_frames: int, fps: float, least: int) -> Plan:
    """The plan with a segment for each of its deeds, as long as each other and ``least`` frames or more:
    where there are too many deeds, neighbours share one. A plan with a timeline, or of one deed, is left as
    it is.
    """
    if plan.segments or plan.writer == "raw":
        return plan
    deeds = deeds_of(plan.temporal, plan.subject)
    count = min(len(deeds), (num_frames - 1) // least)
    if count < 2:
        return plan
    shares = [deeds[len(deeds) * at // count : len(deeds) * (at + 1) // count] for at in range(count)]
    length = num_frames / fps / count
    segments = tuple(
        Segment(start=at * length, end=(at + 1) * length, text=" ".join(some))
        for at, some in enumerate(shares)
    )
    return plan.model_copy(update={"segments": segments})


class _Sentence:
    """One sentence's words, asked for links and for the clauses behind them."""

    def __init__(self, text: str, subject: str) -> None:
        self.text, self.subject = text, subject
        self.tokens = tag(text)

    def parts(self, follows: bool) -> list[str]:
        """What goes on with the deed that the sentence ``follows``, "" where it begins with one of its own,
        and every deed that begins here.
        """
        parts: list[str] = []
        opening, begin, at, acts = "", 0, 0, False
        while at < len(self.tokens):
            end = self._link_end(at)
            clause = self._clause(self._link_begin(at), end, self._low(at)) if end else None
            if clause and (acts or (follows and clause.begin == 0)):
                said = self.text[begin : self.tokens[clause.begin].start]
                parts.append(_sentence(opening + said) if clause.begin else "")
                opening, begin, acts = clause.opening, clause.rest, False
            acts = acts or self.is_deed(at)
            at = max(end, at + 1)
        return [*parts, _sentence(opening + self.text[begin:])]

    def _low(self, at: int) -> str:
        return self.tokens[at].low if 0 <= at < len(self.tokens) else ""

    def _tag(self, at: int) -> str:
        return self.tokens[at].tag if 0 <= at < len(self.tokens) else ""

    # --- links ------------------------------------------------------------------------------------

    def _link_end(self, at: int) -> int:
        """One past the link whose main word this is; 0 where it is none."""
        low, before, after = self._low(at), self._low(at - 1), self._low(at + 1)
        if low in _LINKS:
            now_and_then = before == "and" and self._low(at - 2) == "now"
            inner = before in _OTHER_THEN or self._tag(at - 1) in ("DET", "POSS", "PREP")  # "the next (room)"
            return 0 if inner or now_and_then else at + 1
        if low in ("after", "following"):
            end = at + 1
            while end < at + 6 and self._low(end) in _SPAN:
                end += 1
            brief = end > at + 2 or before in _SPAN  # "after a moment", "moments after"
            return at + 2 if after in ("that", "this", "which") else end if brief else 0
        if low == "followed" and after == "by":
            return at + 2
        joined = "and" in (before, self._low(at - 2) if before == "," else "")  # "and before leaving nods"
        stands = self._tag(at - 1) == "VERB" and self.tokens[at - 1].lemma in lv.POSTURE
        return at + 1 if low == "before" and at and not joined and not stands else 0

    def _link_begin(self, at: int) -> int:
        """The first word of a link: "a few moments later", "shortly after that", "and only then"."""
        begin = at - (self._low(at) == "then" and self._low(at - 1) in ("only", "just"))
        timed = self._low(at) in ("later", "after", "afterward", "afterwards")
        while timed and at - begin < 6 and self._low(begin - 1) in _SPAN:
            begin -= 1
        return 0 if begin == 1 and self._tag(0) == "CONJ" else begin

    # --- clauses ----------------------------------------------------------------------------------

    def _clause(self, begin: int, end: int, link: str) -> _Clause | None:
        """The clause that a link begins; None where none comes behind it: "then to the left"."""
        paused = self._low(end) == ","
        start = end + paused
        verb = self._past_adverbs(start)
        at = self._past_aside(verb)
        if at >= len(self.tokens):
            return None
        told, rest = self.subject + (", " if at > verb else " "), self.tokens[start].start
        form = self._form(at)
        if self._tag(at) == "PRON" or self._opens_other(at):
            return self._of_subject(at, begin) if at == start else _Clause(begin, "", rest)
        if form == "ing":
            return None if paused or at > verb else _Clause(begin, f"{self.subject} is ", rest)
        if form:
            subject = self._subject_before(begin) if link in _LINKS else begin
            if subject == begin:
                return _Clause(begin, told, rest)
            said = self.text[self.tokens[subject].start : self.tokens[begin - 1].end]
            return _Clause(subject, f"{self.subject if self._is_own(subject) else said} ", rest)
        given = self._low(at) in ("a", "an") and self._gives(at)
        return _Clause(begin, f"{self.subject} gives ", self.tokens[at].start) if given else None

    def _past_adverbs(self, at: int) -> int:
        """The first word behind adverbs that are no directions: "slowly and quietly (turns)"."""
        first = at
        while at < first + _FAR:
            adverb = self._tag(at) == "ADV" and (self._low(at).endswith("ly") or self._low(at) in _ALONG)
            joins = at > first and self._low(at) in (",", "and") and self._tag(at - 1) == "ADV"
            if not adverb and not joins:
                break
            at += 1
        return at

    def _past_aside(self, at: int) -> int:
        """The first word behind "with a sigh" or "after a pause,", else ``at``."""
        if self._low(at) in _ASIDE:
            for end in range(at + 1, min(at + _FAR, len(self.tokens))):
                if self._low(end) == "," or self._tag(end) == "PRON":
                    return end + (self._low(end) == ",")
        return at

    def _form(self, at: int) -> str:
        """The form of a verb that needs no subject behind a link: s, past, ing, "" for other words."""
        low, tag_ = self._low(at), self._tag(at)
        if tag_ == "AUX":
            return "s"
        if not low.isalpha() or low in FUNCTION_WORDS or tag_ == "ADV":
            return ""
        forms = {form for _, form in verb_readings(low)}
        unknown = not forms and not is_noun(low) and tag_ in ("VERB", "NOUN") and low.endswith("s")
        if "s" in forms or unknown:
            return "" if self._are_many(at) else "s"
        if "ing" in forms or (tag_ == "VERB" and low.endswith("ing")):
            return "ing"
        return "past" if "past" in forms and tag_ in ("VERB", "ADJ") else ""

    def _may_act(self, at: int) -> bool:
        """Whether a word may be a verb in the plural."""
        low = self._low(at)
        return low not in FUNCTION_WORDS and any(form == "base" for _, form in verb_readings(low))

    def _are_many(self, at: int) -> bool:
        """Whether a plural stands here that acts: "tears run", but not "drinks water"."""
        low, after = self._low(at), self._low(at + 1)
        act = self._may_act(at + 1) and (not is_noun(after) or noun_class(singular(after)) == "action")
        return act and is_noun(low) and singular(low) != low

    def _opens_other(self, at: int) -> bool:
        """Whether a noun phrase with a verb of its own stands here: "the camera zooms", "tears run"."""
        if self._tag(at) not in ("DET", "POSS", "NUM", "NAME") and not self._are_many(at):
            return False
        for verb in range(at + 1, min(at + _FAR, len(self.tokens))):
            token, before = self.tokens[verb], self.tokens[verb - 1]
            if token.tag in ("PUNCT", "SUB", "REL") or token.low in ("then", "with"):
                return False
            forms = {form for _, form in verb_readings(token.low)}
            many = singular(before.low) != before.low
            finite = token.tag == "AUX" or (token.tag == "VERB" and token.form in ("s", "past"))
            acts = before.tag in ("NOUN", "NAME") and token.tag not in ("PREP", "TO", "CONJ")
            if self._are_many(verb - 1) or finite or (acts and forms & ({"s", "base"} if many else {"s"})):
                return True
        return False

    def _is_own(self, at: int) -> bool:
        """Whether this word names the subject: "she" of "A woman", "the man" of "A man"."""
        own, low = subject_gender(self.subject), self._low(at)
        if low == "the" and self._low(at + 1) in _OWN:
            low = self._low(at + 1)
            return gender_of(low) in ("", own) or not own
        return low in ("he", "she", "they") and (gender_of(low) == own or not own)

    def _of_subject(self, at: int, begin: int) -> _Clause:
        """A clause with its subject, which gives way to the text's where it is the same."""
        after = at + (2 if self._low(at) == "the" else 1)
        verb = self._past_adverbs(after)
        if not self._is_own(at) or verb >= len(self.tokens):
            return _Clause(begin, "", self.tokens[at].start)
        low, ends = self._low(verb), self.tokens[verb].end
        between = self.text[self.tokens[after].start : self.tokens[verb].start]
        if low == "'s" or (self._low(at) == "they" and (low in _SINGULAR or self._may_act(verb))):
            return _Clause(begin, f"{self.subject} {between}{_SINGULAR.get(low) or third_person(low)}", ends)
        return _Clause(begin, f"{self.subject} ", self.tokens[after].start)

    def _subject_before(self, at: int) -> int:
        """Where the subject begins that stands before a link: "she (then waves)"; ``at`` where none does."""
        first = at - 1
        if self._tag(first) == "PRON" and self._low(first) != "it":
            return first
        while at - first < _FAR and self._tag(first) in ("NOUN", "NAME", "ADJ", "NUM"):
            first -= 1
        opens = first == 0 or (self._low(first - 1) == "and" and self._low(first - 2) == ",")
        return first if opens and first < at - 1 and self._tag(first) in ("DET", "POSS") else at

    def _gives(self, at: int) -> bool:
        """Whether a noun phrase names a deed: "a slow nod"."""
        while self._tag(at) in ("DET", "ADJ", "ADV"):
            at += 1
        return self._low(at) in _GIVEN

    def is_deed(self, at: int) -> bool:
        """Whether a word says that something happens, or how one is, and not what one wears."""
        token = self.tokens[at]
        after = self.tokens[at + 1] if at + 1 < len(self.tokens) else None
        if token.tag == "AUX":
            return after is None or after.lemma not in lv.WEAR
        return token.tag == "VERB" and token.lemma not in lv.WEAR and token.form != "part"


def _sentence(text: str) -> str:
    """A text as a sentence, without the marks and words that joined it to the next."""
    text = text.strip()
    while text.endswith(_JOINED):
        text = text.removesuffix("and").removesuffix("but").rstrip(" ,;-\u2013\u2014")
    text = text[:1].upper() + text[1:]
    return text if not text or text[-1] in '.!?\u2026"\u201d' else f"{text}."
