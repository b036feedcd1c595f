"""The known wrong ways of chapter 1: ablation hooks and ablation scores."""

import dataclasses
import math

import torch

from patchbook.checking import Mistake
from patchbook.tests.mistakes import hooks_and_caches


def _for_this_stub(mistake):
    """Chapter 0 calls the argument head_index."""
    texts = {
        key: getattr(mistake, key).replace("head_index", "head_index_to_ablate") for key in ("what", "next")
    }

    def wrong(z, hook, head_index_to_ablate):
        return mistake.wrong(z, hook, head_index_to_ablate)

    return dataclasses.replace(mistake, wrong=wrong, **texts)


head_zero_ablation_hook = tuple(map(_for_this_stub, hooks_and_caches.zero_ablate_head_hook))


def _replaced(value_of, axis=2):
    """One head (or another axis's entry) replaced by value_of(its own values)."""

    def wrong(z, hook, head_index_to_ablate):
        z = z.clone()
        entry = z.select(axis, min(head_index_to_ablate, z.shape[axis] - 1))
        entry.copy_(value_of(entry.clone()))
        return z

    return wrong


def _by(value, shift=0):
    """The head (or the one `shift` further) replaced by value(z, head)."""

    def wrong(z, hook, head_index_to_ablate):
        ablated, head = z.clone(), (head_index_to_ablate + shift) % z.shape[2]
        ablated[:, :, head] = value(z, head)
        return ablated

    return wrong


head_mean_ablation_hook = (
    Mistake(
        "mean-over-positions",
        _replaced(lambda one: one.mean(dim=1, keepdim=True)),
        "the mean runs over the positions of each prompt; wanted over the prompts of the batch.",
        "z[:, :, head] has axes (batch, pos, d_head): take the mean over axis 0.",
    ),
    Mistake(
        "mean-over-batch-and-positions",
        _replaced(lambda one: one.mean(dim=(0, 1))),
        "the mean runs over the batch and the positions; each position needs its own mean.",
        "Take the mean over the batch alone, axis 0.",
    ),
    Mistake(
        "mean-over-everything",
        _replaced(lambda one: one.mean()),
        "the head is set to one number, the mean of all its values.",
        "Take the mean over the batch alone, axis 0: each position keeps a vector of its own.",
    ),
    Mistake(
        "mean-over-d-head",
        _replaced(lambda one: one.mean(dim=-1, keepdim=True)),
        "the mean runs over d_head, the numbers of one vector.",
        "Take the mean over the batch, axis 0.",
    ),
    Mistake(
        "mean-of-all-heads",
        _by(lambda z, head: z.mean(dim=(0, 2))),
        "the mean runs over all heads too; wanted this head's own mean.",
        "Select the head first, z[:, :, head_index_to_ablate], then take the mean over the batch.",
    ),
    Mistake(
        "mean-over-heads",
        _by(lambda z, head: z.mean(dim=2)),
        "the head is replaced by the mean of the layer's heads; wanted its own mean over the batch.",
        "Select the head first, z[:, :, head_index_to_ablate], then take the mean over the batch.",
    ),
    Mistake(
        "every-head-ablated",
        lambda z, hook, head_index_to_ablate: z.mean(dim=0, keepdim=True).expand_as(z),
        "every head is replaced by its mean; wanted one head.",
        "Assign to z[:, :, head_index_to_ablate] alone.",
    ),
    Mistake(
        "mean-subtracted",
        _by(lambda z, head: z[:, :, head] - z[:, :, head].mean(dim=0)),
        "the mean is taken away from the head; wanted the mean in its place.",
        "Assign the mean itself.",
    ),
    Mistake(
        "sum-over-batch",
        _by(lambda z, head: z[:, :, head].sum(dim=0)),
        "the head is replaced by the sum over the batch; wanted the mean.",
        "Divide by the number of prompts, or use .mean(dim=0).",
    ),
    Mistake(
        "first-prompt",
        _by(lambda z, head: z[0, :, head]),
        "the head is replaced by its values in the first prompt.",
        "Take the mean over all prompts: .mean(dim=0).",
    ),
    Mistake(
        "zero-not-mean",
        _by(lambda z, head: 0.0),
        "the head is set to zero; this exercise sets it to its mean.",
        "z[:, :, head_index_to_ablate].mean(dim=0) is the mean over the batch.",
    ),
    Mistake(
        "ablated-position",
        _replaced(lambda one: one.mean(dim=0), axis=1),
        "it replaces one position of every head instead of one head.",
        "z has axes (batch, pos, head, d_head): the head is the third.",
    ),
    Mistake(
        "always-head-0",
        lambda z, hook, head_index_to_ablate: _by(lambda z, h: z[:, :, h].mean(dim=0))(z, hook, 0),
        "it replaces head 0 whatever head_index_to_ablate says.",
        "Use the argument head_index_to_ablate.",
    ),
    Mistake(
        "next-head",
        _by(lambda z, head: z[:, :, head].mean(dim=0), shift=1),
        "it replaces the head after the one asked for.",
        "Heads are counted from 0, as indices are.",
    ),
    Mistake(
        "unchanged",
        lambda z, hook, head_index_to_ablate: z,
        "z comes back unchanged.",
        "Assign to a slice of z and return that same z. .mean(...) alone changes nothing.",
    ),
)


