"""Claims of lesson 12: what a translator learns from few pairs, and how its text is searched for and scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..baselines import PhraseTable
from ..batching import Batch, EncodedRows, Rows, encode
from ..data import Task, load_task
from ..decoding import source_rows
from ..errors import CourseError
from ..generation import drawing, generate
from ..metrics import translation_scores
from ..models import load_model, load_tokenizer
from ..prediction import predict_translations
from ..training import TrainConfig, evaluate, train
from ..world.bilingual_errors import KINDS, translation_errors
from .runs import Claim

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from datasets import Dataset
    from transformers import PreTrainedModel

DENOISER = "mini-encoder-decoder"
METHODS = ("scratch", "decoder", "full")
RATE = 2e-3  # found on validation rows; 1e-3 and 3e-3 are within two BLEU of it
STEPS, BATCH = 400, 32
SPLITS = ("test", "compositions", "unseen")


def compositions(n: int, seed: int = 0) -> Dataset:
    """`n` pairs with the words of labelled rows in structures (tense, negation, number …) that none of them has."""
    from datasets import Dataset

    from ..world.bilingual import labelled
    from ..world.draw import Draw
    from ..world.tasks import features

    rows = [labelled(Draw("compositions", seed, i), "shown", structures="unseen") for i in range(n)]
    return Dataset.from_list([row | {"id": f"compositions-{i}"} for i, row in enumerate(rows)],
                             features=features("translation"))  # fmt: skip


@lru_cache(maxsize=8)
def translation_task(pairs: int, seed: int = 0, *, held_out: int = 300) -> tuple[Task, dict[str, EncodedRows]]:
    """So many labelled pairs; beside the usual splits `compositions`. Held-out splits are cut to `held_out` rows."""
    from datasets import DatasetDict

    task = load_task("translation", scale="mini", train_rows=pairs, seed=seed)
    rows = {split: rows if split == "train" else rows.select(range(held_out)) for split, rows in task.rows.items()}
    task = replace(task, rows=DatasetDict({**rows, "compositions": compositions(held_out)}))
    return task, encode(task, load_tokenizer(DENOISER))


def learn(data: Rows, *, method: str = "full", steps: int = STEPS, seed: int = 0, rate: float = RATE,
          model: PreTrainedModel | None = None) -> PreTrainedModel:  # fmt: skip
    """A translator of the pairs in `data`, by one of METHODS.

    "scratch" starts from random weights, the others from the denoiser's or, if given, from `model`, which is trained in
    place; "decoder" keeps the encoder and the embeddings as they are.
    """
    if method not in METHODS:
        raise CourseError(f"There is no method {method!r}: use one of {', '.join(METHODS)}.")
    if method == "scratch" and model is not None:
        raise CourseError('method="scratch" draws its weights, and a model was given: leave one of them out.')
    model = model or load_model(DENOISER, "translation", from_scratch=method == "scratch", seed=seed)
    if method == "decoder":
        model.requires_grad_(False)
        model.get_decoder().requires_grad_(True)  # type: ignore[operator]
        model.get_input_embeddings().requires_grad_(False)
    config = TrainConfig(
        max_steps=steps, batch_size=BATCH, learning_rate=rate, warmup_steps=min(100, steps // 5),
        weight_decay=0.01, seed=seed,
    )  # fmt: skip
    train(model, data, config, progress=False)
    return model


def written(model: PreTrainedModel, data: EncodedRows, **how: Any) -> list[str]:
    """What the model writes for each row; `how` as in `generation.generate`."""
    return list(data.tokenizer.batch_decode(generate(model, data, **{"most_tokens": 40} | how), skip_special_tokens=True))


def references(task: Task, data: EncodedRows) -> list[str]:
    """The right translation of each row."""
    return [pair[task.languages[1]] for pair in data.rows.select(source_rows(data))[task.text]]


def bleu(model: PreTrainedModel, task: Task, data: EncodedRows, **how: Any) -> float:
    """Corpus BLEU of what the model writes for rows of the task."""
    return translation_scores(written(model, data, **how), references(task, data))["bleu"]


@lru_cache(maxsize=8)
def translator(method: str, pairs: int, seed: int) -> PreTrainedModel:
    """A model by one of METHODS, fine-tuned on so many pairs."""
    return learn(translation_task(pairs, seed)[1]["train"], method=method, seed=seed)


@lru_cache(maxsize=32)
def bleu_scores(method: str, pairs: int, seed: int) -> dict[str, float]:
    """BLEU of a `translator` on each of SPLITS."""
    task, data = translation_task(pairs, seed)
    return {split: bleu(translator(method, pairs, seed), task, data[split]) for split in SPLITS}


def label_curve(report: Callable[[str], None] = print) -> pd.DataFrame:
    """BLEU by method and number of pairs, three seeds: columns method, labels, seed, split, score."""
    import pandas as pd

    rows = []
    for pairs in (150, 600, 2400):
        for method in METHODS:
            for seed in range(3):
                found = bleu_scores(method, pairs, seed)
                rows += [{"method": method, "labels": pairs, "seed": seed, "split": split, "score": round(value, 2)}
                         for split, value in found.items()]  # fmt: skip
            means = pd.DataFrame(rows).query("method == @method and labels == @pairs").groupby("split")["score"].mean()
            report(f"translation · {pairs} pairs · {method}: {means.round(1).to_dict()}")
    return pd.DataFrame(rows)


# ---------------------------------------------------------------- back-translation


def french_sentences(n: int, seed: int = 0) -> list[str]:
    """`n` French sentences of the world's unlabelled notices."""
    from itertools import count

    from ..world.bilingual import notice
    from ..world.draw import Draw

    found: list[str] = []
    for number in count():
        found += [french for _, french in notice(Draw("french", seed, number))]
        if len(found) >= n:
            break
    return found[:n]


