# %% [markdown]
# # 03 · Pre-training
#
# Where does a pre-trained model get what it knows? From guessing: what comes next, what was hidden, what was cut out. In this lesson you make four such guessing games of plain text, and train a small model on each of them. The text has a property that no real text has: you know **exactly** how well it can be guessed.
#
# **You will be able to**
#
# - turn text into inputs and labels in four ways, and say which models are trained so;
# - read a loss: against counting models, in bits, as perplexity, and against the entropy of the text;
# - recognise, by its loss, a model that sees its own answers;
# - draw text from a model with temperature, top-k and top-p.
#
# *About 50 minutes. The code runs in about a minute on two CPU cores. Helpful before: lessons 01 and 02.*

# %%
import math

from course_utils import (
    evaluate,
    experiments,
    figures,
    load_model,
    load_tokenizer,
    train,
    training_steps,
    widgets,
)
from course_utils.experiments import lesson_03 as lab
from course_utils.figures import pretraining as pictures
from course_utils.pretraining import causal_lm, masked_lm, next_sentence, span_corruption
from course_utils.widgets import pretraining as playground
from course_utils.world import bulletins

# %% [markdown]
# ## 1 · A text that can be guessed only so well
#
# The town's bulletins come from a small grammar, in which there is only one way to arrive at each text. So the probability of a bulletin is known: multiply the chances of the choices that lead to it. Its **surprisal** is $-\ln$ of that probability, counted in *nats*. One nat is the surprise of something that had a chance of 1 in $e \approx 2.718$; with every nat more the chance is divided by $e$ once more.

# %%
for text in lab.bulletin_texts(6):
    nats = bulletins.surprisal(text)
    print(f"{nats:4.1f} nats, 1 in {math.exp(nats):>13,.0f}  {text}")

# %% [markdown]
# The mean surprisal over all bulletins is the **entropy** of the language: the loss of a reader who knows its rules by heart. On text that it has not read before, no model does better in the long run. That is a **floor**, and you will see it beside every curve of a causal model below.
#
# **Predict.** After "High water at 7, low water at", what is left to guess? And after "The council has moved from"?

# %%
# NBVAL_CHECK_OUTPUT
for beginning in ("Bulletin: tides. High water at 7, low water at", "Bulletin: council. The council has moved from"):
    options = bulletins.next_words(beginning)
    nats = sum(p * math.log(1 / p) for p in options.values())
    print(f"{len(options)} way(s) to go on, {nats:.2f} nats: {', '.join(option.strip() for option in options)}")

# %% [markdown]
# Low water comes six hours after high water, so nothing is left to guess, if you can add. Which day it is, nobody can know: that costs $\ln 7$ nats, whatever the model.
#
# Losses are given per token, and come in three units. Nats divided by $\ln 2$ are **bits**. The exponential of the nats is the **perplexity**: so many equally likely tokens would be as hard to guess.

# %%
# NBVAL_CHECK_OUTPUT
validation, floor = lab.validation_rows()
print(f"{bulletins.entropy():.2f} nats a bulletin, {bulletins.entropy() / bulletins.mean_words():.2f} a word")
print(f"validation rows: {floor:.2f} nats per token, {floor / math.log(2):.2f} bits, perplexity {math.exp(floor):.2f}")

# %% [markdown]
# A token costs less than a word here, because commas, full stops and the end of the text are tokens as well, and easy ones. So nats and perplexity *per token* depend on the tokenizer. Compare models per token only if they share one.
#
# ## 2 · What comes next? Causal language modelling
#
# GPT's game: each token is the label of the one before it. The inputs leave out the last token, the labels the first. The special token `<|endoftext|>` stands before and after each text, so that the model learns how to begin and when to stop.

# %%
# NBVAL_CHECK_OUTPUT
tokenizer = lab.bulletin_tokenizer()
encoded = tokenizer(["Bulletin: tides. High water at 7, low water at 1."], return_tensors="pt")
inputs, labels = causal_lm(encoded["input_ids"], encoded["attention_mask"])
read, expected = (tokenizer.convert_ids_to_tokens(ids[0][:9]) for ids in (inputs, labels))
for a, b in zip(read, expected):
    print(f"{a.replace('Ġ', '·'):>14} → {b.replace('Ġ', '·')}")  # Ġ is how byte-level BPE writes a space

