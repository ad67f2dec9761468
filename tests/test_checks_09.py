"""The exercises of lesson 09 answer back: on their own solutions, their stubs, and the usual mistakes."""

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy, binary_cross_entropy_with_logits, cross_entropy

from course_utils.checks import find_check, lesson_checks
from course_utils.checks.lesson_09 import precision_and_recall, spam_scores
from course_utils.checks.testing import answers, assert_recognises
from course_utils.experiments import lesson_09 as lab
from course_utils.metrics import classification_scores

SOLUTIONS, STUBS = answers("09", "solution"), answers("09", "exercise")


def averaged(macro, micro=lambda r, s, t: r.sum() / t.sum(), pair=lambda macro, micro: (macro, micro)):
    """`f1_scores` from (right, said, there) of each class."""

    def f1_scores(true, predicted, classes):
        numbers = np.arange(classes)[:, None]
        counts = (
            ((true == predicted) & (true == numbers)).sum(1), (predicted == numbers).sum(1), (true == numbers).sum(1)
        )  # fmt: skip
        return pair(macro(*counts), micro(*counts))

    return f1_scores


def f1(right, said, there):
    return 2 * right / (said + there)


def of_means(right, said, there):
    precision, recall = (right / np.maximum(said, 1)).mean(), (right / there).mean()
    return 2 * precision * recall / (precision + recall)


def with_precision(right, said, there):
    with np.errstate(invalid="ignore"):
        precision, recall = right / said, right / there
        return (2 * precision * recall / (precision + recall)).mean()


def mean_f1(right, said, there):
    return f1(right, said, there).mean()


def accuracy(right, said, there):
    return right.sum() / there.sum()


AVERAGES = {
    "the other way round": averaged(mean_f1, pair=lambda macro, micro: (micro, macro)),
    "weighted by size": averaged(lambda r, s, t: (f1(r, s, t) * t).sum() / t.sum()),
    "F1 of the means": averaged(of_means),
    "mean recall": averaged(lambda r, s, t: (r / t).mean()),
    "mean precision": averaged(lambda r, s, t: (r / np.maximum(s, 1)).mean()),
    "twice the micro average": averaged(accuracy),
    "twice the macro average": averaged(mean_f1, micro=mean_f1),
    "one class for micro": averaged(mean_f1, micro=lambda r, s, t: f1(r, s, t)[1]),
    "silent class left out": averaged(lambda r, s, t: f1(r, s, t)[s > 0].mean()),
    "sum of F1": averaged(lambda r, s, t: f1(r, s, t).sum()),
    "factor two left out": averaged(lambda r, s, t: (r / (s + t)).mean()),
    "nothing divided by nothing": averaged(with_precision),
    "not a pair": averaged(mean_f1, pair=lambda macro, micro: (macro, micro, 1.0)),
    "another value": averaged(lambda r, s, t: 0.123),
}


def weighed(weights):
    """`class_weights` from the counts of the classes."""

    def class_weights(labels, classes):
        with np.errstate(divide="ignore", invalid="ignore"):
            return weights(np.bincount(labels, minlength=classes).astype(float))

    return class_weights


def inverse(n):
    return np.where(n > 0, 1 / np.maximum(n, 1), 0)


WEIGHTS = {
    "not scaled": weighed(inverse),
    "add up to one": weighed(lambda n: inverse(n) / inverse(n).sum()),
    "add up over the classes": weighed(lambda n: inverse(n) / inverse(n).sum() * n.sum()),
    "mean over classes": weighed(lambda n: inverse(n) / inverse(n).sum() * (n > 0).sum()),
    "number of classes left out": weighed(lambda n: n.sum() * inverse(n)),
    "frequent class first": weighed(lambda n: n / n.mean()),
    "relative to the largest": weighed(lambda n: n.max() * inverse(n)),
    "absent class counted": weighed(lambda n: n.sum() * inverse(n) / len(n)),
    "a class without rows": weighed(lambda n: n.sum() / (len(n) * n)),
    "not one weight a class": lambda labels, classes: np.ones(len(labels)),
    "another value": weighed(lambda n: inverse(n) ** 2),
}


