"""IOI prompts with one more sentence in the middle: does a name that is said once more confuse the model?

    ds = IOIDataset("mixed", N=100, tokenizer=model.tokenizer, templates=TWO_SENTENCES)
    adversarial = DistractedPrompts(ds, [prompt.IO for prompt in ds])
    control = DistractedPrompts(ds, [prompt.S for prompt in ds])

Source of the idea: Wang et al. 2022, arXiv 2211.00593, section 4.4.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from jaxtyping import Int
from torch import Tensor

from patchbook.prompts.ioi import TEMPLATES, IOIDataset
from patchbook.prompts.ioi_sentences import IOIPrompt
from patchbook.prompts.tokens import TokenisedPrompts

TWO_SENTENCES = TEMPLATES[3:7]  # the giver opens the second
SENTENCE = "{name} had a lot of fun."  # both models know it: about somebody new it does little harm


@dataclass(frozen=True, eq=False, repr=False)
class DistractedPrompts(TokenisedPrompts):
    """The prompts of `original`, each with a sentence about one of `names` before its last sentence.

    >>> DistractedPrompts(ds, ["Mary"]).sentences
    ['Then, Mary and John went to the park. Mary had a lot of fun. John gave a ball to']

    Right and wrong answers are those of `original`. Raises ValueError unless there is a name for each prompt,
    and two sentences in each.
    """

    original: IOIDataset
    names: Sequence[str]

    def __post_init__(self):
        if len(self.names) != len(self.original):
            raise ValueError(
                f"wanted a name for each of {len(self.original)} prompts, got {len(self.names)}."
            )
        short = next((prompt.text for prompt in self.original if ". " not in prompt.text), None)
        if short:
            raise ValueError(
                f"wanted prompts of two sentences, such as TWO_SENTENCES make, but got {short!r}."
            )

    def __getattr__(self, name: str):
        """N, tokenizer, prepend_bos, device, and the answers: those of `original`."""
        if name in ("N", "tokenizer", "prepend_bos", "device", "io_tokenIDs", "s_tokenIDs", "answer_tokens"):
            return getattr(self.original, name)
        raise AttributeError(name)

    def __iter__(self) -> Iterator[IOIPrompt]:
        for prompt, name in zip(self.original, self.names, strict=True):
            before, last = prompt.text.rsplit(". ", 1)
            yield replace(prompt, text=f"{before}. {SENTENCE.format(name=name)} {last}")

    def __len__(self) -> int:
        return len(self.original)

    @cached_property
    def word_idx(self) -> dict[str, Int[Tensor, "batch"]]:
        """As in IOIDataset, and "distractor": the name of the new sentence, where S2 stood before."""
        more = torch.tensor(self.lengths) - torch.tensor(self.original.lengths)
        more, before = more.to(self.device), self.original.word_idx
        moved = {role: before[role] + more for role in ("S2", "end")}
        return before | {"distractor": before["S2"]} | moved
