"""Answers to chapter 4: tables of heads."""

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong
WEEK = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


# scatter_rows
@right("scatter_rows")
def with_nested_loops(x, y):
    rows = []
    for layer in range(x.shape[0]):
        for head in range(x.shape[1]):
            rows.append((f"L{layer}H{head}", layer, x[layer, head].item(), y[layer, head].item()))
    return rows


@right("scatter_rows")
def with_divmod(x, y):
    both = zip(x.flatten().tolist(), y.flatten().tolist(), strict=True)
    return [(f"L{i // x.shape[1]}H{i % x.shape[1]}", i // x.shape[1], a, b) for i, (a, b) in enumerate(both)]


@right("scatter_rows")
def lists_of_tensors(x, y):
    rows = enumerate(zip(x, y, strict=True))
    return [[f"L{i}H{h}", i, a[h], b[h]] for i, (a, b) in rows for h in range(len(a))]


@wrong("scatter_rows", "x-and-y-swapped")
def y_first(x, y):
    return with_nested_loops(y, x)


@wrong("scatter_rows", "layer-and-head-swapped")
def head_first_in_the_label(x, y):
    return [
        (f"L{i % x.shape[1]}H{layer}", layer, a, b) for i, (_, layer, a, b) in enumerate(with_divmod(x, y))
    ]


@wrong("scatter_rows", "head-for-layer")
def coloured_by_head(x, y):
    return [(label, int(label.split("H")[1]), a, b) for label, _, a, b in with_divmod(x, y)]


@wrong("scatter_rows", "head-by-head")
def columns_first(x, y):
    layers, heads = x.shape
    return [
        (f"L{layer}H{head}", layer, x[layer, head].item(), y[layer, head].item())
        for head in range(heads)
        for layer in range(layers)
    ]


@wrong("scatter_rows", "absolute")
def sizes_only(x, y):
    return with_nested_loops(x.abs(), y.abs())


@wrong("scatter_rows", "dotted-labels")
def as_in_the_papers(x, y):
    return [(label[1:].replace("H", "."), layer, a, b) for label, layer, a, b in with_divmod(x, y)]


@wrong("scatter_rows", "four-columns")
def four_columns(x, y):
    return tuple(zip(*with_divmod(x, y), strict=True))


# heads_by_depth
@right("heads_by_depth")
def with_thirds(patched, threshold):
    n_layers = patched.shape[0]
    found = {"early": [], "middle": [], "late": []}
    for layer, head in (patched.abs() >= threshold).nonzero().tolist():
        where = "early" if layer < n_layers / 3 else "late" if layer >= 2 * n_layers / 3 else "middle"
        found[where].append(f"L{layer}H{head}")
    return found


@right("heads_by_depth")
def largest_first(patched, threshold):
    n_layers, n_heads = patched.shape
    found = {name: [] for name in ("early", "middle", "late")}
    for index in patched.abs().flatten().argsort(descending=True).tolist():
        layer, head = divmod(index, n_heads)
        if patched[layer, head].abs() >= threshold:
            found[("early", "middle", "late")[layer * 3 // n_layers]].append(f"L{layer}H{head}")
    return found


@right("heads_by_depth")
def three_comprehensions(patched, threshold):
    n, heads = patched.shape
    ends = {"early": (0, -(-n // 3)), "middle": (-(-n // 3), -(-2 * n // 3)), "late": (-(-2 * n // 3), n)}
    return {
        name: [f"L{i}H{h}" for i in range(a, b) for h in range(heads) if abs(patched[i, h]) >= threshold]
        for name, (a, b) in ends.items()
    }


@wrong("heads_by_depth", "sign-matters")
def forgot_abs(patched, threshold):
    return with_thirds(patched.clamp(min=0), threshold)


@wrong("heads_by_depth", "early-and-late-swapped")
def from_the_end(patched, threshold):
    found = with_thirds(patched, threshold)
    return {"early": found["late"], "middle": found["middle"], "late": found["early"]}


@wrong("heads_by_depth", "layer-and-head-swapped")
def labels_turned_round(patched, threshold):
    found = with_thirds(patched, threshold)
    return {k: ["L{1}H{0}".format(*v[1:].split("H")) for v in labels] for k, labels in found.items()}


@wrong("heads_by_depth", "no-threshold")
def everybody(patched, threshold):
    return with_thirds(patched, 0)


@wrong("heads_by_depth", "below-the-threshold")
def the_small_ones(patched, threshold):
    small = patched.abs() < threshold
    return with_thirds(small.double(), 1)


@wrong("heads_by_depth", "first-and-last-layer")
def only_the_outer_layers(patched, threshold):
    found = {"early": [], "middle": [], "late": []}
    for layer, head in (patched.abs() >= threshold).nonzero().tolist():
        where = "early" if layer == 0 else "late" if layer == len(patched) - 1 else "middle"
        found[where].append(f"L{layer}H{head}")
    return found


@wrong("heads_by_depth", "halves")
def two_halves(patched, threshold):
    found = {"early": [], "middle": [], "late": []}
    for layer, head in (patched.abs() >= threshold).nonzero().tolist():
        found["early" if layer < len(patched) / 2 else "late"].append(f"L{layer}H{head}")
    return found


@wrong("heads_by_depth", "strictly-above")
def more_than_the_threshold(patched, threshold):
    found = {"early": [], "middle": [], "late": []}
    n = len(patched)
    for layer, head in (patched.abs() > threshold).nonzero().tolist():
        third = "late" if layer >= 2 * n / 3 else "early" if layer < n / 3 else "middle"
        found[third].append(f"L{layer}H{head}")
    return found


@wrong("heads_by_depth", "empty-thirds-missing")
def as_they_come(patched, threshold):
    found = {}
    for third, labels in with_thirds(patched, threshold).items():
        for label in labels:
            found.setdefault(third, []).append(label)
    return found


@wrong("heads_by_depth", "thirds-rounded-down")
def whole_thirds(patched, threshold):
    size, found = len(patched) // 3, {"early": [], "middle": [], "late": []}
    for layer, head in (patched.abs() >= threshold).nonzero().tolist():
        found[("early", "middle", "late")[min(layer // size, 2)]].append(f"L{layer}H{head}")
    return found


@wrong("heads_by_depth", "boundary-layers-in-the-third-before")
def up_to_a_third(patched, threshold):
    found, n = {"early": [], "middle": [], "late": []}, len(patched)
    for layer, head in (patched.abs() >= threshold).nonzero().tolist():
        third = "early" if layer <= n / 3 else "middle" if layer <= 2 * n / 3 else "late"
        found[third].append(f"L{layer}H{head}")
    return found
