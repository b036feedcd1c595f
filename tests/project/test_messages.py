"""What a learner reads: each kind of wrong answer gets words that are true of it, and a step that helps."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from patchbook.checking import Case, CheckFailed, Mistake, checks
from patchbook.checking.contract import describe, describe_type, hint
from patchbook.checking.fitting import fit
from patchbook.checking.patterns import pattern
from patchbook.checking.record import Array, Opaque, Outcome, Record, as_data

# --- a toy exercise of each kind


def centred(x: Float[Tensor, "batch query key"], shift: float = 0.0) -> Float[Tensor, "batch query key"]:
    return x.softmax(-1) + shift


@checks(centred)
def test_centred(seed):
    """A tensor to a tensor."""
    values = torch.randn(3, 5, 5, generator=torch.Generator().manual_seed(seed))
    yield Case("shift not given", lambda: {"x": values})
    yield Case("shift 2", lambda: {"x": values + 1, "shift": 2.0})
    yield Case("shift -1, float64", lambda: {"x": values.double(), "shift": -1.0})


def halves(values: list[float]) -> list[float]:
    if not values:
        raise ValueError("nothing to halve")
    return [value / 2 for value in values]


@checks(halves, [Mistake("last", lambda values: [values[-1] / 2], "only the last one.", "Take all.")])
def test_halves(seed):
    """A list to a list, or a ValueError."""
    yield Case("three values", lambda: {"values": [1.0, 4.0, 3.0]})
    yield Case("one value", lambda: {"values": [2.5]})
    yield Case("no values", lambda: {"values": []}, raises=ValueError)


def parts_of(x: Float[Tensor, "batch"]) -> dict[str, Tensor]:
    return {"sum": x.sum(), "mean": x.mean(), "max": x.max()}


@checks(parts_of)
def test_parts_of(seed):
    """A dictionary of tensors."""
    yield Case("five values", lambda: {"x": torch.tensor([1.0, 2.0, 3.0, 4.0, -5.0])})


def layer(count: int) -> int:
    return count


def answer(value, arguments):
    if value == "?":
        raise NotImplementedError("exercise layer")
    return value


@checks(layer, call=answer, explain=lambda arguments, value: None)
def test_layer(seed):
    """A prediction."""
    yield Case("your answer", lambda: {"count": 2})


TESTS = SimpleNamespace(centred=test_centred, halves=test_halves, parts_of=test_parts_of, layer=test_layer)
del test_centred, test_halves, test_parts_of, test_layer  # pytest would collect them


def said(test, implementation) -> CheckFailed:
    with pytest.raises(CheckFailed) as failure:
        test(implementation)
    return failure.value


# --- answers that nobody foresaw


def edited(edit):
    """The right function, whose result is then edited in place."""

    def wrong(x, shift=0.0):
        result = centred(x, shift)
        edit(result)
        return result

    return wrong


def own_factors(t):
    t *= torch.arange(2, 5)[:, None, None]


def own_offsets(t):
    t += torch.arange(5)[None, :, None]


def spares_the_second(t):
    t += torch.rand(3, 5, 5) * torch.tensor([1.0, 0.0, 1.0])[:, None, None]


def noisy(where):
    """Wrong at random, in the cases that `where(x, shift)` picks."""
    return lambda x, shift=0.0: centred(x, shift) + torch.rand(3, 5, 5) * where(x, shift)


UNFORESEEN = {
    "there is nan where": edited(lambda t: t[0, 1].fill_(torch.nan)),
    "there is inf where": edited(lambda t: t[0, 1].fill_(torch.inf)),
    "every value is 0 ": edited(lambda t: t.zero_()),
    "all values are the same": edited(lambda t: t.fill_(0.25)),
    "right but for some signs": edited(lambda t: t[:, 2].neg_()),
    "in other places": edited(lambda t: t.copy_(t.flatten()[torch.randperm(75)].view(3, 5, 5))),
    "close, but not close enough": edited(lambda t: t.mul_(1 + 0.01 * torch.rand(3, 5, 5))),
    "only the last key is wrong": edited(lambda t: t[:, :, -1].add_(torch.rand(3, 5))),
    "only query 0 is wrong": edited(lambda t: t[:, 0].add_(torch.rand(3, 5))),
    "only batch 1 is right": edited(spares_the_second),
    "only values where key comes after query": edited(lambda t: t.add_(torch.rand(3, 5, 5).triu(1))),
    "only values where key comes before query": edited(lambda t: t.add_(torch.rand(3, 5, 5).tril(-1))),
    "only values where key is query": edited(lambda t: t.add_(torch.eye(5) * torch.rand(5))),
    "each batch is the right one times a factor": edited(own_factors),
    "each query is away from the right one by": edited(own_offsets),
    "it returns `x` as it was": lambda x, shift=0.0: x,
    "(1 of 3 cases is right; wrong where shift is given)": noisy(lambda x, shift: shift != 0),
    "wrong where x is float64 and shift is negative": noisy(lambda x, shift: x.dtype == torch.float64),
}  # fmt: skip


@pytest.mark.parametrize("words", UNFORESEEN)
def test_what_wrong_values_have_in_common_is_told(words):
    failure = said(TESTS.centred, UNFORESEEN[words])
    assert failure.diagnosis == "first-difference"
    assert words in failure.what and failure.next and "out by hand" not in failure.next


def test_where_nothing_is_in_common_the_first_difference_is_to_be_worked_out():
    failure = said(TESTS.centred, edited(lambda t: t.add_(torch.rand(3, 5, 5))))
    assert failure.what == "the values differ from the reference (0 of 3 cases are right)."
    assert "Work the value named above out by hand" in failure.next and "batch 0, query 0" in failure.where


def test_the_wrong_keys_of_a_dictionary_are_named():
    failure = said(TESTS.parts_of, lambda x: parts_of(x) | {"mean": torch.tensor(0.0)})
    assert failure.what.startswith("only 'mean' is wrong ('mean': every value is 0)")
    assert "at key 'mean': want 1, got 0" in failure.where


@pytest.mark.parametrize(
    "got, want, words",
    [
        (["a"], ["a", "b"], "too short"),
        (["a", "b", "c"], ["a", "b"], "goes on too long"),
        (["b", "a"], ["a", "b"], "another order"),
        ("Monday", "monday", "capital letters"),
        (" Monday", "Monday", "spaces"),
        (1.0, -1.0, "signs"),
        (float("nan"), 0.0, "nan"),
    ],
)
def test_lists_texts_and_numbers_have_patterns_too(got, want, words):
    assert words in pattern([(got, want)]).what


@pytest.mark.parametrize("shape", [(), (1,), (4,), (1, 4), (4, 4), (2, 1, 3), (2, 3, 4, 4), (0, 3)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.int64, torch.bool])
def test_no_shape_or_type_of_tensor_breaks_the_search(shape, dtype):
    want = torch.arange(math.prod(shape)).reshape(shape).to(dtype)
    wrong = want.flatten().clone()
    wrong[-1:] = wrong[-1:].logical_not()
    for got in (want + 1, ~want if dtype == torch.bool else -want, wrong.reshape(shape)):
        found = pattern([(got, want), (got, want)])
        assert found is None or (found.what and found.next)


# --- the form of a result

FORMS = {
    "Make one tensor of them, with torch.stack": lambda x, shift=0.0: list(centred(x, shift)),
    "Make a tensor of it, with torch.tensor": lambda x, shift=0.0: centred(x, shift).tolist(),
    "Drop it: .squeeze(1), or index it, [:, 0]": lambda x, shift=0.0: centred(x, shift)[:, None],
    "Drop it: .squeeze(0), or index it, [0]": lambda x, shift=0.0: centred(x, shift)[None],
    "End each path through the function with `return": lambda x, shift=0.0: None,
}


@pytest.mark.parametrize("words", FORMS)
def test_the_form_of_a_tensor_is_mended(words):
    assert words in said(TESTS.centred, FORMS[words]).next


LISTS = {
    "Turn it into a list, with .tolist()": lambda values: torch.tensor(halves(values)),
    "in a list comprehension": lambda values: halves(values) and (value / 2 for value in values),
    "with list(…) or sorted(…)": lambda values: set(halves(values)),
}


@pytest.mark.parametrize("words", LISTS)
def test_the_form_of_a_list_is_mended(words):
    failure = said(TESTS.halves, LISTS[words])
    assert words in failure.next and "wanted a list[float]" in failure.what


def test_types_are_described_in_a_learners_words():
    assert describe_type(Tensor | str) == "a Tensor or a str" and describe_type(str | None) == "a str or None"
    assert describe_type(list[tuple[str, int]]) == "a list[tuple[str, int]]"
    assert describe_type(Float[Tensor, ""]) == "one number"
    assert (
        describe_type(Float[Tensor, "layer head"], {"head": 5}) == "a float tensor with axes (layer, head=5)"
    )
    assert describe(Opaque("builtins.set")) == "a set" and describe([]) == "an empty list"
    assert describe(Opaque("transformer_lens.ActivationCache.ActivationCache")) == "an ActivationCache"
    assert describe([Opaque("some.Thing")]) == "a list of 1 (Thing)"
    assert describe(Array(torch.zeros(2))) == "a float32 numpy array of shape (2,)"
    assert "Print the type" in hint(Opaque("some.Thing"), int)


# --- errors


def raising(kind):
    def wrong(values):
        if not values:
            raise kind("empty")
        return halves(values)

    return wrong


@pytest.mark.parametrize("kind", [KeyError, AssertionError, ZeroDivisionError, IndexError, TypeError])
def test_another_error_than_the_wanted_one_is_named(kind):
    failure = said(TESTS.halves, raising(kind))
    assert failure.diagnosis == "wrong-error" and "no values; your line" in failure.where
    assert failure.what == f"it raised {kind.__name__}; wanted a ValueError."
    assert ("`assert` raises AssertionError" in failure.next) == (kind is AssertionError)


def test_an_error_of_the_wanted_kind_is_as_good():
    class Empty(ValueError):
        """A learner's own."""

    TESTS.halves(raising(Empty))


