"""Exercises of lesson 02, the Transformer: lines that run without complaint when they are wrong.

Each exercise has a specification, written slowly, and *suspects*: the usual wrong programs, written out. An
answer that differs from the specification is compared with every suspect, and gets the words of the one that
it equals.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.checks import Check, Mistake


# A mistake reads best as its four parts, on as few lines as they need:
# fmt: off
@dataclass(frozen=True)
class Suspect:
    """A usual wrong program, and what to say to whoever wrote it."""

    name: str
    program: Callable[..., Any]
    cause: str
    move: str


def tell_apart(
    got: Any, arguments: Sequence[Any], wanted: Callable[..., Any], suspects: Sequence[Suspect], *, what: str, move: str
) -> Mistake | None:
    """None if `got` is what `wanted(*arguments)` gives; else the mistake of the suspect that gives the same.

    `what` names the result in the message; `move` is the next step where no suspect gives the same.
    """
    expected = wanted(*arguments)
    if isinstance(expected, Tensor) and not isinstance(got, Tensor):
        return Mistake(
            "not a tensor", f"{type(got).__name__} where a tensor of shape {tuple(expected.shape)} is asked for",
            "more than the result is returned, or its numbers were taken out of the tensor",
            f"Return one tensor of shape {tuple(expected.shape)}.",
        )
    if _same(got, expected):
        return None
    for suspect in suspects:
        try:
            result = suspect.program(*arguments)
        except (RuntimeError, IndexError):  # a wrong program may not fit these shapes
            continue
        if _same(got, result):
            return Mistake(suspect.name, _difference(got, expected, what), suspect.cause, suspect.move)
    if isinstance(got, Tensor) and got.shape != expected.shape:
        return Mistake(
            "another shape", f"{what} of shape {tuple(got.shape)} where {tuple(expected.shape)} is asked for",
            "an axis was lost, added or exchanged on the way",
            "Print the shape after every line, and write it beside the line.",
        )
    return Mistake("another value", _difference(got, expected, what), "none of the usual mistakes gives this", move)


def _same(got: Any, expected: Any) -> bool:
    if not isinstance(expected, Tensor):
        return math.isclose(got, expected, rel_tol=1e-9)
    if not isinstance(got, Tensor) or got.shape != expected.shape:
        return False
    return bool(_close(got, expected).all())


def _close(got: Tensor, expected: Tensor) -> Tensor:
    return torch.isclose(got.double(), expected.double(), atol=1e-4, rtol=1e-4, equal_nan=True)


def _difference(got: Any, expected: Any, what: str) -> str:
    """Two numbers, two shapes, or the first row in which two tensors differ."""
    if not isinstance(got, Tensor):
        return f"{what} {got:,} where {expected:,} is right"
    if got.shape != expected.shape:
        return f"{what} of shape {tuple(got.shape)} where {tuple(expected.shape)} is right"
    place = (~_close(got, expected)).any(-1).nonzero()[0].tolist()
    at = tuple(place)
    return f"{what}[{', '.join(map(str, place))}] is {_row(got[at])} where {_row(expected[at])} is right"


def _row(numbers: Tensor) -> str:
    shown = ", ".join(f"{float(number):.2f}" for number in numbers[:3])
    return f"[{shown}, …]" if len(numbers) > 3 else f"[{shown}]"


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# ---------------------------------------------------------------- 02.1

attention = Check(
    "02.1",
    "Attention",
    hints=(
        "Three steps: how well does each query fit each key, weights that sum to 1, a mixture of the values. "
        "What is the shape after each?",
        "Scores are (queries, keys). Each query shares out 1 among the keys: along which axis must the softmax run?",
        "`query @ key.T`, divided by the square root of the width, `softmax(-1)`, `@ value`.",
    ),
)


def _attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The specification, slowly: one query at a time."""
    rows = []
    for one in query:
        fit = torch.stack([(one * other).sum() for other in key]) / math.sqrt(len(one))
        share = (fit - fit.max()).exp()
        rows.append((share[:, None] / share.sum() * value).sum(0))
    return torch.stack(rows)


def _scores(query: Tensor, key: Tensor) -> Tensor:
    return query @ key.T / query.shape[-1] ** 0.5


