"""The specifications of chapter 2 against transformer_lens.patching and against the prompt sets' rules.

`pytest -s -n 0 tests/project/test_ioi_references.py` prints how far apart they are.
"""

from collections import Counter
from importlib import import_module
from types import SimpleNamespace

import pytest
import torch
from transformer_lens import patching

from patchbook import zoo
from patchbook.checking import measured_ioi
from patchbook.checking.awkward import awkward_model
from patchbook.models import load_model
from patchbook.prompts import rules
from patchbook.tests import ioi
from patchbook.tests.ioi.logit_differences import logit_difference
from patchbook.tests.ioi.patching import log_probability, share_of_the_way
from patchbook.tests.specifications import flipped_names, path_patching
from patchbook.tests.specifications import patching as specifications

SWEEPS = (
    "get_act_patch_resid_pre",
    "get_act_patch_block_every",
    "get_act_patch_attn_head_out_all_pos",
    "get_act_patch_attn_head_all_pos_every",
)
METRICS = ("logit difference", "share of the way", "log-probability")
MOST = 1e-5
AWKWARD = {
    "3 layers, 5 heads": {},
    "4 layers, 2 heads": {"n_layers": 4, "n_heads": 2},
    "gelu_new": {"n_layers": 2, "n_heads": 3, "act_fn": "gelu_new"},
}
DIFFERENCES: dict[str, float] = {}


@pytest.fixture(autouse=True)
def without_autograd():
    with torch.no_grad():
        yield


@pytest.fixture(scope="module", autouse=True)
def report():
    """`pytest -s` shows how far apart the two are."""
    yield
    for sweep, difference in DIFFERENCES.items():
        print(f"\n{sweep}: at most {difference:.1e} from transformer_lens.patching", end="")


