# %% [markdown]
# # 10 · Named entities
#
# Until now a text got one label. Here every *word* gets one, and together they say where names stand: each with a beginning, an end and a kind. That makes three things harder. Labels must sit on the right piece of a word, the score must count names and not words, and errors come in kinds that ask for different remedies.
#
# **You will be able to**
#
# - carry tags from words to sub-words, and back to names and characters;
# - say why a high accuracy of words may mean nothing, and compute the score that counts;
# - sort errors into missed, spurious, boundary and type, and find names that mislead a model;
# - decode tags under rules, and measure what that gains.
#
# *About 45 minutes. The code runs in under a minute on two CPU cores. Helpful before: lesson 06, full fine-tuning.*

# %%
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
from IPython.display import HTML

from course_utils import (
    CourseError,
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
    predict_entities,
    predict_logits,
    time_on_t4,
    train,
    widgets,
)
from course_utils.baselines import Gazetteer
from course_utils.decoding import entity_spans, word_tags
from course_utils.entities import (
    OUTCOMES,
    outcome_table,
    read_spans,
    repaired,
    rule_breaks,
    structured_tags,
    word_accuracy,
    word_probabilities,
)
from course_utils.figures import entities as drawn
from course_utils.metrics import entity_scores
from course_utils.widgets.text import ask_marked, browse_errors

print(current_scale(), time_on_t4("10"))
MODEL = chosen("model", "mini-encoder")  # a name of the course, a folder, or a repo id on the Hub
DATA = chosen("data", "entities")
LABELS = int(chosen("rows", "64"))

# %% [markdown]
# ## 1 · What the model is asked
#
# Find the names in a sentence of the local paper, and say of each whether it is a person (PER), an organisation (ORG), a place (LOC) or something else (MISC), such as a festival or a ship. Few sentences are labelled, on purpose: tagging every word is slow work.

# %%
task = load_task(DATA, train_rows=LABELS, seed=0)
SPLITS = [split for split in ("test", "unseen") if split in task.rows]


def words_and_tags(split):
    """The words of every sentence of a split, and the names of their tags."""
    rows = task.rows[split]
    return rows[task.text][:], [[task.label_names[i] for i in row] for row in rows[task.label][:]]


words, tags = words_and_tags("train")
HTML("".join(drawn.tagged(*pair) for pair in zip(words[:6], tags[:6])))

# %% [markdown]
# The rows hold no colours, only one **tag** per word. In the scheme IOB2, `B-PER` begins a person, `I-PER` goes on with it, and `O` is outside every name. B is there for neighbours: without it, two names of one kind side by side would read as one ([Tjong Kim Sang and Veenstra 1999](https://aclanthology.org/E99-1023/)).

# %%
most = max(range(len(words)), key=lambda i: len(entity_spans(tags[i])))
for word, tag in zip(words[most], tags[most]):
    print(f"{word:>16}  {tag}")
print(entity_spans(tags[most]))

# %% [markdown]
# `entity_spans` turns tags into names: kind, first word, last word + 1. It drops an `I-` that continues no name of its kind. For rows that people tagged you want to be told, and `read_spans` says where:

# %%
# NBVAL_CHECK_OUTPUT
try:
    read_spans(["B-PER", "I-PER", "O", "I-LOC", "O"])
except CourseError as error:
    print(error)

# %% [markdown]
# ## 2 · Two scores, and what they see
#
# Before any model, take two taggers that need none. The first says `O` to every word. The second is a **name list** (a *gazetteer*): it tags what the labelled rows tagged, wherever it stands, and nothing else.
#
# **Predict.** What share of the words does the first get right? And what share will the second, on sentences whose names no labelled row contains (`unseen`)? Beside it stands F1 of *names*, a score that the text under the numbers explains.

# %%
def report(tagger, split, found):
    """Two scores for the tags that were found in a split."""
    _, wanted = words_and_tags(split)
    accuracy, f1 = word_accuracy(found, wanted), entity_scores(found, wanted)["f1"]
    print(f"{tagger:>22}, {split:>6}: {accuracy:.2f} of the words right, F1 of names {f1:.2f}")


name_list = Gazetteer.of(task)
for split in SPLITS:
    rows, _ = words_and_tags(split)
    report("O to every word", split, [["O"] * len(row) for row in rows])
    report("name list", split, [name_list.tag(row) for row in rows])