# %% [markdown]
# Two models that only count set the scale. The *unigram* model knows how frequent each token is. The *bigram* model knows how often each token followed each other one.
#
# **Predict.** A decoder of 0.2 million parameters reads bulletins for 300 steps. Where does its loss end: above the bigrams, between them and the floor, or below the floor?

# %%
baselines = lab.count_losses()
print({name: round(value, 2) for name, value in baselines.items()}, "· entropy", round(floor, 2))

# %%
STEPS = 300
decoder, words = lab.tiny_decoder(), lab.like_words(tokenizer)
rows, _ = lab.bulletin_rows(270_000)  # 300 steps read them about once


def look(model):
    """What we want to see of the model while it learns, for this section and the next two."""
    return {
        "samples": lab.sample(model, tokenizer, bulletins.OPENING, n=8, seed=3, max_length=48),
        "probes": lab.probe_losses(model, tokenizer),
        "vectors": lab.word_vectors(model, words)[0],
    }


# %%
records, looks = lab.snapshots(decoder, training_steps(decoder, rows, lab.learn(STEPS)), every=30, look=look)
history = lab.frame_of(records)
reached = evaluate(decoder, validation)["loss"]
pictures.above_floor({"decoder": history}, floor, baselines=baselines)

# %%
# NBVAL_CHECK_OUTPUT
print("below the bigrams" if reached < baselines["bigrams"] else "not below the bigrams")
print("above the floor" if reached > floor else "below the floor")

# %% [markdown]
# The decoder passes both counting models, and stays above the floor; after 300 steps it is less than 0.8 nats per token away (claim `03-approaches-floor`). More steps bring it nearer (claim `03-longer-is-closer`). The shipped decoder, which read millions of tokens, is within 0.05 nats (claim `03-decoder-at-floor`).
#
# What does a falling loss look like from outside? Let the model write. The ✗ stands before the first word that the grammar does not allow, and in front is how many words eight samples get right on average.

# %%
for step, seen in looks.items():
    right = sum(map(lab.words_before_slip, seen["samples"])) / len(seen["samples"])
    print(f"step {step:3}, {right:4.1f} words right: {lab.marked(seen['samples'][1])[:100]}")

# %% [markdown]
# First the tokens come in no order, then in phrases, then in sentences. Samples keep to the rules for longer and longer (claim `03-samples-keep-rules`). They read well before they are right: late slips are mostly words or numbers that suit their neighbours and not the sentence. Section 9 has a decoder that got further.
#
# ## 3 · Why loss falls in stages
#
# Look at the curve above once more. Around step 20 it slows down near the line of the unigrams (claim `03-unigrams-first`): the model knows which tokens are frequent, and little else. Then it drops again.
#
# A loss is a mean over many kinds of places, and each kind is learned at its own time. Here are four whose floor is known: a set phrase ("low water *at*"), agreement ("Eggs *are*"), a sum ("six hours later"), and a day that nobody can know. The thin lines are their floors.
#
# **Predict.** In which order are they learned?

# %%
floors = {name: least for name, (_, least) in lab.PROBES.items()}
pictures.stages({step: seen["probes"] for step, seen in looks.items()}, floors)

# %% [markdown]
# The phrase and the agreement depend on the token before. Counting is enough for them, and they come first. The day falls towards its floor and no further: what cannot be known is not learned. And the sum?

# %%
cost = looks[STEPS]["probes"]["six hours later"]
print(f"the sum costs {cost:.2f} nats; a guess among the eight hours that are possible here costs {math.log(8):.2f}")

# %% [markdown]
# The model has learned *that* an hour comes, and not *which* (claim `03-sum-is-a-guess`). The sum still costs more than a nat more than the set phrase (claim `03-local-first`). For it, attention has to find a number several words back, and each hour is a fact of its own. That is why the loss of a real model falls in stages: first how frequent words are, then what stands side by side, then what has to be looked up.
#
# ## 4 · Words of one kind draw together
#
# Nobody told the model what a town is. But towns stand in the same places, so the gradients of their vectors point the same way. Press **Play**. Each point is the embedding of a word, drawn along the two directions in which the vectors differ most at the end (their *principal components*).

