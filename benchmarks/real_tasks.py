"""What do the four tasks reach on text that nobody here wrote? MiniLM by the course, by Trainer, and no network.

    python -m benchmarks.real_tasks [--task ag_news|sms_spam|wikigold|squad|tatoeba_en_fr] [--seeds N] [--quick]

The rows are those of `../shared/realdata` (see README.md); a task whose folder is absent is left out. For the
encoder's four tasks the course and Trainer start from the same weights and read the same token ids, in batches of
the same size, for as many epochs, at the same peak rate with linear decay. Seconds are those of the processor, of
training alone. Final weights, scored on test rows by the course's metrics. MiniLM is an encoder of sentences of 22 M
parameters, lower-cased. Translation is learned by a small encoder–decoder from random weights, from 4,000 pairs.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import process_time

from course_utils import (
    EncodedRows,
    Task,
    TrainConfig,
    encode,
    evaluate,
    load_model,
    load_task,
    load_tokenizer,
    predict_translations,
    train,
)
from course_utils.baselines import Gazetteer, PhraseTable, bag_of_words, overlapping_answer
from course_utils.metrics import (
    answer_scores,
    classification_scores,
    entity_scores,
    metric_for,
    translation_scores,
)

from .common import REAL_DATA, Ratio, encoder, machine, options, quiet, report, table, target
from .peers import OURS, trainer_on_rows

TRAINER = "Trainer, default"


@dataclass(frozen=True)
class Setting:
    """How a task is learned, and what is to be reached."""

    score: str  # the metric that the bar is about
    epochs: int
    learning_rate: float
    batch_size: int = 32
    max_length: int = 128
    rows: int | None = None  # all of them
    seeds: int = 3
    least: float | None = None


SETTINGS = {
    "ag_news": Setting("accuracy", epochs=1, learning_rate=1e-4, least=0.88),
    "sms_spam": Setting("accuracy", epochs=2, learning_rate=1e-4, least=0.97),
    "wikigold": Setting("f1", epochs=4, learning_rate=4e-4, batch_size=16),
    "squad": Setting("f1", epochs=1, learning_rate=2e-4, batch_size=8, max_length=384, rows=2_000, seeds=2),
}
TRANSLATION = "tatoeba_en_fr"


# ---------------------------------------------------------------- without a network


def words_counted(task: Task) -> dict[str, float]:
    """TF-IDF of words and pairs of words, and logistic regression."""
    rows = task.rows["test"]
    return classification_scores(bag_of_words(task).predict(rows[task.text][:]), rows[task.label])


def names_listed(task: Task) -> dict[str, float]:
    """The names of the training rows, found wherever they stand again."""
    known, rows = Gazetteer.of(task), task.rows["test"]
    wanted = [[task.label_names[i] for i in tags] for tags in rows[task.label]]
    return entity_scores([known.tag(words) for words in rows[task.text]], wanted)


def words_shared(task: Task) -> dict[str, float]:
    """The stretch of the passage beside most words of the question."""
    rows = task.rows["test"]
    found = [overlapping_answer(*pair) for pair in zip(rows["question"], rows[task.text], strict=True)]
    return answer_scores(found, [answers["text"] for answers in rows[task.label]])


BASELINES: dict[str, tuple[str, Callable[[Task], dict[str, float]]]] = {
    "classification": ("TF-IDF, logistic regression", words_counted),
    "entities": ("a list of the names seen", names_listed),
    "answers": ("words shared with the question", words_shared),
}


# ---------------------------------------------------------------- with MiniLM


def ours(model: object, rows: EncodedRows, setting: Setting, seed: int) -> None:
    config = TrainConfig(
        epochs=setting.epochs, batch_size=setting.batch_size, learning_rate=setting.learning_rate,
        warmup_steps=0, weight_decay=0.0, seed=seed,
    )  # fmt: skip
    train(model, rows, config, progress=False)


def trainer(model: object, rows: EncodedRows, setting: Setting, seed: int) -> None:
    trainer_on_rows(
        model, rows, epochs=setting.epochs, batch_size=setting.batch_size,
        learning_rate=setting.learning_rate, seed=seed,
    )  # fmt: skip


def measure(name: str, setting: Setting, quick: bool) -> None:
    where, folder = machine(), encoder("minilm").folder
    task = load_task(REAL_DATA / name, train_rows=64 if quick else setting.rows)
    data = encode(task, load_tokenizer(folder), max_length=setting.max_length)
    scores: dict[str, list[dict[str, float]]] = {OURS: [], TRAINER: []}
    seconds: dict[str, list[float]] = {OURS: [], TRAINER: []}
    for seed in range(setting.seeds):
        for contender, learn in ((OURS, ours), (TRAINER, trainer)):
            model = load_model(folder, task, seed=seed)
            began = process_time()
            learn(model, data["train"], setting, seed)
            seconds[contender].append(process_time() - began)
            scores[contender].append(evaluate(model, data["test"], metric=metric_for(task)))
            got = scores[contender][-1][setting.score]
            print(f"{name}, seed {seed}, {contender}: {setting.score} {got:.3f}, {seconds[contender][-1]:.0f} s", flush=True)

    baseline, without = BASELINES[task.kind]
    plain = without(task)
    shown = [score for score in plain if "_" not in score or score in ("exact_match", "macro_f1")]
    rows = [[baseline, "", *(f"{plain[score]:.3f}" for score in shown), ""]]
    for contender, runs in scores.items():
        values = {score: [run[score] for run in runs] for score in shown}
        mean = statistics.mean(values[setting.score])
        reached = target(mean, setting.least) if setting.least and contender == OURS else ""
        cells = [f"{statistics.mean(values[score]):.3f} ± {statistics.stdev(values[score]):.3f}" for score in shown]
        rows.append([contender, f"{statistics.median(seconds[contender]):.0f}", *cells, reached])
    faster = Ratio.of(seconds[TRAINER], seconds[OURS])
    pairs = [a[setting.score] - b[setting.score] for a, b in zip(scores[OURS], scores[TRAINER], strict=True)]
    noise = max(statistics.stdev([run[setting.score] for run in runs]) for runs in scores.values())
    verdict = "no worse, within the seeds' noise" if statistics.mean(pairs) >= -noise else "worse"
    facts = (
        f"{len(task.rows['train']):,} rows for training, {len(task.rows['test']):,} for the test; {_epochs(setting.epochs)} "
        f"at {setting.learning_rate:g}, batches of {setting.batch_size}, {setting.seeds} seeds (± is their standard "
        f"deviation). Against Trainer: {statistics.mean(pairs):+.3f} {setting.score} ({verdict}), {faster} times as fast."
    )
    figures = {"scores": scores, "seconds": seconds, "baseline": plain, "faster": faster.rounds}
    report(
        f"real_tasks-{name}", f"{name}, with MiniLM",
        f"{table(['', 'seconds', *shown, 'target'], rows)}\n\n{facts}", figures, where=where, quick=quick,
    )  # fmt: skip


def _epochs(n: int) -> str:
    return f"{n} epoch{'s' if n > 1 else ''}"


# ---------------------------------------------------------------- translation


def measure_translation(seeds: int, quick: bool) -> None:
    """A T5 of the recipe's kind, twice as wide, with a tokenizer of its own, from random weights."""
    from course_utils.pretraining.recipes import EncoderDecoderRecipe, new_encoder_decoder
    from course_utils.pretraining.tokenizers import train_unigram

    where = machine()
    task = load_task(REAL_DATA / TRANSLATION, train_rows=64 if quick else None)
    source, written = task.languages
    train_pairs, test_pairs = list(task.rows["train"][task.text]), list(task.rows["test"][task.text])
    wanted = [pair[written] for pair in test_pairs]
    size = 400 if quick else 2_000
    tokenizer = train_unigram((pair[language] for pair in train_pairs for language in task.languages), size=size)
    data = encode(task, tokenizer)

    known = PhraseTable.of(task)
    plain = translation_scores([known.translate(pair[source]) for pair in test_pairs], wanted)
    rows = [["a phrase table", "", f"{plain['bleu']:.1f}", f"{plain['chrf']:.1f}"]]
    config = TrainConfig(
        epochs=1 if quick else 12, batch_size=64, learning_rate=1e-3, warmup_share=0.2,
        weight_decay=0.01, label_smoothing=0.1, betas=(0.9, 0.98),
    )  # fmt: skip
    scores, seconds = [], []
    for seed in range(seeds):
        model = new_encoder_decoder(EncoderDecoderRecipe(hidden=256, feed_forward=512, seed=seed), tokenizer)
        began = process_time()
        train(model, data["train"], replace(config, seed=seed), progress=False)
        seconds.append(process_time() - began)
        texts = predict_translations(model, tokenizer, [pair[source] for pair in test_pairs], width=4)
        scores.append(translation_scores(texts, wanted))
        print(f"{TRANSLATION}, seed {seed}: BLEU {scores[-1]['bleu']:.1f}, {seconds[-1]:.0f} s; {texts[:3]}", flush=True)
    cells = [
        f"{statistics.mean(values):.1f} ± {statistics.stdev(values):.1f}"
        for values in ([run[score] for run in scores] for score in ("bleu", "chrf"))
    ]
    rows.append(["a small T5 from random weights, beam of 4", f"{statistics.median(seconds):.0f}", *cells])
    facts = (
        f"{len(train_pairs):,} pairs for training, {len(test_pairs):,} for the test; {model.num_parameters() / 1e6:.1f} M "
        f"parameters, {len(tokenizer):,} tokens, {_epochs(config.epochs)}, {seeds} seeds (± is their standard deviation)."
    )
    report(
        f"real_tasks-{TRANSLATION}", f"{TRANSLATION}, from random weights",
        f"{table(['', 'seconds', 'BLEU', 'chrF'], rows)}\n\n{facts}",
        {"scores": scores, "seconds": seconds, "baseline": plain}, where=where, quick=quick,
    )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    names = (*SETTINGS, TRANSLATION)
    parser = options(__doc__, encoders=False)
    parser.add_argument("--task", choices=names, action="append", help="one of them (may be repeated); all by default")
    parser.add_argument("--seeds", type=int, default=None, help="at least 2; 3 by default, 2 for squad or when quick")
    chosen = parser.parse_args(arguments)
    quiet()
    for name in chosen.task or names:
        if not (REAL_DATA / name).is_dir():
            print(f"{name} left out: it needs the folder of real rows that README.md names.")
            continue
        default = 2 if chosen.quick or name == TRANSLATION else SETTINGS[name].seeds
        seeds = max(2, chosen.seeds or default)
        if name == TRANSLATION:
            measure_translation(seeds, chosen.quick)
        else:
            measure(name, replace(SETTINGS[name], seeds=seeds, **({"epochs": 1} if chosen.quick else {})), chosen.quick)


if __name__ == "__main__":
    main()
