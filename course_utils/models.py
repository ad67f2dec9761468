"""Pre-trained models: the right head, the model's own tokenizer, and what its parts are called.

Everything is loaded as safetensors and without remote code, from a shipped checkpoint, a folder or the hub
(`scale.checkpoint_path`). What is wrong with a checkpoint is said in one sentence before any layer is built.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from . import hub
from .errors import CourseError
from .scale import SHIPPED, checkpoint_path, did_you_mean, revision_of

if TYPE_CHECKING:
    import pandas as pd
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

HEADS = {
    "classification": "AutoModelForSequenceClassification",
    "entities": "AutoModelForTokenClassification",
    "answers": "AutoModelForQuestionAnswering",
    "masked_lm": "AutoModelForMaskedLM",
    "causal_lm": "AutoModelForCausalLM",
    "seq2seq_lm": "AutoModelForSeq2SeqLM",
    "translation": "AutoModelForSeq2SeqLM",
    "encoder": "AutoModel",
}
NEEDS_LABELS = ("classification", "entities")
TOKENIZER_FILES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "spiece.model",
    "source.spm",
    "tokenizer.model",
)
# What its layers are called → where they are, in the model without its head.
LAYER_STACKS = (
    {"layer": "layers"},  # ModernBERT
    {"layer": "encoder.layer"},  # BERT, RoBERTa
    {"layer": "transformer.layer"},  # DistilBERT
    {"layer": "h"},  # GPT-2
    {"encoder layer": "encoder.block", "decoder layer": "decoder.block"},  # T5
    {"encoder layer": "encoder.layers", "decoder layer": "decoder.layers"},  # BART, Marian
)
PLAIN_TEXT = "The people of the town came back again, because the food was good and the room was warm."
# Above this width the library's own initialisation is kept: std .06 is about 1/sqrt(256).
SMALL_HIDDEN = 384


# --- loading ---------------------------------------------------------------------------------------------


def load_tokenizer(name: str | os.PathLike[str]) -> PreTrainedTokenizerBase:
    """The checkpoint's own tokenizer. GPT-2 types, which have no padding token, get one."""
    from transformers import AutoTokenizer

    path = _folder(name, weights=False)
    if not any((Path(path) / file).is_file() for file in TOKENIZER_FILES):
        raise CourseError(
            f"The folder {path!r} holds no tokenizer ({', '.join(TOKENIZER_FILES[:2])} …): "
            "save it there with tokenizer.save_pretrained."
        )
    with _quiet(), _clear_errors(name):
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
    if tokenizer.pad_token_id is None and tokenizer.eos_token is not None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(
    name: str | os.PathLike[str],
    task_or_head: Any,
    *,
    label_names: Sequence[str] | None = None,
    from_scratch: bool = False,
    seed: int = 0,
    dropout: float | None = None,
) -> PreTrainedModel:
    """A checkpoint with the head of a task: `load_model("mini-encoder", task)` or `(…, "masked_lm")`.

    `task_or_head` is a `Task` (its kind and label names are used) or a key of `HEADS`. Weights that the
    checkpoint lacks, usually the head's, are drawn from `seed`; `load_report(model)` lists them.
    `from_scratch` keeps the architecture and draws every weight. `dropout` sets all dropout rates at once.
    """
    import transformers

    head = getattr(task_or_head, "kind", task_or_head)
    if head not in HEADS:
        raise CourseError(f"There is no head {head!r}: {did_you_mean(str(head), list(HEADS))}")
    names = tuple(label_names if label_names is not None else getattr(task_or_head, "label_names", ()))
    path = _folder(name, weights=not from_scratch)
    config = load_config(name, head, label_names=names, dropout=dropout)
    auto_class = getattr(transformers, HEADS[head])
    with _quiet(), _clear_errors(name), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if from_scratch:
            model = auto_class.from_config(config)
            info: dict[str, Any] = {"missing_keys": set(model.state_dict())}
        else:
            # float32: a checkpoint that is stored in half precision is still trained in full.
            model, info = auto_class.from_pretrained(
                path,
                config=config,
                use_safetensors=True,
                trust_remote_code=False,
                dtype=torch.float32,
                ignore_mismatched_sizes=True,  # a head of other classes is drawn anew, like one that is lacking
                output_loading_info=True,
            )
            _check_shapes(model, name, info["mismatched_keys"])
    if from_scratch and config.hidden_size <= SMALL_HIDDEN:
        if "t5" in config.model_type:
            shrink_embeddings(model)
        else:
            initialise(model, seed)
    model.loading_info = info
    return model


