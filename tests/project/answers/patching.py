"""Answers to chapter 2: hooks that patch, and sweeps."""

from functools import partial

import einops
import torch
from transformer_lens import patching
from transformer_lens.utilities import get_act_name

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


# patch_residual_component
@right("patch_residual_component")
def position_in_place(corrupted_residual_component, hook, pos, clean_cache):
    corrupted_residual_component[:, pos, :] = clean_cache[hook.name][:, pos, :]
    return corrupted_residual_component


@right("patch_residual_component")
def position_in_place_without_return(corrupted_residual_component, hook, pos, clean_cache):
    corrupted_residual_component[:, pos].copy_(clean_cache[hook.name][:, pos])


@right("patch_residual_component")
def position_by_a_mask(corrupted_residual_component, hook, pos, clean_cache):
    here = torch.arange(corrupted_residual_component.shape[1])[:, None] == pos
    return torch.where(here, clean_cache[hook.name], corrupted_residual_component)


@right("patch_residual_component")
def position_by_pieces(corrupted_residual_component, hook, pos, clean_cache):
    before, after = corrupted_residual_component[:, :pos], corrupted_residual_component[:, pos + 1 :]
    return torch.cat([before, clean_cache[hook.name][:, [pos]], after], dim=1)


@right("patch_residual_component")
def position_prompt_by_prompt(corrupted_residual_component, hook, pos, clean_cache):
    patched = corrupted_residual_component.clone()
    for prompt, clean in zip(patched, clean_cache[hook.name], strict=True):
        prompt[pos] = clean[pos]
    return patched


@wrong("patch_residual_component", "clean-and-corrupted-swapped")
def corrupted_into_clean(corrupted_residual_component, hook, pos, clean_cache):
    clean = clean_cache[hook.name].clone()
    clean[:, pos] = corrupted_residual_component[:, pos]
    return clean


@wrong("patch_residual_component", "changed-input")
def corrupted_into_the_cache(corrupted_residual_component, hook, pos, clean_cache):
    clean_cache[hook.name][:, pos] = corrupted_residual_component[:, pos]
    return clean_cache[hook.name]


@wrong("patch_residual_component", "all-positions")
def forgot_the_position(corrupted_residual_component, hook, pos, clean_cache):
    corrupted_residual_component[:] = clean_cache[hook.name]
    return corrupted_residual_component


@wrong("patch_residual_component", "positions-up-to")
def a_range_and_itself(corrupted_residual_component, hook, pos, clean_cache):
    corrupted_residual_component[:, : pos + 1] = clean_cache[hook.name][:, : pos + 1]
    return corrupted_residual_component


@wrong("patch_residual_component", "positions-before")
def a_range(corrupted_residual_component, hook, pos, clean_cache):
    corrupted_residual_component[:, :pos] = clean_cache[hook.name][:, :pos]
    return corrupted_residual_component


@wrong("patch_residual_component", "first-prompt-only")
def one_prompt(corrupted_residual_component, hook, pos, clean_cache):
    corrupted_residual_component[0, pos] = clean_cache[hook.name][0, pos]
    return corrupted_residual_component


@wrong("patch_residual_component", "added")
def plus_equals(corrupted_residual_component, hook, pos, clean_cache):
    corrupted_residual_component[:, pos] += clean_cache[hook.name][:, pos]
    return corrupted_residual_component


@wrong("patch_residual_component", "unchanged")
def edited_a_copy(corrupted_residual_component, hook, pos, clean_cache):
    copied = corrupted_residual_component.clone()
    copied[:, pos] = clean_cache[hook.name][:, pos]
    return corrupted_residual_component


@wrong("patch_residual_component", "name-written-out")
def always_resid_pre(corrupted_residual_component, hook, pos, clean_cache):
    clean = clean_cache[get_act_name("resid_pre", hook.layer())]
    corrupted_residual_component[:, pos] = clean[:, pos]
    return corrupted_residual_component


@wrong("patch_residual_component", "returned-slice")
def gave_back_the_slice(corrupted_residual_component, hook, pos, clean_cache):
    return clean_cache[hook.name][:, pos]


@wrong("patch_residual_component", "raised")
def another_name_for_hook(corrupted_residual_component, hook_point, pos, clean_cache):
    return position_in_place(corrupted_residual_component, hook_point, pos, clean_cache)


