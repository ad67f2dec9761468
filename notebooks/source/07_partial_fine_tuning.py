# %% [markdown]
# # 07 · Partial fine-tuning
#
# Lesson 05 trained a head and left the encoder alone. Lesson 06 changed every weight. Between the two lies a whole shelf of methods: train *some* of the weights, or train them *later*, or *more slowly*, or add a few new ones. In this lesson you choose what moves, and measure what each choice costs.
#
# **You will be able to**
#
# - say which weights of a model train, count them, and freeze the others without the usual mistakes;
# - train the last layers on cached lower ones, unfreeze gradually, and give each layer a rate of its own;
# - build a low-rank change (LoRA) by hand, add it to a model, and merge it away again;
# - measure what a fine-tuned encoder has forgotten.
#
# *About 45 minutes. The code runs in about a minute on two CPU cores. Helpful before: lesson 06, full fine-tuning.*

# %%
from itertools import islice

import pandas as pd
import torch

from course_utils import (
    TrainConfig,
    add_lora,
    cache_features,
    cache_lower_layers,
    chosen,
    current_scale,
    discriminative_groups,
    encode,
    evaluate,
    experiments,
    figures,
    gradual_unfreezing,
    load_model,
    load_task,
    load_tokenizer,
    parameter_table,
    time_on_t4,
    train,
    train_everything,
    train_last_layers,
    train_only_head,
    training_steps,
    widgets,
)
from course_utils.adaptation import merge_lora
from course_utils.models import encoder_of, layers_of

print(current_scale(), time_on_t4("07"))
MODEL = chosen("model", "mini-encoder")  # a name of the course, a folder, or a repo id on the Hub
DATA = chosen("data", "sentiment")

# %%
task = load_task(DATA, train_rows=int(chosen("rows", "256")), seed=0)
tokenizer = load_tokenizer(MODEL)
data = encode(task, tokenizer)
model = load_model(MODEL, task, seed=0, dropout=0.0)
small = model.num_parameters() < 5_000_000
PEAK = 1e-3 if small else 5e-5  # for full fine-tuning; a large model wants smaller steps
print(f"{model.num_parameters():,} weights, {len(data['train'])} labelled rows")

# %% [markdown]
# ## 1 · Which weights train?
#
# A weight is **frozen** when PyTorch computes no gradient for it: `parameter.requires_grad` is `False`. Freezing a layer is therefore no more than setting a flag on each of its weights. The loop of lesson 06 need not know.
#
# **Predict.** A classifier is made of embeddings, layers and a head. Which part holds most of the weights of this one?

# %%
train_only_head(model)
figures.trainable_parameters(parameter_table(model), title="Head only")

# %% [markdown]
# Every word of the vocabulary has a row in the embeddings. In a small model this table outweighs all layers together; in a large one, the layers win. The head is tiny, and everything else here is frozen.
#
# Three mistakes freeze the wrong thing without any error. You meet them again in the exercises:
#
# - the head is frozen along with the body, so random answers stay random;
# - weights are frozen *after* the optimizer was made, and it keeps pulling at them;
# - `layers[-k:]` with `k = 0` means *all* layers, not none.
#
# Each strategy of this lesson is a way to set flags. Here they are side by side. *LoRA* adds weights instead; section 4 takes it apart.

# %%
def prepare(strategy, seed=0):
    """A fresh model in which only this strategy's weights may move."""
    model = load_model(MODEL, task, seed=seed, dropout=0.0)
    name, _, number = strategy.partition(": ")
    if name == "head only":
        train_only_head(model)
    elif name == "last layers":
        train_last_layers(model, int(number))
    elif name == "LoRA of rank":
        model = add_lora(model, rank=int(number), alpha=2 * int(number), seed=seed)
    return model


# %%
STRATEGIES = ["head only", "last layers: 1", "last layers: 2", "LoRA of rank: 2", "LoRA of rank: 8", "full"]
tables = {strategy: parameter_table(prepare(strategy)) for strategy in STRATEGIES}
widgets.explore(
    lambda strategy: figures.trainable_parameters(tables[strategy], title=strategy.capitalize()),
    strategy=STRATEGIES[1:] + STRATEGIES[:1],
)

