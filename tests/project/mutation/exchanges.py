"""What is mistaken for what: the data of the operators."""

import ast

# Each comparison with those that differ from it at the boundary, or on one side of it.
COMPARISONS = {
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Eq: (ast.NotEq, ast.LtE, ast.GtE),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
ARITHMETIC = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
}
ORDER_MATTERS = (ast.Sub, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult)


def _both_ways(*pairs: tuple[str, str]) -> dict[str, tuple[str, ...]]:
    others: dict[str, tuple[str, ...]] = {}
    for a, b in pairs:
        others[a] = (*others.get(a, ()), b)
        others[b] = (*others.get(b, ()), a)
    return others


STRINGS = _both_ways(
    ("q", "k"), ("k", "v"), ("z", "v"), ("z", "pattern"), ("hook_z", "hook_v"),
    ("resid_pre", "resid_post"), ("attn_out", "mlp_out"), ("resid_pre", "attn_out"),
    ("mean", "sum"), ("mean", "max"), ("left", "right"), ("end", "S2"), ("end", "IO"),
    ("upper", "lower"), ("lower", "numeral"), ("space", "no-space"), ("early", "late"), ("middle", "late"),
)  # fmt: skip
ATTRIBUTES = _both_ways(
    ("n_layers", "n_heads"), ("W_Q", "W_K"), ("W_V", "W_O"), ("W_E", "W_U"), ("W_K", "W_V"), ("b_O", "b_V"),
    ("A", "B"), ("io_tokenIDs", "s_tokenIDs"), ("argmax", "argmin"), ("mean", "sum"), ("mean", "max"),
    ("zeros", "ones"), ("any", "all"), ("triu", "tril"), ("isupper", "islower"), ("lower", "upper"),
    ("isnumeric", "isdigit"), ("startswith", "endswith"), ("removeprefix", "removesuffix"),
    ("values", "indices"), ("softmax", "log_softmax"), ("index", "count"), ("lstrip", "removeprefix"),
)  # fmt: skip
NAMES = _both_ways(("max", "min"), ("any", "all"), ("sum", "max"), ("abs", "float"))

# Methods that may be forgotten: without them the value has another meaning, not only another form.
METHODS = frozenset(
    {
        "abs", "all", "any", "argmax", "clone", "detach", "double", "flatten", "lower", "mean", "norm",
        "removeprefix", "softmax", "strip", "sum", "T", "tolist", "transpose", "triu", "unbind", "upper",
    }
)  # fmt: skip
SYMMETRIC = frozenset({"transpose", "max", "min"})  # the order of their arguments carries nothing

# Arguments that say where, how exactly or how fast, not what: they stay as they are.
UNTOUCHED_ARGUMENTS = frozenset({"device", "dtype", "names_filter", "full_matrices"})
