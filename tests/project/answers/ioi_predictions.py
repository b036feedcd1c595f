"""Answers to chapter 2's predictions: lists of head labels.

The right ones are found in the model in use, with other code and other prompts than the check has,
as learners would find them. A function here stands for the list it returns.
"""

import functools

import torch

from patchbook import load_model
from patchbook.prompts.ioi import TEMPLATES, IOIDataset

from . import Bank
from .path_patching import to_heads, to_the_end

BANK = Bank()
right, wrong = BANK.right, BANK.wrong
PREDICTIONS = ("my_name_movers", "my_s_inhibition_heads", "my_duplicate_token_heads")


def label(pair):
    return f"L{pair[0]}H{pair[1]}"


@functools.cache
def prompts(seed=5):
    model = load_model()
    ioi = IOIDataset("mixed", 24, model.tokenizer, seed=seed, templates=TEMPLATES[:8])
    return model, ioi, ioi.gen_flipped_prompts("ABB->XYZ, BAB->XYZ")


def difference(logits, ioi):
    rows = torch.arange(ioi.N)
    final = logits[rows, ioi.word_idx["end"]]
    return (final[rows, ioi.io_tokenIDs] - final[rows, ioi.s_tokenIDs]).mean()


@functools.cache
@torch.no_grad()
def effects(kind, receivers=()):
    """Share of the answer lost on the way to the output, or to the receivers' q or v: (layer, head)."""
    model, ioi, abc = prompts()
    good, bad = difference(model(ioi.toks), ioi), difference(model(abc.toks), ioi)

    def lost(logits):
        return (good - difference(logits, ioi)) / (good - bad)

    if kind == "output":
        return to_the_end(model, lost, abc, ioi)
    everyone = torch.zeros(model.cfg.n_layers, model.cfg.n_heads)
    if receivers and max(receivers)[0] > 0:
        rows = to_heads(list(receivers), kind, model, lost, abc, ioi)
        everyone[: len(rows)] = rows
    return everyone


@functools.cache
@torch.no_grad()
def attention(query, key):
    model, ioi, _ = prompts()
    _, cache = model.run_with_cache(ioi.toks, names_filter=lambda name: name.endswith("pattern"))
    rows, at = torch.arange(ioi.N), ioi.word_idx
    return torch.stack(
        [cache["pattern", i][rows, :, at[query], at[key]].mean(0) for i in range(model.cfg.n_layers)]
    )


def pairs(*conditions):
    return [tuple(pair) for pair in torch.stack(conditions).all(0).nonzero().tolist()]


def movers(least=0.03):
    io, s = attention("end", "IO"), attention("end", "S1") + attention("end", "S2")
    return pairs(effects("output") >= least, io >= 0.2, io >= 1.5 * s)


def inhibitors(least=0.03):
    return pairs(effects("q", tuple(movers())) >= least, attention("end", "S2") >= 0.2)


def duplicates(least=0.03):
    return pairs(effects("v", tuple(inhibitors())) >= least, attention("S2", "S1") >= 0.2)


FOUND = dict(zip(PREDICTIONS, (movers, inhibitors, duplicates), strict=True))


def every_head():
    layers, heads = attention("end", "IO").shape
    return [(layer, head) for layer in range(layers) for head in range(heads)]


def add_right(exercise, find):
    @right(exercise)
    def by_both_signs(*_):
        return [label(pair) for pair in find()]

    @right(exercise)
    def sorted_backwards(*_):
        return sorted((label(pair) for pair in find()), reverse=True)

    @right(exercise)
    def a_little_stricter(*_):
        return [label(pair) for pair in find(0.035)]

    @right(exercise)
    def a_little_more_generous(*_):
        return [label(pair) for pair in find(0.027)]


def add_wrong(exercise, find):
    """Wrong in any model, also where nobody has the role."""

    @wrong(exercise, "all-heads")
    def all_of_them(*_):
        return [label(pair) for pair in every_head()]

    @wrong(exercise, "extra")
    def and_the_last_one_that_looks_nowhere(*_):
        seen = attention("end", "IO") + attention("end", "S2") + attention("S2", "S1")
        blind = min(every_head(), key=lambda pair: seen[pair])
        return [*(label(pair) for pair in find()), label(blind)]

    @wrong(exercise, "not-labels")
    def pairs_of_numbers(*_):
        return every_head()[:2]

    @wrong(exercise, "not-labels")
    def dots_as_in_the_paper(*_):
        return [f"{layer}.{head}" for layer, head in every_head()[:2]]

    @wrong(exercise, "not-a-list")
    def one_string(*_):
        return "L0H1, L1H2"

    @wrong(exercise, "no-such-head")
    def the_papers_heads(*_):
        return ["L99H9", "L99H6"]

    @wrong(exercise, "named-twice")
    def said_it_again(*_):
        return ["L1H0", "L1H0"]

    @wrong(exercise, "not-written")
    def left_as_it_was(*_):
        raise NotImplementedError(f"exercise {exercise}")


for name, finder in FOUND.items():
    add_right(name, finder)
    add_wrong(name, finder)


@wrong("my_name_movers", "empty")
def no_name_movers(*_):
    return []


@wrong("my_name_movers", "other-kind")
def the_heads_that_tell_them(*_):
    return [label(pair) for pair in inhibitors()]


@wrong("my_s_inhibition_heads", "empty")
def no_s_inhibition_heads(*_):
    return []


@wrong("my_s_inhibition_heads", "other-kind")
def the_heads_that_are_told(*_):
    return [label(pair) for pair in movers()]
