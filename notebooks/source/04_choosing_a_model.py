# %% [markdown]
# # 04 · Choosing a model
#
# There are more pre-trained models than anyone can try. Which one do you fine-tune, and does it fit on your machine? Most of the answer can be counted before anything is downloaded.
#
# **You will be able to**
#
# - say what BERT, RoBERTa, DistilBERT, GPT-2, T5 and their successors are in four words each: objective, architecture, tokenizer, size;
# - estimate parameters, memory and time of a run from a configuration, and check the estimate;
# - put the right head on the right model;
# - read a model card and a licence;
# - distil a small model from a large one, and say what it lost and what it gained.
#
# *About 40 minutes. The code runs in about a minute on two CPU cores. Helpful before: lesson 03, pre-training.*

# %%
from course_utils import (
    CourseError,
    TrainConfig,
    budget,
    current_scale,
    evaluate,
    figures,
    predict_logits,
    time_on_t4,
    train,
)
from course_utils.experiments import fine_tune
from course_utils.experiments.lesson_04 import (
    SoftRows,
    encoded_sentences,
    new_student,
    soft_loss,
    unlabelled_sentences,
)
from course_utils.figures.budget import memory_bars, size_bars
from course_utils.models import HEADS, count_parameters
from course_utils.widgets.budget import calculator

print(current_scale(), time_on_t4("04"))

# %% [markdown]
# ## 1 · Four words for a model
#
# **Objective**: what it learned to predict. **Architecture**: who may look at whom. An *encoder* sees both sides of every token, a *decoder* only what came before, an *encoder-decoder* reads one text and writes another. **Tokenizer**: how it cuts text. **Size**: what it costs.
#
# A configuration is a page of numbers, and it is all that is needed to build the network: with random weights, at its true size. On PyTorch's *meta device* the tensors have shapes and no storage, so even a billion weights take no memory.
#
# **Predict.** GPT-2 and BERT base both have 12 layers of width 768. Which has more parameters, and why?

# %%
# NBVAL_CHECK_OUTPUT
for name in ("BERT base", "GPT-2", "DistilBERT", "RoBERTa base", "Llama 3.2 1B"):
    model = budget.instantiate(name)
    print(f"{name:>13}: {count_parameters(model):>13,} parameters on {next(model.parameters()).device}")

# %% [markdown]
# Papers round these sizes. (The GPT-2 paper says 117 million, a miscount; its [repository](https://github.com/openai/gpt-2/blob/master/DEVELOPERS.md) says 124.) GPT-2 has the larger vocabulary, and a vocabulary is a table of vectors: BERT's layers are in fact no smaller. DistilBERT halves the *layers* and keeps the table, so it isn't half of BERT.

# %%
table = budget.comparison(batch=16, length=128)
table[["architecture", "objective", "tokenizer", "parameters (M)", "share looked up", "MFLOPs per token"]]

# %% [markdown]
# "Share looked up" is the share of the parameters that stand in tables. They take memory and almost no time, since a token looks up its row. All others are multiplied, once for every token. A **FLOP** is one addition or multiplication of floating-point numbers; a MFLOP is a million of them.
#
# - [BERT](https://arxiv.org/abs/1810.04805) (2018): masked words, and whether two texts belong together.
# - [RoBERTa](https://arxiv.org/abs/1907.11692) (2019): BERT without the second objective, longer, on ten times the text.
# - [DistilBERT](https://arxiv.org/abs/1910.01108) (2019): a student of BERT with half its layers; section 7 makes one.
# - [GPT-2](https://openai.com/index/better-language-models/) (2019): the next token, left to right.
# - [T5](https://arxiv.org/abs/1910.10683) (2019): every task is text in, text out; hidden spans in pre-training.
# - [ModernBERT](https://arxiv.org/abs/2412.13663) (2024): an encoder with what decoders learned since: rotary positions, gated blocks, long texts. Ours is of its type.
# - Llama 3.2 (2024; its family is described in the [Llama 3](https://arxiv.org/abs/2407.21783) paper) and [SmolLM2](https://arxiv.org/abs/2502.02737) (2025): decoders of one type, at two sizes.

