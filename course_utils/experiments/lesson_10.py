"""Claims of lesson 10: names found, and what goes wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..baselines import Gazetteer
from ..batching import EncodedRows
from ..data import Task
from ..decoding import OUTSIDE, word_tags
from ..entities import (
    BOTH,
    BOUNDARY,
    MISSED,
    RIGHT,
    SPURIOUS,
    TYPE,
    outcome_table,
    repaired,
    rule_breaks,
    structured_tags,
    word_accuracy,
)
from ..metrics import entity_scores
from ..training import evaluate, predict_logits
from .runs import Claim, encoded_task, fine_tune, scores

if TYPE_CHECKING:
    import pandas as pd

EPOCHS = {64: 30, 1024: 5}  # as in the study "entities"
SPLITS = ("test", "unseen")
DECODERS = ("alone", "structured")


@dataclass(frozen=True)
class Tagged:
    """The sentences of a split, their tags, and what a model makes of them."""

    words: list[list[str]]
    wanted: list[list[str]]
    alone: list[list[str]]  # the best tag of each word
    structured: list[list[str]]  # the best tags that keep the rules

    @property
    def accuracy(self) -> float:
        """The share of words with the right tag."""
        return word_accuracy(self.alone, self.wanted)

    def f1(self, decoder: str = "alone") -> float:
        """Of whole names; `decoder` is "alone", "structured" or "repaired"."""
        return entity_scores(self.tags(decoder), self.wanted)["f1"]

    def tags(self, decoder: str) -> list[list[str]]:
        """What a decoder makes of every sentence, by its name."""
        return [repaired(row) for row in self.alone] if decoder == "repaired" else getattr(self, decoder)

    def wrong(self, decoder: str = "alone") -> pd.Series:
        """How many names went wrong, by kind of error."""
        outcome = outcome_table(self.words, self.tags(decoder), self.wanted)["outcome"]
        return outcome[outcome != RIGHT].value_counts()

    def names(self) -> pd.DataFrame:
        """The wanted names: `entities.outcome_table` with a column `found`, whether the name is right."""
        table = outcome_table(self.words, self.alone, self.wanted)
        table = table[table["outcome"] != SPURIOUS]
        return table.assign(found=table["outcome"] == RIGHT)


def words_and_tags(task: Task, split: str) -> tuple[list[list[str]], list[list[str]]]:
    """The words of every row of a split, and the names of their tags."""
    rows = task.rows[split]
    return rows[task.text][:], [[task.label_names[i] for i in row] for row in rows[task.label][:]]


def one_to_the_left(rows: EncodedRows) -> EncodedRows:
    """The same rows with every label one piece too early, as if no [CLS] stood before the words."""
    assert rows.labels is not None
    return replace(rows, labels=np.roll(rows.labels, -1))


@lru_cache(maxsize=32)
def _learned(method: str, labels: int, seed: int, shifted: bool = False) -> Any:
    change = one_to_the_left if shifted else None
    return fine_tune("entities", method, labels, seed, epochs=EPOCHS[labels], change=change)[0]


@lru_cache(maxsize=32)
def tagged(method: str, labels: int, seed: int, shifted: bool = False) -> dict[str, Tagged]:
    """One run, "scratch" or "full": what it makes of the test rows and of the rows with unseen names."""
    task, data = encoded_task("entities", labels, seed)
    model, found = _learned(method, labels, seed, shifted), {}
    for split in SPLITS:
        words, wanted = words_and_tags(task, split)
        logits = predict_logits(model, data[split])
        alone, _ = word_tags(logits, data[split], task.label_names, map(len, words))
        structured, _ = structured_tags(logits, data[split], task.label_names, map(len, words))
        found[split] = Tagged(words, wanted, alone, structured)
    return found


def all_outside(split: str = "test") -> float:
    """The accuracy of a tagger that says O to every word."""
    task, _ = encoded_task("entities", 64, 0)
    _, wanted = words_and_tags(task, split)
    return word_accuracy([[OUTSIDE] * len(row) for row in wanted], wanted)


@lru_cache(maxsize=8)
def name_list(seed: int, split: str = "test") -> float:
    """F1 of a list of the names in 64 labelled rows."""
    task, _ = encoded_task("entities", 64, seed)
    words, wanted = words_and_tags(task, split)
    gazetteer = Gazetteer.of(task)
    return entity_scores([gazetteer.tag(row) for row in words], wanted)["f1"]


def known_over_new(method: str, seed: int) -> float:
    """Of the names in test rows: the share found of those that training rows have, minus that of the others."""
    task, _ = encoded_task("entities", 64, seed)
    words, tags = words_and_tags(task, "train")
    known = set(outcome_table(words, tags, tags)["name"])
    names = tagged(method, 64, seed)["test"].names()
    is_known = names["name"].isin(known)
    return names.loc[is_known, "found"].mean() - names.loc[~is_known, "found"].mean()


@lru_cache(maxsize=8)
def ambiguous(labels: int, seed: int) -> pd.DataFrame:
    """The names of one word in test rows after full fine-tuning; `ambiguous` says whether the rows give it two kinds."""
    import pandas as pd

    task, _ = encoded_task("entities", labels, seed)
    all_rows = [words_and_tags(task, split) for split in task.rows]
    everything = pd.concat(outcome_table(words, tags, tags) for words, tags in all_rows)
    kinds = everything.groupby("name")["kind"].nunique()
    names = tagged("full", labels, seed)["test"].names()
    names = names[~names["name"].str.contains(" ")]
    return names.assign(ambiguous=names["name"].map(kinds) > 1)


def _towns_over_others(seed: int) -> float:
    names = ambiguous(64, seed).query("ambiguous")
    towns = names["kind"] == "LOC"
    return names.loc[towns, "found"].mean() - names.loc[~towns, "found"].mean()


def _ambiguous_behind(labels: int, seed: int) -> float:
    of = ambiguous(labels, seed).groupby("ambiguous")["found"].mean()
    return of[False] - of[True]


def _wrong_kind(seed: int) -> float:
    names = ambiguous(64, seed).query("ambiguous and not found")
    return (names["outcome"] == TYPE).mean()


def _missed(method: str, seed: int) -> float:
    """Of the unseen names that are not found, the share that no predicted name touches."""
    names = tagged(method, 64, seed)["unseen"].names()
    return (names.loc[~names["found"], "outcome"] == MISSED).mean()


def _kind_over_other_errors(seed: int) -> float:
    """Of the errors on unseen names, the share that are of kind alone, minus that of the next commonest."""
    wrong = tagged("full", 64, seed)["unseen"].wrong()
    return (wrong[TYPE] - wrong.drop(TYPE).max()) / wrong.sum()


def _wrong_ends_left(seed: int) -> float:
    """Names with a wrong end in test rows: as a share of those of words decoded alone, how many the rules leave."""
    of = tagged("full", 64, seed)["test"]
    alone, structured = (of.wrong(decoder).reindex([BOUNDARY, BOTH], fill_value=0).sum() for decoder in DECODERS)
    return structured / alone


def _disagreeing(seed: int) -> float:
    """Of the words that break a rule in test rows, the share that stands right after a word of a name of another kind."""
    before = [row[i - 1] if i else OUTSIDE for row in tagged("full", 64, seed)["test"].alone for i in rule_breaks(row)]
    return 1 - before.count(OUTSIDE) / max(1, len(before))


def _shifted_accuracy(seed: int) -> float:
    _, data = encoded_task("entities", 64, seed)
    return evaluate(_learned("full", 64, seed, True), one_to_the_left(data["test"]))["accuracy"]


def _gain(decoder: str, method: str, labels: int, seed: int, split: str = "test") -> float:
    of = tagged(method, labels, seed)[split]
    return of.f1(decoder) - of.f1()


CLAIMS: dict[str, Claim] = {
    "10-all-outside": Claim(
        says="A tagger that says O to every word gets more than three quarters of the words right.",
        measure=lambda seed: all_outside(),
        at_least=0.75,
        seeds=(0,),
    ),
    "10-list-knows-no-others": Claim(
        says="A list of the names in 64 labelled rows finds none of the unseen ones.",
        measure=lambda seed: name_list(seed, "unseen"),
        at_most=0.01,
    ),
    "10-accuracy-flatters": Claim(
        says="From scratch with 64 labels, the accuracy of words on unseen names is more than 60 points above F1.",
        measure=lambda seed: tagged("scratch", 64, seed)["unseen"].accuracy - tagged("scratch", 64, seed)["unseen"].f1(),
        at_least=0.60,
        seeds=(0, 1),
    ),
    "10-below-nothing": Claim(
        says="On unseen names its words are no better tagged than by saying O.",
        measure=lambda seed: tagged("scratch", 64, seed)["unseen"].accuracy - all_outside("unseen"),
        at_most=0.0,
        seeds=(0, 1),
    ),
    "10-scratch-is-a-list": Claim(
        says="From scratch, 64 labels give an F1 within five points of a list of their names.",
        measure=lambda seed: tagged("scratch", 64, seed)["test"].f1() - name_list(seed),
        at_least=-0.05,
        at_most=0.05,
        seeds=(0, 1),
    ),
    "10-unseen-names": Claim(
        says="On unseen names and frames, the pre-trained encoder's F1 is more than 60 points above scratch.",
        measure=lambda seed: tagged("full", 64, seed)["unseen"].f1() - tagged("scratch", 64, seed)["unseen"].f1(),
        at_least=0.60,
        seeds=(0, 1),
    ),
    "10-scratch-knows-its-names": Claim(
        says="On test rows, scratch finds the names of its labels more than 60 points oftener than others.",
        measure=lambda seed: known_over_new("scratch", seed),
        at_least=0.60,
        seeds=(0, 1),
    ),
    "10-pretrained-knows-others": Claim(
        says="For the pre-trained encoder the difference is less than 15 points.",
        measure=lambda seed: known_over_new("full", seed),
        at_most=0.15,
    ),
    "10-scratch-stays-behind": Claim(
        says="Even with 1,024 labels, F1 from scratch on unseen names and frames stays below .15.",
        measure=lambda seed: tagged("scratch", 1024, seed)["unseen"].f1(),
        at_most=0.15,
        seeds=(0,),
    ),
    "10-frozen-behind": Claim(
        says="With 64 labels, a head on the frozen encoder is more than three points behind full fine-tuning.",
        measure=lambda seed: (
            tagged("full", 64, seed)["test"].f1() - scores("entities", "features", 64, seed, epochs=EPOCHS[64])["test"]
        ),
        at_least=0.03,
        seeds=(0, 1),
    ),
    "10-missed-or-mistaken": Claim(
        says="Of what it gets wrong on unseen names, scratch misses a share more than 50 points larger than the encoder.",
        measure=lambda seed: _missed("scratch", seed) - _missed("full", seed),
        at_least=0.50,
        seeds=(0, 1),
    ),
    "10-kind-is-commonest": Claim(
        says="On unseen names, the pre-trained encoder's commonest error is the kind.",
        measure=_kind_over_other_errors,
        at_least=0.05,
    ),
    "10-ambiguous-no-harder": Claim(
        says="With 64 labels, ambiguous names do no worse than other names of one word.",
        measure=lambda seed: _ambiguous_behind(64, seed),
        at_most=0.0,
    ),
    "10-ambiguous-kind": Claim(
        says="What is wrong with an ambiguous name is its kind in more than nine of ten cases.",
        measure=_wrong_kind,
        at_least=0.90,
    ),
    "10-ambiguous-towns": Claim(
        says="With 64 labels, ambiguous names are found as towns more than 15 points oftener than as people or companies.",
        measure=_towns_over_others,
        at_least=0.15,
    ),
    "10-ambiguous-harder": Claim(
        says="With 1,024 labels, ambiguous names are more than two points behind other names of one word.",
        measure=lambda seed: _ambiguous_behind(1024, seed),
        at_least=0.02,
        seeds=(0, 1),
    ),
    "10-words-disagree": Claim(
        says="More than half of the words that break a rule stand right after a word of another kind of name.",
        measure=_disagreeing,
        at_least=0.5,
    ),
    "10-rules-with-few": Claim(
        says="With 64 labels, decoding under rules gains more than a point of F1.",
        measure=lambda seed: _gain("structured", "full", 64, seed),
        at_least=0.01,
    ),
    "10-rules-mend-ends": Claim(
        says="Decoding under rules leaves fewer than three quarters of the names with a wrong end.",
        measure=_wrong_ends_left,
        at_most=0.75,
    ),
    "10-rules-with-many": Claim(
        says="With 1,024 labels, it changes F1 on test rows by less than half a point.",
        measure=lambda seed: _gain("structured", "full", 1024, seed),
        at_least=-0.005,
        at_most=0.005,
        seeds=(0, 1),
    ),
    "10-mending-costs": Claim(
        says="With 64 labels, turning every stray I- into B- loses more than half a point.",
        measure=lambda seed: _gain("repaired", "full", 64, seed),
        at_most=-0.005,
    ),
    "10-shifted-looks-well": Claim(
        says="Trained on labels one place early and judged by such labels, accuracy is above .90.",
        measure=_shifted_accuracy,
        at_least=0.90,
        seeds=(0, 1),
    ),
    "10-shifted-finds-nothing": Claim(
        says="It finds fewer than one name in twenty.",
        measure=lambda seed: tagged("full", 64, seed, True)["test"].names()["found"].mean(),
        at_most=0.05,
        seeds=(0, 1),
    ),
}
