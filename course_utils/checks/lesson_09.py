"""Exercises of lesson 09, text classification: averages of F1, weights, thresholds, last tokens, several labels, stars.

Most answers are numbers on small made-up rows, and are compared with what the usual wrong programs give there.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy, cross_entropy

from course_utils.checks import Check, Mistake
from course_utils.checks.witnesses import Suspect, same, told_apart

# A mistake reads best as its four parts, on as few lines as they need:
# fmt: off
# ---------------------------------------------------------------- what exercises use


def precision_and_recall(scores: np.ndarray, is_spam: np.ndarray, threshold: float) -> tuple[float, float]:
    """Of the rows flagged from `threshold` on, the share that are spam; of the spam, the share flagged."""
    flagged = scores >= threshold
    right = (flagged & is_spam).sum()
    return float(right / max(1, flagged.sum())), float(right / is_spam.sum())


def spam_scores(seed: int = 0) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Scores between 0 and 1 and whether each row is spam (a sixth are): 240 rows of validation, and 1,200 of test."""
    random = np.random.default_rng(seed)

    def split(rows: int) -> tuple[np.ndarray, np.ndarray]:
        is_spam = np.arange(rows) % 6 == 0
        scores = 1 / (1 + np.exp(-random.normal(np.where(is_spam, 1.2, -1.5), 1.2)))
        return scores.round(3), is_spam

    return split(240), split(1200)


def _said(values) -> str:
    return ", ".join(f"{float(value):.3g}" for value in values)


# ---------------------------------------------------------------- 09.1

f1_scores = Check(
    "09.1",
    "Macro and micro F1",
    hints=(
        (
            "Three counts for each class: right, said, there. Macro divides for each class and then takes "
            "the mean; micro adds up and then divides."
        ),
        (
            "`right` of class c is `((true == c) & (predicted == c)).sum()`. What do `said` and `there` add "
            "up to over all classes?"
        ),
        "macro = mean of 2 · right / (said + there); micro = 2 · right.sum() / (said.sum() + there.sum()).",
    ),
)


def _counted(true, predicted, classes):
    numbers = np.arange(classes)[:, None]
    right = ((true == predicted) & (true == numbers)).sum(1)
    return right, (predicted == numbers).sum(1), (true == numbers).sum(1)


def _averages(answer, true, predicted, classes) -> Mistake | None:
    right, said, there = _counted(true, predicted, classes)
    f1 = 2 * right / (said + there)
    macro, micro = f1.mean(), right.sum() / len(true)
    precision, recall = right / np.maximum(said, 1), right / there
    got = tuple(float(value) for value in answer(true.copy(), predicted.copy(), classes))
    if len(got) != 2:
        return Mistake(
            "not a pair", f"{len(got)} values", "two averages are asked for, or a list of all F1 was returned",
            "Return macro F1 and micro F1, in this order.",
        )
    seen = f"macro {got[0]:.3g} and micro {got[1]:.3g} where they are {macro:.3g} and {micro:.3g}"
    if np.isnan(got).any():
        return Mistake(
            "nothing divided by nothing", seen,
            "precision was computed first, and a class that is never predicted has none: 0 / 0",
            "Use 2 · right / (said + there), whose denominator is never zero here.",
        )
    of_means = 2 * precision.mean() * recall.mean() / (precision.mean() + recall.mean())
    return told_apart(
        got, (macro, micro), seen,
        [
            Suspect("the other way round", (micro, macro), "the two averages are right, and exchanged",
                    "Macro comes first: the plain mean over classes."),
            Suspect("weighted by size", ((f1 * there).sum() / there.sum(), micro),
                    "each class counts by its number of rows; that is the *weighted* F1, in which a rare class drowns",
                    "In macro F1 every class counts alike: a plain mean."),
            Suspect("F1 of the means", (of_means, micro),
                    "precision and recall were averaged over the classes, and one F1 was made of the two means",
                    "Make the F1 of each class first, and then their mean."),
            Suspect("mean recall", (recall.mean(), micro),
                    "the mean of the classes' recall; it does not see that a class is said too often",
                    "F1 divides by said + there, not by there."),
            Suspect("mean precision", (precision.mean(), micro),
                    "the mean of the classes' precision; it does not see that a class is missed",
                    "F1 divides by said + there, not by said."),
            Suspect("twice the micro average", (micro, micro),
                    "the counts were added up over the classes in both",
                    "For macro F1, divide for each class, and then take the mean."),
            Suspect("twice the macro average", (macro, macro), "the mean of the classes' F1 in both",
                    "For micro F1, add up right, said and there over the classes before you divide."),
            Suspect("silent class left out", (f1[said > 0].mean(), micro),
                    "a class that is never predicted was left out of the mean, as if it were no mistake to miss it",
                    "Its F1 is 0, and it counts."),
            Suspect("sum of F1", (f1.sum(), micro), "the F1 of the classes are added up", "Divide by their number."),
            *(
                Suspect("factor two left out", pair, "right / (said + there), without the 2",
                        "A class that is always right has said = there = right: its F1 must be 1.")
                for pair in ((macro / 2, micro), (macro / 2, micro / 2))
            ),
        ],
        "Write down right, said and there of each class of a small example, and go on by hand.",
    )


