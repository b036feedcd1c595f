"""IOIDataset: prompts such as "When Mary and John went to the park, John gave a ball to", with their roles.

    ds = IOIDataset("mixed", N=100, tokenizer=model.tokenizer, seed=0)
    abc = ds.gen_flipped_prompts("ABB->XYZ, BAB->XYZ")
    logits = model(ds.toks)[torch.arange(ds.N), ds.word_idx["end"]]     # (batch, d_vocab)

Attribute names are those of the literature's code (arXiv 2211.00593 and the courses that followed).
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from jaxtyping import Int
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from patchbook import zoo
from patchbook.prompts.ioi_sentences import (
    PUBLISHED,
    TEMPLATES,
    IOIPrompt,
    check_template,
    render,
    write_prompt,
    write_prompts,
)
from patchbook.prompts.rules import READS, fresh_names, new_letters, parse_rule, reading, renamed
from patchbook.prompts.tokens import TokenisedPrompts, single_tokens

__all__ = ["PUBLISHED", "TEMPLATES", "IOIDataset", "IOIPrompt", "parse_rule", "published_prompts"]

ORDERS = {"ABBA": ("ABBA",), "BABA": ("BABA",), "mixed": ("ABBA", "BABA")}


@dataclass(frozen=True, eq=False, repr=False)
class IOIDataset(TokenisedPrompts):
    """N prompts of indirect object identification; the same seed gives the same prompts.

    >>> ds = IOIDataset("ABBA", N=2, tokenizer=tokenizer)
    >>> ds.sentences[0]
    'When Mary and John went to the park, John gave a ball to'
    >>> ds.word_idx["S2"]                # where the second "John" stands, prompt by prompt; BOS is position 0
    tensor([10, 10])
    >>> ds[:1].toks.shape, len(ds)
    (torch.Size([1, 15]), 2)

    Args:
        prompt_type: "ABBA" (the indirect object is named first), "BABA", or "mixed" (they take turns).
        N: how many prompts.
        tokenizer: that of the model in use. Names, places and objects must be one token each in it.
        seed: of the words, and of the new names in `gen_flipped_prompts`.
        prepend_bos: put BOS before each prompt.
        templates, names, places, objects: what prompts are made of, instead of our own lists.
        device: where the tensors live.
        ioi_prompts: finished records to use instead of writing new ones (N and seed then change nothing).

    Raises ValueError for words that are not one token, and for templates that cannot be used.
    """

    prompt_type: str
    N: int
    tokenizer: PreTrainedTokenizerBase
    seed: int = 0
    prepend_bos: bool = True
    templates: Sequence[str] = TEMPLATES
    names: Sequence[str] = field(default_factory=lambda: zoo.words("names"))
    places: Sequence[str] = field(default_factory=lambda: zoo.words("places"))
    objects: Sequence[str] = field(default_factory=lambda: zoo.words("objects"))
    device: str | torch.device = "cpu"
    ioi_prompts: Sequence[IOIPrompt] | None = None

    def __post_init__(self):
        self._check_arguments()
        if self.ioi_prompts is None:
            words = (self.names, self.places, self.objects)
            orders = ORDERS[self.prompt_type]
            prompts = write_prompts(random.Random(self.seed), self.N, self.templates, orders, *words)
        else:
            prompts = self.ioi_prompts
        object.__setattr__(self, "ioi_prompts", tuple(prompts))
        object.__setattr__(self, "N", len(self.ioi_prompts))
        self._check_words()
        _ = self.word_idx  # a role that cannot be found is an error now, not in the middle of a sweep

    def _check_arguments(self) -> None:
        if self.prompt_type not in ORDERS:
            raise ValueError(
                f"wanted prompt_type {', '.join(map(repr, ORDERS))}, but got {self.prompt_type!r}."
            )
        wanted = self.N if self.ioi_prompts is None else len(self.ioi_prompts)
        if not isinstance(wanted, int) or isinstance(wanted, bool) or wanted < 1:
            raise ValueError(f"wanted one prompt or more, but got N={wanted!r}.")
        for kind in ("templates", "names", "places", "objects"):
            given = getattr(self, kind)
            least = 2 if kind == "names" else 1
            if isinstance(given, str) or len(set(given)) < least:
                raise ValueError(f"wanted a list of {least} or more different {kind}, but got {given!r}.")
            object.__setattr__(self, kind, tuple(dict.fromkeys(given)))
        for template in self.templates:
            check_template(template)

    def _check_words(self) -> None:
        """Every word that this set or a corruption of it can use is one token."""
        for kind, slot in (("places", "place"), ("objects", "object")):
            used = [getattr(prompt, slot) for prompt in self.ioi_prompts]
            single_tokens(self.tokenizer, [*getattr(self, kind), *filter(None, used)], kind)

    @cached_property
    def _name_ids(self) -> dict[str, int]:
        used = [name for prompt in self.ioi_prompts for name in (*prompt.names, prompt.IO, prompt.S)]
        return single_tokens(self.tokenizer, [*self.names, *used], "names")

    @property
    def max_len(self) -> int:
        """Tokens in the longest prompt: the second dimension of `toks`."""
        return self.toks.shape[1]

    @cached_property
    def io_tokenIDs(self) -> list[int]:
        """Each prompt's right answer. In a flipped set: that of the prompt it was made from."""
        return [self._name_ids[prompt.IO] for prompt in self.ioi_prompts]

    @cached_property
    def s_tokenIDs(self) -> list[int]:
        """Each prompt's wrong answer, the subject. In a flipped set: that of the prompt it was made from."""
        return [self._name_ids[prompt.S] for prompt in self.ioi_prompts]

    @cached_property
    def answer_tokens(self) -> Int[Tensor, "batch 2"]:
        """Column 0: the right answers; column 1: the wrong ones."""
        return torch.tensor([self.io_tokenIDs, self.s_tokenIDs], device=self.device).T.contiguous()

    @cached_property
    def word_idx(self) -> dict[str, Int[Tensor, "batch"]]:
        """Position in `toks` of "IO", "S1", "S1+1", "S2" and "end" (the last real token) in each prompt.

        In a flipped set they are the places of these roles in the original, whoever stands there now.
        """
        first, second, third = self._name_positions().T
        io_first = torch.tensor([prompt.order == "ABBA" for prompt in self.ioi_prompts], device=self.device)
        s1 = torch.where(io_first, second, first)
        end = self.attention_mask.sum(1) - 1
        return {"IO": torch.where(io_first, first, second), "S1": s1, "S1+1": s1 + 1, "S2": third, "end": end}

    def _name_positions(self) -> Int[Tensor, "batch 3"]:
        """Where the three names stand, in order of appearance, found by their token ids."""
        ids = [[self._name_ids[name] for name in prompt.names] for prompt in self.ioi_prompts]
        names = torch.tensor(ids, device=self.device)
        is_name = (self.toks[:, :, None] == names[:, None, :]).any(-1)  # (batch, seq)
        wrong = (is_name.sum(1) != 3).nonzero()
        if len(wrong):
            text = self.sentences[int(wrong[0])]
            raise ValueError(
                f"wanted each prompt to have its names in three places, but not so in {text!r}.\n"
                f"A template may not say a name itself, and no name may be the padding token."
            )
        return is_name.nonzero()[:, 1].view(-1, 3)

    @cached_property
    def groups(self) -> list[Int[Tensor, "group"]]:
        """Row numbers of the prompts with the same template and order: same length, same positions."""
        rows = {}
        for i, prompt in enumerate(self.ioi_prompts):
            rows.setdefault((prompt.template, prompt.order), []).append(i)
        return [torch.tensor(group, device=self.device) for group in rows.values()]

    def gen_flipped_prompts(self, rule: str, seed: int | None = None) -> "IOIDataset":
        """The same prompts with other names; everything else stays, positions and answers too.

        >>> IOIDataset("ABBA", N=1, tokenizer=tokenizer).gen_flipped_prompts("ABB->XYZ").sentences
        ['When Tom and Ann went to the park, Sid gave a ball to']

        Args:
            rule: as `patchbook.prompts.rules` reads it: "ABB->XYZ, BAB->XYZ". A is IO, B is S, other
                letters are names that the prompt does not have yet.
            seed: of the new names; the set's own if None.

        Raises ValueError if the rule cannot be read, says nothing about some prompt, or needs too many names.
        """
        meaning = parse_rule(rule)
        rng = random.Random(f"flip {self.seed if seed is None else seed}")
        flipped = [self._flip(prompt, meaning, rng) for prompt in self.ioi_prompts]
        return replace(self, ioi_prompts=flipped)

    def _flip(self, prompt: IOIPrompt, meaning: dict[str, str], rng: random.Random) -> IOIPrompt:
        before = reading(prompt.names)
        if before not in meaning:
            order = next(order for order, reads in READS.items() if reads == before)
            raise ValueError(
                f"the rule says nothing about prompts of type {order}, but there are some: {prompt.text!r}.\n"
                f"Add a part for them, as in '{before}->XYZ'."
            )
        taken = {*prompt.names, prompt.IO, prompt.S}
        fresh = fresh_names(rng, self.names, len(new_letters(before, meaning[before])), taken)
        names = renamed(prompt.names, meaning[before], fresh)
        text = render(self.templates[prompt.template], names, prompt.place, prompt.object)
        return replace(prompt, names=names, text=text)

    def __len__(self) -> int:
        return self.N

    def __iter__(self) -> Iterator[IOIPrompt]:
        return iter(self.ioi_prompts)

    def __getitem__(self, index: int | slice) -> "IOIDataset | IOIPrompt":
        """ds[3]: one record. ds[:8]: a smaller set, padded to its own longest prompt."""
        chosen = self.ioi_prompts[index]
        return replace(self, ioi_prompts=chosen) if isinstance(index, slice) else chosen

    def __repr__(self) -> str:
        return f"IOIDataset({self.prompt_type!r}, {self.N} prompts, {self.max_len} tokens, seed={self.seed})"


def published_prompts(
    tokenizer: PreTrainedTokenizerBase, prepend_bos: bool = True, device: str | torch.device = "cpu"
) -> IOIDataset:
    """The eight prompts of TransformerLens's Exploratory Analysis demo, in its order: four mirrored pairs.

    >>> published_prompts(tokenizer).sentences[0]
    'When John and Mary went to the shops, John gave the bag to'
    """
    prompts = [write_prompt(TEMPLATES, *row) for row in PUBLISHED]
    return IOIDataset(
        "mixed", len(prompts), tokenizer, prepend_bos=prepend_bos, ioi_prompts=prompts, device=device
    )
