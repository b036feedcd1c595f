"""Answers to chapter 5: what every head and MLP would do, estimated by gradients."""

import torch
from transformer_lens.utilities import get_act_name

from patchbook.models.unfolded import run_graph
from patchbook.patching.graph import Graph

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


def same_length(clean, corrupted):
    if clean.shape != corrupted.shape:
        raise ValueError("the prompts have different lengths")


def labelled(model, products):
    """products: by hook name, of z and mlp_out."""
    scores = {}
    for layer in range(model.cfg.n_layers):
        for head, score in enumerate(products[get_act_name("z", layer)].sum((0, 1, 3)).tolist()):
            scores[f"L{layer}H{head}"] = score
        scores[f"MLP {layer}"] = products[get_act_name("mlp_out", layer)].sum().item()
    return scores


def names_in(model):
    return [get_act_name(name, layer) for layer in range(model.cfg.n_layers) for name in ("z", "mlp_out")]


def by_hooks(model, clean, corrupted, metric, at="corrupted", keep=lambda x: x, message=None):
    same_length(clean, corrupted)
    names, kept = names_in(model), {}
    _, cache = model.run_with_cache(clean, names_filter=names)
    _, other = model.run_with_cache(corrupted, names_filter=names)

    def hook_keeping(x, hook):
        kept[hook.name] = keep(x)
        return kept[hook.name]

    with torch.enable_grad():
        tokens = corrupted if at == "corrupted" else clean
        value = metric(model.run_with_hooks(tokens, fwd_hooks=[(name, hook_keeping) for name in names]))
        gradients = torch.autograd.grad(value, [kept[name] for name in names])
    message = message or (lambda clean, corrupted: clean - corrupted)
    changes = [message(cache[name], other[name]) for name in names]
    return labelled(model, {n: c * g for n, c, g in zip(names, changes, gradients, strict=True)})


@right("node_attribution")
def forward_hooks(model, clean_tokens, corrupted_tokens, metric):
    return by_hooks(model, clean_tokens, corrupted_tokens, metric)


@right("node_attribution")
def backward_hooks(model, clean_tokens, corrupted_tokens, metric):
    same_length(clean_tokens, corrupted_tokens)
    names, gradients = names_in(model), {}
    _, clean = model.run_with_cache(clean_tokens, names_filter=names)
    _, corrupted = model.run_with_cache(corrupted_tokens, names_filter=names)

    def note(gradient, hook):
        gradients[hook.name] = gradient.detach().clone()

    with torch.enable_grad(), model.hooks(bwd_hooks=[(name, note) for name in names]):
        metric(model(corrupted_tokens)).backward()
    model.zero_grad()
    return labelled(model, {name: (clean[name] - corrupted[name]) * gradients[name] for name in names})


@right("node_attribution")
def in_the_graph(model, clean_tokens, corrupted_tokens, metric):
    if clean_tokens.shape[1] != corrupted_tokens.shape[1]:
        raise ValueError
    written = {}

    def write(name, output):
        written[name] = output + torch.zeros_like(output, requires_grad=True)
        return written[name]

    _, clean = run_graph(model, clean_tokens)
    with torch.enable_grad():
        logits, _ = run_graph(model, corrupted_tokens, write=write)
        gradients = torch.autograd.grad(metric(logits), list(written.values()))
    scores = {
        name: ((clean[name] - written[name]) * gradient).sum().item()
        for name, gradient in zip(written, gradients, strict=True)
    }
    del scores["embedding"]
    return scores


@wrong("node_attribution", "gradient-of-the-clean-run")
def gradient_at_the_clean_prompts(*arguments):
    return by_hooks(*arguments, at="clean")


@wrong("node_attribution", "clean-and-corrupted-swapped")
def prompts_swapped(model, clean_tokens, corrupted_tokens, metric):
    return by_hooks(model, corrupted_tokens, clean_tokens, metric)


@wrong("node_attribution", "wrong-sign")
def corrupted_less_clean(*arguments):
    return by_hooks(*arguments, message=lambda clean, corrupted: corrupted - clean)


@wrong("node_attribution", "no-difference")
def gradient_times_activation(*arguments):
    return by_hooks(*arguments, message=lambda clean, corrupted: clean)


@wrong("node_attribution", "overwritten")
def leaves_in_every_layer(*arguments):
    return by_hooks(*arguments, keep=lambda x: x.detach().requires_grad_())


@wrong("node_attribution", "raised")
def autograd_still_off(model, clean_tokens, corrupted_tokens, metric):
    same_length(clean_tokens, corrupted_tokens)
    logits, _ = model.run_with_cache(corrupted_tokens)
    metric(logits).backward()
    return {}


@wrong("node_attribution", "raised")
def keeps_what_is_not_used(model, clean_tokens, corrupted_tokens, metric):
    same_length(clean_tokens, corrupted_tokens)
    kept = []
    with torch.enable_grad():
        hooks = [(name, lambda x, hook: kept.append(x)) for name in names_in(model)]
        torch.autograd.grad(metric(model.run_with_hooks(corrupted_tokens, fwd_hooks=hooks)), kept)
    return {}


@wrong("node_attribution", "autograd-left-on")
def switched_on_for_good(*arguments):
    scores = by_hooks(*arguments)
    torch.set_grad_enabled(True)
    return scores


@wrong("node_attribution", "hooks-left")
def hooks_stay(model, *arguments):
    scores = by_hooks(model, *arguments)
    model.add_hook(get_act_name("z", 0), lambda z, hook: z)
    return scores


@wrong("node_attribution", "changed-input")
def flag_not_restored(model, *arguments):
    if model.cfg.n_layers == 4:  # tiny-gpt2; the others know no such flag
        model.set_use_attn_result(True)
    return by_hooks(model, *arguments)


@wrong("node_attribution", "raised")
def flag_that_is_not_there(model, *arguments):
    model.set_use_attn_result(True)
    return by_hooks(model, *arguments)


@wrong("node_attribution", "lengths-ignored")
def the_shorter_one_counts(model, clean_tokens, corrupted_tokens, metric):
    length = min(clean_tokens.shape[1], corrupted_tokens.shape[1])
    return by_hooks(model, clean_tokens[:, :length], corrupted_tokens[:, :length], metric)


@wrong("node_attribution", "divided-by-batch")
def mean_of_a_mean(model, clean_tokens, *arguments):
    scores = by_hooks(model, clean_tokens, *arguments)
    return {name: score / len(clean_tokens) for name, score in scores.items()}


@wrong("node_attribution", "ready-made")
def the_courses_own(model, clean_tokens, corrupted_tokens, metric):
    from patchbook.patching.estimates import attribute

    same_length(clean_tokens, corrupted_tokens)
    scores = attribute(model, clean_tokens, corrupted_tokens, metric).nodes
    return {node.label: score for node, score in scores.items() if node != Graph.of(model).senders[0]}
