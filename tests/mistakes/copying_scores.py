"""The known wrong ways of chapter 2: what a head's OV circuit copies."""

import functools

import torch

from patchbook import zoo
from patchbook.checking import Mistake
from patchbook.tests.specifications.forward_pass import mlp, normalise


# get_copying_scores
def _copying(model, k=5, names=None, **wrong):
    """get_copying_scores with one thing wrong."""
    space = "" if wrong.get("no_space") else " "
    names = names or [f"{space}{name}" for name in zoo.words("names")]
    tokens = torch.tensor([model.to_single_token(name) for name in names])
    embedded = _embedded(model, tokens, wrong.get("embedded"))
    k = {"always_5": 5, "one_more": k + 1, "first": 1}.get(wrong.get("top"), k)
    results = torch.zeros(2, model.cfg.n_layers, model.cfg.n_heads, dtype=model.W_E.dtype)
    for row, sign in enumerate((1, -1)):
        written = torch.einsum("nm,lhmd,lhde->lhne", embedded, model.W_V, model.W_O)
        final = sign * written if wrong.get("no_ln_final") else normalise(model, sign * written)
        logits = final @ model.W_U + (0 if wrong.get("no_b_U") else model.b_U)
        if wrong.get("negated_late"):
            logits = sign * (normalise(model, written) @ model.W_U + model.b_U)
        in_top = (logits.topk(k).indices == tokens[:, None]).any(-1)
        results[row] = (
            in_top.to(results.dtype).sum(-1) if wrong.get("count") else in_top.to(results.dtype).mean(-1)
        )
    return results.flip(0) if wrong.get("rows") else results


def _embedded(model, tokens, wrong):
    """The names as they enter the head; `wrong` says what is wrong with them."""
    x = model.W_E[tokens]
    if wrong == "no_mlp":
        return x
    from_mlp = mlp(model, 0, x if wrong == "no_ln2" else normalise(model, x))
    return from_mlp if wrong == "mlp_alone" else x + from_mlp


def _wrong_copying(**wrong):
    return functools.partial(_copying, **wrong)


get_copying_scores = (
    Mistake(
        "no-mlp",
        _wrong_copying(embedded="no_mlp"),
        "the names enter as bare embeddings: the first MLP is missing.",
        "Add blocks[0].mlp(blocks[0].ln2(embedding)) to the embedding first.",
    ),
    Mistake(
        "mlp-alone",
        _wrong_copying(embedded="mlp_alone"),
        "the names enter as what the first MLP writes: their embedding is gone.",
        "Add the MLP's output to the embedding: x = x + …",
    ),
    Mistake(
        "mlp-without-ln",
        _wrong_copying(embedded="no_ln2"),
        "the first MLP reads the embedding as it is, without LayerNorm.",
        "Give it blocks[0].ln2(embedding).",
    ),
    Mistake(
        "no-final-ln",
        _wrong_copying(no_ln_final=True),
        "what the head writes is unembedded without the final LayerNorm.",
        "Pass it through model.ln_final first, then model.unembed.",
    ),
    Mistake(
        "no-b-u",
        _wrong_copying(no_b_U=True),
        "the unembedding's bias is left out.",
        "Use model.unembed, which adds b_U.",
    ),
    Mistake(
        "no-space-before-names",
        _wrong_copying(no_space=True),
        "Patchbook's names are taken without the space before them: that is another token.",
        'Put it there when names is None: f" {name}".',
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
