"""Answers to chapter 2, second half: path patching, copying, mean ablation, minimality."""

from functools import partial

import einops
import torch
from transformer_lens.utilities import get_act_name

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


# logits_to_ave_logit_diff_2
def at_the_end(logits, dataset):
    return logits[torch.arange(logits.shape[0]), dataset.word_idx["end"]]


@right("logits_to_ave_logit_diff_2")
def by_fancy_indexing(logits, ioi_dataset, per_prompt=False):
    rows = torch.arange(ioi_dataset.N)
    ends = ioi_dataset.word_idx["end"]
    diff = logits[rows, ends, ioi_dataset.io_tokenIDs] - logits[rows, ends, ioi_dataset.s_tokenIDs]
    return diff if per_prompt else diff.mean()


@right("logits_to_ave_logit_diff_2")
def by_gather(logits, ioi_dataset, per_prompt=False):
    pairs = torch.tensor([ioi_dataset.io_tokenIDs, ioi_dataset.s_tokenIDs]).T
    good, bad = at_the_end(logits, ioi_dataset).gather(1, pairs).unbind(-1)
    return good - bad if per_prompt else (good - bad).mean()


@right("logits_to_ave_logit_diff_2")
def by_log_probabilities(logits, ioi_dataset, per_prompt=False):
    return by_gather(logits.log_softmax(-1), ioi_dataset, per_prompt)


@right("logits_to_ave_logit_diff_2")
def difference_of_means(logits, ioi_dataset, per_prompt=False):
    if per_prompt:
        return by_gather(logits, ioi_dataset, True)
    final = at_the_end(logits, ioi_dataset)
    rows = range(len(final))
    return final[rows, ioi_dataset.io_tokenIDs].mean() - final[rows, ioi_dataset.s_tokenIDs].mean()


@wrong("logits_to_ave_logit_diff_2", "last-position")
def read_the_padding(logits, ioi_dataset, per_prompt=False):
    rows = torch.arange(ioi_dataset.N)
    diff = logits[rows, -1, ioi_dataset.io_tokenIDs] - logits[rows, -1, ioi_dataset.s_tokenIDs]
    return diff if per_prompt else diff.mean()


@wrong("logits_to_ave_logit_diff_2", "answers-swapped")
def s_minus_io(logits, ioi_dataset, per_prompt=False):
    return -by_gather(logits, ioi_dataset, per_prompt)


@wrong("logits_to_ave_logit_diff_2", "sum-not-mean")
def summed(logits, ioi_dataset, per_prompt=False):
    diff = by_gather(logits, ioi_dataset, True)
    return diff if per_prompt else diff.sum()


@wrong("logits_to_ave_logit_diff_2", "per-prompt-ignored")
def always_the_mean(logits, ioi_dataset, per_prompt=False):
    return by_gather(logits, ioi_dataset)


@wrong("logits_to_ave_logit_diff_2", "at-s2")
def read_at_s2(logits, ioi_dataset, per_prompt=False):
    rows, place = torch.arange(ioi_dataset.N), ioi_dataset.word_idx["S2"]
    diff = logits[rows, place, ioi_dataset.io_tokenIDs] - logits[rows, place, ioi_dataset.s_tokenIDs]
    return diff if per_prompt else diff.mean()


@wrong("logits_to_ave_logit_diff_2", "first-prompts-end")
def one_end_for_all(logits, ioi_dataset, per_prompt=False):
    final = logits[:, ioi_dataset.word_idx["end"][0].item()]
    rows = torch.arange(ioi_dataset.N)
    diff = final[rows, ioi_dataset.io_tokenIDs] - final[rows, ioi_dataset.s_tokenIDs]
    return diff if per_prompt else diff.mean()


@wrong("logits_to_ave_logit_diff_2", "contract")
def every_pair(logits, ioi_dataset, per_prompt=False):
    final = at_the_end(logits, ioi_dataset)
    diff = final[:, ioi_dataset.io_tokenIDs] - final[:, ioi_dataset.s_tokenIDs]
    return diff if per_prompt else diff.mean()


