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
import inspect

import torch

from course_utils import chosen, current_scale, figures, load_model, load_tokenizer, time_on_t4
from course_utils.experiments import lesson_02 as lab
from course_utils.figures.attention import attention_map, head_overview, losses_by_step
from course_utils.transformer import (
    Anatomy,
    Attention,
    Block,
    attention,
    attention_maps,
    count_flops,
    from_transformers,
    rebuilt,
    rotate,
)
from course_utils.widgets.attention import attention_explorer

print(current_scale(), time_on_t4("02"))
MODEL = chosen("model", "mini-encoder")  # for the attention explorer: a name, a folder, or a repo id on the Hub

# %% [markdown]
# ## 1 · Attention on three tokens
#
# A model reads *the soup boiled*. Each token has a vector. To understand *boiled*, the model has to fetch something from *soup*. So each vector is multiplied by three matrices, which training has found. That makes three new vectors of each: a **query** (what am I looking for?), a **key** (what can I be found by?) and a **value** (what do I pass on?). Here we write them down ourselves, two numbers wide.

# %%
words = ["the", "soup", "boiled"]
query = torch.tensor([[0.0, 1.0], [1.0, 0.0], [4.0, 0.0]])  # "boiled" looks for a thing: the first number
key = torch.tensor([[0.0, 1.0], [2.0, 0.0], [0.0, 2.0]])  # "soup" is a thing
value = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])  # (time, width)

# %% [markdown]
# The **score** of a pair is the product of one token's query and the other's key, divided by the square root of their width (section 6 shows why). The **softmax** turns a row of scores into **weights** that sum to 1: each score $s$ becomes $e^s$, divided by the sum of them all. The result is that mixture of the values:
#
# $$\text{attention}(Q, K, V) = \text{softmax}\left(\frac{QK^\top}{\sqrt W}\right) V$$
#
# **Predict.** Which token will *boiled* look at, and what will it fetch, roughly?

# %%
# NBVAL_CHECK_OUTPUT
scores_of_three = query @ key.T / 2**0.5  # (time, time)
weights = scores_of_three.softmax(-1)
found = weights @ value  # (time, width)
for word, row, result in zip(words, weights.tolist(), found.tolist(), strict=True):
    print(f"{word:>7} looks at " + ", ".join(f"{w} {x:.2f}" for w, x in zip(words, row, strict=True)), end="")
    print(f"   and fetches ({result[0]:.1f}, {result[1]:.1f})")

# %%
attention_map(weights.numpy(), words, title="“boiled” looks at “soup”")

# %% [markdown]
# *boiled* has a long query in the direction of *soup*'s key, so it fetches *soup*'s value nearly pure. The query of *the* points along the second number, where *boiled* has its key. Change a query in the cell above and run again.
#
# That is all of [scaled dot-product attention](https://arxiv.org/abs/1706.03762). Every token sees every other in one step, however far apart they are.
#
# One mixture per token is little: a verb may need its subject *and* its object. So there are several **heads**: each vector is cut into runs of neighbouring numbers, each run attends by itself, and the results are put side by side again. The package writes attention with axes for the batch and for the heads.

# %%
# NBVAL_CHECK_OUTPUT
same, _ = attention(query[None, None], key[None, None], value[None, None], scale=2**-0.5)
print("the same as by hand:", torch.allclose(same[0, 0], found))
torch.manual_seed(0)
heads = Attention(Anatomy(width=8, layers=1, heads=2, head_width=4, inner=16))
x = torch.randn(1, 3, 8)  # (batch, time, width)
found, weights = heads(x, x, None)  # who asks, who answers, no mask
print("found", tuple(found.shape), "weights", tuple(weights.shape))

# %% [markdown]
# `found` has a vector per token again. `weights` has a table per head: (batch, heads, who asks, who answers).
#
# ## 2 · Where am I?
#
# **Predict.** We put the three tokens into another order. Will each find something else?

# %%
# NBVAL_CHECK_OUTPUT
order = [2, 0, 1]
reordered, _ = heads(x[:, order], x[:, order], None)
print("the same vectors, reordered:", torch.allclose(reordered, found[:, order], atol=1e-6))

