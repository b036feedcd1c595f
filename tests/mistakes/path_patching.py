"""The known wrong ways of chapter 2: path patching, its hooks and its sweeps."""

import functools

import torch

from patchbook.checking import Mistake
from patchbook.tests.specifications import path_patching as specifications
from patchbook.tests.specifications.forward_pass import forward


# hooks
def _frozen(z, cache, name, where, source):
    new = cache[name].clone()
    new[where] = source[name][where]
    return new


def _freeze(orig_head_vector, hook, new_cache, orig_cache, head_to_patch, **wrong):
    """patch_or_freeze_head_vectors with one thing wrong."""
    layer, head = head_to_patch[::-1] if wrong.get("head_first") else head_to_patch
    base, sender = (orig_cache, new_cache)[:: -1 if wrong.get("swapped") else 1]
    z = orig_head_vector if wrong.get("unfrozen") else base[hook.name]
    z = z.clone()
    if hook.layer() == layer or wrong.get("every_layer"):
        where = (slice(None), head) if wrong.get("position") else (slice(None), slice(None), head)
        where = () if wrong.get("whole_layer") else where
        if not wrong.get("never"):
            z[where] = sender[hook.name][where]
    return z


def _wrong_freeze(**wrong):
    return functools.partial(_freeze, **wrong)


patch_or_freeze_head_vectors = (
    Mistake(
        "not-frozen",
        _wrong_freeze(unfrozen=True),
        "the sender is patched, but the other heads are left running: they are not frozen.",
        "Set all heads to orig_cache[hook.name] first, then the sender's from new_cache.",
    ),
    Mistake(
        "clean-and-corrupted-swapped",
        _wrong_freeze(swapped=True),
        "the caches have changed places: heads are frozen to the new run, the sender is the original's.",
        "Freeze to orig_cache; the sender alone comes from new_cache.",
    ),
    Mistake(
        "patched-in-every-layer",
        _wrong_freeze(every_layer=True),
        "the head with the sender's index is patched in every layer.",
        "Patch only where hook.layer() is the sender's layer.",
    ),
    Mistake(
        "sender-not-patched",
        _wrong_freeze(never=True),
        "every head is frozen, the sender too.",
        "In the sender's layer, take head_to_patch[1] from new_cache.",
    ),
    Mistake(
        "patched-a-position",
        _wrong_freeze(position=True),
        "it patches one position of all heads instead of one head.",
        "z has axes (batch, pos, head, d_head): write z[:, :, head].",
    ),
    Mistake(
        "patched-the-whole-layer",
        _wrong_freeze(whole_layer=True),
        "all heads of the sender's layer come from the new run.",
        "Only head_to_patch[1] does.",
    ),
    Mistake(
        "head-before-layer",
        _wrong_freeze(head_first=True),
        "head_to_patch is read as (head, layer).",
        "It is (layer, head).",
    ),
)


def _head_input(orig_activation, hook, patched_cache, head_list, **wrong):
    """patch_head_input with one thing wrong."""
    z, source = orig_activation.clone(), patched_cache[hook.name]
    for layer, head in head_list[:1] if wrong.get("first_only") else head_list:
        layer, head = (head, layer) if wrong.get("head_first") else (layer, head)
        if layer == hook.layer() or wrong.get("every_layer"):
            where = (slice(None), head) if wrong.get("position") else (slice(None), slice(None), head)
            where = () if wrong.get("all_heads") else where
            z[where] = z[where] + source[where] if wrong.get("added") else source[where]
    return z


def _wrong_input(**wrong):
    return functools.partial(_head_input, **wrong)


