"""The almanac: short reference passages, and questions that a paraphrase answers.

A passage is a little table put into sentences. Either it is all about one
subject (a town, a ship, a club …), with two or three answers of one type, so
that the relation alone tells which is meant; or it crosses two subjects with
a relation that is stated of both and a further one or two, so that neither
the subject alone nor the relation alone tells. Unlabelled passages say some
facts again in other words, or stand beside a question with its answer, so
that copying pays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from . import names
from .draw import Draw, Part, Phrase, Span, Split, join, marked, sentence, split
from .lexicons import almanac as lexicon

ANSWER = "ANSWER"  # the kind of the span that is asked for
PARTS: tuple[Part, ...] = ("all", "shown", "unseen")


def _items(text: str) -> list[str]:
    """The items of a block of the lexicon: one a line, or with | between them."""
    return re.split(r"[|\n]", text.strip())


@dataclass(frozen=True)
class Relation:
    """What can be said of some sorts of subject, and asked."""

    name: str
    subjects: tuple[str, ...]  # sorts of subject
    object: str  # sort of the object, or "same": another of the subject's sort
    statements: Split[str]
    questions: Split[str]

    def kind(self, sort: str) -> str:
        """The kind of the object for a subject of the sort: "PER", "ORG", "LOC", "MISC", "NUM" or "THING"."""
        return KINDS[sort if self.object == "same" else self.object]


RELATIONS: dict[str, Relation] = {
    name: Relation(
        name,
        tuple(subjects.split()),
        object_,
        split(_items(statements), key=f"almanac/{name}/statements"),
        split(_items(questions), key=f"almanac/{name}/questions"),
    )
    for name, (subjects, object_, statements, questions) in lexicon.RELATIONS.items()
}
SUBJECTS: tuple[str, ...] = tuple(
    dict.fromkeys(s for relation in RELATIONS.values() for s in relation.subjects)
)
_OF_SUBJECT = {sort: tuple(r for r in RELATIONS.values() if sort in r.subjects) for sort in SUBJECTS}

_CONTINUING = split(_items(lexicon.CONTINUING), key="almanac/continuing")
_TURNING = split(_items(lexicon.TURNING), key="almanac/turning")
_AGAIN = _items(lexicon.AGAIN)  # in unlabelled text only
_REMARKS = {
    sort: split(_items(text), key=f"almanac/remarks/{sort}") for sort, text in lexicon.REMARKS.items()
}


# Every frame by the name of its list, every name and value by its sort.
FRAMES: dict[str, Split[str]] = {
    **{f"{name}/statements": relation.statements for name, relation in RELATIONS.items()},
    **{f"{name}/questions": relation.questions for name, relation in RELATIONS.items()},
    **{f"remarks/{sort}": remarks for sort, remarks in _REMARKS.items()},
    "continuing": _CONTINUING,
    "turning": _TURNING,
}
_CLUBS = ("club", "society", "band")


def _singular(part: Part) -> tuple[str, ...]:
    """The clubs whose names take a singular verb: "Hartley Choir was", not "Otters was"."""
    return tuple(name for sort in _CLUBS for name in names.SORTS[sort].part(part) if name[-1] != "s")


POOLS: dict[str, Split[str]] = {
    **names.SORTS,
    "club": Split(shown=_singular("shown"), unseen=_singular("unseen"), all=_singular("all")),
    "thing": split(_items(lexicon.THINGS), key="almanac/things"),
    "count": split(_items(lexicon.COUNTS), key="almanac/counts"),
    "year": split(lexicon.YEARS, key="almanac/years"),
    "number": split(lexicon.NUMBERS, key="almanac/numbers"),
    "feet": split(lexicon.FEET, key="almanac/feet"),
}
KINDS: dict[str, str] = {
    **names.KIND_OF_SORT,
    "person": "PER",
    "thing": "THING",
    **dict.fromkeys(("count", "year", "number", "feet"), "NUM"),
}

# Words that question and statement may share.
_COMMON = frozenset(
    _items("""