# %%
vectors = {step: seen["vectors"] for step, seen in looks.items()}
_, kinds, names = lab.word_vectors(decoder, words)
likeness = {step: lab.likeness(v, kinds) for step, v in vectors.items()}
pictures.words_drawing_together(vectors, kinds, names, likeness=likeness)

# %%
# NBVAL_CHECK_OUTPUT
print("drawn together" if likeness[STEPS] > likeness[0] + 0.1 else "not drawn together")

# %% [markdown]
# *Likeness* is the mean cosine of two words of one kind minus that of two words of different kinds: 0 is chance. It rises in every run (claim `03-like-words`). This is what fine-tuning builds on: a label given to one word reaches its neighbours.
#
# ## 5 · What was hidden? Masked language modelling
#
# BERT's game: hide some words and guess them from **both** sides. Of the hidden words 80 % become a mask token, 10 % another word, 10 % stay, so that the model can trust no word. A word of several pieces is hidden whole, as in the later *whole-word* BERT: from its other pieces it could be spelt without being understood. A label of -100 means "no target".

# %%
# NBVAL_CHECK_OUTPUT
wordpieces = lab.word_tokenizer()
encoded = wordpieces(["Bulletin: market. Eggs are up, at 14 pence a dozen."], return_tensors="pt")
inputs, labels = masked_lm(encoded["input_ids"], wordpieces, rate=0.35, seed=9)  # BERT's rate is 0.15
print(wordpieces.decode(inputs[0]))
for place in (labels[0] != -100).nonzero().flatten():
    print(f"{wordpieces.decode(inputs[0][place]):>8} is to be read as {wordpieces.decode(labels[0][place])}")

# %% [markdown]
# All three fates are there: two words are masked, the comma has become another word, and "a" stays as it is and is a target all the same.
#
# **Predict.** An encoder of the same width reads bulletins for 300 steps, with a quarter of the words hidden. Will it come as far as the decoder did?

# %%
encoder = lab.tiny_encoder()
masked_text = lab.masked_rows(200_000)
masked = train(encoder, masked_text, lab.learn(STEPS, learning_rate=8e-3), progress=False).frame
figures.loss_curves({"masked words": masked}, title="A masked model learns from few targets, and slowly", smooth=10)

# %% [markdown]
# Here, too, the truth is known. By Bayes' rule the true probability of a word in a blank is the probability of the text with this word, divided by the sum over all words that fit. So hide one word in each of some fresh bulletins, and ask three readers.

# %%
readers = lab.one_word_hidden(encoder)
print({name: round(nats, 2) for name, nats in readers.items()}, "nats per hidden word")

# %% [markdown]
# With as many steps the encoder has gone a smaller part of the way from counting to the truth than the decoder (claim `03-masked-is-slower`). Only a quarter of the tokens are targets; the causal model learns from every one. In exchange, each vector of the encoder has seen both sides of its word.
#
# Below are the model's guesses for one blank beside the true probabilities. Write another bulletin with one blank, and compare.

# %%
playground.fill_in(encoder, wordpieces, "Bulletin: market. Eggs are up, at ____ pence a dozen.", truth=lab.true_fillings)

# %% [markdown]
# The encoder that ships with the course has read millions of tokens of the whole town: reviews, news, notices. What it puts into a blank is what fine-tuning builds on in lessons 05 to 07. Try it with a good soup and with a bad one.

# %%
shipped = load_tokenizer("mini-encoder")
playground.fill_in(load_model("mini-encoder", "masked_lm"), shipped, "The film was a triumph, and the music was ____.")

# %% [markdown]
# Since few places are targets, logits are needed at those places only. With a vocabulary of thirty thousand the logits are most of the work of a small model. Leaving out the others gives the same loss (claim `03-same-masked-loss`) in less than half of the time (claim `03-masked-positions`).

