"""The known wrong ways of chapter 2: path patching, its hooks and its sweeps."""

import functools

import torch

from patchbook.checking import Mistake
from patchbook.tests.specifications import path_patching as specifications
from patchbook.tests.specifications.forward_pass import forward


# hooks
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


def _run_all(model, tokens, edits):
    """Logits under each edit. All go through the model at once, as one large batch: mistakes are many."""

    def edit(name, layer, activation):
        parts = activation.split(len(tokens))
        return torch.cat([its_edit(name, layer, part) for its_edit, part in zip(edits, parts, strict=True)])

    return forward(model, tokens.repeat(len(edits), 1), edit).split(len(tokens)) if edits else ()


def _by_sender(model, layers, metric, all_logits):
    """The metric of each run, a row for each layer of senders; zeros where there was no run."""
    results = torch.zeros(layers * model.cfg.n_heads, dtype=model.W_E.dtype)
    for n, logits in enumerate(all_logits):
        results[n] = metric(logits)
    return results.view(layers, -1)


def _senders(model, layers, wrong):
    layers -= 1 if wrong.get("short") else 0
    return [(layer, head) for layer in range(layers) for head in range(model.cfg.n_heads)]


def _sending(sender, new, orig, wrong):
    """The run in which the sender sends."""
    edit = specifications._only_the_sender((-1, 0) if wrong.get("never") else sender, new, orig)
    edit = _sender_alone(sender, new) if wrong.get("unfrozen") else edit
    return _frozen_mlps(edit, orig) if wrong.get("mlps") else edit


def _to_the_end(model, metric, new_dataset, orig_dataset, new_cache=None, orig_cache=None, **wrong):
    """get_path_patch_head_to_final_resid_post with one thing wrong."""
    if wrong.get("swapped"):
        new_dataset, orig_dataset = orig_dataset, new_dataset
    new, orig = _activations(model, new_dataset.toks), _activations(model, orig_dataset.toks)
    edits = [_sending(sender, new, orig, wrong) for sender in _senders(model, model.cfg.n_layers, wrong)]
    tokens = (new_dataset if wrong.get("on_new") else orig_dataset).toks
    return _by_sender(model, model.cfg.n_layers, metric, _run_all(model, tokens, edits))


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
    heard = _heard(_senders(model, layers, wrong), model, new, orig, orig_dataset.toks, wrong)
    receivers = receivers[:1] if wrong.get("first_only") else receivers
    edits = [_receive(receivers, name, by_one_sender, orig, wrong) for by_one_sender in heard]
    tokens = (new_dataset if wrong.get("on_new") else orig_dataset).toks
    return _by_sender(model, layers, metric, _run_all(model, tokens, edits))


def _heard(senders, model, new, orig, tokens, wrong):
    """What each head would hear in the first run, of each sender."""
    if wrong.get("from_new") or wrong.get("from_orig"):
        return [new if wrong.get("from_new") else orig] * len(senders)
    heard = [{} for _ in senders]
    edits = [_noting(sender, new, orig, notes, wrong) for sender, notes in zip(senders, heard, strict=True)]
    _run_all(model, tokens, edits)
    return heard


def _noting(sender, new, orig, notes, wrong):
    """The first run's edit, which notes every activation as it was before."""
    edit = _sending(sender, new, orig, wrong)

    def note(name, layer, activation):
        notes[name, layer] = activation
        return edit(name, layer, activation)

    return note


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
