"""What the tests of prompts share: GPT-2's tokenizer, and what stands where."""

from pathlib import Path

import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import PreTrainedTokenizerFast

from patchbook.prompts.ioi import IOIDataset

GPT2 = Path(__file__).parent / "gpt2"  # its README says whose it is
END = "<|endoftext|>"
MIXED = "ABB->XYZ, BAB->XYZ"


def gpt2_vocabulary() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Each token's number, and the merges: what OpenAI's vocab.json and merges.txt hold."""
    lines = (GPT2 / "merges.txt").read_text(encoding="utf-8").splitlines()[1:]
    merges = [tuple(line.split(" ")) for line in lines]
    readable = [
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), ord("ÿ") + 1),
    ]
    stand_ins = range(256, 512 - len(readable))  # bytes that one cannot read go by another letter
    tokens = [*map(chr, readable), *map(chr, stand_ins), *map("".join, merges), END]
    return {token: number for number, token in enumerate(tokens)}, merges


def gpt2_tokenizer() -> PreTrainedTokenizerFast:
    """GPT-2's own; like the real one it has no padding token."""
    bpe = ByteLevelBPETokenizer(*gpt2_vocabulary())
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe._tokenizer, bos_token=END, eos_token=END, unk_token=END
    )


def word_at(ds: IOIDataset, role: str) -> list[str]:
    """What stands at a role's position, prompt by prompt, as text."""
    rows = torch.arange(ds.N)
    return [ds.tokenizer.decode([token]) for token in ds.toks[rows, ds.word_idx[role]].tolist()]


def spaced(words) -> list[str]:
    return [" " + word for word in words]