# %%
names = [name for name in budget.CATALOGUE if name not in ("mini-encoder", "Llama 3.2 1B")]  # too small, too large to draw
shapes = [budget.shape_of(name) for name in names]
size_bars(
    names, [shape.matrices / 1e6 for shape in shapes], [shape.lookup / 1e6 for shape in shapes],
    title="In small models the table weighs more",
)

# %% [markdown]
# ## 2 · Time: FLOPs, and what a machine makes of them
#
# Reading costs 2 FLOPs for each multiplied weight and each token, and training costs three times that: forward, gradients of the inputs, gradients of the weights ([Kaplan et al., 2020](https://arxiv.org/abs/2001.08361)). Attention adds $4 \cdot \text{length} \cdot \text{hidden}$ for each token in each layer.
#
# PyTorch can count what it really does. Does the formula agree?

# %%
# NBVAL_CHECK_OUTPUT
from torch.utils.flop_counter import FlopCounterMode

encoder = budget.instantiate("BERT base")
with FlopCounterMode(display=False) as counter:
    encoder(**{name: ids.to("meta") for name, ids in budget.make_batch(encoder, 2, 128).items() if name == "input_ids"})
ratio = 2 * 128 * budget.forward_flops("BERT base", 128) / counter.get_total_flops()
print(f"formula / counted: {ratio:.2f}")

# %% [markdown]
# Now for real, with weights that are random but take the same time. **Predict.** DistilBERT has 61% of BERT's parameters. How many times faster does it read?

# %%
speeds = {}
for name in ("mini-encoder", "DistilBERT", "BERT base", "T5 small"):
    network = budget.instantiate(name, real=True)
    speeds[name] = budget.measure_speed(network, batch=2, length=64, repeat=2)
    rate = speeds[name] * budget.forward_flops(name, 64) / 1e9
    print(f"{name:>13}: {speeds[name]:9,.0f} tokens/s, {rate:6.1f} GFLOP/s")

# %% [markdown]
# Compare the first column: time goes with the layers, and the table takes nearly none. A small model often does fewer FLOPs a second, since the fixed costs of each call weigh more. For the models that are too large to try here, divide the FLOPs by the pace of BERT base.

# %%
pace = speeds["BERT base"] * budget.forward_flops("BERT base", 64)  # FLOPs a second on this machine
for name in ("BERT large", "Llama 3.2 1B"):
    print(f"{name:>13}: about {pace / budget.forward_flops(name, 64):,.0f} tokens/s to read, "
          f"{pace / budget.step_flops(name, 64):,.0f} tokens/s to train")

# %% [markdown]
# ## 3 · Memory: does it fit?
#
# Memory is what stops most runs. Four things share it:
#
# - **weights**: 4 bytes each in fp32;
# - **moments**: AdamW keeps two running averages for each weight that trains, 8 bytes;
# - **gradients**: 4 bytes for each weight that trains;
# - **activations**: what each layer keeps for backward. It grows with batch × length, and where attention weights are kept, once more with the length.
#
# **Predict.** BERT base, 16 rows of 128 tokens. LoRA trains about one weight in a hundred. Does it need a hundredth of the memory?

# %%
estimates = {trains: budget.memory("BERT base", batch=16, length=128, trains=trains) for trains in budget.TRAINS}
memory_bars(estimates, title="BERT base, 16 × 128 tokens: LoRA spares states, not activations")

# %% [markdown]
# No. [LoRA](https://arxiv.org/abs/2106.09685) freezes the weights and trains small matrices beside them (lesson 07). It spares gradients and moments. But its matrices sit in every layer, so backward goes through all layers and needs their activations. Training the last two layers keeps only theirs. "Head" keeps the features of the frozen encoder (lesson 05), and "nothing" is reading: one layer's activations at a time.
#
# A T4, the GPU that Colab lends, is sold with 16 GB, of which about 15 GiB can be used. Does it hold these four, in fp32?

