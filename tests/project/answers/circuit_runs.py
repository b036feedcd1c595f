"""Answers to chapter 6: a circuit of edges alone."""

import torch
from transformer_lens.utilities import get_act_name

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


# stand_ins
def messages(model, tokens):
    _, cache = model.run_with_cache(tokens)
    found = {"embedding": cache["resid_pre", 0]}
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            found[f"L{layer}H{head}"] = cache["z", layer][:, :, head] @ model.W_O[layer, head]
        found[f"MLP {layer}"] = cache["mlp_out", layer]
    return found


def ablated(found, ablation):
    if ablation == "zero":
        return {name: torch.zeros_like(message) for name, message in found.items()}
    if ablation == "mean":
        return {name: message.mean(dim=0, keepdim=True) for name, message in found.items()}
    if ablation == "resample":
        return found
    raise ValueError(ablation)


@right("stand_ins")
def from_the_cache(model, tokens, ablation):
    return ablated(messages(model, tokens), ablation)


@right("stand_ins")
def layer_by_layer_with_einsum(model, tokens, ablation):
    if ablation not in {"zero", "mean", "resample"}:
        raise ValueError("what?")
    _, cache = model.run_with_cache(tokens)
    written = {"embedding": model.W_E[tokens] + model.W_pos[: tokens.shape[1]]}
    for layer in range(model.cfg.n_layers):
        heads = torch.einsum("bphd,hdm->hbpm", cache["z", layer], model.W_O[layer])
        written |= {f"L{layer}H{i}": head for i, head in enumerate(heads)}
        written |= {f"MLP {layer}": cache["mlp_out", layer]}
    for name in written:
        if ablation == "zero":
            written[name] = 0 * written[name]
        if ablation == "mean":
            written[name] = written[name].mean(0)[None]
    return written


@right("stand_ins")
def with_hooks(model, tokens, ablation):
    if ablation not in ("zero", "mean", "resample"):
        raise ValueError(f"no such ablation: {ablation}")
    found = {}

    def keep(activation, hook):
        layer = hook.layer()
        if hook.name.endswith("z"):
            for head, z in enumerate(activation.unbind(2)):
                found[f"L{layer}H{head}"] = z @ model.W_O[layer, head]
        else:
            found[f"MLP {layer}" if hook.name.endswith("mlp_out") else "embedding"] = activation.clone()

    names = [get_act_name("resid_pre", 0)]
    names += [get_act_name(name, i) for i in range(model.cfg.n_layers) for name in ("z", "mlp_out")]
    model.run_with_hooks(tokens, fwd_hooks=[(name, keep) for name in names])
    return ablated(found, ablation)


@wrong("stand_ins", "no-error")
def else_is_resample(model, tokens, ablation):
    return ablated(messages(model, tokens), ablation if ablation in ("zero", "mean") else "resample")


@wrong("stand_ins", "no-positions")
def tokens_alone(model, tokens, ablation):
    return ablated(messages(model, tokens) | {"embedding": model.W_E[tokens]}, ablation)


@wrong("stand_ins", "mean-over-positions")
def one_mean_for_all(model, tokens, ablation):
    found = messages(model, tokens)
    if ablation == "mean":
        found = {name: m.mean((0, 1), keepdim=True).expand(1, m.shape[1], -1) for name, m in found.items()}
    return ablated(found, ablation)


@wrong("stand_ins", "whole-layer")
def attn_out_for_every_head(model, tokens, ablation):
    found = messages(model, tokens)
    for layer in range(model.cfg.n_layers):
        heads = [f"L{layer}H{head}" for head in range(model.cfg.n_heads)]
        found |= dict.fromkeys(heads, torch.stack([found[name] for name in heads]).sum(0))
    return ablated(found, ablation)


@wrong("stand_ins", "bias-in-every-head")
def with_b_O(model, tokens, ablation):
    found = messages(model, tokens)
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            found[f"L{layer}H{head}"] = found[f"L{layer}H{head}"] + model.b_O[layer]
    return ablated(found, ablation)


@wrong("stand_ins", "contract")
def mean_without_its_axis(model, tokens, ablation):
    found = ablated(messages(model, tokens), ablation)
    return {name: m[0] for name, m in found.items()} if ablation == "mean" else found


