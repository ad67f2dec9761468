"""The calculator of lesson 04: does this run fit into that memory?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import budget
from ..figures.budget import memory_bars
from . import explore

if TYPE_CHECKING:
    import plotly.graph_objects as go


def calculator(
    model: str = "BERT base",
    *,
    batch: int = 16,
    length: int = 128,
    precision: str = "fp32",
    trains: str = "full",
    gib: float = budget.T4_GIB,
    widget: bool | None = None,
) -> Any:
    """Choose a model, a batch, a length, a precision and what trains: the figure says whether it fits into `gib` GiB.

    With `widget=False`, the figure for the arguments. Raises CourseError for a model, a precision or a way of
    training that there is not.
    """

    def make(model: str, trains: str, batch: int, length: int, precision: str) -> go.Figure:
        estimate = budget.memory(model, batch=batch, length=length, trains=trains, precision=precision)
        verdict = "fits into" if budget.fits(estimate, gib) else "does not fit into"
        title = f"{model}, {batch} × {length} tokens, {precision}: about {estimate.gib:.2f} GiB, {verdict} {gib:g}"
        return memory_bars({trains: estimate}, limit=gib, title=title)

    controls: dict[str, list[Any]] = {
        "model": list(budget.CATALOGUE),
        "trains": list(budget.TRAINS),
        "batch": sorted({1, 4, 8, 16, 32, 64, batch}),
        "length": sorted({32, 64, 128, 256, 512, length}),
        "precision": list(budget.PRECISIONS),
    }
    values = {"model": model, "trains": trains, "batch": batch, "length": length, "precision": precision}
    return explore(make, widget=widget, values=values, **controls)
