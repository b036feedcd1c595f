"""The known wrong ways of chapter 4: tables of heads."""

from patchbook.checking import Mistake
from patchbook.tests.specifications import days_tables as specifications


def _heads(row):
    """row(layer, head, x, y) -> what stands for one head, wrong in some way."""

    def wrong(x, y):
        return [row(i, j, x[i, j].item(), y[i, j].item()) for i in range(len(x)) for j in range(x.shape[1])]

    return wrong


def _head_by_head(x, y):
    rows = specifications.scatter_rows(x, y)
    return [row for head in range(x.shape[1]) for row in rows[head :: x.shape[1]]]


scatter_rows = (
    Mistake(
        "x-and-y-swapped",
        _heads(lambda layer, head, x, y: (f"L{layer}H{head}", layer, y, x)),
        "x and y have changed places.",
        "The order is label, layer, x, y.",
    ),
    Mistake(
        "layer-and-head-swapped",
        _heads(lambda layer, head, x, y: (f"L{head}H{layer}", layer, x, y)),
        "layer and head have changed places in the labels.",
        "L1H4 is head 4 of layer 1. Rows of the tensors are layers.",
    ),
    Mistake(
        "head-for-layer",
        _heads(lambda layer, head, x, y: (f"L{layer}H{head}", head, x, y)),
        "the second entry is the head; wanted the layer, which gives the colour.",
        "The order is label, layer, x, y.",
    ),
    Mistake(
        "counted-from-1",
        _heads(lambda layer, head, x, y: (f"L{layer + 1}H{head + 1}", layer + 1, x, y)),
        "layers and heads are counted from 1.",
        "The first head of the first layer is L0H0.",
    ),
    Mistake(
        "dotted-labels",
        _heads(lambda layer, head, x, y: (f"{layer}.{head}", layer, x, y)),
        "the labels are written with a dot; wanted 'L1H4'.",
        'Write f"L{layer}H{head}".',
    ),
    Mistake(
        "head-by-head",
        _head_by_head,
        "the rows go through the heads first; wanted layer by layer.",
        "The outer loop runs over layers, the inner one over heads.",
    ),
    Mistake(
        "absolute",
        _heads(lambda layer, head, x, y: (f"L{layer}H{head}", layer, abs(x), abs(y))),
        "the values have lost their sign.",
        "Leave abs out: a head that works against the answer lies on the other side of zero.",
    ),
    Mistake(
        "x-twice",
        _heads(lambda layer, head, x, y: (f"L{layer}H{head}", layer, x, x)),
        "y repeats x: all points lie on the diagonal.",
        "Read the fourth entry from the second tensor.",
    ),
    Mistake(
        "four-columns",
        lambda x, y: tuple(zip(*specifications.scatter_rows(x, y), strict=True)),
        "these are four columns; wanted a list with one tuple for each head.",
        "Collect the four entries of a head in one tuple, and the tuples in a list.",
    ),
    Mistake(
        "last-layer-missing",
        lambda x, y: specifications.scatter_rows(x[:-1], y[:-1]),
        "the last layer's heads are missing.",
        "Loop over all rows of the tensors.",
    ),
)


def _by_third(third_of, keep=lambda value, threshold: abs(value) >= threshold, label="L{layer}H{head}"):
    """third_of(layer, layers) -> the name of the third a layer is put in."""

    def wrong(patched, threshold):
        layers, heads = patched.shape
        found = {"early": [], "middle": [], "late": []}
        for layer in range(layers):
            for head in range(heads):
                if keep(patched[layer, head].item(), threshold):
                    found[third_of(layer, layers)].append(label.format(layer=layer, head=head))
        return found

    return wrong


