"""The known wrong ways of chapter 2: metrics on a dataset, path patching, copying scores."""

import functools

import torch

from patchbook.checking import Mistake
from patchbook.tests.specifications import ioi_paths as right
from patchbook.tests.specifications.forward_pass import forward, mlp, normalise


# logits_to_ave_logit_diff_2 and ioi_metric_2
def _differences(logits, dataset, role="end", shift=0):
    """IO less S at each prompt's `role`, `shift` positions on."""
    rows = torch.arange(len(logits))
    at = logits[rows, dataset.word_idx[role] + shift]
    return at[rows, torch.tensor(dataset.io_tokenIDs)] - at[rows, torch.tensor(dataset.s_tokenIDs)]


def _averaged(differences, per_prompt):
    return differences if per_prompt else differences.mean()


def _at_the_last_position(logits, ioi_dataset, per_prompt=False):
    rows = torch.arange(len(logits))
    io, s = torch.tensor(ioi_dataset.io_tokenIDs), torch.tensor(ioi_dataset.s_tokenIDs)
    return _averaged(logits[rows, -1, io] - logits[rows, -1, s], per_prompt)


def _everyone_at_the_first_end(logits, ioi_dataset, per_prompt=False):
    rows = torch.arange(len(logits))
    at = logits[:, ioi_dataset.word_idx["end"][0]]
    io, s = torch.tensor(ioi_dataset.io_tokenIDs), torch.tensor(ioi_dataset.s_tokenIDs)
    return _averaged(at[rows, io] - at[rows, s], per_prompt)


logits_to_ave_logit_diff_2 = (
    Mistake(
        "last-position",
        _at_the_last_position,
        "it reads the last position of the tensor. In a shorter prompt that is padding.",
        'Read each prompt at its own end: ioi_dataset.word_idx["end"].',
    ),
    Mistake(
        "first-prompts-end",
        _everyone_at_the_first_end,
        "it reads every prompt where the first prompt ends.",
        "Index prompts and ends together: logits[torch.arange(N), ends].",
    ),
    Mistake(
        "one-before-the-end",
        lambda logits, d, per_prompt=False: _averaged(_differences(logits, d, shift=-1), per_prompt),
        "it reads one position before the end.",
        'word_idx["end"] is already the last real token: the answer is predicted there.',
    ),
    Mistake(
        "at-s2",
        lambda logits, d, per_prompt=False: _averaged(_differences(logits, d, "S2"), per_prompt),
        "it reads the logits at S2.",
        'The answer is predicted at word_idx["end"].',
    ),
    Mistake(
        "at-io",
        lambda logits, d, per_prompt=False: _averaged(_differences(logits, d, "IO"), per_prompt),
        "it reads the logits at IO.",
        'The answer is predicted at word_idx["end"].',
    ),
    Mistake(
        "answers-swapped",
        lambda logits, d, per_prompt=False: _averaged(-_differences(logits, d), per_prompt),
        "the sign is wrong: it takes IO's logit from S's.",
        "The right answer (IO) comes first: logit(IO) - logit(S).",
    ),
    Mistake(
        "sum-not-mean",
        lambda lo, d, per_prompt=False: _differences(lo, d) if per_prompt else _differences(lo, d).sum(),
        "the differences are added up, not averaged.",
        "Take .mean() over the prompts.",
    ),
    Mistake(
        "per-prompt-ignored",
        lambda logits, d, per_prompt=False: _differences(logits, d).mean(),
        "per_prompt=True should give one number for each prompt, and gives their mean.",
        "Return the differences themselves when per_prompt is True.",
    ),
    Mistake(
        "per-prompt-inverted",
        lambda logits, d, per_prompt=False: _averaged(_differences(logits, d), not per_prompt),
        "per_prompt works the other way round.",
        "True: one number for each prompt. False: their mean.",
    ),
)  # fmt: skip


def _ioi_difference(logits, dataset):
    return _differences(logits, dataset).mean()


