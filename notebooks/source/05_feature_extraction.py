# %% [markdown]
# # 05 · Feature extraction
#
# The cheapest way to use a pre-trained encoder is not to train it at all. It reads your sentences once and gives you vectors; a small classifier does the rest. In this lesson you take such vectors out, look at what they know, and find where they lie to you.
#
# **You will be able to**
#
# - say what a hidden state is, and make one vector of a whole sentence without counting its padding;
# - ask each layer what it knows, with a probe, and choose a layer honestly;
# - draw and read a map of embeddings, and say what a map cannot show;
# - run a frozen encoder once, and train a head on its features for nearly nothing.
#
# *About 40 minutes. The code runs in under a minute on two CPU cores. Helpful before: lesson 02, the Transformer.*

# %%
from collections import Counter
from itertools import islice

import numpy as np
import pandas as pd
import torch
from datasets import Dataset, DatasetDict
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from course_utils import (
    Task,
    TrainConfig,
    cache_features,
    chosen,
    current_scale,
    encode,
    evaluate,
    figures,
    load_model,
    load_task,
    load_tokenizer,
    time_on_t4,
    train,
    train_only_head,
    widgets,
)
from course_utils.adaptation import hidden_states
from course_utils.world import corpus
from course_utils.world.lexicons.polarity import ADJECTIVES

print(current_scale(), time_on_t4("05"))
MODEL = chosen("model", "mini-encoder")  # a name of the course, a folder, or a repo id on the Hub
DATA = chosen("data", "sentiment")

# %% [markdown]
# ## 1 · What an encoder gives you
#
# We load two encoders of the same shape, without any head. One is *pre-trained*: it has guessed hidden words in a lot of unlabelled text. The other is *random*: its weights were drawn and never changed. Whatever the second can do, pre-training is not needed for.

# %%
tokenizer = load_tokenizer(MODEL)
encoders = {
    "pre-trained": load_model(MODEL, "encoder", dropout=0.0).eval(),
    "random": load_model(MODEL, "encoder", dropout=0.0, from_scratch=True).eval(),
}
sentences = ["The soup was delicious.", "Nobody in the whole company was rude, and the music was melodious."]
batch = tokenizer(sentences, padding=True, return_tensors="pt")
print([tokenizer.convert_ids_to_tokens(ids) for ids in batch["input_ids"]])

# %% [markdown]
# Inside a Transformer every token has a vector. The **embedding** table gives the first one, which knows the token alone. Each layer then rewrites it by looking at the other tokens. What a layer gives out is called its **hidden state**.
#
# **Predict.** How many tables of hidden states come out of an encoder with $L$ layers, and what are their three sizes?

# %%
# NBVAL_CHECK_OUTPUT
with torch.no_grad():
    output = encoders["pre-trained"](**batch, output_hidden_states=True)
print(f"{encoders['pre-trained'].config.num_hidden_layers} layers, {len(output.hidden_states)} tables")
print("each", tuple(output.hidden_states[0].shape), "= (batch, time, hidden)")

# %% [markdown]
# One table more than there are layers: number 0 is what the embeddings give, before any layer. All have the same shape, because every layer adds to what it was given.
#
# ## 2 · From one vector per token to one per sentence
#
# A classifier wants one vector for each sentence. To make it is called **pooling**. Three ways are usual:
#
# - **first**: the vector of the first token, `[CLS]`, which stands for no word and can collect from all;
# - **last**: the vector of the last real token, usual for models that read from left to right;
# - **mean**: the mean over the real tokens.
#
# The shorter sentence above was padded to the length of the longer. Padding has hidden states, too, and they mean nothing. The mask keeps them out of the mean.

# %%
# NBVAL_CHECK_OUTPUT
states = output.last_hidden_state  # (batch, time, hidden)
mask = batch["attention_mask"].unsqueeze(-1)  # (batch, time, 1): 1 for a token, 0 for padding
mean = (states * mask).sum(dim=1) / mask.sum(dim=1)  # (batch, hidden)

real = int(batch["attention_mask"][0].sum())
print(tuple(mean.shape), torch.allclose(mean[0], states[0, :real].mean(dim=0), atol=1e-6))

