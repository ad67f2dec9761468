"""Exercises of lesson 05, feature extraction: vectors that are right only in the batch they were tested in.

Answers are compared with what each usual mistake would give (`told_apart`), on data made so that no two of
them agree. Encoders and probes are *witnesses*: they note how they were called.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import nn

from course_utils.checks import Check, Mistake
from course_utils.checks.witnesses import Suspect, draw_weights, same, told_apart

# A mistake reads best as its four parts, on as few lines as they need:
# fmt: off
# ---------------------------------------------------------------- 05.1

mean_pool = Check(
    "05.1",
    "The mean over real tokens",
    hints=(
        "Two sums are needed: one of vectors, one of tokens. Padding must be in neither.",
        (
            "Give the mask a third axis, `mask.unsqueeze(-1)`, and it multiplies every column of a token's "
            "vector by 1 or by 0."
        ),
        "`(states * m).sum(dim=1) / m.sum(dim=1)`, where `m` is the mask with its third axis.",
    ),
)


def padded_states(
    lengths: Sequence[int] = (5, 3, 1), time: int = 6, hidden: int = 4, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    """States (batch, time, hidden), whose padding is not zero, as in real encoders; their mask (batch, time)."""
    random = torch.Generator().manual_seed(seed)
    states = torch.randn(len(lengths), time, hidden, generator=random) + 1
    mask = (torch.arange(time) < torch.tensor(lengths)[:, None]).long()
    return states, mask


@mean_pool.probe
def one_vector_per_sentence(answer):
    """(batch, hidden), whatever time was."""
    states, mask = padded_states()
    got = torch.as_tensor(answer(states.clone(), mask.clone()))
    if got.shape == (3, 4):
        return None
    seen = f"a result of shape {tuple(got.shape)} from states of (3, 6, 4); it should be (batch, hidden), (3, 4)"
    if got.shape == (3, 6):
        return Mistake(
            "mean over the columns", seen,
            "the last axis was averaged away: one number is left of each token's vector",
            "The axes are (batch, time, hidden). Which of them are the tokens?",
        )
    if got.shape == (4,):
        return Mistake(
            "one vector for the batch", seen,
            "`states[mask.bool()]` puts the tokens of all sentences into one long list, and they are averaged "
            "together",
            "Sum along the axis of time only, so that each sentence keeps its own.",
        )
    return Mistake(
        "another shape", seen, "a sum or a mean ran along another axis than time, or kept it with `keepdim`",
        "Print the shape after every operation.",
    )


@mean_pool.probe
def mean_of_real_tokens(answer):
    """A slow specification: each sentence on its own, without its padding."""
    states, mask = padded_states()
    right = torch.stack([row[:n].mean(dim=0) for row, n in zip(states, mask.sum(1), strict=True)])
    weights = mask.unsqueeze(-1)
    summed = (states * weights).sum(1)
    got = answer(states.clone(), mask.clone())
    worst = int((torch.as_tensor(got) - right).abs().sum(1).argmax())
    seen = (
        f"sentence {worst} has {int(mask[worst].sum())} real tokens of 6, and its first column is "
        f"{float(got[worst][0]):.3f} where their mean is {float(right[worst][0]):.3f}"
    )
    return told_apart(
        got, right, seen,
        [
            Suspect(
                "padding averaged", states.mean(1),
                "all positions are averaged, those of padding too; their states are not zero, and the vector "
                "changes with whoever else is in the batch",
                "Use the mask before you sum.",
            ),
            Suspect(
                "padding counted", summed / states.shape[1],
                "the sum leaves padding out, but the division counts it: `.mean()` divides by time",
                "Divide each sentence by its own number of tokens, which the mask knows.",
            ),
            Suspect(
                "divided by all tokens", summed / mask.sum(),
                "`mask.sum()` without an axis counts the tokens of the whole batch",
                "Count along time, for each sentence.",
            ),
            Suspect(
                "not divided", summed, "the vectors are added up: long sentences get long vectors",
                "Divide by the number of real tokens.",
            ),
            Suspect(
                "first token only", states[:, 0], "this is the vector of `[CLS]`, another kind of pooling",
                "Here every real token has a say.",
            ),
            Suspect(
                "largest, not mean", states.masked_fill(weights == 0, -math.inf).amax(1),
                "the largest value of each column is taken (max pooling)", "Take the mean.",
            ),
        ],
        "Take the sentence with one real token: its mean is that token's vector. Compare.",
    )


@mean_pool.probe
def leaves_its_input(answer):
    """The encoder's output is not the function's to change."""
    states, mask = padded_states(seed=1)
    before = states.clone()
    answer(states, mask)
    if torch.equal(states, before):
        return None
    return Mistake(
        "changed its input", "after your function had run, the states were no longer what they were",
        "an operation in place, such as `states *= …` or `states[mask == 0] = 0`: whoever uses these states "
        "next gets others",
        "Write the result to a new name.",
    )


# ---------------------------------------------------------------- 05.2

standardise = Check(
    "05.2",
    "Standardise without a leak",
    hints=(
        "Who may give the mean? Think of the day on which one single new sentence arrives.",
        "`train.mean(axis=0)` has one number for each column. Use the same numbers for both tables.",
        "Both tables: minus `train.mean(axis=0)`, divided by `train.std(axis=0)`, or by 1 where that is 0.",
    ),
)


def _tables() -> tuple[np.ndarray, np.ndarray]:
    """Columns of other means and widths; the test rows come from elsewhere, as they do in life."""
    random = np.random.default_rng(0)
    train = random.normal([5, -2, 0.5], [4, 0.5, 9], (60, 3))
    test = random.normal([7, -1, 4], [2, 1.5, 5], (20, 3))
    return train, test


def _z(table: np.ndarray, by: np.ndarray, axis: int | None = 0, power: int = 1) -> np.ndarray:
    return (table - by.mean(axis=axis)) / by.std(axis=axis) ** power


@standardise.probe
def from_train_alone(answer):
    """Columns of the training table get mean 0 and width 1; the test table goes through the same."""
    train, test = _tables()
    result = answer(train.copy(), test.copy())
    if not isinstance(result, tuple | list) or len(result) != 2:
        return Mistake(
            "not a pair", f"a {type(result).__name__} where two tables should come back",
            "only one of the tables is returned", "Return `train, test`, both standardised.",
        )
    got, got_test = (np.asarray(table, dtype=float) for table in result)
    if got.shape != train.shape or got_test.shape != test.shape:
        return Mistake(
            "other shapes",
            f"tables of {got.shape} and {got_test.shape} from tables of {train.shape} and {test.shape}",
            "the tables came back in the wrong order, or were joined or turned",
            "Two tables go in, the same two come out, in the same order.",
        )
    both = np.concatenate([train, test])
    if same(got, _z(train, train)) and same(got_test, _z(test, test)):
        return Mistake(
            "own statistics",
            f"your test columns have means of {np.abs(got_test.mean(0)).max():.2f}: exactly centred",
            "the test table is standardised by its own means. The probe then sees it in other units than it "
            "learnt in, and a single new sentence would always become zero",
            "Keep the numbers of the training table, and use them for both.",
        )
    if same(got, _z(train, both)):
        return Mistake(
            "a leak", "the training table comes out standardised by means that the test rows helped to make",
            "both tables were joined before the means were taken, so that what you train on already knows "
            "something about the test",
            "Take means and widths from the training rows alone.",
        )
    if same(got, _z(train, test)):
        return Mistake(
            "test statistics", "both tables are standardised by the means of the test table",
            "the two tables have changed places", "The training table gives the numbers.",
        )
    seen = f"your training columns have means {np.round(got.mean(0), 2)} and widths {np.round(got.std(0), 2)}"
    if same(got, (train - train.mean(0)) / train.std(0, ddof=1)):  # dividing by n − 1 is as good
        got, got_test = got * 60**0.5 / 59**0.5, got_test * 60**0.5 / 59**0.5
    wrong = told_apart(
        got, _z(train, train), seen,
        [
            Suspect(
                "one mean for all columns", _z(train, train, axis=None),
                "`.mean()` without an axis gives one number for the whole table",
                "Each column has its own: `axis=0`.",
            ),
            Suspect(
                "by row", ((train.T - train.mean(1)) / train.std(1)).T,
                "the mean was taken along each row, so columns of wide values still drown the others",
                "A column is one feature. Standardise along the rows, `axis=0`.",
            ),
            Suspect(
                "only centred", train - train.mean(0), "the means are taken away, the widths left",
                "Divide each column by its standard deviation.",
            ),
            Suspect(
                "not centred", train / train.std(0),
                "the columns are divided by their widths, but their means are left in",
                "Take the mean away first.",
            ),
            Suspect(
                "divided by the variance", _z(train, train, power=2), "`var` is the square of the width",
                "Use `std`.",
            ),
        ],
        "Every training column should have mean 0 and width 1. Compare one column by hand.",
    )
    return wrong or told_apart(
        got_test, _z(test, train),
        f"the training table is right; the test table has means {np.round(got_test.mean(0), 2)}",
        [
            Suspect(
                "test left as it was", test, "only the training table is changed",
                "The probe learns in new units; the test rows need them, too.",
            ),
        ],
        "Do to the test table what you did to the training table, with the same numbers.",
    )


@standardise.probe
def a_constant_column(answer):
    """A column that never changes has no width to divide by."""
    train, test = _tables()
    train[:, 1], test[:, 1] = 3.0, [3.0, 4.0] * 10
    with np.errstate(all="ignore"):
        got, got_test = (np.asarray(table, dtype=float) for table in answer(train, test))
    column = np.concatenate([got[:, 1], got_test[:, 1]])
    if not np.isfinite(column).all():
        return Mistake(
            "divided by zero", f"a column that is 3.0 in every training row becomes {column[0]}",
            "its standard deviation is 0; one such column makes every prediction of the probe worthless",
            "Where the width is 0, divide by 1.",
        )
    if np.abs(column).max() > 100:
        return Mistake(
            "divided by almost zero",
            f"a test value of 4.0 in a column that is always 3.0 becomes {np.abs(column).max():.3g}",
            "a tiny number was added to the width; a column that said nothing now outshouts all others",
            "Where the width is 0, divide by 1.",
        )
    return told_apart(
        column, np.concatenate([np.zeros(60), [0.0, 1.0] * 10]),
        f"a column that is 3.0 in every training row becomes {column[0]:.3g} there, and {column[61]:.3g} "
        "where a test row has 4.0",
        [], "Centre such a column, and divide it by 1: 3.0 becomes 0.0 and 4.0 becomes 1.0.",
    )


# ---------------------------------------------------------------- 05.3

choose_layer = Check(
    "05.3",
    "Choose a layer",
    hints=(
        "Three jobs, three splits: fit on one, choose on another, report on the third.",
        "Make a list of validation scores, one for each layer, counted from 0. Its largest value has an index.",
        "Fit once more (or keep the probes), and call `.score` on the test split for the winner only.",
    ),
)
SPLIT_CODES = ("train", "validation", "test")


class WitnessProbes:
    """Stands for training a probe: knows from its rows which split and layer they are, and notes each call.

    `features[split]` is (layers + 1, rows, 2), `labels[split]` is (rows,); `fit(x, y)` gives an object with
    `.score(x, y)`, which looks its answer up in `table`: split → score per layer.
    """

    def __init__(self, table: Mapping[str, Sequence[float]]) -> None:
        self.table = table
        layers = len(table["train"])
        self.journal: list[tuple[str, tuple[str, ...], int]] = []
        self.features = {
            split: np.tile((code * 100.0 + np.arange(layers))[:, None, None], (1, 4 + code, 2))
            for code, split in enumerate(SPLIT_CODES)
        }
        self.labels = {split: np.arange(4 + code) % 2 + 10 * code for code, split in enumerate(SPLIT_CODES)}

    def fit(self, x: np.ndarray, y: np.ndarray) -> SimpleNamespace:
        splits, layer = self._read(x, y)
        self.journal.append(("fit", splits, layer))
        return SimpleNamespace(score=lambda x, y: self._score(layer, x, y))

    def _score(self, layer: int, x: np.ndarray, y: np.ndarray) -> float:
        splits, other = self._read(x, y)
        if other != layer:
            raise ValueError(f"a probe of layer {layer} cannot score vectors of layer {other}")
        self.journal.append(("score", splits, layer))
        return float(np.mean([self.table[split][layer] for split in splits]))

    def _read(self, x: np.ndarray, y: np.ndarray) -> tuple[tuple[str, ...], int]:
        x, y = np.asarray(x), np.asarray(y)
        if x.ndim != 2:
            raise ValueError(f"a probe takes vectors of one layer, (rows, hidden), and got shape {x.shape}")
        if len(x) != len(y) or set(x[:, 0] // 100) != set(y // 10):
            raise ValueError("these vectors and these labels are not of the same split")
        return tuple(SPLIT_CODES[int(code)] for code in sorted(set(x[:, 0] // 100))), int(x[0, 0] % 100)




LAYERS = {
    "train": (0.7, 0.8, 0.85, 0.9, 0.95),
    "validation": (0.6, 0.7, 0.82, 0.8, 0.75),
    "test": (0.61, 0.71, 0.78, 0.84, 0.74),
}


def _choice(answer: Callable[..., Any], table: Mapping[str, Sequence[float]]) -> tuple[Any, WitnessProbes]:
    witness = WitnessProbes(table)
    return answer(witness.features, witness.labels, witness.fit), witness


@choose_layer.probe
def chosen_on_validation(answer):
    """Best on train: 4. Best on validation: 2. Best on test: 3."""
    result, witness = _choice(answer, LAYERS)
    if not isinstance(result, tuple | list) or len(result) != 2:
        return Mistake(
            "not a pair", f"a {type(result).__name__} where a layer and a score should come back",
            "one of the two is not returned", "Return `layer, score`.",
        )
    fitted = {split for event, splits, _ in witness.journal if event == "fit" for split in splits}
    if fitted - {"train"}:
        return Mistake(
            "fitted on held-out rows", f"a probe was fitted on: {', '.join(sorted(fitted))}",
            "a probe that has seen the answers of a split cannot be judged on it", "Fit on training rows only.",
        )
    layer = result[0]
    if layer == 2:
        return None
    meaning = {
        4: (
            "chose on train or took the last",
            "training scores rise with every layer that can learn the rows by heart; and the last layer is no "
            "law: it is shaped for guessing words",
            "Score each layer on validation rows.",
        ),
        3: (
            "chose on test",
            "the test rows took part in the choice, so no honest number is left to report",
            "Choose by the validation scores.",
        ),
        0: (
            "chose the worst",
            "the smallest score is taken, or the index of another list",
            "Look for the largest validation score.",
        ),
        1: (
            "embeddings left out",
            "layers are counted from the first that is not the embeddings, so every index is one too small",
            "Layer 0 is the embeddings, and stands first in the array.",
        ),
    }
    no_layer = (
        "another layer", "this is not the index of a layer",
        "Return the position of the best layer in the array, from 0.",
    )
    name, cause, move = meaning.get(layer, no_layer)
    return Mistake(name, f"layer {layer}; the validation scores are {LAYERS['validation']}", cause, move)


@choose_layer.probe
def reports_test_once(answer):
    """The score to quote, and how often the test rows were looked at."""
    (_, score), witness = _choice(answer, LAYERS)
    test_scores = {layer for event, splits, layer in witness.journal if event == "score" and "test" in splits}
    looked = sorted(test_scores)
    seen = f"a score of {float(score):.3g} for layer 2"
    if same(score, LAYERS["validation"][2]):
        return Mistake(
            "reports validation", f"{seen}, which is its validation accuracy",
            "the highest of several scores is high partly by luck: that is why it was the highest",
            "Report how the chosen layer does on rows that had no part in the choice.",
        )
    if same(score, LAYERS["train"][2]):
        return Mistake(
            "reports train", f"{seen}, which is its training accuracy", "the probe has learnt these answers",
            "Report test.",
        )
    if not same(score, LAYERS["test"][2]):
        return Mistake(
            "another score", f"{seen}, where its test accuracy is {LAYERS['test'][2]}",
            "the score belongs to another layer or is a mixture of splits",
            "Score the chosen layer's probe on the test split.",
        )
    if len(looked) > 1:
        return Mistake(
            "peeked at test", f"test scores of layers {', '.join(map(str, looked))} were worked out",
            "the loop over layers scores test, too; whoever prints such a list chooses by it sooner or later",
            "Choose first. Then score one layer on test.",
        )
    return None


@choose_layer.probe
def any_layer_may_win(answer):
    """Where the embeddings are best, they win."""
    (layer, _), _ = _choice(answer, LAYERS | {"validation": (0.9, 0.8, 0.7, 0.6, 0.5)})
    if layer == 0:
        return None
    return Mistake(
        "embeddings never win", f"layer {layer}, where the validation scores are 0.9, 0.8, 0.7, 0.6, 0.5",
        "layer 0, the embeddings, is not among the candidates", "Let the loop begin with index 0.",
    )


# ---------------------------------------------------------------- 05.4

run_once = Check(
    "05.4",
    "Run the encoder once",
    hints=(
        "Four things: evaluation mode, no gradients, one call per batch, and rows in the order they came.",
        "Collect two lists in the loop, one of vectors and one of labels, and join each at the end.",
        "`encoder.eval()`, then under `torch.no_grad()` append `encoder(**inputs)`; at the end `torch.cat`.",
    ),
)


class TinyEncoder(nn.Module):
    """Token ids and mask → one vector per sentence, (batch, 3), with dropout. Notes each call in `journal`."""

    def __init__(self, vocabulary: int = 40, dropout: float = 0.5, seed: int = 0) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, 3)
        self.dropout = nn.Dropout(dropout)
        draw_weights(self, seed)
        self.journal: list[SimpleNamespace] = []

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        self.journal.append(
            SimpleNamespace(training=self.training, grad=torch.is_grad_enabled(), rows=len(input_ids)),
        )
        return self.vectors(self.dropout(self.embedding(input_ids)), attention_mask)

    def specified(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """What the encoder gives without dropout; not noted."""
        return self.vectors(self.embedding(input_ids), attention_mask)

    @staticmethod
    def vectors(states: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        mask = attention_mask[..., None].float()
        return (states * mask).sum(1) / mask.sum(1)


def unequal_batches(
    sizes: Sequence[int] = (4, 4, 3), seed: int = 0
) -> list[tuple[dict[str, torch.Tensor], torch.Tensor]]:
    """Batches of inputs and labels; the last is smaller, and time differs."""
    random = torch.Generator().manual_seed(seed)
    made = []
    for i, rows in enumerate(sizes):
        lengths = torch.randint(2, 5 + i, (rows,), generator=random)
        mask = (torch.arange(4 + i) < lengths[:, None]).long()
        input_ids = torch.randint(0, 40, (rows, 4 + i), generator=random)
        made.append(
            ({"input_ids": input_ids, "attention_mask": mask}, torch.randint(0, 9, (rows,), generator=random)),
        )
    return made


@run_once.probe
def called_rightly(answer):
    """One call per batch, in evaluation mode, with nothing recorded."""
    encoder, batches = TinyEncoder().train(), unequal_batches()
    answer(encoder, batches)
    calls = encoder.journal
    if len(calls) != len(batches):
        many = len(calls) > len(batches)
        return Mistake(
            "ran more than once" if many else "batches left out",
            f"{len(calls)} runs of the encoder for {len(batches)} batches",
            "the encoder is called in a second place, or inside another loop" if many
            else "the loop ends early, or `return` stands inside it",
            "Once per batch, and keep what came out." if many else "Return after the loop, when all batches are done.",
        )
    if any(call.training for call in calls):
        return Mistake(
            "dropout left on", "the encoder ran in training mode, so half of its values were dropped at random",
            "`encoder.eval()` is missing: the noise of one moment would be kept and learnt from in every epoch",
            "Switch to evaluation mode before the loop.",
        )
    if any(call.grad for call in calls):
        return Mistake(
            "gradients recorded", "the encoder ran with gradients switched on",
            "without `torch.no_grad()` every batch keeps its activations, and the cache grows until "
            "memory ends",
            "Run the loop under `torch.no_grad()`.",
        )
    return None


@run_once.probe
def features_in_order(answer):
    """All rows, in the order of the batches, each with its label."""
    encoder, batches = TinyEncoder(), unequal_batches()
    result = answer(encoder, batches)
    if not isinstance(result, tuple | list) or len(result) != 2:
        return Mistake(
            "not a pair", f"a {type(result).__name__} where features and labels should come back",
            "only one of the two is returned", "Return `features, labels`.",
        )
    features, labels = result
    if not isinstance(features, torch.Tensor) or not isinstance(labels, torch.Tensor):
        return Mistake(
            "a list of batches",
            f"a {type(features).__name__} of features and a {type(labels).__name__} of labels",
            "the batches are collected but not joined", "`torch.cat` makes one tensor of a list of tensors.",
        )
    right = torch.cat([encoder.specified(**inputs) for inputs, _ in batches]).detach()
    right_labels = torch.cat([y for _, y in batches])
    if features.shape != right.shape or labels.shape != right_labels.shape:
        return Mistake(
            "rows lost",
            f"features {tuple(features.shape)} and labels {tuple(labels.shape)} for {len(right)} rows",
            "a batch was overwritten by the next, left out, or stacked along another axis",
            "Join all batches along axis 0, the smaller last one too.",
        )
    together = same(features.sum(0), right.sum(0)) and not same(features, right)
    if together or not torch.equal(labels, right_labels):
        return Mistake(
            "rows out of order",
            "all rows are there, but the features, or the labels, have another order than the batches",
            "rows were sorted or batches put in front of each other; then vectors and labels no longer "
            "belong together",
            "Append each batch at the end of both lists.",
        )
    return told_apart(
        features, right, f"row 0 is {[round(float(value), 2) for value in features[0]]}", [],
        "Keep what the encoder returns, unchanged.",
    )


# ---------------------------------------------------------------- 05.5

encoder_passes = Check(
    "05.5",
    "How often does it run?",
    hints=(
        "A batch is one pass, also the last one, which may hold fewer rows.",
        "`math.ceil(rows / batch_size)` batches. Validation rows go through the encoder, too.",
        "Batches of training plus batches of validation; times the epochs, unless they are cached.",
    ),
)


@encoder_passes.probe
def counted(answer):
    """1,000 and 200 rows in batches of 32, 12 epochs: 39 batches an epoch."""
    rows, held_out, size, epochs = 1000, 200, 32, 12
    train, validation = math.ceil(rows / size), math.ceil(held_out / size)
    for cached in (False, True):
        times = 1 if cached else epochs
        got = answer(rows, held_out, size, epochs, cached)
        wrong = told_apart(
            got, (train + validation) * times,
            f"{got} passes {'with' if cached else 'without'} a cache, for 1,000 training rows and 200 of "
            "validation in batches of 32, 12 epochs",
            [
                Suspect(
                    "cached every epoch", (train + validation) * epochs,
                    "the cache is filled anew in each epoch", "It is filled once; epochs read it.",
                ),
                Suspect(
                    "epochs forgotten", train + validation, "one epoch is counted",
                    "Without a cache every epoch runs the encoder on every batch.",
                ),
                Suspect(
                    "last batch lost", (rows // size + held_out // size) * times,
                    "`//` drops what is left over, but the last, smaller batch runs as well", "Round up.",
                ),
                Suspect(
                    "joined batches", math.ceil((rows + held_out) / size) * times,
                    "training and validation rows are put into one batch",
                    "Each split has batches of its own, and a smaller last one.",
                ),
                Suspect(
                    "validation forgotten", train * times,
                    "only training rows are counted; after each epoch the validation rows go through, too",
                    "Add the batches of validation.",
                ),
                Suspect(
                    "validation once", train * times + validation, "validation is counted for one epoch",
                    "It is measured after every epoch.",
                ),
                Suspect(
                    "rows counted", (rows + held_out) * times,
                    "each row is counted as a pass, but a batch goes through as one", "Count batches.",
                ),
                Suspect(
                    "not rounded", (rows + held_out) / size * times,
                    "a part of a batch is counted as a part of a pass", "Round each split up to whole batches.",
                ),
            ],
            "Count the batches of one epoch by hand, then ask how many epochs need them.",
        )
        if wrong:
            return wrong
    return None


@encoder_passes.probe
def other_sizes(answer):
    """Full batches, no validation rows."""
    for case in ((64, 0, 16, 3), (7, 7, 7, 5), (5, 1, 8, 2)):
        rows, held_out, size, epochs = case
        right = math.ceil(rows / size) + math.ceil(held_out / size)
        for cached in (True, False):
            got = answer(*case, cached)
            if not same(got, right if cached else right * epochs):
                return Mistake(
                    "right for one size only",
                    f"{got} passes for (rows, validation rows, batch size, epochs) = {case}, cached={cached}",
                    "a number of the example is typed in, or one batch too many is added where the last "
                    "batch is full",
                    "`math.ceil(rows / batch_size)` is right for full batches and for no rows at all.",
                )
    return None


# ---------------------------------------------------------------- 05.6

nearest = Check(
    "05.6",
    "Neighbours by cosine",
    hints=(
        "A cosine is a dot product of two vectors of length 1.",
        "`library / np.linalg.norm(library, axis=1, keepdims=True)`, then one product of a matrix with a "
        "vector.",
        "Sort by minus the cosine, take out `row` wherever it stands, and keep the first `k`.",
    ),
)


def _library() -> np.ndarray:
    """Twelve vectors of very different lengths, in columns of different widths."""
    random = np.random.default_rng(24)  # a seed for which no two usual mistakes find the same rows
    vectors = (random.normal(size=(12, 4)) + [1, 0, 0, 0.5]) * [1, 6, 0.3, 2]
    return vectors * np.exp(random.normal(0, 1, (12, 1)))


def _ranked(scores: np.ndarray, row: int) -> list[int]:
    return [int(i) for i in np.argsort(-scores, kind="stable") if i != row]


@nearest.probe
def by_cosine(answer):
    """Indices, nearest first, the row itself left out."""
    library, row, k = _library(), 4, 5
    unit = library / np.linalg.norm(library, axis=1, keepdims=True)
    cosine = unit @ unit[row]
    right = _ranked(cosine, row)[:k]
    got = np.asarray(answer(row, library.copy(), k))
    if not np.array_equal(got, np.round(got)):
        return Mistake(
            "cosines, not rows", f"numbers such as {float(got.flat[0]):.3f}",
            "the cosines are returned instead of the rows that have them",
            "`np.argsort` tells where the largest values stand.",
        )
    found = [int(i) for i in got.ravel()]
    if row in found:
        return Mistake(
            "itself", f"row {row} is among its own neighbours: {found}",
            "nothing is as near to a sentence as itself",
            "Leave `row` out before you take the first k.",
        )
    if len(found) != k:
        return Mistake(
            "not k of them", f"{len(found)} neighbours where {k} were asked for",
            "the row itself was taken out after the first k were cut off, or k is not used",
            "Take the row out first, then cut.",
        )
    columns = library / np.linalg.norm(library, axis=0)
    suspects = {
        "dot product": (
            library @ library[row],
            "the vectors are not brought to length 1, so long ones win whatever their direction",
            "Divide each vector by its length.",
        ),
        "distance": (
            -np.linalg.norm(library - library[row], axis=1),
            "this is the straight distance, in which a longer vector is far away even in the same direction",
            "The cosine compares directions only.",
        ),
        "farthest": (
            -cosine, "sorted upwards: the smallest cosines come first", "The nearest have the largest cosine.",
        ),
        "lengths along the wrong axis": (
            columns @ columns[row], "each column was divided by its length, and not each row",
            "A vector is a row: `axis=1, keepdims=True`.",
        ),
        "size of the cosine": (
            np.abs(cosine), "the sign was dropped, so that opposite vectors count as near",
            "A cosine of −1 is as far as it gets.",
        ),
    }
    for name, (scores, cause, move) in suspects.items():
        if found == _ranked(scores, row)[:k]:
            return Mistake(name, f"rows {found} for row {row}", cause, move)
    if sorted(found) == sorted(right) and found != right:
        return Mistake(
            "not sorted",
            f"{found}: the right rows, in another order than "
            f"{'nearest first' if found != right[::-1] else 'asked: the farthest of them first'}",
            "`np.argpartition` and `np.argsort(...)[-k:]` don't give the largest first",
            "Sort by minus the cosine.",
        )
    if found != right:
        return Mistake(
            "another order", f"rows {found} for row {row}", "none of the usual mistakes gives these rows",
            "Print the cosine of your first row and of all others with row 4: is it the largest?",
        )
    return None


@nearest.probe
def a_twin(answer):
    """The same sentence twice: the twin is a neighbour, the row itself is not."""
    library = _library()
    library[2] = library[7]
    found = [int(i) for i in np.asarray(answer(7, library, 3)).ravel()]
    if 7 in found or 2 not in found:
        return Mistake(
            "dropped its twin", f"rows {found} for row 7, which has a twin in row 2",
            "the first of the sorted rows is dropped in the belief that it is the row itself; its twin "
            "has the same cosine",
            "Take `row` out by its number, not by its place.",
        )
    return None
