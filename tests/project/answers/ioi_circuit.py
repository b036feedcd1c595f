"""Answers to chapter 2: heads mean-ablated, all but a circuit or these alone, and minimality."""

from functools import partial

import torch
from transformer_lens.utilities import get_act_name

from . import Bank
from .path_metrics import by_fancy_indexing
from .path_patching import is_z

BANK = Bank()


right, wrong = BANK.right, BANK.wrong


# add_mean_ablation_hook
def template_means(model, dataset):
    model.reset_hooks(including_permanent=True)
    _, cache = model.run_with_cache(dataset.toks, names_filter=is_z)
    means = {}
    for layer in range(model.cfg.n_layers):
        z = cache["z", layer]
        means[layer] = torch.zeros_like(z)
        for group in dataset.groups:
            means[layer][group] = z[group].mean(dim=0)
    return means


def kept(model, dataset, circuit, seq_pos_to_keep):
    mask = torch.zeros(model.cfg.n_layers, *dataset.toks.shape, model.cfg.n_heads, 1, dtype=torch.bool)
    for role, heads in circuit.items():
        positions = dataset.word_idx[seq_pos_to_keep[role]]
        for layer, head in heads:
            mask[layer, torch.arange(dataset.N), positions, head] = True
    return mask


def ablation(model, means, mask, is_permanent=True):
    def hook_fn(z, hook):
        return torch.where(mask[hook.layer()], z, means[hook.layer()])

    model.add_hook(is_z, hook_fn, is_permanent=is_permanent)
    return model


@right("add_mean_ablation_hook")
def where_kept(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=True):
    means = template_means(model, means_dataset)
    return ablation(model, means, kept(model, means_dataset, circuit, seq_pos_to_keep), is_permanent)


@right("add_mean_ablation_hook")
def hook_layer_by_layer(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=True):
    means = template_means(model, means_dataset)
    mask = kept(model, means_dataset, circuit, seq_pos_to_keep)
    for layer in range(model.cfg.n_layers):

        def hook_fn(z, hook, layer=layer):
            z[...] = mask[layer] * z + ~mask[layer] * means[layer]
            return z

        model.add_hook(get_act_name("z", layer), hook_fn, is_permanent=is_permanent)
    return model


@right("add_mean_ablation_hook")
def grouped_by_the_records(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=True):
    """Works with what an IOIDataset also has: its records, lengths and slices."""
    model.reset_hooks(including_permanent=True)
    _, cache = model.run_with_cache(means_dataset.toks[:, : means_dataset.max_len])
    kinds = [(prompt.template, prompt.order) for prompt in means_dataset]
    means = {layer: torch.zeros_like(cache["z", layer]) for layer in range(model.cfg.n_layers)}
    for kind in set(kinds):
        rows = torch.tensor([k == kind for k in kinds])
        for layer in means:
            means[layer][rows] = cache["z", layer][rows].mean(0)
    mask = kept(model, means_dataset, circuit, seq_pos_to_keep)
    return ablation(model, means, mask, is_permanent)


@wrong("add_mean_ablation_hook", "no-return")
def without_returning_the_model(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=True):
    where_kept(model, means_dataset, circuit, seq_pos_to_keep, is_permanent)


@wrong("add_mean_ablation_hook", "not-permanent")
def hook_goes_at_reset(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=True):
    return where_kept(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=False)


@wrong("add_mean_ablation_hook", "always-permanent")
def permanent_whatever_is_said(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=True):
    return where_kept(model, means_dataset, circuit, seq_pos_to_keep)


def unreset(model, means_dataset, circuit, seq_pos_to_keep, is_permanent, late):
    """Hooks of before stay: for good, or until the means are computed."""
    _, cache = model.run_with_cache(means_dataset.toks, names_filter=is_z)
    if late:
        model.reset_hooks(including_permanent=True)
    means = {layer: cache["z", layer].clone() for layer in range(model.cfg.n_layers)}
    for z in means.values():
        for group in means_dataset.groups:
            z[group] = z[group].mean(0, keepdim=True)
    return ablation(model, means, kept(model, means_dataset, circuit, seq_pos_to_keep), is_permanent)


@wrong("add_mean_ablation_hook", "not-reset")
def two_circuits_mixed(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=True):
    return unreset(model, means_dataset, circuit, seq_pos_to_keep, is_permanent, late=False)


@wrong("add_mean_ablation_hook", "reset-too-late")
def means_of_an_ablated_model(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=True):
    return unreset(model, means_dataset, circuit, seq_pos_to_keep, is_permanent, late=True)


