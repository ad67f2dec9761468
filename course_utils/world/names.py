"""Names of people, organisations, places and other things, each a `Phrase` whose span tells its type.

Two sides: labelled rows show the one and never the other. No content word of a
name stands on both sides, not even "Club" or "Hill", so an unseen name cannot
be told by a word that was shown. Names that share a word are therefore kept
together (see `_sides`), and composed names take both their words from one side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from .draw import Draw, Part, Phrase, Span, Split, fill, marked, split
from .lexicons import names as lexicon

# These decide nothing, so both sides may have them.
FUNCTION_WORDS = frozenset(("&", "the", "The", "a", "A", "of", "and", "on"))
KIND_OF_SORT = {
    **dict.fromkeys(("given", "surname"), "PER"),
    **dict.fromkeys(("company", "club", "society", "school", "band"), "ORG"),
    **dict.fromkeys(("town", "river", "hill", "street", "district"), "LOC"),
    **dict.fromkeys(("festival", "paper", "ship", "book", "prize", "people", "breed"), "MISC"),
}
SORTS_OF_KIND = {
    kind: tuple(s for s, k in KIND_OF_SORT.items() if k == kind) for kind in ("PER", "ORG", "LOC", "MISC")
}

_HAND_MADE: dict[str, list[str]] = {
    "given": lexicon.GIVEN,
    "surname": lexicon.AMBIGUOUS + lexicon.SURNAMES,
    "company": lexicon.AMBIGUOUS + lexicon.COMPANIES,
    "club": lexicon.CLUBS,
    "society": lexicon.SOCIETIES,
    "school": lexicon.SCHOOLS,
    "band": lexicon.BANDS,
    "town": lexicon.AMBIGUOUS + lexicon.TOWNS,
    "river": lexicon.RIVERS,
    "hill": lexicon.HILLS,
    "street": lexicon.STREETS,
    "district": lexicon.DISTRICTS,
    "festival": lexicon.FESTIVALS,
    "paper": lexicon.PAPERS,
    "ship": lexicon.SHIPS,
    "book": lexicon.BOOKS,
    "prize": lexicon.PRIZES,
    "people": lexicon.PEOPLES,
    "breed": lexicon.BREEDS,
}
_HEADS: dict[str, list[str]] = lexicon.PLACE_HEADS | {
    sort: [head for group in groups for head in group] for sort, groups in lexicon.ORGANISATION_HEADS.items()
}
_COMPOSED_PER_SORT = {"company": 60, "club": 36, "society": 24, "school": 24, "band": 18}
_COMPOSED_PLACES = 16  # of each sort with heads


def content_words(name: str) -> set[str]:
    """The words of a name that may decide its type."""
    return set(name.split()) - FUNCTION_WORDS


def _sides() -> dict[str, bool]:
    """For every hand-made name and head, whether it is unseen: names linked by a shared word go together."""
    entries = [
        (sort, name) for lists in (_HAND_MADE, _HEADS) for sort, names in lists.items() for name in names
    ]
    root: dict[str, str] = {}

    def find(word: str) -> str:
        while root.setdefault(word, word) != word:
            word = root[word]
        return word

    for _, name in entries:
        first, *others = sorted(content_words(name))
        for other in others:
            root[find(other)] = find(first)
    families: dict[str, list[str]] = defaultdict(list)
    stratum: dict[str, str] = {}  # so that every sort, and the heads of every sort, is on both sides
    for sort, name in entries:
        family = find(min(content_words(name)))
        families[family].append(name)
        is_head = name in _HEADS.get(sort, ())
        stratum.setdefault(family, "ambiguous" if name in lexicon.AMBIGUOUS else f"{sort} {is_head}")
    unseen: dict[str, bool] = {}
    for group in dict.fromkeys(stratum.values()):
        members = split([f for f in families if stratum[f] == group], key=f"names/{group}")
        for side in ("shown", "unseen"):
            unseen |= {name: side == "unseen" for family in members.part(side) for name in families[family]}
    return unseen


_UNSEEN = _sides()


def _two_sided(names: Iterable[str]) -> Split[str]:
    everything = tuple(dict.fromkeys(names))
    return Split(
        shown=tuple(n for n in everything if not _UNSEEN[n]),
        unseen=tuple(n for n in everything if _UNSEEN[n]),
        all=everything,
    )


def _composed(sort: str) -> list[str]:
    """Names like "Finch & Daughters" and "Brindley Chess Club", both parts from one side."""
    if sort not in _HEADS:
        return []
    draw = Draw("names/composed", sort)
    # "Finch Lane" and "Finch & Sons", but "Brindley Choir".
    by_family = KIND_OF_SORT[sort] == "LOC" or sort == "company"
    bases, heads = BY_LIST["surname" if by_family else "town"], _two_sided(_HEADS[sort])
    wanted = _COMPOSED_PER_SORT.get(sort, _COMPOSED_PLACES)
    names = []
    shares: tuple[tuple[Part, float], ...] = (("shown", 0.6), ("unseen", 0.4))
    for side, share in shares:
        n = round(share * wanted)
        side_heads = heads.part(side)
        for i, base in enumerate(draw.sample(bases.part(side), n)):
            name = f"{base} {side_heads[i % len(side_heads)]}"
            _UNSEEN[name] = side == "unseen"
            names.append(name)
    return names


BY_LIST: dict[str, Split[str]] = {sort: _two_sided(names) for sort, names in _HAND_MADE.items()}
SORTS: dict[str, Split[str]] = {
    sort: _two_sided([*names, *_composed(sort)]) for sort, names in _HAND_MADE.items()
}
NAMES: dict[str, Split[str]] = {
    kind: _two_sided(name for sort in sorts for name in SORTS[sort].all)
    for kind, sorts in SORTS_OF_KIND.items()
}
AMBIGUOUS: Split[str] = _two_sided(lexicon.AMBIGUOUS)
TITLES: Split[str] = split(lexicon.TITLES, key="names/titles")
# Sorts whose names want a "the" (outside the span) in a sentence, and the one that wants "a".
ARTICLES = dict.fromkeys(("river", "paper", "ship", "prize", "breed"), "the") | {"people": "a"}
_WORDS = frozenset(word for names in NAMES.values() for name in names.all for word in name.split())


def person(draw: Draw, part: Part = "all", *, titled: float = 0.0) -> Phrase:
    """A full name, span PER; with probability `titled` a title before it, outside the span."""
    name = f"{draw.choice(SORTS['given'].part(part))} {draw.choice(SORTS['surname'].part(part))}"
    return _with_title(draw, name, part, titled)


def surname(draw: Draw, part: Part = "all", *, titled: float = 0.0) -> Phrase:
    """A surname alone, span PER."""
    return _with_title(draw, draw.choice(SORTS["surname"].part(part)), part, titled)


def _with_title(draw: Draw, name: str, part: Part, titled: float) -> Phrase:
    if not draw.chance(titled):
        return marked(name, "PER")
    title = draw.choice(TITLES.part(part)) + " "
    return Phrase(title + name, (Span(len(title), len(title) + len(name), "PER"),))


def organisation(draw: Draw, part: Part = "all", sort: str | None = None) -> Phrase:
    """A company, club, society, school or band, span ORG; needs no article."""
    return _named(draw, "ORG", part, sort)


def place(draw: Draw, part: Part = "all", sort: str | None = None) -> Phrase:
    """A town, river, hill, street or district, span LOC; a river without its "the" only if asked for by sort."""
    if sort is None:
        sort = draw.choice(SORTS_OF_KIND["LOC"])
        return with_article(_named(draw, "LOC", part, sort), sort)
    return _named(draw, "LOC", part, sort)


def other(draw: Draw, part: Part = "all", sort: str | None = None) -> Phrase:
    """A festival, paper, ship, book, prize, people ("Brindler") or breed, span MISC."""
    return _named(draw, "MISC", part, sort)


NAMED: dict[str, Callable[..., Phrase]] = {"PER": person, "ORG": organisation, "LOC": place, "MISC": other}


def _named(draw: Draw, kind: str, part: Part, sort: str | None) -> Phrase:
    sort = sort or draw.choice(SORTS_OF_KIND[kind])
    return marked(draw.choice(SORTS[sort].part(part)), kind)


def invented(draw: Draw, kind: str, sort: str | None = None) -> Phrase:
    """A fresh name of the kind, spelled from syllables; its new words stand in no list.

    There are about 18,000 words a kind. A person has an invented given name
    too; organisations and places of a sort with heads take one half of the time.
    """
    if kind == "PER":
        return marked(
            f"{_coined(draw, lexicon.GIVEN_ENDINGS)} {_coined(draw, lexicon.ENDINGS['PER'])}", "PER"
        )
    sort = sort or draw.choice(SORTS_OF_KIND[kind])
    word = _coined(draw, lexicon.ENDINGS[kind])
    if sort in _HEADS and draw.chance(0.5):
        word += " " + draw.choice(_HEADS[sort])
    return marked(word, kind)


def _coined(draw: Draw, endings: list[str]) -> str:
    while True:
        word = draw.choice(lexicon.STEMS) + draw.choice(lexicon.MIDDLES) + draw.choice(endings)
        if word not in _WORDS:
            return word


def with_article(name: Phrase, sort: str) -> Phrase:
    """The name as it stands in a sentence: "the Wend", "a Brindler", "Hartwell"; the span stays on the name."""
    article = ARTICLES.get(sort)
    return fill("{name:a}" if article == "a" else "the {name}", name=name) if article else name


def last_word(name: Phrase) -> Phrase:
    """How the paper calls a person the second time: the surname, without the title."""
    span = name.spans[0]
    return marked(name.text[span.start : span.end].rsplit(" ", 1)[-1], span.kind)