# %% [markdown]
# To attention, a text is a bag of tokens: *the dog bit the man* and *the man bit the dog* are alike. Order has to be put in. Our three models do it in the three usual ways:
#
# - **learned** (the decoder, GPT-2 type): each place has a vector, added to that of the token;
# - **rotary** (the encoder, [RoPE](https://arxiv.org/abs/2104.09864)): queries and keys are turned by an angle that grows with the place, so their product knows the distance;
# - **relative bias** (the encoder–decoder, [T5](https://arxiv.org/abs/1910.10683)): a learned number per distance and head, added to the scores.
#
# **Predict.** Now the same query and the same key stand at all of twelve places, turned by `rotate`. (`theta` says how slowly the slowest numbers turn.) What pattern will the table of scores show?

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
# Equal scores run along the diagonals: a score knows how far apart two tokens are, and not where in the text they stand. (The figure shows the weights. Near the edges they differ a little, since fewer distances share the 1.)
#
# ## 3 · A block, and a stack of them
#
# Around attention stand three more parts.
#
# - A **feed-forward** part works on each token by itself: a matrix up to a wider vector, a nonlinear function (an *activation*, such as GELU), a matrix down again. Attention moves information between tokens; this part works on what has arrived.
# - A **norm** brings each vector to a common length before a part reads it.
# - A **[residual connection](https://arxiv.org/abs/1512.03385)** *adds* what a part gives to what was there. So the vectors of a text run through the model as a *stream*, to which every part adds something.
#
# A **block** is two lines: `x = x + attention(norm(x))` and `x = x + feed_forward(norm(x))`. Norm first, then the part: *pre-norm*. The Transformer of 2017 had the norm after the addition; its training has to begin with very small steps ([Xiong et al. 2020](https://arxiv.org/abs/2002.04745)).

# %%
print(inspect.getsource(Block.forward))

# %% [markdown]
# The first and the last line are the two of above (`self.add` is the residual connection). The middle ones are **cross-attention**, for models that translate: the tokens written so far ask, the tokens of another text, the *source*, answer.
#
# **Predict.** Three tokens are written, and the source has five. What shape has the table of weights? What shape has that which was found?

# %%
# NBVAL_CHECK_OUTPUT
source = torch.randn(1, 5, 8)  # (batch, source, width)
found, weights = heads(x, source, None)
print("found", tuple(found.shape), "weights", tuple(weights.shape))

# %% [markdown]
# A vector for each token that *asks*; the source only answers. Now open `course_utils/transformer.py` and read it from `attention` to `EncoderDecoder`. Three kinds of model are made of these parts. The last two columns are those of ours:
#
# | | sees | positions | learns to |
# |---|---|---|---|
# | encoder | the whole text | rotary | fill in hidden words |
# | decoder | what is to the left | learned | continue a text |
# | encoder–decoder | the source, and what is written so far | relative bias | restore or translate a text |
#
# Code that looks right may still be wrong. The proof: load the pre-trained weights into it, and compare its *logits* (a score for each word of the vocabulary, at every place) with those of `transformers`.
#
# **Predict.** How large will the largest difference be, measured by the largest logit: a tenth, a thousandth, or below a hundred-thousandth?

# %%
# NBVAL_CHECK_OUTPUT
texts = ["The soup was good.", "Nobody came back, because the room was cold and the music too loud."]
for name, head in (("mini-encoder", "masked_lm"), ("mini-decoder", "causal_lm"), ("mini-encoder-decoder", "seq2seq_lm")):
    theirs = load_model(name, head).eval()
    batch = load_tokenizer(name)(texts, padding=True, return_tensors="pt")
    batch = {key: batch[key] for key in ("input_ids", "attention_mask")}
    if head == "seq2seq_lm":
        batch["decoder_input_ids"] = batch["input_ids"].flip(0)  # written: the other text of the two
    with torch.no_grad():
        wanted, got = theirs(**batch).logits, from_transformers(theirs)(**batch)
    # Nobody reads the logits of padding.
    keep = torch.ones(wanted.shape[:2]).bool() if head == "seq2seq_lm" else batch["attention_mask"].bool()
    difference = (wanted - got)[keep].abs().max() / wanted[keep].abs().max()
    print(f"{name:>20}: {'equal to 1e-5' if difference < 1e-5 else f'they differ by {difference:.0e}'}")

# %% [markdown]
# The last digits may differ, because a computer's sums depend on their order. Every weight found its place: loading fails if either side has one too many.
#
# ## 4 · Look inside
#
# Now that you know what a head computes, watch the pre-trained ones. A row of the map is the token that asks, a column one that answers; dark means a large weight. Type a sentence of your own; move the sliders.
#
# **Predict.** Will there be a head that looks at the next token only? One that looks at the full stop or at `[SEP]`, whatever is asked?