def test_a_value_in_place_of_an_error_is_described():
    failure = said(TESTS.halves, lambda values: [value / 2 for value in values])
    assert (
        failure.diagnosis == "no-error" and failure.what == "it returned an empty list; wanted a ValueError."
    )


def test_an_error_in_place_of_a_value_is_quoted_with_how_often():
    failure = said(TESTS.halves, lambda values: values[1] / 2)
    assert (
        failure.diagnosis == "raised" and "IndexError" in failure.what and "runs past the end" in failure.next
    )


def test_a_mistake_that_raises_is_recognised_by_its_error():
    def last_only(values):
        return [values.pop() / 2] if values else values[0]

    assert said(TESTS.halves, lambda values: [values[-1] / 2]).diagnosis == "last"
    assert said(TESTS.halves, last_only).diagnosis == "last", "IndexError on the empty list, both"


def test_a_reference_that_does_not_raise_is_the_authors_fault():
    @checks(lambda values: 0.0)
    def test_never(seed):
        yield Case("no values", lambda: {"values": []}, raises=ValueError)

    with pytest.raises(RuntimeError, match="raises no ValueError"):
        test_never(halves)


@pytest.mark.parametrize(
    "wrong, words",
    [
        (lambda x, shift=0.0: 1.0 if x else 0.0, "want one True or False"),
        (lambda x, shift=0.0: x @ torch.ones(3, 3), "Two shapes do not fit"),
        (torch.enable_grad()(lambda x, shift=0.0: torch.nn.Parameter(x).numpy()), "use .detach()"),
        (lambda x, shift=0.0: x.colour, "no such attribute"),
        (lambda x, shift=0.0: (1, 2).__setitem__(0, x), "is a tuple: print it"),
        (lambda x, shift=0.0: {}["q"], "That key is not there"),
        (lambda x, shift=0.0: undefined_name, "run the cells above"),
        (lambda x, wrong, shift=0.0: x, "Compare your function's arguments"),
    ],
)
def test_an_error_gets_a_next_step(wrong, words):
    assert words in said(TESTS.centred, wrong).next


