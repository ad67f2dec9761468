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
# - let a model refuse, by a threshold that you choose on validation rows;
# - sort its errors by kind, and tell a weak model from a bug in the labels.
#
# *About 50 minutes. The code runs in about a minute on one CPU core. Helpful before: lessons 06 and 10.*

# %%
import copy
from dataclasses import replace
from html import escape

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
    predict_logits,
    time_on_t4,
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

print(current_scale(), time_on_t4("11"))
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
# Most passages are about one subject and have two or three things *of the same type* in them: two people, three numbers. Each is a **candidate**; those that are not the answer are called **distractors**. A model that has only learned "who means a person" cannot choose between them.
#
# Before any Transformer, a baseline: take the sentence that shares most words with the question, and from it the longest run of words that the question does not have. How good an answer is, two scores say: *exact match* counts those that are right to the last word, *F1* gives a part of a point for some of the words (section 4).
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
# Words alone lead almost nowhere here: the baseline answers fewer than one test question in twenty exactly (claim `11-baseline`). What the sentences share with the question is the name of the subject, and so they all look alike: for fewer than half of the questions it takes the sentence with the answer (claim `11-right-sentence`). From that it takes the longest run of words, and few answers are that long.
#
# ## 2 · From characters to tokens
#
# The model reads question and passage as one row of tokens. A fast tokenizer says for every token which characters it stands for: from which to which (the tokenizers library calls that *offsets*). The label is a pair of token numbers: the first and the last token of the answer, counted from the start of the row.

# %%
tokenizer = load_tokenizer(MODEL)
longest_question = max(map(len, tokenizer(task.rows["train"]["question"][:])["input_ids"]))
LENGTH = lab.WINDOW if longest_question < 40 else 384  # most tokens of a row: the question, and room for a passage
data = encode(task, tokenizer, max_length=LENGTH)
first_token, last_token = data["train"].labels[0]
ids = data["train"].input_ids[: data["train"].lengths[0]]
print(tokenizer.decode(ids))
print(f"answer: tokens {first_token} to {last_token}: {tokenizer.convert_ids_to_tokens(ids[first_token : last_token + 1])}")

# %% [markdown]
# Positions are where this task goes wrong without any error: counted in bytes, in words, or in the passage instead of the row; with the end included or not. So prove that the way back gives the answer. Do this for **every** row, before training. And count the rows: a label of 0 says that the answer is not in this row (section 7), so a row whose answer was not found is no error either.

# %%
# NBVAL_CHECK_OUTPUT
def answers_from_labels(rows):
    """For each row, what its label points at, and what it should point at."""
    # All tokens lie end to end: `spans` has the characters of each, `offsets` says where a row begins.
    for row, (first, last), begin in zip(rows.row_of, rows.labels, rows.offsets, strict=False):
        start, end = rows.spans[begin + first][0], rows.spans[begin + last][1]
        original = rows.rows[int(row)]
        # A token may begin with the space before its word, hence strip().
        yield original[task.text][start:end].strip(), original[task.label]["text"][0]


labelled = data["train"].select(np.flatnonzero(data["train"].labels[:, 0]))  # rows that hold their answer
pairs = list(answers_from_labels(labelled))
print(len(set(labelled.row_of)), "of", len(task.rows["train"]), "questions have a label")
print(sum(found == wanted for found, wanted in pairs), "of", len(pairs), "labels point at their answer")

# %% [markdown]
# ## 3 · Two logits a token
#
# The head is one small matrix: from each token's state it makes two numbers, a logit for "the answer starts here" and one for "it ends here". The loss is a cross-entropy over the *tokens of the row*, once for the start and once for the end. So there is no list of classes, and an answer never seen in training can still be pointed at.

# %%
model = load_model(MODEL, task, seed=0)
is_mini = model.num_parameters() < 5_000_000
EPOCHS, PEAK = (lab.EPOCHS, experiments.runs.ANSWERS_RATE) if is_mini else (2, 3e-5)  # passes, and the learning rate
config = TrainConfig(epochs=EPOCHS, batch_size=16, learning_rate=PEAK, warmup_share=0.1, seed=0)
history = train(model, data["train"], config)
figures.loss_curves({"questions": history.frame}, title="The loss over start and end", smooth=8)

# %%
logits = predict_logits(model, data["test"])  # (tokens of all rows, 2)


