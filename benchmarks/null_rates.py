"""How often chance alone passes each line by which the course names heads of the shipped models.

    .venv/bin/python benchmarks/null_rates.py

A head's null: its own effects, prompt by prompt, less their mean, so that it does nothing. Prompts are drawn
from them, and their mean is held against the line, upwards and downwards. Added up over all heads that were
asked, this is how many heads chance names. For a line of attention the null is a place that means nothing:
another number of steps back, another word of the sentence. The table goes to benchmarks/null_rates.md, which
the book shows.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from transformer_lens.utilities import get_act_name

from patchbook import load_model, reference_for
from patchbook.checking import measured, measured_ioi
from patchbook.checking.measured_ioi import LOOKS, LOST, Runs
from patchbook.patching import sweeps
from patchbook.patching.effects import Effect, Head, by_head
from patchbook.prompts.capitals import repeated_word_triples
from patchbook.prompts.days import PATTERNS, DayPrompts, write_prompts_with_leads

TABLE = Path(__file__).with_suffix(".md")
SEED = 1
COLUMNS = ("chapter", "a head is named by", "line", "few", "many", "by chance on few", "by chance on many",
           "and 3 errors", "named on many")  # fmt: skip


class Sweep(NamedTuple):
    """Effects of all heads that one line judges. few: how many prompts a first look has."""

    chapter: int
    what: str
    line: float
    few: int
    effects: dict[Head, Effect]

    def row(self) -> list[str]:
        many = len(next(iter(self.effects.values())).by_prompt)

        def by_chance(k: int, own: bool = False) -> str:
            of_each = (e.by_chance(e.line(self.line) if own else self.line, k) for e in self.effects.values())
            return f"{sum(of_each):.2f} of {len(self.effects)}"

        named = [f"L{i}H{j}" for (i, j), e in self.effects.items() if abs(e.mean) >= e.line(self.line)]
        chances = by_chance(self.few), by_chance(many), by_chance(many, own=True)
        listed = ", ".join(named) or "none"
        return [str(self.chapter), self.what, f"{self.line:.0%}", str(self.few), str(many), *chances, listed]


class Looks(NamedTuple):
    """A line of attention. wrong: mean attention to places that mean nothing, one for each head and place."""

    chapter: int
    what: str
    line: float
    prompts: int
    wrong: Tensor
    right: Tensor

    def row(self) -> list[str]:
        rate = (self.wrong >= self.line).double().mean().item()
        heads = self.right.numel()
        named = ", ".join(f"L{i}H{j}" for i, j in (self.right >= self.line).nonzero().tolist()) or "none"
        chance = f"{rate * heads:.2f} of {heads}"
        return [str(self.chapter), self.what, f"{self.line}", "", str(self.prompts), "", chance, "", named]


def induction() -> Iterator[Looks]:
    """Chapter 1: scores on random tokens said twice; the null is any other number of steps back."""
    for name in ("tiny-attn-only", "tiny-gpt2"):
        back = measured.looking_back(load_model(name, device="cpu"), SEED)
        wrong = back[2 : measured.SEQ_LEN - 1].mean(1)
        kinds = {"previous token": 1, "current token": 0, "induction": measured.SEQ_LEN - 1}
        for kind, steps in kinds.items():
            yield Looks(1, f"{kind} ({name})", 0.4, back.shape[1], wrong, back[steps].mean(0))


def ioi() -> Iterator[Sweep | Looks]:
    """Chapter 2: patching, paths, and where heads look."""
    found = measured_ioi.runs("tiny-gpt2", SEED)
    yield from swapped(found)
    roles = measured_ioi.roles("tiny-gpt2", SEED)
    movers, inhibitors, _ = (
        [tuple(pair) for pair in (role.values >= 0).nonzero().tolist()] for role in roles.values()
    )
    back = found.attention("S2", "S1+1")
    inductors = [head for head in found.losing(inhibitors, "v") if back[head] >= LOOKS]
    for what, receivers, name in (
        ("path to the output", None, ""),
        ("path to the name movers' queries", movers, "q"),
        ("path to their keys", movers, "k"),
        ("path to their values", movers, "v"),
        ("path to the S-inhibition head's values", inhibitors, "v"),
        ("path to the induction heads' keys", inductors, "k"),
        ("path to their queries", inductors, "q"),
    ):
        yield Sweep(2, what, LOST, 16, found.losses(receivers, name))
    for query, keys in (("end", ("IO", "S2")), ("S2", ("S1", "S1+1"))):
        for key in keys:
            yield Looks(
                2,
                f"looks from {query} to {key}",
                LOOKS,
                found.ioi.N,
                elsewhere(found, query),
                found.attention(query, key),
            )


def swapped(found: Runs) -> Iterator[Sweep]:
    """Section 4's sweeps over heads: clean activations where the other person gives."""
    model, ioi = found.model, found.ioi
    other = ioi.gen_flipped_prompts("ABB->ABA, BAB->BAA")
    _, cache = model.run_with_cache(ioi.toks)
    low = found.by_prompt(model(other.toks))
    way = found.clean_logit_diff - low.mean().item()
    sweep = sweeps.get_act_patch_attn_head_all_pos_every(
        model, other.toks, cache, lambda logits: (found.by_prompt(logits) - low) / way, reduce="none"
    )
    for what, values in zip(("output", "query", "key", "value", "pattern"), sweep.values, strict=True):
        yield Sweep(2, f"patched {what}, third name flipped", LOST, 8, by_head(values))


