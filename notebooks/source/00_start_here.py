# %% [markdown]
# # 00 · Start here
#
# Run the next four cells, one after the other, with Shift+Enter. The first is for Colab only. The second loads a small language model that has read a great deal of text from an invented town and has never been told what praise is. The third shows it 128 labelled sentences. The fourth asks it about sentences of *yours*.
#
# **You will be able to**
#
# - fine-tune a pre-trained model and ask it about text of your own;
# - say what pre-training contributed, and measure it;
# - recognise text that a model cannot judge, although it answers;
# - find your way in this course: its exercises, its scales, its map.
#
# *About 15 minutes. The code runs in half a minute on two CPU cores. You need Python, and an idea of what a gradient is.*

# %%
from course_utils import chosen, current_scale, encode, load_model, load_task, load_tokenizer, time_on_t4

print(current_scale(), time_on_t4("00"))
MODEL = chosen("model", "mini-encoder")  # the encoder that comes with the course
task = load_task(chosen("data", "sentiment"), train_rows=128, seed=0)
tokenizer = load_tokenizer(MODEL)
data = encode(task, tokenizer)  # text → numbers, once
model = load_model(MODEL, task, seed=0)

# %%
from course_utils import TrainConfig, train

RATE = 1e-3 if model.num_parameters() < 5_000_000 else 5e-5  # a large model wants smaller steps
config = TrainConfig(epochs=10, batch_size=16, learning_rate=RATE, warmup_share=0.1, seed=0)
history = train(model, data["train"], config)
history

# %%
from course_utils import predict_labels

mine = [
    "The soup was delicious and the waiter polite.",
    "The soup was watery and the waiter rude.",
    "My aunt says the seats were filthy.",  # put your own sentences here
]
predict_labels(model, tokenizer, mine).round(2)

# %% [markdown]
# That was fine-tuning: start from a model that knows the language, show it a few examples of a task, and change its weights a little. Replace the sentences above by your own and run the cell again. Write about food, inns, plays, concerts or shops, since that is what this town reviews.
#
# ## 1 · What did training change?
#
# These are the sentences it learned from, and what it was told about them.

# %%
for row in task.rows["train"].select(range(5)):
    print(f"{task.label_names[row[task.label]]:>8}  {row[task.text]}")

# %% [markdown]
# **Predict.** Take the model as it was *before* the second cell. It has read the town's text, but no labels. How often will it be right on sentences that it has not seen? There are two classes, equally frequent.

# %%
# NBVAL_CHECK_OUTPUT
from course_utils import evaluate

NEW = "unseen" if "unseen" in data else "test"  # sentences whose opinion words no label has shown
untrained = load_model(MODEL, task, seed=0)
before, after = evaluate(untrained, data[NEW])["accuracy"], evaluate(model, data[NEW])["accuracy"]
print("before:", "near chance" if abs(before - 0.5) < 0.1 else "far from chance")
print("after: ", "better" if after > before + 0.1 else "no better")

# %% [markdown]
# **Explain.** On top of the pre-trained body sits a new *head*: a small layer that turns what the body understood into one number per class. Before training its weights are random, so its answers are too. Whatever the model knew about praise and blame, it could not say.
#
# ## 2 · What did pre-training bring?
#
# The sentences above are a hard test. They come from the split **unseen**: none of their opinion words stands in any labelled sentence. If *filthy* never had a label, how can a model know that it blames?
#
# **Predict.** Here is a twin, built the same way but with random weights: it has read nothing. It gets the same 128 labelled sentences. How well will it do on the words that they never show?

# %%
from course_utils import figures, widgets

scratch = load_model(MODEL, task, from_scratch=True, seed=0)
train(scratch, data["train"], config)
named = {"before training": untrained, "from scratch": scratch, "pre-trained": model}


def compare(split):
    """Accuracy of the three models on one split."""
    accuracies = [evaluate(candidate, data[split])["accuracy"] for candidate in named.values()]
    return figures.bars(
        list(named), accuracies, title=f"The same 128 labels; split: {split}",
        x_label="model", y_label="accuracy", chance=1 / len(task.label_names),
    ).update_yaxes(range=[0, 1.05])  # fmt: skip


widgets.explore(compare, split=[NEW, "train"] if NEW == "test" else [NEW, "test", "train"])