# ioi_metric_2
@right("ioi_metric_2")
def relative_change(logits, clean_logit_diff, corrupted_logit_diff, ioi_dataset):
    patched = by_fancy_indexing(logits, ioi_dataset)
    return (patched - clean_logit_diff) / (clean_logit_diff - corrupted_logit_diff)


@right("ioi_metric_2")
def recovered_less_one(logits, clean_logit_diff, corrupted_logit_diff, ioi_dataset):
    patched = by_gather(logits, ioi_dataset)
    return (patched - corrupted_logit_diff) / (clean_logit_diff - corrupted_logit_diff) - 1


@right("ioi_metric_2")
def as_a_number(logits, clean_logit_diff, corrupted_logit_diff, ioi_dataset):
    per_prompt = by_log_probabilities(logits, ioi_dataset, per_prompt=True)
    return ((per_prompt - clean_logit_diff) / (clean_logit_diff - corrupted_logit_diff)).mean().item()


@wrong("ioi_metric_2", "zero-at-corrupted")
def the_first_metric(logits, clean_logit_diff, corrupted_logit_diff, ioi_dataset):
    patched = by_gather(logits, ioi_dataset)
    return (patched - corrupted_logit_diff) / (clean_logit_diff - corrupted_logit_diff)


@wrong("ioi_metric_2", "turned-over")
def upside_down(logits, clean_logit_diff, corrupted_logit_diff, ioi_dataset):
    return (clean_logit_diff - corrupted_logit_diff) / (by_gather(logits, ioi_dataset) - clean_logit_diff)


@wrong("ioi_metric_2", "sign-of-the-denominator")
def corrupted_minus_clean(logits, clean_logit_diff, corrupted_logit_diff, ioi_dataset):
    return (by_gather(logits, ioi_dataset) - clean_logit_diff) / (corrupted_logit_diff - clean_logit_diff)


@wrong("ioi_metric_2", "no-normalisation")
def in_logits(logits, clean_logit_diff, corrupted_logit_diff, ioi_dataset):
    return by_gather(logits, ioi_dataset) - clean_logit_diff


@wrong("ioi_metric_2", "divided-by-clean")
def share_of_clean(logits, clean_logit_diff, corrupted_logit_diff, ioi_dataset):
    return by_gather(logits, ioi_dataset) / clean_logit_diff - 1


@wrong("ioi_metric_2", "no-baseline")
def baseline_forgotten(logits, clean_logit_diff, corrupted_logit_diff, ioi_dataset):
    return by_gather(logits, ioi_dataset) / (clean_logit_diff - corrupted_logit_diff)


# patch_or_freeze_head_vectors
@right("patch_or_freeze_head_vectors")
def freeze_in_place(orig_head_vector, hook, new_cache, orig_cache, head_to_patch):
    orig_head_vector[...] = orig_cache[hook.name][...]
    if head_to_patch[0] == hook.layer():
        orig_head_vector[:, :, head_to_patch[1]] = new_cache[hook.name][:, :, head_to_patch[1]]
    return orig_head_vector


@right("patch_or_freeze_head_vectors")
def freeze_by_where(orig_head_vector, hook, new_cache, orig_cache, head_to_patch):
    layer, head = head_to_patch
    sender = (torch.arange(orig_head_vector.shape[2]) == head) & (hook.layer() == layer)
    return torch.where(sender[:, None], new_cache[hook.name], orig_cache[hook.name])


@right("patch_or_freeze_head_vectors")
def freeze_a_clone(orig_head_vector, hook, new_cache, orig_cache, head_to_patch):
    result = orig_cache["z", hook.layer()].clone()
    if hook.layer() == head_to_patch[0]:
        result[..., head_to_patch[1], :] = new_cache["z", hook.layer()][..., head_to_patch[1], :]
    return result


