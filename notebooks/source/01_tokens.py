# %% [markdown]
# # 01 · Tokens
#
# A language model never sees your text. It sees numbers, and a *tokenizer* decides which: it cuts the text into pieces, called **tokens**, and looks up a number for each. It is trained before the model and apart from it. When it goes wrong, nothing raises an error.
#
# **You will be able to**
#
# - train a tokenizer, and replay how it learned its pieces;
# - tell WordPiece, byte-level BPE and Unigram apart by what they do to a sentence;
# - read what a model is given: special tokens, mask, padding, truncated text, offsets;
# - say what a language, a domain and a badly made batch cost, in tokens;
# - recognise a model that was given another model's tokenizer.
#
# *About 40 minutes. The code runs in well under a minute on two CPU cores. Helpful before: lesson 00, start here.*

# %%
import time
from collections import Counter
from itertools import islice, pairwise

import numpy as np
import torch

from course_utils import (
    chosen,
    count_parameters,
    current_scale,
    evaluate,
    load_model,
    load_tokenizer,
    time_on_t4,
    tokens,
)
from course_utils.batching import batch_order
from course_utils.figures import tokens as figures
from course_utils.widgets.tokens import replay_merges, see_padding, see_tokens

print(current_scale(), time_on_t4("01"))
MODEL = chosen("model", "mini-encoder")
tokenizer = load_tokenizer(MODEL)

# %% [markdown]
# ## 1 · There and back
#
# **Predict.** A token can be a whole word or a part of one. Which words of this sentence will be cut into parts?

# %%
sentence = "The waiter was unfriendly, but the anchovies were scrumptious."
ids = tokenizer(sentence)["input_ids"]
print(tokenizer.convert_ids_to_tokens(ids))
print(ids)
print(tokenizer.decode(ids, skip_special_tokens=True))

# %% [markdown]
# All tokens that a tokenizer knows are listed in its **vocabulary**. A token's number says which row of the model's *embedding table* is looked up: a list of numbers, learned in training. Nothing else about the token reaches the model: not its letters, not its length.
#
# The tokenizer of the mini encoder keeps frequent words whole and spells rarer ones in pieces; `##` says "goes on from the piece before". Frequent means frequent in *this town*, whose reviews are full of *scrumptious*. The first and the last token stand for no text at all; section 4 explains them.
#
# Whole words only would leave no number for a word that nobody listed. Single characters spell nearly every word, but make texts several times as long. Most models today stand between the two: with **sub-words**, learned from text by counting.
#
# ## 2 · Learning pieces by counting
#
# [Byte-pair encoding](https://arxiv.org/abs/1508.07909) (BPE) needs one idea. Begin with characters. Find the pair of neighbours that occurs most often, and make it a token. Repeat.
#
# The text is first split into words and punctuation marks. Only pairs *inside* a word count, so no token reaches across a border between words.
#
# **Predict.** Which two characters stand side by side most often in the town's text, most of which is English?

# %%
# NBVAL_CHECK_OUTPUT
texts = tokens.world_texts(2000)  # reviews, news, almanac, notices, some French: the town's own text
words = tokens.count_words(texts)
pairs = Counter()
for word, count in words.items():
    for pair in pairwise(word):
        pairs[pair] += count  # once for every time the word occurs, not once per word
print(" ".join("".join(pair) for pair, _ in pairs.most_common(8)))

# %% [markdown]
# Now join the winner wherever it stands, count again, join again. Each such step is a **merge**. The package's `learn_merges` does this; open `course_utils/tokens.py` to read it. You will write one step of it in the exercises.
#
# **Predict.** `th` is second in the list above. Will it be the second merge?

# %%
# NBVAL_CHECK_OUTPUT
merges = tokens.learn_merges(words, 150)
print(" ".join(merge.token for merge in merges[:24]))
print(tokens.apply_merges("weather", merges), tokens.apply_merges("unfriendly", merges))