# %% [markdown]
# Switch to **train**: to know 128 sentences by heart is one thing, to use them elsewhere another. Over several seeds, the pre-trained model is more than 15 points above its twin on unseen words (claim `06-sentiment-128`).
#
# **Explain.** A review in this town has one mood, so words of one mood keep each other's company. Whoever reads much unlabelled text notices which words go together. The labels then only have to say what the two groups are called. Lesson 03 shows how such reading works, and lesson 06 draws the whole curve.
#
# ## 3 · Type a sentence
#
# **Predict.** Find out how far its understanding goes. Does *not rude* count as praise? What if a sentence praises the cake and blames the waiter? Decide on an answer before you press the button.

# %%
import torch


def ask(sentence):
    """The probability that the model gives to each label."""
    inputs = tokenizer(sentence, return_tensors="pt", truncation=True).to(model.device)
    with torch.inference_mode():
        probabilities = model(**inputs).logits.softmax(-1)[0].tolist()  # one per label
    return figures.bars(
        task.label_names, probabilities, title=f"“{sentence}”", x_label="label", y_label="probability"
    ).update_yaxes(range=[0, 1.1])


widgets.ask_text(ask, "The waiter was not rude.")

# %% [markdown]
# Without widgets the same thing is a call: `ask("The waiter was not rude.")`.
#
# **Explain.** The probability is the model's own opinion of its answer, and fine-tuned models tend to think highly of themselves. Lesson 14 measures how far it can be trusted. The next section shows that sometimes it can't.
#
# ## 4 · An honest failure
#
# The model has read about one small town and nothing else. Here are sentences from elsewhere, each with its true label.
#
# **Predict.** The town has no phones and no parcels. Will the model be unsure? Will it be right?

# %%
elsewhere = {
    "The app crashes every time I open it.": "negative",
    "The update bricked my phone.": "negative",
    "Total scam, I want a refund.": "negative",
    "Fast shipping, works flawlessly.": "positive",
    "Best purchase of the year!": "positive",
    "This laptop is awesome.": "positive",
}
guesses = predict_labels(model, tokenizer, list(elsewhere)).round(2)
guesses.assign(true=list(elsewhere.values()))

# %% [markdown]
# Nothing warns you: ask for a label and a probability, and you get both, right or wrong. To see what went wrong, look at what the model was given. Its vocabulary holds the frequent words of the town; any other word is cut into **pieces**, and a piece that continues a word is written with `##`.

# %%
# NBVAL_CHECK_OUTPUT
for sentence in [mine[0], *list(elsewhere)[:3]]:
    print(" ".join(tokenizer.tokenize(sentence)))

# %% [markdown]
# **Explain.** *Delicious* is one token, which the model has met again and again. *Scam* is a handful of letters without a meaning, and the label comes from whatever else stands there. The remedy is not more labels of the town: it is a model that has read about phones. Section 6 says how to run this notebook with one. Then come back to this cell and compare.
#
# What the model did read is the **mini world**: an invented town whose reviews, newspaper, almanac, index cards and bilingual notices are written by a grammar. It is small enough for a laptop to pre-train on, and since its grammar is known, so is every right answer. Here is one document of each kind.

# %%
# NBVAL_CHECK_OUTPUT
from itertools import islice
from textwrap import shorten

from course_utils.world.corpus import documents

kinds = {document.kind: document.text for document in islice(documents(seed=1), 60)}
for kind, text in kinds.items():
    print(f"{kind:>9} |", " / ".join(shorten(line, 90, placeholder=" …") for line in text.splitlines()))

# %% [markdown]
# ## 5 · Watch it learn, and stop it
#
# The **learning rate** is how far each step moves the weights. Start a run, watch the loss, press Stop whenever you have seen enough. The run goes on in the background, so the notebook stays usable.
#
# **Predict.** What will the curve look like at the lowest rate, and what at the highest?

# %%
from course_utils import training_steps


def run(learning_rate):
    """The records of one run of a fresh model, for the widget to draw."""
    settings = TrainConfig(epochs=20, batch_size=16, learning_rate=learning_rate, warmup_share=0.1)
    fresh = load_model(MODEL, task, seed=0)
    return training_steps(fresh, data["train"], settings, validation=data["validation"])


rates = [RATE * factor for factor in (0.01, 0.1, 0.3, 1, 3, 10, 100)]
widgets.LiveTraining(run, {"learning_rate": rates}, values={"learning_rate": RATE}, title="Fine-tuning, live")

