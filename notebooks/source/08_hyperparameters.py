# %% [markdown]
# # 08 · Hyperparameters
#
# Training finds the weights. What *you* set before it starts are the **hyperparameters**: learning rate, warm-up, batch size, dropout and many more. In this lesson you turn each knob by itself, learn which ones matter here and which do nothing, and let a search turn several at once.
#
# **You will be able to**
#
# - measure how much of a score is luck, before you compare anything;
# - find a learning rate with one short run, and say when that run misleads;
# - tell overfitting from underfitting, and what each remedy does and does not do;
# - run a random and a Bayesian search with a fair budget, stop and resume it, and quote its result honestly.
#
# *About 60 minutes. The code runs in about a minute on two CPU cores. Helpful before: lesson 06, full fine-tuning.*

# %%
import tempfile
from pathlib import Path

import numpy as np
import optuna

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
from course_utils.figures import hyperparameters as pictures
from course_utils.lab import Lab, Settings
from course_utils.runs import learning_rate_at
from course_utils.search import rate_range_test, search, steps_spent, suggested_rate, trials_table

print(current_scale(), time_on_t4("08"))
MODEL = chosen("model", "mini-encoder")  # a name of the course, a folder, or a repo id on the Hub
DATA = chosen("data", "sentiment")
LABELS = int(chosen("rows", "64"))

# %%
tokenizer = load_tokenizer(MODEL)
task = load_task(DATA, train_rows=LABELS, seed=0)
data = encode(task, tokenizer)
few_held_out = data["validation"].select(range(min(LABELS, len(data["validation"]))))
PEAK = 1e-3 if load_model(MODEL, task).num_parameters() < 5_000_000 else 5e-5
print(f"{len(data['train'])} labelled rows, {len(few_held_out)} to choose by, {len(data['test'])} to judge by")

# %% [markdown]
# Two things are on purpose. There are only a few labels: that is where settings matter most. And you choose by as few rows as you train on: whoever has 64 labels does not have 512 more for validation.
#
# ## 1 · First, luck
#
# Two settings differ by three points. Is the better one better? That depends on by how much *one* setting differs from itself.
#
# **Predict.** The same 64 rows, the same settings, four seeds. A seed draws the weights of the head and the order of the batches. How far apart are the best and the worst test accuracy?

# %%
BASE = TrainConfig(epochs=10, batch_size=16, learning_rate=PEAK, warmup_share=0.1, keep_best=False)


def fine_tuned(rows=data["train"], dropout=None, **settings):
    """A model after one run, with `BASE` changed as told."""
    config = TrainConfig(**{**vars(BASE), **settings})
    model = load_model(MODEL, task, seed=config.seed, dropout=dropout)
    history = train(model, rows, config, validation=few_held_out, progress=False)
    return model, history


# %%
models = [fine_tuned(seed=seed)[0] for seed in range(4)]
accuracies = [evaluate(model, data["test"])["accuracy"] for model in models]
print("four seeds:", ", ".join(f"{value:.2f}" for value in accuracies))
print(f"best and worst are {max(accuracies) - min(accuracies):.2f} apart, standard deviation {np.std(accuracies, ddof=1):.3f}")

# %% [markdown]
# Nothing but luck. Which luck? The study behind this lesson drew six sets of 64 rows, and trained on each with the same four seeds. All figures of studies here are from the mini world, and `course measure hyperparameters` makes them anew.

# %%
study = experiments.results("hyperparameters")
luck = study[study["part"] == "luck"].assign(seed=lambda runs: "seed " + runs["seed"].astype(str))
luck["rows"] = "rows " + luck["rows_seed"].astype(int).astype(str)
pictures.every_seed(
    luck, x="rows", y="test", by="seed", chance=0.5, title="Some seeds are lucky on any rows",
    x_label="which 64 rows were labelled", y_label="test accuracy",
)