# patch_head_vector
@right("patch_head_vector")
def head_in_place(corrupted_head_vector, hook, head_index, clean_cache):
    corrupted_head_vector[:, :, head_index] = clean_cache[hook.name][:, :, head_index]
    return corrupted_head_vector


@right("patch_head_vector")
def head_by_a_weight(corrupted_head_vector, hook, head_index, clean_cache):
    chosen = torch.zeros(corrupted_head_vector.shape[2], dtype=corrupted_head_vector.dtype)
    chosen[head_index] = 1
    difference = clean_cache[hook.name] - corrupted_head_vector
    return corrupted_head_vector + einops.einsum(difference, chosen, "b p h d, h -> b p h d")


@right("patch_head_vector")
def head_by_pieces(corrupted_head_vector, hook, head_index, clean_cache):
    heads = list(corrupted_head_vector.unbind(dim=2))
    heads[head_index] = clean_cache[hook.name].unbind(dim=2)[head_index]
    return torch.stack(heads, dim=2)


@right("patch_head_vector")
def head_position_by_position(corrupted_head_vector, hook, head_index, clean_cache):
    patched = corrupted_head_vector.clone()
    for pos in range(patched.shape[1]):
        patched[:, pos, head_index] = clean_cache[hook.name][:, pos, head_index]
    return patched


@wrong("patch_head_vector", "clean-and-corrupted-swapped")
def corrupted_head_into_clean(corrupted_head_vector, hook, head_index, clean_cache):
    clean = clean_cache[hook.name] + 0
    clean[..., head_index, :] = corrupted_head_vector[..., head_index, :]
    return clean


@wrong("patch_head_vector", "changed-input")
def corrupted_head_into_the_cache(corrupted_head_vector, hook, head_index, clean_cache):
    patched = clean_cache[hook.name]
    patched[:, :, head_index] = corrupted_head_vector[:, :, head_index]
    return patched


@wrong("patch_head_vector", "all-heads")
def the_clean_run(corrupted_head_vector, hook, head_index, clean_cache):
    return clean_cache[hook.name]


@wrong("patch_head_vector", "patched-position")
def indexed_the_second_axis(corrupted_head_vector, hook, head_index, clean_cache):
    corrupted_head_vector[:, head_index] = clean_cache[hook.name][:, head_index]
    return corrupted_head_vector


@wrong("patch_head_vector", "last-position-only")
def only_the_end(corrupted_head_vector, hook, head_index, clean_cache):
    corrupted_head_vector[:, -1, head_index] = clean_cache[hook.name][:, -1, head_index]
    return corrupted_head_vector


@wrong("patch_head_vector", "first-prompt-only")
def head_of_one_prompt(corrupted_head_vector, hook, head_index, clean_cache):
    corrupted_head_vector[0, :, head_index] = clean_cache[hook.name][0, :, head_index]
    return corrupted_head_vector


@wrong("patch_head_vector", "added")
def head_plus_equals(corrupted_head_vector, hook, head_index, clean_cache):
    corrupted_head_vector[:, :, head_index] += clean_cache[hook.name][:, :, head_index]
    return corrupted_head_vector


@wrong("patch_head_vector", "unchanged")
def the_corrupted_run(corrupted_head_vector, hook, head_index, clean_cache):
    head = corrupted_head_vector[:, :, head_index]
    head = clean_cache[hook.name][:, :, head_index]  # binds a name: the activation stays as it was
    return corrupted_head_vector if head is not None else head


@wrong("patch_head_vector", "always-head-0")
def head_0(corrupted_head_vector, hook, head_index, clean_cache):
    corrupted_head_vector[:, :, 0] = clean_cache[hook.name][:, :, 0]
    return corrupted_head_vector


@wrong("patch_head_vector", "name-written-out")
def always_z(corrupted_head_vector, hook, head_index, clean_cache):
    corrupted_head_vector[:, :, head_index] = clean_cache["z", hook.layer()][:, :, head_index]
    return corrupted_head_vector


# patch_attn_patterns
@right("patch_attn_patterns")
def pattern_in_place(corrupted_head_pattern, hook, head_index, clean_cache):
    corrupted_head_pattern[:, head_index] = clean_cache[hook.name][:, head_index]
    return corrupted_head_pattern


@right("patch_attn_patterns")
def pattern_on_a_copy(corrupted_head_pattern, hook, head_index, clean_cache):
    patched = torch.clone(corrupted_head_pattern)
    patched[:, head_index, :, :] = clean_cache["pattern", hook.layer()][:, head_index, :, :]
    return patched


