"""What the tests of prompts share: GPT-2's tokenizer, and what stands where."""

from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from patchbook.prompts.ioi import IOIDataset

GPT2 = Path(__file__).parents[3] / "shared" / "gpt2-tokenizer"
MIXED = "ABB->XYZ, BAB->XYZ"


def gpt2_tokenizer() -> PreTrainedTokenizerFast:
    """GPT-2's own; like the real one it has no padding token."""
    if not GPT2.exists():
        pytest.skip("GPT-2's vocabulary is not beside this checkout")
    from tokenizers import ByteLevelBPETokenizer

    bpe = ByteLevelBPETokenizer(str(GPT2 / "vocab.json"), str(GPT2 / "merges.txt"))
    end = "<|endoftext|>"
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe._tokenizer, bos_token=end, eos_token=end, unk_token=end
    )


def word_at(ds: IOIDataset, role: str) -> list[str]:
    """What stands at a role's position, prompt by prompt, as text."""
    rows = torch.arange(ds.N)
    return [ds.tokenizer.decode([token]) for token in ds.toks[rows, ds.word_idx[role]].tolist()]


def spaced(words) -> list[str]:
    return [" " + word for word in words]