@lru_cache(maxsize=4)
def back_translated(pairs: int, seed: int, sentences: int = 2400) -> Task:
    """The task with `sentences` more training pairs: French text, and the English that a model makes of it.

    That model was trained the other way round, on the same pairs. Source: Sennrich et al. 2016
    (https://aclanthology.org/P16-1009/).
    """
    from datasets import Dataset, DatasetDict, concatenate_datasets

    task = translation_task(pairs, seed)[0]
    tokenizer = load_tokenizer(DENOISER)
    backwards = task.translating("fr", "en")
    model = learn(encode(backwards, tokenizer)["train"], seed=seed)
    french = french_sentences(sentences, seed)
    english = predict_translations(model, tokenizer, french, most_tokens=40)
    rows = [{"id": f"back-{i}", "translation": {"en": en or ".", "fr": fr}}
            for i, (en, fr) in enumerate(zip(english, french, strict=True))]  # fmt: skip
    made = Dataset.from_list(rows, features=task.rows["train"].features)
    return replace(task, rows=DatasetDict({**task.rows, "train": concatenate_datasets([task.rows["train"], made])}))


def back_translation(report: Callable[[str], None] = print) -> pd.DataFrame:
    """BLEU from 600 pairs, with and without back-translated ones, at equal steps; three seeds."""
    import pandas as pd

    rows = []
    for seed in range(3):
        task, data = translation_task(600, seed)
        more = encode(back_translated(600, seed), load_tokenizer(DENOISER))["train"]
        for method, pairs in (("600 pairs", data["train"]), ("and 2,400 back-translated", more)):
            model = learn(pairs, steps=2 * STEPS, seed=seed)
            found = {split: round(bleu(model, task, data[split]), 2) for split in SPLITS}
            rows += [{"method": method, "seed": seed, "split": split, "score": score} for split, score in found.items()]
            report(f"back-translation · seed {seed} · {method}: {found}")
    return pd.DataFrame(rows)


# ---------------------------------------------------------------- what fails, what a score sees


class Unshifted:
    """Rows whose decoder reads the very labels that it is to write."""

    kind = "translation"

    def __init__(self, rows: EncodedRows):
        self.rows, self.lengths = rows, rows.lengths

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, indices: np.ndarray) -> Batch:
        """The rows `indices`, the labels in place of what came before them."""
        batch = self.rows.batch(indices)
        return batch | {"decoder_input_ids": batch["labels"].clamp(min=0)}


@lru_cache(maxsize=2)
def _unshifted(seed: int) -> PreTrainedModel:
    return learn(Unshifted(translation_task(600, seed)[1]["train"]), steps=120, seed=seed)


def unshifted_bleu(seed: int) -> float:
    """BLEU of a model that was trained on `Unshifted` rows."""
    task, data = translation_task(600, seed)
    return bleu(_unshifted(seed), task, data["test"])


def unshifted_loss(seed: int) -> float:
    """Its validation loss, on such rows, as a share of that of a model that was trained as long on shifted ones."""
    data = translation_task(600, seed)[1]
    shifted = learn(data["train"], steps=120, seed=seed)
    wrong, right = evaluate(_unshifted(seed), Unshifted(data["validation"])), evaluate(shifted, data["validation"])
    return wrong["loss"] / right["loss"]


def error_shares(given: Sequence[str], right: Sequence[str]) -> dict[str, float]:
    """How many errors of each kind there are in a sentence."""
    found = [translation_errors(a, b) for a, b in zip(given, right, strict=True)]
    return {kind: sum(errors[kind] for errors in found) / len(found) for kind in KINDS}