def elsewhere(found: Runs, query: str) -> Tensor:
    """Mean attention to places drawn at random, without BOS, the query and the roles: [draw layer head]."""
    at, rows = found.ioi.word_idx, torch.arange(found.ioi.N)
    generator = torch.Generator().manual_seed(SEED)
    means = []
    for _ in range(40):
        place = (torch.rand(found.ioi.N, generator=generator) * (at[query] - 1).cpu()).long() + 1
        role = torch.stack([place == at[key].cpu() for key in ("IO", "S1", "S1+1", "S2")]).any(0)
        kept, layers = rows[~role], range(found.model.cfg.n_layers)
        looks = [found.clean["pattern", i][kept, :, at[query][kept], place[kept]].mean(0) for i in layers]
        means.append(torch.stack(looks))
    return torch.stack(means)


def capitals() -> Sweep:
    """Chapter 3: one head's output from the prompt with a capital, 150 frames with two words each."""
    model = load_model("tiny-gpt2", device="cpu")
    triples = repeated_word_triples()
    pairs = [reference_for("repeated_word_prompts")(*triple) for triple in triples]
    asked = torch.tensor(
        [[model.to_single_token(" " + w), model.to_single_token(" " + w.lower())] for _, w, _ in triples]
    )
    rows = torch.arange(len(asked))

    def difference(logits: Tensor) -> Tensor:
        return logits[rows, -1, asked[:, 0]] - logits[rows, -1, asked[:, 1]]

    groups = []
    for kind in ("repeated", "control"):
        with_capital, small = (model.to_tokens([pair[kind][i] for pair in pairs]) for i in (0, 1))
        groups.append(patched(model, with_capital, small, difference))
    both = {head: Effect(torch.cat([group[head].by_prompt for group in groups])) for head in groups[0]}
    return Sweep(3, "patched output, first word in small letters", 0.1, 7, both)


def days() -> Sweep:
    """Chapter 4: one head's output from the clean prompt, 45 sentences before each of seven days."""
    model = load_model("tiny-gpt2", device="cpu")
    clean = DayPrompts(write_prompts_with_leads(PATTERNS["tomorrow"]), model.tokenizer)
    other = clean.corrupted("the day after the answer")
    rows = torch.arange(len(clean))

    def lead(logits: Tensor) -> Tensor:
        last = logits[rows, clean.word_idx["end"]]
        return last[rows, clean.answer_tokens] - last[rows, clean.wrong_tokens]

    return Sweep(
        4, "patched output, the day after the answer", 0.05, 7, patched(model, clean.toks, other.toks, lead)
    )


def patched(model, clean: Tensor, corrupted: Tensor, score) -> dict[Head, Effect]:
    """The share of the way that each head's clean output brings back, prompt by prompt."""
    wanted = {get_act_name("z", layer) for layer in range(model.cfg.n_layers)}
    logits, cache = model.run_with_cache(clean, names_filter=lambda name: name in wanted)
    low = score(model(corrupted))
    way = (score(logits) - low).mean()
    sweep = sweeps.get_act_patch_attn_head_out_all_pos(
        model, corrupted, cache, lambda patched: (score(patched) - low) / way, reduce="none"
    )
    return by_head(sweep.values)


@torch.no_grad()
def main() -> None:
    """Measure all lines, print the table, and write it where the book finds it."""
    torch.set_num_threads(1)
    rows = [measure.row() for measure in (*induction(), *ioi(), capitals(), days())]
    lines = ["| " + " | ".join(row) + " |" for row in (COLUMNS, ["---"] * len(COLUMNS), *rows)]
    TABLE.write_text("\n".join(lines) + "\n")
    print(TABLE.read_text(), end="")


if __name__ == "__main__":
    main()
