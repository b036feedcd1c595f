"""What the cases of chapter 2 share: real sets of prompts, in words that an awkward model has one token for."""

import random
from itertools import cycle, islice

from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from patchbook.checking.awkward import BOS, VOCAB
from patchbook.prompts.ioi import IOIDataset, IOIPrompt
from patchbook.prompts.ioi_sentences import write_prompt

# Every role stands elsewhere in each, and each has another length.
TEMPLATES = (
    "Then {first} met {second}, {giver} told",
    "At the {place} {first} met {second}, {giver} told",
    "So when {first} saw {second}, {giver} took a {object} to",
)
KINDS = ((0, "ABBA"), (1, "BABA"), (2, "ABBA"), (0, "BABA"))  # (template, order): the first is a short one
PEOPLE = (
    "Mary John Anna Tom Kate Paul Emma Luke Rose Mark Jane Fred Alice Peter Clara Simon Laura Henry Ellen Frank"
).split()
PLACES = ("park", "lake", "shop")
OBJECTS = ("ball", "drum", "book")
_OTHERS = ". , Then At So when the a met saw told took to".split()


def awkward_tokenizer() -> PreTrainedTokenizerFast:
    """One token for each word of the templates; like the models' 97 tokens, they stand in no order."""
    words = [*PEOPLE, *PLACES, *OBJECTS, *_OTHERS]
    words += [f"w{i}" for i in range(VOCAB - 1 - len(words))]
    random.Random(0).shuffle(words)
    end = "<|endoftext|>"
    words.insert(BOS, end)
    tokens = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="w0"))
    tokens.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=tokens, bos_token=end, eos_token=end, pad_token=end)


def random_prompts(seed: int, batch: int = 4) -> IOIDataset:
    """Prompts of three templates with random words. From the fifth on their kinds come again."""
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
        ioi_prompts=[_random_prompt(rng, *kind) for kind in islice(cycle(KINDS), batch)],
    )


def _random_prompt(rng: random.Random, template: int, order: str) -> IOIPrompt:
    io, s = rng.sample(PEOPLE, 2)
    return write_prompt(TEMPLATES, template, order, io, s, rng.choice(PLACES), rng.choice(OBJECTS))
