# %% [markdown]
# # 11 · Question answering
#
# A question and a passage go in; out comes the stretch of the passage that answers it. Nothing is written: the model points. In this lesson you teach an encoder to point, read passages longer than it can see at once, and let it say that there is no answer.
#
# **You will be able to**
#
# - turn an answer's characters into the tokens a model is trained on, and back, and prove that both agree;
# - pick the best span from two logits a token, and say what exact match and F1 count;
# - read a long passage in overlapping windows, and merge what they say;
# - teach a model to refuse, and choose its threshold on validation rows;
# - sort its errors by kind, and tell a weak model from a bug in the labels.
#
# *About 50 minutes. The code runs in about a minute on one CPU core. Helpful before: lessons 06 and 10.*

# %%
import copy
from dataclasses import replace

import numpy as np
import pandas as pd

from course_utils import (
    TrainConfig,
    baselines,
    chosen,
    current_scale,
    encode,
    evaluate,
    experiments,
    figures,
    load_model,
    load_task,
    load_tokenizer,
    predict_answers,
    predict_logits,
    train,
)
from course_utils.decoding import answer_spans, softmax
from course_utils.experiments import lesson_11 as lab
from course_utils.figures.answers import (
    answer_marked,
    answer_row,
    by_threshold,
    span_probabilities,
    span_scores,
)
from course_utils.figures.text import rows_of
from course_utils.metrics import answer_scores, metric_for, normalise_answer
from course_utils.widgets import explore
from course_utils.widgets.text import ask_marked, browse_errors

print(current_scale())
MODEL = chosen("model", "mini-encoder")  # a name of the course, a folder, or a repo id on the Hub
DATA = chosen("data", "answers")
QUESTIONS = int(chosen("rows", "512"))

# %% [markdown]
# ## 1 · The answer stands in the text
#
# The rows have the columns of [SQuAD](https://arxiv.org/abs/1606.05250): a passage, a question, and the accepted answers, each with the character at which it begins. In the mini world the passages are pages of an almanac, and a question shares no content word with the sentence that answers it, apart from the name of its subject.

# %%
task = load_task(DATA, train_rows=QUESTIONS, seed=0)
for row in task.rows["train"].select(range(2)):
    print(row[task.text], "\n→", row["question"], row[task.label], "\n")

# %% [markdown]
# Most passages are about one subject and have two or three answers *of the same type* in them: two people, three numbers. Such wrong candidates are called **distractors**. A model that has only learned "who means a person" cannot choose between them.
#
# Before any Transformer, a baseline: take the sentence that shares most words with the question, and from it the longest run of words that the question does not have.
#
# **Predict.** How many of a hundred questions will it get exactly right?

# %%
def baseline(rows):
    """The score of the baseline on the rows of a split."""
    given = [baselines.overlapping_answer(row["question"], row[task.text]) for row in rows]
    return answer_scores(given, [row[task.label]["text"] for row in rows])


table = {split: baseline(task.rows[split]) for split in task.rows if split != "train"}
pd.DataFrame(table).T.round(2)

# %% [markdown]
# Words alone lead almost nowhere here: the baseline answers fewer than one test question in twenty exactly (claim `11-baseline`). It often finds a sentence about the subject, and then takes too many words of it.
#
# ## 2 · From characters to tokens
#
# The model reads question and passage in one row. A fast tokenizer says for every token which characters it stands for, its **offsets**. The label is a pair of token numbers: the first and the last token of the answer.

# %%
tokenizer = load_tokenizer(MODEL)
longest_question = max(map(len, tokenizer(task.rows["train"]["question"][:])["input_ids"]))
LENGTH = lab.WINDOW if longest_question < 40 else 384  # tokens of a row: the question, and room for a passage
data = encode(task, tokenizer, max_length=LENGTH)
first_token, last_token = data["train"].labels[0]
ids = data["train"].input_ids[: data["train"].lengths[0]]
print(tokenizer.decode(ids))
print(f"answer: tokens {first_token} to {last_token}: {tokenizer.convert_ids_to_tokens(ids[first_token : last_token + 1])}")

