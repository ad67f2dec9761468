"""A Plotly figure that can be changed while it is on the page: as wide as its cell, and never left behind."""

from __future__ import annotations

from copy import deepcopy
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import plotly.graph_objects as go

# What the page runs for a figure, in place of Plotly's own module (anywidget's `_esm`), which is 5 MB and which each
# figure brings along. anywidget (0.11) waits two seconds for a module; if it takes longer, on a busy machine, it draws
# the figure once and drops every later message to it: a live curve stays empty. This one is there at once, and
# fetches Plotly from `_plotly` when it is drawn, once for all figures of a page. Each view gets a figure model of
# its own on the view's model, so that a view that has left the page listens no more: its errors stopped the others.
# A figure's description, which follows what it shows, is what a screen reader says of it.
LOADER = """
export default {
  async render(view) {
    const page = globalThis;
    page.finetuningLabPlotly ??= import(
      URL.createObjectURL(new Blob([view.model.get("_plotly")], { type: "text/javascript" }))
    );
    const { default: made } = await page.finetuningLabPlotly;
    const figure = typeof made === "function" ? await made() : made;
    await figure.initialize?.(view);
    const describe = () => {
      view.el.setAttribute("role", "figure");
      view.el.setAttribute("aria-label", view.model.get("_widget_layout")?.meta?.description ?? "");
    };
    view.model.on("change:_widget_layout", describe);
    describe();
    return figure.render(view);
  },
};
"""


@lru_cache(maxsize=1)
def _figure_class() -> type[go.FigureWidget]:
    """Plotly's FigureWidget behind `LOADER`; as it is in Plotly 5, whose figures are no anywidgets."""
    import plotly.graph_objects as go
    import traitlets

    if not hasattr(go.FigureWidget, "_esm"):
        return go.FigureWidget

    class LiveFigure(go.FigureWidget):
        _esm = LOADER
        _plotly = traitlets.Unicode(str(go.FigureWidget._esm)).tag(sync=True)

    return LiveFigure


def live_figure(figure: go.Figure) -> go.FigureWidget:
    """The figure as a widget: change it with `replace_figure`.

    Since Plotly 6 a FigureWidget is drawn before its element is on the page, so at Plotly's default width, and
    does not heed the size of the window (https://github.com/plotly/plotly.py/issues/5208). Each page that has
    drawn one reports what it drew; it is then asked to measure its place again.
    """
    live = _figure_class()(figure)
    live._config = {**live._config, "responsive": True}  # heed the window's size

    def measure(change: Any) -> None:
        if change["new"] is not None:
            live._send_relayout_msg({"autosize": True})

    live.observe(measure, names="_js2py_traceDeltas")
    return live


def replace_figure(live: go.FigureWidget, new: go.Figure) -> None:
    """Show `new` in a live figure, on every page that has drawn it, and on those that will."""
    with live.batch_update():
        live.data = []
        live.add_traces(new.data)
        live.layout = new.layout
    _keep_for_later(live)


def _keep_for_later(live: go.FigureWidget) -> None:
    # A view that is drawn later (Plotly is still on its way, or the notebook is opened again) starts from these two,
    # and nothing has followed the messages above for it. In Plotly 5 they have other names, and the page follows.
    if live.has_trait("_widget_data"):
        live._widget_data = deepcopy(live._data)
        live._widget_layout = deepcopy(live._layout_obj._props)


def update_curves(live: go.FigureWidget, new: go.Figure) -> None:
    """Show `new`; where it has the same lines by name, only their points travel to the page, and nothing blinks."""
    if [trace.name for trace in live.data] != [trace.name for trace in new.data] or live.layout.shapes != new.layout.shapes:
        replace_figure(live, new)
        return
    with live.batch_update():
        for old, trace in zip(live.data, new.data, strict=True):
            old.x, old.y = trace.x, trace.y
        live.layout.title.text, live.layout.meta = new.layout.title.text, new.layout.meta
    _keep_for_later(live)