# %% [markdown]
# It is not. Most `t` `h` were followed by an `e`, and after the first merge they read `t` + `he`: a character and a new token. A token that was made takes part in the next count like any other. So pieces grow.
#
# **Predict.** Below, each box is a token. Which of the five words becomes a single token first? Which are still in pieces at the end?
#
# Move the slider one merge at a time. What a merge has made is orange with a thick outline. Watch the count in the title fall.

# %%
replay_merges(["the", "The", "weather", "delicious", "unfriendly"], merges)

# %% [markdown]
# Without widgets: `replay_merges(["weather"], merges, merge=40, widget=False)`.
#
# Two things to notice. From the second merge on, `The` and `the` have no token in common: to a tokenizer that keeps capitals they are different words. And the order matters: a new word is cut by replaying the merges in the order in which they were learned, not by looking for the longest piece.
#
# ## 3 · Three kinds, one size
#
# BPE is one of three kinds that you will meet.
#
# | kind | learns by | cuts a word by | used in |
# |---|---|---|---|
# | WordPiece | merging pairs | the longest piece from the left | [BERT](https://arxiv.org/abs/1810.04805), DistilBERT |
# | byte-level BPE | merging pairs of *bytes* | replaying merges | [GPT-2](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf), RoBERTa |
# | [Unigram](https://arxiv.org/abs/1804.10959) | starting large and dropping pieces | the most probable cut | T5, Marian (through [SentencePiece](https://arxiv.org/abs/1808.06226)) |
#
# Unigram gives every piece a probability, and takes the cut whose pieces have the highest product. The original WordPiece ([Schuster and Nakajima 2012](https://doi.org/10.1109/ICASSP.2012.6289079)) joins the pair that raises the probability of the text most; the library used here joins the most frequent one, as BPE does. All three learn now, from the same text, up to the same number of tokens.
#
# **Predict.** Will all three cut *anchovies* and *unfriendly* at the same places?

# %%
SIZE = 2000
trained = {kind: tokens.train(kind, texts, SIZE) for kind in tokens.KINDS}
{kind: len(trained[kind]) for kind in trained}

# %%
# NBVAL_CHECK_OUTPUT
for kind in trained:
    print(f"{kind:>9}:", " ".join(trained[kind].tokenize("The anchovies were unfriendly.")))

# %% [markdown]
# Each has its own way to remember spaces: WordPiece marks the piece that goes *on* (`##`), BPE writes the space into the token (`Ġ`), Unigram marks the *start* of a word (`▁`). Don't take these marks for differences between the cuts.
#
# The cuts differ too, although the text and the size were the same: most long words from outside the town are not cut alike by all three (claim `01-kinds-differ`).
#
# **Predict.** What does each kind do with a character that is in none of the town's texts, such as Ω?

# %%
# NBVAL_CHECK_OUTPUT
for kind in trained:
    inside = trained[kind]("5 Ω", add_special_tokens=False)["input_ids"]
    print(f"{kind:>9}:", trained[kind].convert_ids_to_tokens(inside), "→", trained[kind].decode(inside))

# %% [markdown]
# WordPiece and Unigram give the **unknown** token: the model cannot see what stood there, and decoding cannot bring it back. Byte-level BPE never meets an unknown character. Computers store Ω as two *bytes*, numbers from 0 to 255, and each of the 256 bytes is a token; `Î` and `©` are the signs by which these two are printed. Nothing is lost, at the price of more tokens.
#
# Type sentences of your own: a name, a word in another language, a typing error, an emoji, a number. A dot in a box is a space; a crossed box is unknown; the number after each name is the number of tokens. Real tokenizers join the list where they can be had (at hub scale, or if `COURSE_MODEL` names a folder).

# %%
at_hand = tokens.tokenizers_at_hand(trained)
see_tokens(at_hand, sentence)

# %% [markdown]
# Without widgets: `see_tokens(at_hand, "Your sentence.", widget=False)`.
#
# ## 4 · What a model is given
#
# A model takes a rectangular table of numbers, a row per text; but texts have different lengths. So short rows are filled up, and long ones cut.
#
# **Predict.** Two sentences go into one table. What has to be added to the shorter one?