def _losses(model, tokens, hooks=()):
    """Next-token losses in nats: (batch, 2 * seq_len)."""
    return model.run_with_hooks(tokens, fwd_hooks=list(hooks), return_type="loss", loss_per_token=True)


def _correct_logits(model, tokens, hooks=()):
    logits = model.run_with_hooks(tokens, fwd_hooks=list(hooks))[:, :-1]
    return logits.gather(-1, tokens[:, 1:, None])[..., 0]


def _second_half(values):
    return values[:, -(values.shape[1] // 2 - 1) :].mean()


def _zero(z, hook, head_index_to_ablate):
    z = z.clone()
    z[:, :, head_index_to_ablate] = 0.0
    return z


def _scores(reduce=_second_half, measure=_losses, compare=torch.sub, hooks_for=None, zero=False):
    """Ablation scores with one step replaced: compare(value after, value before), in a loop over heads."""

    def wrong(model, tokens, ablation_function=_zero):
        ablate = _zero if zero else ablation_function
        layers, heads = range(model.cfg.n_layers), range(model.cfg.n_heads)

        def hook(layer, head):
            at = f"blocks.{layer}.attn.hook_z"
            return at, lambda z, hook: ablate(z, hook, head_index_to_ablate=head)

        def score(layer, head):
            hooks = hooks_for(hook, layer, head, len(heads)) if hooks_for else [hook(layer, head)]
            return compare(reduce(measure(model, tokens, hooks)), before)

        before = reduce(measure(model, tokens))
        return torch.stack([torch.stack([score(layer, head) for head in heads]) for layer in layers])

    return wrong


get_ablation_scores = (
    Mistake(
        "sign-swapped",
        _scores(compare=lambda after, before: before - after),
        "the sign is the other way round: a head that the model needs gets a negative score.",
        "The score is the loss with the head ablated minus the loss without.",
    ),
    Mistake(
        "whole-sequence",
        _scores(torch.mean),
        "the loss is the mean over the whole sequence, first half included.",
        "Keep the last seq_len - 1 of the losses: only there can induction help.",
    ),
    Mistake(
        "first-half",
        _scores(lambda losses: losses[:, : losses.shape[1] // 2 - 1].mean()),
        "the loss is taken over the first half, where nothing repeats yet.",
        "Keep the last seq_len - 1 of the losses.",
    ),
    Mistake(
        "window-too-long",
        _scores(lambda losses: losses[:, losses.shape[1] // 2 :].mean()),
        "the window is one prediction too long: it holds the one made at the end of the first half.",
        "That prediction, of the first repeated token, cannot be known. Keep the last seq_len - 1.",
    ),
    Mistake(
        "window-too-short",
        _scores(lambda losses: losses[:, losses.shape[1] // 2 + 2 :].mean()),
        "the window is one prediction too short.",
        "tokens has 1 + 2 * seq_len columns, the losses 2 * seq_len. Keep the last seq_len - 1.",
    ),
    Mistake(
        "window-early",
        _scores(lambda losses: losses[:, losses.shape[1] // 2 : -1].mean()),
        "the window of losses lies one prediction too early: it leaves out the last.",
        "losses[:, i] is the prediction of tokens[:, i + 1]: keep the last seq_len - 1 losses.",
    ),
    Mistake(
        "last-prediction",
        _scores(lambda losses: losses[:, -1].mean()),
        "only the last prediction counts.",
        "Take the mean over the last seq_len - 1 losses.",
    ),
    Mistake(
        "first-prompt",
        _scores(lambda losses: _second_half(losses[:1])),
        "only the first prompt of the batch counts.",
        "Take the mean over all prompts.",
    ),
    Mistake(
        "summed",
        _scores(lambda losses: losses[:, losses.shape[1] // 2 + 1 :].sum()),
        "the losses are added up; wanted their mean.",
        "Use .mean() over the prompts and the last seq_len - 1 predictions.",
    ),
    Mistake(
        "logits-not-loss",
        _scores(measure=_correct_logits),
        "these are changes of the correct token's logit; wanted the loss.",
        'The loss is minus the log-probability: return_type="loss", loss_per_token=True gives it.',
    ),
    Mistake(
        "logits-not-loss-negative",
        _scores(measure=_correct_logits, compare=lambda after, before: before - after),
        "these are drops of the correct token's logit; wanted the rise of the loss.",
        'The loss is minus the log-probability: return_type="loss", loss_per_token=True gives it.',
    ),
    Mistake(
        "in-bits",
        _scores(compare=lambda after, before: (after - before) / math.log(2)),
        "the loss is in bits (logarithm to base 2); wanted nats.",
        "Use the natural logarithm, as torch.log and model's own loss do.",
    ),
    Mistake(
        "relative",
        _scores(compare=lambda after, before: (after - before) / before),
        "the rise is divided by the loss before.",
        "Return the difference itself, in nats.",
    ),
    Mistake(
        "not-compared",
        _scores(compare=lambda after, before: after),
        "these are the losses with each head ablated; the loss without ablation is not taken away.",
        "Run the untouched model once, before the loops, and subtract its loss.",
    ),
    Mistake(
        "argument-ignored",
        _scores(zero=True),
        "heads are always set to zero, whatever ablation_function is given.",
        "Use the argument: partial(ablation_function, head_index_to_ablate=head).",
    ),
    Mistake(
        "always-layer-0",
        _scores(hooks_for=lambda hook, layer, head, heads: [hook(0, head)]),
        "every row is layer 0: the hook's name does not follow the loop.",
        'Build the name from the layer: get_act_name("z", layer).',
    ),
    Mistake(
        "always-last-head",
        _scores(hooks_for=lambda hook, layer, head, heads: [hook(layer, heads - 1)]),
        "every column is the last head: all hooks look up `head` after the loop has ended.",
        "Bind the head when you make the hook: partial(ablation_function, head_index_to_ablate=head).",
    ),
    Mistake(
        "hooks-pile-up",
        _scores(
            hooks_for=lambda hook, layer, head, heads: [
                hook(*divmod(i, heads)) for i in range(layer * heads + head + 1)
            ]
        ),
        "hooks pile up: each head is ablated together with all those before it.",
        "After add_hook, call model.reset_hooks() in each turn of the loop, or use run_with_hooks.",
    ),
    Mistake(
        "hooks-pile-up-in-a-layer",
        _scores(hooks_for=lambda hook, layer, head, heads: [hook(layer, h) for h in range(head + 1)]),
        "hooks pile up: each head is ablated together with those before it in its layer.",
        "Begin a new list of hooks for each head, or use run_with_hooks with one hook.",
    ),
)