def tokens(model, seed: int, batch: int, length: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(model.cfg.d_vocab, (batch, length), generator=generator)


def compare(model, sweep: str, metric_name: str, batch: int, length: int, noising: bool) -> None:
    """One sweep, both ways, on random prompts. transformer_lens writes its progress to stderr."""
    clean, corrupted = tokens(model, 1, batch, length), tokens(model, 2, batch, length)
    prompts, others = (clean, corrupted) if noising else (corrupted, clean)
    _, cache = model.run_with_cache(others)
    answers = torch.stack([tokens(model, 3, batch, 1), tokens(model, 4, batch, 1)], dim=1)[..., 0]
    metrics = {
        "logit difference": logit_difference(answers),
        "share of the way": share_of_the_way(answers, model(corrupted), model(clean)),
        "log-probability": log_probability(answers),
    }
    given = (model, prompts, cache, metrics[metric_name])
    ours, theirs = getattr(specifications, sweep)(*given), getattr(patching, sweep)(*given)
    assert ours.shape == theirs.shape
    # where corrupted and clean lie close together the share of the way is large, and so is its rounding
    difference = (ours - theirs).abs().max().item() / max(1.0, theirs.abs().max().item())
    DIFFERENCES[sweep] = max(difference, DIFFERENCES.get(sweep, 0.0))
    assert difference < MOST


@pytest.mark.parametrize("sizes", AWKWARD)
@pytest.mark.parametrize("sweep", SWEEPS)
def test_sweeps_agree_with_transformer_lens_on_awkward_models(sweep, sizes):
    model = awkward_model(7, **AWKWARD[sizes])
    for metric, noising, batch in zip(METRICS, (False, True, True), (2, 3, 1), strict=True):
        compare(model, sweep, metric, batch, length=4, noising=noising)


@pytest.mark.parametrize("sweep", SWEEPS)
def test_sweeps_agree_with_transformer_lens_on_tiny_gpt2(sweep):
    model = load_model("tiny-gpt2")
    compare(model, sweep, "share of the way", batch=3, length=4, noising=False)


def test_flip_names_agrees_with_the_prompt_sets_own_rules():
    fresh = ["Tom", "Kate", "Paul"]
    for names in (("Mary", "John", "John"), ("John", "Mary", "John")):
        for rule in ("ABB->XYZ, BAB->XYZ", "ABB->BAA, BAB->ABA", "ABB->XAX, BAB->ZAY", "BAB->AXX"):
            after = rules.parse_rule(rule).get(rules.reading(names), rules.reading(names))
            assert flipped_names.flip_names(names, rule, fresh) == rules.renamed(names, after, fresh)


# --- path patching


@pytest.fixture(scope="module")
def tiny_gpt2_without_mlps(tmp_path_factory) -> str:
    """tiny-gpt2, with MLPs that write nothing: the only paths between heads are the direct ones."""
    from transformers import AutoTokenizer, GPT2LMHeadModel

    folder = tmp_path_factory.mktemp("no-mlps")
    model = GPT2LMHeadModel.from_pretrained(zoo.ZOO / "tiny-gpt2")
    for block in model.transformer.h:
        for parameter in block.mlp.c_proj.parameters():
            parameter.data.zero_()
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(zoo.ZOO / "tiny-gpt2").save_pretrained(folder)
    return str(folder)


def one_path(model, name: str) -> tuple[float, float]:
    """The path from L0H3 to one input of L2H1, as the chapter defines it and as transformer_lens does."""
    new, orig = tokens(model, 1, 2, 6), tokens(model, 2, 2, 6)
    answers = torch.stack([tokens(model, 3, 2, 1), tokens(model, 4, 2, 1)], dim=1)[..., 0]
    metric = logit_difference(answers)
    sets = (SimpleNamespace(toks=new), SimpleNamespace(toks=orig))
    ours = path_patching.get_path_patch_head_to_heads([(2, 1)], name, model, metric, *sets)[0, 3]
    (_, new_cache), (_, orig_cache) = model.run_with_cache(new), model.run_with_cache(orig)
    theirs = patching.get_act_patch_direct_path(
        model, orig, new_cache, orig_cache, metric, 0, 3, component=name, verbose=False
    )[2, 1]
    unpatched = metric(model(orig))
    return (ours - unpatched).item(), (theirs - unpatched).item()


@pytest.mark.parametrize("name", ["q", "k", "v"])
def test_paths_agree_with_transformer_lens_where_no_mlp_lies_between(name, tiny_gpt2_without_mlps):
    ours, theirs = one_path(load_model(tiny_gpt2_without_mlps), name)
    DIFFERENCES[f"get_act_patch_direct_path ({name}, no MLPs)"] = abs(ours - theirs)
    assert abs(theirs) > 5 * MOST, "nothing goes along this path: it proves nothing"
    assert ours == pytest.approx(theirs, abs=MOST)


def test_with_mlps_the_definitions_differ_by_what_mlps_pass_on():
    """The chapter counts paths through MLPs, as Wang et al. do; transformer_lens only the direct one."""
    paths = [one_path(load_model("tiny-gpt2"), name) for name in "qkv"]
    assert max(abs(ours - theirs) for ours, theirs in paths) > 10 * MOST


def test_the_predictions_measure_paths_as_the_specification_does():
    found = measured_ioi.runs("tiny-gpt2", 3, prompts=16)
    given = (found.model, found.lost, found.abc, found.ioi)
    receivers, senders = [(2, 1), (3, 0)], [(1, 2), (2, 4)]
    to_output = path_patching.get_path_patch_head_to_final_resid_post(*given)
    to_values = path_patching.get_path_patch_head_to_heads(receivers, "v", *given)
    for ours, theirs in (
        (found.losses(senders=senders), to_output),
        (found.losses(receivers, "v", senders), to_values),
    ):
        assert [*ours] == senders
        assert all(ours[head].mean == pytest.approx(theirs[head].item(), abs=MOST) for head in senders)
    assert found.losses([], "v") == found.losses(receivers, "v", []) == {}


def test_an_effect_is_named_by_its_line_and_its_own_standard_error():
    sure, unsure = torch.full((100,), 0.04), torch.tensor([0.5, -0.42]).repeat(50)  # both 4 %
    sure = measured_ioi.Effect(sure + torch.tensor([0.01, -0.01]).repeat(50))
    unsure = measured_ioi.Effect(unsure)
    assert (sure.line, sure.named) == (0.03, True) and unsure.line == pytest.approx(3 * unsure.error)
    assert not unsure.named and unsure.error == pytest.approx(0.46 / 99**0.5)
    assert sure.by_chance() == 0.0 and 0.0 < unsure.by_chance() < 0.02
    assert unsure.by_chance(k=16, line=0.03) > 0.5 > unsure.by_chance(k=16, line=0.3)


def test_tiny_gpt2_has_the_roles_that_the_course_teaches_on_any_prompts():
    """No head may be sure to have a role on one set of prompts and sure not to have it on another."""
    for kind in ("name mover", "S-inhibition head", "duplicate-token head"):
        measured = [measured_ioi.roles("tiny-gpt2", seed)[kind] for seed in (0, 3)]
        for one, other in (measured, measured[::-1]):
            assert set(one.labels(one.high)) <= set(other.labels(other.low)), kind
        assert kind == "duplicate-token head" or all(m.labels(m.high) for m in measured), kind


def test_every_exercise_of_the_chapter_has_six_wrong_answers_and_three_right_ones():
    tests = {name.removeprefix("test_"): test for name, test in vars(ioi).items() if name.startswith("test_")}
    groups = {test.__module__.rpartition(".")[2] for test in tests.values()}
    banks = [import_module(f"tests.project.answers.{group}").BANK for group in groups]
    count = Counter((a.exercise, bool(a.diagnosis)) for bank in banks for a in bank)
    for name in tests:
        assert count[name, True] >= 6 and count[name, False] >= 3, name