def test_an_unfilled_prediction_is_told_to_fill_it_in():
    with pytest.raises(CheckFailed) as failure:
        TESTS.layer("?", seed=1)  # as a hidden test does
    assert failure.value.diagnosis == "not-written" and "where the question mark is" in failure.value.next


def calls_another(x, shift=0.0):
    raise NotImplementedError("exercise halves")


@pytest.mark.parametrize(
    "test, answer, line",
    [
        (TESTS.layer, "?", "○ layer is not answered yet."),
        (TESTS.centred, calls_another, "○ centred calls halves, which is not written yet."),
    ],
)
def test_what_is_not_written_yet_stops_no_notebook(test, answer, line, capsys):
    assert test(answer) is None
    assert capsys.readouterr().out == line + "\n"
    with pytest.raises(CheckFailed):
        test(answer, seed=1)


def test_an_error_of_the_same_kind_that_no_stub_raised_is_wrong():
    def unfinished(x, shift=0.0):
        raise NotImplementedError("later")

    assert said(TESTS.centred, unfinished).diagnosis == "raised"


def test_an_edited_tensor_is_told_to_clone():
    failure = said(TESTS.centred, lambda x, shift=0.0: x.copy_(centred(x, shift)))
    assert failure.diagnosis == "changed-input" and ".clone()" in failure.next