@right("patch_attn_patterns")
def pattern_by_index_copy(corrupted_head_pattern, hook, head_index, clean_cache):
    where = torch.tensor([head_index])
    return corrupted_head_pattern.index_copy(1, where, clean_cache[hook.name][:, where])


@right("patch_attn_patterns")
def pattern_query_by_query(corrupted_head_pattern, hook, head_index, clean_cache):
    for query in range(corrupted_head_pattern.shape[-2]):
        for prompt in range(corrupted_head_pattern.shape[0]):
            clean = clean_cache[hook.name][prompt, head_index, query]
            corrupted_head_pattern[prompt, head_index, query] = clean


@wrong("patch_attn_patterns", "patched-query")
def indexed_like_z(corrupted_head_pattern, hook, head_index, clean_cache):
    corrupted_head_pattern[:, :, head_index] = clean_cache[hook.name][:, :, head_index]
    return corrupted_head_pattern


@wrong("patch_attn_patterns", "patched-key")
def indexed_the_last_axis(corrupted_head_pattern, hook, head_index, clean_cache):
    corrupted_head_pattern[..., head_index] = clean_cache[hook.name][..., head_index]
    return corrupted_head_pattern


@wrong("patch_attn_patterns", "all-heads")
def all_clean_patterns(corrupted_head_pattern, hook, head_index, clean_cache):
    return clean_cache["pattern", hook.layer()].clone()


@wrong("patch_attn_patterns", "clean-and-corrupted-swapped")
def corrupted_pattern_into_clean(corrupted_head_pattern, hook, head_index, clean_cache):
    patched = clean_cache[hook.name].clone()
    patched[:, head_index] = corrupted_head_pattern[:, head_index]
    return patched


@wrong("patch_attn_patterns", "last-position-only")
def only_the_last_query(corrupted_head_pattern, hook, head_index, clean_cache):
    corrupted_head_pattern[:, head_index, -1] = clean_cache[hook.name][:, head_index, -1]
    return corrupted_head_pattern


@wrong("patch_attn_patterns", "added")
def patterns_added_up(corrupted_head_pattern, hook, head_index, clean_cache):
    corrupted_head_pattern[:, head_index] += clean_cache[hook.name][:, head_index]
    return corrupted_head_pattern


@wrong("patch_attn_patterns", "unchanged")
def patched_a_copy_only(corrupted_head_pattern, hook, head_index, clean_cache):
    pattern_in_place(corrupted_head_pattern.clone(), hook, head_index, clean_cache)
    return corrupted_head_pattern


@wrong("patch_attn_patterns", "first-prompt-only")
def pattern_of_one_prompt(corrupted_head_pattern, hook, head_index, clean_cache):
    corrupted_head_pattern[0, head_index] = clean_cache[hook.name][0, head_index]
    return corrupted_head_pattern


@wrong("patch_attn_patterns", "returned-slice")
def one_heads_pattern(corrupted_head_pattern, hook, head_index, clean_cache):
    return clean_cache[hook.name][:, head_index]


# get_act_patch_resid_pre
@right("get_act_patch_resid_pre")
def loops_and_partials(model, corrupted_tokens, clean_cache, patching_metric):
    model.reset_hooks()
    results = torch.zeros(model.cfg.n_layers, corrupted_tokens.size(1))
    for layer in range(model.cfg.n_layers):
        for pos in range(corrupted_tokens.shape[1]):
            hook_fn = partial(position_in_place, pos=pos, clean_cache=clean_cache)
            logits = model.run_with_hooks(
                corrupted_tokens, fwd_hooks=[(get_act_name("resid_pre", layer), hook_fn)]
            )
            results[layer, pos] = patching_metric(logits)
    return results


@right("get_act_patch_resid_pre")
def in_the_hooks_context(model, corrupted_tokens, clean_cache, patching_metric):
    def with_patch(layer, pos):
        def hook_fn(resid_pre, hook):
            return position_by_a_mask(resid_pre, hook, pos, clean_cache)

        with model.hooks(fwd_hooks=[(f"blocks.{layer}.hook_resid_pre", hook_fn)]):
            return patching_metric(model(corrupted_tokens)).item()

    positions = range(corrupted_tokens.shape[-1])
    return torch.tensor(
        [[with_patch(layer, pos) for pos in positions] for layer in range(model.cfg.n_layers)]
    )