# %%
# NBVAL_CHECK_OUTPUT
pair = ["The soup was cold.", "The waiter was polite and the soup was hot."]
batch = tokenizer(pair, padding=True, return_tensors="pt")
for ids, mask in zip(batch["input_ids"], batch["attention_mask"]):
    print(tokenizer.decode(ids))
    print(mask.tolist())

# %% [markdown]
# **Special tokens** are entries of the vocabulary that stand for no piece of text. Ours are those of BERT:
#
# - `[CLS]` goes in front; its vector may stand for the whole text;
# - `[SEP]` goes to the end, and between two texts;
# - `[PAD]` fills up short rows: **padding**;
# - `[MASK]` hides a word in pre-training;
# - `[UNK]` takes the place of what is unknown.
#
# Other families have other names, and some have fewer.
#
# The **attention mask** is 1 where a token is real and 0 where it is padding. Without it, the model reads the padding as text.
#
# An *encoder*, as ours is, reads a text and gives back one vector (a list of numbers) for each token.
#
# **Predict.** The first sentence alone, the first sentence padded with its mask, and the same without the mask: which of the three give the same vector for `[CLS]`?

# %%
# NBVAL_CHECK_OUTPUT
encoder = load_model(MODEL, "encoder").eval()
with torch.no_grad():
    alone = encoder(**tokenizer(pair[:1], return_tensors="pt")).last_hidden_state[0, 0]
    masked = encoder(**batch).last_hidden_state[0, 0]
    unmasked = encoder(input_ids=batch["input_ids"]).last_hidden_state[0, 0]
print("padded, with its mask:", "the same" if torch.allclose(alone, masked, atol=1e-4) else "another vector")
print("padded, without it:   ", "the same" if torch.allclose(alone, unmasked, atol=1e-4) else "another vector")

# %% [markdown]
# A forgotten mask is a bug that never crashes: a text's answer then depends on which other texts share its batch.
#
# **Truncation.** Every model has a longest input, and attention grows expensive long before. `truncation=True` cuts what is too long, by default at the end.
#
# **Predict.** The limit below is 16 tokens, `[CLS]` and `[SEP]` included. Does the review as a whole praise the place? Does the part that the model sees?

# %%
# NBVAL_CHECK_OUTPUT
review = (
    "The soup was delicious, the bread was crisp and the waiter was polite. "
    "Then came the bill, and a mouse. We shall never go there again."
)
cut = tokenizer(review, truncation=True, max_length=16)["input_ids"]
print(tokenizer.decode(cut, skip_special_tokens=True))

# %% [markdown]
# The complaint is gone, and nothing warned you. Where the whole text matters, ask for the **overflow** as well: the text then becomes several windows. Neighbouring windows share `stride` tokens, so that what one border cuts off stands whole in the next window, if it is no longer than that. (In this library the stride is the overlap. In many others, as in convolutions, it is the step.)

# %%
# NBVAL_CHECK_OUTPUT
windows = tokenizer(review, truncation=True, max_length=16, stride=4, return_overflowing_tokens=True)
for ids in windows["input_ids"]:
    print(tokenizer.decode(ids, skip_special_tokens=True))

# %% [markdown]
# Windows are cut by tokens, so one may begin inside a word.
#
# **Offsets** lead back from tokens to text: for each token, the first character that it stands for and the first one behind it. When a model says "the answer is tokens 7 to 9", or "token 3 begins a name", offsets turn that into text. Special tokens have the empty span `(0, 0)`.

# %%
text = "Aunt Ottoline praised the scrumptious anchovies."
encoded = tokenizer(text, return_offsets_mapping=True)
for token, (start, end) in zip(tokenizer.convert_ids_to_tokens(encoded["input_ids"]), encoded["offset_mapping"]):
    print(f"{token:>14}  {start:>3} to {end:>3}  {text[start:end]!r}")