def test_an_edited_list_is_told_how_to_copy():
    def empties(values):
        result = halves(values)
        values.clear()
        return result

    failure = said(TESTS.halves, empties)
    assert failure.what == "it edits what it was given: values (3 items before, 0 items now) changed."
    assert "list(values)" in failure.next


# --- numbers are numbers


@pytest.mark.parametrize("number", [np.float64(2.5), np.float32(2.5), np.array(2.5), torch.tensor(2.5)])
def test_a_number_of_numpy_or_torch_is_one(number):
    assert fit(as_data(number), float) == 2.5
    assert fit(as_data([number]), list[float]) == fit(as_data((number,)), list[float]) == [2.5]
    assert fit(as_data({"a": (1, number)}), dict[str, tuple[int, float]]) == {"a": (1, 2.5)}
    assert fit(as_data(number), Float[Tensor, "*batch"]) == torch.tensor(2.5)
    assert fit(as_data(number), float | None) == 2.5


@pytest.mark.parametrize(
    "number", [np.int64(2), np.uint8(2), np.array([2]), torch.tensor(2), torch.tensor([2])]
)
def test_a_whole_number_of_numpy_or_torch_is_one(number):
    assert fit(as_data(number), int) == 2 and type(fit(as_data(number), int)) is int
    assert fit(as_data(number), float) == 2


def test_an_array_of_numpy_is_still_one_in_another_process():
    record = Record("e", 0, [Outcome("a case", as_data([np.ones(2)]))])
    (came,) = Record.from_bytes(record.to_bytes()).outcomes[0].value
    assert isinstance(came, Array) and came.values.tolist() == [1.0, 1.0]


def test_truths_texts_and_keys_of_numpy_are_pythons():
    assert as_data({np.int64(3): np.bool_(True), np.str_("a"): np.bool_(False)}) == {3: True, "a": False}


def test_what_would_lose_something_is_left():
    assert fit(2.5, int) == 2.5 and fit(as_data(np.array([1.0, 2.0])), float).values.tolist() == [1.0, 2.0]
    assert fit("ab", list[str]) == "ab" and fit(None, float | None) is None
    assert isinstance(fit(as_data(np.array(["a"])), Tensor), Opaque)
