"""Exercises of lesson 09, text classification: averages of F1, weights, thresholds, last tokens, several labels, stars.

Most answers are numbers on small made-up rows, and are compared with what the usual wrong programs give there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy

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

f1_scores = Check("09.1", "Macro and micro F1", hints=(
    "Count right, said and there for each class. Macro divides first and then takes the mean; micro adds up first.",
    "`right` of class c is `((true == c) & (predicted == c)).sum()`. What do `said` and `there` add up to over all "
    "classes?",
    "macro = mean of 2 · right / (said + there); micro = 2 · right.sum() / (said.sum() + there.sum()).",
))


def _averages(answer, true, predicted, classes) -> Mistake | None:
    numbers = np.arange(classes)[:, None]
    right = ((true == predicted) & (true == numbers)).sum(1)  # (classes,) as the two below
    said, there = (predicted == numbers).sum(1), (true == numbers).sum(1)
    f1 = 2 * right / (said + there)
    macro, micro = f1.mean(), right.sum() / len(true)
    precision, recall = right / np.maximum(said, 1), right / there
    got = tuple(float(value) for value in answer(true.copy(), predicted.copy(), classes))
    if len(got) != 2:
        return Mistake("not a pair", f"{len(got)} values", "two averages are asked for, or a list of all F1 was returned",
                       "Return macro F1 and micro F1, in this order.")
    seen = f"macro {got[0]:.3g} and micro {got[1]:.3g} where they are {macro:.3g} and {micro:.3g}"
    if np.isnan(got).any():
        return Mistake("nothing divided by nothing", seen,
                       "precision was computed first, and a class that is never predicted has none: 0 / 0",
                       "Use 2 · right / (said + there), whose denominator is never zero here.")
    of_means = 2 * precision.mean() * recall.mean() / (precision.mean() + recall.mean())
    no_two = ("right / (said + there), without the 2",
              "A class that is always right has said = there = right: its F1 must be 1.")
    return told_apart(got, (macro, micro), seen, [
        Suspect("the other way round", (micro, macro), "the two averages are right, and exchanged",
                "Macro comes first: the plain mean over classes."),
        Suspect("weighted by size", ((f1 * there).sum() / there.sum(), micro),
                "each class counts by its number of rows; that is the *weighted* F1, in which a rare class drowns",
                "In macro F1 every class counts alike: a plain mean."),
        Suspect("F1 of the means", (of_means, micro), "precision and recall were averaged over the classes, and one "
                "F1 was made of the two means", "Make the F1 of each class first, and then their mean."),
        Suspect("mean recall", (recall.mean(), micro), "the mean of the classes' recall; it does not see that a "
                "class is said too often", "F1 divides by said + there, not by there."),
        Suspect("mean precision", (precision.mean(), micro), "the mean of the classes' precision; it does not see "
                "that a class is missed", "F1 divides by said + there, not by said."),
        Suspect("twice the micro average", (micro, micro), "the counts were added up over the classes in both",
                "For macro F1, divide for each class, and then take the mean."),
        Suspect("twice the macro average", (macro, macro), "the mean of the classes' F1 in both",
                "For micro F1, add up right, said and there over the classes before you divide."),
        Suspect("one class for micro", (macro, f1[1]), "micro F1 is that of class 1 alone, as for two classes of "
                "which one is sought", "Add up right, said and there over all classes, and divide then."),
        Suspect("silent class left out", (f1[said > 0].mean(), micro), "a class that is never predicted was left out "
                "of the mean, as if it were no mistake to miss it", "Its F1 is 0, and it counts."),
        Suspect("sum of F1", (f1.sum(), micro), "the F1 of the classes are added up", "Divide by their number."),
        Suspect("factor two left out", (macro / 2, micro), *no_two),
        Suspect("factor two left out", (macro / 2, micro / 2), *no_two),
    ], "Write down right, said and there of each class of a small example, and go on by hand.")


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

class_weights = Check("09.2", "Class weights that add up", hints=(
    "If each class has 1 / (its rows), what do the weights add up to over all rows? What should it be?",
    "1 / n_c adds up to 1 for each class, so to K for K classes. Scale by n / K, for n rows.",
    "`np.bincount(labels, minlength=classes)` counts; a weight is n / (K · n_c), where K counts classes with rows.",
))


def _weighed(answer, labels, classes) -> Mistake | None:
    got = np.asarray(answer(labels.copy(), classes), dtype=float)
    n, counts = len(labels), np.bincount(labels, minlength=classes)
    there = counts > 0
    inverse = np.where(there, 1 / np.maximum(counts, 1), 0.0)
    if got.shape != (classes,):
        return Mistake("not one weight a class", f"a result of shape {got.shape} for {classes} classes",
                       "a weight for each row, or only for the classes that were met",
                       f"Return {classes} numbers, the weight of class 0 first.")
    seen = f"for classes of {_said(counts)} rows the weights {_said(got)}"
    if not np.isfinite(got).all():
        return Mistake("a class without rows", seen, "the number of rows of a class stands below the line, and it is 0",
                       "Give such a class the weight 0, and divide for the others only.")
    seen += f", which add up to {float((got * counts).sum()):.3g} over the {n} rows"
    frequent = "the weights grow with the number of rows: the frequent class counts even more"
    return told_apart(got, n * inverse / there.sum(), seen, [
        Suspect("not scaled", inverse, "1 / n_c: inverse to the rows, but the loss of a batch is now tiny, and the "
                "learning rate with it", "Scale them, so that they add up to the number of rows."),
        Suspect("add up to one", inverse / inverse.sum(), "the weights of the classes add up to 1",
                "Add them up over the *rows*: each class as often as it has rows."),
        Suspect("add up over the classes", inverse / inverse.sum() * n, "the weights themselves, one for each class, "
                "add up to the number of rows", "Add them up over the *rows*: each class as often as it has rows."),
        Suspect("mean over classes", inverse / inverse.sum() * there.sum(),
                "the weights are 1 on average over the classes; but the frequent class, with its small weight, "
                "makes most of the rows, so the loss shrinks", "Take the average over the rows."),
        Suspect("number of classes left out", n * inverse, "n / n_c: every class adds up to n, so all to K · n",
                "Divide by the number of classes."),
        Suspect("frequent class first", counts / n * there.sum(), frequent, "A weight is *inverse* to the rows."),
        Suspect("frequent class first", counts * n / (counts**2).sum(), frequent, "A weight is *inverse* to the rows."),
        Suspect("relative to the largest", counts.max() * inverse,
                "the largest class has the weight 1 and the others more, so the loss grows, and the learning "
                "rate with it", "Scale all by one factor, so that the sum over the rows is right."),
        Suspect("absent class counted", n * inverse / classes, "a class without rows counts among the classes, so "
                "the others get too little", "Divide by the number of classes that have rows."),
    ], "Multiply each weight by the rows of its class. Those products should be equal, and add up to the rows.")


@class_weights.probe
def six_and_two(answer):
    """⅔ and 2."""
    return _weighed(answer, np.array([0, 0, 1, 0, 0, 1, 0, 0]), 2)


@class_weights.probe
def three_and_none(answer):
    """Any number of classes, one of them without rows: in the middle, or the last."""
    cases = ([2, 0, 2, 1, 2, 2, 0, 2, 2], 3), ([0, 0, 3, 0, 1, 0], 4), ([0, 1, 1], 3)
    return next(filter(None, (_weighed(answer, np.array(labels), classes) for labels, classes in cases)), None)


# ---------------------------------------------------------------- 09.3

precision_recall = Check("09.3", "Precision against recall", hints=(
    "For one threshold: which rows are flagged? How many of them are spam? Divide that once by each of two counts.",
    "Precision divides by the number flagged, recall by the number of spam. A row *at* the threshold is flagged.",
    "Go through `sorted(set(scores.tolist()), reverse=True)`, with `flagged = scores >= threshold`.",
))


@precision_recall.probe
def points_of_a_curve(answer):
    """Seven rows, two of them with equal scores."""
    scores = np.array([0.2, 0.9, 0.6, 0.6, 0.4, 0.8, 0.1])
    is_spam = np.array([False, True, True, False, True, False, False])
    thresholds = np.array([0.9, 0.8, 0.6, 0.4, 0.2, 0.1])
    spam, ham, rows = is_spam.sum(), (~is_spam).sum(), len(scores)

    def counts(flag):
        flagged = flag(scores, thresholds[:, None])  # (thresholds, rows)
        return (flagged & is_spam).sum(1), np.maximum(1, flagged.sum(1))

    def points(precision, recall):
        return np.stack([thresholds, precision, recall], axis=1)

    found, said = counts(np.greater_equal)
    above, said_above = counts(np.greater)
    below, said_below = counts(np.less_equal)
    alarms = said - found
    right = points(found / said, found / spam)
    got = [tuple(float(value) for value in point) for point in answer(scores.copy(), is_spam.copy())]
    if len({point[0] for point in got}) < len(got) and all(len(point) == 3 for point in got):
        return Mistake("a point for every row", f"{len(got)} points for {rows} rows with {len(right)} different scores",
                       "two rows with equal scores were let in one after the other; no threshold can do that, and the "
                       "order of the rows then changes the curve", "Make one point for each *different* score.")
    if len(got) != len(right) or any(len(point) != 3 for point in got):
        sizes = f"of {len(got[0]) if got else 0} numbers each"
        return Mistake("other points", f"{len(got)} points {sizes} where there are {len(right)} different scores",
                       "a threshold that is no score was added, or one left out; or the result is not a list of triples "
                       "(threshold, precision, recall)",
                       "One triple for each different score, the highest and the lowest among them.")
    seen = "the first three points " + "; ".join(f"({_said(point)})" for point in got[:3])
    seen += ", where they are " + "; ".join(f"({_said(point)})" for point in right[:3])
    return told_apart(got, right, seen, [
        Suspect("lowest first", right[::-1].copy(), "the points are right, and in the order of rising thresholds",
                "Begin with the highest threshold, where almost nothing is flagged."),
        Suspect("the two exchanged", right[:, [0, 2, 1]], "precision stands where recall should",
                "Precision divides by what was flagged, recall by what is spam."),
        Suspect("above the threshold", points(above / said_above, above / spam),
                "rows *at* the threshold are not flagged (`>`), so the first point flags nothing",
                "Flag from the threshold on: `>=`."),
        Suspect("below the threshold", points(below / said_below, below / spam),
                "the rows with *low* scores are flagged", "A high score speaks for spam: `scores >= threshold`."),
        Suspect("the other class", points(alarms / said, alarms / ham),
                "precision and recall of what is *not* spam", "Count the flagged rows that are spam."),
        Suspect("an ROC curve", points(alarms / ham, found / spam), "the false alarms were divided by all that is "
                "not spam; with a rare class that share stays small, and looks good, while most of the flagged may "
                "be wrong", "Precision asks about the flagged: how many of *them* are spam?"),
        Suspect("divided by what is not spam", points(found / ham, found / spam),
                "the spam that was flagged is divided by the number of rows that are not spam",
                "Precision divides by the number of rows flagged."),
        Suspect("divided by all rows", points(found / said, found / rows),
                "recall is divided by the number of all rows, so it can never reach 1",
                "Recall divides by the number of spam."),
        Suspect("accuracy for precision", points((found + ham - alarms) / rows, found / spam),
                "the share of all rows that are right, which the many rows that are not spam lift",
                "Precision looks at the flagged rows alone."),
    ], "Take the second-highest score: which two rows are flagged, and how many of them are spam?")


# ---------------------------------------------------------------- 09.4

choose_threshold = Check("09.4", "A threshold, chosen honestly", hints=(
    "Which split may you look at while you choose? And which number may you quote?",
    "Collect the validation scores at which validation keeps the floor; take the lowest; then look at test, once.",
    "`threshold = min(t for t in scores if precision_and_recall(scores, is_spam, t)[0] >= floor)`.",
))
VALIDATION = (  # precision falls below three in four and rises again
    np.array([0.92, 0.82, 0.72, 0.62, 0.57, 0.47, 0.42, 0.32, 0.22, 0.12]), np.array([1, 1, 0, 1, 1, 0, 1, 1, 0, 0]) == 1,
)
TEST = np.array([0.95, 0.85, 0.75, 0.65, 0.58, 0.45, 0.35, 0.25, 0.15]), np.array([1, 1, 0, 1, 0, 1, 1, 0, 0]) == 1


def _chosen(answer, floor: float) -> Mistake | None:
    scores = VALIDATION[0].tolist()  # the highest first
    both = tuple(np.concatenate(parts) for parts in zip(VALIDATION, TEST, strict=True))
    got = answer(tuple(map(np.copy, VALIDATION)), tuple(map(np.copy, TEST)), floor)
    got = tuple(float(value) for value in (got if hasattr(got, "__len__") else [got]))
    if len(got) != 3:
        return Mistake("not three numbers", f"{len(got)} where a threshold, a precision and a recall are asked for",
                       "the threshold alone is returned, or the report without it",
                       "Return (threshold, precision, recall).")

    def measured(threshold):
        return precision_and_recall(*VALIDATION, threshold)

    def report(threshold, split=TEST):
        return (threshold, *precision_and_recall(*split, threshold))

    def lowest(split):
        return min(t for t in split[0].tolist() if precision_and_recall(*split, t)[0] >= floor)

    def f1(threshold):
        precision, recall = measured(threshold)
        return precision * recall / (precision + recall)

    low = lowest(VALIDATION)
    fallen = next((i for i, t in enumerate(scores) if measured(t)[0] < floor), len(scores))
    recalled = [t for t in scores if measured(t)[1] >= floor]
    seen = f"with a floor of {floor:g}: threshold {got[0]:g}, precision {got[1]:.3g}, recall {got[2]:.3g}"
    exchanged = "the floor was held against the recall", "`precision_and_recall` gives precision first."
    mistake = told_apart(got, report(low), seen, [
        Suspect("reported on validation", report(low, VALIDATION),
                "the threshold is chosen on validation, and so are the numbers: they are lucky by choice",
                "Quote what the threshold does on the split that had no say in it."),
        Suspect("chosen on test", report(lowest(TEST)), "the threshold was chosen on the very rows whose score it is "
                "quoted with", "Choose on validation; test is for the report alone."),
        Suspect("chosen on test, reported on validation", report(lowest(TEST), VALIDATION),
                "the two splits are exchanged", "Choose on validation, report on test."),
        Suspect("chosen on both", report(lowest(both)), "both splits were joined to choose the threshold",
                "More rows would be welcome, but not those of test."),
        Suspect("recall first", (low, *report(low)[:0:-1]), "the threshold is right, and recall stands before "
                "precision", "Return (threshold, precision, recall)."),
        Suspect("the highest", report(max(t for t in scores if measured(t)[0] >= floor)),
                "the highest threshold that keeps the floor: it finds the least spam",
                "Among those that keep the floor, the lowest finds the most."),
        Suspect("stopped at the first fall", report(scores[fallen - 1]),
                "the search went down from the top and stopped where precision first fell below the floor; it may "
                "rise again", "Look at all thresholds, and take the lowest that keeps the floor."),
        Suspect("above the floor only", report(min(t for t in scores if measured(t)[0] > floor)),
                "a precision of exactly the floor was refused", "At least the floor: `>=`."),
        Suspect("the best F1", report(max(scores, key=f1)), "the threshold with the best F1; the floor asks for "
                "something else", "Take the lowest threshold that keeps the floor, whatever its F1."),
        Suspect("the default", report(0.5), "0.5 is what argmax uses; nothing was chosen",
                "Look for the threshold among the scores."),
        Suspect("the floor itself", report(floor), "the floor was taken for the threshold; it is a precision",
                "Look for the threshold among the scores."),
        Suspect("recall for precision", report(min(recalled)), *exchanged),
        Suspect("recall for precision", report(max(recalled)), *exchanged),
    ], "Print the precision at each score of validation, and mark those that keep the floor.")
    if mistake and mistake.name == "another value" and not np.isclose(got[0], scores).any():
        return Mistake("no score of validation", seen, "the threshold is none of the scores of validation: it comes from a "
                       "grid, or from test", "Go through the scores of validation.")
    return mistake


@choose_threshold.probe
def three_in_four(answer):
    """Chosen on validation, reported on test."""
    return _chosen(answer, 0.75)


@choose_threshold.probe
def another_floor(answer):
    """A lower one, which lets more in than the best F1 would."""
    return _chosen(answer, 0.65)


# ---------------------------------------------------------------- 09.5

last_token = Check("09.5", "The last real token", hints=(
    "The mask alone says what is real. Counting its ones helps only if the padding is on the right.",
    "You look for the largest index at which the mask is 1.",
    "Multiply the mask by 0, 1, 2, …: the largest product stands at the last real token. `argmax(1)` finds it.",
))
PAD = 0


def _found(answer, mask: list[list[int]], seen: str, first: Sequence[Suspect] = ()) -> Mistake | None:
    """Compares with the usual mistakes; those of `first` before the others."""
    real = torch.tensor(mask)  # (rows, time)
    rows, time = real.shape
    ids = torch.randint(5, 30, real.shape, generator=torch.Generator().manual_seed(0)) * real  # 0 is padding
    ids[torch.arange(1, rows), real.argmax(1)[1:]] = PAD  # the token that begins all texts but the first pads, too
    right = time - 1 - real.flip(1).argmax(1)
    got = torch.as_tensor(answer(ids.clone(), real.clone(), PAD))
    if got.shape != right.shape:
        return Mistake("not one index a row", f"a result of shape {tuple(got.shape)} for {rows} rows",
                       "a number for each token, or one for the whole batch", "Reduce over the time axis, which is axis 1.")
    by_id = ("the padding token was looked for, and it is also the token with which a text begins",
             "Ask the mask, which knows real tokens from padding whatever their ids are.")
    zero = ("the first zero of the mask was looked for; a row without padding has none, and padding on the left has it "
            "in front", "Look for the last one instead of the first zero.")
    column = "`[:, -1]`: in rows with padding on the right that is the padding", "Let the mask say where each row ends."
    padding, other = (ids == PAD).int(), (ids != PAD).int()
    return told_apart(got, right, f"{seen}: the indices {got.tolist()} where they are {right.tolist()}", [
        *first,
        Suspect("one too far", right + 1, "one too far: n tokens, or n places from the other end; but places count "
                "from 0", "The last of n tokens has the index n − 1."),
        Suspect("padding on the right assumed", real.sum(1) - 1,
                "the number of ones is an index only when the row begins at 0",
                "Find the largest index at which the mask is 1."),
        Suspect("the last column", torch.full((rows,), time - 1), *column),
        Suspect("the last column", torch.full((rows,), -1), *column),
        Suspect("the first token", real.argmax(1), "the first real token, which `argmax` of the mask gives; an "
                "encoder's `[CLS]` stands there, but a decoder's first token has read nothing",
                "Make later places weigh more before you look for the largest."),
        Suspect("the token, not its place", ids.gather(1, right[:, None])[:, 0], "the ids of the last tokens",
                "Return where they stand."),
        Suspect("first zero of the mask", real.argmin(1) - 1, *zero),
        Suspect("first zero of the mask", (real.argmin(1) - 1) % time, *zero),
        *(Suspect("looked for the padding token", places, *by_id) for places in (
            padding.argmax(1) - 1, (padding.argmax(1) - 1) % time,
            other.sum(1) - 1, other.sum(1), (other * torch.arange(time)).argmax(1))),
    ], "Write the mask of one row on paper, and number its places from 0.")


@last_token.probe
def padded_on_the_right(answer):
    """Rows of 3, 5 and 2 tokens."""
    return _found(answer, [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 1, 0, 0, 0]], "three rows, padded on the right")


@last_token.probe
def padded_on_the_left(answer):
    """The last real token is the last column."""
    return _found(answer, [[0, 0, 1, 1, 1], [1, 1, 1, 1, 1], [0, 0, 0, 1, 1]], "three rows, padded on the left")


@last_token.probe
def both_sides(answer):
    """Rows of one batch may differ."""
    mask = [[0, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1]]
    first = [Suspect("one side for the whole batch", places, "the side was decided by one row of the batch",
                     "Decide for each row; the largest index with a 1 needs no decision at all.")
             for places in (torch.tensor(mask).sum(1) - 1, torch.full((3,), 3))]
    return _found(answer, mask, "three rows, padded on either side or both", first)


# ---------------------------------------------------------------- 09.6

multi_label_targets = Check("09.6", "Targets for several labels", hints=(
    "Begin with zeros of shape (rows, classes). Which places become 1?",
    "The column of a name is its place in `label_names`, `label_names.index(name)`; not its place in the alphabet.",
))


@multi_label_targets.probe
def a_table(answer):
    """Two labels, none, one, three; columns in the order given, and one name within another."""
    names = ("startups", "money", "weather", "art")
    rows = [["art", "startups"], [], ["money"], ["weather", "money", "startups"]]
    right = torch.tensor([[1.0, 0, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0], [1, 1, 1, 0]])
    table = answer([list(row) for row in rows], names)
    got = torch.as_tensor(table)
    seen = f"a table of shape {tuple(got.shape)} for 4 rows and 4 classes"
    if got.shape == (4,) or got.shape == (4, 1):
        return Mistake("one class a row", seen, "one class number for each row, as for a single label",
                       "A row may have two labels or none, so it needs a column for each class.")
    if got.shape[0] == 3:
        return Mistake("rows without a label left out", seen, "a row with an empty list was skipped",
                       "Keep it: a row of zeros says that no topic is touched, and the model can learn that.")
    if got.shape != right.shape:
        return Mistake("another shape", seen, "rows and columns come from other lists",
                       "Make zeros of shape (len(labels), len(label_names)) first.")
    first, within = torch.zeros(4, 4), right.clone()
    first[[0, 2, 3], [3, 1, 2]] = 1
    within[3, 3] = 1  # "art" stands in "startups"
    mistake = told_apart(got, right, f"the rows {got.tolist()}", [
        Suspect("alphabetical columns", right[:, [names.index(name) for name in sorted(names)]],
                "the columns are in the order of the alphabet, as `MultiLabelBinarizer` or a sorted set gives them",
                "Column i belongs to `label_names[i]`; the model's outputs have that order, too."),
        Suspect("first label only", first, "the loop ends with the first label of a row", "Set all of them."),
        Suspect("a name within a name", within, "the labels were searched as text, and *art* stands in *startups*",
                "Ask whether the name is in the *list*."),
        Suspect("rows and columns exchanged", right.T, "the table is transposed",
                "Rows are notices, columns are classes."),
        Suspect("shares", right / right.sum(1, keepdim=True).clamp(min=1),
                "each row was made to add up to 1, as for a softmax",
                "Every class is a question of its own: 1 for each that applies."),
        Suspect("minus ones", 2 * right - 1, "−1 stands where a label does not apply",
                "Binary cross-entropy wants 0 there."),
        Suspect("unknown for no", torch.where(right == 1, 1.0, -100.0), "−100 stands where a label does not apply, "
                "which says that nobody knows", "Here it is known that it does not: 0."),
        Suspect("exchanged yes and no", 1 - right, "0 and 1 are exchanged", "1 where the label applies."),
    ], "Compare your first row with its list: which columns should be 1?")
    if mistake:
        return mistake
    if not isinstance(table, torch.Tensor):
        return Mistake("no tensor", f"the right numbers, in a {type(table).__name__}",
                       "the table was not made a tensor, and the loss takes nothing else", "Wrap it in `torch.tensor(…)`.")
    if got.is_floating_point():
        return None
    return Mistake("whole numbers", f"{got.dtype} where floating-point numbers are asked for",
                   "the right numbers, but binary cross-entropy refuses integers and truth values as targets",
                   "Make the zeros with `torch.zeros`, or convert at the end with `.float()`.")


@multi_label_targets.probe
def named_twice(answer):
    """A label that is named twice is still one, and one that no row names keeps its column."""
    got = torch.as_tensor(answer([["b", "b"]], ("a", "b")))
    return told_apart(got, [[0.0, 1.0]], f"{got.tolist()} for a row that names *b* twice, of the classes *a* and *b*", [
        Suspect("counted", [[0.0, 2.0]], "ones are added up instead of set", "Assign 1 instead of adding it."),
        Suspect("only names that were met", [[1.0]], "there are columns only for the labels that some row names",
                "Make a column for each of `label_names`."),
    ], "One row, two columns: 0 for *a*, 1 for *b*.")


# ---------------------------------------------------------------- 09.7

multi_label_loss = Check("09.7", "A yes or no for every class", hints=(
    "Pick the known decisions first: `known = targets != -100` gives a mask of the same shape.",
    "`torch.nn.functional.binary_cross_entropy_with_logits` takes logits, not probabilities, and a `reduction`.",
    "`binary_cross_entropy_with_logits(logits[known], targets[known], reduction=\"sum\")`.",
))


def _losses(logits: torch.Tensor, targets: torch.Tensor) -> dict[str, torch.Tensor]:
    """The loss of each decision, right and as wrong programs give it."""
    p = logits.sigmoid()
    ways = {"right": p, "twice": p.sigmoid(), "softmax": logits.softmax(1), "inverted": 1 - p}
    return {name: binary_cross_entropy(q, targets, reduction="none") for name, q in ways.items()}


@multi_label_loss.probe
def a_sum_of_decisions(answer):
    """Three rows, three classes; all known."""
    logits = torch.tensor([[1.5, -0.5, 0.3], [-2.0, 0.8, 0.1], [0.4, 1.1, -1.7]])
    targets = torch.tensor([[1.0, 0, 1], [0, 0, 0], [0, 1, 0]])
    loss = _losses(logits, targets)
    right = loss["right"].sum()
    got = torch.as_tensor(answer(logits.clone(), targets.clone()))
    if got.numel() != 1:
        return Mistake("not one number", f"a result of shape {tuple(got.shape)}", "the decisions are not added up",
                       'Add up over rows and classes: reduction="sum".')
    log_p = logits.log_softmax(1)
    softmax = ("a softmax over the classes: they compete, so two topics can never both be certain, and a row without a "
               "topic teaches nothing", "Each class has a probability of its own: the sigmoid of its logit.")
    return told_apart(got.flatten()[0], right, f"{float(got):.4g} where the sum is {float(right):.4g}", [
        Suspect("mean over decisions", right / 9, "the mean, which is the default",
                "The loop divides by the number of targets itself: return the sum."),
        Suspect("mean over rows", right / 3, "added up over the classes and averaged over the rows",
                "Add up over the rows, too."),
        Suspect("softmax", -(targets * log_p).sum(), *softmax),
        Suspect("softmax", -(targets * log_p).sum() / 3, *softmax),
        Suspect("softmax, then binary", loss["softmax"].sum(), "the probabilities come from a softmax, so those of a "
                "row add up to 1", "Take the sigmoid of each logit."),
        Suspect("sigmoid twice", loss["twice"].sum(), "`…_with_logits` applies the sigmoid itself, and it was given "
                "probabilities", "Give it the logits."),
        Suspect("only the ones", (loss["right"] * targets).sum(), "only targets of 1 count; whoever says yes to "
                "everything then pays nothing", "A target of 0 costs −log(1 − σ)."),
        Suspect("yes and no exchanged", loss["inverted"].sum(), "σ and 1 − σ are exchanged",
                "−log σ belongs to a target of 1."),
        Suspect("sign left out", -right, "the sum of the logarithms, without the minus", "A loss is positive."),
    ], "Compute one decision by hand: a logit of 1.5 with a target of 1 costs 0.201.")


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
        got, right[known].sum(), f"{float(got):.4g} where the two known targets give {float(right[known].sum()):.4g}", [
        Suspect("unknown counted as no", right.sum(), "−100 was taken for 0", "Leave such decisions out."),
        Suspect("unknown counted as a number", raw, "−100 went into the formula as it is",
                "Choose the known decisions by a mask before you compute."),
        Suspect("made zero", right[known].sum() + 2 * np.log(2), "logits of unknown targets were made zero, and each "
                "still costs log 2", "Leave such decisions out; a zero is a decision, too."),
        Suspect("whole rows left out", torch.tensor(0.0), "a row with one unknown target was left out whole",
                "Leave out the decision, not the row."),
    ], "Make a mask of what is known, and use it on logits and targets.")


@multi_label_loss.probe
def large_logits(answer):
    """Sure and wrong: a large loss, but a number, with a gradient."""
    logits = torch.tensor([[200.0, -200.0]], requires_grad=True)
    got = torch.as_tensor(answer(logits, torch.tensor([[0.0, 1.0]])))
    if not bool(torch.isfinite(got).all()) or not same(got.detach().flatten()[0], 400.0):
        return Mistake("overflow", f"{float(got.detach().flatten()[0]):.4g} for two logits of 200 on the wrong side, where "
                       "the loss is 400", "the sigmoid was rounded to 0 or 1, and its logarithm is infinite, or was cut "
                       "off; one such row ruins a run, or teaches too little",
                       "Let the library do both at once: a function whose name ends in `_with_logits`.")
    if got.requires_grad:
        return None
    return Mistake("no gradient", "the right number, without a gradient", "`.item()`, `.detach()` or `no_grad` cut it off",
                   "Return the tensor itself: the loop calls `backward()` on it.")


# ---------------------------------------------------------------- 09.8

say_stars = Check("09.8", "How many stars shall we say?", hints=(
    "Take one row. For each class that you might say, what is the distance to each true class, and how likely is it?",
    "A table of distances |said − true|, times the probabilities of the true classes, gives an expected distance each.",
    "`(probabilities @ np.abs(classes[:, None] - classes)).argmin(1)`; or find the median of each row.",
))


def _not_one_each(got: np.ndarray, rows: np.ndarray) -> Mistake | None:
    if got.shape == (len(rows),):
        return None
    return Mistake("not one class a row", f"a result of shape {got.shape} for {len(rows)} rows",
                   "a number for each class is returned, or one for all rows", "Choose one class in each row: `argmin(1)`.")


@say_stars.probe
def cheapest_on_average(answer):
    """Rows whose mode, mean and median differ, and one that says the last class."""
    rows = np.array([
        [0.40, 0.05, 0.10, 0.25, 0.20],  # mode 0, mean 1.8, median 2
        [0.05, 0.05, 0.05, 0.40, 0.45],  # mode 4, mean 3.15, median 3
        [0.52, 0.00, 0.00, 0.00, 0.48],  # mode 0, mean 1.92, median 0
        [0.10, 0.20, 0.15, 0.11, 0.44],  # mode 4, mean 2.59, median 3
        [0.15, 0.00, 0.05, 0.20, 0.60],  # mode 4, mean 3.1, median 4
    ])
    classes = np.arange(5)
    expected = rows @ np.abs(classes[:, None] - classes)
    right, mean = expected.argmin(1), (rows * classes).sum(1)
    got = np.asarray(answer(rows.copy()), dtype=float)
    return _not_one_each(got, rows) or told_apart(
        got, right, f"the classes {[round(v, 3) for v in got.tolist()]} where they are {right.tolist()}", [
        Suspect("the likeliest", rows.argmax(1), "argmax: right most often, whatever the misses cost",
                "Weigh each possible miss by its distance."),
        Suspect("the expected stars", mean, "the mean of the distribution, which is no class",
                "Choose among the five classes the one with the smallest expected distance."),
        Suspect("the mean, rounded", mean.round(), "the class nearest to the mean: it is best for *squared* "
                "distances, and lets one unlikely, far class pull it away", "Use the distance itself."),
        Suspect("the mean, cut off", np.floor(mean), "the mean without its fraction",
                "Compute the expected distance of every class that you might say."),
        Suspect("stars instead of classes", right + 1, "stars count from 1; classes from 0",
                "Return class numbers: 0 for one star."),
        Suspect("one class too low", right - 1, "the last class *before* half of the probability is reached",
                "The median is the class at which it is reached."),
        Suspect("the dearest", expected.argmax(1), "the class with the *largest* expected distance", "`argmin`."),
    ], "Take the third row: say 0, and the expected distance is 0.48 · 4. What is it if you say 2?")


@say_stars.probe
def other_numbers_of_classes(answer):
    """Forty random rows of seven classes, each of which is right somewhere."""
    rows = np.random.default_rng(0).dirichlet(np.ones(7) / 4, size=40)
    classes = np.arange(7)
    right = (rows @ np.abs(classes[:, None] - classes)).argmin(1)
    got = np.asarray(answer(rows.copy()), dtype=float)
    if mistake := _not_one_each(got, rows):
        return mistake
    worst = int(np.abs(got - right).argmax())
    seen = f"{int((got != right).sum())} of 40 rows of seven classes are wrong: class {got[worst]:g}, where {right[worst]} "
    seen += f"is right, for {_said(rows[worst].round(2))}"
    return told_apart(got, right, seen, [], "Look for a number of the small example that is still in your function.")
