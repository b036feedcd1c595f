"""The known wrong ways of chapter 6: a circuit of edges alone."""

import functools
import math

import torch

from patchbook.checking import Mistake
from patchbook.tests.specifications import circuit_runs as specifications
from patchbook.tests.specifications.forward_pass import forward, mlp, normalise


def _stands(change, wanted=("zero", "mean", "resample")):
    """The right messages, changed by change(model, tokens, right), for these kinds of ablation."""

    def wrong(model, tokens, ablation):
        right = specifications.stand_ins(model, tokens, ablation)
        return change(model, tokens, right) if ablation in wanted else right

    return wrong


def _zeros(model, tokens, right):
    return {sender: message * 0 for sender, message in right.items()}


def _resampled_for_zero(model, tokens, ablation):
    kind = "resample" if ablation == "zero" else ablation
    return specifications.stand_ins(model, tokens, kind)


def _without_positions(model, tokens, right):
    embedding = model.W_E[tokens]
    return right | {
        "embedding": embedding.mean(0, keepdim=True) if len(right["embedding"]) == 1 else embedding
    }


def _with_biases(share):
    def change(model, tokens, right):
        biases = {
            f"L{layer}H{head}": model.blocks[layer].attn.b_O * share(model)
            for layer in range(model.cfg.n_layers)
            for head in range(model.cfg.n_heads)
        }
        return {sender: message + biases.get(sender, 0) for sender, message in right.items()}

    return change


def _whole_attention(model, tokens, right):
    """Each head of a layer gets what the whole layer writes."""

    def one(sender, message):
        if not sender.startswith("L"):
            return message
        layer = sender[1 : sender.index("H")]
        return sum(right[f"L{layer}H{head}"] for head in range(model.cfg.n_heads))

    return {sender: one(sender, message) for sender, message in right.items()}


def _swapped_heads(model, tokens, right):
    """Every head's z through the first head's W_O."""
    zs = {}

    def collect(name, layer, activation):
        if name == "z":
            zs[layer] = activation
        return activation

    forward(model, tokens, collect)
    wrong = dict(right)
    for layer, z in zs.items():
        for head in range(model.cfg.n_heads):
            message = z[:, :, head] @ model.blocks[layer].attn.W_O[0]
            rows = len(right[f"L{layer}H{head}"])
            wrong[f"L{layer}H{head}"] = message.mean(0, keepdim=True) if rows == 1 else message
    return wrong


def _over_positions(model, tokens, right):
    return {sender: mean.mean(1, keepdim=True).expand_as(mean) for sender, mean in right.items()}


def _no_error(model, tokens, ablation):
    known = ablation in ("zero", "mean", "resample")
    return specifications.stand_ins(model, tokens, ablation if known else "resample")


stand_ins = (
    Mistake(
        "no-error",
        _no_error,
        "a word that is no ablation gets an answer.",
        "Raise ValueError for anything but zero, mean and resample.",
    ),
    Mistake(
        "no-positions",
        _stands(_without_positions, ("mean", "resample")),
        "the embedding lacks the positions: W_pos is part of what it writes.",
        'Take cache["resid_pre", 0], or add model.W_pos to model.W_E[tokens].',
    ),
    Mistake(
        "whole-layer",
        _stands(_whole_attention, ("mean", "resample")),
        "each head has what its whole layer writes.",
        "A head's own output is its z, times its own W_O.",
    ),
    Mistake(
        "first-heads-weights",
        _stands(_swapped_heads, ("mean", "resample")),
        "all heads of a layer are written by the first head's W_O.",
        "Use W_O of this layer and this head.",
    ),
    Mistake(
        "bias-in-every-head",
        _stands(_with_biases(lambda model: 1), ("mean", "resample")),
        "each head has the layer's b_O added.",
        "b_O belongs to no head: leave it out.",
    ),
    Mistake(
        "bias-shared-out",
        _stands(_with_biases(lambda model: 1 / model.cfg.n_heads), ("mean", "resample")),
        "the layer's b_O is shared out among its heads.",
        "b_O belongs to no head: leave it out.",
    ),
    Mistake(
        "mean-over-positions",
        _stands(_over_positions, ("mean",)),
        "the mean runs over positions too.",
        "Each position has a mean of its own: average over the prompts.",
    ),
    Mistake(
        "zero-for-mean",
        _stands(_zeros, ("mean",)),
        "the mean is zero.",
        "Average what the sender writes over the prompts.",
    ),
    Mistake(
        "resample-for-zero",
        _resampled_for_zero,
        "zero ablation gives what the sender writes.",
        "Fill zeros of the same shape.",
    ),
)


def _sum(choose):
    """The sum over senders of choose(kept, message, stand_in)."""

    def wrong(receiver, written, stand_ins, edges):
        return sum(
            choose(f"{sender} -> {receiver}" in edges, message, stand_ins[sender])
            for sender, message in written.items()
        )

    return wrong