_ATTENTION = (
    Suspect("softmax over the wrong axis", lambda q, k, v: _scores(q, k).softmax(0) @ v,
        "the softmax runs over the queries: each key shares itself out among those who ask, and a query's weights no "
        "longer sum to 1",
        "Print `weights.sum(-1)`: each query has to share out exactly 1 among the keys."),
    Suspect("scale missing", lambda q, k, v: (q @ k.T).softmax(-1) @ v,
        "the scores are not divided: the wider the vectors, the larger their products, and the softmax gives nearly "
        "all to one key",
        "A sum of `width` random products has a spread of √width. Divide by that."),
    Suspect("divided by the width", lambda q, k, v: (q @ k.T / q.shape[-1]).softmax(-1) @ v,
        "the scores are divided by the width and not by its square root, so all weights are nearly equal",
        "Divide by `width ** 0.5`: the spread of a sum grows with the root of the number of its terms."),
    Suspect("scale turned over", lambda q, k, v: (q @ k.T * q.shape[-1] ** 0.5).softmax(-1) @ v,
        "the scores are multiplied by the root instead of divided by it",
        "Wide vectors have products that are too large already."),
    Suspect("root of the number of keys", lambda q, k, v: (q @ k.T / len(k) ** 0.5).softmax(-1) @ v,
        "the scores are divided by the root of the *number* of keys, not of their width",
        "A score is a sum over the width: `query.shape[-1]`."),
    Suspect("scaled after the softmax", lambda q, k, v: (q @ k.T).softmax(-1) / q.shape[-1] ** 0.5 @ v,
        "the weights are divided and not the scores: they no longer sum to 1, and the softmax has been too sharp before",
        "Divide before the softmax."),
    Suspect("no softmax", lambda q, k, v: _scores(q, k) @ v,
        "the raw scores mix the values: they may be negative, and they sum to anything",
        "Turn each row of scores into weights that sum to 1 first."),
    Suspect("weights returned", lambda q, k, v: _scores(q, k).softmax(-1),
        "the weights are returned; what was to be fetched with them are the values",
        "Mix the values with the weights: one more product."),
    Suspect("keys mixed", lambda q, k, v: _scores(q, k).softmax(-1) @ k,
        "the keys are mixed, which say where to look and not what is found there",
        "The last product is with the values."),
)


@attention.probe
def mixes_values(answer):
    """Three queries, five keys; compared with one query at a time."""
    arguments = (_random(3, 16), _random(5, 16, seed=1), _random(5, 16, seed=2))
    return tell_apart(
        answer(*arguments), arguments, _attention, _ATTENTION, what="result",
        move="Try three tokens by hand, as the lesson does, and print scores, weights and result.",
    )


@attention.probe
def any_width(answer):
    """The values may have another width than queries and keys; the scale is that of the keys."""
    arguments = (_random(3, 9), _random(5, 9, seed=1), _random(5, 4, seed=2))
    suspects = (
        Suspect("a fixed scale", lambda q, k, v: (q @ k.T / 4).softmax(-1) @ v,
            "the number 4 is right for vectors of width 16 only",
            "Take the width from the shape of the queries."),
        Suspect("width of the values", lambda q, k, v: (q @ k.T / v.shape[-1] ** 0.5).softmax(-1) @ v,
            "the scale comes from the values, which take no part in the scores",
            "Take the width of the queries, or of the keys."),
    )
    return tell_apart(
        answer(*arguments), arguments, _attention, suspects, what="result", move="Which width do the scores sum over?"
    )


# ---------------------------------------------------------------- 02.2

causal = Check(
    "02.2",
    "A mask against the future",
    hints=(
        "Which pairs (t, s) are allowed? Write the little table for four tokens first, with t down and s across.",
        "What must a score be for the softmax to make it 0, with the rest still summing to 1? It has to be so "
        "*before* the softmax.",
        "`allowed = torch.ones(time, time, dtype=torch.bool).tril()`, then `scores.masked_fill(~allowed, "
        "-torch.inf)`, then the softmax.",
    ),
)