@right("get_act_patch_resid_pre")
def add_hook_and_reset(model, corrupted_tokens, clean_cache, patching_metric):
    rows = []
    with torch.no_grad():
        for layer in range(model.cfg.n_layers):
            for pos in range(corrupted_tokens.shape[1]):
                model.add_hook(
                    get_act_name("resid_pre", layer),
                    lambda x, hook, pos=pos: position_by_pieces(x, hook, pos, clean_cache),
                )
                rows.append(patching_metric(model(corrupted_tokens)))
                model.reset_hooks()
    return torch.stack(rows).reshape(model.cfg.n_layers, -1)


@right("get_act_patch_resid_pre")
def all_positions_in_one_batch(model, corrupted_tokens, clean_cache, patching_metric):
    batch, length = corrupted_tokens.shape
    tokens = corrupted_tokens.repeat(length, 1)  # (pos batch) seq

    def hook_fn(resid_pre, hook):
        copies = einops.rearrange(resid_pre, "(pos b) s m -> pos b s m", b=batch).clone()
        for pos in range(length):
            copies[pos, :, pos] = clean_cache[hook.name][:, pos]
        return copies.flatten(0, 1)

    rows = []
    for layer in range(model.cfg.n_layers):
        logits = model.run_with_hooks(tokens, fwd_hooks=[(get_act_name("resid_pre", layer), hook_fn)])
        rows.append(torch.stack([patching_metric(chunk) for chunk in logits.split(batch)]))
    return torch.stack(rows)


def by_position(name, hook_function, layers=None):
    """A sweep with a hook function of one's own."""

    def sweep(model, corrupted_tokens, clean_cache, patching_metric):
        results = torch.zeros(model.cfg.n_layers, corrupted_tokens.shape[1])
        for layer in range(layers(model) if layers else model.cfg.n_layers):
            for pos in range(corrupted_tokens.shape[1]):
                patch = partial(hook_function, pos=pos, clean_cache=clean_cache)
                hooks = [(get_act_name(name, layer), patch)]
                results[layer, pos] = patching_metric(model.run_with_hooks(corrupted_tokens, fwd_hooks=hooks))
        return results

    return sweep


@wrong("get_act_patch_resid_pre", "ready-made")
def called_the_library(model, corrupted_tokens, clean_cache, patching_metric):
    return patching.get_act_patch_resid_pre(model, corrupted_tokens, clean_cache, patching_metric)


@wrong("get_act_patch_resid_pre", "hooks-left")
def never_reset(model, corrupted_tokens, clean_cache, patching_metric):
    results = torch.zeros(model.cfg.n_layers, corrupted_tokens.shape[1])
    for layer in range(model.cfg.n_layers):
        for pos in range(corrupted_tokens.shape[1]):
            patch = partial(position_in_place, pos=pos, clean_cache=clean_cache)
            model.add_hook(get_act_name("resid_pre", layer), patch)
            results[layer, pos] = patching_metric(model(corrupted_tokens))
    return results


@wrong("get_act_patch_resid_pre", "hooks-pile-up")
def reset_after_the_loops(model, corrupted_tokens, clean_cache, patching_metric):
    results = never_reset(model, corrupted_tokens, clean_cache, patching_metric)
    model.reset_hooks()
    return results


@wrong("get_act_patch_resid_pre", "positions-up-to")
def one_list_of_hooks_for_each_layer(model, corrupted_tokens, clean_cache, patching_metric):
    results = torch.zeros(model.cfg.n_layers, corrupted_tokens.shape[1])
    for layer in range(model.cfg.n_layers):
        hooks = []
        for pos in range(corrupted_tokens.shape[1]):
            patch = partial(position_in_place, pos=pos, clean_cache=clean_cache)
            hooks.append((get_act_name("resid_pre", layer), patch))
            results[layer, pos] = patching_metric(model.run_with_hooks(corrupted_tokens, fwd_hooks=hooks))
    return results


@wrong("get_act_patch_resid_pre", "nothing-patched")
def measured_the_plain_run(model, corrupted_tokens, clean_cache, patching_metric):
    results = torch.zeros(model.cfg.n_layers, corrupted_tokens.shape[1])
    logits = model(corrupted_tokens)
    for layer in range(model.cfg.n_layers):
        for pos in range(corrupted_tokens.shape[1]):
            patch = partial(position_in_place, pos=pos, clean_cache=clean_cache)
            model.run_with_hooks(corrupted_tokens, fwd_hooks=[(get_act_name("resid_pre", layer), patch)])
            results[layer, pos] = patching_metric(logits)
    return results