# %% [markdown]
# The rows matter: some sets of 64 teach more. But look at the colours. Seed 2 is above seed 1 on every set of rows, by more than five points on average (claim `08-a-lucky-seed`). [Dodge et al., 2020](https://arxiv.org/abs/2002.06305) found the same with BERT: some draws of the head are good for several tasks.
#
# When both are drawn anew, the standard deviation is more than three points (claim `08-spread`). Keep that number. From here on, a difference smaller than that, seen once, is nothing. To halve the error of a mean you need four times the seeds.
#
# ## 2 · The learning rate
#
# ### A range test: all rates in one run
#
# You could train once at each rate. [Smith, 2015](https://arxiv.org/abs/1506.01186) needs one run: begin with a tiny rate, multiply it by the same factor at every step, and write down the loss.
#
# **Predict.** Draw the loss against the rate. Where is it flat, where does it fall, where does it rise?

# %%
most = min(512, len(load_task(DATA).rows["train"]))
rows = encode(load_task(DATA, train_rows=most, seed=0), tokenizer)["train"]
model = load_model(MODEL, task, seed=0)
frame = rate_range_test(model, rows, lowest=1e-6, highest=1.0, steps=100, batch_size=16)
pictures.range_test(frame, suggested=suggested_rate(frame), title="Too low, useful, too high")

# %% [markdown]
# On the left the steps are too short to change anything. Then the loss falls. On the right each step jumps over what the last one found, and soon the test gives up. A common rule takes a tenth of the rate at the lowest point ([Gugger, 2018](https://sgugger.github.io/how-do-you-find-a-good-learning-rate.html)): at the lowest point itself, learning has already stopped.
#
# The test has trained the model, and then put everything back:

# %%
# NBVAL_CHECK_OUTPUT
untouched = load_model(MODEL, task, seed=0)
same = all((a == b).all() for a, b in zip(model.parameters(), untouched.parameters(), strict=True))
print("the weights are those of before:", bool(same))
print("the rate grew by the same factor each step:", bool(np.ptp(np.diff(np.log(frame["learning_rate"]))) < 1e-9))

# %% [markdown]
# ### An honest failure
#
# **Predict.** The same test on your few rows. What will be different, when a hundred steps mean many passes over them?

# %%
few = encode(load_task(DATA, train_rows=LABELS, seed=1), tokenizer)["train"]
misled = rate_range_test(load_model(MODEL, task, seed=1), few, lowest=1e-5, highest=1.0)
print(f"{len(misled)} steps of 16 rows are {len(misled) * 16 / len(few):.0f} passes")
pictures.range_test(misled, suggested=suggested_rate(misled), title="The same test on few rows: mostly memory")

# %% [markdown]
# The model knows these rows by heart before the rate is high. From then on the loss is near zero, and so is the gradient: even absurd rates may do no visible damage, and the suggestion is not to be trusted. A range test asks how fast *new* rows are learned. Give it rows that it does not meet a dozen times, or fewer steps.
#
# ### The sweep: all rates, several seeds
#
# The slow way is still the way that counts. Each dot is one run, each line goes through the means over seeds.
#
# **Predict.** How many of these rates can you tell apart?

# %%
rates = study[study["part"] == "rates"].assign(labels=lambda runs: runs["labels"].astype(str) + " labels")
widgets.explore(
    lambda split: pictures.every_seed(
        rates, x="learning_rate", y=split, by="labels",
        title=f"{'Where is it lowest?' if 'loss' in split else 'A wide plateau, and two cliffs'} ({split})",
        x_label="peak learning rate", y_label="loss" if "loss" in split else "accuracy",
    ),
    split=["test", "unseen", "train", "train_loss", "validation_loss"],
)

