"""The known wrong ways of chapter 2: mean ablation of all but a circuit, or of a few heads; minimality."""

import functools

import torch
from transformer_lens.utilities import get_act_name

from patchbook.checking import Mistake
from patchbook.tests.specifications import ioi_circuit as specifications
from patchbook.tests.specifications.forward_pass import forward
from patchbook.tests.specifications.path_metrics import logits_to_ave_logit_diff_2


def _ablated(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=True, **wrong):
    """add_mean_ablation_hook with one thing wrong."""
    means = {}

    def collect(name, layer, z):
        if name == "z":
            means[layer] = _means(z, means_dataset, wrong)
        return z

    forward(model, means_dataset.toks, collect)
    keep = _kept(model, means_dataset, circuit, seq_pos_to_keep, wrong)

    def ablate(name, layer, z):
        if name != "z":
            return z
        layer = model.cfg.n_layers - 1 if wrong.get("last_layers") else layer
        return torch.where(keep[layer][..., None], z, means[layer])

    return specifications.until_reset(model, ablate, wrong.get("permanent", is_permanent))


def _with_old_hooks(reset, **options):
    """The right ablation, on a model that still has other hooks: reset them after the means, or never."""

    def wrong(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=True):
        _, cache = model.run_with_cache(means_dataset.toks)
        if reset:
            model.reset_hooks(including_permanent=True)
        keep = _kept(model, means_dataset, circuit, seq_pos_to_keep, options)
        for layer in range(model.cfg.n_layers):
            means = _means(cache["z", layer], means_dataset, {})
            hook = functools.partial(_choose, keep=keep[layer], means=means)
            model.add_hook(get_act_name("z", layer), hook, is_permanent=is_permanent)
        return model

    return wrong


def _choose(z, hook, keep, means):
    return torch.where(keep[..., None], z, means)


def _means(z, dataset, wrong):
    if wrong.get("zero"):
        return torch.zeros_like(z)
    if wrong.get("not_averaged"):
        return z.clone()
    if wrong.get("all_prompts"):
        return z.mean(0, keepdim=True).expand_as(z)
    means = z.clone()
    for group in dataset.groups:
        mean = z[group].mean(0)
        means[group] = mean.mean(0) if wrong.get("positions") else mean
    return means


def _kept(model, dataset, circuit, seq_pos_to_keep, wrong):
    """Which head's z is left alone, where: for each layer a bool [batch pos head]."""
    shape = (model.cfg.n_layers, *dataset.toks.shape, model.cfg.n_heads)
    keep = torch.zeros(shape, dtype=torch.bool)
    rows = torch.arange(len(dataset.toks))
    last_role = {head: role for role, heads in circuit.items() for head in heads}
    for role, heads in circuit.items():
        heads = [h for h in heads if last_role[h] == role] if wrong.get("one_role") else heads
        positions = dataset.word_idx["end" if wrong.get("end") else seq_pos_to_keep[role]]
        if wrong.get("first_prompt"):
            positions = positions[:1].expand(len(rows))
        for layer, head in heads:
            keep[layer, rows, slice(None) if wrong.get("everywhere") else positions, head] = True
    return ~keep if wrong.get("inverted") else keep


def _wrong_ablation(**wrong):
    return functools.partial(_ablated, **wrong)


def _slips(**options):
    """The slips that one can make in both exercises. options: what is always so, as `_ablated` takes it."""

    def with_one_more(**wrong):
        return _wrong_ablation(**options, **wrong)

    return (
        Mistake(
            "no-return",
            lambda *arguments: None,
            "it returns nothing; wanted the model, with its hooks on it.",
            "End with return model.",
        ),
        Mistake(
            "not-permanent",
            with_one_more(permanent=False),
            "after model.reset_hooks() the ablation is gone: the hook is not permanent.",
            "Pass is_permanent on to model.add_hook.",
        ),
        Mistake(
            "always-permanent",
            with_one_more(permanent=True),
            "with is_permanent=False the ablation is still there after model.reset_hooks().",
            "Pass is_permanent on to model.add_hook.",
        ),
        Mistake(
            "not-reset",
            _with_old_hooks(reset=False, **options),
            "a model that has another circuit's hooks keeps them: two circuits are mixed.",
            "Begin with model.reset_hooks(including_permanent=True).",
        ),
        Mistake(
            "reset-too-late",
            _with_old_hooks(reset=True, **options),
            "the means come from a run in which another circuit's hooks were still on the model.",
            "Begin with model.reset_hooks(including_permanent=True), before you compute the means.",
        ),
        Mistake(
            "one-role-for-each-head",
            with_one_more(one_role=True),
            "of a head that has two roles only the second role's position counts.",
            "Go through the roles, and add each one's position to what is marked already.",
        ),
        Mistake(
            "last-layers-tensors",
            with_one_more(last_layers=True),
            "every layer's hook uses the last layer's means and mask.",
            "Bind each layer's tensors when you make its hook: partial(…, means=means, …).",
        ),
        Mistake(
            "first-prompts-positions",
            with_one_more(first_prompt=True),
            "the first prompt's positions are used for all prompts.",
            "word_idx has one position for each prompt.",
        ),
        Mistake(
            "zero-ablated",
            with_one_more(zero=True),
            "heads are set to zero, not to their mean.",
            "Use the mean of z over the prompts of the same template.",
        ),
        Mistake(
            "mean-over-all-prompts",
            with_one_more(all_prompts=True),
            "the mean runs over all prompts: templates are mixed, and with them positions.",
            "Average within each group of means_dataset.groups.",
        ),
        Mistake(
            "mean-over-positions",
            with_one_more(positions=True),
            "the mean runs over positions too.",
            "Each position has a mean of its own: average over the prompts of a template only.",
        ),
        Mistake(
            "not-averaged",
            with_one_more(not_averaged=True),
            "each prompt gets its own z from means_dataset, not the mean of its template.",
            "Average over the group first.",
        ),
    )