# %% [markdown]
# Decoding tokens and searching for the result in the text is no substitute: a word may occur twice, and decoding does not always give back the spaces it was given.
#
# ## 5 · What a word costs
#
# **Fertility** is the number of tokens per word. Time, memory and a model's longest input are all counted in tokens, so fertility is a price. A word is here what stands between two spaces, with the punctuation that sticks to it.
#
# "English" and "French" below are the same notices of the town in two languages. Medicine, law and software are four sentences each from outside it.
#
# **Predict.** The tokenizers above learned from text with four French documents in a hundred. Order these by tokens per word: the town's text, its French, English about medicine.

# %%
parallel = tokens.parallel_texts(300)  # the same sentences in both languages
samples = {
    "the town": tokens.world_texts(300, seed=1),  # not what they learned from
    **parallel,
    **{name: list(texts) for name, texts in tokens.OUT_OF_DOMAIN.items()},
}
prices = {kind: {name: tokens.fertility(trained[kind], sample) for name, sample in samples.items()} for kind in trained}
figures.grouped_bars(
    prices, title="The further from its training text, the dearer a word",
    x_label="text", y_label="tokens per word",
)

# %%
# NBVAL_CHECK_OUTPUT
for kind, row in prices.items():
    print(f"{kind:>9}: {row['French'] / row['English']:.1f} times as many tokens per word in French as in English")

# %% [markdown]
# A French word has at least a quarter more tokens than an English one, whichever the kind (claim `01-french-costs-more`). Is French a dear language, then?
#
# **Predict.** We train a WordPiece tokenizer on the town's French alone. Which language is dearer now?

# %%
# NBVAL_CHECK_OUTPUT
learned_from = tokens.parallel_texts(1000, seed=5)["French"]  # other notices than those that are counted
of_french = tokens.train("WordPiece", learned_from, SIZE)
ratio = tokens.fertility(of_french, parallel["French"]) / tokens.fertility(of_french, parallel["English"])
print(f"learned from French: {ratio:.1f} times as many tokens per word in French as in English")

# %% [markdown]
# The price is not in the language: it is in what the tokenizer has read. Users of languages that were rare in the training text pay it with real models as well ([Petrov et al. 2023](https://arxiv.org/abs/2305.15425) found texts up to fifteen times as long as in another language).
#
# A word of medicine, law or software has at least a third more tokens than a word of the town (claim `01-other-domains-cost-more`). Are its words only longer?

# %%
# NBVAL_CHECK_OUTPUT
for name in ("the town", *tokens.OUT_OF_DOMAIN):
    words_there = [word for text in samples[name] for word in text.split()]
    letters = sum(map(len, words_there)) / len(words_there)
    print(f"{name:>9}: {letters:.1f} characters per word, {letters / prices['WordPiece'][name]:.1f} per token")

# %% [markdown]
# Both: the words are longer, *and* each token covers less of them. The second is the price of text that the tokenizer did not expect.
#
# ### How large should a vocabulary be?
#
# A larger vocabulary makes texts shorter. It also makes the embedding table longer: one row per token, and rows of rare tokens are seldom trained.

# %%
weights = encoder.get_input_embeddings().weight
print(f"{weights.shape[0]:,} tokens × {weights.shape[1]} numbers = {weights.numel() / count_parameters(encoder):.0%} of the model's parameters")

# %%
kinds_of_text = {"the town": samples["the town"], "French": parallel["French"], "medicine": samples["medicine"]}
curve = {name: {} for name in kinds_of_text}
for size in (500, 1000, 2000, 4000, 8000):
    candidate = trained["WordPiece"] if size == SIZE else tokens.train("WordPiece", texts, size)
    for name, sample in kinds_of_text.items():
        curve[name][size] = tokens.fertility(candidate, sample)
figures.vocabulary_curve(curve)