# %% [markdown]
# With 64 labels, ten times a sensible rate of 1e-3 costs more than ten points (claim `08-rate-too-high`), thirty times leaves you at chance (claim `08-rate-far-too-high`). A tenth costs more than ten points, too (claim `08-rate-too-low`): the run ends while it still learns (look at *train_loss*). Between the cliffs lies a plateau. There, the spread over seeds is larger than the distance between neighbouring rates (claim `08-spread-over-neighbours`): "2e-3 beats 1e-3" would be a sentence about luck.
#
# Switch to *validation_loss*: its mean is lowest at a smaller rate than that of the score is best. A model that knows its rows by heart grows ever surer, also where it is wrong, and the loss counts that. Decide beforehand by which of the two you choose.
#
# With 512 labels the range test's suggestion lies between a tenth of the sweep's best and that best (claim `08-range-test`): the right order of magnitude, for the price of about one run. Change rates in factors of two or three; finer steps drown in the spread.
#
# ## 3 · Warm-up and decay
#
# A **schedule** changes the rate during the run: up over the first steps (*warm-up*), then down (*decay*).

# %%
def rates_of(steps, **settings):
    """The learning rate at each step of a run."""
    config = TrainConfig(max_steps=steps, **settings)
    return np.array([learning_rate_at(config, step, steps) for step in range(1, steps + 1)])


widgets.explore(
    lambda schedule, warmup: figures.schedule(
        rates_of(100, learning_rate=PEAK, schedule=schedule, warmup_share=warmup), title=f"{schedule}, warm-up {warmup}"
    ),
    schedule=["linear", "cosine", "constant"], warmup=[0.1, 0.0, 0.3],
)

# %% [markdown]
# Decay lets the last steps settle. Warm-up is for the first ones. At step 1, Adam divides the gradient by its own size, so every weight moves by the full rate, whatever the gradient; and the random head sends noise down. Small first steps limit the damage.
#
# **Predict.** At a sensible rate, what is a warm-up over 30 % of the steps worth? And at ten times that rate?

# %%
warm = study[study["part"] == "warm-up"].assign(share=lambda runs: "warm-up " + runs["warmup_share"].astype(str))
pictures.every_seed(
    warm, x="learning_rate", y="test", by="share", chance=0.5,
    title="Warm-up saves a rate that is too high, and no other", x_label="peak learning rate", y_label="test accuracy",
)

# %% [markdown]
# At the high rate, a warm-up of 30 % is worth more than twenty points (claim `08-warm-up-saves-a-high-rate`). At the sensible one it scores no more than none (claim `08-warm-up-not-at-a-sensible-rate`). Warm-up does not make good runs better; it makes the plateau wider. That is still worth its price when you don't know where the cliff is, or when a run costs a week.
#
# It is not that warm-up lowers the average rate. You can check:

# %%
# NBVAL_CHECK_OUTPUT
for share in (0.0, 0.1, 0.3):
    each = rates_of(40, learning_rate=1e-2, warmup_share=share)
    print(f"warm-up {share:.1f}: mean rate {np.mean(each):.4f}, at step 1 {each[0]:.4f}")

# %% [markdown]
# ## 4 · Batch size against rate
#
# A larger batch gives a steadier gradient. At the same number of epochs it also gives **fewer steps**.
#
# **Predict.** 128 labels, ten epochs. How many steps at batch sizes 8, 32 and 128? Which one wants the higher rate?

# %%
# NBVAL_CHECK_OUTPUT
for batch_size in (8, 32, 128):
    print(f"batch size {batch_size:>3}: {10 * int(np.ceil(128 / batch_size)):>3} steps")

# %%
batches = study[study["part"] == "batch"].assign(size=lambda runs: "batch of " + runs["batch_size"].astype(int).astype(str))
pictures.every_seed(
    batches, x="learning_rate", y="test", by="size", chance=0.5, title="A larger batch wants a higher rate",
    x_label="peak learning rate", y_label="test accuracy",
)