@f1_scores.probe
def three_classes(answer):
    """All classes are said."""
    true = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2])
    predicted = np.array([0, 0, 0, 0, 0, 1, 1, 0, 0, 2, 1])
    return _averages(answer, true, predicted, 3)


@f1_scores.probe
def a_class_never_said(answer):
    """Its F1 is 0."""
    true = np.array([0, 0, 0, 0, 0, 1, 2, 2])
    predicted = np.array([0, 0, 0, 0, 2, 0, 2, 0])
    return _averages(answer, true, predicted, 3)


# ---------------------------------------------------------------- 09.2

class_weights = Check(
    "09.2",
    "Class weights that add up",
    hints=(
        "If each class has 1 / (its rows), what do the weights add up to over all rows? What should it be?",
        "1 / n_c adds up to 1 for each class, so to K for K classes. Scale by n / K, for n rows.",
        "`np.bincount(labels, minlength=classes)` counts; a weight is n / (K · n_c), where K counts classes with rows.",
    ),
)


def _weighed(answer, labels, classes) -> Mistake | None:
    got = np.asarray(answer(labels.copy(), classes), dtype=float)
    n, counts = len(labels), np.bincount(labels, minlength=classes)
    there = counts > 0
    inverse = np.where(there, 1 / np.maximum(counts, 1), 0.0)
    right = n * inverse / there.sum()
    if got.shape != (classes,):
        return Mistake(
            "not one weight a class", f"a result of shape {got.shape} for {classes} classes",
            "a weight for each row, or only for the classes that were met",
            f"Return {classes} numbers, the weight of class 0 first.",
        )
    seen = f"for classes of {_said(counts)} rows the weights {_said(got)}"
    if not np.isfinite(got).all():
        return Mistake(
            "a class without rows", seen, "the number of rows of a class stands below the line, and it is 0",
            "Give such a class the weight 0, and divide for the others only.",
        )
    seen += f", which add up to {float((got * counts).sum()):.3g} over the {n} rows"
    return told_apart(
        got, right, seen,
        [
            Suspect("not scaled", inverse, "1 / n_c: inverse to the rows, but the loss of a batch is now tiny, and the "
                    "learning rate with it", "Scale them, so that they add up to the number of rows."),
            Suspect("add up to one", inverse / inverse.sum(), "the weights of the classes add up to 1",
                    "Add them up over the *rows*: each class as often as it has rows."),
            Suspect("mean over classes", inverse / inverse.sum() * there.sum(),
                    "the weights are 1 on average over the classes; but the frequent class, with its small weight, "
                    "makes most of the rows, so the loss shrinks",
                    "Take the average over the rows."),
            Suspect("number of classes left out", n * inverse, "n / n_c: every class adds up to n, so all to K · n",
                    "Divide by the number of classes."),
            Suspect("frequent class first", counts / n * there.sum(),
                    "the weights grow with the number of rows: the frequent class counts even more",
                    "A weight is *inverse* to the number of rows."),
            Suspect("relative to the largest", counts.max() * inverse,
                    "the largest class has the weight 1 and the others more, so the loss grows, and the learning "
                    "rate with it", "Scale all by one factor, so that the sum over the rows is right."),
            Suspect("absent class counted", n * inverse / classes,
                    "a class without rows counts among the classes, so the others get too little",
                    "Divide by the number of classes that have rows."),
        ],
        "Multiply each weight by the rows of its class. Those products should be equal, and add up to the rows.",
    )


