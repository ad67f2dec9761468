"""What the course takes from the Hub: one table, in one file. Nothing is imported or asked for here.

Every revision is a commit of the Hub, so what a lesson gets tomorrow is what it got today. No network was at hand
when they were written down: each was found in at least two public repositories that name it for this very repo id,
and stands here whole or not at all. `huggingface_hub.HfApi().model_info(id, revision=…)` confirms one.

Weights are taken as safetensors and rows as Parquet, and nothing else comes along: no pickle, no loading script, no
code of a model's own. No repository of this table asks for a login.
"""

from __future__ import annotations

from dataclasses import dataclass

# What is fetched of a model: settings, tokenizer, weights, from the top folder only.
MODEL_FILES = ("*.json", "*.txt", "*.model", "*.spm", "*.jinja")
WEIGHT_FILES = ("*.safetensors",)


@dataclass(frozen=True)
class Checkpoint:
    """A pre-trained model on the Hub. `revision` is a commit, or None for the default branch."""

    hub_id: str
    revision: str | None = None
    megabytes: float = 0  # of what is fetched: 1 MB = 10**6 bytes
    licence: str = "see its page"


@dataclass(frozen=True)
class HubDataset:
    """A data set on the Hub that loads without remote code, and what its columns mean (see `data.Task`)."""

    hub_id: str
    kind: str  # "classification" | "entities" | "answers" | "translation"
    text: str
    label: str
    config: str | None = None
    revision: str | None = None
    files: tuple[str, ...] = ("data/*.parquet",)
    megabytes: float = 0
    licence: str = "see its page"
    rows: int = 0  # of the training split
    held_out: int = 2000  # rows kept of each other split: enough to tell models apart, and a T4 is done in minutes


@dataclass(frozen=True)
class Lesson:
    """What a lesson needs at hub scale, by the names of the two tables; nothing, where it stays in the mini world.

    `read` and `trained` are millions of tokens that pass through its first model in one run of the notebook without a
    click, and `seconds` what everything but the model takes: counted with sets of the real sizes, made of real text, and
    models so small that they cost next to nothing, on one CPU core. `prefetch.t4_minutes` makes an estimate of them.
    """

    data: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    expected: str = "not measured"
    read: float = 0
    trained: float = 0
    seconds: float = 0


CHECKPOINTS: dict[str, Checkpoint] = {
    "bert": Checkpoint(
        "google-bert/bert-base-cased", "cd5ef92a9fb2f889e972770a36d4ed042daf221e", 437, "Apache-2.0"
    ),
    "distilbert": Checkpoint(
        "distilbert/distilbert-base-uncased", "12040accade4e8a0f71eabdb258fecc2e7e948be", 269, "Apache-2.0"
    ),
    "roberta": Checkpoint("FacebookAI/roberta-base", "e2da8e2f811d1448a5b465c236feacd80ffbac7b", 502, "MIT"),
    "gpt2": Checkpoint("openai-community/gpt2", "607a30d783dfa663caf39e06633721c8d4cfcd7e", 552, "MIT"),
    "t5": Checkpoint("google-t5/t5-small", "df1b051c49625cf57a3d0d8d3863ed4d13564fe4", 245, "Apache-2.0"),
    # French to English: of opus-mt-en-fr the Hub has a pickle and no safetensors, so the course does not read it.
    "marian-fr-en": Checkpoint(
        "Helsinki-NLP/opus-mt-fr-en", "c4aed37b318c763fd177aa449b44e3b783cc6c02", 304, "Apache-2.0"
    ),
    "minilm": Checkpoint(
        "sentence-transformers/all-MiniLM-L6-v2", "c9745ed1d9f207416be6d2e6f8de32d1f16199bf", 92, "Apache-2.0"
    ),
}
# Shipped with the course, as folders of ordinary safetensors checkpoints; and what stands in for each at hub scale.
SHIPPED = ("mini-encoder", "mini-decoder", "mini-encoder-decoder")
COUNTERPARTS = {"mini-encoder": "bert", "mini-decoder": "gpt2", "mini-encoder-decoder": "t5"}

