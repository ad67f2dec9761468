"""Three tokenizers, learned from the world's text: WordPiece for the encoder, BPE for the decoder, unigram for both.

The same text gives the same bytes, always: where a trainer breaks ties by the order of a hash map, the ties are
broken here.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

CLS, SEP, PAD, UNK, MASK = SPECIAL_TOKENS = ("[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]")
END_OF_TEXT = "<|endoftext|>"  # GPT-2's only special token: it begins a document, ends it and pads


def train_tokenizer(
    texts: Iterator[str], *, word_count: int, pieces: int, max_length: int = 512
) -> PreTrainedTokenizerFast:
    """A cased WordPiece tokenizer whose frequent words are whole.

    Ordinary WordPiece training stops at a vocabulary size and leaves many words
    of a small corpus in fragments; a model then learns to complete words instead
    of what they mean. Here every word seen `word_count` times is one token. Pieces
    for the others are learned from the rarer words alone, by merging the most
    frequent pair, and single characters make sure that Latin text has no unknowns.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    split_words = pre_tokenizers.BertPreTokenizer()
    counts = Counter(word for text in texts for word, _ in split_words.pre_tokenize_str(text))
    whole = [word for word, count in sorted(counts.items()) if count >= word_count]
    rare = sorted(word for word, count in counts.items() if count < word_count)

    learner = Tokenizer(models.WordPiece(unk_token=UNK))
    learner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    letters = [chr(code) for code in (*range(0x21, 0x7F), *range(0xA1, 0x180))]
    continued = ["##" + letter for letter in letters]
    learner.train_from_iterator(
        rare,
        trainers.WordPieceTrainer(
            vocab_size=2 * len(letters) + pieces,
            # Among pairs of equal frequency the trainer takes that of the lowest ids, and numbers continued
            # letters in the random order of a hash map, unless they are known before it starts.
            special_tokens=continued,
            initial_alphabet=letters,
            show_progress=False,
        ),
    )
    learned = sorted(learner.get_vocab())
    tokens = dict.fromkeys([*SPECIAL_TOKENS, *letters, *continued, *learned, *whole])

    tokenizer = Tokenizer(models.WordPiece(vocab={t: i for i, t in enumerate(tokens)}, unk_token=UNK))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = split_words
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{CLS} $A {SEP}",
        pair=f"{CLS} $A {SEP} $B {SEP}",
        special_tokens=[(token, list(tokens).index(token)) for token in (CLS, SEP)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        cls_token=CLS,
        sep_token=SEP,
        pad_token=PAD,
        unk_token=UNK,
        mask_token=MASK,
        model_max_length=max_length,
        model_input_names=["input_ids", "attention_mask"],
    )


def train_bpe(texts: Iterable[str], *, size: int = 4096, max_length: int = 512) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of `size` tokens, as GPT-2's (Radford et al. 2019).

    It starts from the 256 bytes, so nothing is unknown, and merges the most frequent pair until it has `size`
    tokens (Sennrich et al. 2016, https://arxiv.org/abs/1508.07909). It puts `<|endoftext|>` before a text, and not
    after it: a prompt is to be continued. `encode_documents` ends documents with it.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{END_OF_TEXT} $A", special_tokens=[(END_OF_TEXT, tokenizer.token_to_id(END_OF_TEXT))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=END_OF_TEXT,
        eos_token=END_OF_TEXT,
        pad_token=END_OF_TEXT,
        model_max_length=max_length,
        model_input_names=["input_ids", "attention_mask"],
    )


