"""Exercises of lesson 12, translation: what a decoder reads, how it writes, how what it wrote is scored.

Answers on a few small cases are compared with a slow specification, and with what usual mistakes give.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

import torch

from course_utils.checks import Check, Mistake
from course_utils.checks.witnesses import Suspect, same, told_apart

# A mistake reads best as its four parts, on as few lines as they need:
# fmt: off
# ---------------------------------------------------------------- 12.1

PAD, END, START = 0, 1, 0
LABELS = torch.tensor([[7, 8, 9, END], [5, END, -100, -100]])

decoder_inputs = Check(
    "12.1",
    "What the decoder reads",
    hints=(
        "At place t the decoder writes label t. Which labels may it have read by then?",
        "The first thing it reads is the start token; at place t it reads label t - 1. The last label is never read.",
        "Roll by one along time, put `start` into column 0, then replace every -100: it is no token, and an embedding "
        "has no row for it.",
    ),
)


@decoder_inputs.probe
def reads_the_labels_before(answer):
    """Start, then each label but the last; padding where there is no label."""
    got = torch.as_tensor(answer(LABELS.clone(), START, PAD)).tolist()
    right = [[0, 7, 8, 9], [0, 5, 1, 0]]
    seen = f"for the labels {LABELS.tolist()} the decoder reads {got}"
    suspects = [
        Suspect("the labels themselves", LABELS.tolist(), "nothing was changed: the decoder would read what it is to write",
                "Move the labels one place to the right, and put the start token in front."),
        Suspect("not shifted", [[7, 8, 9, 1], [5, 1, 0, 0]],
                "the decoder reads at each place the very token that it is to write there: it learns to copy, and can "
                "write nothing alone",
                "Move the labels one place to the right."),
        Suspect("-100 left in", [[0, 7, 8, 9], [0, 5, 1, -100]],
                "-100 tells the loss to look away; it is no token, and the embedding table fails on it",
                "Replace every -100 by the padding token."),
        Suspect("shifted to the left", [[8, 9, 1, 0], [1, 0, 0, 0]],
                "at place t the decoder reads label t + 1, one that it has still to write",
                "Shift the other way: at place t it reads label t - 1."),
        Suspect("one place longer", [[0, 7, 8, 9, 1], [0, 5, 1, 0, 0]],
                "the start token was put before all labels, so inputs and labels no longer have one length",
                "Drop the last label: nothing is written after it."),
        Suspect("rolled over", [[1, 7, 8, 9], [0, 5, 1, 0]],
                "`roll` brings the last label of a row round to its beginning",
                "Overwrite column 0 with the start token."),
    ]
    return told_apart(got, right, seen, suspects, "Write down by hand what the second row should be.")


@decoder_inputs.probe
def start_is_used(answer):
    """A start token that is not the padding."""
    got = torch.as_tensor(answer(LABELS.clone(), 3, PAD)).tolist()
    if got == [[3, 7, 8, 9], [3, 5, 1, 0]]:
        return None
    return Mistake("another start", f"with start=3 and pad=0 the decoder reads {got}",
                   "T5 starts with the padding token, BART does not: the two arguments were taken for one",
                   "Column 0 holds `start`; what was -100 becomes `pad`.")


@decoder_inputs.probe
def padding_is_used(answer):
    """A padding token that is not 0."""
    got = torch.as_tensor(answer(LABELS.clone(), 3, 2)).tolist()
    if got == [[3, 7, 8, 9], [3, 5, 1, 2]]:
        return None
    return Mistake("another padding", f"with start=3 and pad=2 the decoder reads {got}",
                   "-100 was turned into a number of its own, or into the start",
                   "What is -100 after the shift becomes `pad`.")


@decoder_inputs.probe
def labels_stay(answer):
    """The labels are still the labels."""
    labels = LABELS.clone()
    answer(labels, START, PAD)
    if torch.equal(labels, LABELS):
        return None
    return Mistake("labels overwritten", f"after the call the labels are {labels.tolist()}",
                   "the answer writes into the tensor that it was given, and the loss needs it",
                   "Work on a copy: `roll` and `masked_fill` return new tensors, `labels[:, 0] = …` does not.")


# ---------------------------------------------------------------- 12.2

make_labels = Check(
    "12.2",
    "Labels of unequal length",
    hints=(
        "A translation also has to stop: which token says so?",
        "Each row is its tokens, then `end`, then -100 up to the length of the longest row.",
    ),
)
TARGETS = [[7, 8, 9], [5], [4, 6]]


@make_labels.probe
def rows_end_and_are_padded(answer):
    """Tokens, the end, −100."""
    got = torch.as_tensor(answer([list(row) for row in TARGETS], END)).tolist()
    right = [[7, 8, 9, 1], [5, 1, -100, -100], [4, 6, 1, -100]]
    suspects = [
        Suspect("padding is a target", [[7, 8, 9, 1], [5, 1, 0, 0], [4, 6, 1, 0]],
                "padding was given the label 0, a real token: most of what the model is taught is to write padding",
                "What is no target has the label -100."),
        Suspect("no end", [[7, 8, 9], [5, -100, -100], [4, 6, -100]],
                "no row is told to stop, so the trained model never does",
                "Put `end` after the last token of each row."),
        Suspect("the end after the padding", [[7, 8, 9, 1], [5, -100, -100, 1], [4, 6, -100, 1]],
                "the rows were padded first and ended afterwards",
                "First the end, then the padding."),
        Suspect("end everywhere", [[7, 8, 9, 1], [5, 1, 1, 1], [4, 6, 1, 1]],
                "`end` was used as padding, so the model is taught to end a text again and again",
                "Only the first place after a row is its end; the rest is -100."),
    ]
    return told_apart(got, right, f"for {TARGETS} and end=1 the labels are {got}", suspects,
                      "Each row: its tokens, one `end`, then -100.")


@make_labels.probe
def rows_stay(answer):
    """The lists are still what they were."""
    rows = [[2, 3], [4]]
    answer(rows, END)
    if rows == [[2, 3], [4]]:
        return None
    return Mistake("rows overwritten", f"after the call the rows are {rows}",
                   "`end` was appended to the lists that were given, and a second call would append another",
                   "Make new lists: `[*row, end]`.")


@make_labels.probe
def they_are_whole_numbers(answer):
    """A tensor of int64."""
    labels = answer([[2, 3], [4]], END)
    if isinstance(labels, torch.Tensor) and labels.dtype == torch.int64:
        return None
    kind = str(labels.dtype) if isinstance(labels, torch.Tensor) else type(labels).__name__
    return Mistake("another type", f"the labels are {kind}", "cross_entropy takes class numbers as a tensor of int64",
                   "`torch.full(shape, -100)` makes one of the right type.")


# ---------------------------------------------------------------- 12.3

WORDS = ("<s>", "</s>", "le", "chat", "dort", "bien")


def toy_decoder(text: Sequence[int]) -> torch.Tensor:
    """Log-probabilities (6,) of the next token after `text`, which begins with 0; it reads the whole of it."""
    follows = {(0,): (2, 3), (0, 2): (3, 4), (0, 2, 3): (4, 1), (0, 2, 3, 4): (5, 1), (0, 2, 3, 4, 5): (1, 5)}
    best, second = follows.get(tuple(int(token) for token in text), (4, 5))
    p = torch.full((6,), 0.02)
    p[best], p[second] = 0.6, 0.32
    return p.log()


greedy = Check(
    "12.3",
    "Greedy decoding",
    hints=(
        "Keep a list that begins with `start`. What do you give to `next_log_probs`, and what do you do with the answer?",
        "The decoder reads everything written so far. Stop when it writes `end`, or when `most` tokens are written.",
    ),
)


@greedy.probe
def writes_the_likeliest(answer):
    """The whole text, without start and end."""
    got = [int(token) for token in answer(toy_decoder, 0, 1, 10)]
    suspects = [
        Suspect("the start is returned", [0, 2, 3, 4, 5], "the list that the decoder reads was returned as it is",
                "Leave out the first token: it is no text."),
        Suspect("the end is returned", [2, 3, 4, 5, 1], "the end was added before the loop looked at it",
                "Look at the token first, and leave before you add it."),
        Suspect("start and end are returned", [0, 2, 3, 4, 5, 1], "everything that was read or written was returned",
                "The text is what stands between start and end."),
        Suspect("only the last token is read", [2, *[4] * 9],
                "the decoder was given the last token alone, so it does not know what it has written",
                "Give it the whole list, start included."),
        Suspect("never stops", [2, 3, 4, 5, 1, 4, 4, 4, 4, 4], "the loop goes on after the end was written",
                "Leave the loop when the token is `end`."),
    ]
    said = " ".join(WORDS[t] if 0 <= t < 6 else "?" for t in got)
    return told_apart(got, [2, 3, 4, 5], f"the text is {got}: {said}", suspects,
                      "Follow the first two steps by hand: after [0] comes 2, after [0, 2] comes 3.")


@greedy.probe
def no_more_than_most(answer):
    """At most `most` tokens."""
    got = [int(token) for token in answer(toy_decoder, 0, 1, 2)]
    if got == [2, 3]:
        return None
    return Mistake("the limit", f"with most=2 the text is {got}",
                   "the loop counts the start, or runs once too often or too seldom",
                   "`for _ in range(most)`: one token in each round.")


# ---------------------------------------------------------------- 12.4

TEXTS, SUMS = [(2,), (3,)], [math.log(0.6), math.log(0.4)]
NEXT = torch.tensor([[0.1, 0.2, 0.5, 0.2], [0.05, 0.05, 0.05, 0.85]]).log()  # (texts, vocabulary)

beam_step = Check(
    "12.4",
    "One step of a beam",
    hints=(
        "Each text may be extended by each token: a table (texts, vocabulary). What is the log-probability of an entry?",
        "Add the sum of a text to its row of `log_probs`, then take the `width` largest of the *whole* table.",
        "`total.flatten().topk(width)`; place p stands for text `p // vocabulary` and token `p % vocabulary`.",
    ),
)


def _beams(answer: Callable, width: int) -> tuple[list[tuple[int, ...]], list[float]]:
    texts, sums = answer(list(TEXTS), list(SUMS), NEXT.clone(), width)
    return [tuple(int(t) for t in text) for text in texts], [float(value) for value in sums]


@beam_step.probe
def compares_all(answer):
    """Both best continuations come from one text, where that is much the likelier."""
    texts, _ = answer(list(TEXTS), [math.log(0.9), math.log(0.1)], NEXT.clone(), 2)
    found = [tuple(int(t) for t in text) for text in texts]
    if set(found) != {(2, 2), (3, 3)} or found[0] == (3, 3):
        return None
    return Mistake(
        "one each", f"for texts of probability .9 and .1 the answer keeps {found}",
        "each text was extended by its own best token; a beam compares all continuations with each other",
        "Take the largest of the whole table, not of each row.",
    )


@beam_step.probe
def the_best_of_all(answer):
    """The best continuations, the best first, and their sums."""
    texts, sums = _beams(answer, 2)
    total = NEXT + torch.tensor(SUMS)[:, None]
    backwards = Suspect("the worst first", [(2, 2), (3, 3)], "the texts are in another order than their sums",
                        "`topk` gives the largest first: keep its order.")
    mistake = told_apart(texts, [(3, 3), (2, 2)], f"the answer keeps {texts}", [backwards],
                         "Write down all eight sums and look for the two largest.")
    if mistake:
        return mistake
    right = [float(total[1, 3]), float(total[0, 2])]
    suspects = [
        Suspect("the past forgotten", [float(NEXT[1, 3]), float(NEXT[0, 2])],
                "the step's log-probabilities were compared without those of the text so far",
                "Add to each row the sum of its text."),
        Suspect("probabilities", [math.exp(value) for value in right],
                "the sums were turned into probabilities, which vanish after some dozens of tokens",
                "Keep log-probabilities."),
    ]
    return told_apart(sums, right, f"it keeps {texts} with sums {[round(value, 3) for value in sums]}", suspects,
                      "A sum is that of the text so far plus the log-probability of its new token.")


@beam_step.probe
def as_wide_as_asked(answer):
    """`width` texts, where there are so many."""
    texts, _ = _beams(answer, 3)
    if len(texts) == 3 and texts[2] in ((2, 1), (2, 3)):
        return None
    return Mistake("the width", f"with width=3 the answer keeps {texts}", "the number of texts stays what it was",
                   "Keep `width` continuations, however many texts there were before.")


# ---------------------------------------------------------------- 12.5

HYPOTHESES = [([4, 1], -1.2), ([5, 6, 7, 1], -2.0), ([5, 6, 7, 8, 9, 1], -3.6)]

best_hypothesis = Check(
    "12.5",
    "Short or long?",
    hints=(
        "Every token costs: its log-probability is below 0. So which text wins if you only add?",
        "Divide the sum by the length to the power of the penalty; the largest (least negative) wins.",
    ),
)


@best_hypothesis.probe
def a_text_is_returned(answer):
    """The text alone, without its sum."""
    got = answer(list(HYPOTHESES), 1.0)
    if isinstance(got, list) and all(isinstance(token, int) for token in got):
        return None
    return Mistake("not a text", f"at penalty 1 it returns {got}", "the pair, or the score, was returned with the text",
                   "Return the list of tokens: the first of the pair.")


@best_hypothesis.probe
def divides_by_the_length(answer):
    """The winner at three penalties."""
    got = {penalty: list(answer(list(HYPOTHESES), penalty)) for penalty in (0.0, 1.0, 3.0)}
    right = {0.0: [4, 1], 1.0: [5, 6, 7, 1], 3.0: [5, 6, 7, 8, 9, 1]}
    seen = "; ".join(f"at penalty {penalty:g} it takes the text of {len(text)} tokens" for penalty, text in got.items())
    suspects = [
        Suspect("no penalty", dict.fromkeys(got, [4, 1]),
                "the shortest wins whatever the penalty: the sums were compared as they are, or multiplied by the "
                "length, which makes long texts worse still",
                "Divide each sum by its length to the power of `penalty`."),
        Suspect("the lowest wins", {0.0: [5, 6, 7, 8, 9, 1], 1.0: [4, 1], 3.0: [4, 1]},
                "`min` of negative numbers is the unlikeliest text", "Take the largest score: the one nearest to 0."),
        Suspect("the penalty ignored", dict.fromkeys(got, [5, 6, 7, 1]),
                "the sum was divided by the plain length, whatever the penalty", "Divide by `len(text) ** penalty`."),
    ]
    return told_apart(got, right, seen, suspects, "Work out the three scores at penalty 1 by hand: -0.6, -0.5, -0.6.")


# ---------------------------------------------------------------- 12.6

GIVEN = [["the", "the", "the", "cat"], ["on", "the", "mat", "a", "dog", "sleeps", "today"]]
REFERENCES = [["the", "cat", "sat", "down", "here"], ["a", "dog", "sleeps", "on", "the", "mat"]]


def _ngrams(text: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(text[i : i + n]) for i in range(len(text) - n + 1))


def _bleu(given: Sequence[Sequence[str]], references: Sequence[Sequence[str]], *, clip: bool = True,
          brevity: bool = True, arithmetic: bool = False, most: int = 2) -> float:
    precisions = []
    for n in range(1, most + 1):
        hits = total = 0
        for a, b in zip(given, references, strict=True):
            ours, theirs = _ngrams(a, n), _ngrams(b, n)
            hits += sum((ours & theirs).values()) if clip else sum(count for gram, count in ours.items() if gram in theirs)
            total += sum(ours.values())
        precisions.append(hits / total if total else 0.0)
    short, long = sum(map(len, given)), sum(map(len, references))
    penalty = math.exp(min(0.0, 1 - long / short)) if brevity else 1.0
    if arithmetic:
        return 100 * penalty * sum(precisions) / most
    return 100 * penalty * math.prod(precisions) ** (1 / most)


bleu_2 = Check(
    "12.6",
    "BLEU of words and pairs",
    hints=(
        "Count over the whole corpus first, divide once. A word counts as often as the reference has it, no more.",
        "Precision of words and of pairs; their geometric mean; times exp(1 - reference length / given length) if what "
        "was given is the shorter.",
        "`Counter(a) & Counter(b)` keeps the smaller of two counts.",
    ),
)


@bleu_2.probe
def two_sentences(answer):
    """Clipped, geometric, over the corpus."""
    right = _bleu(GIVEN, REFERENCES)
    got = answer([list(text) for text in GIVEN], [list(text) for text in REFERENCES])
    each = [_bleu([a], [b]) for a, b in zip(GIVEN, REFERENCES, strict=True)]
    suspects = [
        Suspect("not clipped", _bleu(GIVEN, REFERENCES, clip=False),
                '"the the the" got a point for each "the", though the reference has one',
                "Count an n-gram at most as often as the reference has it."),
        Suspect("the mean of the sentences", sum(each) / 2, "BLEU was computed for each sentence, and averaged",
                "Add up hits and totals over all sentences, then divide."),
        Suspect("arithmetic mean", _bleu(GIVEN, REFERENCES, arithmetic=True),
                "the two precisions were averaged by adding", "Multiply them and take the root."),
        Suspect("a share", right / 100, "the score is by custom given from 0 to 100", "Multiply by 100."),
        Suspect("words alone", _bleu(GIVEN, REFERENCES, most=1), "pairs of words were not counted",
                "Take the precision of words and that of pairs."),
    ]
    return told_apart(got, right, f"the score of the two sentences is {got:.2f}", suspects,
                      "Words: 8 of 11 are hits. Pairs: 5 of 9. Start from there.")


@bleu_2.probe
def what_is_too_short(answer):
    """The brevity penalty, and none for what is too long."""
    given, reference = [["a", "dog", "sleeps"]], [["a", "dog", "sleeps", "on", "the", "mat"]]
    got = answer(given, reference)
    suspects = [
        Suspect("no brevity penalty", 100.0, "three words that are all right got the full score, though half is missing",
                "Multiply by exp(1 - reference length / given length) where what was given is shorter."),
        Suspect("the ratio upside down", 100 * math.exp(1 - 3 / 6), "the penalty has the two lengths exchanged",
                "The longer the reference, the smaller the factor."),
        Suspect("a plain ratio", 50.0, "the score was multiplied by the ratio of the lengths",
                "The factor is exp(1 - reference length / given length)."),
    ]
    return told_apart(got, _bleu(given, reference), f"half a sentence, all of it right, scores {got:.2f}", suspects,
                      "The factor is exp(1 - 6 / 3).")


@bleu_2.probe
def clipped_by_its_own_sentence(answer):
    """A hit stands in the reference of its own sentence; what is too long is not rewarded."""
    given, reference = [["a", "cat", "sat"], ["a", "dog"]], [["a", "dog"], ["a", "cat", "sat"]]
    got = answer(given, reference)
    if same(got, 100.0):
        return Mistake("clipped over the corpus", f"two sentences that are exchanged score {got:.2f}",
                       "hits were counted in the words of all references together",
                       "Compare each sentence with its own reference, and add up the hits.")
    longer = answer([["a", "dog", "sat", "here"]], [["a", "dog"]])
    return told_apart(longer, _bleu([["a", "dog", "sat", "here"]], [["a", "dog"]]),
                      f"a text that is too long scores {longer:.2f}", [
        Suspect("longer is rewarded", _bleu([["a", "dog", "sat", "here"]], [["a", "dog"]]) * math.exp(1 - 2 / 4),
                "the factor is above 1 where the text is longer than its reference",
                "The brevity penalty is at most 1."),
        Suspect("recall", 100.0, "hits were divided by the n-grams of the reference",
                "Precision: divide by the n-grams of what was given."),
    ], "Words: 2 of 4 are hits; pairs: 1 of 3; nothing is too short.")


@bleu_2.probe
def nothing_right(answer):
    """No hit at all, no word at all."""
    for given in (["x", "y"], ["x"], []):
        try:
            got = answer([given], [["a", "dog"]])
        except (ZeroDivisionError, ValueError) as error:
            return Mistake("nothing to divide by", f"for {given} it raises {type(error).__name__}: {error}",
                           "a text of one word has no pair, and log 0 does not exist",
                           "Where nothing was given or nothing is right, the score is 0.")
        if not same(got, 0.0):
            return Mistake("not zero", f"for {given} the score is {got}", "a score without a single hit",
                           "Where a precision is 0, the score is 0.")
    return None


# ---------------------------------------------------------------- 12.7

align = Check(
    "12.7",
    "Who looked where",
    hints=(
        "`weights` is (heads, target, source). Which axis do you average over, and along which do you look for the largest?",
        "The last source token is the end of the sentence; many heads rest on it. Leave it out before you look.",
    ),
)


def _attention() -> torch.Tensor:
    """(2 heads, 3 target tokens, 4 source tokens); the last source token is the end."""
    first = [[0.1, 0.5, 0.1, 0.3], [0.8, 0.05, 0.1, 0.05], [0.34, 0.1, 0.06, 0.5]]
    second = [[0.6, 0.25, 0.05, 0.1], [0.0, 0.15, 0.75, 0.1], [0.5, 0.1, 0.0, 0.4]]
    return torch.tensor([first, second])


@align.probe
def the_strongest_link(answer):
    """Mean over heads, the largest over the source, the end left out."""
    weights = _attention()
    given = weights.clone()
    got = [int(i) for i in answer(given)]
    if not torch.equal(given, weights):
        return Mistake("weights overwritten", "after the call the weights are others",
                       "the last source token was set to zero in the tensor that was given", "Take a slice: `[..., :-1]`.")
    mean = weights.mean(0)
    suspects = [
        Suspect("the end is a word", mean.argmax(-1).tolist(),
                "the last target token is linked to the end of the sentence, where a head looks for want of a word",
                "Cut off the last source token before you take the largest."),
        Suspect("the largest of all heads", weights.amax(0)[:, :-1].argmax(-1).tolist(),
                "the heads were joined by their largest weight", "Average over the heads."),
        Suspect("one head only", weights[0, :, :-1].argmax(-1).tolist(), "only the first head was read",
                "Average over the heads first."),
        Suspect("the last head only", weights[-1, :, :-1].argmax(-1).tolist(), "only the last head was read",
                "Average over all heads first."),
        Suspect("the other axis", mean.argmax(0).tolist(), "for each source token the target token was sought",
                "The links go from each target token to a source token: the largest along the last axis."),
        Suspect("the other axis", mean[:, :-1].argmax(0).tolist(), "for each source token the target token was sought",
                "The links go from each target token to a source token: the largest along the last axis."),
    ]
    right = mean[:, :-1].argmax(-1).tolist()
    return told_apart(got, right, f"the three target tokens are linked to {got}", suspects,
                      "One source place for each of the three target tokens.")