# %%
# NBVAL_CHECK_OUTPUT
for name in ("BERT base", "BERT large", "T5 base", "Llama 3.2 1B"):
    verdicts = {t: budget.memory(name, batch=16, length=128, trains=t) for t in ("LoRA", "full")}
    print(f"{name:>13}: " + ", ".join(f"{t} {'fits' if budget.fits(m) else 'does not fit'}" for t, m in verdicts.items()))

# %% [markdown]
# What fits changes with batch and length. Find the longest texts on which you could train BERT large with 16 rows. Then halve one thing at a time: which saves most?

# %%
calculator("BERT large", batch=16, length=128)

# %% [markdown]
# ## 4 · Is the estimate any good?
#
# An estimate that nobody has checked is a rumour. Two checks. First the activations: PyTorch calls a hook for every tensor that it keeps for backward, so they can be added up.

# %%
# NBVAL_CHECK_OUTPUT
for name in ("mini-encoder", "DistilBERT"):
    network = budget.instantiate(name, real=True)
    kept = budget.kept_for_backward(network, 2, 64)
    print(f"{name:>13}: formula / kept = {budget.activation_bytes(name, 2, 64) / kept:.1f}")

# %% [markdown]
# Then the whole: a process of its own takes real steps of AdamW and reports the highest memory that it held.

# %%
runs = {"mini-encoder": (32, 128), "DistilBERT": (4, 64)}
for name, (batch, length) in runs.items():
    try:
        measured = budget.measure_peak(name, batch=batch, length=length)
    except CourseError as error:  # a machine with too little memory, say
        print(error)
        continue
    estimate = budget.memory(name, batch=batch, length=length)
    print(f"{name:>13}, {batch} × {length}: measured {measured / 2**20:5.0f} MiB, estimate {estimate.peak / 2**20:5.0f}, "
          f"sum of the four {estimate.total / 2**20:5.0f}")

# %% [markdown]
# The estimate is at most a quarter below what was measured and not more than a tenth above (claims `04-estimate-mini` and `04-estimate-distilbert`). What it leaves out are the short-lived tensors of single operations; in a small model they weigh more. So leave a margin.
#
# The common rule adds up all four parts. But activations are freed while gradients are made, so the two are never at their largest together: the larger of them counts. DistilBERT shows it, whose weights are large beside its short-lived tensors. (With *accumulation*, several batches before each step, gradients stay. There the sum is right.)
#
# Two things this cannot show on a CPU. A GPU's *fused* attention, which computes all in one go, keeps no attention weights, so long texts cost less there than the calculator says. And *mixed precision*, products in 16 bits, saves activations and not states: the fp32 weights stay as a *master copy*.
#
# ## 5 · Which head goes on what
#
# A head turns hidden states into answers. `load_model` knows these; `transformers` has one class for each. The last, "encoder", is the body without a head, for features.

# %%
for head, auto_class in HEADS.items():
    print(f"{head:>15}  {auto_class}")

# %% [markdown]
# | your task | what a token must see | take | head |
# |---|---|---|---|
# | a label for a text | both sides | encoder | classification |
# | a label for each word | both sides | encoder | entities (a score per label) |
# | where an answer stands | both sides, question and passage | encoder | answers (a start, an end) |
# | a missing word | both sides of the gap | encoder | masked_lm |
# | go on writing | the left | decoder | causal_lm |
# | another text from this one | all of the one, the left of the other | encoder-decoder | seq2seq_lm |
#
# What can't be seen can't be used. Here is an honest failure: in "the film was not good", does the vector of the *first* word know the last?

# %%
# NBVAL_CHECK_OUTPUT
import torch