a|an|the|of|in|on|at|to|for|from|by|with|and|or|is|are|was|were|be|been|has|have|had|do|does|did
what|which|who|whom|whose|where|when|how|many|much|may|one|can|you|us|it|its|that|this
""")
)


def _stems(frame: str) -> set[str]:
    """The content words of a frame, cut to five letters so that "founder" meets "founded"."""
    return {word[:5] for word in re.findall(r"[a-z]+", re.sub(r"{\w+}", "", frame.lower()))} - _COMMON


# For every statement, the questions that share no content word with it.
_APART: dict[Part, dict[str, tuple[str, ...]]] = {
    part: {
        statement: tuple(q for q in relation.questions.part(part) if not _stems(q) & _stems(statement))
        for relation in RELATIONS.values()
        for statement in relation.statements.part(part)
    }
    for part in PARTS
}


@dataclass(frozen=True)
class Fact:
    """One cell of the table; subject and object are phrases as they stand in a sentence ("the Wend")."""

    relation: Relation
    sort: str  # of the subject
    subject: Phrase
    object: Phrase


class _Cast:
    """Draws names and values, no two of which share a telling word."""

    def __init__(self, draw: Draw, part: Part, invented: bool):
        self.draw, self.part, self.invented = draw, part, invented
        self.taken: set[str] = set()

    def __call__(self, sort: str) -> Phrase:
        """A new name or value of the sort, with the article it wants outside its span."""
        while True:
            name = self._name(sort)
            keys = [word for word in name.text.split() if word not in names.FUNCTION_WORDS]
            if sort != "person":  # whose two names both tell; "Hartley Choir" may meet "Fenley Choir"
                keys = keys[:1]
            if self.taken.isdisjoint(keys):
                self.taken.update(keys)
                return names.with_article(name, sort)

    def _name(self, sort: str) -> Phrase:
        kind = KINDS[sort]
        if not self.invented or kind in ("THING", "NUM"):  # values are never invented
            if sort == "person":
                return names.person(self.draw, self.part)
            return marked(self.draw.choice(POOLS[sort].part(self.part)), kind)
        if sort == "person":
            return names.invented(self.draw, kind)
        while True:
            name = names.invented(self.draw, kind, self.draw.choice(_CLUBS) if sort == "club" else sort)
            if sort != "club" or name.text[-1] != "s":
                return name


def facts(draw: Draw, part: Part = "all", *, invented: bool = False, most: int = 5) -> list[Fact]:
    """Three to `most` facts about two subjects, in the order of telling; the first relation is stated of both."""
    cast = _Cast(draw, part, invented)
    sort = draw.choice(SUBJECTS)
    first, second = cast(sort), cast(sort)
    relations = _OF_SUBJECT[sort]
    doubled = draw.choice(relations)
    others = [r for r in relations if r is not doubled]
    alike = [r for r in others if r.kind(sort) == doubled.kind(sort)]
    further = draw.choice(alike if alike and draw.chance(0.9) else others)
    table = [(first, doubled), (second, doubled), (first, further)]
    if draw.chance(0.7):
        table.append((second, further))
    if len(table) < most and draw.chance(0.5):
        table.append((second, draw.choice([r for r in others if r is not further])))
    # Either one subject after the other or one relation after the other.
    subjects = draw.shuffled((first, second))
    columns = draw.shuffled(dict.fromkeys(r.name for _, r in table))
    if draw.chance(0.5):
        table.sort(key=lambda cell: (subjects.index(cell[0]), columns.index(cell[1].name)))
    else:
        table.sort(key=lambda cell: (columns.index(cell[1].name), subjects.index(cell[0])))
    return [Fact(r, sort, s, cast(sort if r.object == "same" else r.object)) for s, r in table]


def facts_of_one(draw: Draw, part: Part = "all", *, invented: bool = False, further: int = 1) -> list[Fact]:
    """Facts about one subject, shuffled: two or three with objects of one kind, and up to `further` others, at least
    one of them if there are to be two."""
    cast = _Cast(draw, part, invented)
    sort = draw.choice(SUBJECTS)
    subject, relations = cast(sort), _OF_SUBJECT[sort]
    kinds = [r.kind(sort) for r in relations]
    first = draw.choice([r for r in relations if kinds.count(r.kind(sort)) > 1])
    alike = [r for r in relations if r is not first and r.kind(sort) == first.kind(sort)]
    chosen = [first, *draw.sample(alike, min(len(alike), draw.integer(1, 2)))]
    others = [r for r in relations if r not in chosen]
    chosen += draw.sample(others, draw.integer(further // 2, further))
    return [
        Fact(r, sort, subject, cast(sort if r.object == "same" else r.object))
        for r in draw.shuffled(tuple(chosen))
    ]


def _tell(draw: Draw, part: Part, table: list[Fact]) -> tuple[list[Phrase], list[str]]:
    """The facts as sentences, and the statement frame of each; no frame comes twice."""
    told: list[Phrase] = []
    frames: list[str] = []
    leads: set[str] = set()
    for i, fact in enumerate(table):
        before = table[i - 1] if i else None
        same = before is not None and before.subject == fact.subject
        frames.append(draw.choice([f for f in fact.relation.statements.part(part) if f not in frames]))
        subject, lead = fact.subject, ""
        # "the town" would be unclear just after another town was named; a surname never is.
        person = fact.sort == "person"
        if (
            before
            and same
            and (person or before.relation.object not in ("same", fact.sort))
            and draw.chance(0.25)
        ):
            subject = names.last_word(subject) if person else Phrase(lexicon.SHORT[fact.sort])
        if before is not None and draw.chance(0.2):
            options = (_CONTINUING if same else _TURNING).part(part)
            lead = draw.choice([option for option in options if option not in leads])
            leads.add(lead)
            lead += " "
        told.append(sentence(lead + frames[-1], s=subject, o=fact.object))
    return told, frames


def _passage(draw: Draw, part: Part, table: list[Fact]) -> tuple[Phrase, list[str]]:
    """The facts told and dryly remarked upon, and the statement frame of each."""
    told, frames = _tell(draw, part, table)
    n_words = sum(phrase.text.count(" ") + 1 for phrase in told)
    remarks: list[str] = []
    while n_words < 25 or not remarks and n_words < 42 and draw.chance(0.4):
        options = [r for r in _REMARKS[draw.choice(("any", table[0].sort))].part(part) if r not in remarks]
        if not options:  # there are few on one sort
            options = [r for r in _REMARKS["any"].part(part) if r not in remarks]
        remarks.append(draw.choice(options))
        n_words += remarks[-1].count(" ") + 1
    return join([*told, *map(Phrase, remarks)]), frames


def _pair(draw: Draw, fact: Fact) -> Phrase:
    """A question with its answer said after it."""
    question = sentence(draw.choice(fact.relation.questions.all), s=fact.subject)
    return join((question, sentence("{o}.", o=fact.object)))


def document(draw: Draw) -> tuple[Phrase, ...]:
    """A passage that says some of its facts again, or a passage and questions about it, in either order."""
    invented = draw.chance(0.3)
    if draw.chance(0.5):
        table = facts(draw, invented=invented, most=4)
        told, frames = _tell(draw, "all", table)
        for i in draw.sample(range(len(table)), draw.integer(1, 3)):
            frame = draw.choice([f for f in table[i].relation.statements.all if f != frames[i]])
            lead = draw.choice(_AGAIN) + " " if draw.chance(0.2) else ""
            told.append(sentence(lead + frame, s=table[i].subject, o=table[i].object))
        return (join(told),)
    table = facts(draw, invented=invented)
    passage, _ = _passage(draw, "all", table)
    if draw.chance(0.15):  # as in the task
        fact = draw.choice(table)
        return sentence(draw.choice(fact.relation.questions.all), s=fact.subject), passage
    asked = draw.sample(table, draw.weighted(((1, 0.7), (2, 0.2), (3, 0.1))))
    questions = join(_pair(draw, fact) for fact in asked)
    return (questions, passage) if draw.chance(0.8) else (passage, questions)


def card(draw: Draw) -> tuple[Phrase, ...]:
    """An index card: one or two facts of the same relation, and one of them asked for or said again.

    So short that a small model soon notices where a name can be copied from; in whole passages it finds
    the habit only much later.
    """
    cast, sort = _Cast(draw, "all", draw.chance(0.3)), draw.choice(SUBJECTS)
    relation = draw.choice(_OF_SUBJECT[sort])
    of = sort if relation.object == "same" else relation.object
    same = [Fact(relation, sort, cast(sort), cast(of)) for _ in range(draw.integer(1, 2))]
    told, frames = _tell(draw, "all", same)
    i = draw.index(len(same))
    if draw.chance(0.5):
        return _pair(draw, same[i]), join(told)
    again = draw.choice([frame for frame in same[i].relation.statements.all if frame not in frames])
    return (join([*told, sentence(again, s=same[i].subject, o=same[i].object)]),)


def dossier(draw: Draw) -> tuple[Phrase, ...]:
    """A page about one subject, and up to three of its facts asked for or said again.

    Their objects are mostly of one kind, so the relation alone tells which belongs where. A small model learns
    to match relations from these pages within minutes; half an hour of the other documents had taught it little.
    """
    table = facts_of_one(draw, invented=draw.chance(0.15))
    told, frames = _tell(draw, "all", table)
    again = draw.sample(table, min(len(table), draw.integer(1, 3)))
    if draw.chance(0.6):
        return join(_pair(draw, fact) for fact in again), join(told)
    for fact in again:
        frames.append(draw.choice([s for s in fact.relation.statements.all if s not in frames]))
        told.append(sentence(frames[-1], s=fact.subject, o=fact.object))
    return (join(told),)


def drawer(draw: Draw) -> tuple[Phrase, ...]:
    """A drawer of index cards: up to three facts that are easily mixed up, each asked for or said again."""
    cast, sort = _Cast(draw, "all", draw.chance(0.15)), draw.choice(SUBJECTS)
    relation = draw.choice(_OF_SUBJECT[sort])
    alike = [r for r in _OF_SUBJECT[sort] if r is not relation and r.kind(sort) == relation.kind(sort)]
    if alike and draw.chance(0.4):  # one subject, two relations
        subject = cast(sort)
        cells = [(relation, subject), (draw.choice(alike), subject)]
    else:  # one relation, one to three subjects
        cells = [(relation, cast(sort)) for _ in range(draw.weighted(((1, 0.2), (2, 0.5), (3, 0.3))))]
    table = [Fact(r, sort, s, cast(sort if r.object == "same" else r.object)) for r, s in cells]
    told, frames = _tell(draw, "all", table)
    again = draw.shuffled(tuple(table))
    if draw.chance(0.5):
        return join(_pair(draw, fact) for fact in again), join(told)
    for fact in again:
        statements = fact.relation.statements.all
        frames.append(draw.choice([s for s in statements if s not in frames] or statements))
        told.append(sentence(frames[-1], s=fact.subject, o=fact.object))
    return (join(told),)


def register(draw: Draw) -> tuple[Phrase, ...]:
    """A page of a register: two to five pairs, called over once more in another order."""
    cast, sort = _Cast(draw, "all", draw.chance(0.15)), draw.choice(SUBJECTS)
    relation = draw.choice(_OF_SUBJECT[sort])
    of = sort if relation.object == "same" else relation.object
    lines = [sentence("{s}, {o}.", s=cast(sort), o=cast(of)) for _ in range(draw.integer(2, 5))]
    return join(lines), join(draw.shuffled(tuple(lines)))


def _doubled(table: list[Fact]) -> list[int]:
    """Which facts have a relation that is stated of both subjects."""
    return [i for i, fact in enumerate(table) if sum(f.relation is fact.relation for f in table) > 1]


def _crowded(table: list[Fact]) -> list[int]:
    """Which facts stand beside another object of their kind about the same subject."""
    cells = [(fact.subject, fact.object.spans[0].kind) for fact in table]
    return [i for i, cell in enumerate(cells) if cells.count(cell) > 1]


ONE_SUBJECT = 0.85  # the share of labelled passages that are about one subject


def labelled(draw: Draw, part: Part) -> dict[str, Any]:
    """A passage and a question about one of its facts, with the columns of rajpurkar/squad.

    Question and statement share no content word but the subject's name. Most
    passages are about one subject, and another answer of the type stands in
    them. The others are about two, and the relation asked for is stated of
    both; mostly the subject has two answers of the type, so that its sentences
    alone do not tell either.
    """
    if draw.chance(ONE_SUBJECT):
        table = facts_of_one(draw, part, further=2)
        candidates = _crowded(table)
    else:
        table = facts(draw, part)
        if not set(_crowded(table)) & set(_doubled(table)):
            table = facts(draw, part)  # one more try: some relations have no other of their type
        candidates = [i for i in _doubled(table) if i in _crowded(table)] or _doubled(table)
    asked = draw.choice(candidates)
    fact = table[asked]
    span = fact.object.spans[0]
    answer = Phrase(fact.object.text, (Span(span.start, span.end, ANSWER),))
    table[asked] = replace(fact, object=answer)
    context, frames = _passage(draw, part, table)
    found = next(span for span in context.spans if span.kind == ANSWER)
    question = sentence(draw.choice(_APART[part][frames[asked]]), s=fact.subject)
    subject = fact.subject.spans[0]
    return {
        "id": "",
        "title": fact.subject.text[subject.start : subject.end],
        "context": context.text,
        "question": question.text,
        "answers": {"text": [context.text[found.start : found.end]], "answer_start": [found.start]},
    }