# %% [markdown]
# Positions are where this task goes wrong without any error: counted in bytes, in words, or in the passage instead of the row; with the end included or not. So prove that the way back gives the answer. Do this for **every** row, before training.

# %%
# NBVAL_CHECK_OUTPUT
def answers_from_labels(rows):
    """For each row, what its label points at, and what it should point at."""
    for row, (first, last), begin in zip(rows.row_of, rows.labels, rows.offsets, strict=False):
        start, end = rows.spans[begin + first][0], rows.spans[begin + last][1]
        original = rows.rows[int(row)]
        yield original[task.text][start:end].strip(), original[task.label]["text"][0]


pairs = list(answers_from_labels(data["train"].select(np.flatnonzero(data["train"].labels[:, 0]))))
print(sum(found == wanted for found, wanted in pairs), "of", len(pairs), "labels point at their answer")

# %% [markdown]
# ## 3 · Two logits a token
#
# The head is one small matrix: from each token's state it makes two numbers, a logit for "the answer starts here" and one for "it ends here". The loss is a cross-entropy over the *tokens of the row*, once for the start and once for the end. So there is no list of classes, and an answer never seen in training can still be pointed at.

# %%
model = load_model(MODEL, task, seed=0)
is_mini = model.num_parameters() < 5_000_000
EPOCHS, PEAK = (lab.EPOCHS, experiments.runs.ANSWERS_RATE) if is_mini else (2, 3e-5)
config = TrainConfig(epochs=EPOCHS, batch_size=16, learning_rate=PEAK, warmup_share=0.1, seed=0)
history = train(model, data["train"], config)
figures.loss_curves({"questions": history.frame}, title="The loss over start and end", smooth=8)

# %%
logits = predict_logits(model, data["test"])  # (tokens of all rows, 2)


def seen(row):
    """The passage of a test row as tokens, and the probability that the answer starts, and ends, at each."""
    window = np.flatnonzero(data["test"].row_of == row)[0]
    tokens = slice(data["test"].offsets[window], data["test"].offsets[window + 1])
    inside = data["test"].spans[tokens][:, 0] >= 0
    pieces = tokenizer.convert_ids_to_tokens(data["test"].input_ids[tokens][inside])
    return pieces, *softmax(logits[tokens], axis=0)[inside].T


# %% [markdown]
# **Predict.** Where will the second-highest start be: at a random word, or at a certain kind of word?

# %%
explore(lambda row: span_probabilities(*seen(row), title=task.rows["test"][row]["question"]), row=(0, 19, 1))

# %% [markdown]
# Move the slider to a question where the model hesitates, and look at what the candidates have in common. Start and end are judged apart, so a doubtful model may put the start on one candidate and the end on another. That is why the **pair** must be chosen, and not each end for itself: of all spans that begin before they end and are not too long, the one with the largest product.

# %%
explore(
    lambda row, longest: span_scores(*seen(row), longest=longest, title=task.rows["test"][row]["question"]),
    row=(0, 19, 1), longest=[5, 10, 30],
)

# %% [markdown]
# Each cell of the upper triangle is one span; below the diagonal it would end before it begins. `answer_spans` searches this triangle. It takes the tokens back to characters, which is what people want to see.

# %%
# NBVAL_CHECK_OUTPUT
spans = answer_spans(logits, data["test"], longest=10)
same = 0
for row, span in list(spans.items())[:50]:
    _, first, last = seen(row)
    allowed = np.triu(np.outer(first, last)) - np.triu(np.outer(first, last), k=10)
    same += bool(np.isclose(allowed.max(), span.score))
print(same, "of 50 best spans are those of the package")

# %% [markdown]
# ## 4 · Two scores, and what is behind them
#
# **Exact match** is the share of questions whose answer is right to the last word. **F1** also gives points for words in common. Both compare after a normalisation that the [official scorer](https://arxiv.org/abs/1606.05250) lays down: lower case, no punctuation, no articles. Read what that does to some cases before you trust either number.