# %%
encoder, tokenizer = load_model(MODEL, "encoder").eval(), load_tokenizer(MODEL)
SENTENCE = "The soup was cold, but the waiter of the Copper Kettle was charming."
attention_explorer(encoder, tokenizer, SENTENCE, layer=2, head=1)

# %% [markdown]
# (`attention_explorer(…, widget=False)` gives the same as a plain figure. In the library, weights are kept only with `attn_implementation="eager"`: fast kernels never write them down.)
#
# In BERT, many heads look mostly at `[SEP]` or at full stops ([Clark et al. 2019](https://arxiv.org/abs/1906.04341)). A head that has nothing to fetch cannot stay idle: its weights have to sum to 1, so they may go where little is passed on. A weight is therefore no explanation: it says where a head looked, not what it made of it ([Jain and Wallace 2019](https://arxiv.org/abs/1902.10186)).
#
# How far do heads look? Each cell below is a mean distance. A head that looks at all tokens alike would be at a third of their number.

# %%
maps = attention_maps(encoder, tokenizer(SENTENCE, return_tensors="pt")["input_ids"])  # (layers, heads, time, time)
head_overview(maps.numpy())

# %% [markdown]
# Every head of the mini encoder may look at every token; how far it looks, it has learned. Large models of its type, [ModernBERT](https://arxiv.org/abs/2412.13663), let most layers see a neighbourhood only, which costs less on long texts.
#
# ## 5 · What a causal mask changes
#
# A decoder is trained to guess *every* next word in one pass. That works only if no position sees what it has to guess: token $t$ may look at token $s$ only if $s \le t$. This is the **causal mask**. It sets the other scores to $-\infty$ before the softmax, and $e^{-\infty} = 0$.
#
# **Predict.** In *the soup boiled*, what will be the weights of *the*, which has only itself to look at?

# %%
# NBVAL_CHECK_OUTPUT
allowed = torch.ones(3, 3, dtype=torch.bool).tril()  # (time, time): row t may see columns up to t
masked = scores_of_three.masked_fill(~allowed, -torch.inf)
for word, row in zip(words, masked.softmax(-1).tolist(), strict=True):
    print(f"{word:>7} looks at " + ", ".join(f"{w} {x:.2f}" for w, x in zip(words, row, strict=True)))

# %% [markdown]
# The upper right is empty, and each row still sums to 1.
#
# **Predict.** We change one word late in a sentence. At which positions do the logits of the decoder change? And those of the encoder?

# %%
# NBVAL_CHECK_OUTPUT
for name, head in (("mini-encoder", "masked_lm"), ("mini-decoder", "causal_lm")):
    read, names = from_transformers(load_model(name, head)), load_tokenizer(name)
    texts = ("The tea was hot and the room was cold.", "The tea was hot and the soup was cold.")
    first, second = (names(text, return_tensors="pt")["input_ids"] for text in texts)
    with torch.no_grad():
        moved = (read(first) - read(second)).abs().amax(-1)[0] > 1e-5  # (time,)
    print(f"{name}, where the logits change:")
    print("   ", " ".join(t if m else "·" for t, m in zip(names.convert_ids_to_tokens(second[0].tolist()), moved)))

# %% [markdown]
# A dot is a place where nothing changes. (`Ġ` is a space before the word, as in lesson 01.) The encoder reads a text as a whole. The decoder's past is settled, which has two uses. It can be trained on all positions at once. And while it writes, the keys and values of the past can be kept: the *KV cache*.
#
# ## 6 · Take a part away
#
# What is each part *for*? Take it away and see. First from the pre-trained encoder: the same weights, one part switched off, and the loss on hidden words of texts that it has not read. (The loss is $-\log p$ of the right word, in nats, as in lesson 01.)
#
# **Predict.** Which will hurt least: no positions, no square root, no residuals?

# %%
whole = from_transformers(load_model("mini-encoder", "masked_lm"))
rows = lab.hidden_words(seed=0, texts=50)
changes = {
    "whole": {}, "no positions": {"positions": "none"},
    "no square root": {"scaled": False}, "no residuals": {"residuals": False},
}  # fmt: skip
losses = {name: lab.hidden_word_loss(rebuilt(whole, **change), rows) for name, change in changes.items()}
figures.bars(
    list(losses), list(losses.values()), title="Every part is missed", x_label="the encoder", y_label="loss (nats per hidden word)"
)

