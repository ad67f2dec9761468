# %% [markdown]
# # 12 · Translation
#
# So far a model chose: a class, a tag, a span. Here it **writes**: English goes in, French comes out, one token after the other. The model is an encoder–decoder that was pre-trained to fill gaps in both languages and has never seen a translation. You show it 600 pairs.
#
# **You will be able to**
#
# - say what a decoder reads while it learns and while it writes, and why the two differ;
# - search for a translation: greedily, by drawing, with a beam and a length penalty;
# - score what was written, and see where a score misleads;
# - tell errors of agreement from errors of word order, and read cross-attention as alignment.
#
# *About 50 minutes. The code runs in about a minute on two CPU cores. Helpful before: lesson 03, pre-training; lesson 06, full fine-tuning.*

# %%
from collections import Counter
from html import escape

import numpy as np
import pandas as pd

from course_utils import (
    baselines,
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
    widgets,
)
from course_utils.experiments import lesson_12 as lab
from course_utils.figures import text as marked
from course_utils.generation import drawing
from course_utils.metrics import translation_scores
from course_utils.prediction import predict_translations
from course_utils.widgets import text as text_widgets
from course_utils.widgets import translation as translation_widgets

print(current_scale(), time_on_t4("12"))
MODEL = chosen("model", "mini-encoder-decoder")
DATA = chosen("data", "translation")
PAIRS = int(chosen("rows", "600"))

# %% [markdown]
# ## 1 · The pairs, and a score to beat
#
# The notices of the mini world come in two languages. A sentence and its translation are made from one derivation, so they agree in every detail.

# %%
task = load_task(DATA, train_rows=PAIRS, seed=0)
for pair in task.rows["train"].select(range(4))["translation"]:
    print(" → ".join(pair[language] for language in task.languages))
{split: rows.num_rows for split, rows in task.rows.items()}

# %% [markdown]
# Before any network, a **phrase table**. Which words stand together in many pairs? An [alignment model](https://aclanthology.org/J93-2003/) of 1993 finds out; phrases of up to four words are collected with their commonest translation, and put one after the other. The phrase-based systems that translated the web before neural ones added reordering and a language model, both missing here.
#
# **Predict.** It has seen nearly every word of the test sentences. What will go wrong?

# %%
table = baselines.PhraseTable.of(task)
test = task.rows["test"][task.text][:200]
source, target = task.languages
by_table = [table.translate(pair[source]) for pair in test]
for pair, given in list(zip(test, by_table, strict=True))[:3]:
    print(f"{pair[source]}\n  table: {given}\n  right: {pair[target]}")
print(translation_scores(by_table, [pair[target] for pair in test]))

# %% [markdown]
# **BLEU** and **chrF** compare what was written with the reference, from 0 to 100. BLEU asks how many of the written words, and runs of up to four of them, stand in the reference, and punishes what is too short. chrF does so with runs of up to six characters, and asks as well how much of the reference was found; a word in the wrong form still gets points. Section 6 takes them apart. The table knows words, but not which form they need, nor that most French adjectives follow their noun.
#
# ## 2 · What the decoder reads
#
# The encoder reads the whole English sentence at once. The decoder reads French up to some word, looks at the encoder's states through **cross-attention**, and says what comes next. While it learns, it is given the right French up to each word, all places at once: **teacher forcing**.

# %%
# NBVAL_CHECK_OUTPUT
tokenizer = load_tokenizer(MODEL)
model = load_model(MODEL, task, seed=0)
data = encode(task, tokenizer, decoder_start=model.config.decoder_start_token_id)
batch = data["train"].batch(np.array([0, 1]))
print({name: tuple(tensor.shape) for name, tensor in batch.items()})
print((batch["decoder_input_ids"][0, 1:4] == batch["labels"][0, :3]).tolist())

# %%
shorter = int((batch["labels"] >= 0).sum(1).argmin())
read = tokenizer.convert_ids_to_tokens(batch["decoder_input_ids"][shorter].tolist())
write = [tokenizer.convert_ids_to_tokens(i) if i >= 0 else i for i in batch["labels"][shorter].tolist()]
pd.DataFrame({"the decoder reads": read, "and is to write": write}).T