# %% [markdown]
# Each doubling of the vocabulary doubles the table, and buys less. In the town's text, going from 500 to 1,000 tokens shortens a text more than one and a half times as much as going from 4,000 to 8,000 (claim `01-vocabulary-pays-less`). In French it is the other way round (claim `01-french-waits`): places go to what is frequent, so the rare language is served last. Real models have some 30,000 tokens (BERT) to 250,000 ([XLM-R](https://arxiv.org/abs/1911.02116), a hundred languages).
#
# ## 6 · What padding costs
#
# A padded position costs as much time as a real one, and its result is thrown away.
#
# **Predict.** Documents of the town are put into batches of 32 at random. What share of all positions is padding? And if each batch holds documents of like length?

# %%
# NBVAL_CHECK_OUTPUT
lengths = np.array([len(ids) for ids in tokenizer(texts)["input_ids"]])  # (rows,)
orders = {
    "random": tokens.random_batches(len(lengths), 32, seed=0),
    "of like length": batch_order(lengths, batch_size=32, seed=0, epoch=0),
}
for name, batches in orders.items():
    print(f"{name:>14}: {tokens.padding_share(lengths, batches):.0%} padding")

# %% [markdown]
# In random batches more than 40 % is padding (claim `01-padding-random`); among documents of like length, less than 10 % (claim `01-padding-grouped`). Do the saved positions become saved time?
#
# **Predict.** From the two shares above: how many times as many real tokens a second will the second kind of batches give? Then take the clock.

# %%
for name, batches in orders.items():
    began, seen = time.perf_counter(), 0
    for rows in batches[:16]:
        inputs = tokenizer([texts[i] for i in rows], padding=True, return_tensors="pt")
        with torch.no_grad():
            encoder(**inputs)
        seen += int(inputs["attention_mask"].sum())
    print(f"{name:>14}: {seen / (time.perf_counter() - began):,.0f} real tokens/s")

# %% [markdown]
# If padding were free, both rates would be equal. If time followed the positions alone, their ratio would be that of the shares of *real* tokens. Grouping costs a sort, and the course's training loop does it for you. It draws rows at random into large pools, sorts each pool by length, cuts it into batches and shuffles the batches: so the order is still another one in every epoch. Look at one batch of each.

# %%
see_padding(lengths)

# %% [markdown]
# ## 7 · An honest failure: another model's tokenizer
#
# Here is a mistake that can cost days. The tokenizer of one model is used with the weights of another: after a typing error in a path, with a vocabulary trained anew, or with a *cased* model (it keeps capitals) and an *uncased* tokenizer (it lower-cases everything).
#
# We make such a pair on purpose. The foreign tokenizer learns from *the same town's text*, has as many tokens as the encoder has embeddings, and numbers its special tokens in the same way. The course checks every pair of model and tokenizer before it trains.
#
# **Predict.** Will the check object?

# %%
# NBVAL_CHECK_OUTPUT
from course_utils.models import check_pair

ours = load_tokenizer("mini-encoder")
foreign = tokens.train("WordPiece", tokens.world_texts(6000, seed=100), len(ours))
model = load_model("mini-encoder", "masked_lm").eval()
check_pair(model, foreign)
print("no objection")

# %% [markdown]
# It would notice another size, other special tokens, or text that is mostly unknown. Here all of these agree, and both tokenizers cut this sentence into sensible words:

# %%
print(ours.tokenize("The soup was cold."), ours("The soup was cold.")["input_ids"])
print(foreign.tokenize("The soup was cold."), foreign("The soup was cold.")["input_ids"])
shared = set(ours.get_vocab()) & set(foreign.get_vocab())
agree = [token for token in shared if ours.get_vocab()[token] == foreign.get_vocab()[token]]
print(f"{len(shared):,} tokens are in both vocabularies; {len(agree)} have the same number in both")

# %% [markdown]
# The numbers disagree, and numbers are all that the model gets. It looks up rows of its table that belong to other words. Ask it for a hidden word, as in pre-training. Its answer is a *logit*, a score, for each token of the vocabulary; the highest belongs to the most probable one.

