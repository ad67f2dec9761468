# %% [markdown]
# # 02 · The Transformer
#
# Every model in this course is a Transformer: an encoder, a decoder, or both. In this lesson you build one from tensors, load the course's pre-trained weights into it, and get the same numbers as the library. Then you take it apart, to see what each part was for.
#
# **You will be able to**
#
# - compute attention by hand, and say what queries, keys and values are;
# - read an encoder, a decoder and an encoder–decoder in one page of PyTorch;
# - look into the heads of a pre-trained model;
# - say what breaks without positions, residuals, the square root or the mask;
# - count parameters and operations before you build anything.
#
# *About 60 minutes. The code runs in under a minute on two CPU cores. Helpful before: lesson 01, tokens.*

# %%
import torch

from course_utils import chosen, current_scale, figures, load_model, load_tokenizer
from course_utils.experiments import lesson_02 as lab
from course_utils.figures.attention import attention_map, head_overview, losses_by_step
from course_utils.transformer import (
    Anatomy,
    Attention,
    attention,
    attention_maps,
    count_flops,
    from_transformers,
    rebuilt,
    rotate,
)
from course_utils.widgets.attention import attention_explorer

print(current_scale())
MODEL = chosen("model", "mini-encoder")  # for the attention explorer: a name, a folder, or a repo id on the Hub

# %% [markdown]
# ## 1 · Attention on three tokens
#
# A model reads *the soup boiled*. Each token has a vector. To understand *boiled*, the model has to fetch something from *soup*. Three small matrices turn every vector into three others: a **query** (what am I looking for?), a **key** (what can I be found by?) and a **value** (what do I pass on?). Here they are given, two numbers wide.

# %%
words = ["the", "soup", "boiled"]
query = torch.tensor([[0.0, 1.0], [1.0, 0.0], [4.0, 0.0]])  # "boiled" looks for a thing: the first number
key = torch.tensor([[0.0, 1.0], [2.0, 0.0], [0.0, 2.0]])  # "soup" is a thing
value = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])  # (time, width)

# %% [markdown]
# The **score** of a pair is the product of its query and key, divided by the square root of their width. The softmax turns each row of scores into **weights** that sum to 1. The result is that mixture of the values.
#
# **Predict.** Which token will *boiled* look at, and what will it fetch, roughly?

# %%
# NBVAL_CHECK_OUTPUT
scores = query @ key.T / 2**0.5  # (time, time)
weights = scores.softmax(-1)
found = weights @ value  # (time, width)
for word, row, result in zip(words, weights.tolist(), found.tolist(), strict=True):
    print(f"{word:>7} looks at " + ", ".join(f"{w} {x:.2f}" for w, x in zip(words, row, strict=True)), end="")
    print(f"   and fetches ({result[0]:.1f}, {result[1]:.1f})")

# %%
attention_map(weights.numpy(), words, title="“boiled” looks at “soup”")

# %% [markdown]
# That is all of [scaled dot-product attention](https://arxiv.org/abs/1706.03762): no word is next to another, every token sees every other in one step, and nothing in it knows an order. The package writes it with axes for the batch and for **heads**: vectors are cut into runs of neighbouring numbers, and each run attends by itself.

# %%
# NBVAL_CHECK_OUTPUT
same, _ = attention(query[None, None], key[None, None], value[None, None], scale=2**-0.5)
print("the same as by hand:", torch.allclose(same[0, 0], found))
heads = Attention(Anatomy(width=8, layers=1, heads=2, head_width=4, inner=16))
x = torch.randn(1, 3, 8)  # (batch, time, width)
found, weights = heads(x, x, None)
print("found", tuple(found.shape), "weights", tuple(weights.shape))