def _kept_by(same):
    """Kept wherever same(sender, receiver, edge) says so of some edge of the circuit."""

    def wrong(receiver, written, stand_ins, edges):
        pairs = [edge.split(" -> ") for edge in edges]
        return sum(
            message if any(same((sender, receiver), tuple(pair)) for pair in pairs) else stand_ins[sender]
            for sender, message in written.items()
        )

    return wrong


def _node(receiver):
    return receiver.split(".")[0]


def _all_stand_ins(receiver, written, stand_ins, edges):
    right = specifications.what_is_heard(receiver, written, stand_ins, edges)
    return right + sum(message for sender, message in stand_ins.items() if sender not in written)


what_is_heard = (
    Mistake(
        "nothing-stands-in",
        _sum(lambda kept, message, stand_in: message * kept),
        "an ablated sender writes nothing; wanted its stand-in.",
        "Add stand_ins[sender] where the edge is not in the circuit.",
    ),
    Mistake(
        "inverted",
        _sum(lambda kept, message, stand_in: stand_in + 0 * message if kept else message),
        "the circuit is ablated, and everything else is kept.",
        "The message goes over edges that are in the circuit.",
    ),
    Mistake(
        "both-added",
        _sum(lambda kept, message, stand_in: message * kept + stand_in),
        "a kept edge carries the stand-in as well as the message.",
        "One of the two for each sender.",
    ),
    Mistake(
        "sender-kept-everywhere",
        _kept_by(lambda wanted, edge: wanted[0] == edge[0]),
        "a sender counts as kept if any of its edges is; this receiver's edge decides.",
        "Look for the edge from this sender to this receiver.",
    ),
    Mistake(
        "inputs-of-a-head-mixed",
        _kept_by(lambda wanted, edge: wanted[0] == edge[0] and _node(wanted[1]) == _node(edge[1])),
        "q, k and v of a head are taken for one input.",
        "The label of the receiver has its letter: compare the whole label.",
    ),
    Mistake(
        "all-stand-ins",
        _all_stand_ins,
        "senders are heard that write later.",
        "Go through written: it has those that wrote before.",
    ),
    Mistake(
        "averaged",
        lambda receiver, written, *rest: (
            specifications.what_is_heard(receiver, written, *rest) / len(written)
        ),
        "the messages are averaged; wanted their sum.",
        "The stream is a sum.",
    ),
    Mistake(
        "nothing-ablated",
        _sum(lambda kept, message, stand_in: message + 0 * stand_in),
        "all senders are heard, whatever edges says.",
        "Where the edge is not in the circuit, add stand_ins[sender].",
    ),
)


def _head(model, layer, head, q_stream, k_stream, v_stream, **wrong):
    """head_output with one thing wrong."""
    attn = model.blocks[layer].attn
    normed = {
        letter: stream if wrong.get("raw") else normalise(model, stream)
        for letter, stream in zip("qkv", (q_stream, k_stream, v_stream), strict=True)
    }
    other = 0 if wrong.get("first_head") else head
    q, k, v = (
        normed[wrong.get(letter, letter)] @ getattr(attn, f"W_{letter.upper()}")[other]
        + getattr(attn, f"b_{letter.upper()}")[other] * (not wrong.get("no_bias"))
        for letter in "qkv"
    )
    scores = q @ k.transpose(1, 2) / (1 if wrong.get("no_scale") else math.sqrt(model.cfg.d_head))
    if not wrong.get("no_mask"):
        future = torch.ones(scores.shape[1:], dtype=torch.bool).triu(1)
        scores = scores.masked_fill(future, -torch.inf)
    pattern = scores.softmax(1 if wrong.get("queries") else 2)
    return pattern.nan_to_num() @ v @ attn.W_O[other] + (attn.b_O if wrong.get("b_O") else 0)


def _wrong_head(**wrong):
    return functools.partial(_head, **wrong)


head_output = (
    Mistake(
        "not-normalised",
        _wrong_head(raw=True),
        "the streams are read as they are: the LayerNorm before attention is missing.",
        "Send each stream through model.blocks[layer].ln1 first.",
    ),
    Mistake(
        "keys-from-the-query-stream",
        _wrong_head(k="q"),
        "the keys are computed from q_stream.",
        "Keys read k_stream.",
    ),
    Mistake(
        "values-from-the-query-stream",
        _wrong_head(v="q"),
        "the values are computed from q_stream.",
        "Values read v_stream.",
    ),
    Mistake(
        "values-from-the-key-stream",
        _wrong_head(v="k"),
        "the values are computed from k_stream.",
        "Values read v_stream.",
    ),
    Mistake(
        "queries-and-keys-swapped",
        _wrong_head(q="k", k="q"),
        "queries read k_stream, and keys q_stream.",
        "Queries read q_stream, keys k_stream.",
    ),
    Mistake(
        "no-biases", _wrong_head(no_bias=True), "b_Q, b_K and b_V are missing.", "Add the head's own biases."
    ),
    Mistake(
        "no-mask",
        _wrong_head(no_mask=True),
        "queries look at later tokens.",
        "Mask the keys after each query.",
    ),
    Mistake("no-scale", _wrong_head(no_scale=True), "the scores are not divided by √d_head.", "Divide them."),
    Mistake(
        "softmax-over-queries",
        _wrong_head(queries=True),
        "the softmax runs over the queries.",
        "Take it over the keys, the last axis.",
    ),
    Mistake(
        "with-b_O",
        _wrong_head(b_O=True),
        "b_O is added: it belongs to the layer, not to a head.",
        "Leave it out.",
    ),
    Mistake(
        "first-head",
        _wrong_head(first_head=True),
        "these are the weights of head 0.",
        "Take those of `head`.",
    ),
)


