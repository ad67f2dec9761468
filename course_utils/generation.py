"""Text from a model, token by token: the likeliest, drawn, or by beam search.

What `model.generate` of `transformers` does, in code to read; tests hold the two equal. For an encoder-decoder
the input is encoded once; the decoder then reads its own last token, and keeps the keys and values of those
before it. For a causal model see `continuation`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from .batching import Batch, Rows, batches_by_length
from .devices import to_device
from .errors import CourseError
from .evaluation import check_encoding, evaluating
from .losses import without_labels

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

MOST_TOKENS = 128  # of a text, unless told otherwise
ROWS_AT_ONCE = 64  # times the width of the beam

Choose = Callable[[torch.Tensor], torch.Tensor]  # log-probabilities (rows, vocabulary) → tokens (rows,)


@dataclass(frozen=True)
class Hypothesis:
    """A text that a beam search may end with."""

    tokens: tuple[int, ...]  # with the one that ends it, where it came that far
    log_probability: float  # of all its tokens together
    score: float  # log_probability / len(tokens) ** length_penalty: what hypotheses are compared by


@dataclass(frozen=True)
class BeamNode:
    """One token that a beam search looked at: a node of its tree."""

    number: int
    parent: int  # −1: the first token
    step: int  # 1 for the first token
    token: int
    log_probability: float  # of the text up to here
    score: float
    kept: bool  # did the search go on from here, or end here?
    finished: bool


def generate(
    model: PreTrainedModel, data: Rows, *, width: int = 1, length_penalty: float = 1.0,
    most_tokens: int = MOST_TOKENS, choose: Choose | None = None,
) -> list[list[int]]:  # fmt: skip
    """What the model writes for each row, in the order of the rows; without the token that ends a text.

    `width` 1 takes the likeliest token each time (or the one that `choose` picks); a larger one searches with
    a beam of that many. Rows of like length are written together.
    """
    check_encoding(model, data)
    _check_settings(width, most_tokens)
    if choose is not None and width > 1:
        raise CourseError(f"choose picks one token at a time, and width={width} searches: leave one of them out.")
    texts: dict[int, list[int]] = {}
    end = _ends(model)
    with evaluating(model) as device, torch.inference_mode():
        for indices in batches_by_length(data.lengths, batch_size=max(1, ROWS_AT_ONCE // width)):
            batch = to_device(data.batch(indices), device)
            if width > 1:
                beams = beam_search(
                    model, batch, width=width, length_penalty=length_penalty, most_tokens=most_tokens
                )
                written = [list(beam[0].tokens) for beam in beams]
            else:
                written = _one_each(model, batch, most_tokens, choose)
            for row, tokens in zip(indices.tolist(), written, strict=True):
                texts[row] = tokens[:-1] if tokens and tokens[-1] in end else tokens
    return [texts[row] for row in range(len(data))]


def beam_search(
    model: PreTrainedModel, batch: Batch, *, width: int, length_penalty: float = 1.0,
    most_tokens: int = MOST_TOKENS, watch: list[BeamNode] | None = None,
) -> list[list[Hypothesis]]:  # fmt: skip
    """For each row of the batch its best hypotheses, at most `width`, the best first.

    Every step extends each text by every token and keeps the `width` likeliest. One that ends is set aside with its
    score; the search is over when `width` are, and no open one is better (or at `most_tokens`). A length penalty
    above 0 divides by the length, which favours longer texts; at 0 the sum of log-probabilities decides, and
    every token costs. `watch`, for a batch of one row, collects the tree.

    Source: as in Wu et al. 2016 (https://arxiv.org/abs/1609.08144, section 7), with the penalty of `transformers`.
    """
    _check_settings(width, most_tokens)
    if watch is not None and len(batch["input_ids"]) != 1:
        raise CourseError(f"A tree is of one row, and this batch has {len(batch['input_ids'])}.")
    with evaluating(model) as device, torch.inference_mode():
        decoder = _Decoder(model, to_device(batch, device))
        beams = [_Beam(width, length_penalty, _ends(model), watch) for _ in range(decoder.rows)]
        _search(decoder, beams, most_tokens)
    return [sorted(beam.finished, key=lambda h: -h.score)[:width] for beam in beams]


def _check_settings(width: int, most_tokens: int) -> None:
    if width < 1 or most_tokens < 1:
        raise CourseError(f"width={width} and most_tokens={most_tokens} must be at least 1.")


def _search(decoder: _Decoder, beams: list[_Beam], most_tokens: int) -> None:
    """Extend all beams token by token, until each is over."""
    open_beams = beams
    for _ in range(most_tokens):
        log_p = decoder.log_probabilities()  # (texts of all open beams, vocabulary)
        origins: list[int] = []
        tokens: list[int] = []
        first, still_open = 0, []
        for beam in open_beams:
            size = len(beam.texts)
            kept = beam.extend(log_p[first : first + size])
            if not beam.is_over:
                still_open.append(beam)
                origins += [first + origin for origin, _ in kept]
                tokens += [token for _, token in kept]
            first += size
        open_beams = still_open
        if not open_beams:
            break
        decoder.go_on(origins, tokens)
    for beam in open_beams:  # what never ended
        beam.finished += [
            Hypothesis(text, total, beam.score(total))
            for text, total in zip(beam.texts, beam.totals, strict=True)
        ]


class _Beam:
    """The search for one input: the texts it follows, and those that have ended."""

    def __init__(self, width: int, penalty: float, end: set[int], watch: list[BeamNode] | None):
        self.width, self.penalty, self.end, self.watch = width, penalty, end, watch
        self.step = 0
        self.texts: list[tuple[int, ...]] = [()]
        self.totals = [0.0]  # the log-probability of each
        self.nodes = [-1]  # of each, in the tree that is watched
        self.finished: list[Hypothesis] = []  # the best first

    def score(self, total: float) -> float:
        """What texts of this step's length are compared by."""
        return total / self.step**self.penalty

    @property
    def is_over(self) -> bool:
        """Whether none is open, or enough texts have ended and none that is open is better than the worst of them."""
        if not self.texts:
            return True
        return len(self.finished) == self.width and self.score(self.totals[0]) <= self.finished[-1].score

    def extend(self, log_p: torch.Tensor) -> list[tuple[int, int]]:
        """One more token: `log_p` (texts, vocabulary). Of each text that is kept: which it was, and its new token."""
        self.step += 1
        total = log_p + torch.tensor(self.totals, device=log_p.device)[:, None]
        # So many that if the best of each text all end, `width` are left to go on with.
        wanted = (1 + len(self.end)) * self.width
        values, places = total.flatten().topk(min(wanted, total.numel()))
        texts, nodes = self.texts, self.nodes
        self.texts, self.totals, self.nodes = [], [], []
        chosen: list[tuple[int, int]] = []
        for rank, (value, place) in enumerate(zip(values.tolist(), places.tolist(), strict=True)):
            if value == -np.inf:  # a beam wider than the vocabulary
                break
            origin, token = divmod(place, log_p.shape[1])
            ends = token in self.end
            # Of ends only those among the best count, as in `transformers`.
            kept = rank < self.width if ends else len(chosen) < self.width
            if kept and ends:
                self.finished.append(Hypothesis((*texts[origin], token), value, self.score(value)))
            elif kept:
                self.texts.append((*texts[origin], token))
                self.totals.append(value)
                self.nodes.append(-1 if self.watch is None else len(self.watch))
                chosen.append((origin, token))
            if self.watch is not None:
                number, score = len(self.watch), self.score(value)
                self.watch.append(BeamNode(number, nodes[origin], self.step, token, value, score, kept, ends))
        self.finished = sorted(self.finished, key=lambda h: -h.score)[: self.width]
        return chosen


def cross_attention(model: PreTrainedModel, batch: Batch) -> torch.Tensor:
    """Where the decoder looks while it writes: (layers, heads, target, source) for the one row of `batch`.

    The batch says what the encoder reads and, as `decoder_input_ids`, what the decoder has written. `transformers`
    keeps the weights only when attention is computed step by step ("eager"), so that is switched on for this one call.
    """
    if len(batch["input_ids"]) != 1:
        raise CourseError(f"Cross-attention is shown for one row, and this batch has {len(batch['input_ids'])}.")
    before = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        with evaluating(model) as device, torch.inference_mode():
            inputs = to_device(without_labels(batch), device)
            maps = model(**inputs, output_attentions=True).cross_attentions
    finally:
        model.set_attn_implementation(before)
    return torch.cat(maps).cpu()


def _one_each(model: Any, batch: Batch, most_tokens: int, choose: Choose | None) -> list[list[int]]:
    """The tokens of each row, each chosen before the next is looked at."""
    decoder, end = _Decoder(model, batch), _ends(model)
    texts: list[list[int]] = [[] for _ in range(decoder.rows)]
    open_rows = list(range(decoder.rows))
    for _ in range(most_tokens):
        log_p = decoder.log_probabilities()
        chosen = (log_p.argmax(-1) if choose is None else choose(log_p)).tolist()
        for row, token in zip(open_rows, chosen, strict=True):
            texts[row].append(token)
        going_on = [i for i, token in enumerate(chosen) if token not in end]
        if not going_on:
            break
        open_rows = [open_rows[i] for i in going_on]
        decoder.go_on(going_on, [chosen[i] for i in going_on])
    return texts


class _Decoder:
    """The next token's log-probabilities for texts that grow."""

    def __init__(self, model: Any, batch: Batch):
        start = getattr(model.config, "decoder_start_token_id", None)
        if not model.config.is_encoder_decoder or start is None:
            raise CourseError(
                f"{type(model).__name__} has no decoder that begins from an input: load an encoder-decoder, "
                'such as load_model("mini-encoder-decoder", "seq2seq_lm").'
            )
        self.model, self.rows = model, len(batch["input_ids"])
        self.mask = batch.get("attention_mask", torch.ones_like(batch["input_ids"]))
        self.encoded = model.get_encoder()(input_ids=batch["input_ids"], attention_mask=self.mask)
        self.last = self.mask.new_full((self.rows, 1), start)
        self.past: Any = None
        never = {model.config.pad_token_id, start} - {None} - _ends(model)
        self.never = torch.tensor(sorted(never), device=self.mask.device, dtype=torch.int64)

    def log_probabilities(self) -> torch.Tensor:
        """(texts, vocabulary). Padding and the start are no text, so they are never written."""
        output = self.model(
            encoder_outputs=self.encoded, attention_mask=self.mask, decoder_input_ids=self.last,
            past_key_values=self.past, use_cache=True,
        )  # fmt: skip
        self.past = output.past_key_values
        logits = output.logits[:, -1].float()
        return logits.index_fill(1, self.never, -torch.inf).log_softmax(-1)

    def go_on(self, origins: list[int], tokens: list[int]) -> None:
        """From now on text i is what text `origins[i]` was, followed by `tokens[i]`."""
        rows = torch.tensor(origins, device=self.mask.device)
        self.past.reorder_cache(rows)
        self.mask = self.mask[rows]
        self.encoded.last_hidden_state = self.encoded.last_hidden_state[rows]
        self.last = torch.tensor(tokens, device=self.mask.device)[:, None]


def _ends(model: Any) -> set[int]:
    """The tokens that end a text."""
    end: Any = getattr(model.config, "eos_token_id", None)
    return set(end) if isinstance(end, list | tuple) else {end} - {None}


# ---------------------------------------------------------------- drawing


def filtered(
    logits: np.ndarray, *, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0
) -> np.ndarray:
    """The probabilities (vocabulary,) from which a token is drawn.

    Temperature divides the logits: below 1 the likely become likelier. Top-k keeps the `top_k` likeliest, 0 all
    of them; top-p keeps the likeliest that reach `top_p` together (Holtzman et al. 2019,
    https://arxiv.org/abs/1904.09751). What is left is scaled to add up to 1. They are used in this order.
    """
    if temperature <= 0:
        raise CourseError(
            f"temperature={temperature} must be above 0; for the likeliest token alone set top_k=1."
        )
    if not 0 < top_p <= 1 or top_k < 0:
        raise CourseError(
            f"top_p={top_p} must be from above 0 to 1, and top_k={top_k} must be 0 (all) or more."
        )
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    p = np.exp(scaled - scaled.max())
    p /= p.sum()
    order = np.argsort(-p, kind="stable")
    before = np.cumsum(p[order]) - p[order]  # what the likelier ones have together
    keep = np.zeros(len(p), dtype=bool)
    if top_k:
        order, before = order[:top_k], before[:top_k] / p[order[:top_k]].sum()
    keep[order[before < top_p]] = True
    p = np.where(keep, p, 0.0)
    return p / p.sum()


def continuation(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompt: str, *, seed: int = 0,
    most_tokens: int = 60, **how: Any,
) -> tuple[str, np.ndarray]:  # fmt: skip
    """The prompt and how the model goes on, one token drawn after the other; and what it drew the first from.

    `how` is temperature, top_k and top_p of `filtered`.
    """
    ids = tokenizer(prompt)["input_ids"]
    if not prompt.strip():
        raise CourseError("Write the beginning of a text, such as 'Bulletin: tides.'")
    rng, first = np.random.default_rng(seed), None
    longest = int(getattr(model.config, "max_position_embeddings", 512))
    with evaluating(model) as device, torch.inference_mode():
        for _ in range(min(most_tokens, longest - len(ids))):
            seen = torch.tensor([ids], device=device)
            logits = model(seen, attention_mask=torch.ones_like(seen)).logits[0, -1]
            p = filtered(logits.float().cpu().numpy(), **how)
            first = p if first is None else first
            ids.append(int(rng.choice(len(p), p=p)))
            if ids[-1] == tokenizer.eos_token_id:
                break
    if first is None:
        raise CourseError(f"The text has {len(ids)} tokens and the model reads {longest}: shorten it.")
    return str(tokenizer.decode(ids, skip_special_tokens=True)), first


def drawing(seed: int = 0, **how: Any) -> Choose:
    """A `choose` for `generate` that draws each token; `how` is temperature, top_k and top_p of `filtered`."""
    rng = np.random.default_rng(seed)

    def choose(log_probabilities: torch.Tensor) -> torch.Tensor:
        rows = [filtered(row, **how) for row in log_probabilities.float().cpu().numpy()]
        drawn = [int(rng.choice(len(p), p=p)) for p in rows]
        return torch.tensor(drawn, device=log_probabilities.device)

    return choose