def _check_shapes(model: PreTrainedModel, name: str | os.PathLike[str], mismatched: Iterable[Any]) -> None:
    """Raise CourseError where weights below the head have another shape than config.json says."""
    for key, stored, wanted in sorted(mismatched):
        if key.startswith(prefix_of(model, encoder_of(model))):
            raise CourseError(
                f"The checkpoint {os.fspath(name)!r} stores {key} as {tuple(stored)} and its config.json asks for "
                f"{tuple(wanted)}: the two do not belong together; save the model again with save_pretrained."
            )


def load_config(
    name: str | os.PathLike[str], head: str, *, label_names: Sequence[str] = (), dropout: float | None = None
) -> PreTrainedConfig:
    """A fresh configuration: building a model changes its config, so no two models may share one."""
    from transformers import AutoConfig

    labels: dict[str, Any] = {}
    if head in NEEDS_LABELS:
        if len(label_names) < 2:
            raise CourseError(
                f"A {head} head needs the names of at least two labels and got {list(label_names)}: "
                'give a task, or label_names=("negative", "positive").'
            )
        labels = {
            "id2label": dict(enumerate(label_names)),
            "label2id": {n: i for i, n in enumerate(label_names)},
        }
    elif head == "answers":
        labels = {"num_labels": 2}  # a start and an end score for each token
    with _quiet(), _clear_errors(name):
        config = AutoConfig.from_pretrained(_folder(name, weights=False), trust_remote_code=False, **labels)
    # GPT-2: else no batch can be pooled. A causal LM pools nothing, and would warn of a prompt that begins with it.
    if config.pad_token_id is None and config.eos_token_id is not None and head != "causal_lm":
        config.pad_token_id = config.eos_token_id
    if dropout is not None:
        if not 0 <= dropout < 1:
            raise CourseError(
                f"dropout={dropout} must be at least 0 and below 1: it is a share of the units."
            )
        for key in config.to_dict():
            if "drop" in key and "layerdrop" not in key and not isinstance(getattr(config, key), bool):
                setattr(config, key, float(dropout))
    return config


@torch.no_grad()
def initialise(model: nn.Module, seed: int, *, embedding_std: float = 0.1, matrix_std: float = 0.06) -> None:
    """Draw every weight anew, larger than the usual .02.

    At hidden sizes of 128–256, .02 leaves the first layers almost silent and training stalls near the unigram
    loss for minutes; a std near 1/sqrt(hidden) lets it start at once. Norms become 1, biases 0.
    """
    generator = torch.Generator().manual_seed(seed)
    embeddings = [module for module in model.modules() if isinstance(module, nn.Embedding)]
    tied = {id(module.weight) for module in embeddings}  # a tied decoder is an embedding, not a matrix
    for parameter in model.parameters():
        if id(parameter) in tied:
            parameter.normal_(std=embedding_std, generator=generator)
        elif parameter.ndim >= 2:
            parameter.normal_(std=matrix_std, generator=generator)
        else:
            parameter.zero_()
    for module in model.modules():
        if isinstance(module, nn.LayerNorm | nn.RMSNorm) and module.weight is not None:
            module.weight.fill_(1)
    for module in embeddings:
        if module.padding_idx is not None:
            module.weight[module.padding_idx].zero_()