# %%
share, difference = lab.masked_positions_share(0, repeats=2)
print(f"forward and backward take {share:.0%} of the time; the losses differ by {difference:.0e}")

# %% [markdown]
# ## 6 · Does it follow? Next-sentence prediction
#
# BERT was asked a second question: does this text follow that one, or does it come from elsewhere? It is classification with labels for free: a *head*, one small layer, reads the vector of the first token, `[CLS]`, and says yes or no. The text from elsewhere has to be of the same kind and about as long, or the label is given away.

# %%
# NBVAL_CHECK_OUTPUT
first = ["The tide is high.", "Found: a glove."]
second = ["Boats will ride proud.", "It answers to no name."]
other = ["Eggs are cheap.", "The ferry is late."]  # from elsewhere
ids = [shipped(texts, add_special_tokens=False)["input_ids"] for texts in (first, second, other)]
inputs, labels = next_sentence(*ids, shipped, seed=0)
for row, label in zip(inputs, labels.tolist()):
    print(("follows  ", "elsewhere")[label], shipped.decode(row).replace(" [PAD]", ""))

# %% [markdown]
# A model from nothing would have to learn to read first. So this run starts from the shipped encoder, which has read the town's text with words hidden.
#
# **Predict.** How many of a hundred fresh pairs will it get right?

# %%
judge = load_model("mini-encoder", "classification", label_names=("follows", "elsewhere"), seed=0)
train(judge, lab.next_sentence_rows(3000, 100), lab.learn(80, learning_rate=1e-3), progress=False)
fresh = lab.next_sentence_rows(600, 200)
print(f"right in {evaluate(judge, fresh)['accuracy']:.0%} of fresh pairs; guessing gives 50 %")

# %% [markdown]
# Even after twice as many steps it is right in fewer than two pairs of three (claim `03-next-sentence`). To match two texts it has to compare words across them, and one bit per pair is little to learn from.
#
# And what does it buy? Fine-tuned for sentiment afterwards, the encoder gains less than two points over the one without these steps (claim `03-next-sentence-buys`). [RoBERTa](https://arxiv.org/abs/1907.11692) found no gain at full size either, and left the question out.
#
# ## 7 · What was cut out? Denoising
#
# T5's game: spans are cut out, an encoder reads what is left, and a decoder writes down what was cut. This is *auto-encoding*: the text itself is the answer, and the damage makes it a question. Masked language modelling is auto-encoding, too, with single words damaged. Causal language modelling is *auto-regressive* instead: each token is written from those before it.
#
# T5 cuts out 15 % of the tokens, in spans of three on average; here it is 30 %. Spans are counted in tokens, so they may begin in the middle of a word. Each gap gets a numbered *sentinel*, a token that says which gap is meant.

# %%
# NBVAL_CHECK_OUTPUT
gaps = lab.gap_tokenizer()
encoded = gaps(["Bulletin: lost property. Mr Tanaka has lost his hat. It was last seen on Ropewalk."], return_tensors="pt")
inputs, labels = span_corruption(encoded["input_ids"], gaps, density=0.3, seed=4)
print(gaps.decode(inputs[0]))
print(gaps.decode(labels[0][labels[0] >= 0]))

# %%
denoiser = lab.tiny_encoder_decoder()
losses = train(denoiser, lab.gap_rows(150_000), lab.learn(150, learning_rate=8e-3), progress=False).frame["loss"]
print(f"loss {losses.iloc[0]:.2f} → {losses.iloc[-20:].mean():.2f} nats per cut token")
for seed in range(3):
    print(lab.fill_gaps(denoiser, gaps, "Bulletin: lost property. Mr Tanaka has lost<extra_id_0>. It was last seen on<extra_id_1>.", seed))

# %% [markdown]
# So short a run is not enough here: there are two networks to train, and few tokens are targets. Look for the form, which comes before the words: a sentinel names the gap, then words fill it, as many as the decoder likes. A masked model cannot do that, since each mask stands for exactly one token. It is why a model of this kind is the one to fine-tune for translation (lesson 12).
#
# The encoder-decoder that ships with the course read notices in English and in French, and a little of everything else. It learned two games. One batch in four was T5's. In the others every gap had the same mark and the decoder wrote the **whole** text, as [BART](https://arxiv.org/abs/1910.13461)'s does: then every token is a target, not one in seven. Which game does it play better?

