"""What the cases of chapter 2 share: real sets of prompts, and models whose heads hear each other."""

import random
from itertools import cycle, islice

from tokenizers import Tokenizer, models, pre_tokenizers
from transformer_lens import TransformerBridge
from transformers import PreTrainedTokenizerFast

from patchbook.checking.awkward import BOS, VOCAB, awkward_model
from patchbook.prompts.ioi import IOIDataset, IOIPrompt
from patchbook.prompts.ioi_sentences import write_prompt

# Each has another length, and every role stands elsewhere in each.
TEMPLATES = (
    "Then {first} met {second}, {giver} told",
    "At the {place} {first} met {second}, {giver} told",
    "So when {first} saw {second}, {giver} threw the {object}",  # not always the same word at the end
)
KINDS = ((0, "ABBA"), (1, "BABA"), (2, "ABBA"), (0, "BABA"))  # (template, order); the first is a short one
PEOPLE = ("Mary", "John", "Anna", "Tom", "Kate", "Paul", "Emma", "Luke", "Rose", "Mark")
PLACES = ("park", "lake", "shop")
OBJECTS = ("ball", "drum", "book")
_OTHERS = (",", "Then", "At", "So", "when", "the", "met", "saw", "told", "threw")
_LOUDER = {"q": 3, "k": 3, "v": 6}


def awkward_tokenizer() -> PreTrainedTokenizerFast:
    """One token for each word of the templates, in no order; as many tokens as an awkward model has."""
    words = [*PEOPLE, *PLACES, *OBJECTS, *_OTHERS]
    words += [f"w{i}" for i in range(VOCAB - 1 - len(words))]
    random.Random(0).shuffle(words)
    end = "<|endoftext|>"
    words.insert(BOS, end)
    tokens = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="w0"))
    tokens.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=tokens, bos_token=end, eos_token=end, pad_token=end)


def random_prompts(seed: int, batch: int = 4) -> IOIDataset:
    """Prompts with random words. Their templates and orders are always KINDS, from the fifth on again.

    Neighbouring seeds have other objects.
    """
    rng = random.Random(seed)
    return IOIDataset(
        "mixed",
        batch,
        awkward_tokenizer(),
        seed,
        templates=TEMPLATES,
        names=PEOPLE,
        places=PLACES,
        objects=OBJECTS,
        ioi_prompts=[
            _random_prompt(rng, *kind, OBJECTS[(seed + i) % len(OBJECTS)])
            for i, kind in enumerate(islice(cycle(KINDS), batch))
        ],
    )


def _random_prompt(rng: random.Random, template: int, order: str, object: str) -> IOIPrompt:
    io, s = rng.sample(PEOPLE, 2)
    return write_prompt(TEMPLATES, template, order, io, s, rng.choice(PLACES), object)


def attentive_model(seed: int, **options) -> TransformerBridge:
    """An awkward model whose heads attend sharply and write much.

    In a plain one attention is nearly even: what one head's query hears of another is lost in rounding.
    """
    model = awkward_model(seed, **options)
    for name, weight in model.named_parameters():
        part = name.removesuffix(".weight").removesuffix(".bias").split(".")[-2]
        if ".attn." in name and part in _LOUDER:
            weight.data *= _LOUDER[part]
    return model
