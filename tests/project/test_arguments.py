"""Arguments of a check: fresh for each call, shared with nobody, and every edit of them is seen."""

import copy
import functools
from dataclasses import dataclass, field
from functools import cached_property

import pytest
import torch
from torch import Tensor, nn
from transformer_lens import ActivationCache, FactoredMatrix
from transformer_lens.hook_points import HookPoint
from transformers import PreTrainedTokenizerBase

from patchbook.checking import Case, CheckFailed, checks
from patchbook.checking.arguments import fresh
from patchbook.checking.awkward import awkward_model, random_tokens
from patchbook.checking.parts import Again, has_attributes, parts
from patchbook.checking.snapshot import Snapshot
from patchbook.tests.ioi import test_get_minimality_score as minimality
from tests.project.test_checks import RIGHT, TESTS


@dataclass(frozen=True)
class Dataset:
    toks: Tensor
    words: list = field(default_factory=lambda: ["Mary", "John"])
    seen: set = field(default_factory=lambda: {"Mary"})

    @cached_property
    def mask(self) -> Tensor:
        return torch.ones_like(self.toks)


def everything() -> dict:
    model = awkward_model(0)
    _, cache = model.run_with_cache(random_tokens(0))
    answers = torch.tensor([1, 2])

    def metric(logits):
        return logits[:, -1, answers]

    return {
        "x": torch.randn(3, 5),
        "K": [(1, 2)],
        "circuit": {"senders": [(0, 1), (1, 0)], "movers": []},
        "dataset": Dataset(torch.arange(6.0)),
        "model": model,
        "cache": cache,
        "matrix": FactoredMatrix(torch.ones(3, 2), torch.ones(2, 3)),
        "metric": functools.partial(metric),
        "scale": 0.5,
    }


def edit_within(metric):
    metric.func.__closure__[0].cell_contents.zero_()


def replace_entry(given):
    given["cache"].cache_dict["blocks.0.attn.hook_z"] = torch.zeros(2, 11, 5, 7)


def replace_weight(given):
    given["model"].blocks[0].attn.o.original_component.weight = nn.Parameter(torch.zeros(20, 35))


EDITS = {
    "K (1 item before, 2 items now)": lambda given: given["K"].append((2, 0)),
    "K[0]": lambda given: given["K"].__setitem__(0, (2, 1)),
    "circuit (lost: 'movers')": lambda given: given["circuit"].pop("movers"),
    "circuit (new: 'readers')": lambda given: given["circuit"].update(readers=[]),
    "circuit['senders'] (2 items before, 1 item now)": lambda given: given["circuit"]["senders"].pop(0),
    "circuit['movers']": lambda given: given["circuit"].update(movers=given["circuit"]["senders"]),
    "dataset.toks": lambda given: given["dataset"].toks.zero_(),
    "dataset.mask": lambda given: given["dataset"].mask.zero_(),
    "dataset.words (2 items before, 1 item now)": lambda given: given["dataset"].words.pop(0),
    "dataset.words[0] ('Mary' before, 'Ann' now)": lambda given: given["dataset"].words.__setitem__(0, "Ann"),
    "dataset.seen (lost: 'Mary')": lambda given: given["dataset"].seen.clear(),
    "cache['blocks.0.attn.hook_z']": replace_entry,
    "cache (lost: 'hook_embed')": lambda given: given["cache"].cache_dict.pop("hook_embed"),
    "x (shape (3, 5) before, (5, 3) now)": lambda given: given["x"].t_(),
    "x": lambda given: given["x"].fill_(torch.nan),
    "matrix.A": lambda given: given["matrix"].A.zero_(),
    "a value within metric": lambda given: edit_within(given["metric"]),
    "model's weights (layers.0.attn.o.weight)": replace_weight,
    "model's weights (unembed.bias)": lambda given: given["model"].b_U.zero_(),
    "model.training (False before, True now)": lambda given: given["model"].train(),
    "model.cfg.n_ctx (64 before, 5 now)": lambda given: setattr(given["model"].cfg, "n_ctx", 5),
}  # fmt: skip


@pytest.mark.parametrize("words", EDITS)
def test_an_edit_is_seen_and_named(words):
    given = everything()
    before = Snapshot(given)
    assert before.changed() == []
    EDITS[words](given)
    told = before.changed()
    assert any(line.startswith(words) for line in told), told


