"""Each upstream function and argument that the course leans on is there: a change upstream is reported by its name.

Imports and calls are read from the sources, so nothing new can be forgotten. What is called on objects can't be read
from there, and stands in METHODS.
"""

import ast
import importlib
import inspect
from collections import defaultdict

import pytest

from course_utils.authoring import find_root

UPSTREAM = (
    "accelerate anywidget datasets evaluate huggingface_hub IPython ipywidgets nbclient nbconvert nbformat numpy pandas "
    "peft plotly sacrebleu safetensors scipy seqeval sklearn tokenizers torch tqdm transformers"
).split()
OPTIONAL = {"plotly.graph_objects.FigureWidget._esm"}  # the course asks whether it is there: from Plotly 6 on
SOURCES = ("course_utils/**/*.py", "notebooks/source/*.py", "exercises/source/*.py")

METHODS = {
    "accelerate.Accelerator.backward": "loss",
    "accelerate.Accelerator.clip_grad_norm_": "parameters max_norm",
    "accelerate.Accelerator.no_sync": "model",
    "accelerate.Accelerator.prepare_model": "model",
    "accelerate.Accelerator.prepare_optimizer": "optimizer",
    "accelerate.Accelerator.reduce": "tensor reduction",
    "accelerate.PartialState.destroy_process_group": "",
    "accelerate.notebook_launcher": "function num_processes",
    "datasets.Dataset.select": "indices",
    "datasets.Dataset.remove_columns": "column_names",
    "datasets.Dataset.to_pandas": "",
    "datasets.IterableDataset.batch": "batch_size",
    "datasets.distributed.split_dataset_by_node": "dataset rank world_size",
    "datasets.load_dataset": "path data_files split streaming revision",
    "evaluate.Metric.compute": "predictions references",
    "ipywidgets.Output.append_stdout": "text",
    "ipywidgets.Widget.observe": "handler names",
    "peft.LoraModel.merge_and_unload": "",
    "plotly.graph_objects.Figure.add_traces": "data",
    "plotly.graph_objects.Figure.update_layout": "",
    "plotly.graph_objects.Figure.update_xaxes": "",
    "plotly.graph_objects.FigureWidget.batch_update": "",
    "plotly.graph_objects.FigureWidget.on_edits_completed": "fn",
    "tokenizers.Tokenizer.from_str": "json",
    "tokenizers.Tokenizer.train_from_iterator": "iterator trainer",
    "torch.distributed.fsdp.fully_shard": "module",
    "transformers.AutoModel.from_config": "",
    "transformers.GenerationMixin.generate": "inputs",
    "transformers.PreTrainedModel.from_pretrained": "config revision",
    "transformers.PreTrainedModel.get_input_embeddings": "",
    "transformers.PreTrainedModel.resize_token_embeddings": "new_num_tokens mean_resizing",
    "transformers.PreTrainedModel.save_pretrained": "save_directory",
    "transformers.PreTrainedModel.set_attn_implementation": "attn_implementation",
    "transformers.PreTrainedTokenizerBase.__call__": (
        "text text_pair text_target add_special_tokens padding truncation max_length stride is_split_into_words "
        "return_tensors return_attention_mask return_overflowing_tokens return_offsets_mapping"
    ),
    "transformers.PreTrainedTokenizerBase.batch_decode": "sequences skip_special_tokens",
    "transformers.PreTrainedTokenizerBase.convert_ids_to_tokens": "ids",
    "transformers.PreTrainedTokenizerBase.num_special_tokens_to_add": "pair",
    "transformers.tokenization_utils_base.BatchEncoding.sequence_ids": "batch_index",
    "transformers.tokenization_utils_base.BatchEncoding.word_ids": "batch_index",
}


def leaned_on() -> dict[str, set[str]]:
    """Dotted name → names of arguments, of all that sources import and call by its name."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in (path for pattern in SOURCES for path in find_root().glob(pattern)):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = imported(tree)
        for name in names.values():
            found[name]  # named, though perhaps never called
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and (name := dotted(node, names)):
                found[name]
            elif isinstance(node, ast.Call) and (name := dotted(node.func, names)):
                found[name] |= {keyword.arg for keyword in node.keywords if keyword.arg}
    for name, arguments in METHODS.items():
        found[name] |= set(arguments.split())
    return {name: found[name] for name in sorted(found) if name.split(".")[0] in UPSTREAM and name not in OPTIONAL}


def imported(tree: ast.Module) -> dict[str, str]:
    """Name in a source → dotted name of what it stands for."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                top = one.name.split(".")[0]
                names[one.asname or top] = one.name if one.asname else top
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    return names


def dotted(node: ast.expr, names: dict[str, str]) -> str | None:
    """The name "torch.optim.AdamW" of the expression that says so; None of any other."""
    if isinstance(node, ast.Attribute):
        before = dotted(node.value, names)
        return before and f"{before}.{node.attr}"
    return names.get(node.id) if isinstance(node, ast.Name) else None


def resolve(name: str) -> object:
    """The object of a dotted name. Raises ImportError or AttributeError where the name ends."""
    parts = name.split(".")
    there: object = importlib.import_module(parts[0])
    for i, part in enumerate(parts[1:], start=2):
        try:
            there = getattr(there, part)
        except AttributeError:
            if not inspect.ismodule(there):
                raise
            there = importlib.import_module(".".join(parts[:i]))
    return there


def unknown_arguments(function: object, arguments: set[str]) -> set[str]:
    """Those that it does not take. A function written in C or with `**kwargs` has to be believed."""
    traits = getattr(function, "class_trait_names", None)
    if traits is not None and "kwargs" in str(inspect.signature(function)):  # a widget takes its traits
        return arguments - set(traits())
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return set()
    takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
    return set() if takes_any else arguments - set(parameters)


LEANED_ON = leaned_on()


@pytest.mark.parametrize("name", LEANED_ON)
def test_is_there_and_takes_what_the_course_gives_it(name):
    assert not (unknown := unknown_arguments(resolve(name), LEANED_ON[name])), f"{name} takes no {sorted(unknown)}"


def test_what_is_read_from_the_sources_is_what_they_use():
    assert LEANED_ON["accelerate.Accelerator"] >= {"cpu", "mixed_precision", "kwargs_handlers"}
    assert {"peft.get_peft_model", "plotly.graph_objects.FigureWidget", "torch.nn.functional.cross_entropy"} <= set(LEANED_ON)


@pytest.mark.parametrize(
    ("name", "arguments", "unknown"),
    [
        ("torch.optim.AdamW", {"lr", "learning_rate"}, {"learning_rate"}),
        ("ipywidgets.Button", {"description", "colour"}, {"colour"}),
        ("accelerate.Accelerator", {"cpu", "no_cuda"}, {"no_cuda"}),
    ],
)
def test_an_argument_that_went_away_is_named(name, arguments, unknown):
    assert unknown_arguments(resolve(name), arguments) == unknown


def test_a_function_that_went_away_is_named():
    with pytest.raises((AttributeError, ImportError), match="QuestionAnsweringPipeline"):
        resolve("transformers.QuestionAnsweringPipeline")
