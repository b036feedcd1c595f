"""The known wrong ways of chapter 2: hooks that patch, and sweeps. They share the edits of patching_edits."""

import torch
from transformer_lens.utilities import get_act_name

from patchbook.checking import Mistake
from patchbook.tests.mistakes.patching_edits import (
    ADDED,
    ALL,
    ALWAYS_FIRST,
    ALWAYS_LAST,
    BEFORE,
    BY_HEAD,
    BY_PATTERN,
    BY_POSITION,
    DIMENSION,
    FIRST_PROMPT,
    FROM,
    KEY_NOT_HEAD,
    LAST_POSITION,
    NEXT,
    PATTERN_AXIS,
    POSITION_NOT_HEAD,
    QUERY_NOT_HEAD,
    RETURNED_SLICE,
    SWAPPED,
    UNCHANGED,
    UP_TO,
    VECTOR_AXIS,
    one,
)


def _mistake(row, wrong, words):
    texts = (text.format(**words) for text in (row.what, row.next))
    return Mistake(row.id.format(**words), wrong, *texts)


def _hooks(axis, words, *rows):
    """The rows as hooks, called as TransformerLens calls them."""

    def hook_of(row):
        def wrong(activation, hook, clean_cache, **index):
            return row.edit(activation, clean_cache[hook.name], axis, *index.values())

        return wrong

    return tuple(_mistake(row, hook_of(row), words) for row in rows)


def _name_written_out(axis, name):
    def wrong(activation, hook, clean_cache, **index):
        return one(activation, clean_cache[name, hook.layer()], axis, *index.values())

    return Mistake(
        "name-written-out",
        wrong,
        f"the clean activation is always {name}, whichever activation the hook sits on.",
        "Look it up under the hook's own name: clean_cache[hook.name].",
    )


def _always_layer_0(axis):
    def wrong(activation, hook, clean_cache, **index):
        name = hook.name.replace(f"blocks.{hook.layer()}.", "blocks.0.")
        return one(activation, clean_cache[name], axis, *index.values())

    return Mistake(
        "always-layer-0",
        wrong,
        "the clean activation is always layer 0's.",
        "Look it up under the hook's own name: clean_cache[hook.name].",
    )


_SHARED = (SWAPPED, ALL, FIRST_PROMPT, ADDED, ALWAYS_FIRST, ALWAYS_LAST, NEXT, RETURNED_SLICE, UNCHANGED)


patch_residual_component = (
    *_hooks(1, BY_POSITION, *_SHARED, UP_TO, BEFORE, FROM, DIMENSION),
    _name_written_out(1, "resid_pre"),
    _always_layer_0(1),
)


patch_head_vector = (
    *_hooks(2, BY_HEAD, *_SHARED, LAST_POSITION, POSITION_NOT_HEAD, DIMENSION),
    _name_written_out(2, "z"),
    _always_layer_0(2),
)


patch_attn_patterns = (
    *_hooks(1, BY_PATTERN, *_SHARED, LAST_POSITION, QUERY_NOT_HEAD, KEY_NOT_HEAD),
    _always_layer_0(1),
)


def _cells(name, model, tokens, words):
    """Every (layer, index) of a sweep, row by row, and the axis that the index counts along."""
    columns = tokens.shape[1] if words is BY_POSITION else model.cfg.n_heads
    axis = 1 if words is BY_POSITION or name == "pattern" else 2
    return [(layer, i) for layer in range(model.cfg.n_layers) for i in range(columns)], axis


def _block(name, words, edit=one, at=lambda layer: layer, keep=lambda cells, n: cells[n : n + 1]):
    """A sweep over one activation. at: the layer patched for each row; keep: the cells patched in run n.

    All runs go through the model at once, as one large batch: the mistakes of a sweep are many.
    """

    def sweep(model, tokens, clean_cache, metric):
        cells, axis = _cells(name, model, tokens, words)
        patches = [(n, at(layer), i) for n in range(len(cells)) for layer, i in keep(cells, n)]

        def patch(x, hook):
            runs = list(x.split(len(tokens)))
            for n, layer, i in patches:
                if layer == hook.layer():
                    runs[n] = edit(runs[n], clean_cache[hook.name], axis, i)
            return torch.cat(runs)

        hooks = [(get_act_name(name, layer), patch) for layer in {layer for _, layer, _ in patches}]
        logits = model.run_with_hooks(tokens.repeat(len(cells), 1), fwd_hooks=hooks)
        values = [metric(one_run) for one_run in logits.split(len(tokens))]
        return torch.stack(values).unflatten(0, (model.cfg.n_layers, -1))

    return sweep


