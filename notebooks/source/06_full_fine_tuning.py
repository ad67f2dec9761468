# %% [markdown]
# # 06 · Full fine-tuning
#
# A pre-trained encoder has read a lot of text and been told nothing about it. In this lesson you show it a few hundred labelled sentences, change **all** of its weights a little, and get a classifier of opinions.
#
# **You will be able to**
#
# - write the training loop of a Transformer from an empty cell, and say what each line is for;
# - evaluate it on the right rows, and say which number you may quote;
# - read a learning curve, and decide whether more labels would help;
# - recognise a learning rate that is too high by its curve.
#
# *About 40 minutes. The code runs in under a minute on two CPU cores. Helpful before: lesson 05, feature extraction.*

# %%
import torch

from course_utils import (
    TrainConfig,
    chosen,
    current_scale,
    encode,
    evaluate,
    experiments,
    figures,
    load_model,
    load_task,
    load_tokenizer,
    time_on_t4,
    train,
    training_steps,
    widgets,
)
from course_utils.batching import batch_order

print(current_scale(), time_on_t4("06"))
MODEL = chosen("model", "mini-encoder")  # a name of the course, a folder, or a repo id on the Hub
DATA = chosen("data", "sentiment")
LABELS = int(chosen("rows", "512"))

# %% [markdown]
# ## 1 · What the model is asked
#
# The task is sentiment: a sentence from a review goes in, *negative* or *positive* comes out. We take a few hundred labelled rows to learn from.

# %%
task = load_task(DATA, train_rows=LABELS, seed=0)
for row in task.rows["train"].select(range(5)):
    print(f"{task.label_names[row[task.label]]:>8}  {row[task.text]}")
{split: rows.num_rows for split, rows in task.rows.items()}

# %% [markdown]
# Every split has its job. You **train** on one, compare settings on **validation**, and quote **test** once, at the end. The mini world adds **unseen**, whose sentences use only opinion words that no labelled row contains: a model that does well there did not learn those words from your labels.
#
# **Predict.** The model below has been pre-trained and has a fresh classification head. Before any fine-tuning, what accuracy do you expect on two balanced classes?

# %%
# NBVAL_CHECK_OUTPUT
tokenizer = load_tokenizer(MODEL)
model = load_model(MODEL, task, seed=0)
data = encode(task, tokenizer)
before = evaluate(model, data["validation"])
print("near chance" if abs(before["accuracy"] - 0.5) < 0.15 else "far from chance")

# %%
print(f"accuracy {before['accuracy']:.2f}, loss {before['loss']:.2f}; guessing gives 0.50 and log 2 = 0.69")

# %% [markdown]
# The body knows a great deal; the head is random, so its answers are too. Fine-tuning trains both together.
#
# ## 2 · One step by hand
#
# A batch is a table of token ids, padded to its longest row. The mask tells the model which ids are padding. `[CLS]` and `[SEP]` are special tokens that the tokenizer puts around every text, as it did in pre-training.

# %%
batch = data["train"].batch([0, 1, 2, 3])
print({name: tuple(tensor.shape) for name, tensor in batch.items()})
print(tokenizer.decode(batch["input_ids"][0]))

# %% [markdown]
# The model gives one **logit** per class. Cross-entropy turns logits and the right answers into a single number, the **loss**: minus the log of the probability that the model gave to the right class.

# %%
# NBVAL_CHECK_OUTPUT
labels = batch.pop("labels")  # (batch,)
logits = model(**batch).logits  # (batch, classes)
loss = torch.nn.functional.cross_entropy(logits, labels)
by_hand = -logits.log_softmax(-1)[range(4), labels].mean()
print(tuple(logits.shape), torch.allclose(loss, by_hand))

# %% [markdown]
# `backward()` computes, for every weight, which way the loss would go if the weight grew. The **optimizer** then moves every weight a little the other way. That is one *step*. Ours is [AdamW](https://arxiv.org/abs/1711.05101), which gives each weight a step of its own size, from running averages of its gradient.
#
# **Predict.** After one step on these four rows, is the loss on the same four rows lower?

# %%
# NBVAL_CHECK_OUTPUT
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
loss.backward()
optimizer.step()
optimizer.zero_grad()
after = torch.nn.functional.cross_entropy(model(**batch).logits, labels)
print("lower" if after < loss else "not lower")

# %%
print(f"{loss:.3f} → {after:.3f}")

# %% [markdown]
# ## 3 · The loop, from an empty cell
#
# Everything else is repetition. A pass over all training rows is an **epoch**; `batch_order` shuffles the rows anew for each, and puts rows of like length together to save padding. The **learning rate** rises over the first steps (*warm-up*, while the optimizer's averages are still poor) and then falls towards zero, so that the last steps settle. **Clipping** shortens a gradient longer than 1, so that one odd batch cannot throw the weights far.
#
# Read the lines of the inner loop aloud: rate, batch, forward, loss, backward, clip, step, zero. They are the same in every training program you will meet.

