"""The phrases of the bilingual notices: words by part, spelling, and noun phrases that agree.

A `Scene` holds what one notice is about and builds its noun phrases in both
languages at once. French is first written without elision or contraction
("de le école"); `spell_french` gives each word the form its neighbour asks for.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from course_utils.world.draw import Draw, Part, Split, split
from course_utils.world.lexicons import bilingual as lexicon
from course_utils.world.lexicons.bilingual import Adjective, Noun, Pair, Verb

CLASSES = ("thing", "animal", "place", "person", "food", "event")
LETTERS = {"thing": "t", "animal": "a", "place": "l", "person": "p", "food": "f", "event": "e"}


class NP(NamedTuple):
    """A noun phrase as a subject, an object or a possessor."""

    english: str
    french: str
    person: int = 1  # row of a conjugation table: je, il, nous, vous, ils
    feminine: bool = False
    own: str = "their"  # the possessive that refers to it

    @property
    def plural(self) -> bool:
        return self.person in (2, 4)


# --- the words of a part --------------------------------------------------------------------------

NOUNS: dict[str, Split[Noun]] = {
    kind: split((lexicon.noun(entry, kind) for entry in lexicon.entries(table)), key=f"bilingual {kind}")
    for kind, table in lexicon.NOUNS.items()
}
ADJECTIVES: dict[bool, Split[Adjective]] = {
    before: split(
        (lexicon.adjective(entry, before) for entry in lexicon.entries(table)),
        key=f"bilingual adjectives {before}",
    )
    for before, table in ((True, lexicon.BEFORE), (False, lexicon.AFTER))
}
TRANSITIVE = split(
    (lexicon.verb(entry) for entry in lexicon.entries(lexicon.TRANSITIVE)), key="bilingual transitive"
)
INTRANSITIVE = split(
    (lexicon.verb(entry) for entry in lexicon.entries(lexicon.INTRANSITIVE)), key="bilingual intransitive"
)
DITRANSITIVE = split(
    (lexicon.verb(entry) for entry in lexicon.entries(lexicon.DITRANSITIVE)), key="bilingual ditransitive"
)


class Words:
    """The words of one part, sorted as the grammar asks for them."""

    def __init__(self, part: Part):
        self.nouns = {
            (kind, plural): tuple(n for n in nouns.part(part) if not (plural and n.mass))
            for kind, nouns in NOUNS.items()
            for plural in (False, True)
        }
        self.adjectives = {
            (kind, before): tuple(a for a in ADJECTIVES[before].part(part) if LETTERS[kind] in a.classes)
            for kind in CLASSES
            for before in (False, True)
        }
        for before in (False, True):  # bread is neither round nor tiny
            self.adjectives["mass", before] = tuple(
                a for a in self.adjectives["food", before] if a.english not in lexicon.OF_SHAPE
            )
        self.predicates = {
            kind: self.adjectives[kind, True] + self.adjectives[kind, False] for kind in (*CLASSES, "mass")
        }
        self.transitive = {
            kind: tuple(v for v in TRANSITIVE.part(part) if LETTERS[kind] in v.classes) for kind in CLASSES
        }
        self.requested = {
            (kind, wish): tuple(
                v
                for v in verbs
                if v.infinitive not in (lexicon.ACCIDENTS | lexicon.MISHAPS if wish else lexicon.ACCIDENTS)
            )
            for kind, verbs in self.transitive.items()
            for wish in (True, False)
        }
        self.intransitive, self.ditransitive = INTRANSITIVE.part(part), DITRANSITIVE.part(part)


PARTS: tuple[Part, ...] = ("all", "shown", "unseen")
WORDS = {part: Words(part) for part in PARTS}


# --- spelling: elision, contraction, capitals -----------------------------------------------------

_ELIDED = {"le": "l'", "la": "l'", "de": "d'", "ne": "n'", "que": "qu'", "je": "j'"}
_BEFORE_VOWEL = {"ma": "mon", "ta": "ton", "sa": "son", "ce": "cet"}
_CONTRACTED = {("de", "le"): "du", ("de", "les"): "des", ("à", "le"): "au", ("à", "les"): "aux"}


@cache
def sounds_vowel(word: str) -> bool:
    """Whether "le" and "de" lose their vowel before this French word."""
    return (
        word[0] in "aeiouâàéèêîôûœh" and word.split(" ")[0].rstrip(",") not in lexicon.ASPIRATE or word == "y"
    )


def spell_french(text: str, end: str = ".") -> str:
    """A sentence from words without elision and contraction: "à le marché" → "Au marché."."""
    out: list[str] = []
    following = ""
    for word in reversed(text.split()):
        if following:
            contracted = _CONTRACTED.get((word, following))
            if contracted is not None:
                following = out[-1] = contracted
                continue
            if (word in _ELIDED or word in _BEFORE_VOWEL) and sounds_vowel(following):
                if word in _BEFORE_VOWEL:
                    word = _BEFORE_VOWEL[word]
                else:
                    out[-1] = word = _ELIDED[word] + out[-1]
                    following = word
                    continue
            elif word == "si" and following in ("il", "ils"):
                out[-1] = following = "s'" + following
                continue
        out.append(word)
        following = word
    out.reverse()
    sentence = " ".join(out)
    return sentence[0].upper() + sentence[1:] + (end if end == "." else " " + end)


def spell_english(text: str, end: str = ".") -> str:
    """A sentence from words in which every "a" is still to become "a" or "an"."""
    words = text.split()
    for i in range(len(words) - 1):
        following = words[i + 1]
        if words[i] == "a" and (
            following[0] in "aeiou" and not following.startswith("use") or following == "honest"
        ):
            words[i] = "an"
    sentence = " ".join(words)
    return sentence[0].upper() + sentence[1:] + end


# --- noun phrases ---------------------------------------------------------------------------------

# English singular and plural, French masculine, feminine and plural.
DETERMINERS = {
    "the": ("the", "the", "le", "la", "les"),
    "this": ("this", "these", "ce", "cette", "ces"),
    "a": ("a", "", "un", "une", "des"),
    "any": ("a", "any", "de", "de", "de"),
    "mass": ("", "", "de le", "de la", "des"),
    "any mass": ("any", "any", "de", "de", "de"),
    "my": ("my", "my", "mon", "ma", "mes"),
    "our": ("our", "our", "notre", "notre", "nos"),
    "his": ("his", "his", "son", "sa", "ses"),
    "her": ("her", "her", "son", "sa", "ses"),
    "its": ("its", "its", "son", "sa", "ses"),
    "their": ("their", "their", "leur", "leur", "leurs"),
    "your": ("your", "your", "votre", "votre", "vos"),
    "": ("", "", "", "", ""),
}
NUMBERS = tuple(tuple(number.split()) for number in lexicon.NUMBERS)
DETERMINERS |= {english: (english, english, french, french, french) for english, french in NUMBERS}
COUNTS = tuple(english for english, _ in NUMBERS)
_PLACES = tuple(tuple(entry.split(" = ")) for entry in lexicon.PREPOSITIONS)
_DAYS = tuple(tuple(day.split()) for day in lexicon.DAYS)
_TIMES: dict[str, tuple[Pair, ...]] = {
    "past": (
        ("yesterday", "hier"),
        ("this morning", "ce matin"),
        ("last week", "la semaine dernière"),
        ("last night", "la nuit dernière"),
        *((f"last {en}", f"{fr} dernier") for en, fr in _DAYS),
        *((f"{en} days ago", f"il y a {fr} jours") for en, fr in NUMBERS[:7]),
    ),
    "present": (
        ("every day", "tous les jours"),
        ("every week", "chaque semaine"),
        ("at night", "la nuit"),
        ("in the morning", "le matin"),
        ("in winter", "en hiver"),
        ("in summer", "en été"),
        *((f"on {en}s", f"le {fr}") for en, fr in _DAYS),
    ),
    "future": (
        ("tomorrow", "demain"),
        ("tonight", "ce soir"),
        ("next week", "la semaine prochaine"),
        ("next year", "l'année prochaine"),
        *((f"next {en}", f"{fr} prochain") for en, fr in _DAYS),
        *((f"in {en} days", f"dans {fr} jours") for en, fr in NUMBERS[:7]),
    ),
}
HOURS: tuple[Pair, ...] = (
    ("at noon", "à midi"),
    ("at midnight", "à minuit"),
    *((f"at {en} o'clock", f"à {fr} heures") for en, fr in NUMBERS[3:10]),
    *((f"at half past {en}", f"à {fr} heures et demie") for en, fr in NUMBERS[3:10]),
)

_I, _WE, _YOU = (
    NP("I", "je", 0, False, "my"),
    NP("we", "nous", 2, False, "our"),
    NP("you", "vous", 3, False, "your"),
)


def _described(noun: Noun) -> str:
    return "mass" if noun.mass else noun.kind


class Structure(NamedTuple):
    """What a sentence is apart from its words; rows "unseen" use structures that no "shown" row has."""

    kind: str
    tense: str  # "past", "present", "future" or ""
    polarity: str  # "yes", "not", "never", "longer" or ""
    number: str  # of the theme: "singular", "plural"
    adjective: str  # of the theme: "none", "before", "after", "both"


class Scene:
    """What a notice is about. Its words are drawn when first needed and then stay the same."""

    def __init__(self, draw: Draw, words: Words, theme: str, plural: bool):
        self.draw, self.words, self.theme = draw, words, theme
        self.cast: dict[str, tuple[Noun, bool]] = {}
        self.plural = plural
        self.mentioned: set[str] = set()
        self.chosen: dict[tuple[str, bool], Adjective] = {}
        self.speaker: NP | None = None

    def noun(self, role: str) -> tuple[Noun, bool]:
        """The noun of a role ("theme", "rival", "actor", "other", "place") and whether it is plural."""
        if role not in self.cast:
            kind = self.theme if role in ("theme", "rival") else "place" if role == "place" else "person"
            plural = self.plural if role == "theme" else role in ("actor", "other") and self.draw.chance(0.2)
            taken = [noun for noun, _ in self.cast.values()]
            pool = self.words.nouns[kind, plural]
            if any(noun.kind == kind for noun in taken):
                pool = tuple(noun for noun in pool if noun not in taken)
            self.cast[role] = self.draw.choice(pool), plural
        return self.cast[role]

    def phrase(self, role: str, determiner: str, adjective: str = "none") -> NP:
        """Determiner, adjectives where they belong, noun, all agreeing."""
        noun, plural = self.noun(role)
        self.mentioned.add(role)
        en, fr = noun.english[plural], noun.french[plural]
        if adjective in ("after", "both"):
            after = self.adjective(role, False)
            en, fr = f"{after.english} {en}", f"{fr} {after.french[noun.feminine + 2 * plural]}"
        d = DETERMINERS[
            "any mass"
            if noun.mass and determiner == "any"
            else "mass"
            if noun.mass and determiner == "a"
            else determiner
        ]
        article = d[4] if plural else d[2 + noun.feminine]
        if adjective in ("before", "both"):
            before = self.adjective(role, True)
            form = before.french[noun.feminine + 2 * plural]
            if not (plural or noun.feminine) and sounds_vowel(fr):
                form = before.liaison
            en, fr = f"{before.english} {en}", f"{form} {fr}"
            if plural and determiner == "a":
                article = "de"
        own = "their" if plural else "its" if noun.kind != "person" else "her" if noun.feminine else "his"
        return NP(f"{d[plural]} {en}", f"{article} {fr}", 4 if plural else 1, noun.feminine, own)

    def adjective(self, role: str, before: bool) -> Adjective:
        if (role, before) not in self.chosen:
            self.chosen[role, before] = self.draw.choice(
                self.words.adjectives[_described(self.noun(role)[0]), before]
            )
        return self.chosen[role, before]

    def subject(self, role: str, adjective: str = "none") -> NP:
        """A role as the subject: a pronoun only if it was named before."""
        if role in self.mentioned and adjective == "none" and self.draw.chance(0.5):
            noun, plural = self.noun(role)
            en = "they" if plural else "it" if noun.kind != "person" else "she" if noun.feminine else "he"
            fr = ("elle" if noun.feminine else "il") + "s" * plural
            own = {"they": "their", "it": "its", "she": "her", "he": "his"}[en]
            return NP(en, fr, 4 if plural else 1, noun.feminine, own)
        return self.phrase(role, self.draw.weighted((("the", 0.7), ("our", 0.15), ("this", 0.15))), adjective)

    def actor(self, *, asked: bool = False) -> NP:
        """Who acts: someone of the town, "I" or "we"; in a question "you"."""
        if asked and self.speaker is not None:
            return _YOU
        if self.speaker is None and "actor" not in self.mentioned:
            self.speaker = self.draw.weighted(
                ((None, 0.6), (_YOU, 0.4)) if asked else ((None, 0.75), (_I, 0.1), (_WE, 0.15))
            )
        return self.speaker or self.subject("actor")

    def object(self, s: Structure, own: str = "our") -> NP:
        """The theme as an object, definite once it has been named."""
        if "theme" in self.mentioned:
            return self.phrase("theme", "the" if self.draw.chance(0.7) else "this", s.adjective)
        indefinite = "any" if s.polarity not in ("yes", "") else "a"
        options = [("the", 0.35), ("this", 0.1), (own, 0.25), (indefinite, 0.3)]
        if self.plural and indefinite == "a":
            options += [("count", 0.2)]
        if self.theme in ("place", "event", "person"):
            options = [("the", 0.5), ("this", 0.15), (indefinite, 0.2), ("our", 0.15)]
        determiner = self.draw.weighted(options)
        return self.phrase(
            "theme", self.draw.choice(COUNTS) if determiner == "count" else determiner, s.adjective
        )

    def verb(self, *, asked: str = "") -> Verb:
        """A verb whose object may be the theme.

        `asked` is the polarity of a request, if it is one: nobody is asked to lose a key.
        """
        if asked:
            return self.draw.choice(self.words.requested[self.theme, asked == "yes"])
        return self.draw.choice(self.words.transitive[self.theme])

    def predicate(self, np: NP, role: str = "theme") -> Pair:
        """An adjective that agrees with `np`."""
        adjective = self.draw.choice(self.words.predicates[_described(self.noun(role)[0])])
        return adjective.english, adjective.french[np.feminine + 2 * np.plural]

    def place(self) -> Pair:
        """A phrase of place; once a place was named it stays that place."""
        where = self.phrase("rival" if self.theme == "place" else "place", "the")
        en, fr = self.draw.choice(_PLACES)
        return f"{en} {where.english}", f"{fr} {where.french}"

    def time(self, tense: str) -> Pair:
        return self.draw.choice(_TIMES[tense])