def _sweep(names, words, then=lambda results, baseline: results, **options):
    """A sweep over the activations of `names`; `then` is what a learner does to the results by mistake."""

    def wrong(model, corrupted_tokens, clean_cache, patching_metric):
        given = (model, corrupted_tokens, clean_cache, patching_metric)
        blocks = [_block(name, words, **options)(*given) for name in names]
        return then(
            torch.stack(blocks) if len(names) > 1 else blocks[0], patching_metric(model(corrupted_tokens))
        )

    return wrong


def _without_last_layer(results, baseline):
    results = results.detach().clone()
    results[..., -1, :] = 0.0
    return results


def _without_last_column(results, baseline):
    results = results.detach().clone()
    results[..., -1] = 0.0
    return results


def _earlier_cells(cells, n):
    return cells[: n + 1]


def _earlier_cells_of_the_layer(cells, n):
    return [cell for cell in cells[: n + 1] if cell[0] == cells[n][0]]


def sweeps(names, words, *rows):
    """The mistakes of any sweep over the activations of `names`, and the edits of `rows`."""
    axis = words["axis"]
    return (
        Mistake(
            "nothing-patched",
            _sweep(names, words, edit=UNCHANGED.edit),
            "every value is the metric of the corrupted run: no patch arrives.",
            "Give the metric the logits of the run with the hook, and look whether the hook returns the "
            "activation that it edited.",
        ),
        *(_mistake(row, _sweep(names, words, edit=row.edit), words) for row in rows),
        Mistake(
            "last-layer-missing",
            _sweep(names, words, then=_without_last_layer),
            "the last layer is left out: its row is still zero.",
            "Loop over range(model.cfg.n_layers).",
        ),
        Mistake(
            "one-layer-short",
            _sweep(names, words, then=lambda results, baseline: results[..., :-1, :]),
            "the last layer is left out.",
            "There is one row for each of model.cfg.n_layers layers.",
        ),
        Mistake(
            f"last-{axis}-missing",
            _sweep(names, words, then=_without_last_column),
            f"the last {axis} is left out: its column is still zero.",
            f"Loop over all {axis}s.",
        ),
        Mistake(
            "baseline-subtracted",
            _sweep(names, words, then=torch.sub),
            "the metric of the corrupted run is taken away from every value.",
            "Return the metric of each patched run as it is.",
        ),
        Mistake(
            "always-layer-0",
            _sweep(names, words, at=lambda layer: 0),
            "every row patches layer 0: the hook's name does not follow the loop.",
            "Build the name from the layer: get_act_name(name, layer).",
        ),
        Mistake(
            "hooks-pile-up",
            _sweep(names, words, keep=_earlier_cells),
            "hooks pile up: each run is patched at every place of the runs before it too.",
            "After add_hook call model.reset_hooks() in each turn of the loop, or use run_with_hooks.",
        ),
    )


def _piled_up_in_a_layer(names):
    """By head only: by position it comes to the same as positions-up-to."""
    return Mistake(
        "hooks-pile-up-in-a-layer",
        _sweep(names, BY_HEAD, keep=_earlier_cells_of_the_layer),
        "hooks pile up: each run also patches the heads before it in its layer.",
        "Begin a new list of hooks for each run, or use run_with_hooks with one hook.",
    )


def _other(id, names, words, what, next):
    return Mistake(id, _sweep(names, words), what, next)


def instead(name, wanted, words, also=""):
    return _other(
        f"{name.replace('_', '-')}-instead",
        (name,),
        words,
        f"it patches {name}{also}; wanted {wanted}.",
        f'Put the hook on get_act_name("{wanted}", layer).',
    )


POSITION_EDITS = (SWAPPED, ALL, FIRST_PROMPT, ADDED, ALWAYS_FIRST, ALWAYS_LAST, NEXT, UP_TO, BEFORE, FROM)


_HEAD_EDITS = (SWAPPED, ALL, FIRST_PROMPT, ADDED, ALWAYS_FIRST, ALWAYS_LAST, NEXT, LAST_POSITION)