# %% [markdown]
# ### An honest failure: the mean over padding
#
# `states.mean(dim=1)` is shorter to write, and it runs. It also makes the vector of a sentence depend on **who else is in its batch**.
#
# **Predict.** We encode one sentence alone, then beside longer and longer neighbours. How similar does its vector stay to the one it had alone, with and without the mask?

# %%
def pooled(model, batch, use_mask=True):
    """One vector per sentence, (batch, hidden)."""
    with torch.no_grad():
        states = model(**batch).last_hidden_state
    if not use_mask:
        return states.mean(dim=1)
    mask = batch["attention_mask"].unsqueeze(-1)
    return (states * mask).sum(dim=1) / mask.sum(dim=1)


MEANS = {"with the mask": True, "over everything": False}


def beside_padding(extra, use_mask):
    """The vector of the first sentence with `extra` positions of padding."""
    alone = tokenizer(sentences[0])["input_ids"]
    longer = alone + [tokenizer.unk_token_id] * extra  # its neighbour in the batch
    batch = tokenizer.pad({"input_ids": [alone, longer]}, return_tensors="pt")
    return pooled(encoders["pre-trained"], batch, use_mask)[0]


# %%
# NBVAL_CHECK_OUTPUT
rows = []
for name, use_mask in MEANS.items():
    for extra in (0, 2, 4, 8, 16, 32):
        pair = beside_padding(0, use_mask), beside_padding(extra, use_mask)
        rows.append({"mean": name, "padding": extra, "cosine": torch.cosine_similarity(*pair, dim=0).item()})
drift = pd.DataFrame(rows)
lowest = drift.groupby("mean", sort=False)["cosine"].min()
print({name: "stays the same" if value > 0.9999 else "changes" for name, value in lowest.items()})

# %%
figures.learning_curves(
    drift, x="padding", y="cosine", by="mean", log_x=False, title="Without the mask, a sentence drifts with its padding",
    x_label="positions of padding", y_label="cosine to the vector without padding",
)

# %% [markdown]
# No error, and the shapes are right. You notice it only when you do what this figure does: encode one text twice, in different company. Keep that as a test for any pipeline of features. Section 3 shows what the drift costs.
#
# ## 3 · Ask each layer: probes
#
# A **probe** is a small classifier on frozen vectors. Ours is logistic regression: one weight per column, nothing hidden. If so simple a reader finds the answer, the vectors contain it in a simple form ([Alain and Bengio, 2016](https://arxiv.org/abs/1610.01644)).
#
# The task is sentiment. Besides the usual splits there is **unseen**: its opinion words stand in no labelled row, only in text that nobody labelled.

# %%
LABELS = 512
task = load_task(DATA, train_rows=3 * LABELS, seed=0)
data = encode(task, tokenizer)
labels = {split: np.array(rows[task.label]) for split, rows in task.rows.items()}
texts = {split: list(rows[task.text]) for split, rows in task.rows.items()}
samples = np.array_split(np.arange(3 * LABELS), 3)  # three times 512 labelled rows, to see what luck does
HARD = "unseen" if "unseen" in data else "test"
features = {
    name: {split: hidden_states(model, rows, "mean") for split, rows in data.items()}
    for name, model in encoders.items()
}
features["pre-trained"]["train"].shape  # (layers + 1, rows, hidden)