def agreement_and_words(seed: int) -> float:
    """The least margin by which agreement is the table's commonest error, and the wrong word the model's."""
    task, data = translation_task(600, seed)
    rows = data["test"].select(range(150))
    right, table = references(task, rows), PhraseTable.of(task)
    of_table = error_shares([table.translate(pair["en"]) for pair in task.rows["test"]["translation"][:150]], right)
    of_model = error_shares(written(translator("full", 600, seed), rows), right)

    def margin(errors: dict[str, float], kind: str) -> float:
        return errors[kind] - max(value for other, value in errors.items() if other != kind)

    return min(margin(of_table, "agreement"), margin(of_model, "wrong word"))


def spoiled(spoil: Callable[[str], str]) -> Callable[[int], float]:
    """BLEU of the references that `spoil` changes, for a seed."""

    def measure(seed: int) -> float:
        right = [pair["fr"] for pair in load_task("translation", scale="mini").rows["test"]["translation"]]
        changed = [text for text in right if spoil(text) != text][seed::2]
        return translation_scores([spoil(text) for text in changed], changed)["bleu"]

    return measure


def only_for_not(text: str) -> str:
    """Says the opposite: "Il ne vend pas la clé" becomes "Il ne vend que la clé": it sells nothing but the key."""
    for article in ("le", "la", "les"):
        text = text.replace(f" pas {article} ", f" que {article} ")
    return text


def first_two_exchanged(text: str) -> str:
    """The text with its first two words exchanged."""
    first, second, *rest = text.split(" ")
    return " ".join([second, first, *rest])


def _full(pairs: int, seed: int, split: str, **how: Any) -> float:
    task, data = translation_task(pairs, seed)
    return bleu(translator("full", pairs, seed), task, data[split].select(range(150)), **how)


CLAIMS: dict[str, Claim] = {
    "12-denoiser-600": Claim(
        says="With 600 pairs the denoiser is more than 15 BLEU above scratch on new structures, after as many steps.",
        measure=lambda seed: (
            bleu_scores("full", 600, seed)["compositions"] - bleu_scores("scratch", 600, seed)["compositions"]
        ),
        at_least=15,
        seeds=(0, 1),
    ),
    "12-new-structures": Claim(
        says="The same model is less than five BLEU better on structures that the pairs showed.",
        measure=lambda seed: bleu_scores("full", 600, seed)["test"] - bleu_scores("full", 600, seed)["compositions"],
        at_most=5,
        seeds=(0, 1),
    ),
    "12-errors-differ": Claim(
        says="The phrase table's commonest error is agreement, the model's the wrong word.",
        measure=agreement_and_words,
        at_least=0.05,
        seeds=(0, 1),
    ),
    "12-unshifted-loss": Claim(
        says="Trained on labels that are not shifted, the validation loss is less than half of the other.",
        measure=unshifted_loss,
        at_most=0.5,
        seeds=(0,),
    ),
    "12-unseen-words": Claim(
        says="On new words its score stays more than ten BLEU below that on new structures (600 pairs).",
        measure=lambda seed: (
            bleu_scores("full", 600, seed)["compositions"] - bleu_scores("full", 600, seed)["unseen"]
        ),
        at_least=10,
        seeds=(0, 1),
    ),
    "12-drawing-costs": Claim(
        says="Drawing each token at temperature 1 costs more than four BLEU.",
        measure=lambda seed: _full(600, seed, "test") - _full(600, seed, "test", choose=drawing(seed)),
        at_least=4,
        seeds=(0, 1),
    ),
    "12-beam-gains-little": Claim(
        says="A beam of four changes the score of these short sentences by less than three BLEU.",
        measure=lambda seed: _full(600, seed, "test", width=4) - _full(600, seed, "test"),
        at_least=-3,
        at_most=3,
        seeds=(0, 1),
    ),
    "12-unshifted": Claim(
        says="A model whose decoder reads the labels themselves scores less than 3 BLEU.",
        measure=unshifted_bleu,
        at_most=3,
        seeds=(0, 1),
    ),
    "12-opposite-keeps": Claim(
        says="References in which 'not' has become 'only' keep more than half of their BLEU.",
        measure=spoiled(only_for_not),
        at_least=50,
        seeds=(0, 1),
    ),
    "12-apostrophe-costs": Claim(
        says="Another kind of apostrophe costs the references that have one more than ten BLEU.",
        measure=spoiled(lambda text: text.replace("'", "’")),
        at_most=90,
        seeds=(0, 1),
    ),
    "12-capitals": Claim(
        says="Right translations in capitals score less than 2 BLEU.",
        measure=spoiled(str.upper),
        at_most=2,
        seeds=(0, 1),
    ),
}