# %% [markdown]
# Move the slider and watch the count in the title. It is the whole difference between the methods: all of them run the whole model forwards.
#
# ## 2 · The last layers, on cached lower ones
#
# The first layers of an encoder do general work: which words stand here, which belong together. The last ones are closer to the task that it was trained on. So train the head and the last $k$ layers, and keep the rest.
#
# What is frozen gives the same output for a row in every epoch. Lesson 05 kept the features of a whole frozen encoder; the same works for its lower part. `cache_lower_layers` runs it once, and returns a model of the upper layers that **shares its weights** with the original.
#
# **Predict.** We train the last layer twice: in the whole model, and on cached lower layers. By how much will the losses of the two runs differ?

# %%
# NBVAL_CHECK_OUTPUT
config = TrainConfig(epochs=3, batch_size=32, learning_rate=2 * PEAK, warmup_share=0.1, weight_decay=0.0)
whole = prepare("last layers: 1")
anew = train(whole, data["train"], config, progress=False)

model = prepare("last layers: 1")
upper, cached = cache_lower_layers(model, data["train"], k=1)
faster = train(upper, cached, config, progress=False)
difference = max(abs(a - b) for a, b in zip(anew.frame["loss"], faster.frame["loss"], strict=True))
print("the same losses" if difference < 1e-3 else f"they differ by up to {difference:.1g}")

# %%
seconds = {"run anew": anew.frame["seconds"].sum(), "cached": faster.frame["seconds"].sum()}
print({name: f"{value:.2f} s in the steps" for name, value in seconds.items()})
for name, trained in (("whole", whole), ("cached", model)):
    print(f"{name:>6}: accuracy {evaluate(trained, data['validation'])['accuracy']:.2f}")

# %% [markdown]
# The same order of batches, the same start, the same numbers; only less work for each step. Two things must hold for it to be right: nothing random in the frozen part (so its dropout is off), and the text of a row does not change from epoch to epoch.
#
# ## 3 · Not at once, and not at one rate
#
# At the first step the head is random. The gradient that it sends down is then mostly noise, and it moves weights that took pre-training long to find. Two remedies come from [Howard and Ruder, 2018](https://arxiv.org/abs/1801.06146).
#
# **Gradual unfreezing.** Train the head alone first. After some steps, add the last layer; then the one before; the embeddings last. Our loop calls `before_step(step, model)` before each step, and it may freeze and unfreeze.
#
# **Predict.** A model with four layers, and a new stage every 16 steps: at which step do the embeddings begin to move?

# %%
# NBVAL_CHECK_OUTPUT
model = load_model(MODEL, task, seed=0, dropout=0.0)
before_step = gradual_unfreezing(model, steps_per_stage=16)
for step in (1, 16, 17, 33, 81):
    before_step(step, model)
    table = parameter_table(model)
    print(f"step {step:>2}:", ", ".join(table[table["trainable"] > 0]["part"]))

# %% [markdown]
# One trap: the optimizer is made before the first step, when most weights are still frozen. It must know all of them from the start, or those that thaw later never move. That is why `gradual_unfreezing` leaves everything trainable until the first call.
#
# **Discriminative rates.** All layers train from the first step, but each at its own rate: the head at the full one, and every part below at `decay` times the rate of the part above it.
#
# **Predict.** With a decay of .5 and four layers, what share of the full rate do the embeddings get?

# %%
train_everything(model)
groups = discriminative_groups(model, decay=0.5)
figures.bars(
    [group["name"] for group in groups], [group["lr_scale"] for group in groups],
    title="The further from the output, the smaller the steps", x_label="part of the model",
    y_label="share of the full rate",
)

# %% [markdown]
# In PyTorch a **parameter group** is a list of weights with settings of their own. An optimizer takes several, and so does our loop: `train(…, parameter_groups=groups)`.
#
# ## 4 · LoRA: a small change beside a frozen matrix
#
# Fine-tuning turns each matrix $W$ into $W + \Delta W$. [Hu et al., 2021](https://arxiv.org/abs/2106.09685) leave $W$ frozen and learn $\Delta W$ alone, as a product of two thin matrices:
#
# $$W' = W + \frac{\alpha}{r}\, B A, \qquad A: r \times \text{in}, \quad B: \text{out} \times r$$
#
# The **rank** $r$ is small, so $A$ and $B$ together have few numbers. $A$ starts random, $B$ starts at zero. Let's take one matrix of the last layer.
#
# **Predict.** What does $W'$ look like before the first step?

