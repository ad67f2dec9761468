"""Pre-training: from the world's unlabelled text to the shipped checkpoints.

`tokenizers` learns the tokens, `objectives` makes (inputs, labels) of them in four ways, `recipes` runs the one
loop of `training` over the result, `cards` says in a README what came out.
"""

from .cards import model_card
from .objectives import (
    CausalRows,
    DenoisingRows,
    MaskedRows,
    NextSentenceRows,
    causal_lm,
    masked_lm,
    next_sentence,
    sentences,
    span_corruption,
)
from .recipes import (
    RECIPES,
    DecoderRecipe,
    EncoderDecoderRecipe,
    EncoderRecipe,
    Recipe,
    Stage,
    build_checkpoint,
    bulletin_scores,
    encode_documents,
    new_decoder,
    new_encoder,
    new_encoder_decoder,
    pretrain,
)
from .tokenizers import (
    CLS,
    END_OF_TEXT,
    MASK,
    PAD,
    SEP,
    SPECIAL_TOKENS,
    UNK,
    train_bpe,
    train_tokenizer,
    train_unigram,
    word_starts,
)

__all__ = [
    "CLS", "END_OF_TEXT", "MASK", "PAD", "RECIPES", "SEP", "SPECIAL_TOKENS", "Stage", "UNK",
    "CausalRows", "DecoderRecipe", "DenoisingRows", "EncoderDecoderRecipe", "EncoderRecipe", "MaskedRows",
    "NextSentenceRows", "Recipe", "build_checkpoint", "bulletin_scores", "causal_lm",
    "encode_documents", "masked_lm", "model_card", "new_decoder", "new_encoder", "new_encoder_decoder",
    "next_sentence", "pretrain", "sentences", "span_corruption", "train_bpe", "train_tokenizer",
    "train_unigram", "word_starts",
]  # fmt: skip