# %% [markdown]
# **Explain.** Too low, and the loss creeps. Too high, and what the model had read is washed out: it may still learn its sentences by heart, but on unseen words it loses many points (claim `06-rate-too-high`). A loss near $\log 2 \approx 0.69$ is what guessing between two classes costs. At every rate, look at the gap between the line (the labelled sentences) and the markers (others). That gap is most of what this course is about.
#
# ## 6 · How this course works
#
# **Predict, run, explain.** Before a cell that matters, a lesson asks you to predict. Say your answer aloud or write it down; then run the cell. Being surprised is how this course teaches.
#
# **Claims.** No result is typed into a lesson. A cell prints it, or the sentence names a *claim*, as section 2 does. Each claim is an experiment over several seeds that the test suite repeats. You find them in `course_utils/experiments/`.
#
# **Exercises answer back.** Here is one with a usual mistake in it. Run the cell, read the answer, repair the function, run it again.

# %%
# NBVAL_CHECK_OUTPUT
from course_utils import check


def accuracy(guesses, answers):
    """The share of guesses that are right, between 0 and 1."""
    return sum(guess == answer for guess, answer in zip(guesses, answers, strict=True))


check("00.1", accuracy)

# %% [markdown]
# A check says what it saw, what usually leads there, and what to try next. `hint("00.1")` gives one hint more each time you ask. The file `solutions/00_start_here.ipynb` has the answers. What you solve is remembered on this machine and nowhere else; `course progress` in a terminal shows it, or this cell:

# %%
from course_utils.checks import progress

print(progress.table())

# %% [markdown]
# **Three scales.** The course runs whole on the mini world, offline. The same notebooks run on real models and data, and on your own. Set a variable before you start Jupyter:
#
# - `COURSE_SCALE=hub` takes models and data sets from the Hugging Face Hub. It needs a network, and a GPU makes it pleasant. In Colab with a GPU it is the default.
# - `COURSE_MODEL=…` takes another model: a name of the course such as `distilbert`, a folder, or an id on the Hub.
# - `COURSE_DATA=…` takes your own rows: a CSV, JSON, JSONL or Parquet file. `course check FILE` says first whether it can be learned from.
#
# Every lesson prints its scale at the top, with the reason. If anything seems wrong, ask the doctor: `course doctor` in a terminal, or here.

# %%
from course_utils.doctor import examine

for line in examine(offline=True):  # offline: don't ask whether the Hub answers
    print(line)

# %% [markdown]
# **The map.** Lessons 01 to 04 open the model: tokens, the Transformer, pre-training, and how to choose among models. Lessons 05 to 08 adapt it: features, full and partial fine-tuning, settings. Lessons 09 to 12 are tasks: topics and spam, names, questions, translation. Lessons 13 to 15 go on to little data, fairness and scale, and 16 is your own task. Not all are written yet. These are here:

# %%
from course_utils.authoring import find_root, find_targets, title

for target in find_targets(find_root()):
    if target.variant == "lesson":
        print(f"{title(target):<28} notebooks/{target.path.name}")

# %% [markdown]
# ## Check your understanding
#
# 1. A model from scratch can learn 128 sentences by heart. Why does that not help it with unseen words?
# 2. A model gives .98 to *positive*. What would you like to know before you believe it?
# 3. The laptop sentence went through the model without an error. What could you check, before asking the model, to notice that it is out of its depth?
#
# Two short exercises wait in [exercises/00_start_here.ipynb](../exercises/00_start_here.ipynb).
#
# ## Where to get help
#
# - An error of the course is one sentence that ends with what to do. `course doctor` finds what the machine lacks.
# - Stuck in an exercise: `check(…)`, then `hint(…)`, then the notebook in `solutions/`.
# - What a function takes: put `?` behind its name, as in `train?`, and run the cell. `README.md` and `ARCHITECTURE.md` say what is where.
# - Something is wrong with the course: open an issue, with the output of `course doctor`.
#
# ## Recap
#
# - Fine-tuning starts from a model that knows the language, and needs few labels.
# - What it learned while reading serves words that no label shows.
# - It answers anything, also what it cannot know. Look at its tokens.
#
# **Next:** [05, feature extraction](05_feature_extraction.ipynb): what does a model know before it is trained for anything?