def seen(row):
    """The passage of a test row as tokens, and the probability that the answer starts, and ends, at each."""
    # A passage too long for one row takes several (section 7): look at the first of them.
    window = np.flatnonzero(data["test"].row_of == row)[0]
    tokens = slice(data["test"].offsets[window], data["test"].offsets[window + 1])
    inside = data["test"].spans[tokens][:, 0] >= 0
    pieces = tokenizer.convert_ids_to_tokens(data["test"].input_ids[tokens][inside])
    return pieces, *softmax(logits[tokens], axis=0)[inside].T


# %% [markdown]
# A softmax over all tokens of a row turns its logits into two probabilities a token: that the answer starts there, and that it ends there. Where one start is not certain, a second has the rest.
#
# **Predict.** Where will that second start be: at any word, beside the first, or at some other place that you can name?

# %%
explore(lambda row: span_probabilities(*seen(row), title=task.rows["test"][row]["question"]), row=(0, 19, 1))

# %% [markdown]
# Most rows are nearly sure; move the slider to one where the model hesitates. Most second starts worth one chance in twenty stand in another sentence, at a word that looks like the first: a name for a name, a number for a number (claim `11-rivals`). They are distractors.
#
# Start and end are judged apart, so a doubtful model may put the start on one candidate and the end on another. That is why the **pair** must be chosen, and not each end for itself: of all spans that do not end before they start and are not too long, the one whose two probabilities have the largest product.

# %%
explore(
    lambda row, longest: span_scores(*seen(row), longest=longest, title=task.rows["test"][row]["question"]),
    row=(0, 19, 1), longest=[5, 10, 30],
)

# %% [markdown]
# Each cell on the diagonal or above it is one span; below, it would end before it begins. The square marks the best. `answer_spans` of the package searches the same triangle, and takes the tokens back to characters, which is what people want to see. Does it find the score that you find by hand?

# %%
# NBVAL_CHECK_OUTPUT
spans = answer_spans(logits, data["test"], longest=10)
same = 0
for row, span in list(spans.items())[:50]:
    _, first, last = seen(row)
    allowed = np.triu(np.outer(first, last)) - np.triu(np.outer(first, last), k=10)  # at most 10 tokens
    same += bool(np.isclose(allowed.max(), span.score))
print(same, "of 50 best scores are those of the package")

# %% [markdown]
# ## 4 · Two scores, and what is behind them
#
# **Exact match** is the share of questions whose answer is right to the last word. **F1** also gives points for words in common: it is the harmonic mean of two shares, that of the given words which were wanted and that of the wanted words which were given. "in Oslo" for "Oslo" has 1/2 and 1, so F1 is 2/3. Both compare after a normalisation that the [official scorer](https://arxiv.org/abs/1606.05250) lays down: lower case, no punctuation, no articles. Read what that does to some cases before you trust either number.

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
# Read the cases above once more: "Vitamin A" loses its A, which is taken for an article, and curly quotes cost the whole point. The rules are crude, but everyone has the same.
#
# The model is far above the baseline. The split *unseen* has only names and phrasings that no training row has. F1 is only a little higher than exact match: where the model is wrong, it is mostly wrong altogether. Remember that difference; section 6 shows a model for which it is large.
#
# **Predict.** What are the errors: a word too many, another thing from the right sentence, or a candidate from another sentence?

# %%
answers = lab.answer_table(task, data["test"], answer_spans(logits, data["test"]))
answers["group"] = lab.groups(answers, "test")
print(answers["group"].value_counts().to_dict())
pd.crosstab(answers["error"], answers["group"], normalize="columns").round(2)

# %% [markdown]
# Columns add up to 1; a kind that does not occur has no line. *Boundary* means that the answer shares some of its words with the right one. *Type* is told by its look alone: a name, a number, other words.
#
# In the mini world, most passages are about *one subject*: what is asked (who leads it, who founded it) tells which candidate is meant. In a few the same thing is said of *two subjects*, so the name must be matched as well. There exact match is more than 20 points lower (claim `11-two-subjects`), and more than six in ten of the errors are of the right type, from a wrong sentence (claim `11-right-type`): the model knows what it is asked for and guesses whose it is. With rows of your own, the columns are the first words of the questions.
#
# Now go through the errors kind by kind.

# %%
wrong = answers[answers["error"] != "right"]
browse_errors(wrong, lambda row: answer_row(row.question, row.context, row.given_span, row.right_span, row.score))