# %%
is_mini = model.num_parameters() < 5_000_000
EPOCHS, BATCH, PEAK = (6, 32, 5e-4) if is_mini else (3, 16, 5e-5)  # a large model wants smaller steps


def learning_rate(step, steps, warmup):
    """Linear up to the peak over `warmup` steps, then linear down towards zero."""
    if step <= warmup:
        return PEAK * step / warmup
    return PEAK * (steps + 1 - step) / (steps + 1 - warmup)


# %%
def my_training_loop(model, data, seed=0):
    """Fine-tune all weights; return the loss of every step."""
    orders = [batch_order(data.lengths, batch_size=BATCH, seed=seed, epoch=e) for e in range(EPOCHS)]
    steps = sum(len(order) for order in orders)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.0)
    losses = []
    model.train()
    for indices in (batch for order in orders for batch in order):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(len(losses) + 1, steps, warmup=round(0.1 * steps))
        batch = data.batch(indices)
        labels = batch.pop("labels")
        loss = torch.nn.functional.cross_entropy(model(**batch).logits, labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


# %%
model = load_model(MODEL, task, seed=0, dropout=0.0)
my_losses = my_training_loop(model, data["train"])
print(f"{len(my_losses)} steps, loss {my_losses[0]:.2f} → {my_losses[-1]:.2f}")

# %% [markdown]
# The package's loop does the same, and adds what you would soon miss: a progress bar, mixed precision and several devices where there are any, evaluation, early stopping, the best weights kept. Its heart fits on one screen: open `course_utils/training.py` and read `training_steps`.
#
# The same settings must give the same losses, number by number (dropout is off in both, because it is random). If they don't, one of the two loops has a bug.

# %%
# NBVAL_CHECK_OUTPUT
config = TrainConfig(
    epochs=EPOCHS, batch_size=BATCH, learning_rate=PEAK, warmup_share=0.1, weight_decay=0.0, seed=0
)
model = load_model(MODEL, task, seed=0, dropout=0.0)
history = train(model, data["train"], config, validation=data["validation"], progress=False)
difference = max(abs(a - b) for a, b in zip(my_losses, history.frame["loss"], strict=True))
print("the same losses" if difference < 1e-4 else f"they differ by up to {difference:.1g}")

# %%
figures.loss_curves({"full fine-tuning": history.frame}, title="Training loss goes on falling, validation loss does not", smooth=4)

# %% [markdown]
# Find where the validation loss stops falling while the training loss (averaged over four steps) goes on. From there on, more steps mostly teach the model these rows.
#
# ## 4 · Evaluation done right
#
# **Predict.** Order these four accuracies from high to low: train, validation, test, unseen words.

# %%
scores = {split: evaluate(model, rows)["accuracy"] for split, rows in data.items()}
figures.bars(
    list(scores), list(scores.values()), title="One model, one score per split",
    x_label="split", y_label="accuracy", chance=1 / len(task.label_names),
)

# %% [markdown]
# - **train** flatters: the model has seen these answers.
# - **validation** flatters as soon as you choose by it: the number of epochs, a learning rate, a seed. You see it over many choices, not in one; with some five hundred rows a score wobbles by three points anyway, and test may well come out higher.
# - **test** is the number to quote, if you look once.
# - **unseen** asks a harder question, one that real life asks too: what about words that my labels don't cover?
#
# An average hides *which* rows are wrong. Look at them before you change anything.

# %%
from course_utils.prediction import predict_labels

held_out = task.rows["unseen" if "unseen" in task.rows else "validation"]
guesses = predict_labels(model, tokenizer, held_out[task.text][:200])
guesses["true"] = [task.label_names[i] for i in held_out[task.label][:200]]
wrong = guesses[guesses["label"] != guesses["true"]].sort_values("probability", ascending=False)
for row in wrong.head(8).itertuples():
    print(f"{row.probability:.2f} {row.label:>8}, is {row.true:>8}: {row.text}")

# %% [markdown]
# These are the errors that the model is surest of. Look for a pattern before you read on.
#
# Most contain a negation, a doubt or a second clause that disagrees with the first: "hardly", "neither", "although". The words themselves are understood. So more opinion words would not help here; more labelled negations might.

# %% [markdown]
# ## 5 · How many labels do you need?
#
# Labels cost money; unlabelled text is nearly free. So the question that decides a project is not "how good is it?" but "how good is it **with n labels**?" A learning curve answers it: the score against the number of labelled rows, everything else fixed.
#
# Below are five ways to use the same network. *Scratch* starts from random weights. *Features* freezes the encoder and trains the head. *Last layer* and *full* train more of it; *LoRA* adds small trainable matrices to frozen ones (lesson 07). Each point is the mean of five runs, with other rows and another seed; the band reaches from the worst to the best.
#
# **Predict.** On unseen words, what will *scratch* reach with 1,024 labels?

# %%
curves = experiments.results("sentiment")
widgets.explore(
    lambda split: figures.learning_curves(
        curves[curves["split"] == split], x="labels", y="score", by="method", chance=0.5,
        title=f"Sentiment, {split} split", x_label="labelled rows", y_label="accuracy",
    ),
    split=["unseen", "test"],
)

# %% [markdown]
# On average over seeds and on unseen words, full fine-tuning is more than 15 points above scratch with 128 labels (claim `06-sentiment-128`), and more than 25 with 512 (claim `06-sentiment-512`). Scratch stays close to chance (claim `06-scratch-stays-at-chance`): it cannot know a word that it never met with a label. The pre-trained model has met it, in text that nobody labelled.
#
# A *claim* is a sentence that the course's own test suite measures over several seeds. The curves come from a results file; `course measure sentiment` makes it anew. One seed of one point you can check here and now. It may lie well off the mean: that is why a curve needs a band. Few rows allow more passes and smaller batches.

# %%
few = load_task(DATA, train_rows=128, seed=0)
rows = encode(few, tokenizer)
for name, scratch in (("scratch", True), ("pre-trained", False)):
    candidate = load_model(MODEL, few, from_scratch=scratch, seed=0)
    train(candidate, rows["train"], TrainConfig(epochs=10, batch_size=16, learning_rate=2 * PEAK, seed=0))
    reached = {split: evaluate(candidate, rows[split])["accuracy"] for split in rows if split != "train"}
    print(f"{name:>12}: " + ", ".join(f"{split} {value:.2f}" for split, value in reached.items()))

# %% [markdown]
# ## 6 · An honest failure
#
# The commonest way to ruin a pre-trained model is a learning rate that is too high: the first steps wash out what pre-training put in.
#
# **Predict.** The same run at fifty times the rate. What will the training loss look like? And the accuracy, on the test split and on unseen words?

# %%
too_high = TrainConfig(epochs=EPOCHS, batch_size=BATCH, learning_rate=50 * PEAK, weight_decay=0.0, keep_best=False)
ruined = load_model(MODEL, task, seed=0, dropout=0.0)
ruin = train(ruined, data["train"], too_high, validation=data["validation"])
figures.loss_curves(
    {"sensible rate": history.frame, "fifty times that": ruin.frame}, title="A rate that is too high", smooth=4
)

# %%
for name, candidate in (("sensible rate", model), ("fifty times that", ruined)):
    reached = {split: evaluate(candidate, data[split])["accuracy"] for split in data if split != "validation"}
    print(f"{name:>16}: " + ", ".join(f"{split} {value:.2f}" for split, value in reached.items()))

# %% [markdown]
# No error, no warning, and the training loss falls all the same: the labelled rows are learned by heart. What is gone is what pre-training knew, so the damage is greatest where labels cannot help: on unseen words the score drops by more than ten points (claim `06-rate-too-high`). Watch the validation loss, not the training loss; a loss of $\log 2 \approx 0.69$ on two balanced classes is no better than guessing.
#
# ## 7 · Your turn at the knobs
#
# Choose a rate and a number of labels, press **Start**, watch; press **Stop** when you have seen enough. Try to find the highest rate that still works. The run goes on in the background, so the notebook stays usable.

# %%
def run(learning_rate, labels):
    """The records of one run, for the widget to draw."""
    few = data["train"].select(range(min(labels, len(data["train"]))))
    config = TrainConfig(epochs=10, batch_size=16, learning_rate=learning_rate)
    return training_steps(load_model(MODEL, task, seed=0), few, config, validation=data["validation"])


widgets.LiveTraining(
    run,
    {"learning_rate": [1e-5, 1e-4, 5e-4, 2e-3, 1e-2, 5e-2], "labels": [32, 64, 128, 256, 512]},
    values={"learning_rate": 5e-4, "labels": 128},
    title="Full fine-tuning, live",
)

# %% [markdown]
# ## Check your understanding
#
# 1. Why does the loop call `optimizer.zero_grad()`, and what would you see if you forgot it?
# 2. Your validation accuracy is .91 after trying forty settings; test says .86. What happened?
# 3. Two runs differ by one point of accuracy and only in their seed. What may you conclude about two *settings* that differ by one point?
#
# *Answers.* 1: gradients would add up over steps, the clipped steps would follow old batches, and the loss would fall slowly or not at all. 2: you chose the luckiest of forty on validation; nothing is wrong but the number that you hoped to quote. 3: nothing yet; compare means over seeds.
#
# The exercises to this lesson answer back: open `exercises/06_full_fine_tuning.ipynb`.
#
# ## Recap
#
# - Fine-tuning is ordinary training that starts from good weights and takes small steps.
# - One step: rate, batch, forward, loss, backward, clip, step, zero.
# - Quote a test score once; show a band over seeds; look at the errors.
# - A pre-trained model knows words that your labels never show.
#
# **Next:** 07, partial fine-tuning: what if you train only some of the weights?