@wrong("get_act_patch_resid_pre", "nothing-patched")
def cached_the_corrupted_run_again(model, corrupted_tokens, clean_cache, patching_metric):
    _, cache = model.run_with_cache(corrupted_tokens)
    return loops_and_partials(model, corrupted_tokens, cache, patching_metric)


@wrong("get_act_patch_resid_pre", "last-layer-missing")
def stopped_one_layer_early(model, corrupted_tokens, clean_cache, patching_metric):
    sweep = by_position("resid_pre", position_in_place, layers=lambda model: model.cfg.n_layers - 1)
    return sweep(model, corrupted_tokens, clean_cache, patching_metric)


@wrong("get_act_patch_resid_pre", "transposed")
def positions_by_layers(model, corrupted_tokens, clean_cache, patching_metric):
    return loops_and_partials(model, corrupted_tokens, clean_cache, patching_metric).T


@wrong("get_act_patch_resid_pre", "baseline-subtracted")
def the_change_of_the_metric(model, corrupted_tokens, clean_cache, patching_metric):
    before = patching_metric(model(corrupted_tokens))
    return loops_and_partials(model, corrupted_tokens, clean_cache, patching_metric) - before


@wrong("get_act_patch_resid_pre", "always-last-position")
def bound_pos_too_late(model, corrupted_tokens, clean_cache, patching_metric):
    hooks = []
    for layer in range(model.cfg.n_layers):
        for pos in range(corrupted_tokens.shape[1]):
            name = get_act_name("resid_pre", layer)
            hooks.append((name, lambda x, hook: position_in_place(x, hook, pos, clean_cache)))  # noqa: B023
    values = [patching_metric(model.run_with_hooks(corrupted_tokens, fwd_hooks=[hook])) for hook in hooks]
    return torch.stack(values).view(model.cfg.n_layers, -1)


for diagnosis, name, implementation in (
    ("resid-post-instead", "hooked_resid_post", by_position("resid_post", position_in_place)),
    ("mlp-out-instead", "hooked_resid_mid", by_position("resid_mid", position_by_a_mask)),
    ("resid-post-instead", "hooked_resid_mid_in_place", by_position("resid_mid", position_in_place)),
    ("attn-out-instead", "hooked_attn_out", by_position("attn_out", position_in_place)),
    ("all-positions", "patched_it_all", by_position("resid_pre", forgot_the_position)),
    ("positions-up-to", "patched_ranges", by_position("resid_pre", a_range_and_itself)),
    ("first-prompt-only", "patched_one_prompt", by_position("resid_pre", one_prompt)),
    ("added", "patched_by_adding", by_position("resid_pre", plus_equals)),
    ("clean-and-corrupted-swapped", "patched_the_others", by_position("resid_pre", corrupted_into_clean)),
    ("changed-input", "patched_the_cache", by_position("resid_pre", corrupted_into_the_cache)),
    ("nothing-patched", "patched_a_copy", by_position("resid_pre", edited_a_copy)),
):
    implementation.__name__ = name
    wrong("get_act_patch_resid_pre", diagnosis)(implementation)


# get_act_patch_block_every
BLOCK = ("resid_pre", "attn_out", "mlp_out")


def stacked(names, sweep_of):
    def sweeps(model, corrupted_tokens, clean_cache, patching_metric):
        given = (model, corrupted_tokens, clean_cache, patching_metric)
        return torch.stack([sweep_of(name)(*given) for name in names])

    return sweeps


@right("get_act_patch_block_every")
def three_sweeps_stacked(model, corrupted_tokens, clean_cache, patching_metric):
    given = (model, corrupted_tokens, clean_cache, patching_metric)
    return torch.stack([by_position(name, position_in_place)(*given) for name in BLOCK], dim=0)


@right("get_act_patch_block_every")
def three_loops(model, corrupted_tokens, clean_cache, patching_metric):
    results = torch.zeros(3, model.cfg.n_layers, corrupted_tokens.shape[1], dtype=torch.float64)
    for i, name in enumerate(BLOCK):
        for layer in range(model.cfg.n_layers):
            for pos in range(corrupted_tokens.shape[1]):
                patch = partial(position_by_a_mask, pos=pos, clean_cache=clean_cache)
                with model.hooks(fwd_hooks=[(get_act_name(name, layer), patch)]):
                    results[i, layer, pos] = patching_metric(model(corrupted_tokens))
    return results