@wrong("stand_ins", "resample-for-zero")
def never_zero(model, tokens, ablation):
    return ablated(messages(model, tokens), "resample" if ablation == "zero" else ablation)


# what_is_heard
@right("what_is_heard")
def chosen_one_by_one(receiver, written, stand_ins, edges):
    return sum(written[s] if f"{s} -> {receiver}" in edges else stand_ins[s] for s in written)


@right("what_is_heard")
def stacked(receiver, written, stand_ins, edges):
    senders = list(written)
    kept = torch.tensor([f"{sender} -> {receiver}" in edges for sender in senders])[:, None, None, None]
    messages = torch.stack([written[s] for s in senders])
    others = torch.stack([stand_ins[s].expand_as(written[s]) for s in senders])
    return torch.where(kept, messages, others).sum(0)


@right("what_is_heard")
def stand_ins_and_differences(receiver, written, stand_ins, edges):
    total = sum(stand_ins[s] for s in written).expand_as(written["embedding"]).clone()
    for edge in edges:
        sender, its = edge.split(" -> ")
        if its == receiver and sender in written:
            total += written[sender] - stand_ins[sender]
    return total


@wrong("what_is_heard", "nothing-stands-in")
def the_kept_alone(receiver, written, stand_ins, edges):
    kept = [m for s, m in written.items() if f"{s} -> {receiver}" in edges]
    return sum(kept) if kept else torch.zeros_like(written["embedding"])


@wrong("what_is_heard", "inverted")
def the_other_way_round(receiver, written, stand_ins, edges):
    others = [f"{s} -> {receiver}" for s in written if f"{s} -> {receiver}" not in edges]
    return chosen_one_by_one(receiver, written, stand_ins, others)


@wrong("what_is_heard", "all-stand-ins")
def over_all_senders(receiver, written, stand_ins, edges):
    return sum(
        written[s] if s in written and f"{s} -> {receiver}" in edges else stand_in
        for s, stand_in in stand_ins.items()
    )


@wrong("what_is_heard", "inputs-of-a-head-mixed")
def nodes_only(receiver, written, stand_ins, edges):
    kept = {(e.split(" -> ")[0], e.split(" -> ")[1].split(".")[0]) for e in edges}
    node = receiver.split(".")[0]
    return sum(written[s] if (s, node) in kept else stand_ins[s] for s in written)


@wrong("what_is_heard", "sender-kept-everywhere")
def by_sender(receiver, written, stand_ins, edges):
    senders = {edge.split(" -> ")[0] for edge in edges}
    return sum(written[s] if s in senders else stand_ins[s] for s in written)


@wrong("what_is_heard", "both-added")
def always_the_stand_in(receiver, written, stand_ins, edges):
    total = chosen_one_by_one(receiver, written, stand_ins, [])
    return total + sum(m * (f"{s} -> {receiver}" in edges) for s, m in written.items())


# head_output
def by_hand(model, layer, head, q_stream, k_stream, v_stream, ln=True, mask=True, dim=-1, b_O=False):
    norm = model.blocks[layer].ln1 if ln else (lambda x: x)
    q = norm(q_stream) @ model.W_Q[layer, head] + model.b_Q[layer, head]
    k = norm(k_stream) @ model.W_K[layer, head] + model.b_K[layer, head]
    v = norm(v_stream) @ model.W_V[layer, head] + model.b_V[layer, head]
    scores = q @ k.mT / model.cfg.d_head**0.5
    if mask:
        ahead = torch.ones_like(scores[0], dtype=torch.bool).triu(1)
        scores = scores.masked_fill(ahead, float("-inf"))
    written = scores.softmax(dim).nan_to_num() @ v @ model.W_O[layer, head]
    return written + model.b_O[layer] if b_O else written


@right("head_output")
def in_plain_products(model, layer, head, q_stream, k_stream, v_stream):
    return by_hand(model, layer, head, q_stream, k_stream, v_stream)


@right("head_output")
def by_torchs_own_attention(model, layer, head, q_stream, k_stream, v_stream):
    streams = {"Q": q_stream, "K": k_stream, "V": v_stream}
    qkv = []
    for letter, stream in streams.items():
        weight, bias = (getattr(model, f"{kind}_{letter}")[layer, head] for kind in "Wb")
        qkv.append(model.blocks[layer].ln1(stream) @ weight + bias)
    z = torch.nn.functional.scaled_dot_product_attention(*qkv, is_causal=True)
    return z @ model.W_O[layer, head]