DATASETS: dict[str, HubDataset] = {
    "sentiment": HubDataset(
        "stanfordnlp/sst2", "classification", "sentence", "label",
        revision="8d51e7e4887a4caaa95b3fbebbf53c0490b58bbb", megabytes=3.3, licence="unknown", rows=67_349,
    ),
    "topics": HubDataset(
        "fancyzhx/ag_news", "classification", "text", "label",
        revision="eb185aade064a813bc0b7f42de02595523103ca4", megabytes=19.8,
        licence="unknown (for non-commercial use)", rows=120_000,
    ),
    "spam": HubDataset(
        "ucirvine/sms_spam", "classification", "sms", "label", config="plain_text", files=("plain_text/*.parquet",),
        revision="cae486f927c250fe1d4a5b55f11357964ed1646c", megabytes=0.4, licence="CC BY 4.0 (UCI)", rows=5_574,
    ),
    "entities": HubDataset(
        "lhoestq/conll2003", "entities", "tokens", "ner_tags",
        revision="19edcb426bfd625c275c17b9a99b2239243f4377", megabytes=1.8,
        licence="for research (Reuters)", rows=14_041,
    ),
    "answers": HubDataset(
        "rajpurkar/squad", "answers", "context", "answers", config="plain_text", files=("plain_text/*.parquet",),
        revision="7b6d24c440a36b6815f21b70d25016731768db1f", megabytes=16.3, licence="CC BY-SA 4.0", rows=87_599,
        held_out=1000,
    ),
    "translation": HubDataset(
        "Helsinki-NLP/opus_books", "translation", "translation", "translation", config="en-fr",
        files=("en-fr/*.parquet",), revision="1f9f6191d0e91a3c539c2595e2fe48fc1420de9b", megabytes=21,
        licence="for personal, educational and research use", rows=127_085,
    ),
    "imdb": HubDataset(
        "stanfordnlp/imdb", "classification", "text", "label", config="plain_text", files=("plain_text/*.parquet",),
        revision="e6281661ce1c48d982bc483cf8a173c1bbeb5d31", megabytes=83.4, licence="unknown", rows=25_000,
    ),
    "yelp": HubDataset(
        "Yelp/yelp_review_full", "classification", "text", "label", config="yelp_review_full",
        files=("yelp_review_full/*.parquet",), revision="c1f9ee939b7d05667af864ee1cb066393154bf85", megabytes=323,
        licence="Yelp's own", rows=650_000,
    ),
}  # fmt: skip

# Expected scores are published ones, for all training rows and the paper's own recipe. A lesson learns from a few
# hundred rows, so it stays below them; what it reaches there is not measured, for want of a network.
_SST2 = "accuracy .935, GLUE's own test, all rows (BERT base; arXiv 1810.04805, table 1)"
LESSONS: dict[str, Lesson] = {
    "00": Lesson(("sentiment",), ("bert",), _SST2, read=0.04, trained=0.05, seconds=30),
    "01": Lesson((), ("bert", "gpt2", "t5"), "no score", read=0.05, seconds=70),
    "02": Lesson((), ("bert",), "no score", seconds=75),
    "03": Lesson(expected="as at mini scale", seconds=105),
    "04": Lesson(expected="as at mini scale", seconds=115),
    "05": Lesson(("sentiment",), ("bert",), read=0.62, seconds=70),
    "06": Lesson(("sentiment",), ("bert",), _SST2, read=0.18, trained=0.21, seconds=65),
    "07": Lesson(("sentiment",), ("bert",), _SST2, read=0.55, trained=0.15, seconds=50),
    # 08: its rows reckoned from the source, not counted in a run
    "08": Lesson(("sentiment",), ("bert",), _SST2, read=0.56, trained=0.26, seconds=80),
    "09": Lesson(
        ("topics", "spam", "sentiment"), ("bert", "gpt2"),
        "topics: accuracy .952, test, all rows and more pre-training on them (BERT base; arXiv 1905.05583)",
        read=3.0, trained=0.26, seconds=140,
    ),
    "10": Lesson(
        ("entities",), ("bert",), "entity F1 .924, test, all rows (BERT base; arXiv 1810.04805, table 7)",
        read=0.62, trained=0.22, seconds=75,
    ),
    "11": Lesson(
        ("answers",), ("bert",), "exact match .808, F1 .885, validation, all rows (BERT base; arXiv 1810.04805, table 2)"
    ),
    "12": Lesson(("translation",), ("t5",), read=0.1, trained=0.3, seconds=155),
}  # fmt: skip