@right("get_act_patch_block_every")
def resid_pre_and_then_the_writers(model, corrupted_tokens, clean_cache, patching_metric):
    given = (model, corrupted_tokens, clean_cache, patching_metric)
    first = all_positions_in_one_batch(*given)
    writers = []
    for name in ("blocks.{}.hook_attn_out", "blocks.{}.hook_mlp_out"):
        for layer in range(model.cfg.n_layers):
            for pos in range(corrupted_tokens.shape[1]):
                model.add_hook(
                    name.format(layer), partial(position_by_pieces, pos=pos, clean_cache=clean_cache)
                )
                writers.append(patching_metric(model(corrupted_tokens)).detach())
                model.reset_hooks()
    return torch.cat([first[None], torch.stack(writers).view(2, *first.shape)])


@wrong("get_act_patch_block_every", "ready-made")
def called_the_library_for_blocks(model, corrupted_tokens, clean_cache, patching_metric):
    return patching.get_act_patch_block_every(model, corrupted_tokens, clean_cache, patching_metric)


@wrong("get_act_patch_block_every", "transposed")
def stacked_along_the_end(model, corrupted_tokens, clean_cache, patching_metric):
    results = three_sweeps_stacked(model, corrupted_tokens, clean_cache, patching_metric)
    return results.transpose(0, 1)


@wrong("get_act_patch_block_every", "hooks-pile-up")
def reset_once_for_each_activation(model, corrupted_tokens, clean_cache, patching_metric):
    results = torch.zeros(3, model.cfg.n_layers, corrupted_tokens.shape[1])
    for i, name in enumerate(BLOCK):
        for layer in range(model.cfg.n_layers):
            for pos in range(corrupted_tokens.shape[1]):
                patch = partial(position_in_place, pos=pos, clean_cache=clean_cache)
                model.add_hook(get_act_name(name, layer), patch)
                results[i, layer, pos] = patching_metric(model(corrupted_tokens))
        model.reset_hooks()
    return results


def for_block(hook_function):
    return stacked(BLOCK, lambda name: by_position(name, hook_function))


def short(name):
    return by_position(name, position_in_place, layers=lambda model: model.cfg.n_layers - 1)


for diagnosis, name, implementation in (
    (
        "attn-and-mlp-swapped",
        "mlp_before_attention",
        stacked(("resid_pre", "mlp_out", "attn_out"), lambda name: by_position(name, position_in_place)),
    ),
    (
        "resid-post-for-pre",
        "resid_post_first",
        stacked(("resid_post", *BLOCK[1:]), lambda name: by_position(name, position_in_place)),
    ),
    (
        "same-activation",
        "resid_pre_three_times",
        stacked(BLOCK, lambda name: by_position("resid_pre", position_in_place)),
    ),
    ("all-positions", "blocks_patched_whole", for_block(forgot_the_position)),
    ("positions-up-to", "blocks_patched_up_to", for_block(a_range_and_itself)),
    ("clean-and-corrupted-swapped", "blocks_patched_elsewhere", for_block(corrupted_into_clean)),
    ("nothing-patched", "blocks_left_alone", for_block(edited_a_copy)),
    ("first-prompt-only", "blocks_of_one_prompt", for_block(one_prompt)),
    ("changed-input", "blocks_of_the_cache", for_block(corrupted_into_the_cache)),
    ("last-layer-missing", "blocks_but_the_last", stacked(BLOCK, short)),
):
    implementation.__name__ = name
    wrong("get_act_patch_block_every", diagnosis)(implementation)


# get_act_patch_attn_head_out_all_pos
def by_head(name, hook_function):
    """A sweep over heads with a hook function of one's own."""

    def sweep(model, corrupted_tokens, clean_cache, patching_metric):
        results = torch.zeros(model.cfg.n_layers, model.cfg.n_heads)
        for layer in range(model.cfg.n_layers):
            for head in range(model.cfg.n_heads):
                patch = partial(hook_function, head_index=head, clean_cache=clean_cache)
                hooks = [(get_act_name(name, layer), patch)]
                results[layer, head] = patching_metric(
                    model.run_with_hooks(corrupted_tokens, fwd_hooks=hooks)
                )
        return results

    return sweep


@right("get_act_patch_attn_head_out_all_pos")
def heads_in_loops(model, corrupted_tokens, clean_cache, patching_metric):
    return by_head("z", head_in_place)(model, corrupted_tokens, clean_cache, patching_metric)