def curve(flag=np.greater_equal, first=lambda f, s: f.sum(), second=lambda f, s: s.sum(), change=lambda points: points):
    """`precision_recall` from its parts."""

    def precision_recall(scores, is_spam):
        points = []
        for threshold in sorted(set(scores.tolist()), reverse=True):
            flagged = flag(scores, threshold)
            right = (flagged & is_spam).sum()
            points.append(
                (threshold, right / max(1, first(flagged, is_spam)), right / max(1, second(flagged, is_spam)))
            )
        return change(points)

    return precision_recall


def row_by_row(scores, is_spam):
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(is_spam[order])
    return [(scores[i], right[k] / (k + 1), right[k] / is_spam.sum()) for k, i in enumerate(order)]


def roc(scores, is_spam):
    points = SOLUTIONS["09.3"](scores, is_spam)
    return [(t, (~is_spam & (scores >= t)).sum() / (~is_spam).sum(), r) for t, _, r in points]


CURVES = {
    "a point for every row": row_by_row,
    "other points": curve(change=lambda points: points[:-1]),
    "lowest first": curve(change=lambda points: points[::-1]),
    "the two exchanged": curve(change=lambda points: [(t, r, p) for t, p, r in points]),
    "above the threshold": curve(flag=np.greater),
    "below the threshold": curve(flag=np.less_equal),
    "the other class": lambda scores, is_spam: SOLUTIONS["09.3"](scores, ~is_spam),
    "an ROC curve": roc,
    "divided by what is not spam": curve(first=lambda f, s: (~s).sum()),
    "divided by all rows": curve(second=lambda f, s: len(s)),
    "accuracy for precision": lambda scores, is_spam: [
        (t, ((scores >= t) == is_spam).mean(), r) for t, _, r in SOLUTIONS["09.3"](scores, is_spam)
    ],
    "another value": curve(change=lambda points: [(t, p / 2, r) for t, p, r in points]),
}


def together(validation, test):
    return tuple(np.concatenate(parts) for parts in zip(validation, test, strict=True))


def threshold(choose_on=lambda v, t: v, report_on=lambda v, t: t, pick=min, keeps=lambda p, r, floor: p >= floor):
    """`choose_threshold` from its parts."""

    def choose_threshold(validation, test, floor):
        split = choose_on(validation, test)
        kept = [t for t in split[0].tolist() if keeps(*precision_and_recall(*split, t), floor)]
        return pick(kept), *precision_and_recall(*report_on(validation, test), pick(kept))

    return choose_threshold


def until_it_falls(validation, test, floor):
    chosen = 1.0
    for candidate in sorted(validation[0].tolist(), reverse=True):
        if precision_and_recall(*validation, candidate)[0] < floor:
            break
        chosen = candidate
    return chosen, *precision_and_recall(*test, chosen)


def report(threshold, split):
    return threshold, *precision_and_recall(*split, threshold)


def best_f1(split):
    curve = lab.precision_recall(*split)
    return curve["threshold"][curve["f1"].argmax()]


THRESHOLDS = {
    "reported on validation": threshold(report_on=lambda v, t: v),
    "chosen on test": threshold(choose_on=lambda v, t: t),
    "chosen on test, reported on validation": threshold(lambda v, t: t, lambda v, t: v),
    "chosen on both": threshold(choose_on=together),
    "the highest": threshold(pick=max),
    "stopped at the first fall": until_it_falls,
    "above the floor only": threshold(keeps=lambda p, r, floor: p > floor),
    "the default": threshold(pick=lambda kept: 0.5),
    "recall for precision": threshold(keeps=lambda p, r, floor: r >= floor),
    "recall first": lambda validation, test, floor: [
        SOLUTIONS["09.4"](validation, test, floor)[i] for i in (0, 2, 1)
    ],
    "the best F1": lambda validation, test, floor: report(best_f1(validation), test),
    "the floor itself": lambda validation, test, floor: report(floor, test),
    "no score of validation": lambda validation, test, floor: report(
        min(t for t in np.linspace(0, 1, 101) if precision_and_recall(*validation, t)[0] >= floor), test
    ),
    "not three numbers": lambda validation, test, floor: SOLUTIONS["09.4"](validation, test, floor)[0],
    "another value": threshold(pick=lambda kept: 0.47),
}