# %%
def probe(x, y):
    """Logistic regression on standardised columns; the scaler learns its means from the training rows only."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000)).fit(x, y)


# %% [markdown]
# **Predict.** Draw two curves of accuracy by layer, one for each encoder. Where does each begin, and does it rise?

# %%
by_layer = pd.DataFrame(
    {"encoder": name, "layer": layer, "accuracy": fitted.score(found["validation"][layer], labels["validation"])}
    for name, found in features.items()
    for layer in range(len(found["train"]))
    for rows in samples
    for fitted in [probe(found["train"][layer, rows], labels["train"][rows])]
)
figure = figures.learning_curves(
    by_layer, x="layer", y="accuracy", by="encoder", log_x=False, chance=1 / len(task.label_names),
    title="What a probe finds in each layer", x_label="layer (0: embeddings)", y_label="validation accuracy",
)
figure.update_xaxes(dtick=1)

# %% [markdown]
# Each point is three probes, on three samples of 512 labels; the band reaches from the worst to the best. Two things to read:
#
# - **Layer 0 of the pre-trained encoder is a bag of words.** The mean of its embeddings knows no order, and it tells much already: the words themselves have learned what they mean. What the layers add is what words do to each other: on unseen words the last layer is more than five points above the embeddings (claim `05-layers-add`).
# - **Random vectors are not empty.** Two sentences with the same words get like vectors from any encoder. A probe learns these words by heart, one by one, and a few hundred sentences show each of them too seldom.
#
# Choose the layer here, on validation rows. Look at the test rows once, with the layer that you chose.

# %%
means = by_layer[by_layer["encoder"] == "pre-trained"].groupby("layer")["accuracy"].mean()
layer = int(means.idxmax())
print(f"chosen on validation rows: layer {layer}")

# %% [markdown]
# ### Against a baseline
#
# Is an encoder needed at all? **TF-IDF** with logistic regression is the baseline that every text classifier should have beside it: it counts words and pairs of words, weighs the rare ones more, and knows nothing else.
#
# **Predict.** Six bars: three methods, each on the test rows and on unseen words. Which of them are near chance?

# %%
rows = samples[0]
counts = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=10, max_iter=1000))
counts.fit([texts["train"][row] for row in rows], labels["train"][rows])
scores = {f"TF-IDF, {split}": counts.score(texts[split], labels[split]) for split in ("test", HARD)}
for name in ("random", "pre-trained"):
    fitted = probe(features[name]["train"][layer, rows], labels["train"][rows])
    scores |= {f"{name}, {s}": fitted.score(features[name][s][layer], labels[s]) for s in ("test", HARD)}
figures.bars(
    list(scores), list(scores.values()), title="Three kinds of features, the same classifier",
    x_label="features, split", y_label="accuracy", chance=1 / len(task.label_names),
)

# %% [markdown]
# With 512 labels, the probe on the pre-trained encoder is more than twenty points above TF-IDF on unseen words (claim `05-probe-unseen-words`). For TF-IDF a word that has no label is no word: it stays close to chance there (claim `05-tfidf-unseen-words`), and so do the random vectors (claim `05-random-unseen-words`). The pre-trained encoder has put words of like kind near each other, so a label for one of them speaks for its neighbours.
#
# Now the price of the careless mean. A probe learns from vectors that were made in padded batches. Later the same test sentences arrive **one at a time**, as in any demo, or padded to a fixed length, as in many servers. Nothing else changes.
#
# **Predict.** For how many of them does the answer change?

# %%
def served(split, size, use_mask, length=0):
    """Pooled vectors of the rows in file order, `size` to a batch, padded to at least `length` positions."""
    vectors = []
    for rows in np.array_split(np.arange(len(data[split])), max(1, len(data[split]) // size)):
        batch = {name: data[split].batch(rows)[name] for name in ("input_ids", "attention_mask")}
        missing = max(0, length - batch["input_ids"].shape[1])
        fillers = {"input_ids": tokenizer.pad_token_id, "attention_mask": 0}
        batch = {k: torch.nn.functional.pad(batch[k], (0, missing), value=v) for k, v in fillers.items()}
        vectors.append(pooled(encoders["pre-trained"], batch, use_mask))
    return torch.cat(vectors).numpy()


# %%
changed = {}
for name, use_mask in MEANS.items():
    fitted = probe(served("train", 32, use_mask)[samples[0]], labels["train"][samples[0]])
    usual = fitted.predict(served("test", 32, use_mask))
    print(f"{name:>15}, in batches of 32: accuracy {(usual == labels['test']).mean():.2f}")
    for how, size, length in (("one at a time", 1, 0), ("padded to 64", 32, 64)):
        changed[f"{name}, {how}"] = (fitted.predict(served("test", size, use_mask, length)) != usual).mean()
figures.bars(
    list(changed), list(changed.values()), title="Without the mask, padding changes answers",
    x_label="mean, test rows", y_label="share of answers that change",
)

# %% [markdown]
# In the usual batches, both means score alike; the careless one may even look better. That is the trap: the test is padded in the same way as the training, and nothing seems wrong until somebody uses the model. Then the very same sentences get other answers (claim `05-padding-changes-answers`). With the mask, none does.
#
# ## 4 · A map of what was learned
#
# Vectors of a hundred columns cannot be seen. **PCA** (principal component analysis) turns the cloud of points so that its widest direction lies along the first axis, the second widest along the second, and drops the rest. It never sees a label.
#
# First the words. The mini world's reviews praise and blame with some three hundred adjectives, and no label ever told the encoder which is which. We put each into the same frame, "It was …", so that the sentences differ in one word only.

# %%
polarity = {
    word: name
    for pair in ADJECTIVES.values()
    for name, words in zip(("praise", "blame"), pair, strict=True)
    for word in words.split()
}


def read(texts):
    """Texts without labels, as rows for an encoder."""
    rows = DatasetDict(validation=Dataset.from_dict({"text": texts}))
    return encode(Task("texts", "classification", rows, "text", "label"), tokenizer, max_length=256)["validation"]


framed = read([f"It was {word}." for word in polarity])
word_states = {name: hidden_states(model, framed) for name, model in encoders.items()}


def word_map(name, layer):
    """The opinion words on the two widest directions of one layer."""
    points = PCA(2, random_state=0).fit_transform(word_states[name][layer])
    title = f"Opinion words, {name} encoder, layer {layer}"
    return figures.embedding_map(points, list(polarity.values()), list(polarity), title=title)


# %%
word_map("random", encoders["random"].config.num_hidden_layers)

# %% [markdown]
# **Predict.** The same words after pre-training on unlabelled text. What will be the widest direction? And at layer 0, the embeddings alone?

# %%
layers = range(len(features["pre-trained"]["train"]))
widgets.explore(lambda layer: word_map("pre-trained", layer), layer=list(layers)[::-1])

# %% [markdown]
# Hover over the points. In the last layer the first axis is close to opinion itself (claim `05-polarity-axis`). Nobody named it: what may follow a word, and what may stand where it stands, depends on whether it praises, so guessing hidden words needs that direction.
#
# Move the slider to layer 0. Some words stand apart there: hover over them, and ask *what* they are said of, one kind of thing or anything. The widest direction of the embeddings is another than opinion. But look at each word's nearest neighbour among them.

# %%
def companions(model):
    """For each opinion word, the one whose embedding is nearest by cosine."""
    table = model.get_input_embeddings().weight.detach()
    ids = [tokenizer(f" {word}", add_special_tokens=False)["input_ids"] for word in polarity]
    vectors = torch.nn.functional.normalize(torch.stack([table[pieces].mean(dim=0) for pieces in ids]))
    cosine = (vectors @ vectors.T).fill_diagonal_(-1)
    return dict(zip(polarity, (list(polarity)[i] for i in cosine.argmax(dim=1)), strict=True))


for name, model in encoders.items():
    nearest = companions(model)
    share = np.mean([polarity[word] == polarity[other] for word, other in nearest.items()])
    some = ", ".join(f"{word} → {nearest[word]}" for word in ("delicious", "soggy", "gripping"))
    print(f"{name:>11}: {share:.0%} of the nearest words have the same polarity ({some})")

# %% [markdown]
# Words of like kind keep like company, so they end up together (claim `05-words-keep-company`). That is what a label for one of them can lean on.
#
# Now whole documents, one point each, coloured by kind.

# %%
documents = list(islice(corpus.documents(seed=7), 300))
kinds = [document.kind for document in documents]
pages = read([document.text for document in documents])
document_maps = {
    name: PCA(2, random_state=0).fit_transform(hidden_states(model, pages)[-1]) for name, model in encoders.items()
}

# %%
widgets.explore(
    lambda encoder: figures.embedding_map(
        document_maps[encoder], kinds, [document.text[:90] for document in documents],
        title=f"Documents by kind, {encoder} encoder",
    ),
    encoder=["pre-trained", "random"],
)

# %% [markdown]
# Even the random encoder separates some kinds, since they share few words. That is why a map without a control proves little: always draw the untrained one, too.
#
# ### What a map cannot show
#
# **Predict.** The labelled sentences, coloured by opinion. The probe found the opinion in these very vectors. Will the map show it?

# %%
names = [task.label_names[label] for label in labels["validation"]]
vectors = features["pre-trained"]["validation"][layer]
figures.embedding_map(
    PCA(2, random_state=0).fit_transform(vectors), names, texts["validation"],
    title="Sentences by opinion, the two widest directions",
)

# %% [markdown]
# On the first map all sentences had one form, so opinion was what differed most. Here they differ in length, form and subject as well, and those are wider: opinion is neither of the two widest directions (claim `05-opinion-not-on-the-map`). The probe finds it because it was told what to look for. "The classes don't separate on the map" never means "the information isn't there".
#
# Turn the cloud so that the probe's own direction lies along the first axis, and look again. Layer, pooling and view are yours.

# %%
found = {
    pooling: {split: hidden_states(encoders["pre-trained"], data[split], pooling) for split in ("train", "validation")}
    for pooling in ("mean", "cls", "last")
}


def look(layer, pooling, view):
    """The validation rows of one layer and pooling: a map, or what a probe scores in every layer."""
    train_x, held_out = found[pooling]["train"][:, samples[0]], found[pooling]["validation"]
    if view == "accuracy":
        scores = [probe(x, labels["train"][samples[0]]).score(h, labels["validation"]) for x, h in zip(train_x, held_out)]
        colours = [figures.ORANGE if i == layer else figures.BLUE for i in layers]
        return figures.bars(
            [f"layer {i}" for i in layers], scores, title=f"Probe accuracy, {pooling} pooling", colours=colours,
            x_label="layer (0: embeddings)", y_label="validation accuracy", chance=1 / len(task.label_names),
        )
    points, title = PCA(2, random_state=0).fit_transform(held_out[layer]), f"Layer {layer}, {pooling} pooling"
    if view == "probe's direction":
        answer = probe(train_x[layer], labels["train"][samples[0]]).predict_proba(held_out[layer])[:, -1]
        points = np.stack([answer, points[:, 0]], axis=1)
    figure = figures.embedding_map(points, names, texts["validation"], title=title)
    if view == "probe's direction":
        figure.update_layout(xaxis_title="probability by the probe", yaxis_title="first principal component")
    return figure


widgets.explore(
    look, layer=list(layers)[::-1], pooling=["mean", "cls", "last"], view=["probe's direction", "widest", "accuracy"]
)

# %% [markdown]
# Set the view to *accuracy* and go through the poolings. At layer 0 the first token has the same vector in every sentence, so a probe can only guess. It must *collect* from the others, layer by layer: after the first layer it is more than twenty points behind the mean (claim `05-mean-over-first`). Guessing hidden words never asked for a summary in one place. Which pooling is best in which layer is a thing to measure, on validation rows.
#
# ## 5 · Run the encoder once
#
# A frozen encoder gives the same vectors in every epoch. So let it run once, keep what comes out, and train the head on that. `cache_features` does this; the loop and the head stay the same.
#
# **Predict.** With 512 rows in batches of 32 and ten epochs, how many times does the encoder run (a) in the plain loop, (b) with cached features? Count validation too.

# %%
few = data["train"].select(samples[0])
config = TrainConfig(epochs=10, batch_size=32, learning_rate=1e-2, warmup_share=0.1, keep_best=False)
passes = Counter()


def head_model(name):
    """A classifier with a frozen encoder that counts how often it runs."""
    model = load_model(MODEL, task, seed=0, dropout=0.0)
    train_only_head(model)
    model.base_model.register_forward_hook(lambda *_: passes.update([name]))
    return model


# %%
# NBVAL_CHECK_OUTPUT
plain = head_model("run anew")
history = train(plain, few, config, validation=data["validation"], progress=False)

model = head_model("cached")
head, cached, cached_validation = cache_features(model, few, data["validation"])
faster = train(head, cached, config, validation=cached_validation, progress=False)
for name, count in passes.items():
    print(f"{name:>9}: the encoder ran on {count} batches")
print(f"ratio {passes['run anew'] / passes['cached']:.1f}, and it grows with every epoch")

# %% [markdown]
# Is it the same training? The order of the batches, the head and the loop are, so the losses must be.

# %%
# NBVAL_CHECK_OUTPUT
difference = max(abs(a - b) for a, b in zip(history.frame["loss"], faster.frame["loss"], strict=True))
print("the same losses" if difference < 1e-3 else f"they differ by up to {difference:.1g}")

# %%
seconds = {"run anew": history.frame["seconds"].sum(), "cached": faster.frame["seconds"].sum()}
print({name: f"{value:.2f} s in the steps" for name, value in seconds.items()})
for split in ("test", HARD):
    print(f"{split:>6}: accuracy {evaluate(model, data[split])['accuracy']:.2f}")

# %% [markdown]
# The head is the model's own: train it on cached rows and the whole model predicts with it. Two limits. Cached features leave no room for dropout inside the encoder or for changed text in each epoch. And the encoder stays what it is: what is faint in its vectors, no head can make loud. That is what fine-tuning is for.
#
# ## 6 · Neighbours
#
# Features need no classifier. The sentences nearest to yours by **cosine**, the angle between two vectors, are a search engine in three lines.
#
# **Predict.** Will the nearest sentences share the *opinion* of the query, its *subject*, or its *form*?

# %%
library = features["pre-trained"]["train"][-1]
library = library - library.mean(axis=0)  # what all sentences have in common tells none apart
library = library / np.linalg.norm(library, axis=1, keepdims=True)  # at length 1, a dot product is a cosine


def neighbours(row, k=5):
    """The k training sentences nearest to one of them, itself left out."""
    cosine = library @ library[row]
    nearest = [int(i) for i in np.argsort(-cosine) if i != row][:k]
    return pd.DataFrame(
        {"cosine": cosine[nearest].round(2), "opinion": [task.label_names[labels["train"][i]] for i in nearest],
         "sentence": [texts["train"][i] for i in nearest]}
    )


print(texts["train"][3])
neighbours(3)

# %%
cosines = library @ library.T
np.fill_diagonal(cosines, -1)
agree = (labels["train"][cosines.argmax(axis=1)] == labels["train"]).mean()
print(f"nearest neighbours of the same opinion: {agree:.0%} (by chance: {1 / len(task.label_names):.0%})")

# %% [markdown]
# Nearness counts all columns alike, so the widest directions have the loudest say, as they had on the map: sentences of the same form and subject come first, whatever they think of it. Compare the share above with the probe's accuracy in section 3: the opinion is in the vectors, but the cosine was not told to look for it. For search by meaning, encoders are trained further on pairs of sentences ([Reimers and Gurevych, 2019](https://arxiv.org/abs/1908.10084)); for opinion, lesson 06 fine-tunes.
#
# ## Check your understanding
#
# 1. Somebody reports a probe accuracy of .80 and concludes: "so the model understands sentiment". Which two controls do you ask for?
# 2. Your features are right in training and wrong in the demo. The first thing you check?
# 3. When is it *not* allowed to cache features?
# 4. You tried five layers and three poolings and report the best test accuracy. What is wrong, and how large might it be?
#
# The exercises to this lesson answer back: open `exercises/05_feature_extraction.ipynb`.
#
# ## Recap
#
# - A hidden state has the shape (batch, time, hidden); an encoder of $L$ layers has $L + 1$ of them.
# - Pool with the mask. Test it: the same text in other company gives the same vector.
# - A probe says what is there in a simple form; a random encoder and TF-IDF say what that is worth.
# - A map shows the widest directions, not the ones you care about.
# - A frozen encoder runs once. Cached features make every later epoch nearly free.
#
# **Next:** 06, full fine-tuning: let the encoder itself change.
