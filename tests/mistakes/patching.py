"""The known wrong ways of chapter 2: hooks that patch, and sweeps.

An edit is `edit(x, clean, axis, i)`: what becomes of the corrupted run's activation x, where `axis` holds the
positions or the heads and i is the one to patch. The hooks and the sweeps share the edits.
"""

from typing import NamedTuple

import torch
from transformer_lens.utilities import get_act_name

from patchbook.checking import Mistake


def _one(x, clean, axis, i):
    """The right way."""
    patched = x.clone()
    patched.select(axis, i).copy_(clean.select(axis, i))
    return patched


def _one_in_place(x, clean, axis, i):
    """The same where the activation is a view of something that is used elsewhere."""
    x.select(axis, i).copy_(clean.select(axis, i))
    return x


def _added(x, clean, axis, i):
    patched = x.clone()
    patched.select(axis, i).add_(clean.select(axis, i))
    return patched


def _span(x, clean, start, stop, axis=1):
    patched = x.clone()
    patched.narrow(axis, start, stop - start).copy_(clean.narrow(axis, start, stop - start))
    return patched


def _first_prompt(x, clean, axis, i):
    return torch.cat([_one(x[:1], clean[:1], axis, i), x[1:]])


def _along(other_axis):
    """The right edit along another axis."""
    return lambda x, clean, axis, i: _one(x, clean, other_axis, i)


def _last_position_of(x, clean, axis, i):
    """One head, but only at the last position (the last query of a pattern)."""
    patched, end = x.clone(), (slice(None), -1, i) if axis == 2 else (slice(None), i, -1)
    patched[end] = clean[end]
    return patched


class _Edit(NamedTuple):
    """One wrong way to edit an activation, and what to say about it in a hook and in a sweep."""

    id: str
    edit: object
    what: str
    next: str


SWAPPED = _Edit(
    "clean-and-corrupted-swapped",
    lambda x, clean, axis, i: _one(clean, x, axis, i),
    "clean and corrupted are swapped: all but the chosen {axis} comes from the clean run.",
    "Begin with the activation that the hook is given, and write the clean {axis} into it.",
)
ALL = _Edit(
    "all-{axis}s",
    lambda x, clean, axis, i: clean.clone(),
    "all {axis}s are patched; wanted one.",
    "Write into one slice of the activation, {slice}, and return the whole activation.",
)
FIRST_PROMPT = _Edit(
    "first-prompt-only",
    _first_prompt,
    "only the first prompt of the batch is patched.",
    "Keep the batch axis whole: {slice}.",
)
ADDED = _Edit(
    "added",
    _added,
    "the clean activation is added to the corrupted one; wanted it in its place.",
    "Assign with =, not with +=.",
)
ALWAYS_FIRST = _Edit(
    "always-{axis}-0",
    lambda x, clean, axis, i: _one(x, clean, axis, 0),
    "{axis} 0 is patched whatever the argument says.",
    "Use the argument `{argument}`.",
)
ALWAYS_LAST = _Edit(
    "always-last-{axis}",
    lambda x, clean, axis, i: _one(x, clean, axis, -1),
    "the last {axis} is patched whatever the argument says.",
    "Use the argument `{argument}`. In a loop, bind it when you make the hook: "
    "partial(…, {argument}={argument}, …).",
)
NEXT = _Edit(
    "next-{axis}",
    lambda x, clean, axis, i: _one(x, clean, axis, (i + 1) % x.shape[axis]),
    "the {axis} after the one asked for is patched.",
    "Count {axis}s from 0, as indices do.",
)
UP_TO = _Edit(
    "positions-up-to",
    lambda x, clean, axis, i: _span(x, clean, 0, i + 1),
    "all positions up to the chosen one are patched.",
    "[:, : pos + 1] is a range; [:, pos] is one position.",
)
BEFORE = _Edit(
    "positions-before",
    lambda x, clean, axis, i: _span(x, clean, 0, i),
    "all positions before the chosen one are patched, and not the chosen one.",
    "[:, :pos] is a range; [:, pos] is one position.",
)
FROM = _Edit(
    "positions-from",
    lambda x, clean, axis, i: _span(x, clean, i, x.shape[1]),
    "all positions from the chosen one on are patched.",
    "[:, pos:] is a range; [:, pos] is one position.",
)
LAST_POSITION = _Edit(
    "last-position-only",
    _last_position_of,
    "the head is patched at the last position alone; wanted all positions.",
    "Leave the position axis whole: {slice}.",
)
DIMENSION = _Edit(
    "patched-dimension",
    _along(-1),
    "one number of each vector is patched, at every position and for every head there is.",
    "The last axis holds the vector's numbers. Write {slice}.",
)
POSITION_NOT_HEAD = _Edit(
    "patched-position",
    _along(1),
    "one position of every head is patched; wanted one head.",
    "The axes are (batch, pos, head, d_head): write [:, :, head_index].",
)
QUERY_NOT_HEAD = _Edit(
    "patched-query",
    _along(2),
    "one query of every head is patched; wanted one head.",
    "A pattern has axes (batch, head, query, key): write [:, head_index].",
)
KEY_NOT_HEAD = _Edit(
    "patched-key",
    _along(3),
    "one key of every head is patched; wanted one head.",
    "A pattern has axes (batch, head, query, key): write [:, head_index].",
)
PATTERN_AXIS = _Edit(
    "pattern-axis",
    lambda x, clean, axis, i: _one(x, clean, 2, i),
    "the first four rows are right, but in the pattern it patches one query instead of one head.",
    "A pattern has axes (batch, head, query, key): use patch_attn_patterns for it.",
)
VECTOR_AXIS = _Edit(
    "vector-axis",
    lambda x, clean, axis, i: _one(x, clean, 1, i),
    "the pattern is right, but in z, q, k and v it patches one position instead of one head.",
    "They have axes (batch, pos, head, d_head): use patch_head_vector for them.",
)
RETURNED_SLICE = _Edit(
    "returned-slice",
    lambda x, clean, axis, i: clean.select(axis, i),
    "it returns the patched slice alone; TransformerLens goes on with what the hook returns.",
    "Write the slice into the activation, and return the whole activation.",
)
UNCHANGED = _Edit(
    "unchanged",
    lambda x, clean, axis, i: x,
    "the activation comes back unchanged.",
    "Assign to a slice of the activation and return that same activation.",
)
BY_POSITION = {"axis": "position", "argument": "pos", "slice": "[:, pos]"}
BY_HEAD = {"axis": "head", "argument": "head_index", "slice": "[:, :, head_index]"}
BY_PATTERN = BY_HEAD | {"slice": "[:, head_index]"}


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
        return _one(activation, clean_cache[name, hook.layer()], axis, *index.values())

    return Mistake(
        "name-written-out",
        wrong,
        f"the clean activation is always {name}, whichever activation the hook sits on.",
        "Look it up under the hook's own name: clean_cache[hook.name].",
    )