# %%
# NBVAL_CHECK_OUTPUT
for given, right in [("The Old Bridge.", "old bridge"), ("8 a.m.", "8 am"), ("in Oslo", "Oslo"), ("Vitamin A", "vitamin"),
                     ("“Oslo”", "Oslo"), ("", "Oslo")]:  # fmt: skip
    score = answer_scores([given], [[right]])
    print(f"{given!r:>18} for {right!r:<13} EM {score['exact_match']:.0f}  F1 {score['f1']:.2f}  {normalise_answer(given)!r}")

# %%
metric = metric_for(task)
scores = {split: evaluate(model, rows, metric=metric) for split, rows in data.items() if split != "train"}
found = pd.DataFrame(scores).T[["exact_match", "f1"]]
found["baseline"] = [table[split]["exact_match"] for split in found.index]
found.round(2)

# %% [markdown]
# The model is far above the baseline. On *unseen*, all names and phrasings are new to the labels; what it gets right there it knows from pre-training. F1 is only a little higher than exact match: where it is wrong, it is mostly wrong altogether. That difference is worth remembering; section 6 shows a model for which it is large.
#
# **Predict.** What are the errors: a word too many, another thing from the right sentence, or a candidate from another sentence?

# %%
answers = lab.answer_table(task, data["test"], answer_spans(logits, data["test"]))
answers["group"] = lab.groups(answers, "test")
pd.crosstab(answers["error"], answers["group"], normalize="columns").round(2)

# %% [markdown]
# Columns add up to 1. In the mini world, most passages are about *one subject*: the relation asked for tells which candidate is meant. In a few the same relation is stated of *two subjects*, so relation and name must both be matched. There exact match is more than 20 points lower (claim `11-two-subjects`), and more than six in ten of the errors are of the right type, from a wrong sentence (claim `11-right-type`): the model knows what it is asked for and guesses whose it is. With rows of your own, the columns are the first words of the questions.
#
# Go through the errors kind by kind. *Type* is told by its look alone: a name, a number, other words.

# %%
wrong = answers[answers["error"] != "right"]
browse_errors(wrong, lambda row: answer_row(row.question, row.context, row.given_span, row.right_span, row.score))

# %% [markdown]
# ## 5 · How many questions do you need?
#
# Five seeds a point, the band from the worst to the best. *Scratch* starts from random weights, *features* trains a head on the frozen encoder, *last layer* and *full* train more of it.
#
# **Predict.** On unseen names, what does a model from scratch reach with 2,048 questions?

# %%
curves = experiments.results("answers")
explore(
    lambda split: figures.learning_curves(
        curves[curves["split"] == split], x="labels", y="score", by="method",
        title=f"Question answering, {split} split", x_label="labelled questions", y_label="exact match",
    ),
    split=["unseen", "test"],
)

# %% [markdown]
# With 1,024 questions, full fine-tuning is more than 60 points above scratch on unseen names (claim `11-pretraining-pays`). Whatever scratch has learned, hardly any of it holds for names and phrasings that no label shows. Read from the curves how far a head on a frozen encoder gets: it looks at one token at a time, so all comparing of candidates must have been done before it.
#
# ## 6 · An honest failure: the end is one too far
#
# In Python, the end of a slice is the position *after* the last element. The model wants the last token *itself*. Suppose that you forget this: every label ends one token too late, and nothing else changes.
#
# **Predict.** Will the training loss show it? Will exact match? Will F1?

# %%
too_far = lab.end_too_far(data["train"])
broken = load_model(MODEL, task, seed=0)
short = replace(config, epochs=min(lab.WRONG_EPOCHS, EPOCHS))
ruin = train(broken, too_far, short)
figures.loss_curves({"right labels": history.frame, "one too far": ruin.frame}, title="Both losses fall", smooth=8)

# %%
for name, candidate in (("right labels", model), ("one too far", broken)):
    score = evaluate(candidate, data["test"], metric=metric)
    print(f"{name:>13}: exact match {score['exact_match']:.2f}, F1 {score['f1']:.2f}")

# %% [markdown]
# The loss falls as it should, because the wrong labels are as regular as the right ones. The scores give it away: F1 is far above exact match. The gap is more than eight points wider than with the right labels (claim `11-end-too-far`; both runs compared by their gap, since this one is shorter). Where the extra token is a full stop, the answer even passes, since the scorer deletes punctuation. **A wide gap between the two scores says: look at the ends.** The check of section 2 would have told you before the first step:

