# %% [markdown]
# # 03 · Pre-training
#
# Where does a pre-trained model get what it knows? From guessing: what comes next, what was hidden, what was cut out. In this lesson you make four such guessing games of plain text and train a small model on each from nothing. The text has a property that no real text has: you know **exactly** how well it can be guessed.
#
# **You will be able to**
#
# - turn text into inputs and labels in four ways, and say which models are trained so;
# - read a loss: against counting models, in bits, as perplexity, and against the entropy of the text;
# - recognise, by its curve alone, a model that sees its own answers;
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
# The town's bulletins come from a small grammar, in which no text can be written in two ways. So the probability of a bulletin is known, and with it its **surprisal**: minus the logarithm of that probability, in *nats*. One nat is the surprise of something that had a chance of 1 in 2.718.

# %%
for text in lab.bulletin_texts(6):
    print(f"{bulletins.surprisal(text):5.1f} nats  {text}")

# %% [markdown]
# The mean surprisal over all bulletins is the **entropy** of the language: the loss of a reader who knows its rules by heart. No model does better in the long run. It is a floor, and it is printed beside every curve below.
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
# The same number has three common faces. Divided by $\ln 2$ it is in **bits**. Its exponential is the **perplexity**: as many equally likely tokens would be as hard to guess.

# %%
# NBVAL_CHECK_OUTPUT
validation, floor = lab.validation_rows()
print(f"{bulletins.entropy():.2f} nats a bulletin, {bulletins.entropy() / bulletins.mean_words():.2f} a word")
print(f"validation rows: {floor:.2f} nats per token, {floor / math.log(2):.2f} bits, perplexity {math.exp(floor):.2f}")

# %% [markdown]
# Perplexity and nats *per token* depend on the tokenizer: longer tokens are fewer and harder. Compare models per token only if they share a tokenizer.
#
# ## 2 · What comes next? Causal language modelling
#
# GPT's game: each token is the label of the one before it. The inputs leave out the last token, the labels the first.

# %%
# NBVAL_CHECK_OUTPUT
tokenizer = lab.bulletin_tokenizer()
encoded = tokenizer(["Bulletin: tides. High water at 7, low water at 1."], return_tensors="pt")
inputs, labels = causal_lm(encoded["input_ids"], encoded["attention_mask"])
for a, b in list(zip(tokenizer.convert_ids_to_tokens(inputs[0]), tokenizer.convert_ids_to_tokens(labels[0])))[:9]:
    print(f"{a.replace('Ġ', '·'):>14} → {b.replace('Ġ', '·')}")

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
rows, _ = lab.bulletin_rows(270_000)