# %% [markdown]
# The labels are the translation and a token that ends it. The inputs are the same, one place to the right, after a **start token** (T5 uses its padding token for this). Rows of a batch differ in length; labels beyond the end are -100, which the loss leaves out.
#
# ## 3 · From denoiser to translator
#
# **Predict.** The shipped denoiser has read English and French, each by itself. Before fine-tuning, what does it write when you give it an English sentence?

# %%
ask = [pair[source] for pair in test[:2]]
print(predict_translations(model, tokenizer, ask, most_tokens=20))

# %% [markdown]
# In most batches it wrote the whole text, gaps and all (lesson 03). Here nothing is missing, so it writes the English again. Now fine-tune all of its weights on your pairs, with the loop you know. `lab.learn` sets a rate, a warm-up and a number of steps, and calls `train`.

# %%
model = lab.learn(data["train"], model=model, steps=300, seed=0)
valid = evaluate(model, data["validation"])
print({name: round(value, 2) for name, value in valid.items()})

# %%
# NBVAL_CHECK_OUTPUT
few = data["test"].select(range(200))
tuned = lab.written(model, few)
right = lab.references(task, few)[:200]
scores = translation_scores(tuned, right)
print("better than the table" if scores["bleu"] > translation_scores(by_table, right)["bleu"] else "no better than the table")

# %%
print({name: round(value, 1) for name, value in scores.items()})
for i in range(3):
    print(f"{test[i][source]}\n  model: {tuned[i]}\n  right: {right[i]}")

# %% [markdown]
# It reads like French, and is often about something else. Many words stand in your pairs once or twice: the table remembers them, a network needs to meet them more often. Compare the two scores, too. BLEU is far above the table's, chrF is not: the table has the right words in the wrong forms, the model has fluent runs of words, some of them wrong.
#
# ## 4 · How many pairs?
#
# The curves compare ways to use the same network with the same number of steps. *Scratch* starts from random weights. *Decoder* keeps the encoder as it was pre-trained; *full* trains everything. The split **compositions** holds known words in sentence structures that no training pair has: another tense, a negation, a plural. The split **unseen** has unknown words as well.
#
# **Predict.** Which is harder, a new structure or a new word? And how far does scratch get with 2,400 pairs?

# %%
curves = experiments.results("translation")
widgets.explore(
    lambda split: figures.learning_curves(
        curves[curves["split"] == split], x="labels", y="score", by="method",
        title=f"Translation, {split} split", x_label="pairs", y_label="BLEU",
    ),
    split=["compositions", "test", "unseen"],
)

# %% [markdown]
# With 600 pairs and full fine-tuning, the denoiser is more than 15 BLEU above scratch on new structures, after as many steps (claim `12-denoiser-600`). New structures are hardly harder than old ones, less than five BLEU (claim `12-new-structures`). New words are: on *unseen* the same model stays more than ten BLEU below (claim `12-unseen-words`). Nothing has shown it what they mean. Pre-training gave it both languages, not a dictionary: its texts were English *or* French, never side by side.
#
# ## 5 · Writing is searching
#
# While it writes, the decoder reads its own words: no teacher. At each place it has a probability for every token, and something must choose.
#
# - **Greedy**: the likeliest each time. Fast, and it cannot take a word back.
# - **Drawing** a token by its probability: varied, as for stories (lesson 03). For a translation, variety is error.
# - A **beam** follows the few likeliest texts at once, and compares whole texts in the end.

# %%
one = few.select(range(60))
ways = {
    "greedy": {},
    "beam of 4": {"width": 4},
    "drawn": {"choose": drawing(seed=0)},
    "drawn, temperature 0.3": {"choose": drawing(seed=0, temperature=0.3)},
}
pd.DataFrame({name: translation_scores(lab.written(model, one, **how), right[:60]) for name, how in ways.items()}).round(1).T

