"""Prompts that end with a full stop, and the four ways to write the word that comes next.

    ds = CapitalSet(NINE_TOKENS, tokenizer)
    logits = model(ds.toks)[torch.arange(len(ds)), ds.word_idx["stop"]]     # (batch, d_vocab)
    small = ds.corrupted()                                    # the same, first letter made small

The prompts of NINE_TOKENS and ELEVEN_TOKENS, the first four of RAGGED, and the first of each context are
those whose figures others published for GPT-2 small. The rest is ours.

    frame, word, other = repeated_word_triples()[0]           # is it the capital, or the word said before?
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from jaxtyping import Int
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from patchbook.prompts.tokens import TokenisedPrompts

# Columns of `answer_tokens`: the right answer, then the three ways to be wrong about it.
VARIANTS = ("correct", "lower", "no_space", "no_space_lower")


@dataclass(frozen=True)
class CapitalPrompt:
    """A text that ends with its full stop, and the word after it: with its capital, without a space."""

    text: str
    answer: str


CONTEXTS = {  # where the capital is usual, where it is not, and where a number goes on
    "sentence": ("This is a sentence.", "The cat loves to scratch my car.", "Koalas are grumpy cute."),
    "all lower": ("this is a sentence.", "the cat loves to scratch my car.", "koalas are grumpy cute."),
    "all upper": ("THIS IS A SENTENCE.", "THE CAT LOVES TO SCRATCH MY CAR.", "KOALAS ARE GRUMPY CUTE."),
    "decimal": (
        "The probability of me getting to the bottom of this circuit is not 0.",
        "The price of the car is 0.",
        "The height of the table is 0.",
    ),
}

# Counted with BOS, under GPT-2's tokenizer and under the tiny one.
NINE_TOKENS = (
    CapitalPrompt("This is a very slightly longer sentence.", "I"),
    CapitalPrompt("The cat loves to scratch my car.", "It"),
    CapitalPrompt("Kangaroos should be ridden.", "They"),
    CapitalPrompt("That car driver drives rather recklessly.", "He"),
    CapitalPrompt("It is wonderful to be alive today.", "I"),
    CapitalPrompt("This is a difficult problem to solve.", "The"),
    CapitalPrompt("Koalas are grumpy cute.", "They"),
)
ELEVEN_TOKENS = (
    CapitalPrompt("Filling up to eleven tokens.\nGo.", "Go"),
    CapitalPrompt("Hello. Hello. Hello. Hello. Hello.", "Hello"),
    CapitalPrompt("Matthew really does not know what he is doing.", "He"),
    CapitalPrompt("This is a sentence. This is another sentence.", "This"),
)
RAGGED = (
    CapitalPrompt("Go.", "Go"),
    CapitalPrompt("Hello.", "I"),
    CapitalPrompt("Matthew doesn't know what he is doing.", "He"),
    CapitalPrompt("This is a sentence. This is another sentence.", "This"),
    CapitalPrompt(
        "The old teacher of the school and the quick driver of the red car were working at the park near "
        "the river, and after the lunch they were thinking very slowly about going to the house again.",
        "They",
    ),
)

# What may begin a sentence, and what may go on: each word is one token, with a capital and without. No opener
# stands in a frame, so that the word which is asked for was said before only where its prompt begins with it.
OPENERS = ("The", "This", "That", "My", "Our", "A")
SUBJECTS = ("cat", "dog", "bird", "horse", "lion", "teacher", "driver", "doctor", "farmer", "queen")
PREDICATES = (
    "sleeps and waits again now",
    "is old and very happy",
    "runs and jumps again today",
    "was small and really quick",
    "sings and dances again tonight",
    "is red and rather heavy",
    "works slowly and very quietly",
    "was tired and hungry yesterday",
    "cries and smiles and waits",
    "is gentle and quite brave",
    "never travels and never waits",
    "was really strange and dark",
    "falls and always laughs now",
    "drives often and rather well",
    "walks slowly and laughs again",
)


def repeated_word_triples() -> list[tuple[str, str, str]]:
    """(frame, word, another word), 150 of them, no frame twice; each frame has one slot, for its first word.

    >>> repeated_word_triples()[0]
    ('{} cat sleeps and waits again now.', 'The', 'This')
    """
    frames = [f"{{}} {subject} {predicate}." for subject in SUBJECTS for predicate in PREDICATES]
    words = itertools.cycle(itertools.permutations(OPENERS, 2))
    return [(frame, word, other) for frame, (word, other) in zip(frames, words, strict=False)]


def answer_variants(word: str) -> tuple[str, str, str, str]:
    """The word as a token may write it, in the order of VARIANTS.

    >>> answer_variants("He")
    (' He', ' he', 'He', 'he')
    """
    return (" " + word, " " + word.lower(), word, word.lower())


def variant_ids(tokenizer: PreTrainedTokenizerBase, word: str) -> tuple[int | None, ...]:
    """The token of each variant; None for a variant that is not one token.

    >>> variant_ids(tiny_tokenizer, "But")       # without a space, the tiny one splits it in two
    (692, 461, None, None)
    """
    rows = tokenizer(list(answer_variants(word)), add_special_tokens=False)["input_ids"]
    return tuple(row[0] if len(row) == 1 else None for row in rows)


def without_first_capital(text: str) -> str:
    """The first letter made small, the rest left alone."""
    return text[:1].lower() + text[1:]


@dataclass(frozen=True, eq=False, repr=False)
class CapitalSet(TokenisedPrompts):
    """Prompts that end with a full stop, as tokens, with their answers and the positions of their roles.

    >>> ds = CapitalSet(NINE_TOKENS, tokenizer)
    >>> ds.toks.shape, ds.answer_tokens.shape
    (torch.Size([7, 9]), torch.Size([7, 4]))

    Args:
        prompts: what the set is made of.
        tokenizer: that of the model in use.
        prepend_bos: put BOS before each prompt.
        device: where the tensors live.

    Raises ValueError if there is no prompt, or one without a full stop.
    """

    prompts: Sequence[CapitalPrompt]
    tokenizer: PreTrainedTokenizerBase
    prepend_bos: bool = True
    device: str | torch.device = "cpu"

    def __post_init__(self):
        object.__setattr__(self, "prompts", tuple(self.prompts))
        if not self.prompts:
            raise ValueError("wanted one prompt or more, but got none.")
        _ = self.word_idx  # a role that cannot be found is an error now, not in the middle of a sweep

    @property
    def answers(self) -> list[tuple[str, str, str, str]]:
        """Each prompt's answer in the four variants of VARIANTS."""
        return [answer_variants(prompt.answer) for prompt in self.prompts]

    @cached_property
    def answer_tokens(self) -> Int[Tensor, "batch 4"]:
        """One row for each prompt: the right token, then the wrong ones, in the order of VARIANTS.

        Raises ValueError, with the word, if a variant is not one token.
        """
        rows = [variant_ids(self.tokenizer, prompt.answer) for prompt in self.prompts]
        for prompt, row in zip(self.prompts, rows, strict=True):
            if None in row:
                variant = answer_variants(prompt.answer)[row.index(None)]
                raise ValueError(
                    f"wanted answers that are one token in all four variants, but {variant!r} is not "
                    f"(for the prompt {prompt.text!r}).\nChoose another word, or another tokenizer."
                )
        return torch.tensor(rows, device=self.device)

    @cached_property
    def word_idx(self) -> dict[str, Int[Tensor, "batch"]]:
        """Position in `toks` of "first" (the first token of the text), "start" (of its last sentence), and
        "stop" (the full stop at the end)."""
        found = [self._roles(row) for row in self._rows]
        return {role: torch.tensor([f[role] for f in found], device=self.device) for role in found[0]}

    def _roles(self, row: list[int]) -> dict[str, int]:
        """Roles of one prompt, found by what its tokens say."""
        pieces = [self.tokenizer.decode([token]) for token in row]
        first = int(self.prepend_bos)
        if not pieces[-1].endswith("."):
            raise ValueError(
                f"wanted prompts that end with a full stop, but got {self.tokenizer.decode(row[first:])!r}."
            )
        ends = [i for i in range(first, len(row) - 1) if pieces[i].endswith((".", "\n"))]
        return {"first": first, "start": max(ends, default=first - 1) + 1, "stop": len(row) - 1}

    def corrupted(self) -> "CapitalSet":
        """The same prompts with a small first letter; answers and positions stay.

        Raises ValueError if that changes how many tokens a prompt has: nothing could be patched.
        """
        small = [replace(p, text=without_first_capital(p.text)) for p in self.prompts]
        other = replace(self, prompts=small)
        for prompt, before, after in zip(small, self.lengths, other.lengths, strict=True):
            if before != after:
                raise ValueError(
                    f"wanted the same number of tokens with a small letter, but {prompt.text!r} has {after} "
                    f"and the original {before}.\nLeave this prompt out of what is patched."
                )
        return other

    def __len__(self) -> int:
        return len(self.prompts)

    def __iter__(self) -> Iterator[CapitalPrompt]:
        return iter(self.prompts)

    def __getitem__(self, index: int | slice) -> "CapitalSet | CapitalPrompt":
        """ds[3]: one prompt. ds[:2]: a smaller set, padded to its own longest prompt."""
        chosen = self.prompts[index]
        return replace(self, prompts=chosen) if isinstance(index, slice) else chosen

    def __repr__(self) -> str:
        return f"CapitalSet({len(self)} prompts of {min(self.lengths)} to {max(self.lengths)} tokens)"