# %%
# NBVAL_CHECK_OUTPUT
held = too_far.select(np.flatnonzero(too_far.labels[:, 0])[:100])
pairs = list(answers_from_labels(held))
print(sum(found == wanted for found, wanted in pairs), "of", len(pairs), "labels point at their answer")

# %% [markdown]
# ## 7 · Passages longer than the model can see
#
# An encoder reads a limited number of tokens. A longer passage is cut into **windows**, each beside the whole question. If the windows lie edge to edge, an answer across an edge is whole in none of them and can be neither learned nor found. So they overlap, by at least the length of the longest answer. Tokenizers call this overlap *stride*.
#
# To try it, we put each passage somewhere among six others that don't mention its subject.

# %%
# NBVAL_CHECK_OUTPUT
long = lab.long_passages(task, "test")
for stride in (0, 8, LENGTH // 4):
    windows = encode(long, tokenizer, max_length=LENGTH, stride=stride)["long"]
    whole = len(set(windows.row_of[windows.labels[:, 0] > 0]))
    print(f"stride {stride:>2}: {len(windows)} windows, {whole} of {len(long.rows['long'])} answers whole in one of them")

# %% [markdown]
# A window without the whole answer is labelled with its first token: "not here". At prediction, windows are compared by **probability**, each with its own softmax. Raw logits would not do: a window that is sure of "not here" may still have large logits elsewhere (exercise 7).
#
# **Predict.** Every answer is whole in some window now. Will exact match be what it was on the short passages?

# %%
reading = {
    "passage alone": data["test"].select(np.flatnonzero(data["test"].row_of < lab.LONG_QUESTIONS)),
    "first window": lab.first_windows(windows),
    "all windows": windows,
    "right windows": lab.right_windows(windows),
}
exact = {name: evaluate(model, rows, metric=metric)["exact_match"] for name, rows in reading.items()}
figures.bars(
    list(exact), list(exact.values()), title="The same questions, with six other passages around",
    x_label="what is read", y_label="exact match",
)

# %% [markdown]
# It is more than 30 points lower (claim `11-far-away`). No answer is lost at an edge. But the model has never seen a passage full of other subjects, nor a window without the answer, so it takes the best candidate in sight. The remedy is to train on what you will read: each training passage among three others, in windows.

# %%
joined = lab.long_passages(task, "train", questions=QUESTIONS, others=lab.JOINED)
pieces = encode(joined, tokenizer, max_length=LENGTH)["long"]
print(f"{len(pieces)} windows, {(pieces.labels[:, 0] == 0).mean():.0%} of them without the answer")
far = copy.deepcopy(model)
_ = train(far, pieces, replace(config, epochs=lab.MORE_EPOCHS))

# %%
after = {name: evaluate(far, rows, metric=metric)["exact_match"] for name, rows in reading.items()}
pd.DataFrame({"before": exact, "after training on joined passages": after}).round(2)

# %% [markdown]
# That gains more than five points on long passages (claim `11-joined`). All windows together now beat the first alone, by more than two points (claim `11-windows`). The last row shows what is still missing: given only the windows that hold the answer, the model would be more than ten points better (claim `11-right-window`). So a good part of the loss lies in choosing the *window*; large systems give that to a model of its own, a retriever. The rest is reading: other subjects stand in the window, and a passage may be cut.
#
# ## 8 · No answer
#
# Real questions often have no answer in the passage at hand. [SQuAD 2.0](https://arxiv.org/abs/1806.03822) added such questions, and asks the model to say nothing. Our rows all have an answer, so we make some that don't: from a third of them we cut the sentence that holds the answer, or give the question a passage with none of its names. The lists of answers become empty.

# %%
mixed = lab.with_no_answer(task)
rows = encode(mixed, tokenizer, max_length=LENGTH)
print("may a row have no answer?", metric_for(mixed).no_answer)  # so it is scored, too
how = {split: pd.Series(of["no_answer"][:]).replace("", "has an answer") for split, of in mixed.rows.items()}
pd.DataFrame({split: ways.value_counts() for split, ways in how.items()})

# %% [markdown]
# The first token, where a window says "not here", now says "no answer". For each question there are two numbers: the log-probability of the best span, and that of the first token. Their difference is the **margin**; the model answers where it is at least a threshold. Choose the threshold on validation rows and apply it to the test rows: it depends on how many questions have no answer, and on what a wrong answer costs you.
#
# The model of section 7 has seen windows without their answer, the one of section 3 never has.
#
# **Predict.** What is exact match on these rows for a model that never answers?

# %%
judged = {split: lab.judged(mixed, rows[split], predict_logits(far, rows[split])) for split in ("validation", "test")}
threshold = lab.best_threshold(**judged["validation"])
steps = np.linspace(*np.quantile(judged["validation"]["margins"], [0.01, 0.99]), 60)
lines = {split: [lab.threshold_scores(**one, threshold=t) for t in steps] for split, one in judged.items()}
by_threshold(steps, lines, threshold, title="Too eager on the left, too shy on the right")

# %%
always = lab.judged(mixed, rows["test"], predict_logits(model, rows["test"]))
print(f"section 3, always answers: {lab.threshold_scores(**always, threshold=-np.inf):.2f}")
for name, t in (("always answers", -np.inf), ("threshold 0", 0.0), ("chosen", threshold), ("never answers", np.inf)):
    print(f"section 7, {name:>14}: {lab.threshold_scores(**judged['test'], threshold=t):.2f}")

# %% [markdown]
# Refusing below the chosen threshold gains more than eight points over the first model, which always answers (claim `11-refusing`). Which questions does it still answer though it should not?
#
# **Predict.** Is it harder to refuse where the sentence was cut out, and the subject and its distractors are still there? Or where the passage is another, and not even the name is in it?

# %%
answered = pd.Series(judged["test"]["margins"] >= threshold)
answered.groupby(how["test"]).mean().round(2).rename("share answered")

# %% [markdown]
# Read the shares from the output: neither kind is refused reliably. A passage about something else may hold a candidate of the right type in a sentence of the right kind, and then nothing but the name speaks against it. To go further, train on `rows["train"]` as well, as SQuAD 2.0 does, and see what it costs on the questions that do have an answer.
#
# ## 9 · Ask your own
#
# Write a passage and a question. Try a passage with two people in it, and ask for each of them in words that the passage does not use. Then ask for something that it does not say, and let the model refuse or not.

# %%
def told(passage, question, may_refuse):
    """The passage with the answer marked, or the refusal."""
    [answer] = predict_answers(
        far, tokenizer, question, passage, longest=10, no_answer=may_refuse, max_length=LENGTH
    )
    said = f"{answer.text or '(no answer)'} · probability {answer.score:.2f}"
    return rows_of({"passage": answer_marked(passage, (answer.start, answer.end), (0, 0)), "answer": said})


example = task.rows["validation"][1]
ask_marked(told, {"Passage": example[task.text], "Question": example["question"]}, {"may_refuse": [False, True]})

# %% [markdown]
# ## Check your understanding
#
# 1. Exact match is .40 and F1 is .75. What do you look at first?
# 2. Why can a span head give an answer that no training row had?
# 3. Your passages have 2,000 tokens and the model reads 512. What does a stride of 0 cost, and what does a stride of 400 cost?
# 4. You choose the threshold on the test rows, since there are more of them. What is wrong with the score that you quote?
#
# *Answers.* 1: the ends of the spans, beginning with the labels: decode a few. 2: it scores positions, not words; nothing in it is a list of answers. 3: with 0, answers across an edge are lost; with 400 none is, but each window moves on by little, and most tokens are read several times. 4: the threshold has seen the answers, so the score flatters.
#
# The exercises to this lesson answer back: open `exercises/11_question_answering.ipynb`.
#
# ## Recap
#
# - The answer is two positions. Prove that labels lead back to their answers before you train.
# - Choose the best pair, not the best ends. Compare windows by probability.
# - Exact match far below F1 points at the ends; errors of the right type point at the matching.
# - Train on passages like those you will read. Let the model refuse, with a threshold from validation rows.
#
# **Next:** 12, translation: the model writes its answer, word by word.
