"""Answers to chapter 1: ablation."""

from functools import partial

import torch
from transformer_lens.utilities import get_act_name

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


# head_zero_ablation_hook
@right("head_zero_ablation_hook")
def zero_on_a_copy(z, hook, head_index_to_ablate):
    z = z.clone()
    z[:, :, head_index_to_ablate] = 0.0
    return z


@right("head_zero_ablation_hook")
def zero_in_place(z, hook, head_index_to_ablate):
    z[:, :, head_index_to_ablate, :] = 0.0
    return z


@right("head_zero_ablation_hook")
def zero_in_place_without_return(z, hook, head_index_to_ablate):
    z[:, :, head_index_to_ablate].zero_()


@right("head_zero_ablation_hook")
def zero_by_a_mask(z, hook, head_index_to_ablate):
    keep = torch.ones(z.shape[2], dtype=z.dtype)
    keep[head_index_to_ablate] = 0
    return torch.einsum("bphd,h->bphd", z, keep)


@wrong("head_zero_ablation_hook", "ablated-position")
def zeroed_the_second_axis(z, hook, head_index_to_ablate):
    z[:, head_index_to_ablate] = 0.0
    return z


@wrong("head_zero_ablation_hook", "ablated-dimension")
def zeroed_the_last_axis(z, hook, head_index_to_ablate):
    return z * (torch.arange(z.shape[-1]) != head_index_to_ablate)


@wrong("head_zero_ablation_hook", "unchanged")
def zeroed_a_copy(z, hook, head_index_to_ablate):
    copied = z.clone()
    copied[:, :, head_index_to_ablate] = 0.0
    return z


@wrong("head_zero_ablation_hook", "ablated-the-others")
def zeroed_the_rest(z, hook, head_index_to_ablate):
    return z * (torch.arange(z.shape[2]) == head_index_to_ablate)[:, None]


@wrong("head_zero_ablation_hook", "always-head-0")
def zeroed_head_0(z, hook, head_index_to_ablate):
    z[:, :, 0] = 0.0
    return z


@wrong("head_zero_ablation_hook", "raised")
def kept_the_old_name(z, hook, head_index):
    z[:, :, head_index] = 0.0
    return z


@wrong("head_zero_ablation_hook", "contract")
def dropped_the_head(z, hook, head_index_to_ablate):
    return torch.cat([z[:, :, :head_index_to_ablate], z[:, :, head_index_to_ablate + 1 :]], dim=2)


# head_mean_ablation_hook
@right("head_mean_ablation_hook")
def mean_on_a_copy(z, hook, head_index_to_ablate):
    z = z.clone()
    z[:, :, head_index_to_ablate] = z[:, :, head_index_to_ablate].mean(dim=0)
    return z


@right("head_mean_ablation_hook")
def mean_in_place_without_return(z, hook, head_index_to_ablate):
    z[:, :, head_index_to_ablate] = z[:, :, head_index_to_ablate].mean(0, keepdim=True)


@right("head_mean_ablation_hook")
def mean_of_everything_then_one_head(z, hook, head_index_to_ablate):
    means = z.mean(dim=0, keepdim=True).expand_as(z)
    chosen = torch.arange(z.shape[2])[:, None] == head_index_to_ablate
    return torch.where(chosen, means, z)


@right("head_mean_ablation_hook")
def mean_in_loops(z, hook, head_index_to_ablate):
    new = z.double().clone()
    for position in range(z.shape[1]):
        average = torch.stack([prompt[position, head_index_to_ablate] for prompt in new]).mean(dim=0)
        for prompt in new:
            prompt[position, head_index_to_ablate] = average
    return new.to(z.dtype)


@wrong("head_mean_ablation_hook", "mean-over-positions")
def mean_along_the_prompt(z, hook, head_index_to_ablate):
    z[:, :, head_index_to_ablate] = z[:, :, head_index_to_ablate].mean(dim=1, keepdim=True)
    return z


@wrong("head_mean_ablation_hook", "mean-over-everything")
def one_number(z, hook, head_index_to_ablate):
    z[:, :, head_index_to_ablate] = z[:, :, head_index_to_ablate].mean()
    return z


@wrong("head_mean_ablation_hook", "mean-over-batch-and-positions")
def one_vector(z, hook, head_index_to_ablate):
    z[:, :, head_index_to_ablate] = z[:, :, head_index_to_ablate].flatten(0, 1).mean(dim=0)
    return z


@wrong("head_mean_ablation_hook", "mean-over-heads")
def mean_of_the_layer(z, hook, head_index_to_ablate):
    z = z.clone()
    z[:, :, head_index_to_ablate] = z.mean(dim=2)
    return z