# %% [markdown]
# ## 5 · What pre-training is worth
#
# Four ways to train, on 1,024 questions and on twice as many; five seeds a point, the band from the worst to the best. *Scratch* starts from random weights, *features* trains a head on the frozen encoder, *last layer* also trains the encoder's last layer, *full* trains everything, as you did in section 3.
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
# With 2,048 questions, full fine-tuning is more than 70 points above scratch on unseen names (claim `11-pretraining-pays`). Switch to *test*, whose names the labels do show, and scratch gets somewhere: what it has learned is about the names that it was shown. Then look at *features*, the line of the frozen encoder. Its head sees one token at a time, so all comparing of question and candidates must have been done before it, by an encoder that nobody has told about questions.
#
# ## 6 · An honest failure: the end is one too far
#
# In Python, the end of a slice is the position *after* the last element. The model wants the last token *itself*. Suppose that you forget this: every label ends one token too late, and nothing else changes.
#
# **Predict.** Will the training loss show it? Will exact match? Will F1?

# %%
too_far = lab.end_too_far(data["train"])
broken = load_model(MODEL, task, seed=0)
ruin = train(broken, too_far, config)  # all as in section 3, but the labels
figures.loss_curves({"right labels": history.frame, "one too far": ruin.frame}, title="Both losses fall", smooth=8)

# %%
for name, candidate in (("right labels", model), ("one too far", broken)):
    score = evaluate(candidate, data["test"], metric=metric)
    print(f"{name:>13}: exact match {score['exact_match']:.2f}, F1 {score['f1']:.2f}")

# %% [markdown]
# The loss falls as it should, because the wrong labels are as regular as the right ones. Both scores are lower, but F1 much less so: the gap between the two is more than ten points wider than with the right labels (claim `11-end-too-far`). Where the extra token is a full stop, the answer even passes, since the scorer deletes punctuation. **A wide gap between the two scores says: look at the ends.** The check of section 2 would have told you before the first step:

# %%
# NBVAL_CHECK_OUTPUT
held = too_far.select(np.flatnonzero(too_far.labels[:, 0])[:100])
pairs = list(answers_from_labels(held))
print(sum(found == wanted for found, wanted in pairs), "of", len(pairs), "labels point at their answer")

# %% [markdown]
# ## 7 · Passages longer than the model can see
#
# An encoder reads a limited number of tokens. A longer passage is cut into **windows**, each a row of its own beside the whole question. If the windows lie edge to edge, an answer across an edge is whole in none of them and can be neither learned nor found. So they overlap, by at least the length of the longest answer. Tokenizers call this overlap *stride*.
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
# Short answers seldom lie across an edge; the output shows what it costs in windows to lose none.
#
# A window without the whole answer is labelled with its first token: "not here". At prediction, windows are compared by **probability**, each with its own softmax. Raw logits would not do: a window that is sure of "not here" may still have large logits elsewhere (exercise 7).
#
# Below, the model of section 3 reads the same questions four ways: each passage alone; of the long one the first window only, as if it were cut; all its windows; and only those that hold the answer, as if somebody pointed at the right place.
#
# **Predict.** Every answer is whole in some window now. Will exact match over all windows be what it was on the passages alone?

# %%
reading = {
    "passage alone": data["test"].select(np.flatnonzero(data["test"].row_of < lab.LONG_QUESTIONS)),
    "first window": lab.first_windows(windows),
    "all windows": windows,
    "windows with the answer": lab.right_windows(windows),
}
exact = {name: evaluate(model, rows, metric=metric)["exact_match"] for name, rows in reading.items()}
figures.bars(
    list(exact), list(exact.values()), title="The same questions, with six other passages around",
    x_label="what is read", y_label="exact match",
)

# %% [markdown]
# It is more than 30 points lower (claim `11-far-away`). No answer is lost at an edge. But the model has never seen a passage full of other subjects, nor a window without the answer, so it takes the best candidate in sight. What helps is to train on what you will read. To save time, we go on from the model of section 3, once over the same questions, each passage among three others and in windows.

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
# Over all windows that gains more than three points (claim `11-joined`): a beginning, no cure. All windows together now beat the first alone, by more than two points (claim `11-windows`). The last row shows what is still missing: given only the windows that hold the answer, the model would be more than ten points better (claim `11-right-window`). So a good part of the loss lies in choosing the *window*; large systems give that to a model of its own, a retriever. The rest is reading: other subjects stand in the window, and a passage may be cut.
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
# A row without an answer counts as right if the model says nothing. We begin with the model of section 7, which has seen windows without their answer.
#
# **Predict.** What is exact match for a model that never answers? And is 0 a good threshold, where a span is exactly as likely as no answer?

