"""The check engine itself: what it sees, what it calls equal, what it says."""

import contextlib
import cProfile
import functools
import subprocess
import sys
import threading
import types

import pytest
import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens import FactoredMatrix, patching

from patchbook.checking import Case, CheckFailed, Mistake, Record, checks, judge, observe
from patchbook.checking.awkward import awkward_attn_only, awkward_model, random_tokens
from patchbook.checking.comparing import agree, first_difference
from patchbook.checking.messages import number
from patchbook.checking.ready_made import ReadyMade, refused
from patchbook.checking.record import Opaque, Outcome, as_data


def double(x: Float[Tensor, "layer head"], model: object = None) -> Float[Tensor, "layer head"]:
    return 2 * x


@checks(double, [Mistake("tripled", lambda x, model: 3 * x, "it is tripled.", "Double it.")])
def test_double(seed):
    """Twice a tensor."""
    values = torch.randn(3, 5, generator=torch.Generator().manual_seed(seed))
    yield Case("3 layers, 5 heads", lambda: {"x": values.clone(), "model": awkward_model(seed)})
    yield Case("no gradients", lambda: {"x": values + 1, "model": None})


CHECK = test_double
del test_double  # pytest would collect it


def fail(implementation) -> CheckFailed:
    with pytest.raises(CheckFailed) as failure:
        CHECK(implementation)
    return failure.value


@pytest.mark.parametrize(
    "wrong, diagnosis",
    [
        (lambda x, m: 3 * x, "tripled"),
        (lambda x, m: (2 * x).T, "transposed"),
        (lambda x, m: -2 * x, "wrong-sign"),
        (lambda x, m: (2 * x).roll(1, 1), "off-by-one"),
        (lambda x, m: (2 * x).flip(0), "reversed"),
        (lambda x, m: 2 * x[None], "extra-axis"),
        (lambda x, m: 2 * x + 0.5, "wrong-offset"),
        (lambda x, m: 0.3 * x, "wrong-scale"),
        (lambda x, m: 2 * x + x**2, "first-difference"),
        (lambda x, m: 2 * x[0], "contract"),
        (lambda x, m: (2 * x).tolist(), "contract"),
        (lambda x, m: x.round().long(), "contract"),
        (lambda x, m: x.mul_(2), "changed-input"),
        (lambda x, m: undefined_name, "raised"),
        (lambda x, m: sys.exit(), "raised"),
    ],
)
def test_a_result_is_diagnosed(wrong, diagnosis):
    assert fail(wrong).diagnosis == diagnosis


def test_the_place_is_named_in_the_words_of_the_axes():
    def wrong(x, model):
        result = 2 * x
        result[1, 4] = 100.0
        return result

    message = str(fail(wrong))
    assert "layer 1, head 4" in message and "got 100" in message


def test_the_learners_own_line_is_quoted():
    def wrong(x, model):
        return x @ x

    assert "return x @ x" in str(fail(wrong))


def leave_a_hook(x, model):
    if model is not None:
        model.add_hook("blocks.1.attn.hook_z", lambda z, hook: z)
    return 2 * x


def edit_a_weight(x, model):
    if model is not None:
        model.blocks[0].attn.o.original_component.weight.data += 1
    return 2 * x


def switch_to_training(x, model):
    if model is not None:
        model.train()
    return 2 * x


@pytest.mark.parametrize(
    "wrong, diagnosis, words",
    [
        (leave_a_hook, "hooks-left", "blocks.1.attn.hook_z"),
        (edit_a_weight, "changed-input", "weights"),
        (switch_to_training, "changed-input", "training"),
    ],
)
def test_side_effects_on_the_model_are_seen(wrong, diagnosis, words):
    failure = fail(wrong)
    assert failure.diagnosis == diagnosis and words in str(failure)


IMPORTED_EARLIER = patching.get_act_patch_resid_pre


@pytest.mark.parametrize("swallow", [False, True])
def test_ready_made_answers_are_refused_by_name(swallow):
    def cheat(x, model):
        try:
            IMPORTED_EARLIER(model, None, None, None)
        except Exception:
            if not swallow:
                raise
        return 2 * x

    failure = fail(cheat)
    assert failure.diagnosis == "ready-made" and "transformer_lens.patching" in str(failure)


def test_a_reference_is_refused_as_an_answer():
    import patchbook

    def cheat(x, model):
        return patchbook.reference_for("attention_from_q_and_k")(x, x)

    assert fail(cheat).diagnosis == "ready-made"


def test_a_thread_is_no_way_around():
    def cheat(x, model):
        thread = threading.Thread(target=swallowing, args=(IMPORTED_EARLIER, model, None, None, None))
        thread.start()
        thread.join()
        return 2 * x

    def swallowing(function, *arguments):
        with contextlib.suppress(Exception):
            function(*arguments)

    assert fail(cheat).diagnosis == "ready-made"


def test_a_module_of_ready_made_answers_imported_meanwhile_is_refused(monkeypatch):
    name = "patchbook.tests.specifications.padding_of_a_day"
    monkeypatch.setitem(sys.modules, name, None)  # whatever becomes of it, it is gone afterwards
    del sys.modules[name]

    def cheat(x, model):
        sys.modules[name] = types.ModuleType(name)  # as an import of one that was not loaded does
        return 2 * x

    failure = fail(cheat)
    assert failure.diagnosis == "ready-made" and name in str(failure)


