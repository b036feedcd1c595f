"""Answers to chapter 2: path patching, its hooks and its sweeps."""

from functools import partial

import einops
import torch
from transformer_lens.utilities import get_act_name

from . import Bank

BANK = Bank()


right, wrong = BANK.right, BANK.wrong


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
    layers = model.cfg.n_layers - 1
    return to_the_end(model, patching_metric, new_dataset, orig_dataset, new_cache, orig_cache, layers=layers)


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