# %% [markdown]
# A tagger that finds nothing gets more than three quarters of the words right (claim `10-all-outside`): most words are outside names. The list finds none of the unseen names (claim `10-list-knows-no-others`), and its share of words does not tell you so. So the accuracy of words begins near the top, and says little.
#
# What you want to know is how many *names* are found. A name is right if its kind and both its ends are. **Precision** is the share of predicted names that are right, **recall** the share of wanted names that were found, and F1 their harmonic mean. The library [seqeval](https://github.com/chakki-works/seqeval) is the usual judge. The package counts as seqeval does in its strict mode. Below, one of two names is found, and the other begins with `I-`:

# %%
# NBVAL_CHECK_OUTPUT
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2

wanted, begun_wrong = [["B-PER", "I-PER", "O", "B-LOC"]], [["I-PER", "I-PER", "O", "B-LOC"]]
print("package:", round(entity_scores(begun_wrong, wanted)["f1"], 2))
print("seqeval, strict:", round(f1_score(wanted, begun_wrong, mode="strict", scheme=IOB2), 2))
print("seqeval, as it comes:", round(f1_score(wanted, begun_wrong), 2))

# %% [markdown]
# As it comes, seqeval forgives an `I-` that continues nothing, and lets it begin a name. Say which mode you used when you quote a score.
#
# ## 3 · From words to pieces
#
# The tags are one per word; the model reads pieces (lesson 01).
#
# **Predict.** A name of one word is cut into several pieces and is tagged `B-PER`. Which label should each piece get?

# %%
def align(word_ids, tags):
    """One label per piece; `word_ids` is the word of each piece, or None for a special token."""
    before = [None, *word_ids]
    return [tags[w] if w is not None and w != b else -100 for w, b in zip(word_ids, before)]


tokenizer = load_tokenizer(MODEL)
encoded = tokenizer(["Mrs", "Pettiquill", "sings", "in", "Brackwater"], is_split_into_words=True)
labels = align(encoded.word_ids(), ["O", "B-PER", "O", "O", "B-LOC"])
for piece, word, label in zip(encoded.tokens(), encoded.word_ids(), labels):
    print(f"{piece:>10}  word {word!s:>4}  label {label}")

# %% [markdown]
# The first piece of a word carries its tag. All other pieces, and the special tokens, get −100, which the loss leaves out (lesson 06). If every piece were labelled `B-PER`, the model would be told that a new person begins at each of them; and long words would weigh more than short ones.
#
# `encode` does this for every row; instead of names it uses the tags' numbers.

# %%
# NBVAL_CHECK_OUTPUT
data = encode(task, tokenizer, max_length=128)
encoded = tokenizer(words, is_split_into_words=True, truncation=True, max_length=128)
tag_numbers = task.rows["train"][task.label][:]
by_hand = [label for i in range(len(words)) for label in align(encoded.word_ids(i), tag_numbers[i])]
print("the package's labels" if by_hand == data["train"].labels.tolist() else "they differ")
in_words = sum(word is not None for i in range(len(words)) for word in encoded.word_ids(i))
print(f"{in_words / sum(map(len, words)):.2f} pieces a word")

# %% [markdown]
# In the mini world few words are cut, because its tokenizer knows most of them whole. In real text, names are what is cut first, since they are rare.
#
# ## 4 · Fine-tuning, and what the labels could not teach
#
# The loop is that of lesson 06; a target is now a word instead of a sentence. Two models: one from random weights, one pre-trained.
#
# **Predict.** Both see the same few sentences. Which of the two will beat the name list?

# %%
is_mini = load_model(MODEL, task).num_parameters() < 5_000_000
CONFIG = TrainConfig(
    epochs=30 if LABELS <= 64 else 12 if LABELS <= 256 else 5,  # fewer rows, more rounds
    batch_size=16, learning_rate=1e-3 if is_mini else 5e-5, warmup_share=0.1, seed=0,
)


def tags_of(model, split, decode=word_tags):
    """The tags that a model gives to the sentences of a split: at each word the likeliest, or as `decode` says."""
    rows, _ = words_and_tags(split)
    tags, certainty = decode(predict_logits(model, data[split]), data[split], task.label_names, map(len, rows))
    return tags


# %%
models, found = {}, {}
for name, scratch in (("from scratch", True), ("pre-trained", False)):
    models[name] = load_model(MODEL, task, from_scratch=scratch, seed=0)
    train(models[name], data["train"], CONFIG, progress=False)
    for split in SPLITS:
        found[name, split] = tags_of(models[name], split)
        report(name, split, found[name, split])