@right("head_output")
def loops_and_minus_infinity(model, layer, head, q_stream, k_stream, v_stream):
    norm = model.blocks[layer].ln1
    q, k, v = norm(q_stream), norm(k_stream), norm(v_stream)
    q = torch.einsum("bpm,md->bpd", q, model.W_Q[layer, head]) + model.b_Q[layer, head]
    k = torch.einsum("bpm,md->bpd", k, model.W_K[layer, head]) + model.b_K[layer, head]
    v = torch.einsum("bpm,md->bpd", v, model.W_V[layer, head]) + model.b_V[layer, head]
    z = torch.zeros_like(q)
    for query in range(q.shape[1]):
        scores = (k[:, : query + 1] @ q[:, query, :, None]) / model.cfg.d_head**0.5
        z[:, query] = (scores.softmax(1) * v[:, : query + 1]).sum(1)
    return z @ model.W_O[layer, head]


@wrong("head_output", "not-normalised")
def streams_as_they_are(model, layer, head, q_stream, k_stream, v_stream):
    return by_hand(model, layer, head, q_stream, k_stream, v_stream, ln=False)


@wrong("head_output", "no-mask")
def looks_ahead(model, layer, head, q_stream, k_stream, v_stream):
    return by_hand(model, layer, head, q_stream, k_stream, v_stream, mask=False)


@wrong("head_output", "softmax-over-queries")
def over_the_wrong_axis(model, layer, head, q_stream, k_stream, v_stream):
    return by_hand(model, layer, head, q_stream, k_stream, v_stream, dim=1)


@wrong("head_output", "values-from-the-key-stream")
def one_stream_for_both(model, layer, head, q_stream, k_stream, v_stream):
    return by_hand(model, layer, head, q_stream, k_stream, k_stream)


@wrong("head_output", "queries-and-keys-swapped")
def the_wrong_order(model, layer, head, q_stream, k_stream, v_stream):
    return by_hand(model, layer, head, k_stream, q_stream, v_stream)


@wrong("head_output", "with-b_O")
def the_layers_bias(model, layer, head, q_stream, k_stream, v_stream):
    return by_hand(model, layer, head, q_stream, k_stream, v_stream, b_O=True)


# run_circuit
def circuit_run(model, edges, clean, corrupted, ablation="resample", hears_all=(), b_O=1, own=False):
    stand = from_the_cache(model, clean if own else corrupted, ablation)
    written = {"embedding": model.W_E[clean] + model.W_pos[: clean.shape[1]]}
    biases = torch.zeros(model.cfg.d_model)

    def hear(receiver):
        kept = edges
        if any(receiver.startswith(name) for name in hears_all):
            kept = [f"{sender} -> {receiver}" for sender in written]
        return chosen_one_by_one(receiver, written, stand, kept) + biases

    for layer, block in enumerate(model.blocks):
        heads = {}
        for head in range(model.cfg.n_heads):
            name = f"L{layer}H{head}"
            heads[name] = by_hand(model, layer, head, *(hear(f"{name}.{letter}") for letter in "qkv"))
        written |= heads
        biases = biases + b_O * model.b_O[layer]
        written[f"MLP {layer}"] = block.mlp(block.ln2(hear(f"MLP {layer}")))
    return model.unembed(model.ln_final(hear("logits")))


@right("run_circuit")
def sums_of_messages(model, edges, clean, corrupted, ablation="resample"):
    return circuit_run(model, set(edges), clean, corrupted, ablation)


