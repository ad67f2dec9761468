"""Exercises of lesson 04, choosing a model: counting parameters, bytes and FLOPs; heads, licences, distillation.

Answers are compared with slow specifications and with what usual mistakes give.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.functional import softmax

from course_utils.checks import Check, Mistake
from course_utils.checks.witnesses import Suspect, same, told_apart

# A mistake reads best as its four parts, on as few lines as they need:
# fmt: off
# ---------------------------------------------------------------- 04.1


class TinyLM(nn.Module):
    """A language model of 20 words whose output layer may share the table of its embeddings."""

    def __init__(self, tied: bool = True) -> None:
        super().__init__()
        self.embeddings = nn.Embedding(20, 4)
        self.layer = nn.Linear(4, 4)
        self.decoder = nn.Linear(4, 20, bias=False)
        if tied:
            self.decoder.weight = self.embeddings.weight
        self.layer.bias.requires_grad_(False)


count_weights = Check(
    "04.1",
    "Count every weight once",
    hints=(
        "A model lists its modules, and each module its weights. Can two modules list the same weight?",
        "`state_dict()` lists by name, `parameters()` by weight: which of them meets a shared table twice?",
        "Sum `p.numel()` over `model.parameters()`, whether or not `p` trains.",
    ),
)


@count_weights.probe
def tied_table(answer):
    """80 in the table, 16 and 4 in the layer: 100, and 180 without tying."""
    got = answer(TinyLM())
    return told_apart(got, 100, f"{got} for a table of 20 × 4 that two modules share, and a layer of 4 × 4 + 4", [
        Suspect("tied table twice", 180,
                "the shared table is counted under both of its names",
                "Compare `len(model.state_dict())` with `len(list(model.parameters()))`, then count by weight."),
        Suspect("frozen left out", 96,
                "weights are left out: those that do not train (here the bias), or all vectors; both take up memory",
                "Drop the condition on `requires_grad`, or on the number of dimensions."),
        Suspect("tensors counted", 3, "matrices and vectors are counted, and not the numbers in them",
                "Ask each weight for `.numel()`."),
        Suspect("embeddings left out", 20, "the embedding table is left out; it is not multiplied, but it is stored",
                "Take all parameters, the table included."),
    ], "Print the name and the shape of every weight that you count.")


@count_weights.probe
def untied(answer):
    """The same model with an output layer of its own."""
    got = answer(TinyLM(tied=False))
    return told_apart(got, 180, f"{got} for the same model with an output layer of its own, 80 weights more", [
        Suspect("untied left out", 100,
                "the output layer is left out always, so that a shared one is not counted twice",
                "Decide by identity, not by name: two tables of one size may be two tables."),
    ], "Print the name and the shape of every weight that you count.")


# ---------------------------------------------------------------- 04.2

state_gib = Check(
    "04.2",
    "What AdamW holds",
    hints=(
        "For one weight that trains: what is there besides the weight, and how many bytes has each?",
        "32 bits are 4 bytes. A frozen weight has no gradient and no running averages.",
        "A trained weight: 4 (itself) + 4 (gradient) + 8 (two averages); a frozen one: 4. Mixed precision adds 2 for "
        "every weight, trained or not. Then divide by 2**30.",
    ),
)


@state_gib.probe
def full(answer):
    """16 bytes for each of 110 million weights."""
    n = 110_000_000
    got = answer(n, n, False)
    one = n / 2**30
    return told_apart(got, 16 * one, f"{got:.4g} GiB for 110 million weights that all train in fp32", [
        Suspect("moments forgotten", 8 * one, "weights and gradients are there, AdamW's two running averages are not",
                "Add 4 bytes for each of the two averages."),
        Suspect("one term missing", 12 * one,
                "one of four things is missing: the gradient, or one of AdamW's two averages (of the "
                "gradient and of its square)",
                "List the four things that are held for a weight."),
        Suspect("bits for bytes", 128 * one, "32 is the number of bits; a number in fp32 has 4 bytes",
                "Divide the bits by 8."),
        Suspect("GB for GiB", 16 * n / 1e9, "a GB is 10**9 bytes, a GiB is 2**30; a card's memory is counted in GiB",
                "Divide by 2**30."),
        Suspect("bytes", 16.0 * n, "the result is in bytes", "Divide by 2**30."),
        Suspect("weights only", 4 * one, "this is enough to read with the model, not to train it",
                "Add gradients and AdamW's averages."),
    ], "Write the bytes of one weight as a sum, one term for each thing that is held.")


@state_gib.probe
def frozen(answer):
    """100 million, of which 1 million train."""
    got = answer(100_000_000, 1_000_000, False)
    right = (4 * 100e6 + 12 * 1e6) / 2**30
    return told_apart(got, right, f"{got:.4g} GiB for 100 million weights, of which 1 million train", [
        Suspect("frozen pays as well", 16 * 100e6 / 2**30, "every weight is charged with gradient and averages",
                "Only what trains has those: multiply the 12 bytes by the trained ones."),
        Suspect("frozen weighs nothing", 16 * 1e6 / 2**30, "frozen weights are not counted; they are read at every step",
                "Count 4 bytes for every weight, trained or not."),
        Suspect("trained counted twice", (4 * 100e6 + 16 * 1e6) / 2**30,
                "the trained weights stand in both terms: once among all, once with their 16 bytes",
                "Charge all weights 4 bytes, and trained ones the 12 that come on top."),
    ], "Two terms: one for all weights, one for those that train.")


@state_gib.probe
def mixed(answer):
    """Autocast: the fp32 master copy stays, and 2 bytes come on top."""
    n = 100_000_000
    got = answer(n, n, True)
    one = n / 2**30
    return told_apart(got, 18 * one, f"{got:.4g} GiB for 100 million trained weights in mixed precision", [
        Suspect("master copy forgotten", 14 * one,
                "the weights are counted in 16 bits only; autocast keeps them in 32 and makes a copy in 16",
                "4 bytes for the master copy, 2 for the copy."),
        Suspect("everything halved", 8 * one, "everything is halved; the gradient and the averages stay in 32 bits, too",
                "Only add what autocast adds: a 16-bit copy of the weights."),
        Suspect("mixed ignored", 16 * one, "the 16-bit copy of the weights is missing: mixed precision adds "
            "to the states",
                "Add 2 bytes for each weight."),
        Suspect("everything in 16 bits but averages", 12 * one,
                "weights and gradients are counted in 16 bits; autocast keeps both in 32",
                "Begin with the 16 bytes of fp32, and add the copy."),
    ], "Begin with fp32. What does mixed precision add?")


@state_gib.probe
def mixed_and_frozen(answer):
    """100 million, of which 1 million train, under autocast: the copy is of all weights."""
    got = answer(100_000_000, 1_000_000, True)
    right = (6 * 100e6 + 12 * 1e6) / 2**30
    seen = f"{got:.4g} GiB for 100 million weights, of which 1 million train, in mixed precision"
    return told_apart(got, right, seen, [
        Suspect("copy of the trained only", (4 * 100e6 + 14 * 1e6) / 2**30,
                "only the trained weights get a 16-bit copy; frozen ones take part in the products as well",
                "Add 2 bytes for each weight, trained or not."),
    ], "Three terms: 4 bytes for all weights, 2 for the copy of all, 12 for those that train.")


# ---------------------------------------------------------------- 04.3

activation_gib = Check(
    "04.3",
    "Activations grow with the batch, and faster with the length",
    hints=(
        "The bracket counts numbers for one token of one layer. How many tokens are there, and how many layers?",
        "In the bracket, every head keeps a score for each other token: `heads * length`. Which power of "
        "the length results?",
        "batch · length · layers · (10·hidden + 2·inner + 3·heads·length) numbers, 4 bytes each, in GiB.",
    ),
)


def _activations(batch: int, length: int, layers: int, hidden: int, inner: int, heads: int) -> float:
    return batch * length * layers * (10 * hidden + 2 * inner + 3 * heads * length) * 4 / 2**30


@activation_gib.probe
def bert(answer):
    """BERT base at 16 × 128."""
    b, t, n, h, i, a = 16, 128, 12, 768, 3072, 12
    got, right = answer(b, t, n, h, i, a), _activations(b, t, n, h, i, a)
    linear = 10 * h + 2 * i
    gib = 4 / 2**30
    return told_apart(got, right, f"{got:.4g} GiB for BERT base with 16 rows of 128 tokens", [
        Suspect("scores forgotten", b * t * n * linear * gib, "attention weights are not counted: one for "
            "each pair of tokens, in each head",
                "Add 3·heads·length inside the bracket."),
        Suspect("scores not per pair", b * t * n * (linear + 3 * a) * gib,
                "each head has one number for a token here; it has one for each pair of tokens",
                "In the bracket, multiply the heads by the length."),
        Suspect("one layer", right / n, "one layer is counted; each layer keeps its own until backward has reached it",
                "Multiply by the layers."),
        Suspect("one row", right / b, "one row is counted", "Multiply by the batch."),
        Suspect("one token", right / t, "one token of each row is counted", "Multiply by the length."),
        Suspect("numbers for bytes", right / 4, "these are numbers, not bytes", "A number in fp32 has 4 bytes."),
        Suspect("GB for GiB", right * 2**30 / 1e9, "a GB is 10**9 bytes, a GiB is 2**30", "Divide by 2**30."),
        Suspect("bytes", right * 2**30, "the result is in bytes", "Divide by 2**30."),
    ], "Build the bracket for one token first, and print it.")


@activation_gib.probe
def longer(answer):
    """Twice the batch is twice the memory; twice the length is more than twice."""
    once, twice = answer(8, 512, 12, 768, 3072, 12), answer(8, 1024, 12, 768, 3072, 12)
    if same(twice / once, _activations(8, 1024, 12, 768, 3072, 12) / _activations(8, 512, 12, 768, 3072, 12)):
        return None
    return Mistake(
        "scaled wrongly with length", f"twice the length gives {twice / once:.2f} times the memory",
        "the terms grow with other powers of the length than they should: all but attention once, attention twice",
        "Multiply the whole bracket by the length, and only its last term by the length once more.",
    )


# ---------------------------------------------------------------- 04.4

training_flops = Check(
    "04.4",
    "How long will it take?",
    hints=(
        "Reading costs 2 FLOPs for each weight and token. What does backward compute, for inputs and for weights?",
        "Full: forward 2, gradients of inputs 2, gradients of weights 2. Which of the three does LoRA spare "
        "nearly all of?",
        "{'read': 2, 'full': 6, 'LoRA': 4}[trains] · weights · tokens; divide by FLOPs a second for seconds.",
    ),
)


@training_flops.probe
def by_what_trains(answer):
    """85 million matrix weights, a million tokens, 4 TFLOP/s."""
    n, tokens, speed = 85e6, 1e6, 4e12
    factors = {"read": 2, "full": 6, "LoRA": 4}
    one = n * tokens / speed
    got = {trains: answer(n, tokens, speed, trains) / one for trains in factors}
    seen = "FLOPs for each weight and token: " + ", ".join(f"{trains} {value:.3g}" for trains, value in got.items())
    values, right = list(got.values()), list(factors.values())
    if same(values, right):
        return None
    if same(values[1], 2):
        return Mistake("forward only", seen, "training is charged like reading, 2: backward is missing",
                       "Backward computes two more products of the same size; add them.")
    if same(values[1], 4):
        return Mistake("backward once", seen,
                       "backward is charged like one forward; it has two products, for the inputs and for the weights",
                       "Add the second product.")
    if same(values[0], 1) or same(values[1], 3):
        return Mistake("a product counted once", seen, "a multiplication and its addition are counted as one operation",
                       "Two FLOPs for each weight in a forward pass.")
    if same(values[2], 6):
        return Mistake("LoRA like full", seen,
                       "LoRA is charged with gradients of frozen weights, which nobody computes",
                       "Leave out the gradient of the weights.")
    if same(values[0] * values[1], (speed / (n * tokens)) ** 4 / 12):
        return Mistake("upside down", seen, "speed is divided by work; that gives runs a second",
                       "Seconds are the FLOPs of the run, divided by FLOPs a second.")
    if values[2] < 2 or same(values[2], 2):
        return Mistake("LoRA like reading", seen,
                       "LoRA trains few weights, but its gradients come down through all frozen layers",
                       "Keep the gradients of the inputs: one more product of each matrix.")
    if same(values[0], 6):
        return Mistake("reading like training", seen, "reading is charged with a backward pass",
                       "Reading is a forward pass and nothing more.")
    return Mistake("another value", seen, "none of the usual mistakes gives this value",
                   "Compute the FLOPs of one token first, then multiply and divide.")


# ---------------------------------------------------------------- 04.5

choices = Check(
    "04.5",
    "Which model, which head",
    hints=(
        "Ask of each task: is the answer a place in the input, a label, or new text? Must a token see what "
        "comes after it?",
        "Spans and tags are decided at each token with both sides in view: an encoder. New text needs a "
        "decoder; text made from another text, both.",
        "answers, entities and classification are heads of an encoder; continuing is causal_lm; translation "
        "is an encoder-decoder with seq2seq_lm.",
    ),
)

_CHOICES = {
    "find the answer in a passage": ("encoder", "answers"),
    "find the names in a sentence": ("encoder", "entities"),
    "sort reviews": ("encoder", "classification"),
    "continue a story": ("decoder", "causal_lm"),
    "translate a notice": ("encoder-decoder", "seq2seq_lm"),
}


@choices.probe
def each_task(answer):
    """One (architecture, head) for each of the five tasks."""
    if set(answer) != set(_CHOICES):
        return Mistake("other tasks", f"the tasks {', '.join(answer) or 'none'}", "a task is missing or renamed",
                       "Keep the five names as they are.")
    pairs = {task: tuple(value) if isinstance(value, tuple | list) else (value,) for task, value in answer.items()}
    if bad := [task for task, pair in pairs.items() if len(pair) != 2]:
        return Mistake("not a pair", f"{answer[bad[0]]!r} for {bad[0]!r}", "the architecture or the head is missing",
                       'Write both: ("encoder", "entities").')
    heads = ("classification", "entities", "answers", "masked_lm", "causal_lm", "seq2seq_lm")
    for allowed, part, what in (({"encoder", "decoder", "encoder-decoder"}, 0, "architecture"), (set(heads), 1, "head")):
        if unknown := [task for task, pair in pairs.items() if pair[part] not in allowed]:
            return Mistake("no such name", f"{pairs[unknown[0]][part]!r} as the {what} to {unknown[0]}",
                           f"no {what} of the exercise has this name",
                           f"Choose among {', '.join(sorted(allowed))}.")
    for task in ("find the answer in a passage", "find the names in a sentence"):
        if pairs[task][0] == "decoder":
            return Mistake("decoder for spans", f"a decoder to {task}",
                           "a token of a decoder sees only what stands before it; whether a word starts the "
                           "answer, or is a "
                           "name, often shows behind it",
                           "Take the architecture whose tokens see both sides.")
    if pairs["translate a notice"][0] == "encoder":
        return Mistake("encoder that writes", "an encoder to translate a notice",
                       "an encoder gives one output for each input token and writes no new text",
                       "Which architecture reads one text whole, and writes another?")
    if pairs["continue a story"][0] == "encoder" or pairs["continue a story"][1] == "masked_lm":
        return Mistake("masked model that continues", f"{pairs['continue a story']} to continue a story",
                       "a masked language model fills holes whose right side it sees; the end of a story has none",
                       "Take the objective that predicts the next token.")
    if pairs["find the answer in a passage"][1] in ("entities", "classification"):
        return Mistake("wrong head for spans", f"{pairs['find the answer in a passage']} to find the answer in a passage",
                       "one label a sentence, or a kind for each token, does not say where the one answer "
                       "starts and ends",
                       "Take the head with a start and an end score for each token.")
    if pairs["find the names in a sentence"][1] == "classification":
        return Mistake("one label for a sentence", "a classification head to find the names in a sentence",
                       "it gives one label for the whole text; names want one for each token",
                       "Take the head that labels tokens.")
    wrong = [task for task, pair in pairs.items() if pair != _CHOICES[task]]
    if wrong:
        return Mistake("another choice", f"{pairs[wrong[0]]} to {wrong[0]}",
                       "it may run, but another pair was made for this",
                       "Is the answer a label, a place or new text? Choose the pre-training that is nearest to it.")
    return None


# ---------------------------------------------------------------- 04.6

CARD = """\
---
license: cc-by-nc-4.0
base_model: rivermouth/gull-base
datasets: [rivermouth/forum-2019]
language: [en]
metrics: [accuracy]
---

