"""Names in a sentence, marked as in an editor; what went wrong with them; the paths of a decoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from ..decoding import OUTSIDE, entity_spans
from . import BLUE, GREY, INK, MARKERS, ORANGE, PALETTE, blank
from .text import colours_of, highlighted, rows_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLOURS = colours_of(("PER", "ORG", "LOC", "MISC"))  # the same in every figure; other kinds are grey
PATTERNS = ("", "/", ".", "x", "-", "|")


def tagged(words: Sequence[str], tags: Sequence[str], colours: Mapping[str, str] = COLOURS) -> str:
    """A sentence with its names marked, as HTML. An I- that continues nothing is marked by itself, with a "?"."""
    ends = np.cumsum([0, *(len(word) + 1 for word in words)])  # where each word begins, one space between them
    spans: list[tuple[int, int, str]] = []
    inside: set[int] = set()
    for kind, first, end in entity_spans(tags):
        spans.append((int(ends[first]), int(ends[end]) - 1, kind))
        inside.update(range(first, end))
    strays = [i for i, tag in enumerate(tags) if tag != OUTSIDE and i not in inside]
    spans += [(int(ends[i]), int(ends[i + 1]) - 1, f"{tags[i]}?") for i in strays]
    return highlighted(" ".join(words), spans, colours)


def both_readings(example: Any) -> str:
    """A row of `entities.outcome_table` as HTML: the sentence as it is tagged and as it was predicted."""
    what = " → ".join(
        f"{name} ({kind})" if name else "nothing"
        for name, kind in ((example.name, example.kind), (example.found_name, example.found_kind))
    )
    return rows_of(
        {
            example.outcome: highlighted(what, []),
            "tagged": tagged(example.words, example.wanted),
            "predicted": tagged(example.words, example.predicted),
        }
    )


def outcome_bars(
    counts: Mapping[str, Mapping[str, int]], *, title: str, y_label: str = "names"
) -> go.Figure:
    """For each model, how many names ended in each kind of error: `counts[model][error]`."""
    errors = list(dict.fromkeys(error for of in counts.values() for error in of))
    said = "; ".join(
        f"{model}: " + ", ".join(f"{of.get(error, 0)} {error}" for error in errors) for model, of in counts.items()
    )
    figure = blank(title, "kind of error", y_label, f"{title}. {said}.")
    for i, (model, of) in enumerate(counts.items()):
        values = [of.get(error, 0) for error in errors]
        figure.add_bar(
            x=errors, y=values, name=model, text=values, textposition="outside", cliponaxis=False,
            marker={"color": PALETTE[i % len(PALETTE)], "pattern": {"shape": PATTERNS[i % len(PATTERNS)], "fgcolor": INK}},
        )  # fmt: skip
    figure.update_layout(barmode="group")
    return figure.update_xaxes(showgrid=False)


def trellis(
    probabilities: np.ndarray, words: Sequence[str], names: Sequence[str], paths: Mapping[str, Sequence[str]], *,
    title: str = "The probability of every tag at every word",
) -> go.Figure:  # fmt: skip
    """`probabilities` (words, tags) as a map, and over it `paths`: by name, one tag for each word."""
    said = "; ".join(f"{name}: {' '.join(tags)}" for name, tags in paths.items())
    figure = blank(title, "word", "tag", f"{title}. {said}.", height=140 + 30 * len(names))
    places = list(range(len(words)))
    figure.add_heatmap(
        z=np.asarray(probabilities).T, x=places, y=list(names), colorscale="Greys", zmin=0, zmax=1,
        colorbar={"title": "probability"},
        customdata=np.array([list(words)] * len(names)), hovertemplate="%{customdata}: %{y} %{z:.2f}<extra></extra>",
    )  # fmt: skip
    looks = ((BLUE, "solid", 12), (ORANGE, "dash", 7), (GREY, "dot", 5))
    for (name, tags), (colour, dash, size), symbol in zip(paths.items(), cycle(looks), cycle(MARKERS), strict=False):
        figure.add_scatter(
            x=places, y=list(tags), name=name, mode="lines+markers", line={"color": colour, "dash": dash, "width": 3},
            marker={"color": colour, "size": size, "symbol": symbol},
        )  # fmt: skip
    figure.update_xaxes(tickvals=places, ticktext=list(words), showgrid=False)
    figure.update_yaxes(categoryorder="array", categoryarray=list(names)[::-1], showgrid=False, automargin=True)
    return figure


def underlined(text: str, entities: Sequence[Any], colours: Mapping[str, str] = COLOURS) -> str:
    """A text with the entities that `prediction.predict_entities` found in it, and a list of them, as HTML."""
    marked = highlighted(text, [(one.start, one.end, one.kind) for one in entities], colours)
    listed = "".join(
        f"<li>{escape(one.text)}: {escape(one.kind)}, probability {one.probability:.2f}</li>" for one in entities
    )
    return marked + (f"<ul>{listed}</ul>" if listed else "<p>No name was found.</p>")