# %% [markdown]
# ## 2 · Where am I?
#
# Shuffle the rows of `x` and the results are the same rows, shuffled: attention sees a bag of tokens. Order has to be put in. Our three models do it in the three usual ways:
#
# - **learned** (the decoder, GPT-2 type): each place has a vector, added to that of the token;
# - **rotary** (the encoder, [RoPE](https://arxiv.org/abs/2104.09864)): queries and keys are turned by an angle that grows with the place, so their product knows the distance;
# - **relative bias** (the encoder–decoder, [T5](https://arxiv.org/abs/1910.10683)): a learned number per distance and head, added to the scores.
#
# **Predict.** The same query and key stand at every place, turned by `rotate`. What pattern will the scores show?

# %%
# NBVAL_CHECK_OUTPUT
torch.manual_seed(1)
one, other = torch.randn(2, 16)
turned = [rotate(vector.expand(1, 1, 12, 16), theta=100.0)[0, 0] for vector in (one, other)]  # (time, width)
scores = turned[0] @ turned[1].T  # (time, time)
diagonals = [scores.diagonal(distance) for distance in range(-11, 12)]
print("equal along each diagonal:", all(torch.allclose(d, d[0], atol=1e-4) for d in diagonals))

# %%
places = [str(place) for place in range(12)]
attention_map(scores.softmax(-1).numpy(), places, title="One query, one key: the weight follows the distance")

# %% [markdown]
# ## 3 · A block, and a stack of them
#
# Around attention stand three more parts.
#
# - A **feed-forward** part works on each token by itself: up to a wider vector, a bend, down again. Attention fetches, this part thinks.
# - A **norm** brings each vector to a common length before a part reads it.
# - A **residual connection** *adds* what a part gives to what was there. The vectors of a text run through the model as a stream, to which every part adds a little.
#
# So a block is two lines: `x = x + attention(norm(x))` and `x = x + feed_forward(norm(x))`. Norm first, then the part: *pre-norm*. The Transformer of 2017 had the norm after the addition, and needed a long warm-up for it.

# %%
import inspect

from course_utils.transformer import Block

print(inspect.getsource(Block.forward))

# %% [markdown]
# The middle lines are **cross-attention**: a decoder's tokens ask, the tokens of a source answer. Open `course_utils/transformer.py` now and read it from `attention` to `EncoderDecoder`. Three models are made of the same parts:
#
# | | sees | positions | learns to |
# |---|---|---|---|
# | encoder | everything; in some layers only near tokens | rotary | fill in hidden words |
# | decoder | what is to the left | learned | go on |
# | encoder–decoder | source, and what is written so far | relative bias | restore or translate a text |
#
# A page that looks right may still be wrong. The proof: pour the pre-trained weights into it, and compare its logits with those of `transformers`.
#
# **Predict.** How large will the largest difference be: 0, a ten-thousandth, a tenth?

# %%
# NBVAL_CHECK_OUTPUT
texts = ["The soup was good.", "Nobody came back, because the room was cold and the music too loud."]
for name, head in (("mini-encoder", "masked_lm"), ("mini-decoder", "causal_lm"), ("mini-encoder-decoder", "seq2seq_lm")):
    theirs = load_model(name, head).eval()
    batch = load_tokenizer(name)(texts, padding=True, return_tensors="pt")
    batch = {key: batch[key] for key in ("input_ids", "attention_mask")}
    if head == "seq2seq_lm":
        batch["decoder_input_ids"] = batch["input_ids"].flip(0)
    with torch.no_grad():
        wanted, got = theirs(**batch).logits, from_transformers(theirs)(**batch)
    # Where there is padding, nobody reads the logits; and a difference counts against the largest of them.
    keep = torch.ones(wanted.shape[:2]).bool() if head == "seq2seq_lm" else batch["attention_mask"].bool()
    difference = (wanted - got)[keep].abs().max() / wanted[keep].abs().max()
    print(f"{name:>20}: {'equal to 1e-5' if difference < 1e-5 else f'they differ by {difference:.0e}'}")

# %% [markdown]
# The last digits differ because sums are taken in another order. Every weight found its place: loading is strict, so neither side has one too many.
#
# ## 4 · Look inside
#
# Now that you know what a head computes, watch the pre-trained ones. Rows ask, columns answer. Type a sentence of your own; move the sliders.
#
# **Predict.** Will there be a head that looks at the next token only? One that looks at the full stop or at `[SEP]`, whatever is asked?

