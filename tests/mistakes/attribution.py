"""The known wrong ways of chapter 1: logit attribution, head by head.

In the rows, t, m, c, p are the exercise's arguments: tokens, model, cache, token_position.
"""

import torch
from torch.nn.functional import layer_norm

from patchbook.checking import Mistake


def scaled(model, cache, vectors, position):
    """Vectors through the final scale at a position, where the model has one."""
    if model.cfg.normalization_type is None:
        return vectors
    return vectors / cache["ln_final.hook_scale"][0, position]


def stack(model, cache, name, position):
    return torch.stack([cache[name, layer][0, position] for layer in range(model.cfg.n_layers)])


def written(model, cache, position, name="z"):
    """What each head writes at a position: (layer, head, d_model)."""
    return torch.einsum("lhd,lhdm->lhm", stack(model, cache, name, position), model.W_O)


def heads(tokens, model, cache, position, read=None, scale_at=None, token=None):
    """Head attribution, read, scaled and unembedded wherever a learner may do so by mistake."""
    read = position if read is None else read
    token = tokens[0, position + 1] if token is None else token
    vectors = scaled(model, cache, written(model, cache, read), read if scale_at is None else scale_at)
    return vectors @ model.W_U[:, token]


def of_layers(tokens, model, cache, position, name):
    """The same for a whole layer's output: (layer,)."""
    vectors = scaled(model, cache, stack(model, cache, name, position), position)
    return vectors @ model.W_U[:, tokens[0, position + 1]]


def _normalised_alone(tokens, model, cache, position):
    vectors = written(model, cache, position)
    if model.cfg.normalization_type is not None:
        vectors = layer_norm(vectors, vectors.shape[-1:])
    return vectors @ model.W_U[:, tokens[0, position + 1]]


def _one_layer_only(layer):
    def wrong(tokens, model, cache, position):
        right = heads(tokens, model, cache, position)
        only = torch.zeros_like(right)
        only[layer] = right[layer]
        return only

    return wrong


logit_attribution = (
    Mistake(
        "no-scale",
        lambda t, m, c, p: written(m, c, p) @ m.W_U[:, t[0, p + 1]],
        "what the heads write is not divided by the final LayerNorm's scale.",
        'Divide by cache["ln_final.hook_scale"] at that position, or use cache.apply_ln_to_stack(...).',
    ),
    Mistake(
        "scale-of-another-position",
        lambda t, m, c, p: heads(t, m, c, p, scale_at=-1),
        "the scale is the last position's; each position has its own.",
        "Take the scale at token_position (pos_slice=token_position in apply_ln_to_stack).",
    ),
    Mistake(
        "normalised-alone",
        _normalised_alone,
        "each head's vector is normalised by itself, so that large and small heads count alike.",
        "Divide them all by one scale, the one of the whole residual stream: it is in the cache.",
    ),
    Mistake(
        "own-token",
        lambda t, m, c, p: heads(t, m, c, p, token=t[0, p]),
        "this is the logit of the token at token_position, which the model has already read.",
        "The correct next token is tokens[0, token_position + 1].",
    ),
    Mistake(
        "position-after",
        lambda t, m, c, p: heads(t, m, c, p, read=p + 1),
        "the heads are read one position late, where the correct token already stands.",
        "A prediction is made one position before its token: read z at token_position.",
    ),
    Mistake(
        "position-before",
        lambda t, m, c, p: heads(t, m, c, p, read=p - 1),
        "the heads are read one position early.",
        "Read z at token_position itself; only the token is one further.",
    ),
    Mistake(
        "both-one-early",
        lambda t, m, c, p: heads(t, m, c, p, read=p - 1, token=t[0, p]),
        "this predicts the token at token_position from the position before it.",
        "token_position is where the prediction is made: the token to predict is the one after it.",
    ),
    Mistake(
        "always-last-position",
        lambda t, m, c, p: heads(t, m, c, p, read=-1),
        "the heads are read at the last position whatever token_position says.",
        "Use token_position where you index the cache.",
    ),
    Mistake(
        "last-prediction",
        lambda t, m, c, p: heads(t, m, c, -2),
        "this is the last prediction of the prompt, whatever token_position says.",
        "Use token_position, for the cache and for the token.",
    ),
    Mistake(
        "all-positions",
        lambda t, m, c, p: sum(heads(t, m, c, p, read=read, scale_at=p) for read in range(t.shape[1])),
        "the contributions of all positions are added up.",
        "Only what is written at token_position reaches its logits.",
    ),
    Mistake(
        "b-U-per-head",
        lambda t, m, c, p: heads(t, m, c, p) + m.b_U[t[0, p + 1]],
        "the unembedding's bias b_U is added to every head.",
        "b_U belongs to no head. Use W_U alone.",
    ),
    Mistake(
        "b-O-per-head",
        lambda t, m, c, p: scaled(m, c, written(m, c, p) + m.b_O[:, None], p) @ m.W_U[:, t[0, p + 1]],
        "the layer's output bias b_O is added to every head.",
        "b_O belongs to the layer, not to a head: z @ W_O is all that the head writes.",
    ),
    Mistake(
        "values-not-z",
        lambda t, m, c, p: scaled(m, c, written(m, c, p, "v"), p) @ m.W_U[:, t[0, p + 1]],
        "these are the values at token_position, before attention has mixed the positions.",
        'Use cache["z", layer]: the values that each head gathered.',
    ),
    Mistake(
        "embedding-direction",
        lambda t, m, c, p: scaled(m, c, written(m, c, p), p) @ m.W_E[t[0, p + 1]],
        "the direction is the token's embedding (W_E); wanted its column of the unembedding.",
        "The logit of a token is a dot product with W_U[:, token].",
    ),
    Mistake(
        "last-layer-only",
        _one_layer_only(-1),
        "only the last layer is filled; every layer's heads write to the logits directly.",
        "Loop over range(model.cfg.n_layers).",
    ),
    Mistake(
        "first-layer-only",
        _one_layer_only(0),
        "only layer 0 is filled.",
        "Loop over range(model.cfg.n_layers), and check where you return.",
    ),
    Mistake(
        "residual-not-heads",
        lambda t, m, c, p: of_layers(t, m, c, p, "resid_post"),
        "this is the residual stream after each layer: everything written so far, not one head's part.",
        'A head writes cache["z", layer][0, token_position, head] @ model.W_O[layer, head].',
    ),
    Mistake(
        "layers-not-heads",
        lambda t, m, c, p: of_layers(t, m, c, p, "attn_out"),
        "these are whole attention layers (with their bias); wanted each head by itself.",
        'A head writes cache["z", layer][0, token_position, head] @ model.W_O[layer, head].',
    ),
    Mistake(
        "all-tokens",
        lambda t, m, c, p: scaled(m, c, written(m, c, p), p) @ m.W_U,
        "these are the contributions to every token's logit; wanted the correct next token's alone.",
        "Take one column of W_U: W_U[:, tokens[0, token_position + 1]].",
    ),
)