patch_head_input = (
    Mistake(
        "all-heads",
        _wrong_input(all_heads=True),
        "all heads of the layer are patched.",
        "Only the heads of head_list that sit in this layer are.",
    ),
    Mistake(
        "layer-ignored",
        _wrong_input(every_layer=True),
        "heads of other layers are patched here too: their layer is ignored.",
        "Keep the heads of head_list whose layer is hook.layer().",
    ),
    Mistake(
        "first-receiver-only",
        _wrong_input(first_only=True),
        "only the first head of head_list is patched.",
        "Go through all of head_list.",
    ),
    Mistake(
        "unchanged",
        lambda orig_activation, hook, patched_cache, head_list: orig_activation,
        "nothing is patched.",
        "Write patched_cache[hook.name] into the receivers' slices, and return the result.",
    ),
    Mistake(
        "patched-a-position",
        _wrong_input(position=True),
        "it patches positions instead of heads.",
        "The axes are (batch, pos, head, d_head): write x[:, :, head].",
    ),
    Mistake(
        "head-before-layer",
        _wrong_input(head_first=True),
        "the pairs of head_list are read as (head, layer).",
        "They are (layer, head).",
    ),
    Mistake(
        "added-not-replaced",
        _wrong_input(added=True),
        "the patched input is added to the old one.",
        "Assign with =, not with +=.",
    ),
)


# path patching
def _activations(model, tokens):
    return specifications._activations(model, tokens)


def _frozen_mlps(edit, orig):
    """The edit, with the MLPs held to the original run as well."""

    def with_mlps(name, layer, activation):
        return orig["mlp_out", layer] if name == "mlp_out" else edit(name, layer, activation)

    return with_mlps


def _sender_alone(sender, new):
    """Patch the sender's z and let everything after it run."""

    def edit(name, layer, activation):
        if (name, layer) != ("z", sender[0]):
            return activation
        activation = activation.clone()
        activation[:, :, sender[1]] = new["z", layer][:, :, sender[1]]
        return activation

    return edit


def _to_the_end(model, metric, new_dataset, orig_dataset, new_cache=None, orig_cache=None, **wrong):
    """get_path_patch_head_to_final_resid_post with one thing wrong."""
    if wrong.get("swapped"):
        new_dataset, orig_dataset = orig_dataset, new_dataset
    new, orig = _activations(model, new_dataset.toks), _activations(model, orig_dataset.toks)
    results = torch.zeros(model.cfg.n_layers, model.cfg.n_heads, dtype=model.W_E.dtype)
    for layer in range(model.cfg.n_layers - (1 if wrong.get("short") else 0)):
        for head in range(model.cfg.n_heads):
            edit = specifications._only_the_sender((layer, head), new, orig)
            if wrong.get("unfrozen"):
                edit = _sender_alone((layer, head), new)
            if wrong.get("mlps"):
                edit = _frozen_mlps(edit, orig)
            if wrong.get("never"):
                edit = specifications._only_the_sender((-1, head), new, orig)
            tokens = (new_dataset if wrong.get("on_new") else orig_dataset).toks
            results[layer, head] = metric(forward(model, tokens, edit))
    return results


def _end(**wrong):
    return functools.partial(_to_the_end, **wrong)


_PATHS = {
    "unfrozen": (
        "not-frozen",
        "the other heads are not frozen: later heads hear the sender, so this is activation patching.",
        "Freeze every head's z to orig_cache, and patch only the sender's.",
    ),
    "mlps": (
        "mlps-frozen",
        "the MLPs are frozen too. A path runs through MLPs: only the other heads are frozen.",
        "Hook z alone, and let the MLPs recompute.",
    ),
    "swapped": (
        "clean-and-corrupted-swapped",
        "the datasets have changed places: the run is on the new prompts, the sender from the original ones.",
        "Run on orig_dataset, frozen to orig_cache; the sender comes from new_cache.",
    ),
    "on_new": (
        "ran-on-new",
        "the patched run is on new_dataset's tokens.",
        "Run the model on orig_dataset.toks.",
    ),
    "short": (
        "last-layer-missed",
        "the last layer of senders is missing.",
        "range(n) already stops before n.",
    ),
    "never": (
        "sender-not-patched",
        "no sender is patched: every number is the original run's.",
        "Does your hook compare its layer with the sender's, and return the edited tensor?",
    ),
}