def _always_layer_0(axis):
    def wrong(activation, hook, clean_cache, **index):
        name = hook.name.replace(f"blocks.{hook.layer()}.", "blocks.0.")
        return _one(activation, clean_cache[name], axis, *index.values())

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


def _block(name, words, edit=_one, at=lambda layer: layer, keep=lambda cells, n: cells[n : n + 1]):
    """A sweep over one activation. at: the layer patched for each row; keep: the cells patched in run n."""

    def sweep(model, tokens, clean_cache, metric):
        cells, axis = _cells(name, model, tokens, words)

        def hook(layer, i):
            def patch(x, hook):
                return edit(x, clean_cache[hook.name], axis, i)

            return get_act_name(name, at(layer)), patch

        hooks = [[hook(*cell) for cell in keep(cells, n)] for n in range(len(cells))]
        values = [metric(model.run_with_hooks(tokens, fwd_hooks=patches)) for patches in hooks]
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


def _sweeps(names, words, *rows):
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
        Mistake(
            "hooks-pile-up-in-a-layer",
            _sweep(names, words, keep=_earlier_cells_of_the_layer),
            "hooks pile up: each run is patched at every place of its layer that came before, too.",
            "Begin a new list of hooks for each run, or use run_with_hooks with one hook.",
        ),
    )


def _other(id, names, words, what, next, **options):
    return Mistake(id, _sweep(names, words, **options), what, next)


def _instead(name, wanted, words, id="", **options):
    return _other(
        id or f"{name.replace('_', '-')}-instead",
        (name,),
        words,
        f"it patches {name}; wanted {wanted}.",
        f'Put the hook on get_act_name("{wanted}", layer).',
        **options,
    )


_POSITION_EDITS = (SWAPPED, ALL, FIRST_PROMPT, ADDED, ALWAYS_FIRST, ALWAYS_LAST, NEXT, UP_TO, BEFORE, FROM)
_HEAD_EDITS = (SWAPPED, ALL, FIRST_PROMPT, ADDED, ALWAYS_FIRST, ALWAYS_LAST, NEXT, LAST_POSITION)

get_act_patch_resid_pre = (
    *_sweeps(("resid_pre",), BY_POSITION, *_POSITION_EDITS, DIMENSION),
    *(
        _instead(name, "resid_pre", BY_POSITION)
        for name in ("resid_post", "resid_mid", "attn_out", "mlp_out")
    ),
    # TransformerLens's resid_mid takes a new tensor for the MLP alone, an edit in place for all that follows
    _instead("resid_mid", "resid_pre", BY_POSITION, "resid-mid-in-place", edit=_one_in_place),
)

get_act_patch_block_every = (
    *_sweeps(("resid_pre", "attn_out", "mlp_out"), BY_POSITION, *_POSITION_EDITS),
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
        "the first of the three is resid_post; wanted resid_pre.",
        'get_act_name("resid_pre", layer) is the residual stream before the layer.',
    ),
    _other(
        "resid-mid-for-pre",
        ("resid_mid", "attn_out", "mlp_out"),
        BY_POSITION,
        "the first of the three is resid_mid; wanted resid_pre.",
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
    *_sweeps(("z",), BY_HEAD, *_HEAD_EDITS, POSITION_NOT_HEAD, DIMENSION),
    *(_instead(name, "z", BY_HEAD) for name in ("q", "k", "v", "pattern")),
)

_EVERY = ("z", "q", "k", "v", "pattern")
_ORDER = "The order is z, q, k, v, pattern."
get_act_patch_attn_head_all_pos_every = (
    *_sweeps(_EVERY, BY_HEAD, *_HEAD_EDITS, PATTERN_AXIS, VECTOR_AXIS),
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