@class_weights.probe
def six_and_two(answer):
    """⅔ and 2."""
    return _weighed(answer, np.array([0, 0, 1, 0, 0, 1, 0, 0]), 2)


@class_weights.probe
def three_and_none(answer):
    """Any number of classes, one of them without rows."""
    mistake = _weighed(answer, np.array([2, 0, 2, 1, 2, 2, 0, 2, 2]), 3)
    return mistake or _weighed(answer, np.array([0, 0, 3, 0, 1, 0]), 4)


# ---------------------------------------------------------------- 09.3

precision_recall = Check(
    "09.3",
    "Precision against recall",
    hints=(
        "For one threshold: which rows are flagged? How many of them are spam? Divide that once by each of two counts.",
        "Precision divides by the number flagged, recall by the number of spam. A row *at* the threshold is flagged.",
        "Go through `sorted(set(scores.tolist()), reverse=True)`, with `flagged = scores >= threshold`.",
    ),
)


def _points(scores, is_spam, thresholds, flag, of=lambda flagged, spam: (flagged.sum(), spam.sum())):
    points = []
    for threshold in thresholds:
        flagged = flag(scores, threshold)
        right = (flagged & is_spam).sum()
        first, second = of(flagged, is_spam)
        points.append((threshold, right / max(1, first), right / max(1, second)))
    return points


@precision_recall.probe
def points_of_a_curve(answer):
    """Seven rows, two of them with equal scores."""
    scores = np.array([0.2, 0.9, 0.6, 0.6, 0.4, 0.8, 0.1])
    is_spam = np.array([False, True, True, False, True, False, False])
    thresholds = [0.9, 0.8, 0.6, 0.4, 0.2, 0.1]
    right = _points(scores, is_spam, thresholds, np.greater_equal)
    got = [tuple(float(value) for value in point) for point in answer(scores.copy(), is_spam.copy())]
    if len(got) == len(scores):
        return Mistake(
            "a point for every row", f"{len(got)} points for {len(scores)} rows with {len(thresholds)} different scores",
            "two rows with equal scores were let in one after the other; no threshold can do that, and the order of "
            "the rows then changes the curve",
            "Make one point for each *different* score.",
        )
    if len(got) != len(right) or any(len(point) != 3 for point in got):
        return Mistake(
            "other points", f"{len(got)} points where there are {len(right)} different scores, "
            f"of {len(got[0]) if got else 0} numbers each",
            "a threshold is left out or added, or a triple is not (threshold, precision, recall)",
            "One triple for each different score, the highest and the lowest among them.",
        )
    seen = "the first three points " + "; ".join(f"({_said(point)})" for point in got[:3])
    seen += ", where they are " + "; ".join(f"({_said(point)})" for point in right[:3])
    false_alarms = _points(scores, is_spam, thresholds, np.greater_equal,
                           lambda flagged, spam: ((~spam).sum(), spam.sum()))
    rates = [(t, (~is_spam & (scores >= t)).sum() / (~is_spam).sum(), r) for t, _, r in right]
    return told_apart(
        got, right, seen,
        [
            Suspect("lowest first", right[::-1], "the points are right, and in the order of rising thresholds",
                    "Begin with the highest threshold, where almost nothing is flagged."),
            Suspect("the two exchanged", [(t, r, p) for t, p, r in right], "precision stands where recall should",
                    "Precision divides by what was flagged, recall by what is spam."),
            Suspect("above the threshold", _points(scores, is_spam, thresholds, np.greater),
                    "rows *at* the threshold are not flagged (`>`), so the first point flags nothing",
                    "Flag from the threshold on: `>=`."),
            Suspect("below the threshold", _points(scores, is_spam, thresholds, np.less_equal),
                    "the rows with *low* scores are flagged", "A high score speaks for spam: `scores >= threshold`."),
            Suspect("an ROC curve", rates, "the false alarms were divided by all that is not spam; with a rare class "
                    "that share stays small, and looks good, while most of the flagged may be wrong",
                    "Precision asks about the flagged: how many of *them* are spam?"),
            Suspect("divided by what is not spam", false_alarms,
                    "the spam that was flagged is divided by the number of rows that are not spam",
                    "Precision divides by the number of rows flagged."),
            Suspect("divided by all rows",
                    _points(scores, is_spam, thresholds, np.greater_equal, lambda f, s: (f.sum(), len(s))),
                    "recall is divided by the number of all rows, so it can never reach 1",
                    "Recall divides by the number of spam."),
            Suspect("accuracy for precision",
                    [(t, ((scores >= t) == is_spam).mean(), r) for t, _, r in right],
                    "the share of all rows that are right, which the many rows that are not spam lift",
                    "Precision looks at the flagged rows alone."),
        ],
        "Take the second-highest score: which two rows are flagged, and how many of them are spam?",
    )