# %%
# NBVAL_CHECK_OUTPUT
matrix = next(part for part in layers_of(model)[-1].modules() if isinstance(part, torch.nn.Linear))
W = matrix.weight.detach()  # (out, in)
rank, alpha = 8, 16
A = torch.randn(rank, W.shape[1], generator=torch.Generator().manual_seed(0)) / W.shape[1] ** 0.5
B = torch.zeros(W.shape[0], rank)
print("W", tuple(W.shape), "unchanged:", torch.equal(W + alpha / rank * B @ A, W))
print(f"{W.numel():,} weights in W, {A.numel() + B.numel():,} in A and B")

# %% [markdown]
# Nothing changes at step 0, so training begins exactly at the pre-trained model. Were both random, the first thing you did would be to damage $W$ at random.
#
# **Predict.** Then why not start both at zero? Think of the gradients: what does $B$ see of $A$, and $A$ of $B$?

# %%
# NBVAL_CHECK_OUTPUT
x = torch.randn(5, W.shape[1], generator=torch.Generator().manual_seed(1))  # (rows, in)
for start in ("A random, B zero", "both zero"):
    a = (A.clone() if start.startswith("A") else torch.zeros_like(A)).requires_grad_()
    b = B.clone().requires_grad_()
    (x @ (W + alpha / rank * b @ a).T).square().sum().backward()
    print(f"{start:>16}: gradient of A {bool(a.grad.any())}, gradient of B {bool(b.grad.any())}")

# %% [markdown]
# In a product, the gradient of one factor is multiplied by the other. With both at zero neither ever moves. With $A$ random, $B$ moves at the first step, and from the second step on $A$ does too.
#
# `add_lora` puts such a pair beside every matrix of the layers (through the library `peft`), freezes all that was pre-trained, and trains the head along.

# %%
# NBVAL_CHECK_OUTPUT
plain = prepare("full").eval()
lora = prepare("LoRA of rank: 8").eval()
batch = {name: tensor for name, tensor in data["validation"].batch(range(8)).items() if name != "labels"}
with torch.no_grad():
    print("step 0, the same logits:", torch.allclose(plain(**batch).logits, lora(**batch).logits, atol=1e-5))

# %% [markdown]
# The rate for $A$ and $B$ may be larger than for $W$: few weights, which start near zero, have to do all of the work.

# %%
config = TrainConfig(epochs=6, batch_size=32, learning_rate=3 * PEAK, warmup_share=0.1, seed=0)
history = train(lora, data["train"], config, progress=False)
figures.loss_curves({"LoRA of rank 8": history.frame}, title="Few weights train, and the loss falls", smooth=4)

# %% [markdown]
# For use, the product is added into $W$ once. What remains is a plain model of the old size, at the old speed, with the new answers. And until you merge, the change can be switched off: the pre-trained encoder is still there.

# %%
# NBVAL_CHECK_OUTPUT
with torch.no_grad():
    before = lora(**batch).logits
    with lora.disable_adapter():
        off = torch.allclose(lora(**batch).logits, plain(**batch).logits, atol=1e-5)
    merged = merge_lora(lora).eval()
    after = merged(**batch).logits
print("switched off, the model of step 0:", off)
print("merged, the same logits:", torch.allclose(before, after, atol=1e-4))
print("weights:", "as before" if merged.num_parameters() == plain.num_parameters() else "more than before")

# %% [markdown]
# ## 5 · What do you get for a weight?
#
# Lesson 06 drew learning curves of five methods. Here are the same runs, turned round: the score against the number of weights that trained.
#
# **Predict.** With few labels, does it pay to train more weights? With many?

# %%
counts = {
    name: int(tables[strategy]["trainable"].sum())
    for name, strategy in (
        ("features", "head only"), ("last layer", "last layers: 1"), ("LoRA", "LoRA of rank: 8"), ("full", "full"),
    )
}
curves = experiments.results("sentiment").query("method in @counts")
curves["trained"] = curves["method"].map(counts)

# %%
widgets.explore(
    lambda labels, split: figures.learning_curves(
        curves[(curves["labels"] == labels) & (curves["split"] == split)], x="trained", y="score", by="method",
        chance=0.5, title=f"{labels} labels, {split} split", x_label="weights that trained", y_label="accuracy",
    ),
    labels=sorted(curves["labels"].unique().tolist(), reverse=True), split=["test", "unseen"],
)

