"""A small Hub on loopback: the endpoints that the hub libraries ask, over a folder of repositories.

`fill` writes the course's table in small: every model with random weights of its true architecture and a tokenizer of
its true class, every set as Parquet with the true columns, features, splits and file names. `Hub` serves them, at the
revisions that the table pins. It can break off in the middle of a file, and remembers what it was asked.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from course_utils.hub_table import CHECKPOINTS, DATASETS

PINNED = {entry.hub_id: entry.revision for entry in (*CHECKPOINTS.values(), *DATASETS.values())}
UNPINNED = "0" * 39 + "1"  # the commit of any repository that is not in the table


class Hub:
    """`with Hub(folder) as hub: hub.address`. `hub.break_after = n`: the next n bytes of a file, then silence."""

    def __init__(self, folder: Path):
        self.folder, self.asked, self.sent, self.break_after = folder, [], 0, None
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> Hub:
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self.server.shutdown()
        self.server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._json([])

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(f"{self.command} {path}")
        if path == "/":
            return self._json({})
        if found := re.fullmatch(r"/api/(models|datasets)/([^/]+/[^/]+)(?:/(revision|tree)/([^/]+))?(?:/.*)?", path):
            kind, repo, what, revision = found.groups()
            return self._about(kind, repo, what, revision)
        if found := re.fullmatch(r"/(datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            return self._file("datasets" if found[1] else "models", found[2], found[3], found[4])
        return self._missing("RepoNotFound", 404)

    def _commit(self, kind: str, repo: str, revision: str | None) -> str | None:
        """The commit that a revision names; None where the repository or the revision is not here."""
        commit = PINNED.get(repo) or UNPINNED
        here = (self.hub.folder / kind / repo).is_dir()
        return commit if here and revision in (None, "main", commit) else None

    def _about(self, kind: str, repo: str, what: str | None, revision: str | None) -> None:
        folder, commit = self.hub.folder / kind / repo, self._commit(kind, repo, revision)
        if commit is None:
            return self._missing("RevisionNotFound" if folder.is_dir() else "RepoNotFound", 404)
        files = {file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*")) if file.is_file()}
        if what == "tree":
            return self._json([_entry(name, file.read_bytes()) for name, file in files.items()])
        siblings = [{"rfilename": name} for name in files]
        return self._json({"id": repo, "sha": commit, "siblings": siblings, "private": False, "tags": []})

    def _file(self, kind: str, repo: str, revision: str, name: str) -> None:
        commit, file = self._commit(kind, repo, revision), self.hub.folder / kind / repo / name
        if commit is None or not file.is_file():
            self._missing("RevisionNotFound" if commit is None else "EntryNotFound", 404)
            return
        content = file.read_bytes()
        first = int(found[1]) if (found := re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))) else 0
        entry = _entry(name, content)
        self.send_response(206 if first else 200)
        self.send_header("ETag", f'"{entry.get("lfs", entry)["oid"]}"')
        self.send_header("X-Repo-Commit", commit)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(content) - first))
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if self.command == "GET":
            self._send(content[first:])

    def _send(self, content: bytes) -> None:
        left = self.hub.break_after
        if left is not None:
            content, self.hub.break_after = content[:left], max(0, left - len(content))
        with contextlib.suppress(OSError):
            self.wfile.write(content)
        self.hub.sent += len(content)
        if left is not None and self.hub.break_after == 0:
            self.close_connection = True  # in the middle of a file

    def _json(self, value: object) -> None:
        content = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _missing(self, code: str, status: int) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()


def _entry(name: str, content: bytes) -> dict:
    """A file as the Hub lists it: large kinds by their sha256, others by git's own."""
    oid = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    entry: dict = {"type": "file", "path": name, "size": len(content), "oid": oid}
    if name.endswith((".safetensors", ".parquet", ".bin")):
        entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
    return entry


# ---------------------------------------------------------------- the table, in small

SPLITS = {  # the splits that each real set has
    "sentiment": ("train", "validation", "test"), "topics": ("train", "test"), "spam": ("train",),
    "entities": ("train", "validation", "test"), "answers": ("train", "validation"), "translation": ("train",),
}  # fmt: skip


TRAIN_ROWS = {"sentiment": 2800, "translation": 2100}  # lesson 09 draws rare classes from the one, 12 holds out a tenth


def fill(folder: Path) -> None:
    """The models of the table, and its sets with as few rows as the lessons need."""
    from datasets import disable_progress_bars
    from transformers.utils import logging

    from course_utils import tokens

    disable_progress_bars()
    logging.disable_progress_bar()
    texts = tokens.world_texts(600)
    for name, entry in CHECKPOINTS.items():
        write_model(folder / "models" / entry.hub_id, name, texts)
    for name in SPLITS:
        rows = {"train": TRAIN_ROWS.get(name, 700), "validation": 120, "test": 60}
        write_set(folder / "datasets" / DATASETS[name].hub_id, name, rows)


