"""The exercises of lesson 02 answer back: on their own solutions, their stubs, and the usual mistakes.

Solutions and stubs are taken from the exercise source, so they cannot differ from what learners see. The
mistakes are written here once more, as learners write them: independently of the checks' suspects.
"""

import ast
import re

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from course_utils.authoring import cells_of, find_root, find_targets
from course_utils.checks import find_check, lesson_checks
from course_utils.checks.lesson_02 import _flops, _weights
from course_utils.checks.testing import assert_recognises


def answers(variant):
    """Exercise id → the answer that the notebook of this variant gives to its check."""
    [target] = [t for t in find_targets(find_root(), ["02"]) if t.variant == variant]
    code = [cell for cell in cells_of(target) if cell.kind == "code" and "setup" not in cell.tags]
    names: dict = {}
    for cell in code:
        imports = all(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.parse(cell.source).body)
        if "answer" in cell.tags or imports or cell.source.startswith("import torch"):
            exec(cell.source, names)
    source = "\n".join(cell.source for cell in code)
    return {id: names[name] for id, name in re.findall(r'^check\("([\d.]+)", (\w+)\)', source, re.MULTILINE)}


SOLUTIONS, STUBS = answers("solution"), answers("exercise")


def root(q):
    return q.shape[-1] ** 0.5


ATTENTION = {
    "softmax over the wrong axis": lambda q, k, v: torch.softmax(q @ k.T / root(q), dim=0) @ v,
    "scale missing": lambda q, k, v: torch.softmax(q @ k.T, dim=-1) @ v,
    "divided by the width": lambda q, k, v: torch.softmax(q @ k.T / q.shape[1], dim=-1) @ v,
    "scale turned over": lambda q, k, v: torch.softmax(q @ k.T * root(q), dim=-1) @ v,
    "scaled after the softmax": lambda q, k, v: torch.softmax(q @ k.T, dim=-1) / root(q) @ v,
    "no softmax": lambda q, k, v: q @ k.T / root(q) @ v,
    "weights returned": lambda q, k, v: torch.softmax(q @ k.T / root(q), dim=-1),
    "root of the number of keys": lambda q, k, v: torch.softmax(q @ k.T / len(k) ** 0.5, dim=-1) @ v,
    "keys mixed": lambda q, k, v: torch.softmax(q @ k.T / root(q), dim=-1) @ k,
    "a fixed scale": lambda q, k, v: torch.softmax(q @ k.T / 4, dim=-1) @ v,
    "width of the values": lambda q, k, v: torch.softmax(q @ k.T / root(v), dim=-1) @ v,
    "not a tensor": lambda q, k, v: (SOLUTIONS["02.1"](q, k, v), None),
    "another shape": lambda q, k, v: SOLUTIONS["02.1"](q, k, v).T,
    "another value": lambda q, k, v: 1.01 * SOLUTIONS["02.1"](q, k, v),
}


def with_scores(change, after=lambda weights, time: weights):
    """Attention whose scores and weights are changed: change(scores, time), after(weights, time)."""

    def answer(q, k, v):
        scores = change(q @ k.T / root(q), len(q))
        return after(scores.softmax(-1), len(q)) @ v

    return answer


def ones(time):
    return torch.ones(time, time)


def minus_infinity(forbidden):
    return lambda scores, time: scores.masked_fill(forbidden(time).bool(), float("-inf"))


def same(scores, time):
    return scores


CAUSAL = {
    "no mask": with_scores(same),
    "mask after the softmax": with_scores(same, lambda w, t: w * ones(t).tril()),
    "mask added after the softmax": with_scores(same, lambda w, t: w + ones(t).tril()),
    "scores set to zero": with_scores(lambda s, t: s.tril()),
    "ones added": with_scores(lambda s, t: s + ones(t).tril()),
    "the wrong way": with_scores(minus_infinity(lambda t: ones(t).tril(-1))),
    "inverted": with_scores(minus_infinity(lambda t: ones(t).tril())),
    "blind to itself": with_scores(minus_infinity(lambda t: ones(t).triu())),
    "one step into the future": with_scores(minus_infinity(lambda t: ones(t).triu(2))),
    "masked and not scaled": lambda q, k, v: SOLUTIONS["02.2"](root(q) * q, k, v),
    "scale missing": lambda q, k, v: (q @ k.T).softmax(-1) @ v,
    "softmax over the wrong axis": lambda q, k, v: (q @ k.T / root(q)).softmax(0) @ v,
    "the future leaks": lambda q, k, v: SOLUTIONS["02.2"](q, k, v) + (0 if len(q) == 6 else v[-1]),
    "another value": lambda q, k, v: 1.01 * SOLUTIONS["02.2"](q, k, v),
}


