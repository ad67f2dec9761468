"""What is wrong with a translation, told by the grammar that made the right one.

The lexicon knows every form of every French word. So a word that stands in another form is told from another word,
and a word in another place from one that is missing.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cache

from .bilingual import AVOIR, BELONG, COST, ETRE, FUTURE, MODAL_VERBS, OPENING, TAKE_PLACE, WAS
from .bilingual_phrases import ADJECTIVES, DETERMINERS, DITRANSITIVE, INTRANSITIVE, NOUNS, TRANSITIVE
from .lexicons.bilingual import Verb

KINDS = ("agreement", "word order", "wrong word", "missing word", "extra word")
WORD = re.compile(r"\w+'|\w+|[^\w\s]")
_SAME_WORD = ("le la les l'", "de d' du des", "à au aux", "un une", "ce cet cette ces", "il ils elle elles",
              "ne n'", "que qu'", "je j'", "s' si se")  # fmt: skip


def words(text: str) -> list[str]:
    """The words and marks of a French sentence, in lower case; "l'" is a word of its own."""
    return WORD.findall(text.lower())


@cache
def lemmas() -> dict[str, frozenset[str]]:
    """For each form of a French word, the words that it may be a form of."""
    found: dict[str, set[str]] = defaultdict(set)

    def enter(name: str, forms: Iterable[str]) -> None:
        for form in forms:
            for part, word in enumerate(words(form)):  # "salle de bains", "salles de bains"
                found[word].add(f"{name} {part}")

    for nouns in NOUNS.values():
        for noun in nouns.all:
            enter(f"noun {noun.french[0]}", noun.french)
    for adjectives in ADJECTIVES.values():
        for adjective in adjectives.all:
            enter(f"adjective {adjective.french[0]}", {*adjective.french, adjective.liaison})
    own = (BELONG, COST, TAKE_PLACE, *OPENING, *MODAL_VERBS.values())
    for verb in (*TRANSITIVE.all, *INTRANSITIVE.all, *DITRANSITIVE.all, *own):
        enter(f"verb {verb.infinitive}", _verb_forms(verb))
    enter("verb être", {*ETRE, *WAS, "être", *("ser" + end for end in FUTURE)})
    enter("verb avoir", {*AVOIR, "avoir", "avait", "aura"})
    for forms in (*map(str.split, _SAME_WORD), *(d[2:] for d in DETERMINERS.values())):
        if all(len(words(form)) == 1 for form in forms):
            enter(f"small word {forms[0]}", forms)
    return {form: frozenset(names) for form, names in found.items()}


def _verb_forms(verb: Verb) -> set[str]:
    participles = {verb.participle + e + s for e in ("", "e") for s in ("", "s")}
    return {verb.infinitive, *verb.present, *participles, *(verb.future + end for end in FUTURE)}


def same_word(a: str, b: str) -> bool:
    """Whether two forms may be forms of one word: "blanche" and "blancs", "le" and "les"."""
    return a == b or bool(lemmas().get(a, frozenset()) & lemmas().get(b, frozenset()))


def translation_errors(given: str, reference: str) -> Counter[str]:
    """How often each of KINDS must be mended to make `reference` out of `given`; empty where they are equal.

    The two are aligned with as few edits as can be; another form of the right word costs half an edit. What is missing
    in one place and too many in another is a matter of word order.
    """
    a, b = words(given), words(reference)
    edits = _edits(a, b)
    missing = [b[j] for kind, _, j in edits if kind == "missing word"]
    errors = Counter(kind for kind, _, _ in edits if kind != "missing word")
    for i in [i for kind, i, _ in edits if kind == "extra word"]:
        twin = next((word for word in missing if same_word(word, a[i])), None)
        if twin is not None:
            missing.remove(twin)
            errors["extra word"] -= 1
            errors["word order"] += 1
    errors["missing word"] += len(missing)
    return +errors


def main_error(given: str, reference: str) -> str:
    """The commonest kind of error of a sentence, "none" where it is right."""
    errors = translation_errors(given, reference)
    return max(errors, key=lambda kind: (errors[kind], -KINDS.index(kind))) if errors else "none"


def _edits(a: Sequence[str], b: Sequence[str]) -> list[tuple[str, int, int]]:
    """The cheapest edits from a to b: (kind, place in a, place in b)."""
    cost = [[float(i + j) for j in range(len(b) + 1)] for i in range(len(a) + 1)]

    def change(i: int, j: int) -> float:
        return 0.0 if a[i] == b[j] else 0.5 if same_word(a[i], b[j]) else 1.5

    for i in range(len(a)):
        for j in range(len(b)):
            cost[i + 1][j + 1] = min(cost[i][j] + change(i, j), cost[i][j + 1] + 1, cost[i + 1][j] + 1)
    edits, i, j = [], len(a), len(b)
    while i or j:
        if i and j and cost[i][j] == cost[i - 1][j - 1] + change(i - 1, j - 1):
            i, j = i - 1, j - 1
            if a[i] != b[j]:
                edits.append(("agreement" if same_word(a[i], b[j]) else "wrong word", i, j))
        elif i and cost[i][j] == cost[i - 1][j] + 1:
            i -= 1
            edits.append(("extra word", i, j))
        else:
            j -= 1
            edits.append(("missing word", i, j))
    return edits[::-1]
