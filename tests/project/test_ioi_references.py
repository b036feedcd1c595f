"""The specifications of chapter 2 against transformer_lens.patching and against the prompt sets' rules."""

import pytest
import torch
from transformer_lens import patching

from patchbook.checking.awkward import awkward_model
from patchbook.models import load_model
from patchbook.prompts import rules
from patchbook.tests import ioi
from patchbook.tests.specifications import ioi as specifications

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
        "logit difference": ioi.logit_difference(answers),
        "share of the way": ioi.share_of_the_way(answers, model(corrupted), model(clean)),
        "log-probability": ioi.log_probability(answers),
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
    for metric, noising, batch in zip(METRICS, (True, False, False), (1, 4, 2), strict=True):
        compare(model, sweep, metric, batch, length=5, noising=noising)


def test_flip_names_agrees_with_the_prompt_sets_own_rules():
    fresh = ["Tom", "Kate", "Paul"]
    for names in (("Mary", "John", "John"), ("John", "Mary", "John")):
        for rule in ("ABB->XYZ, BAB->XYZ", "ABB->BAA, BAB->ABA", "ABB->XAX, BAB->ZAY", "BAB->AXX"):
            after = rules.parse_rule(rule).get(rules.reading(names), rules.reading(names))
            assert specifications.flip_names(names, rule, fresh) == rules.renamed(names, after, fresh)