@torch.no_grad()
def shrink_embeddings(model: nn.Module) -> None:
    """A tenth of T5's embeddings, whose std is 1: at a small size that is all an untrained T5 needs.

    T5 draws its other weights by their width, and its queries smaller, since its attention has no 1/sqrt(d). But AdamW
    moves each weight by the learning rate at most, and embeddings of that size would move too slowly.
    """
    embeddings_of(model)[0].weight.mul_(0.1)


def load_report(model: nn.Module) -> pd.DataFrame:
    """Weights that were not just read: "new" (not in the checkpoint), "unused" (no place in the model)."""
    import pandas as pd

    info = getattr(model, "loading_info", {})
    rows = [(key, "new") for key in sorted(info.get("missing_keys", ()))]
    rows += [(key[0], "new: other shape") for key in sorted(info.get("mismatched_keys", ()))]
    rows += [(key, "unused") for key in sorted(info.get("unexpected_keys", ()))]
    return pd.DataFrame(rows, columns=["weight", "status"])


# --- does it fit together? -------------------------------------------------------------------------------


def check_pair(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Raise CourseError if the tokenizer cannot be the one that the model was trained with, or reads no English.

    A wrong pair rarely crashes: it trains, badly, on embeddings that mean other words.
    """
    check_vocabulary(model, tokenizer)
    ids = tokenizer(PLAIN_TEXT, add_special_tokens=False)["input_ids"]
    unknown = sum(token == tokenizer.unk_token_id for token in ids) / max(len(ids), 1)
    if not ids or (tokenizer.unk_token_id is not None and unknown > 0.5):
        raise CourseError(
            f"The tokenizer turns {unknown:.0%} of plain English into {tokenizer.unk_token!r}: its "
            "vocabulary was not loaded (give vocab=, not vocab_file=), or belongs to another language."
        )


def check_vocabulary(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """The part of `check_pair` that no text is needed for: sizes, and the numbers of special tokens."""
    rows, size = embeddings_of(model)[0].weight.shape[0], len(tokenizer)
    remedy = "load both from the same checkpoint: load_tokenizer(name), load_model(name, …)."
    if size > rows:
        raise CourseError(
            f"The tokenizer knows {size:,} tokens and the model has embeddings for {rows:,}: {remedy}"
        )
    # A few spare rows are usual: sizes are rounded up to multiples of 64.
    if rows - size > max(128, 0.02 * rows):
        raise CourseError(
            f"The tokenizer knows only {size:,} of the {rows:,} tokens that the model has: {remedy}"
        )
    config = unwrap(model).config
    for key in ("pad_token_id", "cls_token_id", "sep_token_id"):
        expected, found = getattr(config, key, None), getattr(tokenizer, key)
        if expected is not None and found != expected:
            raise CourseError(f"The model expects {key}={expected} and the tokenizer says {found}: {remedy}")
    if tokenizer.pad_token_id is None:
        raise CourseError(
            f"The tokenizer has no padding token, so rows of two lengths make no batch: {remedy}"
        )
    if "MaskedLM" in type(unwrap(model)).__name__ and tokenizer.mask_token_id is None:
        raise CourseError(f"The tokenizer has no mask token, which a masked language model needs: {remedy}")


def _folder(name: str | os.PathLike[str], *, weights: bool) -> str:
    """The folder that holds a checkpoint, wherever it comes from.

    Raises CourseError if it lacks a part, was cut off, would run code of its own, or can't be had.
    """
    path = checkpoint_path(name)
    folder = Path(path)
    if not folder.is_dir():
        if os.fspath(name) in SHIPPED:
            raise CourseError(
                f"The shipped checkpoint {name!r} is missing from {path!r}: "
                "install the course again, or rebuild it with `make checkpoints`."
            )
        folder = hub.model_folder(path, revision_of(name), weights=weights)
    if not (folder / "config.json").is_file():
        raise CourseError(
            f"The folder {str(folder)!r} holds no config.json, so it is no checkpoint: "
            "give the folder that model.save_pretrained wrote."
        )
    _refuse_code(name, folder)
    if weights:
        _check_weights(name, folder)
    return str(folder)


def _refuse_code(name: str | os.PathLike[str], folder: Path) -> None:
    """Raise CourseError if a checkpoint can be read only by running code that lies beside it or on the Hub."""
    from transformers import CONFIG_MAPPING

    settings = {}
    with contextlib.suppress(ValueError):  # what is wrong with the file, its reader says
        settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if "auto_map" in settings and settings.get("model_type") not in CONFIG_MAPPING:
        raise CourseError(
            f"The checkpoint {os.fspath(name)!r} asks to run code of its own (auto_map in its config.json), which the "
            "course never does: take a checkpoint of a type that transformers itself knows."
        )


def _check_weights(name: str | os.PathLike[str], folder: Path) -> None:
    """Raise CourseError unless there are safetensors that can be read to their end."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise CourseError(
            f"The checkpoint {os.fspath(name)!r} holds no weights as safetensors (the course reads no pickles): "
            "save them with model.save_pretrained, or take another checkpoint."
        )
    from safetensors import SafetensorError, safe_open

    for file in files:
        try:
            with safe_open(file, "pt"):  # reads the header and compares the length of the file; loads nothing
                pass
        except (SafetensorError, OSError) as error:
            raise CourseError(
                f"{str(file)!r} is cut off or not safetensors ({file.stat().st_size:,} bytes; {error}): "
                "copy or download it again."
            ) from error