# gull-sentiment-deluxe

A fine-tuned version of gull-base for **any language**. Free to use for everyone!

| split | accuracy |
|---|---|
| test | 97.3 |

Chosen as the best of 60 runs on the test split. Trained on forum posts of 2019, stars as labels, 94% of them positive.
Texts are lower-cased first; at most 128 tokens are read. Weights: `pytorch_model.bin` (437 MB).
"""
"""An invented card with traps in it: no such model exists."""

verdict = Check(
    "04.6",
    "Read a card",
    hints=(
        "Read the block between the dashes first: it is what tools read. Then ask of every number in the "
        "text: against what?",
        "NC is short for non-commercial. What accuracy has a model that calls every post positive? How many "
        "languages are listed?",
        "licence for a shop: no. Baseline: the share of the larger class. Score: chosen on the split that it quotes. "
        "Languages: the listed one. Format: a pickle, which can run code when it is opened.",
    ),
)


@verdict.probe
def the_card(answer):
    """Five findings about the invented card."""
    keys = {"may a shop use it", "accuracy of always positive", "is the score honest", "languages", "safe weights"}
    if set(answer) != keys:
        return Mistake("other findings", f"findings on {', '.join(answer) or 'nothing'}", "a finding is "
            "missing or renamed",
                       "Keep the five names as they are.")
    if answer["may a shop use it"] is not False:
        return Mistake("licence misread", f"{answer['may a shop use it']!r} to: may a shop use it?",
                       'the text says "free to use for everyone", the licence says NC: a sentence in the '
                       'text is no licence',
                       "Look up what the two letters NC in the licence's name stand for.")
    share = answer["accuracy of always positive"]
    if not same(float(share), 94.0) and not same(float(share), 0.94):
        return Mistake("no baseline", f"{share!r} for a model that always says positive",
                       "one half is the baseline of balanced classes only"
                       if same(float(share), 50) or same(float(share), 0.5)
                       else "this is not the share of positive posts",
                       "Find the share of the larger class in the card.")
    if answer["is the score honest"] is not False:
        return Mistake("score believed", f"{answer['is the score honest']!r} to: is the score honest?",
                       "the best of 60 runs was chosen on the split that is quoted, so part of the score is luck",
                       "Read how the run was chosen; lesson 06 says which split may decide.")
    spoken = answer["languages"]
    if isinstance(spoken, str):
        return Mistake("not a list", f"{spoken!r} as its languages", "one text, where a list is asked for",
                       'Write a list of codes, as the head of the card does: ["de", "fi"], say.')
    if list(spoken) not in (["en"], ["English"]):
        return Mistake("languages believed", f"{spoken!r} as its languages",
                       "the text promises any language; the data is in one",
                       'Trust the list in the head of the card, and write it as a list, ["…"].')
    if answer["safe weights"] is not False:
        return Mistake("pickle opened", f"{answer['safe weights']!r} to: safe weights?",
                       "a .bin file of PyTorch is a pickle, and opening a pickle can run code; the name of "
                       "the file says it",
                       "Look for safetensors among the files.")
    return None


# ---------------------------------------------------------------- 04.7

distil_loss = Check(
    "04.7",
    "The loss of a student",
    hints=(
        "Both sides are softened: divide logits by T before the softmax, the teacher's and the student's.",
        "Cross-entropy needs the log of the student's probabilities. How does its gradient shrink with T, "
        "and what restores it?",
        "-(softmax(teacher / T) · log_softmax(student / T)).sum(-1).mean() · T²",
    ),
)


def _soft(student: torch.Tensor, teacher: torch.Tensor, T: float) -> torch.Tensor:
    return -(softmax(teacher / T, -1) * (student / T).log_softmax(-1)).sum(-1).mean() * T**2


@distil_loss.probe
def loss_value(answer: Callable[..., torch.Tensor]):
    """Three rows of three classes at T = 2."""
    student = torch.tensor([[1.0, 0.0, -1.0], [0.5, 2.0, 0.0], [0.0, 0.0, 3.0]])
    teacher = torch.tensor([[3.0, 1.0, -2.0], [0.0, 4.0, 1.0], [1.0, -1.0, 2.0]])
    t = 2.0
    got = answer(student, teacher, t)
    soft, log_student = softmax(teacher / t, -1), (student / t).log_softmax(-1)
    right = _soft(student, teacher, t)
    entropy = -(soft * soft.log()).sum(-1).mean() * t**2
    cases = [
        Suspect("temperature not squared", right / t**2, "gradients shrink with 1/T²; nothing makes up for it here",
                "Multiply the loss by T²."),
        Suspect("temperature not squared enough", right / t, "the loss is multiplied by T, gradients shrink "
            "with its square",
                "Multiply by T²."),
        Suspect("student not in log", -(soft * softmax(student / t, -1)).sum(-1).mean() * t**2,
                "the student's probabilities stand where their logarithms should",
                "Take `log_softmax` of the student."),
        Suspect("teacher in log", -(teacher.div(t).log_softmax(-1) * log_student).sum(-1).mean() * t**2,
                "the teacher's side is a logarithm as well; it is what weighs, so it must be probabilities",
                "Take `softmax` of the teacher."),
        Suspect("sides swapped", _soft(teacher, student, t), "teacher and student have changed places",
                "The teacher gives the weights, the student the logarithms."),
        Suspect("teacher not softened", -(softmax(teacher, -1) * log_student).sum(-1).mean() * t**2,
                "only the student is divided by T", "Divide the teacher's logits as well."),
        Suspect("student not softened", -(soft * student.log_softmax(-1)).sum(-1).mean() * t**2,
                "only the teacher is divided by T", "Divide the student's logits as well."),
        Suspect("softmax over rows",
                -(softmax(teacher / t, 0) * (student / t).log_softmax(0)).sum(-1).mean() * t**2,
                "the softmax runs over the rows: the answers to different texts compete",
                "Take it over the classes, the last dimension: `dim=-1`."),
        Suspect("temperature multiplied",
                -(softmax(teacher * t, -1) * (student * t).log_softmax(-1)).sum(-1).mean() * t**2,
                "logits are multiplied by T, which sharpens", "Divide by T: a high temperature flattens."),
        Suspect("mean over classes", right / 3, "the mean runs over rows and classes",
                "Sum over classes, then take the mean over rows."),
        Suspect("sum over rows", right * 3, "rows are summed", "Take the mean over rows."),
        Suspect("wrong sign", -right, "the sign is missing: training would make the student disagree", "Put "
            "a minus in front."),
    ]
    if same(got.detach(), (right - entropy)):
        return None  # Kullback–Leibler: the same gradient, less a constant
    return told_apart(got.detach(), right, f"{float(got):.4f} for three rows of three classes at T = 2", cases,
                      "Compute one row by hand, with T = 1.")


@distil_loss.probe
def teacher_gets_no_gradient(answer):
    """Backward reaches the student and not the teacher."""
    student = torch.tensor([[1.0, 0.0, -1.0], [0.0, 2.0, 0.0]], requires_grad=True)
    teacher = torch.ones(2, 3, requires_grad=True)
    answer(student, teacher * torch.arange(3.0), 2.0).backward()
    if student.grad is None or not student.grad.abs().sum() > 0:
        return Mistake("student detached", "no gradient comes to the student's logits",
                       "the student is detached, or its part is computed without gradients",
                       "Detach the teacher only.")
    if teacher.grad is not None and teacher.grad.abs().sum() > 0:
        return Mistake("teacher learns too", "a gradient comes to the teacher's logits",
                       "nothing detaches the teacher: with one optimizer for both, it would learn to agree "
                       "with its student",
                       "Use `teacher.detach()`.")
    return None
