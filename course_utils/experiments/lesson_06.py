"""Claims of lesson 06, and of the model card: what pre-training is worth."""

from __future__ import annotations

from .runs import ANSWERS_RATE, Claim, gain, scores

CLAIMS: dict[str, Claim] = {
    "06-sentiment-128": Claim(
        says="With 128 labels, full fine-tuning is more than 15 points above scratch on unseen words.",
        measure=gain("sentiment", 128, "unseen", epochs=10),
        at_least=0.15,
    ),
    "06-sentiment-512": Claim(
        says="With 512 labels, full fine-tuning is more than 25 points above scratch on unseen words.",
        measure=gain("sentiment", 512, "unseen", epochs=8),
        at_least=0.25,
    ),
    "encoder-entities-64": Claim(
        says="With 64 labelled sentences, its entity F1 on unseen names is more than 40 points above scratch.",
        measure=gain("entities", 64, "unseen", epochs=30),
        at_least=0.40,
    ),
    "encoder-answers-1024": Claim(
        says="With 1,024 questions, its exact match on unseen names and paraphrases is more than 25 points above scratch.",
        measure=gain("answers", 1024, "unseen", epochs=8, rate=ANSWERS_RATE),
        at_least=0.25,
        seeds=(0,),  # five in the study "answers", whose results ship: a run takes a minute and a half
    ),
    "encoder-answers-2048": Claim(
        says="With 2,048 questions, its exact match on unseen names and paraphrases is above .75.",
        measure=lambda seed: scores("answers", "full", 2048, seed, epochs=8, rate=ANSWERS_RATE)["unseen"],
        at_least=0.75,
        seeds=(0,),
    ),
    "06-rate-too-high": Claim(
        says="At fifty times a sensible rate, accuracy on unseen words drops by more than ten points (512 labels).",
        measure=lambda seed: (
            scores("sentiment", "full", 512, seed, epochs=6, batch_size=32, rate=5e-4)["unseen"]
            - scores("sentiment", "full", 512, seed, epochs=6, batch_size=32, rate=50 * 5e-4)["unseen"]
        ),
        at_least=0.10,
    ),
    "06-scratch-stays-at-chance": Claim(
        says="However many labels it gets, scratch stays within five points of chance on unseen words.",
        measure=lambda seed: scores("sentiment", "scratch", 512, seed, epochs=8)["unseen"],
        at_least=0.45,
        at_most=0.55,
    ),
}