def headed(split, merge, width=None):
    def answer(q, k, v, heads):
        parts = [split(x, heads) for x in (q, k, v)]
        scale = None if width is None else width(q) ** -0.5
        return merge(scaled_dot_product_attention(*parts, scale=scale))

    return answer


def view(x, heads):
    return x.view(x.shape[0], x.shape[1], heads, -1)


HEADS = {
    "reshaped without transposing": headed(
        lambda x, h: x.reshape(x.shape[0], h, x.shape[1], -1), lambda y: y.reshape(y.shape[0], y.shape[2], -1)
    ),
    "split without transposing": headed(
        lambda x, h: x.reshape(x.shape[0], h, x.shape[1], -1), lambda y: y.transpose(1, 2).flatten(2)
    ),
    "merged without transposing": headed(
        lambda x, h: view(x, h).transpose(1, 2), lambda y: y.reshape(y.shape[0], y.shape[2], -1)
    ),
    "heads interleaved": headed(
        lambda x, h: x.view(x.shape[0], x.shape[1], -1, h).movedim(3, 1), lambda y: y.movedim(1, 3).flatten(2)
    ),
    "scaled by the whole width": headed(
        lambda x, h: view(x, h).transpose(1, 2), lambda y: y.transpose(1, 2).flatten(2), lambda q: q.shape[-1]
    ),
    "heads not scaled": headed(
        lambda x, h: view(x, h).transpose(1, 2), lambda y: y.transpose(1, 2).flatten(2), lambda q: 1.0
    ),
    "lengths taken as equal": lambda q, k, v, heads: SOLUTIONS["02.3"](q, k.view(q.shape), v, heads),
    "one head": lambda q, k, v, heads: scaled_dot_product_attention(q, k, v),
    "attention between heads": headed(view, lambda y: y.flatten(2)),
    "another shape": lambda q, k, v, heads: SOLUTIONS["02.3"](q, k, v, heads).transpose(1, 2),
}