# %%
encoder, tokenizer = load_model(MODEL, "encoder").eval(), load_tokenizer(MODEL)
SENTENCE = "The soup was cold, but the waiter of the Copper Kettle was charming."
attention_explorer(encoder, tokenizer, SENTENCE, layer=2, head=1)

# %% [markdown]
# (`attention_explorer(…, widget=False)` gives the same as a plain figure. In the library, weights are kept only with `attn_implementation="eager"`: fast kernels never write them down.)
#
# A head may look at `[SEP]` or a full stop because it has nothing to fetch: weights have to sum to 1, so they go where little is passed on. A weight is therefore no explanation: it says where a head looked, not what it made of it. How far do heads look, on average?

# %%
maps = attention_maps(encoder, tokenizer(SENTENCE, return_tensors="pt")["input_ids"])  # (layers, heads, time, time)
head_overview(maps.numpy())

# %% [markdown]
# Here every layer may look at every token; what a head looks at, it has learned. Large ModernBERT models let most layers see a neighbourhood only, which costs less on long texts.
#
# ## 5 · What a causal mask changes
#
# A decoder is trained to guess *every* next word in one pass. That works only if no position sees what it has to guess.
#
# **Predict.** We change one word late in a sentence. At which positions do the logits of the decoder change? And those of the encoder?

# %%
# NBVAL_CHECK_OUTPUT
for name, head in (("mini-encoder", "masked_lm"), ("mini-decoder", "causal_lm")):
    read, names = from_transformers(load_model(name, head)), load_tokenizer(name)
    ids = names("The room was warm and the food was good.", return_tensors="pt")["input_ids"]
    changed = ids.clone()
    changed[0, -4] = names("bad")["input_ids"][-2] if head == "masked_lm" else ids[0, 1]
    with torch.no_grad():
        moved = (read(ids) - read(changed)).abs().amax(-1)[0] > 1e-6  # (time,)
    before = bool(moved[:-4].any())
    print(f"{name}: the words before it {'change' if before else 'stay as they were, to the last bit that counts'}")

# %% [markdown]
# The encoder reads a text as a whole: that suits understanding. The decoder's past is settled: so it can be trained on all positions at once, and while it writes, nothing that it has computed needs computing again.
#
# ## 6 · Take a part away
#
# What is each part *for*? Take it away and see. First from the pre-trained encoder: the same weights, one part switched off, and the loss on hidden words of texts that it has not read.
#
# **Predict.** Which will hurt least: no positions, no square root, no residuals?

# %%
whole = from_transformers(load_model("mini-encoder", "masked_lm"))
rows = lab.hidden_words(seed=0, texts=50)
robbed = {"whole": {}, "no positions": {"positions": "none"}, "no square root": {"scaled": False}, "no residuals": {"residuals": False}}  # fmt: skip
losses = {name: lab.hidden_word_loss(rebuilt(whole, **change), rows) for name, change in robbed.items()}
figures.bars(
    list(losses), list(losses.values()), title="Every part is missed", x_label="the encoder", y_label="loss (nats per hidden word)"
)

# %% [markdown]
# Each alone costs the pre-trained encoder more than .3 nats per hidden word (claim `02-robbed-encoder`). But that is unfair: a model that has learnt to walk on two legs says nothing about those who never had any. So train small ones, from nothing, without the part.
#
# The task: rows of ten random letters, and for each the question *which letter stands to my left?* Guessing costs $\log 20 \approx 3.0$ nats.

# %%
runs = {
    "all parts": lab.learn_left_neighbour(),
    "no positions": lab.learn_left_neighbour(positions="none"),
    "8 layers": lab.learn_left_neighbour(layers=8),
    "8 layers, no residuals": lab.learn_left_neighbour(layers=8, residuals=False),
}
losses_by_step(runs, title="Who stands to my left?", floor=3.0)

# %%
# NBVAL_CHECK_OUTPUT
for name, losses in runs.items():
    print(f"{name:>22}: {'solved' if lab.end_of(losses) < 0.5 else 'not solved'}")