# %%
shipped_denoiser, sentinels = load_model("mini-encoder-decoder", "seq2seq_lm"), load_tokenizer("mini-encoder-decoder")
for text in ("The watchman never<extra_id_0> the red<extra_id_1>.", "The watchman<extra_id_99> the red keys<extra_id_99> garden."):
    for seed in range(2):
        print(lab.fill_gaps(shipped_denoiser, sentinels, text, seed))

# %% [markdown]
# ## 8 · An honest failure: below the floor
#
# A common bug of causal language modelling is to shift the labels not at all, or twice. (The models of `transformers` shift `labels` themselves; give them shifted ones, and it happens twice.) Here they are not shifted: each token is its own label.
#
# **Predict.** What does the curve look like? Would you notice without the floor?

# %%
broken = lab.tiny_decoder()
leak = train(broken, lab.UnshiftedRows(rows.rows), lab.learn(80), progress=False)
pictures.above_floor(
    {"labels shifted": history[history["step"] <= 80], "not shifted": leak.frame}, floor, title="A loss below the entropy is a leak",
)

# %%
# NBVAL_CHECK_OUTPUT
print("below the floor" if leak.frame["loss"].iloc[-1] < floor else "above the floor")

# %%
print(lab.sample(broken, tokenizer, bulletins.OPENING, n=1, max_length=20)[0])

# %% [markdown]
# By its curve it is the best run of the day. But it has learned to repeat the token it sees, and that is what it writes.
#
# Nobody guesses *new* text better than the entropy, so a loss below the floor on such text (claim `03-below-the-floor`) means that the answer is among the inputs. Text that was read before is another matter: a model that reads a hundred bulletins again and again learns them by heart, and passes their floor without any bug (claim `03-by-heart`). So look at the loss on validation text. On real text the floor is unknown: look at samples as well, and be suspicious of a loss that falls too fast.
#
# ## 9 · Go on: temperature, top-k, top-p
#
# A model gives probabilities; a text has to be *drawn*. **Temperature** divides the logits before the softmax: below 1 the likely gets likelier, above 1 the unlikely does. **Top-k** keeps the k likeliest tokens (with k = 1 it is *greedy*: always the likeliest), **top-p** the fewest of the likeliest that together reach p. Here is the shipped decoder. Begin a text, move the sliders, and watch the bars.

# %%
big, big_tokenizer = load_model("mini-decoder", "causal_lm"), load_tokenizer("mini-decoder")
playground.go_on(big, big_tokenizer, "Bulletin: weather,", temperature=1.0)

# %%
# NBVAL_CHECK_OUTPUT
sums = {"300 steps": lab.probe_losses(decoder, tokenizer), "shipped": lab.probe_losses(big, big_tokenizer)}
better = sums["shipped"]["six hours later"] < sums["300 steps"]["six hours later"] - 1
print("more reading taught it the sum" if better else "it still cannot add")

# %% [markdown]
# **Predict.** Forty bulletins are drawn with each of these settings. When are most of them in the language? When do they differ most?

# %%
for how in ({"top_k": 1}, {"temperature": 0.7}, {"temperature": 1.0}, {"temperature": 1.0, "top_p": 0.9}, {"temperature": 2.0}):
    texts = lab.sample(big, big_tokenizer, "Bulletin: coaches.", n=40, seed=1, **how)
    good = sum(bulletins.accepts(text) for text in texts)
    print(f"{how}: {good} of 40 in the language, {len(set(texts))} different. {lab.marked(texts[0])[:70]}")