# %% [markdown]
# Only the pre-trained model leaves the list behind. Look at *from scratch* on unseen names: its accuracy of words and its F1 are more than 60 points apart (claim `10-accuracy-flatters`), and its words are no better tagged than by saying `O` (claim `10-below-nothing`). Had you watched accuracy alone, this model would have looked fine.
#
# The pre-trained model's F1 is more than 60 points above it there (claim `10-unseen-names`). It has met these names before, in text that nobody labelled, and it knows what sort of company they keep.
#
# Is it only the `unseen` split that is hard? With so few labels, most names of the *test* sentences are new as well. Split the wanted names there by whether a labelled row contains them. (`outcome_table` lists what became of each name; section 5 says more.)

# %%
def wanted_names(tagger, split="test"):
    """One row per wanted name: what became of it, and whether it was found."""
    words, wanted = words_and_tags(split)
    names = outcome_table(words, found[tagger, split], wanted).query("outcome != 'spurious'")  # spurious: not wanted
    return names.assign(found=names["outcome"] == "right")


in_labels = set(outcome_table(words, tags, tags)["name"])
shares = {}
for name in models:
    asked = wanted_names(name)
    known = np.where(asked["name"].isin(in_labels), "in the labelled rows", "new")
    shares[name] = asked.groupby(known)["found"].mean().round(2)
    shares["names"] = asked.groupby(known).size()
pd.DataFrame(shares)[["names", *models]]

# %% [markdown]
# From scratch, the model has become a name list: it finds the names of its labels more than 60 points oftener than new ones (claim `10-scratch-knows-its-names`), and its F1 is that of the list, give or take five points (claim `10-scratch-is-a-list`). For the pre-trained model the difference is under 15 points (claim `10-pretrained-knows-others`).
#
# How many labels would close the gap? Each point below is the mean of several runs; the band reaches from the worst to the best.

# %%
curves = experiments.results("entities")
widgets.explore(
    lambda split: figures.learning_curves(
        curves[curves["split"] == split], x="labels", y="score", by="method",
        title=f"Names, {split} split", x_label="labelled sentences", y_label="F1 of names",
    ),
    split=["unseen", "test"],
)

# %% [markdown]
# On unseen names, more labels hardly help the model from scratch: with 1,024 its F1 stays below .15 (claim `10-scratch-stays-behind`). A head on a frozen encoder (*features*, lesson 05) is cheap, and with 64 labels more than three points behind full fine-tuning (claim `10-frozen-behind`). And training the last layer alone (lesson 07)? Compare its line with that of full fine-tuning, at 64 labels and at 1,024.
#
# ## 5 · What goes wrong
#
# An F1 below 1 says that something is wrong, not what. Each name ends in one of six ways:
#
# | outcome | kind | ends | what often helps |
# |---|---|---|---|
# | right | ✓ | ✓ | |
# | type | ✗ | ✓ | more context; clearer rules for the kinds |
# | boundary | ✓ | ✗ | rules about titles and articles; a decoder |
# | boundary and type | ✗ | ✗ | both |
# | missed | – | – | labels with such names |
# | spurious | – | – | labelled sentences without names |
#
# The scorers of the MUC conferences sorted errors alike ([Chinchor and Sundheim 1993](https://aclanthology.org/M93-1007/)).
#
# **Predict.** Which kind of error is the commonest for each of the two models, on unseen names?

# %%
split = SPLITS[-1]
rows, wanted = words_and_tags(split)
tables = {name: outcome_table(rows, found[name, split], wanted) for name in models}
counts = {name: table["outcome"].value_counts().reindex(OUTCOMES[1:], fill_value=0) for name, table in tables.items()}
drawn.outcome_bars({name: of.to_dict() for name, of in counts.items()}, title=f"Errors on the {split} split, by kind")

# %% [markdown]
# From scratch, nearly all that is wrong is missed. The pre-trained model sees most names and mistakes their kind or their ends: of its errors, the share that is missed is more than 50 points smaller (claim `10-missed-or-mistaken`), and the commonest error is the kind (claim `10-kind-is-commonest`). You would mend the two in different ways. Counts are a beginning; then read. Choose a kind, and go through its sentences.

# %%
errors = tables["pre-trained"].query("outcome != 'right'")
browse_errors(errors, drawn.both_readings, by="outcome")

# %% [markdown]
# A tag with a question mark is an `I-` that continues nothing. Keep it in mind for section 6.
#
# ### Ambiguous names
#
# Marlow is a town, a company, and somebody's surname. Which it is, only the sentence tells. Let the rows say which names are like that: those tagged with more than one kind.
#
# **Predict.** Are ambiguous names harder than other names of one word?