def at(place):
    return lambda ids, mask, pad: place(ids, mask.clone(), pad)


LAST_TOKENS = {
    "one too far": at(lambda ids, mask, pad: mask.sum(1)),
    "the last column": at(lambda ids, mask, pad: torch.full((len(ids),), ids.shape[1] - 1)),
    "the first token": at(lambda ids, mask, pad: torch.zeros(len(ids), dtype=torch.long)),
    "the token, not its place": at(lambda ids, mask, pad: ids.gather(1, SOLUTIONS["09.5"](ids, mask, pad)[:, None])[:, 0]),
    "first zero of the mask": at(lambda ids, mask, pad: mask.argmin(1) - 1),
    "looked for the padding token": at(lambda ids, mask, pad: (ids == pad).int().argmax(1) - 1),
    "padding on the right assumed": at(lambda ids, mask, pad: mask.sum(1) - 1),
    "one side for the whole batch": at(
        lambda ids, mask, pad: mask.sum(1) - 1 if mask[0, 0] else torch.full((len(ids),), ids.shape[1] - 1)
        if mask[0, -1] else mask.sum(1) - 1
    ),
    "not one index a row": at(lambda ids, mask, pad: mask.argmax()),
    "another value": at(lambda ids, mask, pad: torch.full((len(ids),), 2)),
}  # fmt: skip


def table(change, names=list):
    def multi_label_targets(labels, label_names):
        return change(SOLUTIONS["09.6"](labels, names(label_names)))

    return multi_label_targets


def counted(labels, label_names):
    targets = torch.zeros(len(labels), len(label_names))
    for row, names in enumerate(labels):
        for name in names:
            targets[row, label_names.index(name)] += 1
    return targets


TARGETS = {
    "one class a row": lambda labels, names: torch.tensor([names.index(row[0]) if row else -100 for row in labels]),
    "rows without a label left out": lambda labels, names: SOLUTIONS["09.6"]([row for row in labels if row], names),
    "another shape": table(lambda targets: targets[:, :-1]),
    "alphabetical columns": table(lambda targets: targets, names=sorted),
    "first label only": lambda labels, names: SOLUTIONS["09.6"]([row[:1] for row in labels], names),
    "a name within a name": lambda labels, names: torch.tensor(
        [[float(name in " ".join(row)) for name in names] for row in labels]
    ),
    "only names that were met": lambda labels, names: SOLUTIONS["09.6"](
        labels, [name for name in names if any(name in row for row in labels)]
    ),
    "rows and columns exchanged": table(lambda targets: targets.T),
    "shares": table(lambda targets: targets / targets.sum(1, keepdim=True).clamp(min=1)),
    "minus ones": table(lambda targets: 2 * targets - 1),
    "unknown for no": table(lambda targets: torch.where(targets == 1, 1.0, -100.0)),
    "exchanged yes and no": table(lambda targets: 1 - targets),
    "no tensor": table(lambda targets: targets.tolist()),
    "whole numbers": table(lambda targets: targets.long()),
    "counted": counted,
    "another value": table(lambda targets: targets + 0.1),
}