@wrong("head_mean_ablation_hook", "mean-of-all-heads")
def mean_of_the_layer_and_batch(z, hook, head_index_to_ablate):
    z = z.clone()
    z[:, :, head_index_to_ablate] = z.mean(dim=0).mean(dim=1)
    return z


@wrong("head_mean_ablation_hook", "zero-not-mean")
def still_zero(z, hook, head_index_to_ablate):
    return zero_on_a_copy(z, hook, head_index_to_ablate)


@wrong("head_mean_ablation_hook", "unchanged")
def mean_into_a_copy(z, hook, head_index_to_ablate):
    head = z[:, :, head_index_to_ablate].clone()
    head[:] = head.mean(dim=0)
    return z


@wrong("head_mean_ablation_hook", "ablated-position")
def mean_of_a_position(z, hook, head_index_to_ablate):
    z[:, head_index_to_ablate] = z[:, head_index_to_ablate].mean(dim=0)
    return z


@wrong("head_mean_ablation_hook", "every-head-ablated")
def mean_of_all(z, hook, head_index_to_ablate):
    z[:] = z.mean(dim=0)
    return z


@wrong("head_mean_ablation_hook", "contract")
def returned_the_mean(z, hook, head_index_to_ablate):
    return z[:, :, head_index_to_ablate].mean(dim=0)


# get_ablation_scores
def losses_of(model, tokens, hooks=()):
    return model.run_with_hooks(tokens, return_type="loss", loss_per_token=True, fwd_hooks=list(hooks))


def inside(tokens):
    return (tokens.shape[1] - 1) // 2 - 1


def over_heads(model, score):
    """score(layer, head) for all heads, as a tensor."""
    layers, heads = range(model.cfg.n_layers), range(model.cfg.n_heads)
    return torch.tensor([[float(score(layer, head)) for head in heads] for layer in layers])


@right("get_ablation_scores")
def with_partials(model, tokens, ablation_function=zero_on_a_copy):
    before = losses_of(model, tokens)[:, -inside(tokens) :].mean()
    scores = torch.zeros(model.cfg.n_layers, model.cfg.n_heads)
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            hook = partial(ablation_function, head_index_to_ablate=head)
            after = losses_of(model, tokens, [(get_act_name("z", layer), hook)])[:, -inside(tokens) :].mean()
            scores[layer, head] = after - before
    return scores


@right("get_ablation_scores")
def with_log_softmax_and_gather(model, tokens, ablation_function=zero_on_a_copy):
    start = (tokens.shape[1] - 1) // 2 + 1

    @torch.no_grad()
    def loss(*hooks):
        log_probs = model.run_with_hooks(tokens, fwd_hooks=list(hooks)).log_softmax(-1)[:, start:-1]
        return -log_probs.gather(-1, tokens[:, start + 1 :, None]).mean()

    def score(layer, head):
        name = f"blocks.{layer}.attn.hook_z"
        return loss((name, lambda z, hook: ablation_function(z, hook, head))) - loss()

    return over_heads(model, score)


@right("get_ablation_scores")
def with_add_hook_and_reset(model, tokens, ablation_function=zero_on_a_copy):
    def loss():
        logits = model(tokens)[:, -inside(tokens) - 1 : -1].double()
        return torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, -inside(tokens) :].flatten())

    before = loss()

    def score(layer, head):
        model.add_hook(get_act_name("z", layer), partial(ablation_function, head_index_to_ablate=head))
        after = loss()
        model.reset_hooks()
        return after - before

    return over_heads(model, score)


@right("get_ablation_scores")
def with_the_hooks_context(model, tokens, ablation_function=zero_on_a_copy):
    before = model(tokens, return_type="loss", loss_per_token=True)
    change = []
    for name in [get_act_name("z", layer) for layer in range(model.cfg.n_layers)]:
        for head in range(model.cfg.n_heads):
            with model.hooks(fwd_hooks=[(name, partial(ablation_function, head_index_to_ablate=head))]):
                change.append(model(tokens, return_type="loss", loss_per_token=True) - before)
    return torch.stack([c[:, -inside(tokens) :].mean() for c in change]).view(-1, model.cfg.n_heads)


@wrong("get_ablation_scores", "sign-swapped")
def before_minus_after(model, tokens, ablation_function=zero_on_a_copy):
    return -with_partials(model, tokens, ablation_function)


