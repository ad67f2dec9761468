"""Fine-Tuning Lab: pre-train small language models, fine-tune large ones, and see what happens.

Public names are imported from their module on first use (PEP 562), so that `import course_utils` stays
light: no torch, no transformers. `training` is the module to read first.
"""

from importlib import import_module
from typing import Any

_EXPORTS = {
    "errors": ("CourseError",),
    "scale": ("chosen", "current_scale", "DATASETS", "CHECKPOINTS", "checkpoint_path"),
    "data": ("Task", "load_task"),
    "models": ("load_tokenizer", "load_model", "parameter_table", "count_parameters"),
    "batching": ("EncodedRows", "encode", "batch_order", "collate"),
    "checkpointing": ("Checkpoints",),
    "devices": ("memory_report",),
    "training": ("TrainConfig", "Record", "History", "training_steps", "train", "evaluate", "predict_logits"),
    "adaptation": (
        "train_only_head",
        "train_last_layers",
        "train_everything",
        "gradual_unfreezing",
        "discriminative_groups",
        "add_lora",
        "cache_features",
        "cache_lower_layers",
    ),
    "prediction": ("predict_labels", "predict_entities", "predict_answers", "predict_translations"),
    "generation": ("generate", "beam_search"),
    "lab": ("Lab", "Settings"),
    "prefetch": ("time_on_t4",),
    "checks": ("NotStarted", "check", "hint"),
}
_MODULE_OF = {name: module for module, names in _EXPORTS.items() for name in names}
_MODULES = {
    *_EXPORTS,
    "authoring",
    "baselines",
    "entities",
    "experiments",
    "figures",
    "metrics",
    "pretraining",
    "search",
    "transformer",
    "widgets",
    "world",
}

__version__ = "0.1.0"
__all__ = sorted(_MODULE_OF)  # computed, so that a name is written once


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name not in _MODULE_OF:
        raise AttributeError(f"course_utils has no {name!r}; it has {', '.join(__all__)}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value  # the next access no longer comes through here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
