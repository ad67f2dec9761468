"""Exercise 10.6, the best path that keeps the rules: Viterbi's algorithm, and the ways in which it goes wrong."""

from __future__ import annotations

import itertools

import numpy as np

from course_utils.checks import Check
from course_utils.checks.judging import Case, Wrong, judge
from course_utils.entities import allowed_transitions

# A mistake reads best as its four parts, on as few lines as they need:
# fmt: off

best_legal_path = Check("10.6", "The best path that keeps the rules", seconds=8, hints=(
    "Keep one number per tag: the sum of the best legal sequence so far that ends in this tag. Begin with "
    "`scores[0]`, and -inf for tags that may not begin.",
    "For the next word, `paths = np.where(after, best[:, None], -np.inf)` holds every pair (tag before, tag here). Its "
    "maximum over the first axis is what to add the word's scores to; its argmax is where it came from.",
    "Store each argmax. At the end take the best last tag, follow the stored argmaxes back, and reverse the list.",
))
FIVE = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def _by_trying_all(scores, first, after):
    every = itertools.product(range(scores.shape[1]), repeat=len(scores))
    legal = [path for path in every if first[path[0]] and all(after[i, j] for i, j in itertools.pairwise(path))]
    return list(max(legal, key=lambda path: scores[np.arange(len(path)), list(path)].sum()))


def _viterbi(scores, first, after, backwards=False, forbid=lambda allowed, totals: np.where(allowed, totals, -np.inf),
             forget=False):
    """The best path; `forbid` and what is kept of the words before can be got wrong."""
    best, back = forbid(first, scores[0]), []
    for row in scores[1:]:
        paths = forbid(after, best[:, None])
        back.append(paths.argmax(0))
        best = row if forget else paths.max(0) + row
    path = [int(best.argmax())]
    for came_from in reversed(back):
        path.append(int(came_from[path[-1]]))
    return path if backwards else path[::-1]


def _word_by_word(scores, first, after):
    path, allowed = [], first
    for row in scores:
        path.append(int(np.where(allowed, row, -np.inf).argmax()))
        allowed = after[path[-1]]
    return path


def _no_way_back(scores, first, after):
    best = np.where(first, scores[0], -np.inf)
    path = [int(best.argmax())]
    for row in scores[1:]:
        best = np.where(after, best[:, None], -np.inf).max(0) + row
        path.append(int(best.argmax()))
    return path


def _mended(mend):
    """The best tag of each word, and where it breaks a rule, what `mend` makes of it."""
    def program(scores, first, after):
        path = []
        for tag in scores.argmax(-1).tolist():
            legal = after[path[-1], tag] if path else first[tag]
            path.append(tag if legal else mend(tag))
        return path

    return program


PATHS = (
    Wrong("each word alone", lambda s, first, after: s.argmax(-1),
          "the best tag of each word is taken without looking at its neighbours",
          "A sequence is needed: which tag may stand before this one?"),
    Wrong("the first word is free", lambda s, first, after: _viterbi(s, np.ones(len(first), bool), after),
          "`first` is not used, so a sentence may begin with I-", "Give tags that may not begin a score of -inf."),
    Wrong("rules turned round", lambda s, first, after: _viterbi(s, first, after.T),
          "rows and columns of `after` are exchanged: `after[i, j]` says whether j may follow i",
          "Put the tag before on the first axis, and the tag here on the second."),
    Wrong("from left to right, no way back", _word_by_word,
          "each word takes its best legal tag and never changes it, so an early choice may spoil what follows",
          "Keep the best sequence for *every* tag, and decide at the last word."),
    Wrong("mended afterwards", _mended(lambda tag: tag - 1),  # in FIVE, the B- of an I- stands before it
          "the best tags were chosen first and stray I- turned into B-; that is legal, but not the best sum",
          "Let the rules take part in the choice."),
    Wrong("strays put outside", _mended(lambda tag: 0),
          "the best tags were chosen first and what broke a rule turned into O; that is legal, but not the best sum",
          "Let the rules take part in the choice, before anything is chosen."),
    Wrong("no walk back", _no_way_back,
          "at each word the best sequence so far says its last tag; but the best at the end may come another way",
          "Store where each sum came from, and walk back from the last word."),
    Wrong("only the word before", lambda s, first, after: _viterbi(s, first, after, forget=True),
          "a sum holds two words only: what was best before them is forgotten",
          "Add the word's scores to the best sums so far, not to the scores of the word before."),
    Wrong("forbidden is nought", lambda s, first, after: _viterbi(s, first, after, forbid=lambda ok, totals: ok * totals),
          "what the rules forbid gets a total of 0, which is more than many a legal total", "Give it -inf."),
    Wrong("forbidden has a price",
          lambda s, first, after: _viterbi(s, first, after, forbid=lambda ok, totals: totals - 100 * ~ok),
          "a forbidden step costs a fixed penalty, and where scores are large, paying it is worth while",
          "A rule has no price: -inf."),
    Wrong("back to front", lambda s, first, after: _viterbi(s, first, after, backwards=True),
          "the walk back gives the last word first", "Reverse it."),
)


def _scores(seed, length=5):
    return np.random.default_rng(seed).normal(0, 1, (length, len(FIVE))).round(2)


def _walks(right, properties):
    rules = allowed_transitions(FIVE)

    def case(scores):
        said = f"{len(scores)} words, whose first scores are {np.array(scores[:3]).tolist()}"
        return Case((np.array(scores, float), *rules), said)

    judge(
        best_legal_path, right, {name: [case(scores) for scores in all_of] for name, all_of in properties.items()}, PATHS,
        "Take two words, write down all legal pairs of tags with their sums, and print `best` after each word.",
        seen=lambda result, got, wanted, case: (
            f"for {case.words}, your answer is {np.array(result).tolist()}, where {list(wanted)} is right"),
    )


START = [0.2, 0.5, 3.0, 0.1, 0]  # its best tag is one that may not begin
_walks(_by_trying_all, {
    "O or B-PER, and then certainly I-PER": [
        [[2.0, 1.5, 0, 0, 0], [0, 0.5, 4.0, 0, 1.0], [3.0, 0.2, 0.1, 0, 0.5]],
        [[2.0, 1.5, 0, 0, 0], [0.3, 0.1, 4.0, 1.0, 0]]],
    "a first word that may not be I-": [
        [START, [1.0, 0.0, 0.2, 0.5, 0.1]], [START, [1.0, 0, 0.2, 0.8, 0.1], [0.5, 0, 0, 0, 2.0]]],
    "what trying all sequences gives": [*(_scores(seed, 4) for seed in range(12)), _scores(20, 1)],
    "large scores": [1e6 * _scores(seed, 4) for seed in range(2)],
})
_walks(_viterbi, {"sixty words: too many to try every sequence": [_scores(21, 60)]})