# %%
everything = pd.concat(outcome_table(w, t, t) for w, t in map(words_and_tags, task.rows))
kinds = everything.groupby("name")["kind"].nunique()
names = wanted_names("pre-trained")
one_word = names[~names["name"].str.contains(" ")]
one_word = one_word.assign(ambiguous=one_word["name"].map(kinds) > 1)
display(one_word.groupby("ambiguous")["found"].agg(found="mean", names="size").round(2))
one_word[one_word["ambiguous"]].groupby("kind")["found"].agg(found="mean", names="size").round(2)

# %% [markdown]
# The first table may surprise you: with 64 labels, ambiguous names do no worse than others (claim `10-ambiguous-no-harder`). The second says why. Most of them are towns in these sentences, and as towns they are found more than 15 points oftener than as people and companies (claim `10-ambiguous-towns`). What is wrong with them is the kind in more than nine of ten cases (claim `10-ambiguous-kind`).
#
# With 1,024 labels the order turns: ambiguous names are more than two points behind (claim `10-ambiguous-harder`). The kind of another name can be learned once and for all; that of an ambiguous one must be read from each sentence. An average over groups hides such things, so look at the rare group.
#
# ## 6 · A decoder that keeps the rules
#
# So far each word took its likeliest tag, without a look at its neighbours. So the tags may break the rules: an `I-PER` after `O`. How often?

# %%
alone = found["pre-trained", split]
broken = [number for number, row in enumerate(alone) if rule_breaks(row)]
print(f"{len(broken)} of {len(alone)} sentences break a rule, most often so:")
pairs = Counter()
for row in alone:
    pairs.update(f"{row[i - 1] if i else '(beginning)'} {row[i]}" for i in rule_breaks(row))
for pair, times in pairs.most_common(5):
    print(f"{times:>4} × {pair}")

# %% [markdown]
# More than half of the broken rules are two words of one name that disagree about its kind (claim `10-words-disagree`). Each word had its reasons; nobody told them to agree.
#
# A stray `I-` is lost to strict scorers. Two remedies:
#
# - **mend** it: turn every stray `I-` into `B-`, as lenient scorers do;
# - **decode** under the rules: of all sequences that IOB2 allows, take the one with the highest product of probabilities.
#
# There are far too many sequences to try. But if you know, for every tag, the best legal sequence that ends in it, you can extend these by one word, and forget the rest. That is the **Viterbi** algorithm (exercise 6): the time grows with words · tags², no more.
#
# Below, each column is a word, and dark means probable. The solid line takes each word alone, the dashed one keeps the rules. Where do they part, and which is right?

# %%
rows, wanted = words_and_tags(split)
logits, sizes = predict_logits(models["pre-trained"], data[split]), [len(row) for row in rows]
probabilities = word_probabilities(logits, data[split], task.label_names, sizes)
legal, _ = structured_tags(logits, data[split], task.label_names, sizes)


def paths(sentence):
    """Both ways to read the probabilities of a sentence."""
    return drawn.trellis(
        probabilities[sentence], rows[sentence], task.label_names,
        {"each word alone": alone[sentence], "under the rules": legal[sentence]},
        title="Tagged: " + " ".join(wanted[sentence]),
    )


widgets.explore(paths, sentence=(broken or [0])[:12])

# %% [markdown]
# **Predict.** By how many points of F1 does each remedy change the score? Will it be more or less with 1,024 labels?

# %%
for split in SPLITS:
    alone = found["pre-trained", split]
    report("each word alone", split, alone)
    report("stray I- mended", split, [repaired(row) for row in alone])
    report("under the rules", split, tags_of(models["pre-trained"], split, structured_tags))

# %% [markdown]
# Mending makes it *worse*, by more than half a point on average over seeds (claim `10-mending-costs`): a name whose words disagree is cut into two wrong ones. Decoding under the rules makes the words agree on the kind that is likeliest for all of them together, and gains more than a point (claim `10-rules-with-few`). Ends profit most: averaged over seeds, more than a quarter fewer names have a wrong one (claim `10-rules-mend-ends`).
#
# With 1,024 labels it gains less than half a point on test rows (claim `10-rules-with-many`): a model that is sure of itself breaks few rules. So it is a remedy for few labels. It costs no training, and nothing comes out that your program can't read.
#
# The rules above are all or nothing. A *conditional random field* also learns how likely each pair of tags is ([Lample et al. 2016](https://aclanthology.org/N16-1030/)).
#
# ## 7 · An honest failure
#
# A label in the wrong place raises no error. Here is a common slip: somebody forgot that `[CLS]` stands before the first word, so that every label is one piece too early. Their validation rows went through the same function.
#
# **Predict.** What will the training loss do? What accuracy will they see on test rows made the same way?