# %%
def judged(reader, split):
    """Of each row: the margin, whether the best span is right, and whether there is an answer."""
    return lab.judged(mixed, rows[split], predict_logits(reader, rows[split]))


validation, test = judged(far, "validation"), judged(far, "test")
threshold = lab.best_threshold(**validation)
steps = np.linspace(*np.quantile(validation["margins"], [0.01, 0.99]), 60)
lines = {
    name: [lab.threshold_scores(**one, threshold=t) for t in steps]
    for name, one in (("validation", validation), ("test", test))
}
by_threshold(steps, lines, threshold, title="Too eager on the left, too shy on the right")

# %% [markdown]
# And the model of section 3, which has never seen a row without its answer? **Predict.** Can it learn to refuse, with a threshold and nothing else?

# %%
own = lab.best_threshold(**judged(model, "validation"))
scored = {"section 3": (judged(model, "test"), own), "section 7": (test, threshold)}
refusing = {}
for name, (one, best) in scored.items():
    thresholds = {"always answers": -np.inf, "threshold 0": 0.0, "chosen threshold": best, "never answers": np.inf}
    refusing[name] = {way: lab.threshold_scores(**one, threshold=t) for way, t in thresholds.items()}
print(f"chosen thresholds: {own:.1f} in section 3, {threshold:.1f} in section 7")
pd.DataFrame(refusing).T.round(2)

# %% [markdown]
# Refusing below the chosen threshold gains the model of section 7 more than eight points (claim `11-refusing`), and 0 would have been more than five points worse (claim `11-threshold-zero`). The model of section 3 gains more than five points as well (claim `11-refusing-untrained`), with a threshold far from 0: nobody has told it what its first token means, yet its margins are smaller where there is no answer. So much of the gain comes from the **choice** alone, and a margin says nothing until you have compared it with rows.
#
# Which questions does the model of section 7 still answer though it should not?
#
# **Predict.** Is it harder to refuse where the sentence was cut out, and the subject and its distractors are still there? Or where the passage is another, and not even the name is in it?

# %%
answered = pd.Series(test["margins"] >= threshold)
answered.groupby(how["test"]).mean().round(2).rename("share answered")

# %% [markdown]
# Read the shares from the output: neither kind is refused reliably. A passage about something else may hold a candidate of the right type in a sentence of the right kind, and then nothing but the name speaks against it. To go further, train on `rows["train"]` as well, as SQuAD 2.0 does, and see what it costs on the questions that do have an answer.
#
# ## 9 · Ask your own
#
# Write a passage and a question. Try a passage with two people in it, and ask for each of them in words that the passage does not use. Then ask for something that it does not say, and let the model refuse by the threshold that you chose.

# %%
def told(passage, question, may_refuse):
    """The passage with the answer marked, or the refusal."""
    span, margin = lab.ask(far, tokenizer, task, question, passage, max_length=LENGTH)
    refused = may_refuse and margin < threshold
    found = (0, 0) if refused else (span.start, span.end)
    said = f"{'(no answer)' if refused else passage[slice(*found)]} · margin {margin:.1f}, threshold {threshold:.1f}"
    return rows_of({"passage": answer_marked(passage, found, (0, 0)), "answer": escape(said)})


example = task.rows["validation"][1]
ask_marked(told, {"Passage": example[task.text], "Question": example["question"]}, {"may_refuse": [False, True]})

# %% [markdown]
# ## Check your understanding
#
# 1. Exact match is .40 and F1 is .75. What do you look at first?
# 2. Why can a span head give an answer that no training row had?
# 3. Your passages have 2,000 tokens and the model reads 512. What does a stride of 0 cost, and what does a stride of 400 cost?
# 4. You choose the threshold on the test rows. What is wrong with the score that you quote?
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
# - Train on passages like those you will read. Let the model refuse, by a threshold chosen on validation rows: 0 is no better than another number.
#
# **Next:** 12, translation: the model writes its answer, word by word.