# %% [markdown]
# At a low rate the batch of 128 is far behind (claim `08-large-batch-at-a-low-rate`): the same passes, a fraction of the steps, each as short. Ten times that rate is worth more than five points to it (claim `08-large-batch-wants-a-higher-rate`). Not all of the gap closes: ten steps are few at any rate. So "batch 8 beats batch 128 at this rate" says nothing about batches: move both knobs, or you compare rates. For Adam, a rate that grows with the square root of the batch is a usual first guess ([Malladi et al., 2022](https://arxiv.org/abs/2205.10287)).
#
# ## 5 · Overfitting on 64 labels
#
# A model **overfits** when it goes on improving on the rows it trains on, and no longer on others. Look at both curves.

# %%
_, plain = fine_tuned(epochs=15)
_, smoothed = fine_tuned(epochs=15, label_smoothing=0.1)
figures.loss_curves(
    {"plain": plain.frame, "label smoothing .1": smoothed.frame}, smooth=4,
    title="Plain: the training loss goes to zero, the validation loss does not",
)

# %% [markdown]
# The gap is there. (With smoothing, the training loss has a floor above zero: exercise 4 shows why.) Now the usual remedies:
#
# - **dropout** sets a share of the activations to zero, at random, during training;
# - **weight decay** pulls every weight towards zero at every step;
# - **label smoothing** asks for a probability a little under 1 for the right class;
# - **early stopping** keeps the weights of the best evaluation;
# - **fewer weights**: train the head alone.
#
# **Predict.** Which of them raises the test accuracy at 64 labels? By more than the spread over seeds?

# %%
changes = study[study["part"] == "changes"]
widgets.explore(
    lambda what: pictures.every_seed(
        changes.assign(gap=changes["train"] - changes["validation"]), x="change", y=what, title=f"One change at a time: {what.replace('_', ' ')}",
        x_label="", y_label=what.replace("_", " "),
    ),
    what=["test", "gap", "validation_loss", "unseen", "train"],
)

# %% [markdown]
# None of them does. This is what was measured, over several seeds:
#
# - Label smoothing lowers the validation *loss* by more than a quarter of a nat (claim `08-smoothing-lowers-the-loss`) and does not raise the score (claim `08-smoothing-not-the-score`). The model is less sure of itself, not more often right. If you use its probabilities, that is a gain.
# - A weight decay of 1, a hundred times the default, changes the score by less than two points (claim `08-weight-decay-does-nothing`).
# - Dropout of .1 does not raise the score (claim `08-little-dropout`); .3 costs more than ten points (claim `08-dropout-costs`): this encoder was pre-trained without any, and *train* shows that it now underfits.
# - The weights of the lowest validation loss do not score higher than the last ones (claim `08-early-stopping`).

# %% [markdown]
# Why does weight decay do nothing? Compute it. Each step multiplies a weight by $1 - \text{rate} \cdot \text{decay}$.
#
# **Predict.** After 40 steps at a peak of 1e-3 with a decay of 1, what is left of a weight that gets no gradient?

# %%
# NBVAL_CHECK_OUTPUT
for decay in (0.01, 1.0, 10.0):
    left = np.prod(1 - rates_of(40, learning_rate=1e-3) * decay)
    print(f"weight decay {decay:>6}: {left:.3f} of the weight is left")

# %% [markdown]
# Weight decay needs many steps. Fine-tuning takes few: the pull is real in pre-training, and hardly there in a run of forty steps. A decay of 10 does pull: look in the figure what that is worth.
#
# And the gap between training and validation accuracy? Look at *train* in the figure: with 64 labels and so many weights, nearly every run has all training rows right. The gap is then one minus the validation accuracy, and a smaller gap is no more than a better score. A remedy that lowers the training score, too, has not helped you.
#
# ### Where it is real
#
# Turn round a quarter of 128 labels, as hurried annotators do. Now there is something that should *not* be learned by heart.

# %%
wrong = study[study["part"] == "wrong labels"]
widgets.explore(
    lambda what: pictures.every_seed(
        wrong.assign(gap=wrong["train"] - wrong["validation"]), x="change", y=what, x_label="", y_label=what.replace("_", " "),
        title=f"A quarter of the labels is wrong: {what.replace('_', ' ')}",
    ),
    what=["test", "gap", "validation_loss", "train"],
)