# %% [markdown]
# Each alone costs the pre-trained encoder more than .3 nats per hidden word (claim `02-robbed-encoder`). But that is unfair: these weights were trained with the part in place. So train small models from nothing, without the part.
#
# The task: rows of ten letters, drawn at random from twenty, and at each letter the question *which letter stands to my left?* Guessing costs $\log 20 \approx 3.0$ nats.
#
# **Predict.** Four models: two layers, two layers without positions, eight layers, eight layers without residuals. Which will solve it?

# %%
runs = {
    "2 layers": lab.learn_left_neighbour(),
    "2 layers, no positions": lab.learn_left_neighbour(positions="none"),
    "8 layers": lab.learn_left_neighbour(layers=8),
    "8 layers, no residuals": lab.learn_left_neighbour(layers=8, residuals=False),
}
losses_by_step(runs, title="Who stands to my left?", floor=3.0)

# %%
# NBVAL_CHECK_OUTPUT
for name, losses in runs.items():
    print(f"{name:>22}: {'solved' if lab.end_of(losses) < 0.5 else 'not solved'}")

# %% [markdown]
# Without positions the model can at best narrow the answer down to the letters of the row (claim `02-positions-needed`). Without residuals eight layers learn nothing (claim `02-residuals-needed`): at the start every layer mixes its input with random weights, and nothing carries the letters past it, or the gradient back.
#
# The **square root** is a matter of size.
#
# **Predict.** Queries and keys are random numbers of spread 1. Each of their products is a sum of as many terms as they are wide. How does its spread grow with the width? And the largest of ten weights?

# %%
# NBVAL_CHECK_OUTPUT
torch.manual_seed(0)
for width in (4, 64, 1024):
    products = torch.randn(1000, width) @ torch.randn(10, width).T  # (queries, keys)
    sharp, soft = (p.softmax(-1).amax(-1).mean() for p in (products, products / width**0.5))
    print(f"width {width:>4}: spread {products.std():2.0f}, largest weight {sharp:.1f}; divided by the root {soft:.1f}")

# %% [markdown]
# The spread is $\sqrt W$. With wide heads the softmax gives nearly all to one token; a small change of the scores then changes hardly anything, so there is hardly a gradient. Divided by the root, the weights are about as large at every width.
#
# **Predict.** Two runs with heads of width 128, one of them without the root. Will it learn?

# %%
wide = {
    "divided by the root": lab.learn_left_neighbour(head_width=128),
    "not divided": lab.learn_left_neighbour(head_width=128, scaled=False),
}
losses_by_step(wide, title="Without the root, learning starts late", floor=3.0)

# %% [markdown]
# It learns, but later (claim `02-root-saves-steps`). The matrices of queries and keys are trained too, so a model can make its scores smaller by itself; but that costs steps.
#
# **Shuffled words.** Does a *trained* model use the order? Shuffle the words of each text, and ask for the hidden ones again. Beside it stands a *bag of words*, a model that guesses from the mean of the visible words' vectors, wherever they stand.
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
bars = losses | {"uniform guess": float(torch.tensor(whole.vocabulary).log())}
figures.bars(
    list(bars), list(bars.values()), title="The encoder needs the order", x_label="model, and order of the words",
    y_label="loss (nats per hidden word)",
)  # fmt: skip

# %%
# NBVAL_CHECK_OUTPUT
change = losses["bag of words, shuffled"] - losses["bag of words, in order"]
print("the bag of words notices nothing" if abs(change) < 1e-4 else f"the bag of words loses {change:.2f}")
print("the encoder does" if losses["encoder, shuffled"] > losses["encoder, in order"] + 1 else "nor does the encoder")

# %% [markdown]
# Shuffling costs the encoder more than two nats per hidden word (claim `02-shuffling-hurts`) and a bag of words nothing (claim `02-bag-does-not-mind`). Compare the encoder's bar for shuffled words with the last one. A model above a uniform guess is not only wrong: it is sure of what is wrong, as with the foreign tokenizer of lesson 01.
#
# ## 7 · Count before you build
#
# How large is a model, and what does a pass through it cost? Both follow from the configuration. A matrix from $a$ to $b$ numbers has $a \cdot b$ weights; and multiplying $T$ tokens by it takes $2 \cdot T \cdot a \cdot b$ floating-point operations, a multiplication and an addition each.
#
# The mini encoder has
#
# - a table of $V$ tokens, $D$ numbers each, which is used twice: to read words, and at the end to name them (*tied* weights);
# - four matrices for attention in each block: queries, keys, values, and one that mixes what the heads found;
# - three for the feed-forward part: two up and one down. One of the two is a *gate*: it decides how much of the other passes ([Shazeer 2020](https://arxiv.org/abs/2002.05202));
# - norms, with a number per unit of width;
# - a head: one more matrix, and a number per token of the vocabulary.