for name in ("DistilBERT", "GPT-2"):
    network = budget.instantiate(name, real=True).eval()
    ids = torch.tensor([[1996, 2143, 2001, 2025, 2204]])  # any five words
    other = ids.clone()
    other[0, -1] = 2919  # another last word
    with torch.no_grad():
        first, changed = (network(input_ids=text).last_hidden_state[0, 0] for text in (ids, other))
    print(f"{name:>10}: the first word's vector {'is the same' if torch.allclose(first, changed) else 'changes'}")

# %% [markdown]
# So a decoder can classify a text from its *last* token, which has seen everything, but it marks the start of an answer or a name before it has read what follows. It runs and it trains, and nothing warns you that half of the text was out of its sight.
#
# And why not ask the largest chat model for everything? For text that is to be written, or for ten rows a day without any labels, do. With labels and much to read, count first: here is what one token costs the decoder and the encoders.

# %%
for name in ("DistilBERT", "BERT base", "Llama 3.2 1B"):
    times = budget.forward_flops(name, 128) / budget.forward_flops("DistilBERT", 128)
    print(f"{name:>13}: {times:4.1f} times the FLOPs of DistilBERT, {budget.shape_of(name).parameters * 4 / 2**30:4.2f} GiB of weights")

# %% [markdown]
# And this is a small decoder. A fine-tuned encoder is also yours: it runs on your machine, gives a probability for each label, and stays as it is.
#
# ## 6 · Read the card, then the licence
#
# A model card says what a model is for. Read it with five questions. What may I do with it (**licence**, and those of its base model and data)? What did it **read**, in which language, until when? What was it **scored** on, against which baseline, chosen how? What **goes in** (cased, how long, which prompt)? Is the file **safe** (safetensors; no remote code)?

# %%
# NBVAL_CHECK_OUTPUT
from course_utils.scale import CHECKPOINT_FOLDER

card = (CHECKPOINT_FOLDER / "mini-encoder" / "README.md").read_text(encoding="utf-8")
head, text = card.split("---\n")[1:3]
print(head)

# %%
print(text)

# %% [markdown]
# This one may be used for anything (CC0 waives all rights) and is of little use outside the course; the card says so in its first lines. The number to be careful with is the loss: it holds for hidden words of its own world, and the card names the difference from the entropy beside it.
#
# | licence | you may | but |
# |---|---|---|
# | Apache-2.0, MIT | use, change, sell | keep the notice |
# | CC BY | the same | name the author |
# | CC BY-SA | the same | pass it on under the same licence |
# | CC BY-NC | use and change | not commercially |
# | Llama 3.2 Community | use, change, sell | keep to its use policy and naming rules; very large firms must ask |
# | none stated | nothing, strictly | ask |
#
# This is no legal advice. Read the text itself; the catalogue shows where to look. The names behind the arXiv numbers are repositories on the model hub.

# %%
for name, facts in budget.CATALOGUE.items():
    print(f"{name:>14}  {facts.licence:<20} {facts.source}")

# %% [markdown]
# ## 7 · Distillation: a small model from a large one
#
# DistilBERT learned from BERT's *probabilities*, not from words alone. Such a pair is called **teacher** and **student**. Here is one in miniature. The teacher is the mini encoder, fine-tuned for sentiment on 512 labels. Its score is the accuracy on *unseen* sentences, whose praise and blame use words that no labelled sentence has. The student has half its width, half its layers, and random weights: it has never read anything.

# %%
teacher, task, data = fine_tune("sentiment", "full", 512, 0, epochs=6)
scores = {"teacher": evaluate(teacher, data["unseen"])["accuracy"]}
student = new_student(task)
print(f"{count_parameters(teacher):,} parameters → {count_parameters(student):,}")
quicker = budget.measure_speed(student, batch=32, length=32) / budget.measure_speed(teacher, batch=32, length=32)
print(f"the student reads {quicker:.1f} times as fast")