def _third(layer, layers):
    return ("early", "middle", "late")[3 * layer // layers]


def _floored_third(layer, layers):
    return "early" if layer < layers // 3 else "late" if layer >= 2 * (layers // 3) else "middle"


def _third_with_its_end(layer, layers):
    return "early" if 3 * layer <= layers else "late" if 3 * layer > 2 * layers else "middle"


def _without_empty_thirds(patched, threshold):
    return {name: v for name, v in specifications.heads_by_depth(patched, threshold).items() if v}


def _by_value(patched, threshold):
    """Into thirds by how large they are instead of by layer."""
    everyone = [
        label for labels in specifications.heads_by_depth(patched, threshold).values() for label in labels
    ]
    everyone.sort(key=lambda label: abs(patched[tuple(map(int, label[1:].split("H")))].item()))
    n = len(everyone)
    names = ("early", "middle", "late")
    return {name: everyone[i * n // 3 : (i + 1) * n // 3] for i, name in enumerate(names)}


heads_by_depth = (
    Mistake(
        "sign-matters",
        _by_third(_third, keep=lambda value, threshold: value >= threshold),
        "heads with a large negative value are left out.",
        "Compare the size: abs(value) >= threshold. A head that works against the answer matters, too.",
    ),
    Mistake(
        "strictly-above",
        _by_third(_third, keep=lambda value, threshold: abs(value) > threshold),
        "a head whose size is exactly the threshold is left out.",
        "At least `threshold` means >=.",
    ),
    Mistake(
        "empty-thirds-missing",
        _without_empty_thirds,
        "a third without heads that matter is missing.",
        'Begin with an empty list for each of the three: {"early": [], "middle": [], "late": []}.',
    ),
    Mistake(
        "below-the-threshold",
        _by_third(_third, keep=lambda value, threshold: abs(value) < threshold),
        "these are the heads below the threshold.",
        "Keep a head where abs(value) >= threshold.",
    ),
    Mistake(
        "no-threshold",
        _by_third(_third, keep=lambda value, threshold: True),
        "all heads are in the lists, however small their value.",
        "Keep a head where abs(value) >= threshold.",
    ),
    Mistake(
        "early-and-late-swapped",
        _by_third(
            lambda layer, layers: {"early": "late", "late": "early"}.get(_third(layer, layers), "middle")
        ),
        "early and late have changed places.",
        "Layer 0 is early.",
    ),
    Mistake(
        "layer-and-head-swapped",
        _by_third(_third, label="L{head}H{layer}"),
        "layer and head have changed places in the labels.",
        "L1H4 is head 4 of layer 1. Rows of the tensor are layers.",
    ),
    Mistake(
        "halves",
        _by_third(lambda layer, layers: "early" if 2 * layer < layers else "late"),
        "the layers are cut in two halves; wanted thirds.",
        "Early is layer < n_layers / 3, late is layer >= 2 n_layers / 3.",
    ),
    Mistake(
        "thirds-rounded-down",
        _by_third(_floored_third),
        "n_layers // 3 is rounded down: where 3 does not divide the layers, some are in the next third.",
        "Compare whole numbers, and round nothing: early is 3 * layer < n_layers.",
    ),
    Mistake(
        "boundary-layers-in-the-third-before",
        _by_third(_third_with_its_end),
        "a layer at exactly a third, or at two thirds, is put into the third before.",
        "Early is below a third: <. Late begins at two thirds: >=.",
    ),
    Mistake(
        "counted-from-1",
        _by_third(lambda layer, layers: _third(min(layer + 1, layers - 1), layers)),
        "layers are counted from 1 when they are put into thirds.",
        "The first layer is layer 0.",
    ),
    Mistake(
        "first-and-last-layer",
        _by_third(lambda layer, layers: {0: "early", layers - 1: "late"}.get(layer, "middle")),
        "only the first layer is early and only the last is late.",
        "Early is layer < n_layers / 3, late is layer >= 2 n_layers / 3.",
    ),
    Mistake(
        "thirds-of-the-values",
        _by_value,
        "the heads are put into thirds by their value; wanted by their layer.",
        "The third follows from the layer alone, the threshold decides who is in at all.",
    ),
)