# ---------------------------------------------------------------- 09.4

choose_threshold = Check(
    "09.4",
    "A threshold, chosen honestly",
    hints=(
        "Which split may you look at while you choose? And which number may you quote?",
        "Collect the validation scores at which validation keeps the floor; take the lowest; then look at test, once.",
        "`threshold = min(t for t in scores if precision_and_recall(scores, is_spam, t)[0] >= floor)`.",
    ),
)


def _kept(split, floor):
    return [t for t in split[0].tolist() if precision_and_recall(*split, t)[0] >= floor]


@choose_threshold.probe
def chosen_and_reported(answer):
    """Chosen on validation, reported on test."""
    floor = 0.75
    validation = (np.array([0.92, 0.82, 0.72, 0.62, 0.57, 0.47, 0.42, 0.32, 0.22, 0.12]),
                  np.array([1, 1, 0, 1, 1, 0, 1, 1, 0, 0]) == 1)  # precision falls below the floor and rises again
    test = (np.array([0.95, 0.85, 0.75, 0.65, 0.58, 0.45, 0.35, 0.25, 0.15]),
            np.array([1, 1, 0, 1, 0, 1, 1, 0, 0]) == 1)
    both = tuple(np.concatenate(parts) for parts in zip(validation, test, strict=True))
    got = answer(tuple(map(np.copy, validation)), tuple(map(np.copy, test)), floor)
    try:
        got = tuple(float(value) for value in got)
    except TypeError:
        got = (float(got),)
    low, high = min(_kept(validation, floor)), max(_kept(validation, floor))
    first_fall = 0.82  # the last threshold before precision first falls below the floor
    if len(got) != 3:
        return Mistake(
            "not three numbers", f"{len(got)} where a threshold, a precision and a recall are asked for",
            "the threshold alone is returned, or the report without it",
            "Return (threshold, precision, recall).",
        )

    def report(threshold, split=test):
        return (threshold, *precision_and_recall(*split, threshold))

    on_test, on_both = min(_kept(test, floor)), min(_kept(both, floor))
    right = report(low)
    return told_apart(
        got, right, f"threshold {got[0]:g}, precision {got[1]:.3g}, recall {got[2]:.3g}",
        [
            Suspect("reported on validation", report(low, validation),
                    "the threshold is chosen on validation, and so are the numbers: they are lucky by choice",
                    "Quote what the threshold does on the split that had no say in it."),
            Suspect("chosen on test", report(on_test),
                    "the threshold was chosen on the very rows whose score it is quoted with",
                    "Choose on validation; test is for the report alone."),
            Suspect("chosen on test, reported on validation", report(on_test, validation),
                    "the two splits are exchanged", "Choose on validation, report on test."),
            Suspect("chosen on both", report(on_both), "both splits were joined to choose the threshold",
                    "More rows would be welcome, but not those of test."),
            Suspect("the highest", report(high), "the highest threshold that keeps the floor: it finds the least spam",
                    "Among those that keep the floor, the lowest finds the most."),
            Suspect("stopped at the first fall", report(first_fall),
                    "the search went down from the top and stopped where precision first fell below the floor; it may "
                    "rise again", "Look at all thresholds, and take the lowest that keeps the floor."),
            Suspect("above the floor only", report(min(t for t in validation[0].tolist()
                    if precision_and_recall(*validation, t)[0] > floor)),
                    "a precision of exactly the floor was refused", "At least the floor: `>=`."),
            Suspect("the default", report(0.5), "0.5 is what argmax uses; nothing was chosen",
                    "Look for the threshold among the scores."),
            Suspect("recall for precision", report(min(t for t in validation[0].tolist()
                    if precision_and_recall(*validation, t)[1] >= floor)),
                    "the floor was held against the recall", "`precision_and_recall` gives precision first."),
        ],
        "Print the precision at each score of validation, and mark those that keep the floor.",
    )


