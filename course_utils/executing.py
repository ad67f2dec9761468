"""Run notebooks as the tests do, offline at mini scale: for the outputs that are compared, and the book."""

from __future__ import annotations

import html
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from course_utils.authoring import COMPARED, Target, cells_of, find_targets, notebook, render, title
from course_utils.errors import CourseError

# What a notebook is executed with, here and in the tests: small, repeatable, and never on the network.
OFFLINE = {
    "COURSE_SCALE": "mini",
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_EVALUATE_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_NUM_THREADS": "1",
}


def run_cells(contents: Mapping[str, Any], folder: Path, **environment: str) -> Iterator[tuple[int, Any]]:
    """Execute a notebook cell by cell in one kernel; (index, executed cell) of each, also of those that fail.

    Offline, at mini scale, with `folder` as working directory, and the author's own progress untouched.
    """
    import nbformat
    from nbclient import NotebookClient

    made = nbformat.reads(render(contents), as_version=4)
    client = NotebookClient(
        made,
        timeout=600,
        kernel_name="python3",
        allow_errors=True,
        store_widget_state=False,
        extra_arguments=["--log-level=ERROR"],  # the kernel's own warnings are not the lesson's
        resources={"metadata": {"path": str(folder)}},
    )
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, **OFFLINE, "COURSE_HOME": home, **environment}
        with client.setup_kernel(env=environment):  # inside: the folder must outlive it
            for index, cell in enumerate(made.cells):
                yield index, client.execute_cell(cell, index)


def run_notebook(contents: Mapping[str, Any], folder: Path, **environment: str) -> Any:
    """The executed notebook (nbformat). Raises CourseError with the first cell that fails and its error."""
    import nbformat

    made = nbformat.reads(render(contents), as_version=4)
    for index, cell in run_cells(contents, folder, **environment):
        made.cells[index] = cell
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                source = contents["metadata"]["finetuning_lab"]["source"]
                raise CourseError(
                    f"{source}: a cell fails with {output.ename}: {output.evalue}\n{cell.source}"
                )
    return made


def compared_outputs(contents: Mapping[str, Any], target: Target) -> dict[str, list[Any]]:
    """Run a notebook; cell id → the outputs to store, of its compared cells."""
    outputs = {}
    for cell in run_notebook(contents, target.path.parent).cells:
        if cell.cell_type == "code" and COMPARED in cell.source.splitlines():
            outputs[cell.id] = [_storable(output, target) for output in cell.outputs]
    return outputs


def _storable(output: Mapping[str, Any], target: Target) -> dict[str, Any]:
    """An output as plain JSON that repeats: one fixed count, texts as lists of lines."""
    if output.get("name") == "stderr":
        raise CourseError(
            f"{target.path.name}: a compared cell writes to stderr, which does not repeat: "
            f"{output['text'][:200]!r}; silence it there or move it to another cell."
        )
    plain: dict[str, Any] = json.loads(json.dumps(output))
    if "execution_count" in plain:
        plain["execution_count"] = 1
    if "text" in plain:
        plain["text"] = plain["text"].splitlines(keepends=True)
    for kind, value in plain.get("data", {}).items():
        if isinstance(value, str):
            plain["data"][kind] = value.splitlines(keepends=True)
    return plain


def book(root: Path, numbers: Iterable[str] = ()) -> Path:
    """Execute the lessons and render them to `build/book/*.html`; the path of its first page."""
    from nbconvert import HTMLExporter

    folder = root / "build" / "book"
    folder.mkdir(parents=True, exist_ok=True)
    pages = []
    for target in find_targets(root, numbers):
        if target.variant != "lesson":
            continue
        executed = run_notebook(
            notebook(cells_of(target), target, root),
            target.path.parent,
            PLOTLY_RENDERER="plotly_mimetype+notebook",  # draws without a network
            COURSE_WIDGETS="0",  # a page has no kernel to answer a slider
        )
        page, _ = HTMLExporter(embed_images=True).from_notebook_node(
            executed, resources={"metadata": {"name": target.path.stem, "path": str(target.path.parent)}}
        )
        (folder / f"{target.path.stem}.html").write_text(page, encoding="utf-8")
        pages.append((target.path.stem, title(target)))
    items = "\n".join(
        f'<li><a href="{stem}.html">{stem[:2]} · {html.escape(words)}</a></li>' for stem, words in pages
    )
    index = folder / "index.html"
    index.write_text(
        '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Fine-Tuning Lab</title>\n'
        f"<h1>Fine-Tuning Lab</h1>\n<ul>\n{items}\n</ul>\n</html>\n",
        encoding="utf-8",
    )
    return index
