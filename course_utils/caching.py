"""Hidden states that need not be computed twice: rows that hold them, and models that start from them.

What `adaptation.cache_features` and `cache_lower_layers` are made of.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from .batching import Batch, Rows, batches_by_length
from .devices import to_device
from .errors import CourseError
from .evaluation import check_encoding, evaluating
from .losses import without_labels

POOLINGS = ("mean", "cls", "last")
_ONLY_EMBEDDED = ("input_ids", "token_type_ids")  # what the embeddings take; hidden states contain it


@dataclass(frozen=True, eq=False)
class CachedRows:
    """Rows of `source` with hidden states, known already, in place of token ids.

    Everything else about them (lengths, kind, labels, words …) is the source's. So batches come in the same
    order, runs can be compared step by step, and a metric does not notice the difference.
    """

    source: Rows
    states: torch.Tensor  # (all tokens, hidden) float32; pooled: (rows, hidden)
    starts: np.ndarray  # (rows + 1,) row i is states[starts[i]:starts[i + 1]]
    pooled: bool = False
    row_labels: torch.Tensor | None = None  # (rows,) if pooled and labelled; else the source collates them

    def __len__(self) -> int:
        return len(self.source)

    @property
    def lengths(self) -> np.ndarray:
        return self.source.lengths

    def __getattr__(self, name: str) -> Any:
        if name == "source" or name.startswith("__"):  # while being unpickled: there is no source to ask yet
            raise AttributeError(name)
        return getattr(self.source, name)

    def batch(self, indices: np.ndarray) -> Batch:
        """`inputs_embeds` (batch, time, hidden), attention mask and labels; time is 1 if pooled."""
        if self.pooled:
            rows = torch.as_tensor(indices)
            mask = torch.ones(len(rows), 1, dtype=torch.long)
            labels = {} if self.row_labels is None else {"labels": self.row_labels[rows]}
            return {"inputs_embeds": self.states[rows].unsqueeze(1), "attention_mask": mask, **labels}
        batch = {
            name: tensor for name, tensor in self.source.batch(indices).items() if name not in _ONLY_EMBEDDED
        }
        real = batch["attention_mask"].bool()
        states = torch.zeros(*real.shape, self.states.shape[1])
        states[real] = torch.cat([self.states[self.starts[row] : self.starts[row + 1]] for row in indices])
        return {**batch, "inputs_embeds": states}


def sharing_copy(module: nn.Module, replaced: Mapping[str, nn.Module]) -> Any:
    """`module` with the parts at some paths exchanged. All other parts and weights are the same objects.

    The forward pass stays the library's own, so masks, positions, norms and heads cannot differ from it.
    """
    twin = copy.copy(module)
    twin._modules = dict(module._modules)  # else the exchange would reach the original
    twin.__dict__.pop("forward", None)  # one that accelerate patched in would run the original
    for path, part in replaced.items():
        name, _, rest = path.partition(".")
        child = twin._modules[name]
        twin._modules[name] = sharing_copy(child, {rest: part}) if rest and child is not None else part
    return twin


class GivenEmbeddings(nn.Module):
    """Stands where the embeddings stood: hands on the states it is given, by name or by position."""

    def forward(self, *args: Any, **named: Any) -> torch.Tensor:
        given = (*args, *named.values())
        return next(each for each in given if isinstance(each, torch.Tensor) and each.is_floating_point())


class GivenStates(nn.Module):
    """Stands where the encoder stood: hands on last hidden states, also through BERT's pooler."""

    def __init__(self, pooler: nn.Module | None) -> None:
        super().__init__()
        self.pooler = pooler

    def forward(self, *_: Any, inputs_embeds: torch.Tensor, **__: Any) -> Any:
        from transformers.modeling_outputs import BaseModelOutputWithPoolingAndCrossAttentions as Output

        pooled = self.pooler(inputs_embeds) if self.pooler is not None else None
        return Output(last_hidden_state=inputs_embeds, pooler_output=pooled)


def run_encoder(
    encoder: nn.Module, data: Rows, batch_size: int, **options: Any
) -> Iterator[tuple[np.ndarray, Batch, Any]]:
    """The encoder over all rows, longest first, without gradients or dropout: row numbers, batch, output."""
    if len(data) == 0:
        raise CourseError("There are no rows to run the encoder on: the data set is empty.")
    check_encoding(encoder, data)
    with evaluating(encoder) as device:
        for indices in batches_by_length(data.lengths, batch_size=batch_size):
            batch = to_device(data.batch(indices), device)
            with torch.no_grad():  # not inference mode, whose tensors no later training could take
                output = encoder(**without_labels(batch), **options)
            yield indices, batch, output


def cache_states(encoder: nn.Module, data: Rows, batch_size: int, pooling: str | None) -> CachedRows:
    """Every row's last hidden states, or with `pooling` one vector a row together with its label."""
    lengths = np.ones(len(data), dtype=np.int64) if pooling else np.asarray(data.lengths)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    states, labels = torch.empty(0), torch.empty(len(data), dtype=torch.long)
    for indices, batch, output in run_encoder(encoder, data, batch_size):
        found, mask = output.last_hidden_state.float(), batch["attention_mask"]
        # (states of the batch, hidden): row after row, padding left out
        flat = (pool(found, mask, pooling) if pooling else found[mask.bool()]).cpu()
        if len(states) == 0:
            states = torch.empty(int(starts[-1]), flat.shape[-1])
        states[np.concatenate([np.arange(starts[row], starts[row + 1]) for row in indices])] = flat
        labelled = pooling is not None and "labels" in batch
        if labelled:
            labels[indices] = batch["labels"].cpu()
    return CachedRows(
        data, states, starts, pooled=pooling is not None, row_labels=labels if labelled else None
    )


def pool(states: torch.Tensor, mask: torch.Tensor, pooling: str) -> torch.Tensor:
    """(batch, time, hidden) → (batch, hidden). Rows are padded on the right."""
    if pooling == "mean":
        weights = mask.unsqueeze(-1).to(states.dtype)
        return (states * weights).sum(1) / weights.sum(1)
    if pooling == "cls":
        return states[:, 0]
    return states[torch.arange(len(states), device=states.device), mask.sum(1) - 1]