def turn(x, theta, sign=1.0, exponent=None, place=None):
    width = x.shape[-1]
    exponent = torch.arange(0, width, 2) / width if exponent is None else exponent(width)
    place = torch.arange(x.shape[-2])[:, None] if place is None else place(x)
    angle = sign * place / theta**exponent
    angle = torch.cat([angle, angle], -1)
    half = torch.cat([-x[..., width // 2 :], x[..., : width // 2]], -1)
    return x * angle.cos() + half * angle.sin()


def pairs(x, theta):
    width = x.shape[-1]
    angle = torch.arange(x.shape[-2])[:, None] / theta ** (torch.arange(0, width, 2) / width)
    a, b, out = x[..., ::2], x[..., 1::2], torch.empty_like(x)
    out[..., ::2], out[..., 1::2] = a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()
    return out


def placed(turn_query, turn_key=None):
    return lambda q, k, v, theta: (turn_query(q, theta), (turn_key or turn_query)(k, theta), v)


def still(x, theta):
    return x


ROTARY = {
    "nothing turned": placed(still),
    "values turned": lambda q, k, v, theta: tuple(turn(x, theta) for x in (q, k, v)),
    "values changed": lambda q, k, v, theta: (turn(q, theta), turn(k, theta), 2 * v),
    "not three tensors": lambda q, k, v, theta: (turn(q, theta), turn(k, theta)),
    "only the queries": placed(turn, still),
    "only the keys": placed(still, turn),
    "turned against each other": placed(turn, lambda x, theta: turn(x, theta, sign=-1)),
    "turned the other way": placed(lambda x, theta: turn(x, theta, sign=-1)),
    "neighbours paired": placed(pairs),
    "speeds too slow": placed(
        lambda x, theta: turn(x, theta, exponent=lambda w: 2 * torch.arange(0, w, 2) / w)
    ),
    "speeds too fast": placed(lambda x, theta: turn(x, theta, exponent=lambda w: torch.arange(w // 2) / w)),
    "sign of the exponent lost": placed(
        lambda x, theta: turn(x, theta, exponent=lambda w: -torch.arange(0, w, 2) / w)
    ),
    "theta typed in": placed(lambda x, theta: turn(x, 10_000.0)),
    "one speed for all": placed(lambda x, theta: turn(x, theta, exponent=lambda w: torch.zeros(w // 2))),
    "heads counted as places": placed(
        lambda x, theta: turn(x, theta, place=lambda x: torch.arange(x.shape[1])[:, None, None])
    ),
    "lengths change": placed(lambda x, theta: x + torch.arange(x.shape[-2])[:, None]),
}


def in_place(x, n1, attend, n2, feed):
    x += attend(n1(x))
    x += feed(n2(x))
    return x


def post_norm(x, n1, attend, n2, feed):
    x = n1(x + attend(x))
    return n2(x + feed(x))


def normed_stream(x, n1, attend, n2, feed):
    x = n1(x)
    x = n2(x + attend(x))
    return x + feed(x)


def steps(*parts):
    """A block from functions (x, n1, at, n2, ff) → x, one after the other."""

    def answer(x, n1, at, n2, ff):
        for part in parts:
            x = part(x, n1, at, n2, ff)
        return x

    return answer


def look(x, n1, at, n2, ff):
    return x + at(n1(x))


def think(x, n1, at, n2, ff):
    return x + ff(n2(x))


BLOCK = {
    "post-norm": post_norm,
    "no residuals": lambda x, n1, at, n2, ff: ff(n2(at(n1(x)))),
    "added to the normed copy": normed_stream,
    "first residual missing": steps(lambda x, n1, at, n2, ff: at(n1(x)), think),
    "second residual missing": steps(look, lambda x, n1, at, n2, ff: ff(n2(x))),
    "side by side": lambda x, n1, at, n2, ff: x + at(n1(x)) + ff(n2(x)),
    "added to the old x": lambda x, n1, at, n2, ff: x + ff(n2(look(x, n1, at, n2, ff))),
    "no norm before the feed-forward part": steps(look, lambda x, n1, at, n2, ff: x + ff(x)),
    "no norms": steps(lambda x, n1, at, n2, ff: x + at(x), lambda x, n1, at, n2, ff: x + ff(x)),
    "one norm twice": steps(look, lambda x, n1, at, n2, ff: x + ff(n1(x))),
    "normed at the end": steps(
        lambda x, n1, at, n2, ff: x + n1(at(x)), lambda x, n1, at, n2, ff: x + n2(ff(x))
    ),
    "feed-forward first": steps(think, look),
    "x changed in place": in_place,
    "another value": steps(look, think, think),
}


def crossed(
    asks, answers_, fetched, mask=lambda scores, keep: scores.masked_fill(~keep, -torch.inf), late=None
):
    def answer(written, source, keep, to_query, to_key, to_value):
        texts = {"written": written, "source": source}
        q, k, v = to_query(texts[asks]), to_key(texts[answers_]), to_value(texts[fetched])
        weights = mask(q @ k.T / root(q), keep).softmax(-1)
        return (weights * keep if late else weights) @ v

    return answer


def unmasked(scores, keep):
    return scores


FROM_SOURCE = ("written", "source", "source")
CROSS = {
    "padding seen": crossed(*FROM_SOURCE, mask=unmasked),
    "padding masked after the softmax": crossed(*FROM_SOURCE, mask=unmasked, late=True),
    "mask inverted": crossed(*FROM_SOURCE, mask=lambda s, keep: s.masked_fill(keep, -torch.inf)),
    "mask on the rows": crossed(*FROM_SOURCE, mask=lambda s, keep: s.masked_fill(~keep[:, None], -torch.inf)),
    "causal mask": crossed(
        *FROM_SOURCE, mask=lambda s, keep: s.masked_fill(~keep, -torch.inf).masked_fill(ones(len(s)).triu(1).bool(), -torch.inf)
    ),
    "cross scores not scaled": lambda *a: SOLUTIONS["02.6"](*a[:3], lambda x: 6**0.5 * a[3](x), *a[4:]),
    "roles exchanged": crossed("source", "written", "written", mask=unmasked),
    "self-attention": crossed("written", "written", "written", mask=unmasked),
    "values of the wrong side": crossed("written", "source", "written"),
    "only the source": crossed("source", "source", "source"),
}  # fmt: skip


def counted(tables=True, places=True, matrices=4, biases=True, norms=4, last=2, tie=1):
    def answer(vocabulary, positions, width, layers, inner):
        block = matrices * width**2 + 2 * width * inner + norms * width
        block += (matrices * width + inner + width) if biases else 0
        return tables * tie * vocabulary * width + places * positions * width + layers * block + last * width

    return answer


WEIGHTS = {
    "tied weights twice": counted(tie=2),
    "biases forgotten": counted(biases=False),
    "bias of the inner layer": lambda v, p, d, n, inner: SOLUTIONS["02.7"](v, p, d, n, inner) + n * (d - inner),
    "positions forgotten": counted(places=False),
    "norms forgotten": counted(norms=0, last=0),
    "last norm forgotten": counted(last=0),
    "shifts forgotten": counted(norms=2, last=1),
    "output projection forgotten": counted(matrices=3),
    "one matrix for queries, keys and values": counted(matrices=2),
    "token table forgotten": counted(tables=False),
    "another value": counted(norms=6),
}


def worked(matrices=4, pairs=2.0, logits=1.0, each=2, once=False, feed=2):
    def answer(vocabulary, width, layers, inner, time):
        block = each * time * (matrices * width**2 + feed * width * inner) + int(each * pairs * time**2 * width)
        return layers * block + int(logits * each * (1 if once else time) * width * vocabulary)

    return answer


FLOPS = {
    "additions forgotten": worked(each=1),
    "pairs of tokens forgotten": worked(pairs=0),
    "one product of pairs": worked(pairs=1),
    "pairs without their width": lambda v, d, n, inner, t: worked(pairs=0)(v, d, n, inner, t) + n * 4 * t * t,
    "one feed-forward matrix": worked(feed=1),
    "logits forgotten": worked(logits=0),
    "logits of one place": worked(once=True),
    "lookup counted": worked(logits=2),
    "output projection forgotten": worked(matrices=3),
    "another value": worked(matrices=5),
}

MISTAKES = {
    "02.1": ATTENTION,
    "02.2": CAUSAL,
    "02.3": HEADS,
    "02.4": ROTARY,
    "02.5": BLOCK,
    "02.6": CROSS,
    "02.7": WEIGHTS,
    "02.8": FLOPS,
}


@pytest.mark.parametrize("id", MISTAKES)
def test_the_check_recognises_the_usual_mistakes(id):
    assert_recognises(find_check(id), SOLUTIONS[id], STUBS[id], MISTAKES[id])


def test_every_exercise_is_covered():
    assert list(lesson_checks("02")) == list(MISTAKES) == list(SOLUTIONS) == list(STUBS)


def split_then(q, k, v, heads):
    parts = (torch.stack(x.chunk(heads, -1), 1) for x in (q, k, v))
    return torch.cat(scaled_dot_product_attention(*parts).unbind(1), -1)


OTHER_RIGHT = [
    ("02.1", lambda q, k, v: scaled_dot_product_attention(q[None], k[None], v[None])[0]),
    (
        "02.1",
        lambda q, k, v: torch.einsum(
            "ts,sd->td", torch.softmax(torch.einsum("td,sd->ts", q, k) / root(q), -1), v
        ),
    ),
    ("02.2", lambda q, k, v: scaled_dot_product_attention(q[None], k[None], v[None], is_causal=True)[0]),
    ("02.2", with_scores(lambda s, t: s + torch.full((t, t), -1e9).triu(1))),
    ("02.2", with_scores(same, lambda w, t: w.tril() / w.tril().sum(-1, keepdim=True))),
    ("02.3", split_then),
    (
        "02.4",
        placed(lambda x, theta: turn(x, theta, place=lambda x: torch.arange(1, x.shape[-2] + 1)[:, None])),
    ),
    ("02.5", steps(look, think)),
    ("02.6", crossed(*FROM_SOURCE, mask=lambda s, keep: s + torch.where(keep, 0.0, -1e9))),
]


@pytest.mark.parametrize("id, answer", OTHER_RIGHT)
def test_other_right_answers_are_right(id, answer):
    assert find_check(id).examine(answer), find_check(id).examine(answer)


def test_the_counts_are_those_of_a_model():
    from transformers import GPT2Config, GPT2LMHeadModel

    from course_utils.transformer import count_flops, from_transformers

    config = GPT2Config(vocab_size=100, n_positions=20, n_embd=8, n_layer=2, n_head=2, n_inner=32)
    model = GPT2LMHeadModel(config)
    assert _weights(100, 20, 8, 2, 32) == model.num_parameters()
    assert _flops(100, 8, 2, 32, 10) == count_flops(
        from_transformers(model), torch.zeros(1, 10, dtype=torch.long)
    )


def test_one_product_of_pairs_and_half_of_both_are_the_same_number():
    """Two slips, one result: the check names the first, and its words fit both."""
    assert find_check("02.8").examine(worked(pairs=1)).mistake.name == "one product of pairs"