@right("run_circuit")
def with_hooks_on_q_k_and_v(model, edges, clean, corrupted, ablation="resample"):
    """The model itself runs: hooks put in what each input hears, and note what each part writes."""
    stand, written = from_the_cache(model, corrupted, ablation), {}

    def hear(receiver, layers):
        biases = model.b_O[:layers].sum(0)
        return stacked(receiver, written, stand, edges) + biases

    def begin(x, hook):
        written["embedding"] = x.clone()

    def read(activation, hook, letter):
        layer = hook.layer()
        activation = activation.clone()
        for head in range(model.cfg.n_heads):
            x = model.blocks[layer].ln1(hear(f"L{layer}H{head}.{letter}", layer))
            weight, bias = (getattr(model, f"{kind}_{letter.upper()}")[layer, head] for kind in "Wb")
            activation[:, :, head] = x @ weight + bias
        return activation

    def note(z, hook):
        for head in range(model.cfg.n_heads):
            layer = hook.layer()
            written[f"L{layer}H{head}"] = z[:, :, head] @ model.W_O[layer, head]

    def mlp(out, hook):
        layer = hook.layer()
        block = model.blocks[layer]
        heard = hear(f"MLP {layer}", layer + 1)
        with_no_hooks = torch.nn.functional.gelu(block.ln2(heard) @ model.W_in[layer] + model.b_in[layer])
        written[f"MLP {layer}"] = with_no_hooks @ model.W_out[layer] + model.b_out[layer]

    hooks = [(get_act_name("resid_pre", 0), begin)]
    for layer in range(model.cfg.n_layers):
        for letter in "qkv":
            read_it = lambda a, hook, letter=letter: read(a, hook, letter)  # noqa: E731
            hooks.append((get_act_name(letter, layer), read_it))
        hooks += [(get_act_name("z", layer), note), (get_act_name("mlp_out", layer), mlp)]
    model.run_with_hooks(clean, fwd_hooks=hooks)
    return model.unembed(model.ln_final(hear("logits", model.cfg.n_layers)))


@right("run_circuit")
def all_weights_by_hand(model, edges, clean, corrupted, ablation="resample"):
    stand = layer_by_layer_with_einsum(model, corrupted, ablation)
    written = {"embedding": model.W_E[clean] + model.W_pos[: clean.shape[1]]}

    def normed(receiver, layers):
        x = stand_ins_and_differences(receiver, written, stand, edges) + model.b_O[:layers].sum(0)
        x = x - x.mean(-1, keepdim=True)
        return x / (x.var(-1, keepdim=True, correction=0) + model.cfg.eps).sqrt()

    for layer in range(model.cfg.n_layers):
        new = {}
        for head in range(model.cfg.n_heads):
            name = f"L{layer}H{head}"
            q, k, v = (normed(f"{name}.{letter}", layer) for letter in "qkv")
            q = q @ model.W_Q[layer, head] + model.b_Q[layer, head]
            k = k @ model.W_K[layer, head] + model.b_K[layer, head]
            v = v @ model.W_V[layer, head] + model.b_V[layer, head]
            z = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            new[name] = z @ model.W_O[layer, head]
        written.update(new)
        hidden = normed(f"MLP {layer}", layer + 1) @ model.W_in[layer] + model.b_in[layer]
        written[f"MLP {layer}"] = torch.nn.functional.gelu(hidden) @ model.W_out[layer] + model.b_out[layer]
    return normed("logits", model.cfg.n_layers) @ model.W_U + model.b_U


@wrong("run_circuit", "always-resample")
def ablation_forgotten(model, edges, clean, corrupted, ablation="resample"):
    return circuit_run(model, edges, clean, corrupted, "resample")


@wrong("run_circuit", "no-b_O")
def biases_forgotten(model, edges, clean, corrupted, ablation="resample"):
    return circuit_run(model, edges, clean, corrupted, ablation, b_O=0)


@wrong("run_circuit", "logits-hear-all")
def all_reach_the_logits(model, edges, clean, corrupted, ablation="resample"):
    return circuit_run(model, edges, clean, corrupted, ablation, hears_all=("logits",))


@wrong("run_circuit", "mlps-hear-all")
def mlps_left_alone(model, edges, clean, corrupted, ablation="resample"):
    return circuit_run(model, edges, clean, corrupted, ablation, hears_all=("MLP",))


@wrong("run_circuit", "stand-ins-of-the-clean-run")
def nothing_taken_away(model, edges, clean, corrupted, ablation="resample"):
    return circuit_run(model, edges, clean, corrupted, ablation, own=True)


@wrong("run_circuit", "runs-swapped")
def corrupted_runs(model, edges, clean, corrupted, ablation="resample"):
    return circuit_run(model, edges, corrupted, clean, ablation)


@wrong("run_circuit", "contract")
def last_position_only(model, edges, clean, corrupted, ablation="resample"):
    return circuit_run(model, edges, clean, corrupted, ablation)[:, -1]