def test_functions_of_every_kind_are_refused_and_then_are_what_they_were():
    cell = 3

    class Methods:
        def plain(self):
            return cell

        @classmethod
        def of_the_class(cls):
            return cell

        @property
        def attribute(self):
            return __class__, cell

    @functools.lru_cache
    def kept():
        yield cell

    module = types.ModuleType("ready_made_of_every_kind")
    functions = [Methods.plain, Methods.of_the_class.__func__, Methods.attribute.fget, kept.__wrapped__]
    for value in (Methods, kept):
        value.__module__ = module.__name__
        setattr(module, value.__name__, value)
    module.functools_partial = functools.partial(print)  # another's: it stays
    calls = [lambda: Methods().plain(), Methods.of_the_class, lambda: Methods().attribute, kept]
    before = [function.__code__ for function in functions]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, module.__name__, module)
        for call in calls:
            used = []
            with refused([module.__name__], used), pytest.raises(ReadyMade):
                call()
            assert len(used) == 1
    assert [function.__code__ for function in functions] == before
    assert Methods().plain() == 3 and Methods().attribute == (Methods, 3) and list(kept()) == [3]


def test_a_profiler_goes_on_beside_a_check():
    with cProfile.Profile() as profiler:
        CHECK(double)
    assert any(entry.code is double.__code__ for entry in profiler.getstats())


def test_partials_and_wrapped_functions_are_run():
    CHECK(functools.partial(lambda x, model, factor: factor * x, factor=2))
    CHECK(functools.wraps(double)(lambda *arguments: double(*arguments)))


@pytest.mark.parametrize(
    "value",
    [
        None, True, 3, "L0H1", float("nan"), 2.5, [1, "a"], (1, 2), {"a": 1, 3: [None]}, torch.arange(3),
        torch.ones(2, 3).T, torch.tensor(True), torch.zeros(0, 4),
        FactoredMatrix(torch.ones(3, 2), torch.ones(2, 3)),
    ],
)  # fmt: skip
def test_values_survive_the_way_to_another_process(value):
    record = Record("f", 3, [Outcome("a case", value)])
    there = Record.from_bytes(record.to_bytes())
    assert (there.exercise, there.seed, there.outcomes[0].case) == ("f", 3, "a case")
    assert agree(there.outcomes[0].value, value)


def test_objects_that_are_not_data_travel_by_name_only():
    assert as_data(object()) == Opaque("builtins.object")


@pytest.mark.parametrize("data", [b"", b"\x80\x04N.", b"\xff" * 40, Record("f", 0, []).to_bytes()[:-3]])
def test_bytes_that_are_not_a_record_are_refused(data):
    with pytest.raises(ValueError, match="not a record"):
        Record.from_bytes(data)


@pytest.mark.parametrize("change", [{"exercise": "other"}, {"outcomes": []}])
def test_a_record_of_something_else_is_refused(change):
    record = observe(CHECK.check, double)
    for name, value in change.items():
        setattr(record, name, value)
    with pytest.raises(ValueError, match="not one of"):
        judge(CHECK.check, record)


@pytest.mark.parametrize(
    "got, want, equal",
    [
        (["L1H0", "L0H2"], ["L0H2", "L1H0"], True),
        (["L0H2", "L0H2"], ["L0H2"], False),
        (torch.tensor([1.0]), torch.tensor([1.0], dtype=torch.float64), True),
        (torch.tensor([1.0]), torch.tensor([[1.0]]), False),
        (torch.tensor([float("nan")]), torch.tensor([0.0]), False),
        (1e6 + 1.0, 1e6, True),
        (0.01, 0.011, False),
        ({0: 1}, {0: 1, 2: 1}, False),
        (Opaque("x"), torch.ones(1), False),
    ],
)
def test_what_counts_as_equal(got, want, equal):
    assert agree(got, want) is equal


def test_missing_and_extra_labels_are_told_apart():
    assert first_difference(["L0H1", "L2H2"], ["L0H1", "L1H0"]) == "missing: L1H0; too many: L2H2"


@pytest.mark.parametrize("make", [awkward_model, awkward_attn_only])
def test_awkward_models_have_no_two_dimensions_alike(make):
    cfg = make(0).cfg
    sizes = [cfg.n_layers, cfg.n_heads, cfg.d_head, cfg.d_model, cfg.d_vocab, *random_tokens(0).shape]
    assert len(set(sizes)) >= len(sizes) - 1  # two layers and two prompts, in the attention-only one
    assert torch.equal(make(4).W_O, make(4).W_O) and not torch.equal(make(4).W_O, make(5).W_O)


def test_the_package_starts_without_torch():
    code = "import sys, patchbook; assert 'torch' not in sys.modules, 'torch was imported'"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_numbers_within_a_tuple_are_short_too():
    assert number((0, 18.494224548339844, None)) == "(0, 18.49, None)"
    assert number([0.1] * 99).endswith("[...]]") and len(number([0.1] * 99)) < 70