ioi_metric_2 = (
    Mistake(
        "zero-at-corrupted",
        lambda lo, clean, corrupted, d: (_ioi_difference(lo, d) - corrupted) / (clean - corrupted),
        "it gives 0 on corrupted and 1 on clean prompts; wanted -1 and 0.",
        "Subtract the clean logit difference, not the corrupted one.",
    ),
    Mistake(
        "turned-over",
        lambda lo, clean, corrupted, d: (clean - corrupted) / (_ioi_difference(lo, d) - clean),
        "numerator and denominator have changed places.",
        "Divide the change by clean - corrupted.",
    ),
    Mistake(
        "sign-of-the-denominator",
        lambda lo, clean, corrupted, d: (_ioi_difference(lo, d) - clean) / (corrupted - clean),
        "it gives +1 on corrupted prompts; wanted -1.",
        "The denominator is clean - corrupted.",
    ),
    Mistake(
        "no-normalisation",
        lambda lo, clean, corrupted, d: _ioi_difference(lo, d) - clean,
        "the change is left in logits: the division is missing.",
        "Divide by clean - corrupted.",
    ),
    Mistake(
        "divided-by-clean",
        lambda lo, clean, corrupted, d: (_ioi_difference(lo, d) - clean) / clean,
        "it divides by the clean logit difference alone.",
        "Divide by clean - corrupted, so that corrupted prompts give -1.",
    ),
    Mistake(
        "no-baseline",
        lambda lo, clean, corrupted, d: _ioi_difference(lo, d) / (clean - corrupted),
        "the clean logit difference is not subtracted.",
        "Subtract it first: clean prompts must give 0.",
    ),
    Mistake(
        "answers-swapped",
        lambda lo, clean, corrupted, d: (-_ioi_difference(lo, d) - clean) / (clean - corrupted),
        "the logit difference inside has the wrong sign.",
        "logit(IO) - logit(S).",
    ),
    Mistake(
        "last-position",
        lambda lo, clean, corrupted, d: (_at_the_last_position(lo, d) - clean) / (clean - corrupted),
        "the logit difference inside is read at the last position, which is padding in a shorter prompt.",
        'Read each prompt at its own end: word_idx["end"].',
    ),
)


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
        "Replace it.",
    ),
)


# path patching
def _activations(model, tokens):
    return right._activations(model, tokens)


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
            edit = right._only_the_sender((layer, head), new, orig)
            if wrong.get("unfrozen"):
                edit = _sender_alone((layer, head), new)
            if wrong.get("mlps"):
                edit = _frozen_mlps(edit, orig)
            if wrong.get("never"):
                edit = right._only_the_sender((-1, head), new, orig)
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

    edit = _sender_alone(sender, new) if wrong.get("unfrozen") else right._only_the_sender(sender, new, orig)
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
            "Build the hook's name from receiver_input.",
        )
        for letter in "qkv"
    ),
)


# get_copying_scores
def _copying(model, k=5, names=None, **wrong):
    """get_copying_scores with one thing wrong."""
    tokens = torch.tensor([model.to_single_token(name) for name in names])
    embedded = model.W_E[tokens]
    if not wrong.get("no_mlp"):
        embedded = embedded + mlp(model, 0, normalise(model, embedded))
    k = {"always_5": 5, "one_more": k + 1, "first": 1}.get(wrong.get("top"), k)
    results = torch.zeros(2, model.cfg.n_layers, model.cfg.n_heads, dtype=model.W_E.dtype)
    for row, sign in enumerate((1, -1)):
        written = torch.einsum("nm,lhmd,lhde->lhne", embedded, model.W_V, model.W_O)
        logits = normalise(model, sign * written) @ model.W_U + model.b_U
        if wrong.get("negated_late"):
            logits = sign * (normalise(model, written) @ model.W_U + model.b_U)
        in_top = (logits.topk(k).indices == tokens[:, None]).any(-1)
        results[row] = (
            in_top.to(results.dtype).sum(-1) if wrong.get("count") else in_top.to(results.dtype).mean(-1)
        )
    return results.flip(0) if wrong.get("rows") else results


def _wrong_copying(**wrong):
    return functools.partial(_copying, **wrong)


get_copying_scores = (
    Mistake(
        "no-mlp",
        _wrong_copying(no_mlp=True),
        "the names enter as bare embeddings: the first MLP is missing.",
        "Add blocks[0].mlp(blocks[0].ln2(embedding)) to the embedding first.",
    ),
    Mistake(
        "negated-too-late",
        _wrong_copying(negated_late=True),
        "the logits are negated, with b_U; wanted the OV matrix negated.",
        "Flip the sign of what the head writes, before LayerNorm and unembedding.",
    ),
    Mistake(
        "rows-swapped",
        _wrong_copying(rows=True),
        "the two rows have changed places.",
        "Row 0 is the head as it is, row 1 the head with OV negated.",
    ),
    Mistake(
        "k-ignored",
        _wrong_copying(top="always_5"),
        "it takes the top 5 whatever k says.",
        "Pass k to topk.",
    ),
    Mistake(
        "k-plus-one",
        _wrong_copying(top="one_more"),
        "it counts a name that is only number k + 1.",
        "The k largest logits, no more.",
    ),
    Mistake(
        "top-1",
        _wrong_copying(top="first"),
        "a name counts only when its logit is the very largest.",
        "Among the k largest is enough.",
    ),
    Mistake(
        "counted-not-averaged",
        _wrong_copying(count=True),
        "it gives the number of names; wanted their share.",
        "Divide by the number of names.",
    ),
)