def _causal(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return torch.cat([_attention(query[t : t + 1], key[: t + 1], value[: t + 1]) for t in range(len(query))])


def _lower(scores: Tensor, diagonal: int = 0) -> Tensor:
    return torch.ones_like(scores, dtype=torch.bool).tril(diagonal)


def _masked(mask: Callable[[Tensor], Tensor], late: Callable[[Tensor], Tensor] = lambda w: w) -> Callable[..., Tensor]:
    """Attention whose scores go through `mask`, and whose weights go through `late`."""
    return lambda q, k, v: late(mask(_scores(q, k)).softmax(-1)) @ v


def _hide(forbidden: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda scores: scores.masked_fill(forbidden(scores), -torch.inf)


_LEAK = "The softmax has already divided by the scores of the future, so every weight depends on words to come"
_CAUSAL = (
    Suspect("no mask", _attention,
        "nothing is masked: every position sees the whole row",
        "Which scores belong to the future? Take them out before the softmax."),
    Suspect("mask after the softmax", _masked(lambda s: s, lambda w: w * _lower(w)),
        f"the weights of the future are set to 0 after the softmax. {_LEAK}; a model learns to read that",
        "Mask the scores, not the weights. Then each row of weights sums to 1."),
    Suspect("mask added after the softmax", _masked(lambda s: s, lambda w: w + _lower(w).float()),
        f"a table of ones is added to the weights. {_LEAK}, and the future keeps its weight",
        "Mask the scores before the softmax."),
    Suspect("scores set to zero", _masked(lambda s: s * _lower(s)),
        "the scores of the future are 0, and the softmax of 0 is not nothing: e⁰ is 1",
        "Give the future a score whose exponential is 0: −∞."),
    Suspect("ones added", _masked(lambda s: s + _lower(s).float()),
        "a table of zeros and ones is added to the scores: the future loses only one unit of score",
        "The future needs a score of −∞, the rest 0 on top."),
    Suspect("the wrong way", _masked(_hide(lambda s: _lower(s, -1))),
        "the mask is upside down: each position sees itself and what comes after",
        "Position t may see s ≤ t: the lower triangle, with t down and s across."),
    Suspect("inverted", _masked(_hide(_lower)),
        "true and false are exchanged: `masked_fill` fills where its mask is true, so that mask has to be the "
        "forbidden part",
        "Fill with −∞ where looking is forbidden."),
    Suspect("blind to itself", _masked(_hide(lambda s: ~_lower(s, -1))),
        "the diagonal is masked too: no position sees itself, and the first sees nothing at all, which gives nan",
        "Position t may see s ≤ t, and t is one of these."),
    Suspect("one step into the future", _masked(_hide(lambda s: ~_lower(s, 1))),
        "the mask begins one place too far right: each position sees the very word that it is to guess",
        "Check `diagonal=` of `tril` or `triu` on four tokens."),
    Suspect("masked and not scaled", lambda q, k, v: _hide(lambda s: ~_lower(s))(q @ k.T).softmax(-1) @ v,
        "the mask is right; but the scores are not divided by the square root of the width",
        "Divide the scores, then mask them."),
)


@causal.probe
def nothing_leaks(answer):
    """Compared with attention over the past alone, one position at a time."""
    arguments = (_random(6, 16), _random(6, 16, seed=1), _random(6, 16, seed=2))
    return tell_apart(
        answer(*arguments), arguments, _causal, (*_CAUSAL, *_ATTENTION), what="result",
        move="Compare row t with `attention(query[t:t+1], key[:t+1], value[:t+1])`.",
    )


@causal.probe
def the_future_may_change(answer):
    """Changing the last word changes nothing before it."""
    q, k, v = _random(5, 8), _random(5, 8, seed=1), _random(5, 8, seed=2)
    before = answer(q, k, v)
    k2, v2 = k.clone(), v.clone()
    k2[-1], v2[-1] = 3.0, -3.0
    moved = (answer(q, k2, v2) - before).abs().amax(-1)
    if bool((moved[:-1] < 1e-6).all()):
        return None
    first = int((moved > 1e-6).nonzero()[0])
    return Mistake(
        "the future leaks", f"another last word changes the result at position {first}",
        "somewhere the last key or value takes part in earlier rows",
        "Mask every score of the future before the softmax.",
    )


# ---------------------------------------------------------------- 02.3

heads_check = Check(
    "02.3",
    "Heads",
    hints=(
        "A head owns a run of neighbouring numbers of every vector: with 2 heads and width 8, the first has numbers "
        "0–3 of each token.",
        "(B, T, D) can be viewed as (B, T, heads, D/heads) without moving a number. Which two axes have to change "
        "places before heads can work side by side?",
        "Split: `x.view(B, T, heads, D // heads).transpose(1, 2)`. Merge: `found.transpose(1, 2).reshape(B, T, D)`.",
    ),
)


def _one_by_one(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    """The specification: cut out each head's numbers, attend, and put the results side by side."""
    parts = [t.chunk(heads, dim=-1) for t in (q, k, v)]
    return torch.stack([
        torch.cat([_attention(*(part[h][row] for part in parts)) for h in range(heads)], dim=-1)
        for row in range(len(q))
    ])


def _headed(
    split: Callable[[Tensor, int], Tensor], merge: Callable[[Tensor], Tensor], scale: str = "head"
) -> Callable[..., Tensor]:
    def program(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
        qs, ks, vs = (split(t, heads) for t in (q, k, v))
        divisor = {"head": qs.shape[-1], "all": q.shape[-1], "none": 1}[scale] ** 0.5
        return merge((qs @ ks.transpose(-2, -1) / divisor).softmax(-1) @ vs)

    return program


def _split(x: Tensor, heads: int) -> Tensor:
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def _merge(x: Tensor) -> Tensor:
    return x.transpose(1, 2).flatten(2)


def _pour(x: Tensor, heads: int) -> Tensor:
    return x.reshape(len(x), heads, x.shape[1], -1)


def _pour_back(x: Tensor) -> Tensor:
    return x.reshape(len(x), x.shape[2], -1)


_HEADS = (
    Suspect("reshaped without transposing", _headed(_pour, _pour_back),
        "(B, T, D) is poured straight into (B, heads, T, W): a head gets whole tokens from one part of the text and "
        "never meets the others",
        "View it as (B, T, heads, W) first, then exchange the axes of time and heads."),
    Suspect("split without transposing", _headed(_pour, _merge),
        "the vectors are poured into (B, heads, T, W) without exchanging axes, so a head mixes numbers of different "
        "tokens",
        "View it as (B, T, heads, W) first, then exchange the axes of time and heads."),
    Suspect("merged without transposing", _headed(_split, _pour_back),
        "the heads attend rightly; but (B, heads, T, W) is poured into (B, T, D) without exchanging the axes back",
        "Exchange the axes of heads and time again before you reshape."),
    Suspect("heads interleaved",
        _headed(lambda x, heads: x.unflatten(-1, (-1, heads)).permute(0, 3, 1, 2),
                lambda x: x.permute(0, 2, 3, 1).flatten(2)),
        "a head gets every so-many-th number and not a run of neighbours: (…, W, heads) instead of (…, heads, W)",
        "It would train as well, but the weights of no checkpoint fit. Put the axis of heads before that of the width."),
    Suspect("scaled by the whole width", _headed(_split, _merge, scale="all"),
        "the scores are divided by √D, but a head's products sum over D/heads numbers only",
        "Take the root of the head's width."),
    Suspect("heads not scaled", _headed(_split, _merge, scale="none"),
        "the scores of each head are not divided by a root",
        "Divide by the root of the head's width, before the softmax."),
    Suspect("one head",
        lambda q, k, v, heads: torch.stack([_attention(*row) for row in zip(q, k, v, strict=True)]),
        "the vectors are not split: one head compares whole vectors",
        "Cut each vector into `heads` runs before comparing."),
    Suspect("attention between heads",
        _headed(lambda x, heads: x.unflatten(-1, (heads, -1)), lambda x: x.flatten(2)),
        "the axes of time and heads were not exchanged: at each position the heads look at one another, and no token "
        "at another",
        "The last two axes must be time and width when queries meet keys."),
)


@heads_check.probe
def each_head_by_itself(answer):
    """Two rows, six tokens, four heads of width 3; compared with a loop over heads."""
    arguments = (_random(2, 6, 12), _random(2, 6, 12, seed=1), _random(2, 6, 12, seed=2), 4)
    return tell_apart(
        answer(*arguments), arguments, _one_by_one, _HEADS, what="result",
        move="With heads=1 you should get plain attention; with 2, cut the vectors in halves by hand and compare.",
    )


@heads_check.probe
def sources_of_another_length(answer):
    """Four queries and seven keys, two heads."""
    arguments = (_random(1, 4, 8), _random(1, 7, 8, seed=1), _random(1, 7, 8, seed=2), 2)
    try:
        got = answer(*arguments)
    except RuntimeError as error:
        return Mistake(
            "lengths taken as equal", f"with 4 queries and 7 keys: {str(error).splitlines()[0]}",
            "the number of queries is used to reshape keys or values too; in cross-attention the source is longer or "
            "shorter",
            "Take the number of tokens from each tensor itself.",
        )
    return tell_apart(
        got, arguments, _one_by_one, _HEADS, what="result", move="Take the number of tokens from each tensor itself."
    )


# ---------------------------------------------------------------- 02.4

rotary = Check(
    "02.4",
    "Rotary positions",
    hints=(
        "Which of the three decide *where* to look, and which is *what* is fetched from there? Only the former need "
        "a place.",
        "The pair (first, second) turned by an angle: first·cos − second·sin, second·cos + first·sin. The angle is "
        "the position times the pair's speed.",
        "`speed = theta ** (-torch.arange(0, W, 2) / W)`; `angle = torch.arange(T)[:, None] * speed`; "
        "`first, second = x.chunk(2, -1)`.",
    ),
)


def _turn(
    x: Tensor, theta: float, *, sign: float = 1.0, exponents: Callable[[int], Tensor] | None = None,
    neighbours: bool = False,
) -> Tensor:
    """Each pair of numbers turned by position times speed; the options are those of the suspects."""
    width, count = x.shape[-1], x.shape[-2]
    exponent = -torch.arange(0, width, 2) / width if exponents is None else exponents(width)
    angle = sign * torch.arange(count)[:, None] * theta**exponent
    first, second = (x[..., 0::2], x[..., 1::2]) if neighbours else x.chunk(2, -1)
    turned = first * angle.cos() - second * angle.sin(), second * angle.cos() + first * angle.sin()
    return torch.stack(turned, -1).flatten(-2) if neighbours else torch.cat(turned, -1)


def _products(q: Tensor, k: Tensor) -> Tensor:
    return q @ k.transpose(-2, -1)


def _both(**options: Any) -> Callable[..., Tensor]:
    """The scores of queries and keys that are turned alike."""
    return lambda q, k, theta: _products(_turn(q, theta, **options), _turn(k, theta, **options))


_ROTARY = (
    Suspect("nothing turned", lambda q, k, theta: _products(q, k),
        "queries and keys come back as they were",
        "Turn each pair by position times speed."),
    Suspect("only the queries", lambda q, k, theta: _products(_turn(q, theta), k),
        "the keys stay as they are, so a score depends on where the query stands and not on the distance",
        "Turn the keys by the same rule."),
    Suspect("only the keys", lambda q, k, theta: _products(q, _turn(k, theta)),
        "the queries stay as they are, so a score depends on where the key stands and not on the distance",
        "Turn the queries by the same rule."),
    Suspect("turned against each other", lambda q, k, theta: _products(_turn(q, theta), _turn(k, theta, sign=-1)),
        "queries turn one way and keys the other: a score then depends on the sum of the places",
        "Turn both the same way, so that the difference is left."),
    Suspect("turned the other way", _both(sign=-1),
        "both turn backwards: left and right are exchanged, and the weights of no checkpoint fit",
        "Mind the signs: first·cos − second·sin, second·cos + first·sin."),
    Suspect("neighbours paired", _both(neighbours=True),
        "number 2i is paired with 2i + 1. Some models do so (GPT-J); ModernBERT and Llama pair i with i + W/2, and "
        "their weights fit no other order",
        "Cut the vector in halves: `chunk(2, dim=-1)`."),
    Suspect("speeds too slow", _both(exponents=lambda w: -2 * torch.arange(0, w, 2) / w),
        "the exponents run from 0 to −2, because a step of two was doubled once more",
        "The exponents of the W/2 pairs run from 0 to nearly −1."),
    Suspect("speeds too fast", _both(exponents=lambda w: -torch.arange(w // 2) / w),
        "the exponents run from 0 to −½ only: there are W/2 pairs, and they were divided by W",
        "The exponents of the W/2 pairs run from 0 to nearly −1."),
    Suspect("sign of the exponent lost", _both(exponents=lambda w: torch.arange(0, w, 2) / w),
        "the exponents are positive, so the speeds grow from 1 up to theta: far pairs spin many times between two "
        "neighbours",
        "Speeds fall from 1 towards 1/theta."),
    Suspect("one speed for all", _both(exponents=lambda w: torch.zeros(w // 2)),
        "every pair turns at the same speed, so theta changes nothing and far places look like near ones",
        "Each pair has a speed of its own."),
    Suspect("theta typed in", lambda q, k, theta: _both()(q, k, 10_000.0),
        "10,000 is written into the function, and the argument `theta` is not used",
        "Use `theta`: models differ in it."),
)
_THETA = 50.0  # not 100: its square is the usual 10,000, and two mistakes would give the same


@rotary.probe
def values_stay(answer):
    """What is fetched is not turned."""
    q, k, v = _random(1, 2, 5, 8), _random(1, 2, 5, 8, seed=1), _random(1, 2, 5, 8, seed=2)
    result = answer(q, k, v, _THETA)
    if not (isinstance(result, tuple | list) and len(result) == 3):
        return Mistake(
            "not three tensors", f"a {type(result).__name__}, not three tensors",
            "one of the three is not returned", "Return queries, keys and values, in this order.",
        )
    if _same(result[2], v):
        return None
    seen = _difference(result[2], v, "values")
    if _same(result[2], _turn(v, _THETA)):
        return Mistake(
            "values turned", seen,
            "the values are turned as well: a word fetched from far away would mean something else than one from near",
            "Places belong into the scores. Return the values as they came.",
        )
    return Mistake(
        "values changed", seen,
        "the third tensor is not the values: the three are returned in another order, or something is done to them",
        "Return queries, keys and values, in this order, and the values as they came.",
    )


@rotary.probe
def scores_know_the_distance(answer):
    """The scores of turned queries and keys; any common shift of the places is as good."""
    arguments = (_random(1, 2, 5, 8), _random(1, 2, 5, 8, seed=1), _THETA)
    q, k, _ = answer(arguments[0], arguments[1], _random(1, 2, 5, 8, seed=2), _THETA)
    came, went = arguments[0].norm(dim=-1), q.norm(dim=-1)
    if not torch.allclose(came, went, atol=1e-4):
        return Mistake(
            "lengths change", f"a query of length {float(came[0, 0, -1]):.2f} comes back with {float(went[0, 0, -1]):.2f}",
            "a turn keeps every length; here something is added, or a sign of the turn is wrong",
            "Turn each pair: first·cos − second·sin and second·cos + first·sin.",
        )
    if not _same(q, arguments[0]) and _same(_products(q, k), _products(*arguments[:2])):
        return Mistake(
            "heads counted as places", "turned queries and keys whose scores are what they were before",
            "at every position the angle is the same: it grows along the axis of heads or of the batch, not along time",
            "Time is the last axis but one of (batch, heads, time, width).",
        )
    return tell_apart(
        _products(q, k), arguments, _both(), _ROTARY, what="scores",
        move="With the same vector everywhere, scores must be equal along each diagonal. Are they?",
    )


# ---------------------------------------------------------------- 02.5

block = Check(
    "02.5",
    "A block",
    hints=(
        "Two sentences, each of the form *norm, do, add*. What is it that you add to?",
        "The stream x itself is never normed. Each part reads a normed copy of it and adds its result.",
        "`x = x + attend(norm_1(x))`, then the same with the second norm and the feed-forward part.",
    ),
)

Step = Callable[[Tensor, Any, Any], Tensor]  # (x, norm, part) → x


def _pre(x: Tensor, norm: Any, part: Any) -> Tensor:
    return x + part(norm(x))


def _bare(x: Tensor, norm: Any, part: Any) -> Tensor:
    return x + part(x)


def _replaced(x: Tensor, norm: Any, part: Any) -> Tensor:
    return part(norm(x))


def _block(first: Step, second: Step) -> Callable[..., Tensor]:
    return lambda x, n1, at, n2, ff: second(first(x, n1, at), n2, ff)


_BLOCK = (
    Suspect("post-norm", _block(*[lambda x, norm, part: norm(x + part(x))] * 2),
        "the norm stands after the addition, as in the Transformer of 2017: the stream itself is normed at every "
        "block, and deep stacks need a long warm-up",
        "Norm what each part reads, and add its result to the stream that was not normed."),
    Suspect("no residuals", _block(_replaced, _replaced),
        "nothing is added: each part replaces what it got",
        "Add the result of each part to x."),
    Suspect("added to the normed copy", _block(*[lambda x, norm, part: norm(x) + part(norm(x))] * 2),
        "the normed copy takes the place of x, so the stream is normed after all",
        "Keep x, and give a normed copy to the part."),
    Suspect("first residual missing", _block(_replaced, _pre),
        "attention replaces x; only the second part adds",
        "Both parts add."),
    Suspect("second residual missing", _block(_pre, _replaced),
        "the feed-forward part replaces the stream; only attention adds",
        "Both parts add."),
    Suspect("side by side", lambda x, n1, at, n2, ff: x + at(n1(x)) + ff(n2(x)),
        "both parts read the same x: the second does not see what the first found (some models do this on purpose, "
        "for speed)",
        "Update x after the first part, and let the second read the new x."),
    Suspect("added to the old x", lambda x, n1, at, n2, ff: x + ff(n2(_pre(x, n1, at))),
        "what attention found is read by the feed-forward part and then lost: the second sum starts from the old x",
        "Add to the x that attention has updated."),
    Suspect("no norm before the feed-forward part", _block(_pre, _bare),
        "the second part reads the stream as it is, whose length grows from block to block",
        "Give it a normed copy, by the second norm."),
    Suspect("no norms", _block(_bare, _bare),
        "neither part reads a normed copy",
        "Norm, do, add; twice."),
    Suspect("one norm twice", lambda x, n1, at, n2, ff: _pre(_pre(x, n1, at), n1, ff),
        "the first norm stands before both parts",
        "Each part has a norm of its own."),
    Suspect("normed at the end", _block(*[lambda x, norm, part: x + norm(part(x))] * 2),
        "the norms are around what each part gives, not before what it reads",
        "Norm, do, add, in this order."),
    Suspect("feed-forward first", lambda x, n1, at, n2, ff: _pre(_pre(x, n2, ff), n1, at),
        "the two parts are in the wrong order",
        "Attention comes first, the feed-forward part second."),
)


@block.probe
def norm_do_add(answer):
    """Random linear parts; compared with the two lines of a pre-norm block."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        x, norms = torch.randn(2, 3, 6) * 3 + 1, [nn.LayerNorm(6) for _ in range(2)]
        for norm in norms:
            nn.init.normal_(norm.weight), nn.init.normal_(norm.bias)
        parts = [nn.Linear(6, 6) for _ in range(2)]
    arguments = (x, norms[0], parts[0], norms[1], parts[1])
    before = x.clone()
    with torch.no_grad():
        got = answer(*arguments)
        if not torch.equal(x, before):
            return Mistake(
                "x changed in place", "the tensor that the caller gave has other numbers than before",
                "`+=` writes into the caller's tensor; backpropagation needs the old numbers",
                "Write `x = x + …`.",
            )
        return tell_apart(
            got, arguments, _block(_pre, _pre), _BLOCK, what="result",
            move="Read your lines aloud: norm, attend, add; norm, feed forward, add.",
        )


# ---------------------------------------------------------------- 02.6

cross = Check(
    "02.6",
    "Cross-attention",
    hints=(
        "A decoder writes and looks at the source. Who asks, and who answers?",
        "Queries come from what is written so far, keys and values from the source. The result has one row per word "
        "written.",
        "Scores are (written, source); `scores.masked_fill(~keep, -torch.inf)` takes out the columns of padding. No "
        "causal mask: the source is all there.",
    ),
)


def _cross(roles: str, mask: str = "keep", *, scaled: bool = True) -> Callable[..., Tensor]:
    """A program by who gives queries, keys and values ("wss": written, source, source), and how it masks."""
    masks = {
        "keep": lambda scores, keep: scores.masked_fill(~keep, -torch.inf),
        "inverted": lambda scores, keep: scores.masked_fill(keep, -torch.inf),
        "rows": lambda scores, keep: scores.masked_fill(~keep[:, None], -torch.inf),
        "causal": lambda scores, keep: scores.masked_fill(~(keep & _lower(scores)), -torch.inf),
    }

    def program(written: Tensor, source: Tensor, keep: Tensor, to_q: Any, to_k: Any, to_v: Any) -> Tensor:
        q, k, v = (to({"w": written, "s": source}[role]) for to, role in zip((to_q, to_k, to_v), roles, strict=True))
        scores = _scores(q, k) if scaled else q @ k.T
        weights = (masks[mask](scores, keep) if mask in masks else scores).softmax(-1)
        return (weights * keep if mask == "late" else weights) @ v

    return program


_CROSS = (
    Suspect("padding seen", _cross("wss", "none"),
        "padding of the source gets weight like any word",
        "Take out the columns where `keep` is false, before the softmax."),
    Suspect("padding masked after the softmax", _cross("wss", "late"),
        "the weights of padding are set to 0 after the softmax, so those of the words no longer sum to 1",
        "Mask the scores."),
    Suspect("mask inverted", _cross("wss", "inverted"),
        "`keep` is true at words; here just these are masked, and padding is left",
        "`masked_fill` fills where its mask is true: give it `~keep`."),
    Suspect("mask on the rows", _cross("wss", "rows"),
        "`keep` belongs to the source, whose words are the columns of the scores; here it masks rows",
        "A mask (source,) meets the last axis by itself."),
    Suspect("causal mask", _cross("wss", "causal"),
        "the source is masked causally; but it was there before the first word was written",
        "Only padding is masked in cross-attention."),
    Suspect("cross scores not scaled", _cross("wss", scaled=False),
        "queries, keys, values and mask are right; but the scores are not divided by the root of the width",
        "Divide as in exercise 1."),
    *(Suspect("roles exchanged", _cross("sww", mask),
        "the source asks and what is written answers",
        "What is written needs to know something: its vectors make the queries.") for mask in ("none", "keep")),
    *(Suspect("self-attention", _cross("www", mask),
        "queries, keys and values all come from what is written: the source plays no part",
        "Keys and values come from the source.") for mask in ("none", "keep")),
    Suspect("values of the wrong side", _cross("wsw"),
        "the weights say where in the source to look, and then something is fetched from what is written",
        "Values come from where the keys come from."),
    Suspect("only the source", _cross("sss"),
        "queries, keys and values all come from the source: what is written plays no part",
        "What is written asks."),
)


def _cross_probe(answer: Any, written: int, source: int, move: str) -> Mistake | None:
    matrices = [_random(6, 6, seed=seed) / 6**0.5 for seed in (5, 6, 7)]
    maps = [lambda x, m=m: x @ m for m in matrices]
    arguments = (_random(written, 6), _random(source, 6, seed=1), torch.arange(source) < source - 2, *maps)
    return tell_apart(answer(*arguments), arguments, _cross("wss"), _CROSS, what="result", move=move)


@cross.probe
def of_equal_lengths(answer):
    """Five words written and five in the source, two of them padding: every exchange of roles still runs."""
    return _cross_probe(answer, 5, 5, "Write down which of the two each of queries, keys and values comes from.")


@cross.probe
def of_other_lengths(answer):
    """Three words written, seven in the source."""
    return _cross_probe(answer, 3, 7, "Print the shape of the scores: it should be (written, source).")


# ---------------------------------------------------------------- 02.7

weights_check = Check(
    "02.7",
    "Count the weights",
    hints=(
        "Go from the input up: two tables, then what one block has, then the last norm. What does the output need "
        "that is not there yet?",
        "A matrix from a to b numbers has a·b weights and b biases; a norm has two numbers per unit of width.",
        "A block: four matrices of D × D with D biases each, D × inner and inner × D with theirs, and two norms. The "
        "output is the table of tokens again.",
    ),
)


def _weights(vocabulary: int, positions: int, width: int, layers: int, inner: int, *, without: str = "") -> int:
    matrix = width * width + width
    block = 4 * matrix + (width * inner + inner) + (inner * width + width) + 2 * 2 * width
    block -= {
        "biases": 5 * width + inner, "inner bias": inner - width, "output": matrix, "qkv": 2 * matrix,
        "norms": 4 * width, "shifts": 2 * width,
    }.get(without, 0)
    last = {"norms": 0, "last norm": 0, "shifts": width}.get(without, 2 * width)
    places = 0 if without == "positions" else positions * width
    tables = vocabulary * width * {"tie": 2, "tokens": 0}.get(without, 1)
    return tables + places + layers * block + last


def _lacks(part: str) -> Callable[..., int]:
    return lambda *sizes: _weights(*sizes, without=part)


_WEIGHTS = (
    Suspect("tied weights twice", _lacks("tie"),
        "the output matrix is counted beside the table of tokens; but they are one and the same matrix, stored once",
        "Count a shared matrix once."),
    Suspect("biases forgotten", _lacks("biases"),
        "the matrices are counted without their biases",
        "In a GPT-2 type, every matrix of a block has a bias per output."),
    Suspect("bias of the inner layer", _lacks("inner bias"),
        "the first feed-forward matrix is given `width` biases; a bias belongs to an output, and it has `inner`",
        "A matrix from a to b numbers has b biases."),
    Suspect("positions forgotten", _lacks("positions"),
        "the table of places is missing",
        "Learned positions have a vector each."),
    Suspect("norms forgotten", _lacks("norms"),
        "the norms are missing: two in each block and one at the end",
        "A norm has a scale and a shift per unit of width."),
    Suspect("last norm forgotten", _lacks("last norm"),
        "the norm after the last block is missing",
        "It stands outside the blocks."),
    Suspect("shifts forgotten", _lacks("shifts"),
        "each norm is counted with its scale and without its shift",
        "A LayerNorm of a GPT-2 type has both."),
    Suspect("output projection forgotten", _lacks("output"),
        "attention has three matrices here; the fourth mixes what the heads have found",
        "Queries, keys, values and the output."),
    Suspect("one matrix for queries, keys and values", _lacks("qkv"),
        "queries, keys and values are counted as one D × D matrix",
        "They are three, even where a library stores them side by side."),
    Suspect("token table forgotten", _lacks("tokens"),
        "the table of tokens, mostly the largest part of a small model, is missing",
        "Each token of the vocabulary has a vector."),
)


@weights_check.probe
def of_three_sizes(answer):
    """Three sizes; the last is GPT-2 itself."""
    return _count_probe(
        answer, "vocabulary, positions, width, layers, inner", _weights, _WEIGHTS,
        ((100, 20, 8, 2, 24), (4096, 512, 128, 4, 512), (50257, 1024, 768, 12, 3072)),
        "Build a small GPT-2 and print `{name: p.numel() for name, p in model.named_parameters()}` beside your parts.",
    )


def _count_probe(
    answer: Any, names: str, wanted: Callable[..., int], suspects: Sequence[Suspect], cases: Sequence[tuple[int, ...]],
    move: str,
) -> Mistake | None:
    """The first mistake among several sizes of a model."""
    found = (
        tell_apart(answer(*sizes), sizes, wanted, suspects, what=f"for {names} = {sizes}:", move=move)
        for sizes in cases
    )
    return next((mistake for mistake in found if mistake), None)


# ---------------------------------------------------------------- 02.8

flops_check = Check(
    "02.8",
    "Count the work",
    hints=(
        "A product of (m, k) with (k, n) takes m·n·k multiplications and as many additions.",
        "Which products does a block have that no matrix of weights takes part in? How do they grow with the length "
        "of the row?",
        "Per block: 8·T·D² for four matrices, 4·T²·D for scores and mixture, 4·T·D·inner; and 2·T·D·V once for the "
        "logits.",
    ),
)


def _flops(vocabulary: int, width: int, layers: int, inner: int, time: int, *, without: str = "") -> int:
    matrices = 2 * time * (4 * width * width + 2 * width * inner)
    matrices -= 2 * time * {"output": width * width, "down": width * inner}.get(without, 0)
    pairs = 2 * time * time * {"pairs": 0, "one pair": width, "width": 2}.get(without, 2 * width)
    logits = 2 * width * vocabulary * {"logits": 0, "logits once": 1, "lookup": 2 * time}.get(without, time)
    total = layers * (matrices + pairs) + logits
    return total // 2 if without == "additions" else total


def _misses(part: str) -> Callable[..., int]:
    return lambda *sizes: _flops(*sizes, without=part)


_FLOPS = (
    Suspect("additions forgotten", _misses("additions"),
        "each multiplication is counted and the addition that goes with it is not",
        "Two operations for each pair of numbers."),
    Suspect("pairs of tokens forgotten", _misses("pairs"),
        "the products without weights are missing: queries with keys, and weights with values",
        "These are the ones that grow with the square of the length."),
    Suspect("one product of pairs", _misses("one pair"),
        "only one of the two products without weights is counted; or both, but the lower triangle alone, while a plain "
        "product computes the masked half too",
        "Scores are one whole square, the mixture of the values is another."),
    Suspect("pairs without their width", _misses("width"),
        "each pair of tokens is counted as one product of two numbers; but a score is a sum over the width, and so "
        "are the numbers that a pair fetches",
        "Scores are (time, width) with (width, time): three sizes."),
    Suspect("logits forgotten", _misses("logits"),
        "the product with the table of tokens at the end is missing",
        "At a small width it may be the largest of all."),
    Suspect("logits of one place", _misses("logits once"),
        "logits are counted for one position; training needs them at every one",
        "Times the length of the row."),
    Suspect("lookup counted", _misses("lookup"),
        "reading a vector from the table of tokens is counted as a product; it is a copy and computes nothing",
        "Count the table once, at the output."),
    Suspect("output projection forgotten", _misses("output"),
        "attention has three matrices here; the fourth mixes what the heads have found",
        "Queries, keys, values and the output."),
    Suspect("one feed-forward matrix", _misses("down"),
        "the feed-forward part is counted with one matrix; it goes up to `inner` and down again",
        "Two matrices, width × inner and inner × width."),
)


@flops_check.probe
def of_two_lengths(answer):
    """Three sizes, one with rows so long that pairs of tokens cost most."""
    return _count_probe(
        answer, "vocabulary, width, layers, inner, time", _flops, _FLOPS,
        ((100, 8, 2, 32, 10), (4096, 128, 4, 512, 64), (4096, 128, 4, 512, 2048)),
        "List the products of one block with their three sizes, and sum 2·m·k·n.",
    )