def test_reading_is_no_edit():
    given = everything()
    given["x"][0, 0] = torch.nan  # not equal to itself
    before = Snapshot(given)
    given["model"].run_with_cache(random_tokens(0))
    _ = (
        given["dataset"].mask,
        given["cache"]["z", 0],
        given["matrix"].AB,
        given["metric"](torch.ones(1, 2, 3)),
    )
    given["cache"].compute_head_results()  # TransformerLens keeps them in the cache
    assert before.changed() == [] and before.hooks_left() == []


def test_what_may_be_edited_is_not_told():
    given = everything()
    before = Snapshot(given, frozenset({"x"}))
    given["x"].zero_()
    assert before.changed() == []


def test_a_hook_left_on_a_hook_point_or_a_model_is_seen():
    given = {"hook": HookPoint(), "model": awkward_model(0)}
    before = Snapshot(given)
    given["hook"].add_hook(lambda x, hook: x)
    given["model"].add_hook("blocks.1.attn.hook_z", lambda x, hook: x)
    assert before.hooks_left() == ["hook", "blocks.1.attn.hook_z"]


MINIMALITY = [answer for answer in RIGHT if answer.exercise == "get_minimality_score"]
KEPT = {"circuit": {"senders": [(0, 1)]}, "tensors": [torch.zeros(3)], "dataset": Dataset(torch.zeros(3))}
HANDS_OUT_ITS_OWN = Case("what a module keeps", lambda: KEPT)


def test_what_a_case_hands_out_of_its_own_is_copied_whole():
    given = fresh(HANDS_OUT_ITS_OWN)
    given["circuit"]["senders"].clear()
    given["tensors"][0].add_(1)
    given["dataset"].toks.add_(1)
    given["dataset"].words.clear()
    assert Snapshot(fresh(HANDS_OUT_ITS_OWN)).changed() == []
    assert KEPT["circuit"] == {"senders": [(0, 1)]} and KEPT["dataset"].words
    assert KEPT["tensors"][0].sum() == KEPT["dataset"].toks.sum() == 0


def test_what_shares_memory_shares_it_in_the_copy():
    z = torch.zeros(4, 3)
    cache = ActivationCache({"z": z, "again": z, "view": z[1:]}, None)
    given = fresh(Case("aliases", lambda: {"cache": cache}))["cache"]
    given["z"].add_(1)
    assert given["view"].sum() == 9 and given["again"] is given["z"] and z.sum() == 0


@pytest.mark.parametrize("exercise", TESTS)
def test_two_calls_are_given_nothing_in_common(exercise):
    """Models and tokenizers too, which are not copied: each case makes its own."""
    for case in TESTS[exercise].check.cases(0):
        first, second = fresh(case), fresh(case)
        here, there = _changeable(first), _changeable(second)
        common = [here[key] for key in here.keys() & there.keys()]
        assert not common, f"{case.description}: {common}"


_BY_IDENTITY = (list, dict, set, nn.Module, PreTrainedTokenizerBase)


def _changeable(arguments: dict) -> dict:
    """What can be edited in place, by where it is in memory."""
    found = {}
    for name, part in parts(arguments):
        if isinstance(part, Again):
            continue
        if isinstance(part, Tensor) and part.numel():
            found[part.untyped_storage().data_ptr()] = name
        elif isinstance(part, _BY_IDENTITY) or (has_attributes(part) and vars(part)):
            found[id(part)] = name
    return found


def _thins_the_circuit(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, head, K):
    rest = dict(circuit)  # shallow: the lists are those of the argument
    for heads in rest.values():
        heads.clear()
    return 0.0


def test_an_edited_argument_spoils_no_later_check():
    """In one process: a shallow copy that empties the lists, then a constant, then the right function."""
    with pytest.raises(CheckFailed, match="circuit\\['senders'\\]"):
        minimality(_thins_the_circuit)
    with pytest.raises(CheckFailed):
        minimality(lambda *arguments: 0.0)
    for answer in MINIMALITY:
        minimality(answer.implementation)


ROWS = [1.0, 2.0]


def total(rows: list[float]) -> float:
    return sum(rows)


@checks(total)
def test_total(seed):
    """The sum of a list that the module keeps."""
    yield Case("two rows", lambda: {"rows": ROWS})


TOTAL = test_total
del test_total  # pytest would collect it


def test_references_are_computed_before_a_learners_code_runs():
    """Even code that gets at what the cases are made of changes nothing for this check."""

    def reaches_in(rows):
        ROWS.clear()
        return 0.0

    kept = copy.copy(ROWS)
    with pytest.raises(CheckFailed, match="want 3, got 0"):
        TOTAL(reaches_in)
    ROWS[:] = kept
    TOTAL(lambda rows: rows[0] + rows[1])