add_mean_ablation_hook = (
    *_slips(),
    Mistake(
        "kept-everywhere",
        _wrong_ablation(everywhere=True),
        "the circuit's heads are kept at every position.",
        "A head counts only at its own position: seq_pos_to_keep says which.",
    ),
    Mistake(
        "kept-at-the-end",
        _wrong_ablation(end=True),
        "every head is kept at the end, whatever seq_pos_to_keep says.",
        "Look the position up: means_dataset.word_idx[seq_pos_to_keep[role]].",
    ),
    Mistake(
        "circuit-ablated",
        _wrong_ablation(inverted=True),
        "the circuit is ablated, and everything else is kept.",
        "torch.where(keep, z, means): z where the circuit is, the mean elsewhere.",
    ),
)

add_knockout_hook = (
    *_slips(inverted=True),
    Mistake(
        "knocked-out-everywhere",
        _wrong_ablation(inverted=True, everywhere=True),
        "the heads are knocked out at every position.",
        "A head is knocked out at its own position alone: seq_pos_to_knock_out says which.",
    ),
    Mistake(
        "knocked-out-at-the-end",
        _wrong_ablation(inverted=True, end=True),
        "every head is knocked out at the end, whatever seq_pos_to_knock_out says.",
        "Look the position up: means_dataset.word_idx[seq_pos_to_knock_out[role]].",
    ),
    Mistake(
        "others-ablated",
        _wrong_ablation(),
        "these heads are kept, and everything else is ablated.",
        "torch.where(out, means, z): the mean where a head is knocked out, z elsewhere.",
    ),
)


def _scores(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, head, K, run_on=0, answers_of=0):
    """F without K and head, and F without K. run_on, answers_of: 1 for the ABC set instead of the IOI set."""
    sets = (ioi_dataset, abc_dataset)

    def score(removed):
        rest = {role: [h for h in heads if h not in removed] for role, heads in circuit.items()}
        run = specifications.add_mean_ablation_hook(model, abc_dataset, rest, seq_pos_to_keep)
        return logits_to_ave_logit_diff_2(run(sets[run_on].toks), sets[answers_of]).item()

    return score([*K, head]), score(K), score([]), score([head])


def _minimality(formula, **options):
    return lambda *arguments: formula(*_scores(*arguments, **options))


def _size_of_change(without_both, without_k, whole, without_head):
    return abs(without_both - without_k)


get_minimality_score = (
    Mistake(
        "sign-kept",
        _minimality(lambda without_both, without_k, whole, without_head: without_k - without_both),
        "the change has a sign; wanted its size.",
        "Take abs().",
    ),
    Mistake(
        "sign-kept-other-way",
        _minimality(lambda without_both, without_k, whole, without_head: without_both - without_k),
        "the change has a sign; wanted its size.",
        "Take abs().",
    ),
    Mistake(
        "k-ignored",
        _minimality(lambda without_both, without_k, whole, without_head: abs(without_head - whole)),
        "K is ignored: the head is removed from the whole circuit.",
        "Remove K in both runs; the head only in one of them.",
    ),
    Mistake(
        "k-removed-once",
        _minimality(lambda without_both, without_k, whole, without_head: abs(without_both - whole)),
        "K is removed in one run only, so its own effect is counted too.",
        "Compare the circuit without K and head with the circuit without K.",
    ),
    Mistake(
        "head-not-removed",
        _minimality(lambda without_both, without_k, whole, without_head: abs(without_k - whole)),
        "it measures K, not the head: the head is never removed.",
        "Compare the circuit without K and head with the circuit without K.",
    ),
    Mistake(
        "score-not-change",
        _minimality(lambda without_both, without_k, whole, without_head: abs(without_both)),
        "it gives the logit difference that is left, not how much it changed.",
        "Subtract the score of the circuit without K.",
    ),
    Mistake(
        "ran-on-abc",
        _minimality(_size_of_change, run_on=1),
        "the ablated model is run on the ABC prompts.",
        "Run ioi_dataset.toks: abc_dataset is for the means alone.",
    ),
    Mistake(
        "answers-of-abc",
        _minimality(_size_of_change, answers_of=1),
        "the answers are those of abc_dataset.",
        "Score with ioi_dataset: abc_dataset is for the means alone.",
    ),
    Mistake(
        "divided",
        _minimality(lambda both, without_k, whole, without_head: abs(both - without_k) / abs(whole)),
        "the change is divided by the circuit's logit difference; wanted logits.",
        "Return the change itself.",
    ),
)  # fmt: skip