# %% [markdown]
# More weights are not more score. With 512 labels, full fine-tuning and the last layer alone are within two points of each other on the test split (claim `07-full-near-last-layer`), and *full* trains about nine times as many weights. Both are more than two points above a head on a frozen encoder (claim `07-last-layer-over-head`). LoRA has fewer than half the weights of the last layer, spreads them over all layers, and keeps up with both (claim `07-lora-keeps-up`). Each method has the rate that suits it, from validation rows; at one rate for all, the comparison would be one of rates.
#
# ## 6 · What does it forget?
#
# Pre-training taught the encoder to guess hidden words. You can ask it again afterwards: take the encoder out of the classifier, put the head for masked words back on, and measure the **masked-word loss** on documents without labels. How much it has risen is what was forgotten.

# %%
from course_utils.pretraining import MaskedRows, encode_documents
from course_utils.world import corpus

unlabelled = data["validation"]  # at hub scale: the task's own sentences
if current_scale().name == "mini":
    unlabelled, _ = encode_documents(islice(corpus.documents(seed=777), 400), tokenizer, tokens=5_000)
masked = MaskedRows(unlabelled, tokenizer, seed=0)  # what is hidden depends on the seed and the batch alone


def masked_loss(model):
    """The encoder's loss on hidden words, under the head with which it was pre-trained."""
    guesser = load_model(MODEL, "masked_lm", dropout=0.0)
    guesser.base_model.load_state_dict(encoder_of(model).state_dict(), strict=False)
    return evaluate(guesser, masked, loss="masked_lm")["loss"]


# %% [markdown]
# The same words must be hidden before and after, or you measure luck. The first thing to check is a model that cannot have forgotten anything.
#
# **Predict.** Which of these three has a higher loss than the pre-trained encoder: a trained head on a frozen encoder, a LoRA that has been added but not trained, or the merged LoRA from section 4?

# %%
# NBVAL_CHECK_OUTPUT
KNOWN = masked_loss(plain)
head_only = prepare("head only")
head, cached = cache_features(head_only, data["train"])
train(head, cached, config, progress=False)
candidates = {"head only": head_only, "LoRA, step 0": merge_lora(prepare("LoRA of rank: 8")), "LoRA, trained": merged}
for name, candidate in candidates.items():
    forgotten = masked_loss(candidate) - KNOWN
    print(f"{name:>13}: {'nothing forgotten' if abs(forgotten) < 1e-4 else 'something forgotten'}")

# %% [markdown]
# Freezing forgets nothing, by construction. LoRA freezes $W$, but the model uses $W + \Delta W$, and that is another encoder. "LoRA does not forget" is true of the file on your disk, not of the model that answers.
#
# ### An honest failure: the rate
#
# How much is forgotten depends on how far the weights travel, and that depends on the rate.
#
# **Predict.** Three methods, four rates from low to high. Draw the masked-word loss of each. Which curve rises first?

