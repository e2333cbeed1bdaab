"""A two-layer random encoder and little invented reviews, made on the spot."""

import random
import re
from collections.abc import Sequence
from pathlib import Path

import tokenizers
import torch
from tokenizers import models, normalizers, pre_tokenizers, processors

from ml.core.config import HeadConfig, Kind
from ml.core.data import Example, SpanAnswer, Split

GOOD = ("lovely", "great", "perfect", "soft", "bright")
BAD = ("broken", "awful", "torn", "cheap", "dull")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
THINGS = {"kettle": "kitchen", "pan": "kitchen", "scarf": "clothes", "coat": "clothes"}

SENTIMENT = HeadConfig("sentiment", Kind.CHOICE, ("negative", "positive"))
RATING = HeadConfig("rating", Kind.NUMBER, minimum=1, maximum=5, is_integer=True)
WEIGHT = HeadConfig("weight", Kind.NUMBER)
TOPICS = HeadConfig("topics", Kind.MULTICHOICE, ("kitchen", "clothes"))
THING = HeadConfig("thing", Kind.SPANS, ("kitchen", "clothes"), polarities=("bad", "good"))
HEADS = (SENTIMENT, RATING, WEIGHT, TOPICS, THING)


def make_encoder(
    folder: Path, *, texts: Sequence[str] = (), positions: int = 64, has_mask: bool = False
) -> Path:
    """Write a random two-layer BERT of width 32 with a WordPiece vocabulary of the texts.

    has_mask: whether it knows a token for masked words, as real ones do.
    """
    from transformers import BertConfig, BertModel

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer(texts or [e.text for e in make_examples(60)])
    if has_mask:
        tokenizer.add_special_tokens(["[MASK]"])
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(5)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=positions,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def _tokenizer(texts: Sequence[str]) -> tokenizers.Tokenizer:
    # Written down, not trained: the trainer numbers equally frequent pieces by chance.
    words = {word for text in texts for word in re.findall(r"\w+|[^\w\s]", text.lower())}
    letters = {letter for word in words for letter in word}
    pieces = [*SPECIAL, *sorted(words | letters), *(f"##{letter}" for letter in sorted(letters))]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def make_examples(count: int, *, seed: int = 0) -> list[Example]:
    """Return reviews that answer all five questions; every fifth is for validation, for test."""
    chance = random.Random(seed)
    return [_example(number, chance) for number in range(count)]


def _example(number: int, chance: random.Random) -> Example:
    is_good = chance.random() < 0.6
    word = chance.choice(GOOD if is_good else BAD)
    thing = chance.choice(list(THINGS))
    text = f"{chance.choice(['This', 'My', 'The'])} {word} {thing} came {number} days ago 🎁."
    start = text.index(thing)
    split: Split = ("train", "train", "train", "validation", "test")[number % 5]
    polarity = "good" if is_good else "bad"
    span = SpanAnswer(start, start + len(thing), THINGS[thing], polarity)
    return Example(
        number,
        text,
        split,
        {
            "sentiment": "positive" if is_good else "negative",
            "rating": float(chance.choice([4, 5] if is_good else [1, 2])),
            "weight": 2.5 if is_good else 7.5,
            "topics": frozenset({THINGS[thing]}),
            "thing": (span,),
        },
    )
