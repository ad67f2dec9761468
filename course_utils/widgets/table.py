"""A table to sort, choose from and star in: plain HTML with real buttons, in the page's own colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

# Sorting is done in Python (`RunTable.sorted_rows`), so that it can be tested there; the page only asks for it.
PAGE = """
function render({ model, el }) {
  const draw = () => {
    const focused = el.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const [sortKey, down] = model.get("sort");
    const table = document.createElement("table");
    const head = table.createTHead().insertRow();
    const corner = document.createElement("th");
    corner.textContent = "shown";
    head.append(corner);
    for (const name of model.get("columns")) {
      const cell = document.createElement("th");
      cell.setAttribute("aria-sort", name !== sortKey ? "none" : down ? "descending" : "ascending");
      const button = document.createElement("button");
      button.textContent = name + (name !== sortKey ? "" : down ? " ▼" : " ▲");
      button.dataset.key = "sort " + name;
      button.title = "Sort by " + name;
      button.onclick = () => { model.set("sort", [name, name === sortKey && !down]); model.save_changes(); };
      cell.append(button);
      head.append(cell);
    }
    const body = table.createTBody();
    for (const row of model.get("rows")) {
      const line = body.insertRow();
      const box = document.createElement("input");
      box.type = "checkbox";
      box.checked = model.get("chosen").includes(row.id);
      box.dataset.key = "choose " + row.id;
      box.setAttribute("aria-label", "Show " + row.name);
      box.onchange = () => {
        const others = model.get("chosen").filter((id) => id !== row.id);
        model.set("chosen", box.checked ? [...others, row.id] : others);
        model.save_changes();
      };
      const first = line.insertCell();
      first.append(box);
      const swatch = document.createElement("span");
      swatch.textContent = row.colour ? " ━" : "";
      swatch.style.color = row.colour;
      swatch.setAttribute("aria-hidden", "true");
      first.append(swatch);
      row.cells.forEach((text, i) => {
        const cell = line.insertCell();
        if (row.differs.includes(i)) { cell.className = "differs"; }
        if (i > 0) { cell.textContent = text; return; }
        const star = document.createElement("button");
        star.textContent = row.starred ? "★" : "☆";
        star.dataset.key = "star " + row.id;
        star.setAttribute("aria-pressed", row.starred);
        star.setAttribute("aria-label", "Star " + row.name);
        star.onclick = () => model.send({ star: row.id, to: !row.starred });
        const name = document.createElement("button");
        name.textContent = text;
        name.dataset.key = "open " + row.id;
        name.title = "Name it, delete it, take its settings";
        name.setAttribute("aria-pressed", row.id === model.get("opened"));
        name.onclick = () => { model.set("opened", row.id); model.save_changes(); };
        cell.append(star, name);
      });
    }
    el.classList.add("lab-table");
    el.replaceChildren(table);
    if (focused) { [...el.querySelectorAll("[data-key]")].find((part) => part.dataset.key === focused)?.focus(); }
  };
  for (const name of ["rows", "columns", "sort", "chosen", "opened"]) { model.on("change:" + name, draw); }
  draw();
}
export default { render };
"""
STYLE = """
.lab-table { overflow-x: auto; max-height: 340px; }
.lab-table table { border-collapse: collapse; font-size: 13px; color: var(--jp-ui-font-color1, inherit); }
.lab-table th, .lab-table td { padding: 2px 8px; text-align: right; white-space: nowrap;
  border-bottom: 1px solid rgba(127, 127, 127, 0.35); }
.lab-table th:nth-child(-n+2), .lab-table td:nth-child(-n+2) { text-align: left; }
.lab-table thead th { position: sticky; top: 0; background: var(--jp-layout-color1, Canvas); }
.lab-table button { border: none; background: none; color: inherit; font: inherit; cursor: pointer; padding: 2px; }
.lab-table button[aria-pressed="true"] { font-weight: bold; }
.lab-table button:focus-visible, .lab-table input:focus-visible { outline: 2px solid #0072B2; }
.lab-table .differs { font-weight: bold; background: rgba(230, 159, 0, 0.25); }
"""


@lru_cache(maxsize=1)
def _table_class() -> Any:
    import anywidget
    import traitlets

    class RunTable(anywidget.AnyWidget):
        _esm, _css = PAGE, STYLE
        columns: Any = traitlets.List().tag(sync=True)
        rows: Any = traitlets.List().tag(sync=True)
        sort = traitlets.List(["", False]).tag(sync=True)  # column, whether downwards
        chosen: Any = traitlets.List().tag(sync=True)  # ids of the rows that are ticked
        opened = traitlets.Unicode("").tag(sync=True)  # id of the row whose name was pressed

    return RunTable


def run_table() -> Any:
    """An empty table; `fill` it. Pressing a star sends {"star": id, "to": bool}."""
    return _table_class()()


def fill(
    table: Any, ids: Sequence[str], names: Sequence[str], columns: Mapping[str, Sequence[Any]],
    *, compared: Sequence[str] = (), starred: Sequence[bool] = (), colours: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Show these rows in the table's order. In the `compared` columns, what is not the commonest value is marked."""
    order = sorted_rows(list(columns.values()), list(columns), table.sort)
    commonest = {name: max(columns[name], key=list(columns[name]).count) for name in compared if columns[name]}
    rows = []
    for i in order:
        values = {name: column[i] for name, column in columns.items()}
        rows.append({
            "id": ids[i], "name": names[i], "starred": bool(starred[i]), "colour": (colours or {}).get(ids[i], ""),
            "cells": [shown(value) for value in values.values()],
            "differs": [n for n, name in enumerate(values) if name in commonest and values[name] != commonest[name]],
        })  # fmt: skip
    with table.hold_sync():
        table.columns = list(columns)
        table.rows = rows


def sorted_rows(columns: Sequence[Sequence[Any]], names: Sequence[str], sort: Sequence[Any]) -> list[int]:
    """Row numbers in the order asked for; equal rows keep theirs, and rows without a value come last."""
    by, down = sort
    rows = range(len(columns[0]) if columns else 0)
    if by not in names:
        return list(rows)
    column = columns[names.index(by)]
    empty = [i for i in rows if column[i] is None or column[i] != column[i]]
    mixed = len({isinstance(column[i], str) for i in rows if i not in empty}) > 1
    rest = sorted(
        (i for i in rows if i not in empty), key=lambda i: str(column[i]) if mixed else column[i], reverse=down
    )
    return rest + empty


def shown(value: Any) -> str:
    """A value as it stands in a cell."""
    if value is None or value != value:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