def write_model(folder: Path, name: str, texts: list[str]) -> None:
    """Random weights of the true architecture, with a tokenizer of the true class that was trained on `texts`.

    Marian's own tokenizer needs the package sentencepiece, which the course does without: T5's stands in for it.
    """
    import torch
    import transformers

    tokenizer = _tokenizer(name, texts)
    size = {"vocab_size": len(tokenizer)}
    small = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 48}
    special = {f"{part}_token_id": getattr(tokenizer, f"{part}_token_id") for part in ("pad", "bos", "eos")}
    torch.manual_seed(0)
    if name in ("bert", "minilm"):
        model = transformers.BertForPreTraining(transformers.BertConfig(**size, **small))
    elif name == "roberta":
        config = transformers.RobertaConfig(**size, **small, **special, max_position_embeddings=514, type_vocab_size=1)
        model = transformers.RobertaForMaskedLM(config)
    elif name == "distilbert":
        config = transformers.DistilBertConfig(**size, dim=32, n_layers=4, n_heads=4, hidden_dim=48)
        model = transformers.DistilBertForMaskedLM(config)
    elif name == "gpt2":
        ends = {"bos_token_id": special["eos_token_id"], "eos_token_id": special["eos_token_id"]}
        model = transformers.GPT2LMHeadModel(transformers.GPT2Config(**size, n_embd=32, n_layer=4, n_head=4, **ends))
    elif name == "t5":
        config = transformers.T5Config(**size, d_model=32, d_kv=8, d_ff=48, num_layers=3, num_heads=4, decoder_start_token_id=0)
        model = transformers.T5ForConditionalGeneration(config)
    else:
        layers = {f"{side}_{what}": n for side in ("encoder", "decoder") for what, n in (("layers", 2), ("attention_heads", 4), ("ffn_dim", 48))}
        ends = {"pad_token_id": 0, "decoder_start_token_id": 0, "eos_token_id": 1, "forced_eos_token_id": 1}
        config = transformers.MarianConfig(**size, **layers, **ends, d_model=32)
        model = transformers.MarianMTModel(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    # The real repositories say next to nothing about their tokenizers: the class follows from the model's type.
    if name != "marian-fr-en":
        cased = {"do_lower_case": name != "bert"} if name in ("bert", "distilbert", "minilm") else {}
        (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 512, **cased}))
    # What the real repositories carry besides, and the course must leave alone.
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04 a pickle")
    (folder / "onnx").mkdir()
    (folder / "onnx" / "config.json").write_text("{}")


def _tokenizer(name: str, texts: list[str]):
    import tokenizers
    import transformers

    if name in ("roberta", "gpt2"):
        raw = tokenizers.ByteLevelBPETokenizer()
        special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"] if name == "roberta" else ["<|endoftext|>"]
        raw.train_from_iterator(texts, vocab_size=1500, special_tokens=special)
        vocab, merges = json.loads(raw.to_str())["model"]["vocab"], json.loads(raw.to_str())["model"]["merges"]
        kind = {"roberta": transformers.RobertaTokenizerFast, "gpt2": transformers.GPT2TokenizerFast}[name]
        return kind(vocab=vocab, merges=[tuple(merge) for merge in merges], model_max_length=512)
    if name in ("t5", "marian-fr-en"):
        raw = tokenizers.SentencePieceUnigramTokenizer()
        raw.train_from_iterator(texts, vocab_size=1500, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>")
        pieces = [tuple(piece) for piece in json.loads(raw.to_str())["model"]["vocab"]]
        return transformers.T5TokenizerFast(vocab=pieces, model_max_length=512)
    cased = name == "bert"
    raw = tokenizers.BertWordPieceTokenizer(lowercase=not cased)
    raw.train_from_iterator(texts, vocab_size=1500)
    kind = transformers.DistilBertTokenizerFast if name == "distilbert" else transformers.BertTokenizerFast
    return kind(vocab=raw.get_vocab(), do_lower_case=not cased, model_max_length=512)


def write_set(folder: Path, name: str, rows: dict[str, int]) -> None:
    """A set as Parquet, in the folders and under the names of the real one, with its card."""
    from course_utils.world.tasks import task_set

    known = DATASETS[name]
    stem = known.files[0].partition("/")[0]
    made = task_set(name, sizes={**rows, "unseen": 1})
    for split in SPLITS[name]:
        table = made[split]
        if (name, split) == ("sentiment", "test"):  # SST-2 hides the labels of its test rows
            labels = table.features["label"]
            table = table.remove_columns("label").add_column("label", [-1] * len(table), feature=labels)
        file = folder / stem / f"{split}-00000-of-00001.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        table.to_parquet(file)
    card = ["---", "configs:", f"- config_name: {known.config or 'default'}", "  data_files:"]
    for split in SPLITS[name]:
        card += [f"  - split: {split}", f"    path: {stem}/{split}-*"]
    if name == "translation":  # the real card names many languages, whose files are not fetched
        card += ["- config_name: de-en", "  data_files:", "  - split: train", "    path: de-en/train-*"]
        (folder / "de-en").mkdir()
        (folder / "de-en" / "train-00000-of-00001.parquet").write_bytes(b"not asked for")
    (folder / "README.md").write_text("\n".join([*card, "---", ""]), encoding="utf-8")