@wrong("add_mean_ablation_hook", "circuit-ablated")
def mask_inverted(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=True):
    mask = ~kept(model, means_dataset, circuit, seq_pos_to_keep)
    return ablation(model, template_means(model, means_dataset), mask, is_permanent)


@wrong("add_mean_ablation_hook", "zero-ablated")
def others_to_zero(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=True):
    model.reset_hooks(including_permanent=True)
    means = {layer: torch.zeros(()).to(model.W_E.dtype) for layer in range(model.cfg.n_layers)}
    return ablation(model, means, kept(model, means_dataset, circuit, seq_pos_to_keep), is_permanent)


@wrong("add_mean_ablation_hook", "mean-over-all-prompts")
def templates_mixed(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=True):
    model.reset_hooks(including_permanent=True)
    _, cache = model.run_with_cache(means_dataset.toks, names_filter=is_z)
    means = {layer: cache["z", layer].mean(0) for layer in range(model.cfg.n_layers)}
    return ablation(model, means, kept(model, means_dataset, circuit, seq_pos_to_keep), is_permanent)


@wrong("add_mean_ablation_hook", "not-averaged")
def each_prompts_own(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=True):
    model.reset_hooks(including_permanent=True)
    _, cache = model.run_with_cache(means_dataset.toks, names_filter=is_z)
    means = {layer: cache["z", layer] for layer in range(model.cfg.n_layers)}
    return ablation(model, means, kept(model, means_dataset, circuit, seq_pos_to_keep), is_permanent)


@wrong("add_mean_ablation_hook", "kept-everywhere")
def position_ignored(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=True):
    mask = kept(model, means_dataset, circuit, seq_pos_to_keep).any(2, keepdim=True)
    return ablation(model, template_means(model, means_dataset), mask, is_permanent)


@wrong("add_mean_ablation_hook", "one-role-for-each-head")
def a_dictionary_from_head_to_role(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=True):
    role_of = {head: role for role, heads in circuit.items() for head in heads}
    circuit = {role: [h for h in heads if role_of[h] == role] for role, heads in circuit.items()}
    return where_kept(model, means_dataset, circuit, seq_pos_to_keep, is_permanent)


@wrong("add_mean_ablation_hook", "last-layers-tensors")
def bound_too_late(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=True):
    all_means, masks = (
        template_means(model, means_dataset),
        kept(model, means_dataset, circuit, seq_pos_to_keep),
    )
    for layer in range(model.cfg.n_layers):
        means, mask = all_means[layer], masks[layer]
        model.add_hook(
            get_act_name("z", layer),
            lambda z, hook: torch.where(mask, z, means),  # noqa: B023 (that is the mistake)
            is_permanent=is_permanent,
        )
    return model


@wrong("add_mean_ablation_hook", "kept-at-the-end")
def always_at_the_end(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=True):
    return where_kept(model, means_dataset, circuit, dict.fromkeys(circuit, "end"), is_permanent)


# add_knockout_hook
@right("add_knockout_hook")
def the_mask_turned_round(model, means_dataset, knocked_out, seq_pos_to_knock_out, is_permanent=True):
    means = template_means(model, means_dataset)
    mask = kept(model, means_dataset, knocked_out, seq_pos_to_knock_out)
    return ablation(model, means, ~mask, is_permanent)


@right("add_knockout_hook")
def written_in_place(model, means_dataset, knocked_out, seq_pos_to_knock_out, is_permanent=True):
    means = template_means(model, means_dataset)
    rows = torch.arange(means_dataset.N)

    def hook_fn(z, hook):
        for role, heads in knocked_out.items():
            at = means_dataset.word_idx[seq_pos_to_knock_out[role]]
            for layer, head in heads:
                if layer == hook.layer():
                    z[rows, at, head] = means[layer][rows, at, head]
        return z

    model.add_hook(is_z, hook_fn, is_permanent=is_permanent)
    return model


@right("add_knockout_hook")
def only_in_the_layers_that_need_it(
    model, means_dataset, knocked_out, seq_pos_to_knock_out, is_permanent=True
):
    means = template_means(model, means_dataset)
    mask = kept(model, means_dataset, knocked_out, seq_pos_to_knock_out)
    for layer in sorted({layer for heads in knocked_out.values() for layer, _ in heads}):

        def hook_fn(z, hook):
            return z.masked_scatter(mask[hook.layer()], means[hook.layer()][mask[hook.layer()].squeeze(-1)])

        model.add_hook(get_act_name("z", layer), hook_fn, is_permanent=is_permanent)
    return model


@wrong("add_knockout_hook", "others-ablated")
def the_function_before_it(model, means_dataset, knocked_out, seq_pos_to_knock_out, is_permanent=True):
    return where_kept(model, means_dataset, knocked_out, seq_pos_to_knock_out, is_permanent)