def scores_with(model, tokens, ablation_function, window):
    def score(layer, head):
        hook = (get_act_name("z", layer), partial(ablation_function, head_index_to_ablate=head))
        return window(losses_of(model, tokens, [hook])).mean() - window(losses_of(model, tokens)).mean()

    return over_heads(model, score)


@wrong("get_ablation_scores", "whole-sequence")
def mean_of_all_losses(model, tokens, ablation_function=zero_on_a_copy):
    return scores_with(model, tokens, ablation_function, lambda losses: losses)


@wrong("get_ablation_scores", "window-too-long")
def second_half_and_one_more(model, tokens, ablation_function=zero_on_a_copy):
    seq_len = (tokens.shape[1] - 1) // 2
    return scores_with(model, tokens, ablation_function, lambda losses: losses[:, -seq_len:])


@wrong("get_ablation_scores", "window-early")
def forgot_that_losses_are_shifted(model, tokens, ablation_function=zero_on_a_copy):
    seq_len = (tokens.shape[1] - 1) // 2
    return scores_with(model, tokens, ablation_function, lambda losses: losses[:, seq_len : 2 * seq_len - 1])


@wrong("get_ablation_scores", "first-half")
def losses_before_the_repeat(model, tokens, ablation_function=zero_on_a_copy):
    return scores_with(model, tokens, ablation_function, lambda losses: losses[:, : inside(tokens)])


@wrong("get_ablation_scores", "logits-not-loss-negative")
def drop_of_the_right_logit(model, tokens, ablation_function=zero_on_a_copy):
    start = (tokens.shape[1] - 1) // 2 + 1

    def logit(*hooks):
        logits = model.run_with_hooks(tokens, fwd_hooks=list(hooks))[:, start:-1]
        return logits.gather(-1, tokens[:, start + 1 :, None]).mean()

    def score(layer, head):
        hook = partial(ablation_function, head_index_to_ablate=head)
        return logit() - logit((get_act_name("z", layer), hook))

    return over_heads(model, score)


@wrong("get_ablation_scores", "argument-ignored")
def used_zero_ablation_by_name(model, tokens, ablation_function=zero_on_a_copy):
    return with_partials(model, tokens, zero_on_a_copy)


@wrong("get_ablation_scores", "in-bits")
def base_two(model, tokens, ablation_function=zero_on_a_copy):
    return with_partials(model, tokens, ablation_function) / torch.log(torch.tensor(2.0))


@wrong("get_ablation_scores", "not-compared")
def losses_as_they_are(model, tokens, ablation_function=zero_on_a_copy):
    def score(layer, head):
        hook = partial(ablation_function, head_index_to_ablate=head)
        return losses_of(model, tokens, [(get_act_name("z", layer), hook)])[:, -inside(tokens) :].mean()

    return over_heads(model, score)


@wrong("get_ablation_scores", "hooks-left")
def added_hooks_and_left_them(model, tokens, ablation_function=zero_on_a_copy):
    before = losses_of(model, tokens)[:, -inside(tokens) :].mean()

    def score(layer, head):
        model.add_hook(get_act_name("z", layer), partial(ablation_function, head_index_to_ablate=head))
        return losses_of(model, tokens)[:, -inside(tokens) :].mean() - before

    return over_heads(model, score)


@wrong("get_ablation_scores", "hooks-pile-up")
def reset_only_at_the_end(model, tokens, ablation_function=zero_on_a_copy):
    scores = added_hooks_and_left_them(model, tokens, ablation_function)
    model.reset_hooks()
    return scores


@wrong("get_ablation_scores", "always-last-head")
def bound_the_head_too_late(model, tokens, ablation_function=zero_on_a_copy):
    hooks = []
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            hooks.append((get_act_name("z", layer), lambda z, hook: ablation_function(z, hook, head)))  # noqa: B023
    before = losses_of(model, tokens)[:, -inside(tokens) :].mean()
    after = [losses_of(model, tokens, [hook])[:, -inside(tokens) :].mean() for hook in hooks]
    return (torch.stack(after) - before).view(-1, model.cfg.n_heads)


@wrong("get_ablation_scores", "transposed")
def one_row_per_head(model, tokens, ablation_function=zero_on_a_copy):
    return with_the_hooks_context(model, tokens, ablation_function).T.contiguous()


@wrong("get_ablation_scores", "raised")
def called_it_without_the_head(model, tokens, ablation_function=zero_on_a_copy):
    return losses_of(model, tokens, [(get_act_name("z", 0), ablation_function)])


@wrong("get_ablation_scores", "contract")
def one_score_per_prompt(model, tokens, ablation_function=zero_on_a_copy):
    return losses_of(model, tokens)[:, -inside(tokens) :].mean(dim=1)