# %% [markdown]
# Without positions the model can at best narrow the answer down to the letters of the row (claim `02-positions-needed`). Without residuals eight layers learn nothing: what the input says is gone after a few random matrices, and so is the gradient on its way back (claim `02-residuals-needed`).
#
# The **square root** is a matter of size. A product of two random vectors of width $W$ has a spread of $\sqrt W$; with wide heads the softmax gives nearly everything to one token, and there its slope is nearly zero. Watch two runs with heads of width 128.

# %%
wide = {
    "divided by the root": lab.learn_left_neighbour(head_width=128),
    "not divided": lab.learn_left_neighbour(head_width=128, scaled=False),
}
losses_by_step(wide, title="Without the root, learning starts late", floor=3.0)

# %% [markdown]
# Not dead, but late (claim `02-root-saves-steps`). The optimizer can shrink the matrices itself, which costs it steps. In deeper and wider models, it may not get that far.
#
# **Shuffled words.** Does a *trained* model use the order? Shuffle the words of each text, and ask for the hidden ones again. Beside it stands a bag of words, which guesses from the mean of the visible words and has never heard of order.
#
# **Predict.** How much does each of the two lose?

# %%
bag = lab.learn_bag_of_words()
ordered, mixed = lab.hidden_words(seed=0, texts=50), lab.shuffled(seed=0, texts=50)
losses = {
    f"{name}, {how}": lab.hidden_word_loss(model, rows)
    for name, model in (("encoder", whole), ("bag of words", bag))
    for how, rows in (("in order", ordered), ("shuffled", mixed))
}
figures.bars(list(losses), list(losses.values()), title="Order is what the encoder lives on", x_label="", y_label="loss (nats per hidden word)")  # fmt: skip

# %%
# NBVAL_CHECK_OUTPUT
change = losses["bag of words, shuffled"] - losses["bag of words, in order"]
print("the bag of words notices nothing" if abs(change) < 1e-4 else f"the bag of words loses {change:.2f}")
print("the encoder does" if losses["encoder, shuffled"] > losses["encoder, in order"] + 1 else "nor does the encoder")

# %% [markdown]
# Shuffling costs the encoder more than two nats per hidden word (claim `02-shuffling-hurts`) and a bag of words nothing (claim `02-bag-does-not-mind`). The encoder is not only wrong on such text: it is sure of itself and wrong, since nothing in its training ever looked like this.
#
# ## 7 · Count before you build
#
# How large is a model, and what does a pass through it cost? Both follow from the configuration. A matrix from $a$ to $b$ numbers has $a \cdot b$ weights; and multiplying $T$ tokens by it takes $2 \cdot T \cdot a \cdot b$ floating-point operations, a multiplication and an addition each.

# %%
# NBVAL_CHECK_OUTPUT
a, V, T = whole.anatomy, whole.vocabulary, 64
D, inside = a.width, a.heads * a.head_width
attention_weights, feed_forward_weights = 4 * D * inside, 3 * D * a.inner  # gated: two matrices up, one down
norms = (2 * a.layers - 1) * D + 3 * D  # none before the first attention; embeddings, last, head
by_hand = V * D + a.layers * (attention_weights + feed_forward_weights) + norms + D * D + V  # tied: V·D once
counted = load_model("mini-encoder", "masked_lm").num_parameters()
print("parameters agree:", by_hand == sum(p.numel() for p in whole.parameters()) == counted)

# %%
# NBVAL_CHECK_OUTPUT
per_block = 2 * T * (attention_weights + feed_forward_weights) + 2 * (2 * T * T * inside)  # and: scores, mixture
flops = a.layers * per_block + 2 * T * D * D + 2 * T * D * V
print("operations agree:", flops == count_flops(whole, torch.zeros(1, T, dtype=torch.long)))