# %% [markdown]
# Greedy decoding writes one text, over and over. Temperature 1 draws what the model believes. At 2 the unlikely tokens, of which there are many, take over (claim `03-temperature`). Top-p cuts that tail off and leaves the choice among the likely as it is.
#
# ## 10 · Scaling in miniature
#
# Three sizes of decoder, each on three amounts of text. How far above the floor do they end? Both axes are logarithmic: a straight line is a *power law*, in which ten times the compute divides what is left by the same factor each time. [Kaplan et al.](https://arxiv.org/abs/2001.08361) found such lines over seven powers of ten. The results ship with the course; `course measure scaling` makes them anew.
#
# **Predict.** For the least compute in the figure, which size is best? And for the most?

# %%
results = experiments.results("scaling")
widgets.explore(lambda against: pictures.scaling(results, against), against=["compute", "tokens", "parameters"])

# %% [markdown]
# A larger model ends nearer the floor with as many steps (claim `03-bigger-is-closer`). With little compute, though, the best size is not the largest: follow the lower edge of the curves. A small model has read more text by then. Here the floor could be subtracted, because it is known. With real text it is not, and the curve of the loss itself must bend where it comes near.
#
# ## 11 · Text it never saw
#
# **Predict.** The decoder has read nothing but bulletins. Order four texts by its surprise: fresh bulletins, town notices, French, and bulletins with their letters shuffled. We count in bits per *character*, since tokens of unknown text are short and many.

# %%
domains = lab.domains(60)
surprise = {name: lab.bits_per_character(decoder, tokenizer, texts) for name, texts in domains.items()}
figures.bars(
    list(surprise), list(surprise.values()), title="At home in one place only",
    x_label="text", y_label="bits per character",
)

# %%
# NBVAL_CHECK_OUTPUT
print("least surprised by", min(surprise, key=surprise.get))

# %% [markdown]
# A model knows what it has read. Notices are English of the same town, and still at least four times as surprising, character by character (claim `03-other-domain`). So before you fine-tune, ask what a model was pre-trained on. Lesson 13 goes on with pre-training on text of the right domain.
#
# ## 12 · Your turn at the knobs
#
# Choose a size, a learning rate and a number of steps, press **Start**, and try to come nearer the floor than the run above in as many steps.

# %%
def run(hidden, learning_rate, steps):
    """The records of one run, for the widget to draw."""
    return training_steps(lab.tiny_decoder(hidden), rows, lab.learn(steps, learning_rate=learning_rate))


playground.LivePretraining(
    run,
    {"hidden": [16, 32, 64, 128], "learning_rate": [1e-3, 3e-3, 6e-3, 2e-2], "steps": [100, 300, 600, 1200]},
    values={"hidden": 64, "learning_rate": 6e-3, "steps": 300}, floor=floor, baselines=baselines,
)

# %% [markdown]
# ## Check your understanding
#
# 1. Your causal model reaches a loss of 0.02 nats per token on fresh English news after an hour. What do you look at first?
# 2. Model A has perplexity 12 with 50,000 tokens in its vocabulary, model B 9 with 8,000. Which is better?
# 3. Why can a masked language model not write a text from left to right as a causal one does?
#
# *Answers.* 1: at the shift of the labels and at samples; English is not that predictable, so the answers are among the inputs. 2: nobody can say; perplexity per token is not comparable across tokenizers. Compare bits per character. 3: it learned to fill gaps with both sides given; at the end of a text there is no right side, and it was never asked to say when to stop.
#
# The exercises to this lesson answer back: open `exercises/03_pretraining.ipynb`.
#
# ## Recap
#
# | objective | the model reads | it is to say | architecture | made so |
# |---|---|---|---|---|
# | causal LM | the text so far | the next token | decoder | GPT-2, Llama |
# | masked LM | the text with words hidden | the hidden words | encoder | BERT, RoBERTa |
# | next sentence | two texts | does the second follow? | encoder | BERT |
# | span corruption | the text with gaps | what was cut out | encoder-decoder | T5 |
#
# - Labels come from the text itself, so nobody has to write them.
# - Read a loss against a scale: counting models above, entropy below. Below the entropy something leaks.
# - What is local is learned first; what cannot be known is never learned.
# - Words of one kind draw together: that is what fine-tuning builds on.
#
# **Next:** 04, choosing a model: which of these objectives do you want in the model that you fine-tune?