# %% [markdown]
# Drawing costs many points (claim `12-drawing-costs`). A beam costs several times the work of greedy search, and on these short sentences its gain is small (claim `12-beam-gains-little`).
#
# Watch a beam. Each column is a step; full circles are followed, hollow ones were dropped, squares have ended. Hover to read a whole text with its log-probability and its score: the log-probability divided by length to the power of the **length penalty**. Go through the steps, then stay at the last one and try penalties of 0 and 2: which of the texts that have ended has the best score?

# %%
translation_widgets.beam_explorer(model, tokenizer, test[2][source], step=4, width=3)

# %% [markdown]
# ## 6 · What a score does not see
#
# Here are references themselves, spoiled in four ways by a program; each way is scored on the sentences that it changes.
#
# **Predict.** One turns *not* into *only*, one exchanges the first two words, one writes the apostrophe as a typographer does (’ for '), one writes in capitals. Which loses most BLEU? Which would you mind most?

# %%
spoils = {
    "only for not": lab.only_for_not, "first two exchanged": lab.first_two_exchanged,
    "other apostrophe": lambda text: text.replace("'", "’"), "capitals": str.upper,
}
rows = []
for name, spoil in spoils.items():
    changed = [text for text in lab.references(task, data["test"]) if spoil(text) != text]
    if changed:  # real text need not hold what this spoils
        rows.append({"spoiled": name, "sentences": len(changed)} | translation_scores(list(map(spoil, changed)), changed))
pd.DataFrame(rows).round(1)

# %% [markdown]
# *Ne … que* is "only": these sentences say the opposite of their references, and keep more than half of the score (claim `12-opposite-keeps`). The other apostrophe, which no reader notices, costs more than ten BLEU (claim `12-apostrophe-costs`), and capitals cost nearly everything (claim `12-capitals`). So read the sentences; and when you quote a score, quote its **signature** with it: how the text was cut into words, whether case counts, how zero counts were smoothed. Each of these changes the number.

# %%
from course_utils.evaluate_metrics import evaluate_metric

evaluate_metric("translation").compute(predictions=tuned[:100], references=right[:100])

# %% [markdown]
# ## 7 · What kind of error?
#
# The world's grammar knows every form of every French word. So it can tell a word in the wrong **form** (agreement) from a **wrong word**, and a word in the wrong **place** from one that is **missing**.
#
# **Predict.** Which kind does the phrase table make most? Which the model?

# %%
from course_utils.world.bilingual_errors import main_error

counts = pd.DataFrame({"phrase table": lab.error_shares(by_table, right), "model": lab.error_shares(tuned, right)})
counts.round(2).rename_axis("errors per sentence")

# %% [markdown]
# The table's commonest error is agreement: it takes a word in the form in which it met it most often. The model's is the wrong word (claim `12-errors-differ`). Go through its errors, the commonest kind first.

# %%
frame = pd.DataFrame({"source": [pair[source] for pair in test], "given": tuned, "right": right})
frame["error"] = [main_error(a, b) for a, b in zip(frame["given"], frame["right"], strict=True)]


def show(row):
    return marked.rows_of({"source": marked.paragraph(row.source), "model": marked.paragraph(row.given), "right": marked.paragraph(row.right)})


text_widgets.browse_errors(frame[frame["error"] != "none"], show)

# %% [markdown]
# ## 8 · Cross-attention as alignment
#
# Nobody told the model which English word a French one translates. But to write it, it helps to look there. Averaged over heads, its cross-attention is a rough alignment; *rough*, since a head may also look at a word for its gender, or at the end of the sentence for want of anything better. Where the model gets a word wrong, see where it looked.

# %%
translation_widgets.alignment_explorer(model, tokenizer, test[2][source])

# %% [markdown]
# ## 9 · An honest failure
#
# The labels are shifted by one so that the decoder never reads the word it is to write. Forget that, and everything looks better: the loss falls faster than ever.
#
# **Predict.** What will such a model write?

# %%
class Copying(lab.Unshifted):
    """The same rows, but the decoder reads the labels themselves."""

    def batch(self, indices):
        batch = self.rows.batch(indices)
        return batch | {"decoder_input_ids": batch["labels"].clamp(min=0)}  # -100 is no token