def _rows(make, *ways):
    return tuple(Mistake(_PATHS[way][0], make(**{way: True}), *_PATHS[way][1:]) for way in ways)


get_path_patch_head_to_final_resid_post = _rows(
    _end, "unfrozen", "mlps", "swapped", "on_new", "short", "never"
)


def _to_heads(
    receivers, name, model, metric, new_dataset, orig_dataset, new_cache=None, orig_cache=None, **wrong
):
    """get_path_patch_head_to_heads with one thing wrong."""
    if wrong.get("swapped"):
        new_dataset, orig_dataset = orig_dataset, new_dataset
    name = wrong.get("always", name)
    new, orig = _activations(model, new_dataset.toks), _activations(model, orig_dataset.toks)
    layers = max(layer for layer, _ in receivers)
    results = torch.zeros(layers, model.cfg.n_heads, dtype=model.W_E.dtype)
    for layer in range(layers - (1 if wrong.get("short") else 0)):
        for head in range(model.cfg.n_heads):
            heard = _heard((layer, head), model, new, orig, orig_dataset.toks, wrong)
            edit = _receive(receivers[:1] if wrong.get("first_only") else receivers, name, heard, orig, wrong)
            tokens = (new_dataset if wrong.get("on_new") else orig_dataset).toks
            results[layer, head] = metric(forward(model, tokens, edit))
    return results


def _heard(sender, model, new, orig, tokens, wrong):
    """What each head would hear in the first run."""
    if wrong.get("from_new") or wrong.get("from_orig"):
        return new if wrong.get("from_new") else orig
    heard = {}

    def note(name, layer, activation):
        heard[name, layer] = activation
        return edit(name, layer, activation)

    edit = (
        _sender_alone(sender, new)
        if wrong.get("unfrozen")
        else specifications._only_the_sender(sender, new, orig)
    )
    if wrong.get("mlps"):
        edit = _frozen_mlps(edit, orig)
    forward(model, tokens, note)
    return heard


def _receive(receivers, name, heard, orig, wrong):
    """The second run: the receivers get what they heard."""
    mine = {layer: [h for at, h in receivers if at == layer] for layer, _ in receivers}

    def edit(its_name, layer, activation):
        if wrong.get("frozen_twice") and its_name == "z":
            frozen = orig["z", layer].clone()
            for head in mine.get(layer, []):
                frozen[:, :, head] = activation[:, :, head]
            return frozen
        if its_name != name or layer not in mine:
            return activation
        activation = activation.clone()
        for head in mine[layer]:
            activation[:, :, head] = heard[name, layer][:, :, head]
        return activation

    return edit


def _heads(**wrong):
    return functools.partial(_to_heads, **wrong)


get_path_patch_head_to_heads = (
    *_rows(_heads, "unfrozen", "mlps", "swapped", "on_new", "short"),
    Mistake(
        "receivers-from-the-new-run",
        _heads(from_new=True),
        "the receivers' input is taken from the new run itself, so every sender gives the same number.",
        "Take it from the run in which the sender alone was patched.",
    ),
    Mistake(
        "receivers-from-the-original-run",
        _heads(from_orig=True),
        "the receivers hear what they hear in the original run: no sender reaches them.",
        "Take their input from the run in which the sender alone was patched.",
    ),
    Mistake(
        "frozen-in-the-second-run",
        _heads(frozen_twice=True),
        "the other heads are frozen in the second run too; there, everything after the receivers must run.",
        "Freeze heads only while you compute what the receivers hear.",
    ),
    Mistake(
        "first-receiver-only",
        _heads(first_only=True),
        "only the first receiver is patched.",
        "Patch all of receiver_heads.",
    ),
    *(
        Mistake(
            f"always-{letter}",
            _heads(always=letter),
            f"it patches the receivers' {letter} whatever receiver_input says.",
            "Build the hook's name from it: get_act_name(receiver_input, layer).",
        )
        for letter in "qkv"
    ),
)