# %%
parts = {
    "attention, matrices": a.layers * 2 * T * attention_weights, "attention, pairs": a.layers * 4 * T * T * inside,
    "feed-forward": a.layers * 2 * T * feed_forward_weights, "logits": 2 * T * D * (V + D),
}  # fmt: skip
print(f"{by_hand:,} parameters, {flops / 1e6:.0f} million operations for {T} tokens")
figures.bars(list(parts), [n / flops for n in parts.values()], title="Where the work is", x_label="part", y_label="share of the operations")  # fmt: skip

# %% [markdown]
# In a model this small the logits cost most: one product with the whole vocabulary at every place. That is why pre-training asks for logits only where a word is hidden (lesson 03). Pairs of tokens cost little in short texts; their share grows with the length.
#
# ## 8 · An honest failure
#
# Here is causal attention with one line in the wrong place. The mask comes *after* the softmax: the weights of the future are set to zero. The map of weights looks perfect.

# %%
print(inspect.getsource(lab.mask_after_softmax))
allowed = torch.ones(3, 3).tril().bool()
_, weights = lab.mask_after_softmax(query, key, value, allowed, scale=2**-0.5)
attention_map(weights.numpy(), words, title="Nothing in the upper right: all is well?")

# %% [markdown]
# Two tiny decoders learn to write the entries of the town's visitors' book; one has the mistake. We know the entropy of these entries: nobody can guess them at a lower loss, on average, than the dotted line.
#
# **Predict.** Which one has the lower loss?

# %%
right, right_losses = lab.learn_entries()
leaky, leaky_losses = lab.learn_entries(leaky=True)
losses_by_step(
    {"masked before the softmax": right_losses, "masked after it": leaky_losses},
    title="A wonderful loss", floor=lab.entries().surprisal, floor_name="entropy of the entries", smooth=20,
)

# %% [markdown]
# The one with the mistake, on held-out rows as well (claim `02-leak-looks-better`). It even goes *below the entropy* (claim `02-leak-below-the-floor`). No training curve, no validation loss and no map of weights warns you. Let both write.

# %%
for name, model in (("masked before", right), ("masked after", leaky)):
    print(f"{name} the softmax:")
    for entry in lab.write_entries(model, 4):
        print("   ", entry)

# %% [markdown]
# When the model writes, there is no future to peek at. The softmax divides by the sum over *all* scores; so the weights of the past, small or large, told the model how well its query fits words to come, and it has learnt to read that. The test is simple: feed prefixes alone. An honest causal model gives the same loss either way.

# %%
# NBVAL_CHECK_OUTPUT
for name, leak in (("masked before", False), ("masked after", True)):
    whole_rows, prefixes = lab.held_out(0, leak)
    agree = abs(whole_rows - prefixes) < 0.5
    below = whole_rows < lab.entries().surprisal
    print(f"{name}: prefixes {'agree' if agree else 'disagree'} with whole rows; {'below' if below else 'above'} the entropy")

# %% [markdown]
# From prefixes alone the leaky model is more than a nat worse than the right one (claim `02-leak-cannot-write`), whose loss stays what it was (claim `02-right-keeps-its-loss`). If a loss looks too good, change the last word of a row and look at the logits before it.
#
# ## Check your understanding
#
# 1. A head's weights for *charming* are .9 on `[SEP]`. Does the model find `[SEP]` charming?
# 2. Twice as long texts: what happens to the cost of the feed-forward part, and of the pairs of tokens?
# 3. Why may cross-attention look at the whole source, even in a causal decoder?
#
# *Answers.* 1: no; weights must sum to 1, and a head with nothing to fetch puts them where little is passed on. 2: the former doubles, the latter grows fourfold. 3: the source is there before the first word is written; it holds nothing that is still to be guessed.
#
# The exercises to this lesson answer back: open `exercises/02_transformer.ipynb`.
#
# ## Recap
#
# - Attention: scores from queries and keys, shares by softmax, a mixture of the values.
# - Order comes from positions; depth from residuals and norms; honesty from a mask *before* the softmax.
# - Encoder, decoder and encoder–decoder are the same parts with other masks.
# - Parameters and operations follow from the configuration.
#
# **Next:** 03, pre-training: where the weights come from.