# ---------------------------------------------------------------- 09.5

last_token = Check(
    "09.5",
    "The last real token",
    hints=(
        "The mask alone says what is real. Counting its ones helps only if the padding is on the right.",
        "You look for the largest index at which the mask is 1.",
        "Multiply the mask by 0, 1, 2, …: the largest product stands at the last real token. `argmax(1)` finds it.",
    ),
)

PAD = 0


def _found(answer, mask: list[list[int]], seen: str, suspects) -> Mistake | None:
    real = torch.tensor(mask)
    random = torch.Generator().manual_seed(0)
    ids = torch.randint(5, 30, real.shape, generator=random) * real  # 0 where there is padding
    ids[torch.arange(len(ids)), real.argmax(1)] = PAD  # the token that begins a text is the padding token, too
    right = real.shape[1] - 1 - real.flip(1).argmax(1)
    got = answer(ids.clone(), real.clone(), PAD)
    got = torch.as_tensor(got)
    if got.shape != right.shape:
        return Mistake(
            "not one index a row", f"a result of shape {tuple(got.shape)} for {len(real)} rows",
            "a number for each token, or one for the whole batch", "Reduce over the time axis, which is axis 1.",
        )
    return told_apart(
        got, right, f"{seen}: the indices {got.tolist()} where they are {right.tolist()}",
        suspects(ids, real), "Write the mask of one row on paper, and number its places from 0.",
    )


def _by_id(ids: torch.Tensor, real: torch.Tensor) -> list[Suspect]:
    """Programs that look for the padding token, which also begins the text."""
    padding = (ids == PAD).int()
    move = "Ask the mask, which knows real tokens from padding whatever their ids are."
    cause = "the padding token was looked for, and it is also the token with which every text begins"
    return [
        Suspect("looked for the padding token", padding.argmax(1) - 1, cause, move),
        Suspect("looked for the padding token", (padding.argmax(1) - 1) % ids.shape[1], cause, move),
        Suspect("looked for the padding token", (ids != PAD).sum(1) - 1, cause, move),
        Suspect("looked for the padding token", (ids != PAD).sum(1), cause, move),
    ]


@last_token.probe
def padded_on_the_right(answer):
    """Rows of 3, 5 and 2 tokens."""
    mask = [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 1, 0, 0, 0]]

    def suspects(ids, real):
        time = real.shape[1]
        return [
            Suspect("one too far", real.sum(1), "the number of real tokens; but places count from 0",
                    "The last of n tokens has the index n − 1."),
            Suspect("the last column", torch.full((3,), time - 1),
                    "`[:, -1]`: in rows with padding on the right that is the padding",
                    "Let the mask say where each row ends."),
            Suspect("the first token", torch.zeros(3), "the first token; an encoder's `[CLS]` stands there, but a "
                    "decoder's first token has read nothing", "Take the last real one."),
            Suspect("first zero of the mask", real.argmin(1) - 1,
                    "the first zero of the mask was looked for, and a row without padding has none",
                    "Look for the last one instead of the first zero."),
            Suspect("first zero of the mask", (real.argmin(1) - 1) % time,
                    "the first zero of the mask was looked for, and a row without padding has none",
                    "Look for the last one instead of the first zero."),
            *_by_id(ids, real),
        ]

    return _found(answer, mask, "three rows, padded on the right", suspects)


@last_token.probe
def padded_on_the_left(answer):
    """The last real token is the last column."""
    mask = [[0, 0, 1, 1, 1], [1, 1, 1, 1, 1], [0, 0, 0, 1, 1]]

    def suspects(ids, real):
        return [
            Suspect("padding on the right assumed", real.sum(1) - 1,
                    "the number of ones is an index only when the row begins at 0",
                    "Find the largest index at which the mask is 1."),
            Suspect("the first real token", real.argmax(1), "`argmax` of the mask gives its *first* one",
                    "Make later places weigh more before you look for the largest."),
            Suspect("first zero of the mask", real.argmin(1) - 1,
                    "the first zero of the mask was looked for, and here it stands in front",
                    "Look for the last one instead of the first zero."),
            *_by_id(ids, real),
        ]

    return _found(answer, mask, "three rows, padded on the left", suspects)