@wrong("add_knockout_hook", "no-return")
def hooks_added_and_nothing_returned(
    model, means_dataset, knocked_out, seq_pos_to_knock_out, is_permanent=True
):
    the_mask_turned_round(model, means_dataset, knocked_out, seq_pos_to_knock_out, is_permanent)


@wrong("add_knockout_hook", "knocked-out-everywhere")
def at_all_positions(model, means_dataset, knocked_out, seq_pos_to_knock_out, is_permanent=True):
    mask = kept(model, means_dataset, knocked_out, seq_pos_to_knock_out).any(2, keepdim=True)
    return ablation(model, template_means(model, means_dataset), ~mask, is_permanent)


@wrong("add_knockout_hook", "knocked-out-at-the-end")
def positions_ignored(model, means_dataset, knocked_out, seq_pos_to_knock_out, is_permanent=True):
    ends = dict.fromkeys(knocked_out, "end")
    return the_mask_turned_round(model, means_dataset, knocked_out, ends, is_permanent)


@wrong("add_knockout_hook", "always-permanent")
def is_permanent_forgotten(model, means_dataset, knocked_out, seq_pos_to_knock_out, is_permanent=True):
    return the_mask_turned_round(model, means_dataset, knocked_out, seq_pos_to_knock_out)


@wrong("add_knockout_hook", "zero-ablated")
def knocked_out_to_zero(model, means_dataset, knocked_out, seq_pos_to_knock_out, is_permanent=True):
    model.reset_hooks(including_permanent=True)
    zeros = {layer: torch.zeros(()).to(model.W_E.dtype) for layer in range(model.cfg.n_layers)}
    mask = kept(model, means_dataset, knocked_out, seq_pos_to_knock_out)
    return ablation(model, zeros, ~mask, is_permanent)


@wrong("add_knockout_hook", "not-reset")
def other_hooks_stay(model, means_dataset, knocked_out, seq_pos_to_knock_out, is_permanent=True):
    _, cache = model.run_with_cache(means_dataset.toks, names_filter=is_z)
    means = {layer: cache["z", layer].clone() for layer in range(model.cfg.n_layers)}
    for z in means.values():
        for group in means_dataset.groups:
            z[group] = z[group].mean(0, keepdim=True)
    mask = kept(model, means_dataset, knocked_out, seq_pos_to_knock_out)
    return ablation(model, means, ~mask, is_permanent)


# get_minimality_score
def score(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, removed, run_on=None, answers_of=None):
    rest = {role: [h for h in heads if h not in removed] for role, heads in circuit.items()}
    ablated = where_kept(model, abc_dataset, rest, seq_pos_to_keep)
    logits = ablated((run_on or ioi_dataset).toks)
    model.reset_hooks(including_permanent=True)
    return by_fancy_indexing(logits, answers_of or ioi_dataset).item()


@right("get_minimality_score")
def two_scores(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, head, K):
    F = partial(score, model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep)
    return abs(F([*K, head]) - F(K))


@right("get_minimality_score")
def sets_of_heads(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, head, K):
    F = partial(score, model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep)
    return abs(F(set(K)) - F(set(K) | {head}))


@right("get_minimality_score")
def as_a_tensor(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, head, K):
    return torch.tensor(two_scores(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, head, K))


@wrong("get_minimality_score", "sign-kept")
def signed(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, head, K):
    F = partial(score, model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep)
    return F(K) - F([*K, head])


@wrong("get_minimality_score", "answers-of-abc")
def scored_by_the_other_set(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, head, K):
    F = partial(score, model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, answers_of=abc_dataset)
    return abs(F([*K, head]) - F(K))


@wrong("get_minimality_score", "ran-on-abc")
def the_prompts_of_the_means_run(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, head, K):
    F = partial(score, model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, run_on=abc_dataset)
    return abs(F([*K, head]) - F(K))


@wrong("get_minimality_score", "k-ignored")
def from_the_whole_circuit(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, head, K):
    return two_scores(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, head, [])


@wrong("get_minimality_score", "k-removed-once")
def against_the_whole_circuit(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, head, K):
    F = partial(score, model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep)
    return abs(F([*K, head]) - F([]))


@wrong("get_minimality_score", "score-not-change")
def what_is_left(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, head, K):
    return abs(score(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, [*K, head]))


@wrong("get_minimality_score", "divided")
def as_a_share(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, head, K):
    change = two_scores(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, head, K)
    return change / abs(score(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, []))


@wrong("get_minimality_score", "hooks-left")
def ablation_left_on(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, head, K):
    result = two_scores(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, head, K)
    where_kept(model, abc_dataset, circuit, seq_pos_to_keep)
    return result
