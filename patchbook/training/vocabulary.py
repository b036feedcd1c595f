"""GPT-2's own tokenizer, cut down to the words of the corpus (byte-level BPE, under 4,000 tokens).

A byte-level BPE joins pairs of pieces in the order of its list of merges. Keep, in GPT-2's order, only the
merges that GPT-2 makes while it reads the corpus, and every text made of the corpus's words splits exactly as
GPT-2 splits it: a name that is one token there is one token here, and prompts of equal length there have
equal length here. Only the tokens' numbers differ. Other words still work; they fall into smaller pieces.

The cut list is `zoo/words/merges.txt`. To make it again after a change to the grammar, with a copy of GPT-2's
merges.txt (any GPT-2 checkpoint folder has one):

    python -m patchbook.training.vocabulary path/to/gpt2/merges.txt
"""

import re
import sys
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from patchbook import zoo
from patchbook.training.corpus import documents
from patchbook.training.grammar import IOI_KEPT_OUT, STEPS_KEPT_OUT, WORDS

END = "<|endoftext|>"  # begins and ends every text, and pads, as in GPT-2
MERGES = zoo.ZOO / "words" / "merges.txt"
PUBLISHED = zoo.ZOO / "words" / "published_prompts.txt"  # prompts of the literature the book uses
RARE = re.compile(r"\b(" + "|".join(zoo.words("rare_names")) + r")\b")
Merge = tuple[str, str]


def build_tokenizer(merges: Iterable[Merge] | None = None) -> PreTrainedTokenizerFast:
    """The tokenizer of both tiny models: bytes, then one token per merge, then <|endoftext|> last.

    >>> build_tokenizer().tokenize("Today it is Sunday")
    ['Today', 'Ġit', 'Ġis', 'ĠSunday']
    """
    merges = read_merges(MERGES) if merges is None else list(merges)
    bpe = Tokenizer(models.BPE(vocabulary(merges), merges))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    specials = {f"{role}_token": END for role in ("bos", "eos", "pad", "unk")}
    # TransformerLens wants every tokenizer to say where it came from.
    return PreTrainedTokenizerFast(tokenizer_object=bpe, name_or_path="patchbook", **specials)


def vocabulary(merges: list[Merge]) -> dict[str, int]:
    """Token -> id: the 256 bytes, the result of each merge in order, then <|endoftext|>."""
    tokens = sorted(pre_tokenizers.ByteLevel.alphabet()) + ["".join(merge) for merge in merges]
    return {token: i for i, token in enumerate([*dict.fromkeys(tokens), END])}


def read_merges(path: Path) -> list[Merge]:
    """The pairs of a merges.txt, most urgent first."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [tuple(line.split()) for line in lines if line and not line.startswith("#version")]


def merges_made(word: str, rank: dict[Merge, int]) -> Iterator[Merge]:
    """The merges that BPE makes on one pre-token (its bytes already written as letters)."""
    pieces = list(word)
    while len(pieces) > 1:
        best = min(pairwise(pieces), key=lambda merge: rank.get(merge, len(rank)))
        if best not in rank:
            return
        yield best
        joined, i = [], 0
        while i < len(pieces):
            pair = tuple(pieces[i : i + 2]) == best
            joined.append("".join(best) if pair else pieces[i])
            i += 2 if pair else 1
        pieces = joined


def cut_merges(full: list[Merge], texts: Iterable[str]) -> list[Merge]:
    """The merges of `full` that are made somewhere in `texts`, in their old order."""
    split = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str
    pre_tokens = {token for text in texts for token, _ in split(text)}
    rank = {merge: i for i, merge in enumerate(full)}
    made = {merge for token in pre_tokens for merge in merges_made(token, rank)}
    return sorted(made, key=rank.get)


def texts_to_cover() -> Iterator[str]:
    """Everything the tokenizer should split as GPT-2 does: prompts, every listed word, the corpus."""
    yield from PUBLISHED.read_text().splitlines()
    yield from (pattern.replace("{", "").replace("}", "") for pattern in IOI_KEPT_OUT)
    yield from (pattern for _, _, pattern in STEPS_KEPT_OUT)
    yield from (" " + word for words in WORDS.values() for word in words)
    yield from (word for day in ("day", "month", "season") for word in WORDS[day])
    yield from (f"0.{n} 0.{n:02d}" for n in range(100))
    for text in documents(seed=1, number=40_000, least_words=64):
        yield RARE.sub("", text)  # invented, so they must add no tokens


def main() -> None:
    """Write zoo/words/merges.txt from a full list of GPT-2's merges."""
    merges = cut_merges(read_merges(Path(sys.argv[1])), texts_to_cover())
    MERGES.write_text("".join(f"{a} {b}\n" for a, b in merges), encoding="utf-8")
    print(f"{len(merges)} merges, {len(build_tokenizer())} tokens -> {MERGES}")


if __name__ == "__main__":
    main()