@right("get_act_patch_attn_head_out_all_pos")
def heads_in_the_hooks_context(model, corrupted_tokens, clean_cache, patching_metric):
    values = []
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):

            def patch(z, hook, head=head):
                return head_by_pieces(z, hook, head, clean_cache)

            with model.hooks(fwd_hooks=[(f"blocks.{layer}.attn.hook_z", patch)]), torch.no_grad():
                values.append(patching_metric(model(corrupted_tokens)))
    return einops.rearrange(torch.stack(values), "(layer head) -> layer head", layer=model.cfg.n_layers)


@right("get_act_patch_attn_head_out_all_pos")
def all_heads_in_one_batch(model, corrupted_tokens, clean_cache, patching_metric):
    batch, heads = len(corrupted_tokens), model.cfg.n_heads

    def patch(z, hook):
        copies = z.unflatten(0, (heads, batch)).clone()
        for head in range(heads):
            copies[head, :, :, head] = clean_cache[hook.name][:, :, head]
        return copies.flatten(0, 1)

    def of_layer(layer):
        tokens = torch.cat([corrupted_tokens] * heads)
        logits = model.run_with_hooks(tokens, fwd_hooks=[(get_act_name("z", layer), patch)])
        return torch.stack([patching_metric(chunk) for chunk in logits.chunk(heads)])

    return torch.stack([of_layer(layer) for layer in range(model.cfg.n_layers)])


@wrong("get_act_patch_attn_head_out_all_pos", "ready-made")
def called_the_library_for_heads(model, corrupted_tokens, clean_cache, patching_metric):
    sweep = patching.get_act_patch_attn_head_out_all_pos
    return sweep(model, corrupted_tokens, clean_cache, patching_metric)


@wrong("get_act_patch_attn_head_out_all_pos", "transposed")
def heads_by_layers(model, corrupted_tokens, clean_cache, patching_metric):
    results = torch.zeros(model.cfg.n_heads, model.cfg.n_layers)
    for layer, row in enumerate(heads_in_loops(model, corrupted_tokens, clean_cache, patching_metric)):
        results[:, layer] = row
    return results


@wrong("get_act_patch_attn_head_out_all_pos", "hooks-left")
def left_its_hooks(model, corrupted_tokens, clean_cache, patching_metric):
    results = torch.zeros(model.cfg.n_layers, model.cfg.n_heads)
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            patch = partial(head_in_place, head_index=head, clean_cache=clean_cache)
            model.add_hook(get_act_name("z", layer), patch)
            results[layer, head] = patching_metric(model(corrupted_tokens))
    return results


@wrong("get_act_patch_attn_head_out_all_pos", "hooks-pile-up")
def reset_when_done(model, corrupted_tokens, clean_cache, patching_metric):
    results = left_its_hooks(model, corrupted_tokens, clean_cache, patching_metric)
    model.reset_hooks()
    return results


@wrong("get_act_patch_attn_head_out_all_pos", "last-layer-missing")
def one_row_left_at_zero(model, corrupted_tokens, clean_cache, patching_metric):
    results = heads_in_loops(model, corrupted_tokens, clean_cache, patching_metric)
    results[model.cfg.n_layers - 1] = 0
    return results


@wrong("get_act_patch_attn_head_out_all_pos", "one-layer-short")
def one_row_too_few(model, corrupted_tokens, clean_cache, patching_metric):
    return heads_in_loops(model, corrupted_tokens, clean_cache, patching_metric)[:-1]


for diagnosis, name, implementation in (
    ("all-heads", "whole_z", by_head("z", the_clean_run)),
    ("patched-position", "positions_for_heads", by_head("z", indexed_the_second_axis)),
    ("last-position-only", "heads_at_the_end", by_head("z", only_the_end)),
    ("first-prompt-only", "heads_of_one_prompt", by_head("z", head_of_one_prompt)),
    ("added", "heads_added", by_head("z", head_plus_equals)),
    ("clean-and-corrupted-swapped", "the_other_heads", by_head("z", corrupted_head_into_clean)),
    ("changed-input", "heads_of_the_cache", by_head("z", corrupted_head_into_the_cache)),
    ("nothing-patched", "heads_left_alone", by_head("z", the_corrupted_run)),
    ("v-instead", "values_for_outputs", by_head("v", head_in_place)),
    ("pattern-instead", "patterns_for_outputs", by_head("pattern", pattern_in_place)),
):
    implementation.__name__ = name
    wrong("get_act_patch_attn_head_out_all_pos", diagnosis)(implementation)


