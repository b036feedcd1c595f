"""Answers to chapter 2: what a head's OV circuit copies."""

import einops
import torch

from patchbook import zoo

from . import Bank

BANK = Bank()


right, wrong = BANK.right, BANK.wrong


# get_copying_scores
def name_tokens(model, names):
    names = names if names is not None else [" " + name for name in zoo.words("names")]
    return model.to_tokens(names, prepend_bos=False)  # (name, 1)


def embedded_names(model, names):
    tokens = name_tokens(model, names)
    embedding = model.W_E[tokens]
    return tokens, embedding + model.blocks[0].mlp(model.blocks[0].ln2(embedding))


def copied(model, written, tokens, k):
    logits = model.unembed(model.ln_final(written))[:, 0]
    return (logits.topk(k, dim=-1).indices == tokens).any(-1)


@right("get_copying_scores")
def loop_over_heads(model, k=5, names=None):
    tokens, embedded = embedded_names(model, names)
    results = torch.zeros(2, model.cfg.n_layers, model.cfg.n_heads)
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            W_OV = model.W_V[layer, head] @ model.W_O[layer, head]
            results[0, layer, head] = copied(model, embedded @ W_OV, tokens, k).float().mean()
            results[1, layer, head] = copied(model, embedded @ -W_OV, tokens, k).float().mean()
    return results


@right("get_copying_scores")
def all_heads_at_once(model, k=5, names=None):
    tokens, embedded = embedded_names(model, names)
    written = einops.einsum(embedded[:, 0], model.W_V, model.W_O, "n m, l h m d, l h d e -> l h n e")
    rows = []
    for sign in (1, -1):
        logits = model.unembed(model.ln_final(sign * written.flatten(0, 1)))
        found = (logits.topk(k).indices == tokens).any(-1).double().mean(-1)
        rows.append(found.reshape(model.cfg.n_layers, model.cfg.n_heads))
    return torch.stack(rows)


@right("get_copying_scores")
def by_counting_larger_logits(model, k=5, names=None):
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
def bare_embeddings(model, k=5, names=None):
    tokens = name_tokens(model, names)
    results = torch.zeros(2, model.cfg.n_layers, model.cfg.n_heads)
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            written = model.W_E[tokens] @ model.W_V[layer, head] @ model.W_O[layer, head]
            results[0, layer, head] = copied(model, written, tokens, k).float().mean()
            results[1, layer, head] = copied(model, -written, tokens, k).float().mean()
    return results


@wrong("get_copying_scores", "rows-swapped")
def negative_first(model, k=5, names=None):
    return loop_over_heads(model, k, names).flip(0)


@wrong("get_copying_scores", "k-ignored")
def always_five(model, k=5, names=None):
    return loop_over_heads(model, 5, names)


@wrong("get_copying_scores", "counted-not-averaged")
def number_of_names(model, k=5, names=None):
    return loop_over_heads(model, k, names) * len(name_tokens(model, names))


@wrong("get_copying_scores", "transposed")
def head_then_layer(model, k=5, names=None):
    return loop_over_heads(model, k, names).transpose(1, 2)


@wrong("get_copying_scores", "contract")
def positive_only(model, k=5, names=None):
    return loop_over_heads(model, k, names)[0]


@wrong("get_copying_scores", "negated-too-late")
def logits_negated(model, k=5, names=None):
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


def with_own_parts(model, k, names, embed, unembed):
    """embed(model, embedding) and unembed(model, written), whatever a learner makes of them."""
    tokens = name_tokens(model, names)
    x = embed(model, model.W_E[tokens])
    results = torch.zeros(2, model.cfg.n_layers, model.cfg.n_heads)
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            written = x @ model.W_V[layer, head] @ model.W_O[layer, head]
            for row, sign in ((0, 1), (1, -1)):
                logits = unembed(model, sign * written)[:, 0]
                results[row, layer, head] = (logits.topk(k).indices == tokens).any(-1).float().mean()
    return results


def after_the_mlp(model, x):
    return x + model.blocks[0].mlp(model.blocks[0].ln2(x))


def as_the_model_does(model, written):
    return model.unembed(model.ln_final(written))


@wrong("get_copying_scores", "mlp-alone")
def embedding_overwritten(model, k=5, names=None):
    def embed(model, x):
        return model.blocks[0].mlp(model.blocks[0].ln2(x))

    return with_own_parts(model, k, names, embed, as_the_model_does)


@wrong("get_copying_scores", "mlp-without-ln")
def mlp_on_the_bare_embedding(model, k=5, names=None):
    return with_own_parts(model, k, names, lambda m, x: x + m.blocks[0].mlp(x), as_the_model_does)


@wrong("get_copying_scores", "no-final-ln")
def unembedded_at_once(model, k=5, names=None):
    return with_own_parts(model, k, names, after_the_mlp, lambda m, written: m.unembed(written))


@wrong("get_copying_scores", "no-b-u")
def multiplied_with_w_u(model, k=5, names=None):
    return with_own_parts(model, k, names, after_the_mlp, lambda m, written: m.ln_final(written) @ m.W_U)