@contextlib.contextmanager
def _clear_errors(name: str | os.PathLike[str]) -> Iterator[None]:
    """Turn what transformers says about an unreadable checkpoint into one sentence."""
    try:
        yield
    except (ImportError, OSError, ValueError, KeyError) as error:  # the first: a tokenizer that needs sentencepiece
        if isinstance(error, CourseError):
            raise
        if isinstance(error, json.JSONDecodeError):
            raise CourseError(
                f"The checkpoint {os.fspath(name)!r} holds a .json file that is cut off or no JSON ({error}): "
                "copy or download it again."
            ) from error
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CourseError(f"The checkpoint {os.fspath(name)!r} could not be loaded: {first_line}") from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars and no load report: `load_report` shows it to those who ask."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


# --- the parts of a model --------------------------------------------------------------------------------


def unwrap(model: nn.Module) -> nn.Module:
    """The transformers model inside a LoRA wrapper; any other model as it is."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model  # type: ignore[operator]


def encoder_of(model: nn.Module) -> nn.Module:
    """The model without its head: what turns input ids into hidden states."""
    return unwrap(model).base_model  # type: ignore[return-value]


def layers_path(model: nn.Module) -> str:
    """Where the layers are in `encoder_of(model)`: "layers" in ModernBERT, "encoder.layer" in BERT.

    Raises CourseError for another type, and for an encoder-decoder, which has two stacks of them.
    """
    paths = _stack_paths(model)
    if list(paths) != ["layer"]:
        raise CourseError(
            f"{type(unwrap(model)).__name__} has no single stack of layers, but an encoder's and a decoder's: "
            "use a ModernBERT, BERT, RoBERTa, DistilBERT or GPT-2 type."
        )
    return paths["layer"]


def _stack_paths(model: nn.Module) -> dict[str, str]:
    """What its layers are called → where they are in `encoder_of(model)`; two entries in an encoder-decoder."""
    encoder = encoder_of(model)
    for paths in LAYER_STACKS:
        with contextlib.suppress(AttributeError):
            if all(isinstance(encoder.get_submodule(path), nn.ModuleList) for path in paths.values()):
                return paths
    raise CourseError(
        f"The course does not know where {type(unwrap(model)).__name__} has its layers: use a ModernBERT, BERT, "
        "RoBERTa, DistilBERT, GPT-2, T5 or BART type."
    )


def layers_of(model: nn.Module) -> nn.ModuleList:
    """The Transformer layers, from the input to the output."""
    return encoder_of(model).get_submodule(layers_path(model))  # type: ignore[return-value]


def embeddings_of(model: nn.Module) -> list[nn.Embedding]:
    """The embedding tables, the tokens' first."""
    tokens = encoder_of(model).get_input_embeddings()  # type: ignore[operator]
    others = [module for module in encoder_of(model).modules() if isinstance(module, nn.Embedding)]
    return [tokens, *(module for module in others if module is not tokens)]