@last_token.probe
def both_sides(answer):
    """Rows of one batch may differ."""
    return _found(
        answer, [[0, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1]], "three rows, padded on either side or both",
        lambda ids, real: [
            Suspect("one side for the whole batch", real.sum(1) - 1, "the side was decided by one row of the batch",
                    "Decide for each row; the largest index with a 1 needs no decision at all."),
            Suspect("one side for the whole batch", torch.full((3,), 3), "the side was decided by one row of the batch",
                    "Decide for each row; the largest index with a 1 needs no decision at all."),
        ],
    )


# ---------------------------------------------------------------- 09.6

multi_label_targets = Check(
    "09.6",
    "Targets for several labels",
    hints=(
        "Begin with zeros of shape (rows, classes). Which places become 1?",
        "The column of a name is its place in `label_names`, `label_names.index(name)`; not its place in the alphabet.",
    ),
)


@multi_label_targets.probe
def a_table(answer):
    """Two labels, none, one; columns in the order given."""
    names = ("sports", "money", "weather", "crime")
    rows = [["crime", "sports"], [], ["money"], ["weather", "money", "sports"]]
    right = torch.tensor([[1.0, 0, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0], [1, 1, 1, 0]])
    got = torch.as_tensor(answer([list(row) for row in rows], names))
    seen = f"a table of shape {tuple(got.shape)}"
    if got.shape == (4,) or got.shape == (4, 1):
        return Mistake(
            "one class a row", seen, "one class number for each row, as for a single label",
            "A row may have two labels or none, so it needs a column for each class.",
        )
    if got.shape[0] == 3:
        return Mistake(
            "rows without a label left out", f"{seen} for 4 rows", "a row with an empty list was skipped",
            "Keep it: a row of zeros says that no topic is touched, and the model can learn that.",
        )
    if got.shape != right.shape:
        return Mistake(
            "another shape", f"{seen} for 4 rows and 4 classes", "rows and columns come from other lists",
            "Make zeros of shape (len(labels), len(label_names)) first.",
        )
    seen = f"the rows {got.tolist()}"
    alphabetical = right[:, [names.index(name) for name in sorted(names)]]
    first = torch.zeros(4, 4)
    for row, labels in enumerate(rows):
        if labels:
            first[row, names.index(labels[0])] = 1
    mistake = told_apart(
        got, right, seen,
        [
            Suspect("alphabetical columns", alphabetical,
                    "the columns are in the order of the alphabet, as `MultiLabelBinarizer` or a sorted set gives them",
                    "Column i belongs to `label_names[i]`; the model's outputs have that order, too."),
            Suspect("first label only", first, "the loop ends with the first label of a row", "Set all of them."),
            Suspect("rows and columns exchanged", right.T, "the table is transposed",
                    "Rows are notices, columns are classes."),
            Suspect("shares", right / right.sum(1, keepdim=True).clamp(min=1),
                    "each row was made to add up to 1, as for a softmax",
                    "Every class is a question of its own: 1 for each that applies."),
            Suspect("minus ones", 2 * right - 1, "−1 stands where a label does not apply",
                    "Binary cross-entropy wants 0 there."),
            Suspect("unknown for no", torch.where(right == 1, 1.0, -100.0),
                    "−100 stands where a label does not apply, which says that nobody knows",
                    "Here it is known that it does not: 0."),
            Suspect("exchanged yes and no", 1 - right, "0 and 1 are exchanged", "1 where the label applies."),
        ],
        "Compare your first row with its list: which columns should be 1?",
    )
    if mistake:
        return mistake
    if not got.is_floating_point():
        return Mistake(
            "whole numbers", f"{got.dtype} where floating-point numbers are asked for",
            "the right numbers, but binary cross-entropy refuses integers as targets",
            "Make the zeros with `torch.zeros`, or convert at the end with `.float()`.",
        )
    return None


@multi_label_targets.probe
def named_twice(answer):
    """A label that is named twice is still one."""
    got = torch.as_tensor(answer([["b", "b"]], ("a", "b")))
    if same(got, [[0.0, 1.0]]):
        return None
    return Mistake(
        "counted", f"{got.tolist()} for a row that names its label twice", "ones are added up instead of set",
        "Assign 1 instead of adding it.",
    )


# ---------------------------------------------------------------- 09.7

