"""Claims of lesson 07: what partial fine-tuning scores and what it forgets."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ..adaptation import add_lora, discriminative_groups, gradual_unfreezing, merge_lora, train_last_layers
from ..models import encoder_of, load_model, load_tokenizer
from ..training import TrainConfig, evaluate, train
from .runs import ENCODER, Claim, encoded_task, gain, scores


@lru_cache(maxsize=64)
def forgotten(strategy: str, rate: float, seed: int) -> float:
    """By how many nats per hidden word the masked-word loss has risen after fine-tuning on 256 labels, six epochs.

    `strategy` is "full", "last layer", "LoRA", "gradual" or "discriminative". The same words are hidden before and after.
    """
    from ..pretraining import MaskedRows, encode_documents
    from ..world.corpus import documents

    task, data = encoded_task("sentiment", 256, seed)
    tokenizer: Any = load_tokenizer(ENCODER)
    unlabelled, _ = encode_documents(documents(seed=777), tokenizer, tokens=8_000)
    masked = MaskedRows(unlabelled, tokenizer, seed=0)

    model: Any = load_model(ENCODER, task, seed=seed)
    how: dict[str, Any] = {}
    if strategy == "last layer":
        train_last_layers(model, 1)
    elif strategy == "LoRA":
        model = add_lora(model, seed=seed)
    elif strategy == "gradual":
        how["before_step"] = gradual_unfreezing(model, steps_per_stage=16)
    elif strategy == "discriminative":
        how["parameter_groups"] = discriminative_groups(model, decay=0.5)
    config = TrainConfig(epochs=6, batch_size=16, learning_rate=rate, warmup_share=0.1, seed=seed)
    train(model, data["train"], config, progress=False, **how)
    model = merge_lora(model) if strategy == "LoRA" else model

    guesser = load_model(ENCODER, "masked_lm")
    before = evaluate(guesser, masked, loss="masked_lm")["loss"]
    guesser.base_model.load_state_dict(encoder_of(model).state_dict())
    return evaluate(guesser, masked, loss="masked_lm")["loss"] - before


CLAIMS: dict[str, Claim] = {
    "07-full-near-last-layer": Claim(
        says="With 512 labels, full fine-tuning and the last layer alone are within two points of each other.",
        measure=gain("sentiment", 512, "test", epochs=8, over="last layer"),
        at_least=-0.02,
        at_most=0.02,
    ),
    "07-last-layer-over-head": Claim(
        says="Both are more than two points above a head on a frozen encoder.",
        measure=lambda seed: min(
            gain("sentiment", 512, "test", epochs=8, method=method, over="features")(seed)
            for method in ("full", "last layer")
        ),
        at_least=0.02,
    ),
    "07-lora-keeps-up": Claim(
        says="LoRA is no more than a point behind the better of the two.",
        measure=lambda seed: min(
            gain("sentiment", 512, "test", epochs=8, method="LoRA", over=other)(seed)
            for other in ("full", "last layer")
        ),
        at_least=-0.01,
    ),
    "07-sensible-rate": Claim(
        says="At a sensible rate, full fine-tuning forgets little: less than a third of a nat for each hidden word.",
        measure=lambda seed: forgotten("full", 1e-3, seed),
        at_most=0.33,
        seeds=(0, 1),
    ),
    "07-rate-forgets": Claim(
        says="At ten times that rate it loses more than seven nats for each hidden word.",
        measure=lambda seed: forgotten("full", 1e-2, seed),
        at_least=7.5,  # with the 1.4 nats before, more than the 8.8 of a uniform guess, as the lesson says
        seeds=(0, 1),
    ),
    "07-forgetting-buys-nothing": Claim(
        says="Full fine-tuning at ten times its rate scores less, too.",
        measure=lambda seed: (
            scores("sentiment", "full", 256, seed, epochs=6, rate=1e-3)["test"]
            - scores("sentiment", "full", 256, seed, epochs=6, rate=1e-2)["test"]
        ),
        at_least=0.02,
    ),
    "07-lora-forgets-less": Claim(
        says="At the same, bold rate, LoRA forgets less than training all weights.",
        measure=lambda seed: forgotten("full", 3e-3, seed) - forgotten("LoRA", 3e-3, seed),
        at_least=0.05,
        seeds=(0, 1),
    ),
    "07-last-layer-forgets-less": Claim(
        says="At the same, bold rate, one layer forgets less than all of them.",
        measure=lambda seed: forgotten("full", 3e-3, seed) - forgotten("last layer", 3e-3, seed),
        at_least=0.05,
        seeds=(0, 1),
    ),
    "07-gradual-forgets-less": Claim(
        says="At a bold rate, gradual unfreezing forgets less than training all from the start.",
        measure=lambda seed: forgotten("full", 3e-3, seed) - forgotten("gradual", 3e-3, seed),
        at_least=0.05,
        seeds=(0, 1),
    ),
    "07-discriminative-forgets-less": Claim(
        says="So do discriminative rates.",
        measure=lambda seed: forgotten("full", 3e-3, seed) - forgotten("discriminative", 3e-3, seed),
        at_least=0.05,
        seeds=(0, 1),
    ),
}