def look(model):
    """What we want to see of the model while it learns."""
    return {
        "probes": lab.probe_losses(model, tokenizer),
        "vectors": lab.word_vectors(model, words)[0],
        "sample": lab.sample(model, tokenizer, bulletins.OPENING, n=1, seed=3, max_length=48)[0],
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
# What does a falling loss look like from outside? Read the samples: tokens in no order, then phrases, then sentences. Sense takes longer; section 9 has a decoder that got there.

# %%
for step, seen in looks.items():
    print(f"step {step:3}: {seen['sample'][:110]}")

# %% [markdown]
# ## 3 · Why loss falls in stages
#
# A loss is a mean over many kinds of places. Below are four whose floor is known: a set phrase ("low water *at*"), agreement ("Eggs *are*"), a sum ("six hours later"), and a day that nobody can know. The thin lines are their floors.
#
# **Predict.** In which order are they learned?

# %%
floors = {name: least for name, (_, least) in lab.PROBES.items()}
pictures.stages({step: seen["probes"] for step, seen in looks.items()}, floors)

# %% [markdown]
# What depends on the token before comes first: counting is enough. Agreement is nearly as near. The sum has not been learned at all: it still costs more than a nat more than the set phrase (claim `03-local-first`), because attention has to find a number several words back, and each hour is a fact of its own. And the day falls to its floor and no further: what cannot be known is not learned.
#
# ## 4 · Words of one kind draw together
#
# Nobody told the model what a town is. But towns stand in the same places, so the gradients of their vectors point the same way. Press **Play**: each point is the embedding of a word.

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
# BERT's game: hide some words and guess them from **both** sides. Of the hidden words 80 % become a mask token, 10 % another word, 10 % stay, so that the model can trust no word. A label of -100 is no target.

# %%
# NBVAL_CHECK_OUTPUT
wordpieces = lab.word_tokenizer()
encoded = wordpieces(["Bulletin: market. Eggs are up, at 14 pence a dozen."], return_tensors="pt")
inputs, labels = masked_lm(encoded["input_ids"], wordpieces, rate=0.3, seed=6)
print(wordpieces.decode(inputs[0]))
print(wordpieces.convert_ids_to_tokens(labels[0][labels[0] >= 0]))

# %%
encoder = lab.tiny_encoder()
hidden = lab.masked_rows(200_000)
masked = train(encoder, hidden, lab.learn(300, learning_rate=8e-3), progress=False).frame
figures.loss_curves({"masked words": masked}, title="A masked model learns from few targets, and slowly", smooth=10)

# %% [markdown]
# Here, too, the truth is known: the true probability of a word in a blank follows by Bayes' rule from the probabilities of the whole texts. Write a bulletin with a blank, and compare.

# %%
playground.fill_in(encoder, wordpieces, "Bulletin: market. Eggs are up, at ____ pence a dozen.", truth=lab.true_fillings)

# %% [markdown]
# After as many steps it is far behind the decoder: it knows that a number goes there, hardly more. Only a quarter of the tokens are targets (in BERT 15 %), and the causal model learns from every one. In exchange, each of its vectors has seen both sides. A masked model also needs logits at the hidden places only. With a vocabulary of thirty thousand the logits are most of the work, so leaving out the others gives the same loss (claim `03-same-masked-loss`) in less than half of the time (claim `03-masked-positions`).

# %%
share, difference = lab.masked_positions_share(0, repeats=2)
print(f"{share:.0%} of the time, losses differ by {difference:.0e}")

# %% [markdown]
# ## 6 · Does it follow? Next-sentence prediction
#
# BERT was asked a second question: does this text follow that one, or does it come from elsewhere? It is classification with labels for free. The other half has to be of the same kind and about as long, or the label is given away.

# %%
# NBVAL_CHECK_OUTPUT
shipped = load_tokenizer("mini-encoder")
pairs = [("The tide is high.", "Boats will ride proud.", "Eggs are cheap."), ("Found: a glove.", "It answers to no name.", "The ferry is late.")]
ids = [[shipped(text, add_special_tokens=False)["input_ids"] for text in texts] for texts in zip(*pairs)]
inputs, labels = next_sentence(*ids, shipped, seed=0)
for row, label in zip(inputs, labels.tolist()):
    print(("follows  ", "elsewhere")[label], shipped.decode(row, skip_special_tokens=False).replace(" [PAD]", ""))

# %%
judge = load_model("mini-encoder", "classification", label_names=("follows", "elsewhere"), seed=0)
train(judge, lab.next_sentence_rows(3000, 100), lab.learn(80, learning_rate=1e-3), progress=False)
fresh = lab.next_sentence_rows(600, 200)
print(f"right in {evaluate(judge, fresh)['accuracy']:.0%} of fresh pairs; guessing gives 50 %")

# %% [markdown]
# That is little better than guessing. After twice as many steps the encoder is still right in fewer than two pairs of three (claim `03-next-sentence`): to match two texts it has to compare words across them, and one bit per pair is little to learn from. And what does it buy? Fine-tuned for sentiment afterwards, it gains less than two points over the encoder without these steps (claim `03-next-sentence-buys`). [RoBERTa](https://arxiv.org/abs/1907.11692) found the same at full size, and left the question out.
#
# ## 7 · What was cut out? Denoising
#
# T5's game: spans are cut out, an encoder reads what is left, and a decoder writes down what was cut. This is *auto-encoding*: the text itself is the answer, and the damage is what makes it a question. Masked language modelling is auto-encoding as well, with damage of one word at a time; causal language modelling is *auto-regressive* instead.

# %%
# NBVAL_CHECK_OUTPUT
gaps = lab.gap_tokenizer()
encoded = gaps(["Bulletin: lost property. Mr Tanaka has lost his hat. It was last seen on Ropewalk."], return_tensors="pt")
inputs, labels = span_corruption(encoded["input_ids"], gaps, density=0.3, seed=2)
print(gaps.decode(inputs[0]))
print(gaps.decode(labels[0][labels[0] >= 0]))

# %%
denoiser = lab.tiny_encoder_decoder()
losses = train(denoiser, lab.gap_rows(150_000), lab.learn(150, learning_rate=8e-3), progress=False).frame["loss"]
print(f"loss {losses.iloc[0]:.2f} → {losses.iloc[-20:].mean():.2f} nats per cut token")
for seed in range(3):
    print(lab.fill_gaps(denoiser, gaps, "Bulletin: lost property. Mr Tanaka has lost<extra_id_0>. It was last seen on<extra_id_1>.", seed))

# %% [markdown]
# A minute is not enough here: there are two networks to train, and a fifth of the tokens are targets. Look for the form, which comes before the words: a *sentinel* names the gap, words fill it, as many as the decoder likes. That is what a masked model cannot do, and why such a model is the one to fine-tune for translation (lesson 12).
#
# ## 8 · An honest failure: below the floor
#
# The commonest bug of causal language modelling is to shift the labels not at all, or twice. Here each token is its own label.
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
# It looks like the best run of the day. But nobody guesses better than the entropy: a loss below the floor (claim `03-below-the-floor`) means that the answer is among the inputs. On real text the floor is unknown, so look at samples as well, and be suspicious of a loss that falls too fast.
#
# ## 9 · Go on: temperature, top-k, top-p
#
# A model gives probabilities; a text has to be *drawn*. **Temperature** divides the logits before the softmax: below 1 the likely gets likelier, above 1 everything gets likelier to be odd. **Top-k** keeps the k likeliest tokens, **top-p** the likeliest that together reach p. Here is the shipped decoder. Begin a text, move the sliders, and watch the bars.

# %%
big, big_tokenizer = load_model("mini-decoder", "causal_lm"), load_tokenizer("mini-decoder")
playground.go_on(big, big_tokenizer, "Bulletin: weather,", temperature=1.0)

# %%
# NBVAL_CHECK_OUTPUT
sums = {"300 steps": lab.probe_losses(decoder, tokenizer), "shipped": lab.probe_losses(big, big_tokenizer)}
better = sums["shipped"]["six hours later"] < sums["300 steps"]["six hours later"] - 1
print("more reading taught it the sum" if better else "it still cannot add")

# %%
for how in ({"top_k": 1}, {"temperature": 0.7}, {"temperature": 1.0}, {"temperature": 1.0, "top_p": 0.9}, {"temperature": 2.0}):
    text, _ = playground.continuation(big, big_tokenizer, "Bulletin: coaches.", seed=1, **how)
    print(f"{how}: {'in' if bulletins.accepts(text) else 'not in'} the language: {text[:110]}")

# %% [markdown]
# Temperature 1 draws what the model believes. Lower ones are safer and duller; at 2 the unlikely, of which there is much, takes over.
#
# ## 10 · Scaling in miniature
#
# Three sizes of decoder, each on three amounts of text. How far above the floor do they end? Both axes count in powers of ten; a straight line is a power law, as [Kaplan et al.](https://arxiv.org/abs/2001.08361) found over seven of them. The results ship with the course; `course measure scaling` makes them anew.

# %%
results = experiments.results("scaling")
widgets.explore(lambda against: pictures.scaling(results, against), against=["compute", "tokens", "parameters"])

# %% [markdown]
# A larger model ends nearer the floor with as many steps (claim `03-bigger-is-closer`). With little compute, though, the best size is not the largest: follow the lower edge of the curves. With a real text the floor is not zero on this axis, and curves bend before they reach it.
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
# A model knows what it has read. Notices are English of the same town, and still many times as surprising (claim `03-other-domain`). So before you fine-tune, ask what a model was pre-trained on; lesson 13 trains on with text of the right domain.
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
# 1. Your causal model reaches a loss of 0.02 nats on English news after an hour. What do you look at first?
# 2. Model A has perplexity 12 with 50,000 tokens in its vocabulary, model B 9 with 8,000. Which is better?
# 3. Why can a masked language model not write a text from left to right as a causal one does?
#
# *Answers.* 1: at the shift of the labels and at samples; English is not that predictable, so the answers are among the inputs. 2: nobody can say; perplexity per token is not comparable across tokenizers. Compare bits per character. 3: it learned to fill gaps with both sides given; at the end of a text there is no right side, and it was never asked to say when to stop.
#
# The exercises to this lesson answer back: open `exercises/03_pretraining.ipynb`.
#
# ## Recap
#
# - Labels come from the text itself: the next token, the hidden word, the following sentence, the cut span.
# - Read a loss against a scale: counting models above, entropy below.
# - What is local is learned first; what cannot be known is never learned.
# - Words of one kind draw together: that is what fine-tuning builds on.
#
# **Next:** 04, choosing a model: which of these objectives do you want in the model that you fine-tune?