# %%
def result(strategy, rate, **how):
    """One run: the validation accuracy, and what the encoder then knows."""
    model = prepare(strategy)
    settings = TrainConfig(epochs=6, batch_size=32, learning_rate=rate, warmup_share=0.1, keep_best=False)
    if how.pop("decay", None):
        how["parameter_groups"] = discriminative_groups(model, decay=0.5)
    if how.pop("gradual", None):
        how["before_step"] = gradual_unfreezing(model, steps_per_stage=len(data["train"]) // 32)
    train(model, data["train"], settings, progress=False, **how)
    model = merge_lora(model) if strategy.startswith("LoRA") else model
    score = evaluate(model, data["validation"])["accuracy"]
    return {"rate": rate, "accuracy": score, "masked loss": masked_loss(model)}


# %%
RATES = [PEAK * factor for factor in (0.3, 1, 3, 10)]
sweep = pd.DataFrame(
    {"method": name, **result(strategy, rate)}
    for name, strategy in (("last layer", "last layers: 1"), ("LoRA", "LoRA of rank: 8"), ("full", "full"))
    for rate in RATES
)

# %%
TICKS = [1, 1.5, 2, 3, 5, 8, 13]  # of a logarithmic axis
figure = figures.learning_curves(
    sweep, x="rate", y="masked loss", by="method", title="The higher the rate, the more is forgotten (grey: before)",
    x_label="peak learning rate", y_label="masked-word loss (nats per hidden token)",
)
figure.add_hline(y=KNOWN, line_dash="dot", line_color=figures.GREY)
figure.update_yaxes(type="log", tickvals=TICKS)
figure.update_xaxes(ticktext=[f"{rate:g}" for rate in RATES])

# %% [markdown]
# At a sensible rate full fine-tuning forgets little (claim `07-sensible-rate`); at ten times that rate it loses more than seven nats for each hidden word (claim `07-rate-forgets`): worse than giving every word of the vocabulary the same chance. No error, no warning. At the same rate, one layer forgets less than all of them (claim `07-last-layer-forgets-less`), and LoRA does, too (claim `07-lora-forgets-less`): both leave the embeddings alone, and those are in every word.
#
# Forgetting alone is no reason to choose. Put it beside the score.

# %%
figure = figures.learning_curves(
    sweep, x="masked loss", y="accuracy", by="method", log_x=False, chance=0.5,
    title="What you get, and what you give", x_label="masked-word loss afterwards (nats)",
    y_label="validation accuracy",
)
figure.update_xaxes(type="log", tickvals=TICKS)

# %% [markdown]
# Up and to the left is good. The point far to the right has nothing to show for it: full fine-tuning at ten times its rate scores *less*, too (claim `07-forgetting-buys-nothing`). Now the two remedies of section 3, at three times the sensible rate.
#
# **Predict.** Which of the three forgets least: plain, gradual, or discriminative?

# %%
bold = {
    "plain": sweep.query("method == 'full' and rate == @RATES[2]").iloc[0].to_dict(),
    "gradual unfreezing": result("full", RATES[2], gradual=True),
    "discriminative rates": result("full", RATES[2], decay=True),
}
pd.DataFrame(bold).T[["accuracy", "masked loss"]].astype(float).round(2)

# %% [markdown]
# Both remedies keep more of what the encoder knew (claims `07-gradual-forgets-less` and `07-discriminative-forgets-less`): the embeddings, which every word needs, move late or little. Whether they also *score* more is a matter of task, labels and luck. Run three seeds before you believe a difference of two points.
#
# When does forgetting matter? Not for a classifier that will only ever classify. It matters when the model goes on to other tasks, when its inputs will drift away from your few labels, or when one model has to serve many tasks. Then keep the pre-trained weights, and store a small change per task.
#
# ## 7 · Your turn
#
# Choose what trains and at which rate; press **Start**, and **Stop** when you have seen enough. Find a pair with a good validation loss and few weights.

# %%
def run(strategy, learning_rate):
    """The records of one run, for the widget to draw."""
    model = prepare("full" if strategy == "gradual" else strategy)
    thaw = gradual_unfreezing(model, steps_per_stage=8) if strategy == "gradual" else None
    settings = TrainConfig(epochs=8, batch_size=32, learning_rate=learning_rate)
    return training_steps(model, data["train"], settings, validation=data["validation"], before_step=thaw)


live = widgets.LiveTraining(
    run, {"strategy": [*STRATEGIES, "gradual"], "learning_rate": [0.1 * PEAK, *RATES, 30 * PEAK]},
    values={"strategy": "last layers: 1", "learning_rate": RATES[1]}, title="Some of the weights, live",
)
live

# %% [markdown]
# ## Check your understanding
#
# 1. You freeze all layers, train, and the loss does not move at all. Name two flags to look at.
# 2. Why may the lower layers be cached in section 2, and not under gradual unfreezing?
# 3. A LoRA of rank 8 beside a matrix of 1,024 × 1,024: how many weights train, and what share is that?
# 4. A colleague reports that fine-tuning *improved* the masked-word loss by .05. What do you ask first?
#
# The exercises to this lesson answer back: open `exercises/07_partial_fine_tuning.ipynb`.
#
# ## Recap
#
# - What trains is a flag on each weight, and a list in the optimizer. Check both.
# - Frozen lower layers run once; the losses stay the same.
# - Gradual unfreezing moves the lower layers late, discriminative rates move them little.
# - LoRA learns $\frac{\alpha}{r}BA$ beside a frozen $W$; $B$ starts at zero; merging costs nothing.
# - Forgetting is measured on the same hidden words before and after, and the rate decides most of it.
#
# **Next:** 08, hyperparameters: which settings matter, and how to find them.