def train_unigram(
    texts: Iterable[str], *, size: int = 6000, sentinels: int = 100, max_length: int = 512
) -> PreTrainedTokenizerFast:
    """A unigram tokenizer of `size` tokens, `<extra_id_0>` … among them, as T5's (Raffel et al. 2019).

    A word is split in the most likely way; `learn_unigram_pieces` says how likely each piece is. A text ends with
    `</s>`. The sentinels mark what span corruption has taken out.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " ")])
    # Punctuation apart, as the encoder has it: else "mill." and "mill," are words of their own.
    split_words = pre_tokenizers.Sequence([pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation()])
    counts = Counter(
        word for text in texts for word, _ in split_words.pre_tokenize_str(normalizer.normalize_str(text))
    )
    special = ["<pad>", "</s>", "<unk>"]
    extra = [f"<extra_id_{k}>" for k in range(sentinels)]
    letters = ["▁", *(chr(code) for code in (*range(0x21, 0x7F), *range(0xA1, 0x180)))]
    pieces = learn_unigram_pieces(counts, size=size - len(special) - sentinels, letters=letters)
    vocabulary = [(token, 0.0) for token in special] + pieces + [(token, 0.0) for token in extra]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=special.index("<unk>")))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, split_words
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", special.index("</s>"))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        extra_special_tokens=extra,
        model_max_length=max_length,
        model_input_names=["input_ids", "attention_mask"],
    )


def learn_unigram_pieces(
    counts: Mapping[str, int], *, size: int, letters: Sequence[str] = (), longest: int = 16, least: int = 8
) -> list[tuple[str, float]]:
    """The `size` pieces that make words most likely, and their log probabilities (Kudo 2018,
    https://arxiv.org/abs/1804.10959).

    Start from every substring that is seen `least` times. Expectation: how often is each piece used, over all
    ways to split each word? Maximisation: that is its probability. Then a quarter of the pieces goes, those
    without which the text loses least likelihood, and so on. Single letters stay. (The trainer of `tokenizers`
    counts a word once, however frequent, when it looks for substrings, and so never finds most whole words.)
    """
    words = sorted(counts.items())
    seen: Counter[str] = Counter()
    for word, count in words:
        for i in range(len(word)):
            for j in range(i + 1, min(len(word), i + longest) + 1):
                seen[word[i:j]] += count
    kept = {*letters, *(character for word, _ in words for character in word)}
    chosen = {piece: n for piece, n in sorted(seen.items()) if n >= least or piece in kept}
    total = sum(chosen.values())
    probability = {piece: n / total for piece, n in chosen.items()}

    def maximise() -> dict[str, float]:
        used = dict.fromkeys(probability, 0.0)
        for word, count in words:
            edges = [
                (i, j, word[i:j], probability[word[i:j]])
                for i in range(len(word))
                for j in range(i + 1, min(len(word), i + longest) + 1)
                if word[i:j] in probability
            ]
            before, after = [1.0] + [0.0] * len(word), [0.0] * len(word) + [1.0]
            for i, j, _, p in edges:  # by where they begin
                before[j] += before[i] * p
            for i, j, _, p in reversed(edges):
                after[i] += p * after[j]
            for i, j, piece, p in edges:
                used[piece] += count * before[i] * p * after[j] / after[0]
        total = sum(used.values())
        # No piece is impossible: a letter that was never used alone must still spell what is new.
        return {piece: max(n, 0.1) / total for piece, n in used.items()}

    def loss_without(piece: str, p: float) -> float:
        """By how much the text gets less likely, roughly: how much less likely is the best other way to spell it?"""
        best = [0.0] + [-math.inf] * len(piece)
        for i in range(len(piece)):
            for j in range(i + 1, len(piece) + 1):
                if piece[i:j] in probability and j - i < len(piece):
                    best[j] = max(best[j], best[i] + math.log(probability[piece[i:j]]))
        return p * (math.log(p) - best[-1])

    probability |= dict.fromkeys(sorted(kept - set(probability)), 1 / total)
    while True:
        for _ in range(2):
            probability = maximise()
        if len(probability) <= size:
            break
        costs = {piece: loss_without(piece, p) for piece, p in probability.items() if piece not in kept}
        room = max(size, int(0.75 * len(probability))) - (len(probability) - len(costs))
        staying = kept | set(sorted(costs, key=lambda piece: (-costs[piece], piece))[: max(room, 0)])
        probability = {piece: p for piece, p in probability.items() if piece in staying}
        if room <= 0:
            break
    # Four digits, so that another machine's last bit is no other tokenizer.
    scores = ((piece, round(math.log(p), 4)) for piece, p in probability.items())
    return sorted(scores, key=lambda piece: (-piece[1], piece[0]))


@lru_cache(maxsize=8)
@lru_cache(maxsize=8)
def word_starts(tokenizer: PreTrainedTokenizerBase) -> np.ndarray:
    """(vocabulary,) True where a token begins a word: by "##" in WordPiece, "Ġ" in byte-level BPE, "▁" in unigram."""
    tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    if any(token.startswith("##") for token in tokens):
        return np.array([not token.startswith("##") for token in tokens])
    special = set(tokenizer.all_special_tokens)
    return np.array([token.startswith(("Ġ", "▁")) or token in special for token in tokens])