def binary(p=torch.sigmoid, weight=lambda targets: 1.0, reduce=torch.sum, flip=False, known=lambda targets: targets != -100):
    """`multi_label_loss` from probabilities."""

    def multi_label_loss(logits, targets):
        keep = known(targets)
        probabilities, wanted = p(logits)[keep], targets[keep].clamp(min=0)
        probabilities = 1 - probabilities if flip else probabilities
        each = binary_cross_entropy(probabilities, wanted, reduction="none")
        return reduce(each * weight(wanted))

    return multi_label_loss


def by_the_formula(logits, targets):
    known = targets != -100
    p, y = logits[known].sigmoid(), targets[known]
    return -(y * p.log() + (1 - y) * (1 - p).log()).sum()


LOSSES = {
    "mean over decisions": binary(reduce=torch.mean),
    "mean over rows": lambda logits, targets: SOLUTIONS["09.7"](logits, targets) / len(logits),
    "softmax": lambda logits, targets: cross_entropy(logits, targets),
    "softmax, then binary": binary(p=lambda logits: logits.softmax(1)),
    "sigmoid twice": lambda logits, targets: SOLUTIONS["09.7"](logits.sigmoid(), targets),
    "only the ones": binary(weight=lambda targets: targets),
    "yes and no exchanged": binary(flip=True),
    "sign left out": lambda logits, targets: -SOLUTIONS["09.7"](logits, targets),
    "not one number": lambda logits, targets: binary_cross_entropy_with_logits(logits, targets, reduction="none"),
    "unknown counted as no": binary(known=lambda targets: targets == targets),
    "unknown counted as a number": lambda logits, targets: binary_cross_entropy_with_logits(
        logits, targets, reduction="sum"
    ),
    "made zero": lambda logits, targets: binary_cross_entropy_with_logits(
        logits * (targets != -100), targets * (targets != -100), reduction="sum"
    ),
    "whole rows left out": lambda logits, targets: SOLUTIONS["09.7"](
        logits[(targets != -100).all(1)], targets[(targets != -100).all(1)]
    ),
    "overflow": by_the_formula,
    "no gradient": lambda logits, targets: SOLUTIONS["09.7"](logits, targets).detach(),
    "another value": lambda logits, targets: SOLUTIONS["09.7"](logits, targets) * 3.3,
}


def expected(power):
    def say_stars(probabilities):
        classes = np.arange(probabilities.shape[1])
        return (probabilities @ np.abs(classes[:, None] - classes) ** power).argmin(1)

    return say_stars


def mean(p):
    return p @ np.arange(p.shape[1])


STARS = {
    "the likeliest": lambda p: p.argmax(1),
    "the expected stars": mean,
    "the mean, rounded": expected(2),
    "the mean, cut off": lambda p: np.floor(mean(p)),
    "stars instead of classes": lambda p: expected(1)(p) + 1,
    "one class too low": lambda p: expected(1)(p) - 1,
    "the dearest": lambda p: (p @ np.abs(np.subtract.outer(np.arange(p.shape[1]), np.arange(p.shape[1])))).argmax(1),
    "not one class a row": lambda p: expected(1)(p)[0],
    "another value": lambda p: np.zeros(len(p)),
}
MISTAKES = {
    "09.1": AVERAGES,
    "09.2": WEIGHTS,
    "09.3": CURVES,
    "09.4": THRESHOLDS,
    "09.5": LAST_TOKENS,
    "09.6": TARGETS,
    "09.7": LOSSES,
    "09.8": STARS,
}


def test_every_exercise_is_asked_and_proven():
    assert list(lesson_checks("09")) == list(SOLUTIONS) == list(STUBS) == list(MISTAKES)


@pytest.mark.parametrize("id", MISTAKES)
def test_right_stub_and_usual_mistakes_are_told_apart(id):
    assert_recognises(find_check(id), SOLUTIONS[id], STUBS[id], MISTAKES[id])