multi_label_loss = Check(
    "09.7",
    "A yes or no for every class",
    hints=(
        "Pick the known decisions first: `known = targets != -100` gives a mask of the same shape.",
        "`torch.nn.functional.binary_cross_entropy_with_logits` takes logits, not probabilities, and a `reduction`.",
        "`binary_cross_entropy_with_logits(logits[known], targets[known], reduction=\"sum\")`.",
    ),
)


def _losses(logits: torch.Tensor, targets: torch.Tensor) -> dict[str, torch.Tensor]:
    """The loss of each decision, right and as wrong programs give it."""
    p = logits.sigmoid()
    return {
        "right": binary_cross_entropy(p, targets, reduction="none"),
        "twice": binary_cross_entropy(p.sigmoid(), targets, reduction="none"),
        "softmax": binary_cross_entropy(logits.softmax(1), targets, reduction="none"),
        "inverted": binary_cross_entropy(1 - p, targets, reduction="none"),
    }


@multi_label_loss.probe
def a_sum_of_decisions(answer):
    """Three rows, three classes; all known."""
    logits = torch.tensor([[1.5, -0.5, 0.3], [-2.0, 0.8, 0.1], [0.4, 1.1, -1.7]])
    targets = torch.tensor([[1.0, 0, 1], [0, 0, 0], [0, 1, 0]])
    loss = _losses(logits, targets)
    right = loss["right"].sum()
    got = torch.as_tensor(answer(logits.clone(), targets.clone()))
    if got.numel() != 1:
        return Mistake(
            "not one number", f"a result of shape {tuple(got.shape)}", "the decisions are not added up",
            'Add up over rows and classes: reduction="sum".',
        )
    log_p = logits.log_softmax(1)
    return told_apart(
        got.flatten()[0], right, f"{float(got):.4g} where the sum is {float(right):.4g}",
        [
            Suspect("mean over decisions", right / 9, "the mean, which is the default",
                    "The loop divides by the number of targets itself: return the sum."),
            Suspect("mean over rows", right / 3, "added up over the classes and averaged over the rows",
                    "Add up over the rows, too."),
            Suspect("softmax", -(targets * log_p).sum(),
                    "a softmax over the classes: they compete, so two topics can never both be certain, and a row "
                    "without a topic teaches nothing",
                    "Each class has a probability of its own: the sigmoid of its logit."),
            Suspect("softmax", cross_entropy(logits, targets, reduction="mean"),
                    "cross-entropy over the classes: they compete, so two topics can never both be certain",
                    "Each class has a probability of its own: the sigmoid of its logit."),
            Suspect("softmax, then binary", loss["softmax"].sum(),
                    "the probabilities come from a softmax, so those of a row add up to 1",
                    "Take the sigmoid of each logit."),
            Suspect("sigmoid twice", loss["twice"].sum(),
                    "`…_with_logits` applies the sigmoid itself, and it was given probabilities",
                    "Give it the logits."),
            Suspect("only the ones", (loss["right"] * targets).sum(),
                    "only targets of 1 count; whoever says yes to everything then pays nothing",
                    "A target of 0 costs −log(1 − σ)."),
            Suspect("yes and no exchanged", loss["inverted"].sum(), "σ and 1 − σ are exchanged",
                    "−log σ belongs to a target of 1."),
            Suspect("sign left out", -right, "the sum of the logarithms, without the minus", "A loss is positive."),
        ],
        "Compute one decision by hand: a logit of 1.5 with a target of 1 costs 0.201.",
    )


@multi_label_loss.probe
def unknown_targets(answer):
    """−100 is no target."""
    logits = torch.tensor([[1.5, -0.5], [-2.0, 0.8]])
    targets = torch.tensor([[1.0, -100], [-100, 0]])
    known = targets != -100
    right = _losses(logits, targets.clamp(min=0))["right"]
    got = torch.as_tensor(answer(logits.clone(), targets.clone())).flatten()[0]
    raw = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="sum")
    return told_apart(
        got, right[known].sum(), f"{float(got):.4g} where the two known targets give {float(right[known].sum()):.4g}",
        [
            Suspect("unknown counted as no", right.sum(), "−100 was taken for 0", "Leave such decisions out."),
            Suspect("unknown counted as a number", raw, "−100 went into the formula as it is",
                    "Choose the known decisions by a mask before you compute."),
            Suspect("whole rows left out", torch.tensor(0.0), "a row with one unknown target was left out whole",
                    "Leave out the decision, not the row."),
        ],
        "Make a mask of what is known, and use it on logits and targets.",
    )