# %%
def one_too_early(rows):
    """The same rows with every label one piece to the left."""
    return replace(rows, labels=np.roll(rows.labels, -1))  # the labels of all rows lie in one flat array


shifted = load_model(MODEL, task, seed=0)
history = train(shifted, one_too_early(data["train"]), CONFIG, progress=False)
seen = evaluate(shifted, one_too_early(data["test"]))
print(f"loss {history.frame['loss'].iloc[0]:.2f} → {history.frame['loss'].iloc[-1]:.4f}")
print(f"accuracy on test rows made the same way: {seen['accuracy']:.2f}")

# %% [markdown]
# Everything looks well: the loss goes to zero, and accuracy is above .90 (claim `10-shifted-looks-well`). The model has learned what it was shown, to tag each word by the one *after* it. Attention looks both ways, so that is no harder. Now read what it finds.

# %%
rows, _ = words_and_tags("test")
moved = tags_of(shifted, "test")
report("one piece too early", "test", moved)
HTML("".join(drawn.tagged(*pair) for pair in zip(rows[:4], moved[:4])))

# %% [markdown]
# Fewer than one name in twenty is right (claim `10-shifted-finds-nothing`). No score that is computed from the same wrong labels can show it. Two habits do:
#
# - **look** at predictions as text, never only as numbers;
# - **go there and back**: decode your *labels* as if they were predictions, and compare with the tags you began with.

# %%
# NBVAL_CHECK_OUTPUT
row_of = np.repeat(np.arange(len(data["train"])), np.diff(data["train"].offsets))  # the sentence of each piece
for name, rows in (("aligned", data["train"]), ("one too early", one_too_early(data["train"]))):
    first = np.flatnonzero(rows.words >= 0)  # the first piece of each word that arrived: tags are read there
    there = [tag_numbers[row][word] for row, word in zip(row_of[first], rows.words[first])]
    print(f"{name}: {'the tags come back' if there == rows.labels[first].tolist() else 'other tags come back'}")

# %% [markdown]
# ## 8 · Your own text
#
# For a reader, names must be found in *text*. `predict_entities` splits it into words, tags them under the rules, and carries the names back to characters: `text[start:end]` is the name, whatever script or emoji stands before it. The probability is that of the least certain word: where the rules had to make words agree, expect a low one.
#
# **Predict.** Which names are lost when each word is tagged alone? Untick the box and see. Then put the smiley first, or write something of your own. The model has seen few labels, all from one paper: what does it make of a sentence from your mail?

# %%
def underline(text, keep_rules):
    """The text with its names marked, and how sure the model is of each."""
    [entities] = predict_entities(models["pre-trained"], tokenizer, text, keep_rules=keep_rules)
    return drawn.underlined(text, entities)


example = "Orla Finch of the Wend Rowing Club moved to Marlow, says Reverend Marlow. 🙂"
ask_marked(underline, example, {"keep_rules": True}, button="Find names")

# %% [markdown]
# ## Check your understanding
#
# 1. Two taggers have the same accuracy of words. Why may their F1 differ widely?
# 2. A tagger marks "the Wend" where "Wend" is wanted, every time. What kind of error is that, and would you collect more labels?
# 3. Your model never breaks a rule of IOB2. What does a structured decoder gain?
# 4. Why does F1 fall little on unseen names for a pre-trained model, and to almost nothing from scratch?
#
# *Answers.* 1: most words are `O`; one wrong word can spoil a name of four, or only a word that belongs to none. 2: boundary; settle the rule about articles in the labels first, or strip the article afterwards. 3: nothing; where the best tags are legal, they are the best legal ones. 4: it knows these names' company from unlabelled text; from scratch, only the labelled names themselves were learned.
#
# The exercises to this lesson answer back: open `exercises/10_named_entities.ipynb`.
#
# ## Recap
#
# - The first piece of a word carries its tag; everything else is −100. Go there and back to be sure.
# - Count names, not words: F1, strict, with its mode.
# - Sort errors by kind, and names by group, before you choose a remedy.
# - Rules at decoding time are free, and help where labels are few.
#
# **Next:** 11, question answering: one span in a long text, and the art of saying that there is none.