@pytest.mark.parametrize(
    ("id", "name", "answer"),
    [
        ("09.2", "not one weight a class", lambda labels, classes: SOLUTIONS["09.2"](labels, labels.max() + 1)),
        ("09.2", "frequent class first", weighed(lambda n: n * n.sum() / (n**2).sum())),
        ("09.3", "other points", curve(change=lambda points: [(1.01, 1.0, 0.0), *points])),
        ("09.3", "other points", curve(change=lambda points: list(zip(*points, strict=True)))),
        ("09.4", "recall for precision", threshold(pick=max, keeps=lambda p, r, floor: r >= floor)),
        ("09.5", "the last column", lambda ids, mask, pad: torch.full((len(ids),), -1)),
        ("09.5", "looked for the padding token", lambda ids, mask, pad: last_place(ids != pad)),
        ("09.6", "whole numbers", table(lambda targets: targets == 1)),
        ("09.7", "overflow", binary(p=lambda logits: logits.sigmoid().clamp(1e-7, 1 - 1e-7))),
        ("09.8", "another value", lambda p: (p.cumsum(1) < 0.5).sum(1).clip(max=p.shape[1] - 2)),  # never the last class
    ],
)
def test_other_roads_to_a_mistake_get_its_name(id, name, answer):
    verdict = find_check(id).examine(answer)
    assert verdict.mistake is not None and verdict.mistake.name == name, verdict


def last_place(real):
    return (real * torch.arange(real.shape[1])).argmax(1)


def test_random_stars_say_each_class():
    rows = np.random.default_rng(0).dirichlet(np.ones(7) / 4, size=40)  # those of the check
    assert set(lab.median_class(rows)) == set(range(7))


@pytest.mark.parametrize(
    ("id", "answer"),
    [
        ("09.1", lambda true, predicted, classes: [torch.tensor(v) for v in SOLUTIONS["09.1"](true, predicted, classes)]),
        ("09.2", lambda labels, classes: torch.tensor(SOLUTIONS["09.2"](labels, classes))),
        ("09.3", lambda scores, is_spam: [list(point) for point in SOLUTIONS["09.3"](scores, is_spam)]),
        ("09.3", lambda s, y: lab.precision_recall(s, y)[["threshold", "precision", "recall"]].to_numpy()),
        ("09.5", lambda ids, mask, pad: [row.nonzero().max().item() for row in mask]),
        ("09.5", lambda ids, mask, pad: mask.shape[1] - 1 - mask.flip(1).argmax(1)),
        ("09.6", lambda labels, names: torch.tensor([[float(name in row) for name in names] for row in labels])),
        ("09.7", lambda z, y: (torch.nn.functional.softplus(z) - z * y)[y != -100].sum()),
        ("09.8", lab.median_class),
        ("09.8", lambda p: lab.median_class(p).tolist()),
    ],
)
def test_other_right_answers_are_right(id, answer):
    assert find_check(id).examine(answer), find_check(id).examine(answer)


def test_the_solutions_agree_with_the_package():
    random = np.random.default_rng(0)
    true, predicted = random.integers(0, 3, 60), random.integers(0, 3, 60)
    macro, micro = SOLUTIONS["09.1"](true, predicted, 3)
    ours = classification_scores(predicted, true)
    assert (macro, micro) == pytest.approx((ours["macro_f1"], ours["accuracy"]))
    assert SOLUTIONS["09.2"](true, 4) == pytest.approx(lab.class_weights(true, 4))
    names = ("a", "b", "c")
    lists = [[0, 2], [], [1]]
    targets = SOLUTIONS["09.6"]([[names[i] for i in row] for row in lists], names)
    assert targets.numpy() == pytest.approx(lab.indicators(lists, 3))


def test_the_made_up_scores_are_the_same_each_time_and_rare():
    (scores, is_spam), (_, test) = spam_scores()
    assert scores.shape == (240,) and test.shape == (1200,) and is_spam.mean() == pytest.approx(1 / 6)
    assert np.array_equal(spam_scores()[0][0], scores)