def learned_positions(model: nn.Module) -> int | None:
    """The most tokens that a row may have where positions are learned; None where they are rotary or relative."""
    for name, table in unwrap(model).named_modules():
        if isinstance(table, nn.Embedding) and ("position" in name or name.endswith("wpe")):
            # RoBERTa numbers its positions from behind that of padding.
            return table.num_embeddings - (0 if table.padding_idx is None else table.padding_idx + 1)
    return None


def parts_of(model: nn.Module) -> dict[str, list[nn.Parameter]]:
    """Every parameter once, by part, from the input up: "embeddings", "layer 1" …, "head".

    The layers of an encoder-decoder are "encoder layer 1" …, "decoder layer 1" …. A norm after the last layer
    counts to that layer, and BERT's pooler to the head, because that is where they are trained. A decoder that
    is tied to the embeddings is found with the embeddings.
    """
    layer_of: dict[int, str] = {}  # by the identity of a parameter
    for kind, path in _stack_paths(model).items():
        for number, layer in enumerate(encoder_of(model).get_submodule(path).children(), start=1):
            layer_of |= {id(parameter): f"{kind} {number}" for parameter in layer.parameters()}
    layers = list(dict.fromkeys(layer_of.values()))
    parts: dict[str, list[nn.Parameter]] = {part: [] for part in ("embeddings", *layers, "head")}
    inside = prefix_of(model, encoder_of(model))
    for name, parameter in _parameters(unwrap(model)):
        inner = name.removeprefix(inside)
        if id(parameter) in layer_of:
            part = layer_of[id(parameter)]
        elif not name.startswith(inside) or inner.startswith(("pooler.", "lm_head.")):
            part = "head"
        elif "embed" in inner or inner.startswith(("shared.", "wte.", "wpe.")):
            part = "embeddings"
        else:  # ModernBERT's final_norm, GPT-2's ln_f, T5's encoder.final_layer_norm
            stack = inner.split(".")[0]
            part = next((layer for layer in reversed(layers) if layer.startswith(stack)), layers[-1])
        parts[part].append(parameter)
    return {part: parameters for part, parameters in parts.items() if parameters}


def prefix_of(model: nn.Module, part: nn.Module) -> str:
    """What the names of `part`'s parameters start with: "model.layers.", or "" for the model itself."""
    name = next(name for name, module in unwrap(model).named_modules() if module is part)
    return f"{name}." if name else ""


def count_parameters(model: nn.Module, *, trainable_only: bool = False) -> int:
    """Number of weights; a shared matrix counts once."""
    return sum(p.numel() for _, p in _parameters(model) if p.requires_grad or not trainable_only)


def _parameters(model: nn.Module) -> list[tuple[str, nn.Parameter]]:
    """Named parameters, without the untouched copy of the head that peft keeps beside the one it trains."""
    return [(name, p) for name, p in model.named_parameters() if ".original_module." not in name]


def parameter_table(model: nn.Module) -> pd.DataFrame:
    """Which parts there are and which train. Columns: part, parameters, trainable, share (of all)."""
    import pandas as pd

    total = count_parameters(model)
    rows = [
        {
            "part": part,
            "parameters": sum(p.numel() for p in parameters),
            "trainable": sum(p.numel() for p in parameters if p.requires_grad),
            "share": sum(p.numel() for p in parameters) / total,
        }
        for part, parameters in parts_of(model).items()
    ]
    return pd.DataFrame(rows, columns=["part", "parameters", "trainable", "share"])