# %% [markdown]
# Training everything learns the wrong labels, all of them. The head alone cannot: on average its validation loss is more than a quarter of a nat lower (claim `08-fewer-weights`). Its score? Higher with some seeds, lower with others: judged seed by seed, as in exercise 6, you cannot tell. Look at *head only* in the figure before: with right labels there is nothing of the kind. A remedy is for an illness; find out whether you have it.
#
# ### Underfitting
#
# The opposite is as common: too few steps, too low a rate, too few weights. Three epochs instead of ten cost more than five points (claim `08-underfitting`). The sign is in *train*: rows are wrong that a longer run gets right. While that is so, no remedy against overfitting will help. More steps, a higher rate, more weights, in this order.
#
# ## 6 · Validation, test, and the best of many
#
# You choose by validation, and quote test. Why not choose by test, and save rows?
#
# **Predict.** Forty models, all equally good: each is right on a row with probability .80. You measure each on 64 rows and keep the best. What does it score on these rows? On fresh ones?

# %%
# NBVAL_CHECK_OUTPUT
random = np.random.default_rng(0)
for tried in (1, 5, 40):
    best = random.binomial(64, 0.80, size=(2000, tried)).max(axis=1) / 64
    print(f"best of {tried:>2}: {best.mean():.2f} on the rows it was chosen by, 0.80 on fresh ones")

# %% [markdown]
# The best of many is flattered by the rows it was chosen by. The more you try and the fewer the rows, the more. That holds for validation rows, and that is what they are for. Choose by the test rows, and you have no honest number left.
#
# In real runs it is the same, only smaller, for similar models are wrong on the same rows: the best of eight near-equal settings by 64 validation rows is flattered there by more than a point (claim `08-flattery`).
#
# ## 7 · Search
#
# One knob at a time misses what knobs do together, as rate and warm-up do. A grid over five knobs with five values each is 3,125 runs.
#
# - **Random search** draws every setting at random. If only two of five knobs matter, each trial still tries a new value of both ([Bergstra and Bengio, 2012](https://jmlr.org/papers/v13/bergstra12a.html)).
# - **Bayesian search** looks at the trials so far. [TPE](https://papers.nips.cc/paper/4443-algorithms-for-hyper-parameter-optimization) models where the good ones and the bad ones lie, and draws where the ratio is best.
# - **Pruning** ends a trial that is behind at half-time, and spends the steps elsewhere.
#
# [Optuna](https://optuna.org) does all three. You write a function that takes a *trial*, asks it for settings and returns the records of the loop. Ranges of rates are logarithmic.

# %%
def contender(trial):
    """The records of a short run with the settings that the search proposes."""
    config = TrainConfig(
        epochs=5, batch_size=16, keep_best=False,
        learning_rate=trial.suggest_float("learning_rate", PEAK / 100, PEAK * 100, log=True),
        warmup_share=trial.suggest_float("warmup_share", 0.0, 0.5),
        weight_decay=trial.suggest_float("weight_decay", 1e-3, 1.0, log=True),
    )
    model = load_model(MODEL, task, dropout=trial.suggest_float("dropout", 0.0, 0.3))
    return training_steps(model, data["train"], config, validation=few_held_out)


STEPS = 5 * int(np.ceil(len(data["train"]) / 16))  # of one whole trial

# %% [markdown]
# What is a fair comparison of two searches? Not the same number of trials: a pruned trial is cheap. Not the same minutes: the machine may be busy. Our `search` stops after so many **optimizer steps**.
#
# It keeps its trials in a file, a small SQLite data base. Here is one that you stop half-way.