def _run(model, edges, clean, corrupted, ablation="resample", **wrong):
    """run_circuit with one thing wrong."""
    if wrong.get("swapped"):
        clean, corrupted = corrupted, clean
    kind = wrong.get("kind", ablation)
    stand = specifications.stand_ins(model, clean if wrong.get("own_stand_ins") else corrupted, kind)
    frozen = specifications.stand_ins(model, clean, "resample") if wrong.get("frozen") else None
    written = {"embedding": model.W_E[clean] + model.W_pos[: clean.shape[1]]}
    biases, bias = 0, not wrong.get("no_b_O")

    def heard(receiver, so_far):
        kept = list(edges)
        if receiver == "logits" and wrong.get("logits_whole"):
            kept = [f"{sender} -> logits" for sender in so_far]
        if receiver[:3] == "MLP" and wrong.get("mlps_whole"):
            kept = [f"{sender} -> {receiver}" for sender in so_far]
        if wrong.get("one_stream") and "." in receiver:
            receiver = receiver[:-1] + "q"
        return specifications.what_is_heard(receiver, so_far, stand, kept) + biases

    for layer in range(model.cfg.n_layers):
        before = dict(written)
        for head in range(model.cfg.n_heads):
            name = f"L{layer}H{head}"
            streams = [heard(f"{name}.{letter}", before) for letter in "qkv"]
            written[name] = (
                frozen[name] if frozen else specifications.head_output(model, layer, head, *streams)
            )
        biases = biases + bias * model.blocks[layer].attn.b_O
        name = f"MLP {layer}"
        its = heard(name, before if wrong.get("mlp_beside") else written)
        written[name] = frozen[name] if frozen else mlp(model, layer, normalise(model, its))
    final = heard("logits", written)
    final = final if wrong.get("no_norm") else normalise(model, final)
    return final @ model.W_U + (0 if wrong.get("no_b_U") else model.b_U)


def _wrong_run(**wrong):
    return functools.partial(_run, **wrong)


run_circuit = (
    Mistake(
        "stand-ins-of-the-clean-run",
        _wrong_run(own_stand_ins=True),
        "the stand-ins come from the clean prompts: nothing is taken away.",
        "Take stand_ins of the corrupted prompts.",
    ),
    Mistake(
        "always-resample",
        _wrong_run(kind="resample"),
        "ablation is ignored: every edge is resampled.",
        "Pass ablation on to stand_ins.",
    ),
    Mistake(
        "always-zero",
        _wrong_run(kind="zero"),
        "ablation is ignored: every edge is zeroed.",
        "Pass ablation on to stand_ins.",
    ),
    Mistake(
        "always-mean",
        _wrong_run(kind="mean"),
        "ablation is ignored: every edge gets the mean.",
        "Pass ablation on to stand_ins.",
    ),
    Mistake(
        "senders-frozen",
        _wrong_run(frozen=True),
        "senders write what they write in the whole model; wanted what they write in the circuit.",
        "Compute each sender anew from what it hears.",
    ),
    Mistake(
        "no-b_O",
        _wrong_run(no_b_O=True),
        "the attention layers' b_O is missing.",
        "It is no edge: every later input hears b_O of the layers before it.",
    ),
    Mistake(
        "one-stream-for-a-head",
        _wrong_run(one_stream=True),
        "a head's keys and values hear what its queries hear.",
        "Compute what_is_heard three times: for q, k and v.",
    ),
    Mistake(
        "logits-hear-all",
        _wrong_run(logits_whole=True),
        "the logits hear every sender, in the circuit or not.",
        "The logits are a receiver as well: use what_is_heard for them.",
    ),
    Mistake(
        "mlps-hear-all",
        _wrong_run(mlps_whole=True),
        "the MLPs hear every sender, in the circuit or not.",
        "An MLP is a receiver as well: use what_is_heard for it.",
    ),
    Mistake(
        "mlp-misses-its-layers-heads",
        _wrong_run(mlp_beside=True),
        "an MLP does not hear the heads of its own layer.",
        "Attention comes first: an MLP hears the heads of its layer, too.",
    ),
    Mistake(
        "no-final-norm",
        _wrong_run(no_norm=True),
        "the final LayerNorm is missing.",
        "Send the final stream through model.ln_final.",
    ),
    Mistake("no-b_U", _wrong_run(no_b_U=True), "b_U is missing.", "Use model.unembed, or add model.b_U."),
    Mistake(
        "runs-swapped",
        _wrong_run(swapped=True),
        "the corrupted prompts run, and the clean ones stand in.",
        "The circuit runs on the clean prompts.",
    ),
)
