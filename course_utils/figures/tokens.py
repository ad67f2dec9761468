"""Figures of lesson 01: tokens as boxes, padding as holes, fertility as bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import CourseError
from . import BLUE, GREY, INK, ORANGE, PALETTE, RED, SKY, YELLOW, blank, line_of, marker_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from ..tokens import Merge, Piece

LONGEST = 90  # characters that stay readable in one row of boxes
PATTERNS = ("", "/", "x", ".", "\\", "+")


def token_rows(rows: Mapping[str, Sequence[Piece]], text: str, *, title: str = "") -> go.Figure:
    """The same text cut by several tokenizers, one row each: a box is a token, above the characters it covers.

    Neighbouring boxes change between two colours and every box has an outline, so cuts are seen without
    colour. A dot is a space, a crossed box an unknown token.
    """
    if len(text) > LONGEST:
        raise CourseError(
            f"The text has {len(text)} characters and {LONGEST} fit into the figure: shorten it."
        )
    counts = ", ".join(f"{name} {len(pieces)}" for name, pieces in rows.items())
    cuts = "; ".join(f"{name}: {' | '.join(p.token for p in pieces)}" for name, pieces in rows.items())
    figure = blank(
        title or f"Tokens: {counts}", "character of the text", "tokenizer",
        f"{text!r} cut into tokens. {cuts}.", height=150 + 44 * len(rows),
    )  # fmt: skip
    for name, pieces in rows.items():
        boxes = _boxes(pieces, text)
        figure.add_bar(
            y=[f"{name} · {len(pieces)}"] * len(boxes), x=[width for _, width, _ in boxes],
            base=[start for start, _, _ in boxes], text=[shown for _, _, shown in boxes],
            hovertext=[f"{p.token} · number {p.number}" for p in pieces], hoverinfo="text",
            marker={
                "color": [SKY if i % 2 else YELLOW for i in range(len(boxes))],
                "line": {"color": INK, "width": 1.5},
                "pattern": {
                    "shape": ["x" if p.unknown else "" for p in pieces], "fgcolor": RED, "size": 7,
                    "fillmode": "overlay",
                },
            },
        )  # fmt: skip
    _style_boxes(figure)
    figure.update_xaxes(range=[-0.5, max(len(text), 20) + 0.5])
    return figure


def _boxes(pieces: Sequence[Piece], text: str) -> list[tuple[float, float, str]]:
    """(start, width, what is written on it) of each token; tokens of one character share its room."""
    spans = [(piece.start, piece.end) for piece in pieces]
    boxes = []
    for i, (piece, (start, end)) in enumerate(zip(pieces, spans, strict=True)):
        sharing = spans.count((start, end))
        width = (end - start) / sharing
        turn = spans[:i].count((start, end))
        shown = text[start:end].replace(" ", "·") if not turn else ""
        if piece.unknown:  # a question mark where the token's name has no room
            shown = piece.token if width >= len(piece.token) else "?"
        boxes.append((start + turn * width, width, shown))
    return boxes


def _style_boxes(figure: go.Figure) -> None:
    figure.update_traces(
        orientation="h", showlegend=False, textposition="inside", insidetextanchor="middle", textangle=0,
        constraintext="none", textfont={"family": "monospace", "size": 12, "color": INK},
    )  # fmt: skip
    figure.update_layout(barmode="overlay", bargap=0.35)
    figure.update_xaxes(showgrid=False, zeroline=False)
    figure.update_yaxes(autorange="reversed", automargin=True, title_standoff=12)


def merge_state(words: Mapping[str, Sequence[str]], merges: Sequence[Merge], done: int) -> go.Figure:
    """Words as boxes after the first `done` merges; the token that the last of them made is orange.

    `words` maps each word to its pieces at that moment.
    """
    if not 0 <= done <= len(merges):
        raise CourseError(f"{done} merges are asked for, and there are {len(merges)}.")
    last = merges[done - 1] if done else None
    if last:
        title = (
            f'Merge {done}: "{last.pair[0]}" + "{last.pair[1]}" → "{last.token}", seen {last.count:,} times'
        )
    else:
        title = "Before the first merge, every character is a token"
    cuts = "; ".join(" | ".join(pieces) for pieces in words.values())
    figure = blank(
        title, "character of the word", "word · its tokens", f"{title}. {cuts}.", height=150 + 34 * len(words)
    )
    for word, pieces in words.items():
        starts = np.cumsum([0, *map(len, pieces)])[:-1]
        new = [last is not None and piece == last.token for piece in pieces]
        figure.add_bar(
            y=[f"{word} · {len(pieces)}"] * len(pieces), x=[len(piece) for piece in pieces],
            base=list(starts), text=list(pieces), hovertext=list(pieces), hoverinfo="text",
            marker={
                "color": [ORANGE if fresh else SKY if i % 2 else YELLOW for i, fresh in enumerate(new)],
                "line": {"color": INK, "width": [3.5 if fresh else 1.5 for fresh in new]},
            },
        )  # fmt: skip
    _style_boxes(figure)
    figure.update_xaxes(range=[-0.3, max(map(len, words)) + 0.3])
    return figure


def padded_batch(lengths: Sequence[int] | np.ndarray, *, title: str = "") -> go.Figure:
    """One batch as the model gets it: a bar per row, its tokens and its padding."""
    real = np.asarray(lengths)  # (rows,)
    widest = int(real.max())
    share = 1 - real.sum() / (widest * len(real))
    title = title or f"One batch of {len(real)} rows: {share:.0%} of it is padding"
    figure = blank(
        title, "position (tokens)", "row of the batch", f"{title}; the longest row has {widest} tokens."
    )
    rows = list(range(1, len(real) + 1))
    figure.add_bar(y=rows, x=real, name="tokens", orientation="h", marker_color=BLUE)
    figure.add_bar(
        y=rows, x=widest - real, name="padding", orientation="h",
        marker={"color": "rgba(127,127,127,0.25)", "pattern": {"shape": "/", "fgcolor": GREY}},
    )  # fmt: skip
    figure.update_layout(barmode="stack", bargap=0.15)
    return figure.update_yaxes(autorange="reversed")


def grouped_bars(
    values: Mapping[str, Mapping[str, float]], *, title: str, x_label: str, y_label: str
) -> go.Figure:
    """Bars in groups: `values[series][group]`. Colour and pattern tell the series apart."""
    said = "; ".join(
        f"{series}: " + ", ".join(f"{group} {value:.2f}" for group, value in row.items())
        for series, row in values.items()
    )
    figure = blank(title, x_label, y_label, f"{title}. {said}.")
    for i, (series, row) in enumerate(values.items()):
        figure.add_bar(
            x=list(row), y=list(row.values()), name=series, text=[f"{value:.1f}" for value in row.values()],
            textposition="outside", cliponaxis=False,
            marker={
                "color": PALETTE[i % len(PALETTE)],
                "pattern": {
                    "shape": PATTERNS[i % len(PATTERNS)], "fgcolor": "white", "size": 7, "fillmode": "overlay",
                },
            },
        )  # fmt: skip
    figure.update_layout(barmode="group")
    return figure.update_xaxes(showgrid=False)


def vocabulary_curve(
    fertility: Mapping[str, Mapping[int, float]],
    *,
    title: str = "A larger vocabulary serves frequent text first",
) -> go.Figure:
    """Tokens per word against the size of the vocabulary: `fertility[text][size]`, a line per kind of text."""
    said = "; ".join(
        f"{name} goes from {min(row.items())[1]:.2f} to {max(row.items())[1]:.2f}"
        for name, row in fertility.items()
    )
    figure = blank(title, "tokens in the vocabulary", "tokens per word", f"{title}: {said}.")
    for i, (name, row) in enumerate(fertility.items()):
        figure.add_scatter(
            x=list(row), y=list(row.values()), name=name, mode="lines+markers",
            line=line_of(i),
            marker=marker_of(i),
        )  # fmt: skip
    sizes = sorted({size for row in fertility.values() for size in row})
    figure.update_xaxes(type="log", tickvals=sizes, ticktext=[f"{size:,}" for size in sizes])
    return figure.update_yaxes(rangemode="tozero")