# %%
# NBVAL_CHECK_OUTPUT
a, V = whole.anatomy, whole.vocabulary
D, inside = a.width, a.heads * a.head_width
attention_weights, feed_forward_weights = 4 * D * inside, 3 * D * a.inner
norm_weights = (2 * a.layers - 1) * D + 3 * D  # two a block, but one in the first; embeddings, last, head
head_weights = D * D + V
by_hand = V * D + a.layers * (attention_weights + feed_forward_weights) + norm_weights + head_weights
counted = load_model("mini-encoder", "masked_lm").num_parameters()
print("parameters agree:", by_hand == sum(p.numel() for p in whole.parameters()) == counted)

# %% [markdown]
# The work of one forward pass over $T$ tokens is that of all matrices, and two products without weights: every query with every key, and the mixtures of the values.
#
# **Predict.** Which takes most of it in this small model: attention, feed-forward, or the logits?

# %%
# NBVAL_CHECK_OUTPUT
T = 64
per_block = 2 * T * (attention_weights + feed_forward_weights) + 2 * (2 * T * T * inside)  # scores, mixtures
flops = a.layers * per_block + 2 * T * D * D + 2 * T * D * V  # blocks, head, logits
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
# Here is causal attention with one line in the wrong place, against section 5. The mask comes *after* the softmax: the weights of the future are set to zero. The map of weights looks perfect.

# %%
print(inspect.getsource(lab.mask_after_softmax))
allowed = torch.ones(3, 3).tril().bool()
_, weights = lab.mask_after_softmax(query, key, value, allowed, scale=2**-0.5)
attention_map(weights.numpy(), words, title="Nothing in the upper right: all is well?")

# %% [markdown]
# Two tiny decoders learn to write the entries of the town's visitors' book; one has the mistake. Since the entries are drawn by known rules, their *entropy* is known: the mean loss of somebody who knows all the rules. Nobody can guess them at a lower loss, on average, than this dotted line.
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
# The one with the mistake, and on held-out rows as well (claim `02-leak-looks-better`). It even goes *below the entropy* (claim `02-leak-below-the-floor`). No training curve, no validation loss and no map of weights warns you. Let both write.

# %%
for name, model in (("masked before", right), ("masked after", leaky)):
    print(f"{name} the softmax:")
    for entry in lab.write_entries(model, 4):
        print("   ", entry)

# %% [markdown]
# When the model writes, there is no future to look at. In training there was: the softmax divides by the sum over *all* scores, those of the future too. If a word to come fitted the query well, all weights of the past were small, and the model has learned to read that. The test: give it the beginnings of rows alone, the *prefixes*. An honest causal model has the same loss either way.

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
# 1. In the row of *charming*, a head gives `[SEP]` a weight of .9. Is `[SEP]` important for the meaning of *charming*?
# 2. Twice as long texts: what happens to the cost of the feed-forward part, and of the pairs of tokens?
# 3. Why may cross-attention look at the whole source, even in a causal decoder?
#
# 4. You take the positions out of a text's vectors. Which two sentences can the model no longer tell apart?
#
# *Answers.* 1: not necessarily; weights must sum to 1, and a head with nothing to fetch may put them where little is passed on. 2: the former doubles, the latter grows fourfold. 3: the source is there before the first word is written; it holds nothing that is still to be guessed. 4: any two with the same words in another order.
#
# The exercises to this lesson answer back: open `exercises/02_transformer.ipynb`.
#
# ## Recap
#
# - Attention: scores from queries and keys, shares by softmax, a mixture of the values.
# - Positions tell the order; residuals and norms make deep stacks trainable; a causal mask belongs *before* the softmax.
# - Encoder, decoder and encoder–decoder are the same parts: with or without a causal mask, with or without cross-attention.
# - Parameters and operations follow from the configuration.
#
# **Next:** 03, pre-training: where the weights come from.