losses = {}
for name, wrap in (("shifted", lambda rows: rows), ("not shifted", Copying)):
    trained = lab.learn(wrap(data["train"]), model=load_model(MODEL, task), steps=120, seed=0)
    losses[name] = evaluate(trained, wrap(data["validation"]))
broken = trained
pd.DataFrame(losses).round(2)

# %%
# NBVAL_CHECK_OUTPUT
spoken = translation_scores(lab.written(broken, one), right[:60])
better = losses["not shifted"]["loss"] < losses["shifted"]["loss"] / 2
print("the better loss, by far," if better else "no better loss,", "and", "no translation" if spoken["bleu"] < 3 else "a translation")

# %%
print(lab.written(broken, one.select([0, 1])))

# %% [markdown]
# Even on validation rows its loss is by far the better (claim `12-unshifted-loss`), and what it writes scores less than 3 BLEU (claim `12-unshifted`). It has learned to copy the word that it is shown. Alone, it guesses a first word, and then copies its own last word for ever. `transformers` shifts for you when you pass `labels` only; as soon as you pass `decoder_input_ids` yourself, it is your job. A loss that is too good is a reason to read what the model writes.
#
# ## 10 · Pairs from text in one language
#
# Pairs are expensive, French alone is cheap. **Back-translation** ([Sennrich et al. 2016](https://aclanthology.org/P16-1009/)) trains a model the other way round on your pairs, lets it translate French text into English, and adds these pairs to the true ones. Their English is bad, but their French is real, and it is French that your model is to write.

# %%
runs = experiments.results("back_translation")
runs.pivot_table("score", "method", "split", sort=False).round(1)

# %% [markdown]
# Means of three runs each, after equal steps. It does not pay here: it costs on known words, and gains less than two BLEU on unseen ones. In the paper the backward model had learned from hundreds of thousands of pairs, or millions. Ours had 600, and many of the words in the French text are in none of them. So much of the English that it makes is about something else. A method is worth what its ingredients are worth: read what it adds before you add it.
#
# ## 11 · Your turn
#
# Write an English sentence and read what comes back, with how often each of its words stands in your pairs. What does the model do with a word that it never met, and with a sentence that the grammar would never make?

# %%
met = Counter(word for pair in task.rows["train"][task.text] for word in baselines.WORD.findall(pair[source].lower()))


def answer(text, beam):
    counts = ", ".join(f"{word} {met[word]}" for word in baselines.WORD.findall(text.lower()) if word.isalpha())
    given = predict_translations(model, tokenizer, text, width=beam)[0]
    return marked.rows_of({"translation": escape(given), "in your pairs": escape(counts)})


text_widgets.ask_marked(answer, "The watchman lost the old red key.", {"beam": (1, 6, 1)}, button="Translate")

# %% [markdown]
# ## Check your understanding
#
# 1. Validation accuracy per token is .8, and only an eighth of the sentences are right. How can that be?
# 2. Your model's translations are fluent, of the right length, and about something else. What does it lack, and what would help?
# 3. With a beam of 20 your translations get shorter and worse. Why, and what do you try?
#
# *Answers.* 1: that accuracy is for one token after a *right* beginning; a sentence of ten tokens is right only if all are ($.8^{10} \approx .1$), and alone the model reads its own mistakes. 2: the dictionary; it writes by its knowledge of the language. More pairs, or pairs with those words. 3: a sum of log-probabilities favours short texts, and a wide beam finds them; divide by the length, or keep the beam small.
#
# The exercises to this lesson answer back: open `exercises/12_translation.ipynb`.
#
# ## Recap
#
# - A decoder learns on right words and writes after its own; its inputs are its labels, one place later.
# - Pre-training on each language alone gives grammar; pairs give the dictionary.
# - Greedy search is often enough; a beam compares texts by a score, in which length counts; drawing is for stories.
# - BLEU sees runs of words, not meaning. Count kinds of errors, and read.
#
# **Next:** 13, little data: what to do when labels are few.