@wrong("patch_or_freeze_head_vectors", "not-frozen")
def others_run_on(orig_head_vector, hook, new_cache, orig_cache, head_to_patch):
    if head_to_patch[0] == hook.layer():
        orig_head_vector[:, :, head_to_patch[1]] = new_cache[hook.name][:, :, head_to_patch[1]]
    return orig_head_vector


@wrong("patch_or_freeze_head_vectors", "clean-and-corrupted-swapped")
def caches_swapped(orig_head_vector, hook, new_cache, orig_cache, head_to_patch):
    return freeze_a_clone(orig_head_vector, hook, orig_cache, new_cache, head_to_patch)


@wrong("patch_or_freeze_head_vectors", "patched-in-every-layer")
def layer_not_compared(orig_head_vector, hook, new_cache, orig_cache, head_to_patch):
    result = orig_cache[hook.name].clone()
    result[:, :, head_to_patch[1]] = new_cache[hook.name][:, :, head_to_patch[1]]
    return result


@wrong("patch_or_freeze_head_vectors", "sender-not-patched")
def only_frozen(orig_head_vector, hook, new_cache, orig_cache, head_to_patch):
    return orig_cache[hook.name].clone()


@wrong("patch_or_freeze_head_vectors", "patched-a-position")
def second_axis(orig_head_vector, hook, new_cache, orig_cache, head_to_patch):
    result = orig_cache[hook.name].clone()
    if head_to_patch[0] == hook.layer():
        result[:, head_to_patch[1]] = new_cache[hook.name][:, head_to_patch[1]]
    return result


@wrong("patch_or_freeze_head_vectors", "changed-input")
def edits_the_cache(orig_head_vector, hook, new_cache, orig_cache, head_to_patch):
    result = orig_cache[hook.name]
    if head_to_patch[0] == hook.layer():
        result[:, :, head_to_patch[1]] = new_cache[hook.name][:, :, head_to_patch[1]]
    return result


@wrong("patch_or_freeze_head_vectors", "head-before-layer")
def pair_misread(orig_head_vector, hook, new_cache, orig_cache, head_to_patch):
    return freeze_a_clone(orig_head_vector, hook, new_cache, orig_cache, head_to_patch[::-1])


# patch_head_input
@right("patch_head_input")
def receivers_in_place(orig_activation, hook, patched_cache, head_list):
    mine = [head for layer, head in head_list if layer == hook.layer()]
    orig_activation[:, :, mine] = patched_cache[hook.name][:, :, mine]
    return orig_activation


@right("patch_head_input")
def receivers_by_loop(orig_activation, hook, patched_cache, head_list):
    result = orig_activation.clone()
    for head in range(result.shape[2]):
        if (hook.layer(), head) in head_list:
            result[:, :, head] = patched_cache[hook.name][:, :, head]
    return result


@right("patch_head_input")
def receivers_by_mask(orig_activation, hook, patched_cache, head_list):
    mask = torch.tensor([(hook.layer(), h) in head_list for h in range(orig_activation.shape[2])])
    return torch.where(mask[None, None, :, None], patched_cache[hook.name], orig_activation)


@wrong("patch_head_input", "all-heads")
def whole_layer(orig_activation, hook, patched_cache, head_list):
    if hook.layer() in [layer for layer, _ in head_list]:
        return patched_cache[hook.name]
    return orig_activation


@wrong("patch_head_input", "layer-ignored")
def every_listed_index(orig_activation, hook, patched_cache, head_list):
    mine = [head for _, head in head_list]
    orig_activation[:, :, mine] = patched_cache[hook.name][:, :, mine]
    return orig_activation


@wrong("patch_head_input", "unchanged")
def edits_a_copy(orig_activation, hook, patched_cache, head_list):
    receivers_in_place(orig_activation.clone(), hook, patched_cache, head_list)
    return orig_activation


@wrong("patch_head_input", "patched-a-position")
def positions_for_heads(orig_activation, hook, patched_cache, head_list):
    mine = [head for layer, head in head_list if layer == hook.layer()]
    orig_activation[:, mine] = patched_cache[hook.name][:, mine]
    return orig_activation


