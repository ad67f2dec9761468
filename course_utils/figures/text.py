"""Text with parts of it marked, as HTML: what Plotly has no figure for.

Colours are those of the figures, light enough to read black letters on, in any theme; what a colour says is also
written out after the marked words, and as a hint.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from . import PALETTE


def colours_of(labels: Iterable[str]) -> dict[str, str]:
    """A colour for each label, in the order in which they come."""
    return {label: PALETTE[i % len(PALETTE)] for i, label in enumerate(dict.fromkeys(labels))}


def highlighted(
    text: str, spans: Sequence[tuple[int, int, str]], colours: Mapping[str, str] | None = None
) -> str:
    """`text` as a paragraph with `spans`, (first character, last + 1, label), marked and named.

    Where spans overlap, the one that begins first is shown, of those the longest.
    """
    colours = colours or colours_of(sorted({label for _, _, label in spans}))
    parts, done = [], 0
    for start, end, label in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start < done or end <= start:
            continue
        parts.append(escape(text[done:start]))
        parts.append(_mark(text[start:end], label, colours.get(label, PALETTE[-1])))
        done = end
    return paragraph("".join([*parts, escape(text[done:])]))


def _mark(text: str, label: str, colour: str) -> str:
    style = f"background:{colour}55;color:inherit;border-bottom:2px solid {colour};padding:0 .2em"
    name = f"<small style='font-weight:bold'>&nbsp;{escape(label)}</small>" if label else ""
    return f"<mark style='{style}' title='{escape(label, quote=True)}'>{escape(text)}{name}</mark>"


def shaded(pieces: Sequence[tuple[str, float]], colour: str = PALETTE[1]) -> str:
    """Pieces of a text, each with a weight from 0 to 1, as a paragraph: the heavier, the deeper its colour."""
    spans = []
    for piece, weight in pieces:
        alpha = format(round(255 * 0.9 * min(max(weight, 0.0), 1.0)), "02x")
        spans.append(f"<span style='background:{colour}{alpha}' title='{weight:.3f}'>{escape(piece)}</span>")
    return paragraph("".join(spans))


def paragraph(html: str) -> str:
    """HTML as a paragraph that is easy to read, and read from right to left where its letters are."""
    return f"<p dir='auto' style='line-height:1.9;font-size:15px;max-width:60em;margin:.3em 0'>{html}</p>"


def rows_of(fields: Mapping[str, str]) -> str:
    """Names and values side by side; the values are HTML, such as that of `highlighted`."""
    cells = "".join(
        f"<tr><th style='text-align:left;vertical-align:top;padding-right:1em'>{escape(name)}</th>"
        f"<td style='text-align:left'>{value}</td></tr>"
        for name, value in fields.items()
    )
    return f"<table style='color:inherit;font-size:14px'>{cells}</table>"