# %% [markdown]
# A teacher's answer says more than a label: how sure it is. Dividing its logits by a *temperature* (lesson 03) softens it, so that this shows. The loss of the student is the cross-entropy between its own softened answer and the teacher's ([Hinton et al., 2015](https://arxiv.org/abs/1503.02531)). It is imported here as `soft_loss`; you write it in exercise 7.
#
# **Predict.** The same student, the same 512 sentences, once with labels and once with the teacher's probabilities. Which does better on words that no label shows?

# %%
def learn(rows, epochs, **options):
    """A fresh student, trained on these rows; its accuracy on unseen words."""
    student = new_student(task, seed=0)
    config = TrainConfig(epochs=epochs, batch_size=32, learning_rate=4e-3, warmup_share=0.1, seed=0)
    train(student, rows, config, progress=False, **options)
    return evaluate(student, data["unseen"])["accuracy"]


scores["labels"] = learn(data["train"], 16)
same_rows = SoftRows(data["train"], predict_logits(teacher, data["train"]))
scores["soft, same rows"] = learn(same_rows, 16, loss=soft_loss)
print({name: round(score, 2) for name, score in scores.items()})

# %% [markdown]
# Neither does. On the same rows the student stays at chance on unseen words (claim `04-distil-same-rows`): probabilities can't speak of a word that no row contains. But the teacher can judge *any* text, and text without labels is nearly free. These sentences come from the town's unlabelled reviews. They draw on all of its words, also on those that no labelled sentence has.

# %%
sentences = unlabelled_sentences(3000)
for sentence in sentences[:4]:
    print(sentence)
unlabelled = encoded_sentences(sentences)
judged = SoftRows(unlabelled, predict_logits(teacher, unlabelled))
scores["soft, more text"] = learn(judged, 4, loss=soft_loss)

# %%
figures.bars(
    list(scores), list(scores.values()), title="What a student learns depends on the text, more than on the targets",
    x_label="the teacher, and what the student learns from", y_label="accuracy on unseen words", chance=0.5,
)

# %%
# NBVAL_CHECK_OUTPUT
gain = scores["soft, more text"] - scores["labels"]
print("the student learned words that no label showed it" if gain > 0.15 else "it did not")

# %% [markdown]
# Over seeds, the student gains more than twenty points over labels alone (claim `04-distil-more-text`), with about a third of the weights, and stays less than twelve points behind its teacher (claim `04-distil-keeps`). It has seen no text but these three thousand sentences, and no label: the teacher passed its knowledge on, through its opinions.
#
# Is it the *softness*? Only in part: from the teacher's bare labels for the same sentences, a student comes within eight points (claim `04-distil-hard`). What made the difference is the text. Soft targets are worth having, and no substitute for data.
#
# ## Check your understanding
#
# 1. Your run needs 17 GiB and the card has 15. Name three changes, in the order in which you would try them.
# 2. LoRA trains 1% of the weights. Why does a step take more than half the time of a full one?
# 3. Two encoders have the same score. One has 66 M parameters, the other 125 M. What else would you look at?
#
# *Answers.* 1: a smaller batch with accumulation hardly changes the result; then shorter texts, if few are long; then LoRA, fewer layers or a smaller model. 2: forward and the gradients of the inputs remain: two of the three products, so two thirds of the FLOPs. 3: the licence, the tokenizer on *your* text, the longest text it takes, and how the scores were chosen.
#
# The exercises to this lesson answer back: open `exercises/04_choosing_a_model.ipynb`.
#
# ## Recap
#
# - Objective, architecture, tokenizer, size: with these four you can place any model.
# - Full fine-tuning with AdamW takes 16 bytes a weight, and activations on top; 6 FLOPs a weight and token.
# - Estimate, then measure. Peak is not the sum.
# - The head follows from what a token must see.
# - The card is part of the model, and so is the licence.
#
# **Next:** 05, feature extraction: what a pre-trained encoder knows before you train anything.