# Patched at a position, resid_mid and resid_post come to the same. But the new tensor that a hook on
# resid_mid returns reaches the MLP alone in TransformerLens: then it comes to the same as one on mlp_out.
get_act_patch_resid_pre = (
    *sweeps(("resid_pre",), BY_POSITION, *POSITION_EDITS, DIMENSION),
    instead("resid_post", "resid_pre", BY_POSITION, " (or resid_mid)"),
    instead("mlp_out", "resid_pre", BY_POSITION, " (or resid_mid)"),
    instead("attn_out", "resid_pre", BY_POSITION),
)


get_act_patch_block_every = (
    *sweeps(("resid_pre", "attn_out", "mlp_out"), BY_POSITION, *POSITION_EDITS),
    _other(
        "attn-and-mlp-swapped",
        ("resid_pre", "mlp_out", "attn_out"),
        BY_POSITION,
        "the rows of attn_out and mlp_out have changed places.",
        "The order is resid_pre, attn_out, mlp_out.",
    ),
    _other(
        "resid-pre-last",
        ("attn_out", "mlp_out", "resid_pre"),
        BY_POSITION,
        "resid_pre comes last; it is the first of the three.",
        "The order is resid_pre, attn_out, mlp_out.",
    ),
    _other(
        "resid-post-for-pre",
        ("resid_post", "attn_out", "mlp_out"),
        BY_POSITION,
        "the first of the three is resid_post (or resid_mid); wanted resid_pre.",
        'get_act_name("resid_pre", layer) is the residual stream before the layer.',
    ),
    _other(
        "resid-mid-for-pre",
        ("resid_mid", "attn_out", "mlp_out"),
        BY_POSITION,
        "the first of the three is resid_mid (or mlp_out); wanted resid_pre.",
        'get_act_name("resid_pre", layer) is the residual stream before the layer.',
    ),
    _other(
        "resid-post-for-mlp",
        ("resid_pre", "attn_out", "resid_post"),
        BY_POSITION,
        "the last of the three is resid_post; wanted mlp_out, what the MLP alone writes.",
        'Put the third hook on get_act_name("mlp_out", layer).',
    ),
    _other(
        "same-activation",
        ("resid_pre",) * 3,
        BY_POSITION,
        "resid_pre is patched three times: the hook's name does not follow the loop.",
        "Build the name from the activation of each turn: get_act_name(name, layer).",
    ),
)


get_act_patch_attn_head_out_all_pos = (
    *sweeps(("z",), BY_HEAD, *_HEAD_EDITS, POSITION_NOT_HEAD, DIMENSION),
    _piled_up_in_a_layer(("z",)),
    *(instead(name, "z", BY_HEAD) for name in ("q", "k", "v", "pattern")),
)


_EVERY = ("z", "q", "k", "v", "pattern")


_ORDER = "The order is z, q, k, v, pattern."


get_act_patch_attn_head_all_pos_every = (
    *sweeps(_EVERY, BY_HEAD, *_HEAD_EDITS, PATTERN_AXIS, VECTOR_AXIS),
    _piled_up_in_a_layer(_EVERY),
    _other(
        "q-and-k-swapped",
        ("z", "k", "q", "v", "pattern"),
        BY_HEAD,
        "the rows of q and k have changed places.",
        _ORDER,
    ),
    _other(
        "k-and-v-swapped",
        ("z", "q", "v", "k", "pattern"),
        BY_HEAD,
        "the rows of k and v have changed places.",
        _ORDER,
    ),
    _other(
        "z-after-v",
        ("q", "k", "v", "z", "pattern"),
        BY_HEAD,
        "z comes fourth, after q, k and v; it is the first.",
        _ORDER,
    ),
    _other(
        "z-last",
        ("q", "k", "v", "pattern", "z"),
        BY_HEAD,
        "z comes last, as it does in the forward pass; here it is the first.",
        _ORDER,
    ),
    _other(
        "pattern-before-v",
        ("z", "q", "k", "pattern", "v"),
        BY_HEAD,
        "the rows of v and pattern have changed places.",
        _ORDER,
    ),
    _other(
        "same-activation",
        ("z",) * 5,
        BY_HEAD,
        "z is patched five times: the hook's name does not follow the loop.",
        "Build the name from the activation of each turn: get_act_name(name, layer).",
    ),
    _other(
        "z-for-pattern",
        ("z", "q", "k", "v", "z"),
        BY_HEAD,
        "the fifth row repeats z; wanted the pattern.",
        'For the pattern, use patch_attn_patterns at get_act_name("pattern", layer).',
    ),
)