# get_act_patch_attn_head_all_pos_every
VECTORS = ("z", "q", "k", "v")
EVERY = (*VECTORS, "pattern")


def right_hook(name):
    return by_head(name, pattern_in_place if name == "pattern" else head_in_place)


@right("get_act_patch_attn_head_all_pos_every")
def five_sweeps_stacked(model, corrupted_tokens, clean_cache, patching_metric):
    given = (model, corrupted_tokens, clean_cache, patching_metric)
    vectors = [by_head(name, head_in_place)(*given) for name in VECTORS]
    return torch.stack([*vectors, by_head("pattern", pattern_on_a_copy)(*given)])


@right("get_act_patch_attn_head_all_pos_every")
def five_loops(model, corrupted_tokens, clean_cache, patching_metric):
    results = torch.zeros(5, model.cfg.n_layers, model.cfg.n_heads)
    for i, name in enumerate(EVERY):
        for layer in range(model.cfg.n_layers):
            for head in range(model.cfg.n_heads):

                def patch(x, hook, head=head):
                    where = (slice(None), head) if x.shape[-1] == x.shape[-2] else (..., head, slice(None))
                    x[where] = clean_cache[hook.name][where]
                    return x

                with model.hooks(fwd_hooks=[(get_act_name(name, layer), patch)]):
                    results[i, layer, head] = patching_metric(model(corrupted_tokens)).item()
    return results


@right("get_act_patch_attn_head_all_pos_every")
def head_by_head_then_sorted(model, corrupted_tokens, clean_cache, patching_metric):
    hooks = dict.fromkeys(VECTORS, head_position_by_position) | {"pattern": pattern_by_index_copy}
    values = {}
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            for name, function in hooks.items():
                patch = partial(function, head_index=head, clean_cache=clean_cache)
                model.add_hook(get_act_name(name, layer), patch)
                values[name, layer, head] = patching_metric(model(corrupted_tokens)).detach()
                model.reset_hooks()
    in_order = [values[key] for key in sorted(values, key=lambda key: (EVERY.index(key[0]), *key[1:]))]
    return torch.stack(in_order).view(5, model.cfg.n_layers, model.cfg.n_heads)


@wrong("get_act_patch_attn_head_all_pos_every", "ready-made")
def called_the_library_for_everything(model, corrupted_tokens, clean_cache, patching_metric):
    sweep = patching.get_act_patch_attn_head_all_pos_every
    return sweep(model, corrupted_tokens, clean_cache, patching_metric)


@wrong("get_act_patch_attn_head_all_pos_every", "transposed")
def layers_and_heads_swapped(model, corrupted_tokens, clean_cache, patching_metric):
    return five_sweeps_stacked(model, corrupted_tokens, clean_cache, patching_metric).mT


def in_order(*names):
    return stacked(names, right_hook)


def for_every(vector_hook, pattern_hook):
    return stacked(EVERY, lambda name: by_head(name, pattern_hook if name == "pattern" else vector_hook))


for diagnosis, name, implementation in (
    ("z-after-v", "in_the_order_of_the_forward_pass", in_order("q", "k", "v", "z", "pattern")),
    ("k-and-v-swapped", "values_before_keys", in_order("z", "q", "v", "k", "pattern")),
    ("q-and-k-swapped", "keys_before_queries", in_order("z", "k", "q", "v", "pattern")),
    ("same-activation", "always_hooked_z", in_order("z", "z", "z", "z", "z")),
    ("pattern-axis", "vector_hook_for_patterns", for_every(head_in_place, head_in_place)),
    ("vector-axis", "pattern_hook_for_vectors", for_every(pattern_in_place, pattern_in_place)),
    ("all-heads", "everything_whole", for_every(the_clean_run, all_clean_patterns)),
    ("nothing-patched", "everything_left_alone", for_every(the_corrupted_run, patched_a_copy_only)),
    ("last-position-only", "everything_at_the_end", for_every(only_the_end, only_the_last_query)),
    ("added", "everything_added", for_every(head_plus_equals, patterns_added_up)),
    (
        "clean-and-corrupted-swapped",
        "everything_else",
        for_every(corrupted_head_into_clean, corrupted_pattern_into_clean),
    ),
):
    implementation.__name__ = name
    wrong("get_act_patch_attn_head_all_pos_every", diagnosis)(implementation)