# %%
# NBVAL_CHECK_OUTPUT
folder = Path(tempfile.mkdtemp())  # your own folder, for a search that is to survive the night
stopped = search(contender, steps=6 * STEPS, file=folder / "search.db", name="TPE", random_trials=6)
first = [trial.params for trial in stopped.trials]
print("stopped:", len(first), "trials,", steps_spent(stopped) // STEPS, "budgets of one trial")

# %%
# NBVAL_CHECK_OUTPUT
tpe = search(contender, steps=12 * STEPS, file=folder / "search.db", name="TPE", random_trials=6)
print("resumed:", len(tpe.trials), "trials,", steps_spent(tpe) // STEPS, "budgets of one trial")
print("the first trials are the old ones:", [trial.params for trial in tpe.trials[:6]] == first)

# %% [markdown]
# One trap lies here. A sampler that starts again from its seed proposes its first settings again, and a resumed search repeats itself. Ours draws from the seed *and* the number of finished trials.
#
# Now the same budget with pruning. After each epoch, a trial that is below the median of the earlier ones at that step is ended.
#
# **Predict.** How many trials will the same budget buy?

# %%
pruner = optuna.pruners.MedianPruner(n_startup_trials=4)
pruned = search(contender, steps=12 * STEPS, sampler="random", pruner=pruner)
tables = {"TPE": trials_table(tpe), "random, with pruning": trials_table(pruned)}
print(", ".join(f"{name}: {len(table)} trials" for name, table in tables.items()))
pictures.search_progress(tables, title="The same budget, spent in two ways")

# %% [markdown]
# Hollow marks are pruned trials. One pair of searches is one draw; the study ran three kinds with four seeds each, from the same first random trials (`course measure searches`).

# %%
trials = experiments.results("searches")
ends = trials[trials["state"] == "complete"].groupby(["strategy", "seed"], sort=False)["value"].max().reset_index()
ends["trials"] = trials.groupby(["strategy", "seed"], sort=False).size().to_numpy()
ends["seed"] = "seed " + ends["seed"].astype(str)
pictures.every_seed(
    ends, x="strategy", y="value", by="seed", title="Which search found more? (same steps, four seeds)",
    x_label="", y_label="best validation accuracy",
)

# %%
ends.groupby("strategy", sort=False)[["value", "trials"]].agg(["mean", "min", "max"]).round(2)

# %% [markdown]
# Each seed draws its own 64 rows, and moves all three strategies alike. So compare seed by seed: is any strategy above plain random search with more than one seed? With so few trials, Bayesian search has little to learn from; its first ones are random anyway. It is made for many trials and several knobs that matter.
#
# Which knobs did matter? Optuna estimates which share of the variance of the values each setting explains ([fANOVA](https://proceedings.mlr.press/v32/hutter14.html)). Here are all trials of the study.

# %%
settings = ["learning_rate", "warmup_share", "weight_decay", "dropout"]
whole = trials[trials["state"] == "complete"]
pictures.parallel_coordinates(
    whole, settings, log=["learning_rate", "weight_decay"], title="Each line is a trial; bright lines are good",
)

# %%
ranges = {
    "learning_rate": optuna.distributions.FloatDistribution(1e-5, 1e-1, log=True),
    "warmup_share": optuna.distributions.FloatDistribution(0.0, 0.5),
    "weight_decay": optuna.distributions.FloatDistribution(1e-3, 1.0, log=True),
    "dropout": optuna.distributions.FloatDistribution(0.0, 0.3),
}
everything = optuna.create_study(direction="maximize")
for row in whole.to_dict("records"):
    everything.add_trial(optuna.create_trial(params={k: row[k] for k in settings}, distributions=ranges, value=row["value"]))
evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
pictures.importances(optuna.importance.get_param_importances(everything, evaluator=evaluator))

# %% [markdown]
# Find the bright lines on the axis of the learning rate, then on that of dropout. Is there any order on the axis of weight decay? An importance is about the *range* you gave: had you searched rates from 1e-3 to 3e-3 only, the rate would matter little.
#
# ### The number to quote
#
# **Predict.** The best trial has a validation accuracy. Train again with its settings, with three other seeds. What does test say?

# %%
best = dict(tpe.best_params)
dropout = best.pop("dropout")
again = [fine_tuned(dropout=dropout, epochs=5, seed=seed, **best)[0] for seed in (1, 2, 3)]
tested = [evaluate(model, data["test"])["accuracy"] for model in again]
print(f"best of {len(tpe.trials)} trials, on the rows it was chosen by: {tpe.best_value:.2f}")
print("the same settings, test rows, three seeds:", ", ".join(f"{value:.2f}" for value in tested))

# %% [markdown]
# Quote the mean of the last line with its spread, and say how many trials it took to find. The first line comes from few rows and one seed, and was chosen for being high: it may lie on either side of the truth, and it is no evidence.
#
# ## 8 · The training lab
#
# Now all knobs at once, on a Transformer that trains while you watch. A lab holds one task and one model, and keeps every run with its settings, in a folder of yours: they are still there when you open the notebook again.
#
# Without knobs first. A **race** takes a step of each run by turns.
#
# **Predict.** Does a run that shares the machine with another learn something else than it would alone?

# %%
# NBVAL_CHECK_OUTPUT
lab = Lab(DATA, MODEL)
one = Settings(learning_rate=PEAK, labels=len(data["train"]), epochs=4)
alone = lab.run(one, progress=False)
raced, other = lab.race([one, one.but(learning_rate=PEAK / 10)], progress=False)
print("the same losses:", [r.loss for r in raced.records] == [r.loss for r in alone.records])

# %%
lab.compare([alone, raced, other])

# %% [markdown]
# Order and dropout depend on the seed and the number of the step, on nothing else: that is what makes two runs comparable.
#
# Now the panel. Before a run it asks what you expect of its curves, and afterwards it shows both. Press a name in the table to clone a run with other settings, afresh or from its weights.
#
# - The **presets** but the first go wrong on purpose. Run three of them, look at the curves only, and say which is which.
# - Find the highest rate that still learns. Then give it more warm-up.
# - **Race** a rate of 1e-2 with no warm-up against one with .3. Which leads after a quarter of the steps, which at the end?
# - *Not shuffled* draws the same teeth in every epoch. Does it cost you anything here?

# %%
widgets.TrainingLab(lab)

# %% [markdown]
# The name that it gives to curves (*learns by heart*, *too good* …) comes from a few rules of thumb in `course_utils/lab/symptoms.py`: read them, and find a run that they misjudge.
#
# ## Check your understanding
#
# 1. A paper reports that its new schedule wins by one point, one run each. The spread over seeds is three points. How many seeds would you ask for?
# 2. Your range test falls all the way to a rate of 1 and never rises. What has happened?
# 3. A colleague doubles the batch, keeps rate and epochs, and finds that "large batches are worse". What do you suggest?
# 4. Training accuracy is .62, validation .60. Dropout or more epochs?
# 5. Two searches had thirty trials each, one of them with pruning. Is that a fair comparison?
#
# *Answers.* 1: the error of a mean of $n$ runs is the spread over $\sqrt n$, so about forty for each side to see one point at twice its error, more to be sure. 2: the model knows its rows by heart; use more rows, or fewer steps. 3: a higher rate for the larger batch, and the same number of steps at least once. 4: more epochs; it underfits. 5: no; the pruned one took fewer steps. Give both the same steps.
#
# The exercises to this lesson answer back: open `exercises/08_hyperparameters.ipynb`.
#
# ## Recap
#
# - Measure the spread over seeds first. What is smaller, you have not seen.
# - The rate matters most. A range test finds its order of magnitude, on rows that it has not memorised.
# - Warm-up widens the plateau. Batch and rate move together.
# - On few right labels, remedies against overfitting change the loss and not the score; look at the training score before you reach for one.
# - Budgets are counted in steps. Choose by validation, quote test, over seeds.
#
# **Next:** 09, text classification: many classes, and rare ones.