@multi_label_loss.probe
def large_logits(answer):
    """Sure and wrong: a large loss, but a number, with a gradient."""
    logits = torch.tensor([[200.0, -200.0]], requires_grad=True)
    got = torch.as_tensor(answer(logits, torch.tensor([[0.0, 1.0]])))
    if not bool(torch.isfinite(got).all()) or not same(got.detach().flatten()[0], 400.0):
        return Mistake(
            "overflow", f"{float(got.detach().flatten()[0]):.4g} for two logits of 200 on the wrong side, where the "
            "loss is 400",
            "the sigmoid was rounded to 0 or 1, and its logarithm is infinite (or was cut off); one such row ruins a run",
            "Let the library do both at once: a function whose name ends in `_with_logits`.",
        )
    if got.requires_grad:
        return None
    return Mistake(
        "no gradient", "the right number, without a gradient", "`.item()`, `.detach()` or `no_grad` cut it off",
        "Return the tensor itself: the loop calls `backward()` on it.",
    )


# ---------------------------------------------------------------- 09.8

say_stars = Check(
    "09.8",
    "How many stars shall we say?",
    hints=(
        "Take one row. For each class that you might say, what is the distance to each true class, and how likely is it?",
        "A table of distances |said − true|, times the probabilities of the true classes, gives an expected distance each.",
        "`(probabilities @ np.abs(classes[:, None] - classes)).argmin(1)`; or find the median of each row.",
    ),
)


@say_stars.probe
def cheapest_on_average(answer):
    """Rows whose mode, mean and median differ."""
    rows = np.array([
        [0.40, 0.05, 0.10, 0.25, 0.20],  # mode 0, mean 1.8, median 2
        [0.05, 0.05, 0.05, 0.40, 0.45],  # mode 4, mean 3.15, median 3
        [0.52, 0.00, 0.00, 0.00, 0.48],  # mode 0, mean 1.92, median 0
        [0.10, 0.20, 0.15, 0.11, 0.44],  # mode 4, mean 2.59, median 3
    ])
    classes = np.arange(5)
    expected = rows @ np.abs(classes[:, None] - classes)
    squared = rows @ (classes[:, None] - classes) ** 2
    right, mean = expected.argmin(1), (rows * classes).sum(1)
    got = np.asarray(answer(rows.copy()), dtype=float)
    if got.shape != right.shape:
        return Mistake(
            "not one class a row", f"a result of shape {got.shape} for 4 rows",
            "a number for each class is returned, or one for all rows",
            "Choose one class in each row: `argmin(1)`.",
        )
    return told_apart(
        got, right, f"the classes {[round(v, 3) for v in got.tolist()]} where they are {right.tolist()}",
        [
            Suspect("the likeliest", rows.argmax(1), "argmax: right most often, whatever the misses cost",
                    "Weigh each possible miss by its distance."),
            Suspect("the expected stars", mean, "the mean of the distribution, which is no class",
                    "Choose among the five classes the one with the smallest expected distance."),
            Suspect("the mean, rounded", squared.argmin(1), "the class nearest to the mean: it is best for *squared* "
                    "distances, and lets one unlikely, far class pull it away", "Use the distance itself."),
            Suspect("the mean, cut off", np.floor(mean), "the mean without its fraction",
                    "Compute the expected distance of every class that you might say."),
            Suspect("stars instead of classes", right + 1, "stars count from 1; classes from 0",
                    "Return class numbers: 0 for one star."),
            Suspect("the dearest", expected.argmax(1), "the class with the *largest* expected distance", "`argmin`."),
        ],
        "Take the third row: say 0, and the expected distance is 0.48 · 4. What is it if you say 2?",
    )


@say_stars.probe
def other_numbers_of_classes(answer):
    """Ten random rows of seven classes."""
    rows = np.random.default_rng(0).dirichlet(np.ones(7) / 2, size=10)
    classes = np.arange(7)
    right = (rows @ np.abs(classes[:, None] - classes)).argmin(1)
    got = np.asarray(answer(rows.copy()), dtype=float)
    return told_apart(got, right, f"with seven classes, {got.astype(int).tolist()} where they are {right.tolist()}", [],
                      "Look for a number of the small example that is still in your function.")