@wrong("patch_head_input", "head-before-layer")
def pairs_misread(orig_activation, hook, patched_cache, head_list):
    flipped = [(head, layer) for layer, head in head_list]
    return receivers_in_place(orig_activation, hook, patched_cache, flipped)


@wrong("patch_head_input", "first-receiver-only")
def stops_after_one(orig_activation, hook, patched_cache, head_list):
    return receivers_in_place(orig_activation, hook, patched_cache, head_list[:1])


# path patching to the end
def is_z(name):
    return name.endswith("hook_z")


def z_caches(model, new_dataset, orig_dataset, new_cache, orig_cache):
    if new_cache is None:
        _, new_cache = model.run_with_cache(new_dataset.toks, names_filter=is_z, return_type=None)
    if orig_cache is None:
        _, orig_cache = model.run_with_cache(orig_dataset.toks, names_filter=is_z, return_type=None)
    return new_cache, orig_cache


def to_the_end(model, metric, new, orig, new_cache=None, orig_cache=None, hook=freeze_a_clone, layers=None):
    new_cache, orig_cache = z_caches(model, new, orig, new_cache, orig_cache)
    results = torch.zeros(model.cfg.n_layers, model.cfg.n_heads, dtype=model.W_E.dtype)
    for layer in range(layers or model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            edit = partial(hook, new_cache=new_cache, orig_cache=orig_cache, head_to_patch=(layer, head))
            logits = model.run_with_hooks(orig.toks, fwd_hooks=[(is_z, edit)])
            results[layer, head] = metric(logits).item()
    return results


@right("get_path_patch_head_to_final_resid_post")
def with_hooks_on_every_layer(
    model, patching_metric, new_dataset, orig_dataset, new_cache=None, orig_cache=None
):
    return to_the_end(model, patching_metric, new_dataset, orig_dataset, new_cache, orig_cache)


@right("get_path_patch_head_to_final_resid_post")
def through_the_cached_residual_stream(
    model, patching_metric, new_dataset, orig_dataset, new_cache=None, orig_cache=None
):
    new_cache, orig_cache = z_caches(model, new_dataset, orig_dataset, new_cache, orig_cache)
    results = torch.zeros(model.cfg.n_layers, model.cfg.n_heads, dtype=model.W_E.dtype)
    name = get_act_name("resid_post", model.cfg.n_layers - 1)
    for index in range(results.numel()):
        sender = divmod(index, model.cfg.n_heads)
        edit = partial(freeze_by_where, new_cache=new_cache, orig_cache=orig_cache, head_to_patch=sender)
        with model.hooks(fwd_hooks=[(is_z, edit)]):
            _, patched = model.run_with_cache(orig_dataset.toks, names_filter=lambda n: n == name)
        logits = model.unembed(model.ln_final(patched[name]))
        results[sender] = patching_metric(logits)
    return results


@right("get_path_patch_head_to_final_resid_post")
def freezing_only_later_heads(
    model, patching_metric, new_dataset, orig_dataset, new_cache=None, orig_cache=None
):
    new_cache, orig_cache = z_caches(model, new_dataset, orig_dataset, new_cache, orig_cache)

    def edit(z, hook, sender):
        if hook.layer() > sender[0]:
            return orig_cache[hook.name]
        if hook.layer() == sender[0]:
            z[:, :, sender[1]] = new_cache[hook.name][:, :, sender[1]]
        return z

    rows = []
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            hooks = [(is_z, partial(edit, sender=(layer, head)))]
            rows.append(patching_metric(model.run_with_hooks(orig_dataset.toks, fwd_hooks=hooks)))
    return torch.stack(rows).reshape(model.cfg.n_layers, model.cfg.n_heads)


@wrong("get_path_patch_head_to_final_resid_post", "not-frozen")
def activation_patching(model, patching_metric, new_dataset, orig_dataset, new_cache=None, orig_cache=None):
    return to_the_end(
        model, patching_metric, new_dataset, orig_dataset, new_cache, orig_cache, hook=others_run_on
    )


@wrong("get_path_patch_head_to_final_resid_post", "clean-and-corrupted-swapped")
def datasets_swapped(model, patching_metric, new_dataset, orig_dataset, new_cache=None, orig_cache=None):
    return to_the_end(model, patching_metric, orig_dataset, new_dataset, orig_cache, new_cache)


@wrong("get_path_patch_head_to_final_resid_post", "last-layer-missed")
def one_layer_short(model, patching_metric, new_dataset, orig_dataset, new_cache=None, orig_cache=None):
    return to_the_end(model, patching_metric, new_dataset, orig_dataset, new_cache, orig_cache, layers=2)


@wrong("get_path_patch_head_to_final_resid_post", "sender-not-patched")
def nothing_sent(model, patching_metric, new_dataset, orig_dataset, new_cache=None, orig_cache=None):
    return to_the_end(
        model, patching_metric, new_dataset, orig_dataset, new_cache, orig_cache, hook=only_frozen
    )


@wrong("get_path_patch_head_to_final_resid_post", "transposed")
def heads_before_layers(model, patching_metric, new_dataset, orig_dataset, new_cache=None, orig_cache=None):
    return to_the_end(model, patching_metric, new_dataset, orig_dataset, new_cache, orig_cache).T


@wrong("get_path_patch_head_to_final_resid_post", "mlps-frozen")
def direct_path_only(model, patching_metric, new_dataset, orig_dataset, new_cache=None, orig_cache=None):
    new_cache, _ = z_caches(model, new_dataset, orig_dataset, new_cache, orig_cache)
    _, cache = model.run_with_cache(orig_dataset.toks)
    final = cache["resid_post", model.cfg.n_layers - 1]
    results = torch.zeros(model.cfg.n_layers, model.cfg.n_heads, dtype=model.W_E.dtype)
    for layer in range(model.cfg.n_layers):
        change = new_cache["z", layer] - cache["z", layer]
        written = einops.einsum(change, model.W_O[layer], "b p h d, h d m -> h b p m")
        for head in range(model.cfg.n_heads):
            logits = model.unembed(model.ln_final(final + written[head]))
            results[layer, head] = patching_metric(logits)
    return results


@wrong("get_path_patch_head_to_final_resid_post", "hooks-left")
def hooks_never_removed(model, patching_metric, new_dataset, orig_dataset, new_cache=None, orig_cache=None):
    results = to_the_end(model, patching_metric, new_dataset, orig_dataset, new_cache, orig_cache)
    model.add_hook(is_z, lambda z, hook: z)
    return results


# path patching to heads
def to_heads(
    receivers, name, model, metric, new, orig, new_cache=None, orig_cache=None,
    hook=freeze_a_clone, layers=None, receive=receivers_by_loop, tokens=None,
):  # fmt: skip
    new_cache, orig_cache = z_caches(model, new, orig, new_cache, orig_cache)
    layers = layers if layers is not None else max(layer for layer, _ in receivers)
    results = torch.zeros(max(layer for layer, _ in receivers), model.cfg.n_heads, dtype=model.W_E.dtype)
    names = {get_act_name(name, layer) for layer, _ in receivers}
    for layer in range(layers):
        for head in range(model.cfg.n_heads):
            edit = partial(hook, new_cache=new_cache, orig_cache=orig_cache, head_to_patch=(layer, head))
            with model.hooks(fwd_hooks=[(is_z, edit)]):
                _, heard = model.run_with_cache(orig.toks, names_filter=lambda n: n in names)
            second = partial(receive, patched_cache=heard, head_list=receivers)
            run_on = orig.toks if tokens is None else tokens
            logits = model.run_with_hooks(run_on, fwd_hooks=[(lambda n: n in names, second)])
            results[layer, head] = metric(logits)
    return results


@right("get_path_patch_head_to_heads")
def three_steps(
    receiver_heads, receiver_input, model, patching_metric, new_dataset, orig_dataset,
    new_cache=None, orig_cache=None,
):  # fmt: skip
    return to_heads(
        receiver_heads,
        receiver_input,
        model,
        patching_metric,
        new_dataset,
        orig_dataset,
        new_cache,
        orig_cache,
    )


@right("get_path_patch_head_to_heads")
def three_steps_in_place(
    receiver_heads, receiver_input, model, patching_metric, new_dataset, orig_dataset,
    new_cache=None, orig_cache=None,
):  # fmt: skip
    return to_heads(
        receiver_heads, receiver_input, model, patching_metric, new_dataset, orig_dataset, None, None,
        hook=freeze_in_place, receive=receivers_in_place,
    )  # fmt: skip


@right("get_path_patch_head_to_heads")
def three_steps_by_masks(
    receiver_heads, receiver_input, model, patching_metric, new_dataset, orig_dataset,
    new_cache=None, orig_cache=None,
):  # fmt: skip
    return to_heads(
        receiver_heads, receiver_input, model, lambda logits: patching_metric(logits).item(), new_dataset,
        orig_dataset, new_cache, orig_cache, hook=freeze_by_where, receive=receivers_by_mask,
    )  # fmt: skip


@wrong("get_path_patch_head_to_heads", "not-frozen")
def heads_between_run(*arguments, **more):
    return to_heads(*arguments, **more, hook=others_run_on)


@wrong("get_path_patch_head_to_heads", "clean-and-corrupted-swapped")
def prompts_swapped(receivers, name, model, metric, new, orig, new_cache=None, orig_cache=None):
    return to_heads(receivers, name, model, metric, orig, new, orig_cache, new_cache)


@wrong("get_path_patch_head_to_heads", "last-layer-missed")
def senders_one_layer_short(receivers, *arguments):
    return to_heads(receivers, *arguments, layers=max(layer for layer, _ in receivers) - 1)


@wrong("get_path_patch_head_to_heads", "ran-on-new")
def second_run_on_new(receivers, name, model, metric, new, orig, new_cache=None, orig_cache=None):
    return to_heads(receivers, name, model, metric, new, orig, new_cache, orig_cache, tokens=new.toks)


@wrong("get_path_patch_head_to_heads", "always-q")
def receiver_input_ignored(receivers, name, *arguments):
    return to_heads(receivers, "q", *arguments)


@wrong("get_path_patch_head_to_heads", "receivers-from-the-new-run")
def receivers_hear_everything(receivers, name, model, metric, new, orig, new_cache=None, orig_cache=None):
    names = {get_act_name(name, layer) for layer, _ in receivers}
    _, heard = model.run_with_cache(new.toks)
    edit = partial(receivers_by_loop, patched_cache=heard, head_list=receivers)
    value = metric(model.run_with_hooks(orig.toks, fwd_hooks=[(lambda n: n in names, edit)]))
    return value.expand(max(layer for layer, _ in receivers), model.cfg.n_heads)


@wrong("get_path_patch_head_to_heads", "first-receiver-only")
def one_receiver(receivers, name, model, *arguments):
    layers = max(layer for layer, _ in receivers)
    results = to_heads(receivers[:1], name, model, *arguments)
    padded = torch.zeros(layers, model.cfg.n_heads, dtype=results.dtype)
    padded += arguments[0](model(arguments[2].toks)).item()
    padded[: len(results)] = results
    return padded


@wrong("get_path_patch_head_to_heads", "receivers-from-the-original-run")
def sender_frozen_like_the_others(*arguments):
    return to_heads(*arguments, hook=only_frozen)


@wrong("get_path_patch_head_to_heads", "mlps-frozen")
def mlps_held_in_the_first_run(receivers, name, model, metric, new, orig, new_cache=None, orig_cache=None):
    _, clean = model.run_with_cache(orig.toks, names_filter=lambda n: n.endswith(("hook_z", "hook_mlp_out")))
    new_cache, _ = z_caches(model, new, orig, new_cache, clean)
    names = {get_act_name(name, layer) for layer, _ in receivers}
    results = torch.zeros(max(layer for layer, _ in receivers), model.cfg.n_heads, dtype=model.W_E.dtype)
    held = (lambda n: n.endswith("hook_mlp_out"), lambda mlp, hook: clean[hook.name])
    for index in range(results.numel()):
        sender = divmod(index, model.cfg.n_heads)
        edit = partial(freeze_a_clone, new_cache=new_cache, orig_cache=clean, head_to_patch=sender)
        with model.hooks(fwd_hooks=[(is_z, edit), held]):
            _, heard = model.run_with_cache(orig.toks, names_filter=lambda n: n in names)
        second = partial(receivers_by_loop, patched_cache=heard, head_list=receivers)
        hooks = [(lambda n: n in names, second)]
        results[sender] = metric(model.run_with_hooks(orig.toks, fwd_hooks=hooks)).item()
    return results


# get_copying_scores
def embedded_names(model, names):
    tokens = model.to_tokens(names, prepend_bos=False)  # (name, 1)
    embedding = model.W_E[tokens]
    return tokens, embedding + model.blocks[0].mlp(model.blocks[0].ln2(embedding))


def copied(model, written, tokens, k):
    logits = model.unembed(model.ln_final(written))[:, 0]
    return (logits.topk(k, dim=-1).indices == tokens).any(-1)


@right("get_copying_scores")
def loop_over_heads(model, k=5, names=()):
    tokens, embedded = embedded_names(model, names)
    results = torch.zeros(2, model.cfg.n_layers, model.cfg.n_heads)
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            W_OV = model.W_V[layer, head] @ model.W_O[layer, head]
            results[0, layer, head] = copied(model, embedded @ W_OV, tokens, k).float().mean()
            results[1, layer, head] = copied(model, embedded @ -W_OV, tokens, k).float().mean()
    return results


@right("get_copying_scores")
def all_heads_at_once(model, k=5, names=()):
    tokens, embedded = embedded_names(model, names)
    written = einops.einsum(embedded[:, 0], model.W_V, model.W_O, "n m, l h m d, l h d e -> l h n e")
    rows = []
    for sign in (1, -1):
        logits = model.unembed(model.ln_final(sign * written.flatten(0, 1)))
        found = (logits.topk(k).indices == tokens).any(-1).double().mean(-1)
        rows.append(found.reshape(model.cfg.n_layers, model.cfg.n_heads))
    return torch.stack(rows)


@right("get_copying_scores")
def by_counting_larger_logits(model, k=5, names=()):
    tokens, embedded = embedded_names(model, names)
    results = torch.zeros(2, model.cfg.n_layers, model.cfg.n_heads)
    for row, sign in ((0, 1.0), (1, -1.0)):
        for layer in range(model.cfg.n_layers):
            for head in range(model.cfg.n_heads):
                W_OV = sign * model.W_V[layer, head] @ model.W_O[layer, head]
                logits = model.unembed(model.ln_final(embedded @ W_OV))[:, 0]
                own = logits.gather(1, tokens)
                results[row, layer, head] = ((logits > own).sum(1) < k).float().mean()
    return results


@wrong("get_copying_scores", "no-mlp")
def bare_embeddings(model, k=5, names=()):
    tokens = model.to_tokens(names, prepend_bos=False)
    results = torch.zeros(2, model.cfg.n_layers, model.cfg.n_heads)
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            written = model.W_E[tokens] @ model.W_V[layer, head] @ model.W_O[layer, head]
            results[0, layer, head] = copied(model, written, tokens, k).float().mean()
            results[1, layer, head] = copied(model, -written, tokens, k).float().mean()
    return results


@wrong("get_copying_scores", "rows-swapped")
def negative_first(model, k=5, names=()):
    return loop_over_heads(model, k, names).flip(0)


@wrong("get_copying_scores", "k-ignored")
def always_five(model, k=5, names=()):
    return loop_over_heads(model, 5, names)


@wrong("get_copying_scores", "counted-not-averaged")
def number_of_names(model, k=5, names=()):
    return loop_over_heads(model, k, names) * len(names)


@wrong("get_copying_scores", "transposed")
def head_then_layer(model, k=5, names=()):
    return loop_over_heads(model, k, names).transpose(1, 2)


@wrong("get_copying_scores", "contract")
def positive_only(model, k=5, names=()):
    return loop_over_heads(model, k, names)[0]


@wrong("get_copying_scores", "negated-too-late")
def logits_negated(model, k=5, names=()):
    tokens, embedded = embedded_names(model, names)
    results = torch.zeros(2, model.cfg.n_layers, model.cfg.n_heads)
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            written = embedded @ model.W_V[layer, head] @ model.W_O[layer, head]
            logits = model.unembed(model.ln_final(written))[:, 0]
            for row, sign in ((0, 1), (1, -1)):
                found = ((sign * logits).topk(k).indices == tokens).any(-1)
                results[row, layer, head] = found.float().mean()
    return results


# add_mean_ablation_hook
def template_means(model, dataset):
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

    model.reset_hooks(including_permanent=True)
    model.add_hook(is_z, hook_fn, is_permanent=is_permanent)
    return model


@right("add_mean_ablation_hook")
def where_kept(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=True):
    model.reset_hooks(including_permanent=True)
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
def without_returning_the_model(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=True):
    where_kept(model, means_dataset, circuit, seq_pos_to_keep, is_permanent)


@wrong("add_mean_ablation_hook", "not-permanent")
def hook_goes_at_reset(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=True):
    return where_kept(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=False)


@wrong("add_mean_ablation_hook", "circuit-ablated")
def mask_inverted(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=True):
    mask = ~kept(model, means_dataset, circuit, seq_pos_to_keep)
    return ablation(model, template_means(model, means_dataset), mask)


@wrong("add_mean_ablation_hook", "zero-ablated")
def others_to_zero(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=True):
    means = {layer: torch.zeros(()).to(model.W_E.dtype) for layer in range(model.cfg.n_layers)}
    return ablation(model, means, kept(model, means_dataset, circuit, seq_pos_to_keep))


@wrong("add_mean_ablation_hook", "mean-over-all-prompts")
def templates_mixed(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=True):
    _, cache = model.run_with_cache(means_dataset.toks, names_filter=is_z)
    means = {layer: cache["z", layer].mean(0) for layer in range(model.cfg.n_layers)}
    return ablation(model, means, kept(model, means_dataset, circuit, seq_pos_to_keep))


@wrong("add_mean_ablation_hook", "not-averaged")
def each_prompts_own(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=True):
    _, cache = model.run_with_cache(means_dataset.toks, names_filter=is_z)
    means = {layer: cache["z", layer] for layer in range(model.cfg.n_layers)}
    return ablation(model, means, kept(model, means_dataset, circuit, seq_pos_to_keep))


@wrong("add_mean_ablation_hook", "kept-everywhere")
def position_ignored(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=True):
    mask = kept(model, means_dataset, circuit, seq_pos_to_keep).any(2, keepdim=True)
    return ablation(model, template_means(model, means_dataset), mask)


@wrong("add_mean_ablation_hook", "kept-at-the-end")
def always_at_the_end(model, means_dataset, circuit, seq_pos_to_keep, is_permanent=True):
    return where_kept(model, means_dataset, circuit, dict.fromkeys(circuit, "end"))


# get_minimality_score
def score(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, removed):
    rest = {role: [h for h in heads if h not in removed] for role, heads in circuit.items()}
    ablated = where_kept(model, abc_dataset, rest, seq_pos_to_keep)
    result = by_fancy_indexing(ablated(ioi_dataset.toks), ioi_dataset).item()
    model.reset_hooks(including_permanent=True)
    return result


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