# %%
def fill_in(tokenizer, text, best=6):
    """The words that the model finds most probable for `[MASK]`."""
    inputs = tokenizer(text, return_tensors="pt")
    place = inputs["input_ids"][0] == tokenizer.mask_token_id  # (time,)
    with torch.no_grad():
        logits = model(**inputs).logits[0, place][0]  # (vocab,)
    return tokenizer.convert_ids_to_tokens(logits.topk(best).indices.tolist())


for name, candidate in (("its own", ours), ("foreign", foreign)):
    print(f"{name:>8}:", ", ".join(fill_in(candidate, "The soup was [MASK] and the waiter was rude.")))

# %% [markdown]
# Now measure it. The **loss** on a hidden word is $-\log p$, with $p$ the probability that the model gave to the right token; its unit with the natural logarithm is the *nat*. Small is good. A uniform guess, the same probability for each of the $V$ tokens of the vocabulary, has a loss of $\log V$.
#
# **Predict.** Order three losses: the model's with its own tokenizer, its loss with the foreign one, and that of a uniform guess. Can a pre-trained model do *worse* than guess?

# %%
from course_utils.pretraining import MaskedRows, encode_documents
from course_utils.world import corpus

losses = {"uniform guess": float(np.log(len(ours)))}
for name, candidate in (("its own", ours), ("foreign", foreign)):
    documents = islice(corpus.documents(seed=777), 400)  # never read in pre-training
    rows, _ = encode_documents(documents, candidate, tokens=5_000)
    losses[name] = evaluate(model, MaskedRows(rows, candidate, seed=0), loss="masked_lm")["loss"]

# %%
# NBVAL_CHECK_OUTPUT
print(" < ".join(sorted(losses, key=losses.get)))

# %%
for name, loss in losses.items():
    print(f"{name:>13}: {loss:5.2f} nats per hidden word")

# %% [markdown]
# Worse than guessing, by two nats or more (claim `01-foreign-worse-than-guessing`): the model is *sure*, of the wrong words. No line of code complained.
#
# Fine-tuning hides the mistake better still. A model can learn the labels of a few hundred reviews from any numbers. But fine-tune the encoder on 512 labelled reviews, and test it on words that none of them contains: with the foreign tokenizer it loses more than 25 points of accuracy (claim `01-foreign-fine-tuning`). What pre-training knew about those words is stored under other numbers.
#
# To prevent it, load model and tokenizer by the same name. To find it, decode a batch *with the model's own tokenizer* and read it, or measure the loss on hidden words before you train.

# %%
print(ours.decode(foreign("The soup was cold and the waiter was rude.")["input_ids"]))

# %% [markdown]
# That is the sentence as the model reads it.
#
# ## Check your understanding
#
# 1. Your model's vocabulary has 30,000 tokens. Can it be given a word that is not among them?
# 2. Two texts give other logits when they share a batch than when each is alone. What do you look at first?
# 3. A colleague adds 500 words of her trade to a tokenizer, so that each is one token, and texts get shorter. What has the model lost for the moment?
# 4. Why can you not compare the loss per token of two models with different tokenizers?
#
# *Answers.* 1: yes, in pieces or as bytes; but WordPiece and Unigram make a character that they have never seen unknown. 2: the attention mask. 3: the new rows of its table are untrained: it knew the old pieces and knows nothing about the new tokens until it is trained further. 4: a token is another amount of text in each; compare per word or per character.
#
# The exercises to this lesson answer back: open `exercises/01_tokens.ipynb`.
#
# ## Recap
#
# - A tokenizer turns text into rows of an embedding table; it is learned by counting, before the model.
# - WordPiece, byte-level BPE and Unigram often cut the same word differently, and mark spaces differently.
# - A batch needs padding, padding needs a mask, and long texts need windows.
# - Fertility is a price: French and other domains pay more here, and random batches pay for padding.
# - A model and its tokenizer belong together, and nothing warns you when they don't.
#
# **Next:** 02, the Transformer: what happens to the vectors once they are looked up.
