"""Answers to chapter 6: ACDC's search, completeness and minimality."""

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


# acdc
@right("acdc")
def keeps_the_last_loss(edges, loss, tau):
    circuit, before = list(edges), loss(edges)
    for edge in edges:
        rest = [e for e in circuit if e != edge]
        after = loss(rest)
        if after - before < tau:
            circuit, before = rest, after
    return circuit


@right("acdc")
def with_sets(edges, loss, tau):
    kept = set(edges)
    for edge in edges:
        if loss(list(kept - {edge})) < loss(list(kept)) + tau:
            kept -= {edge}
    return sorted(kept)


@right("acdc")
def removed_and_put_back(edges, loss, tau):
    circuit = list(edges)
    for edge in edges:
        before = loss(circuit)
        place = circuit.index(edge)
        circuit.remove(edge)
        if loss(circuit) - before >= tau:
            circuit.insert(place, edge)
    return circuit


@wrong("acdc", "each-from-the-whole")
def one_at_a_time(edges, loss, tau):
    whole = loss(edges)
    return [e for i, e in enumerate(edges) if loss(edges[:i] + edges[i + 1 :]) >= whole + tau]


@wrong("acdc", "against-the-whole")
def baseline_never_moves(edges, loss, tau):
    circuit, whole = list(edges), loss(edges)
    for edge in edges:
        rest = [e for e in circuit if e != edge]
        if loss(rest) - whole < tau:
            circuit = rest
    return circuit


@wrong("acdc", "size-of-change")
def with_abs(edges, loss, tau):
    circuit = list(edges)
    for edge in edges:
        rest = [e for e in circuit if e != edge]
        if abs(loss(rest) - loss(circuit)) < tau:
            circuit = rest
    return circuit


@wrong("acdc", "order-reversed")
def backwards(edges, loss, tau):
    return keeps_the_last_loss(edges[::-1], loss, tau)


@wrong("acdc", "what-was-removed")
def the_others(edges, loss, tau):
    circuit = keeps_the_last_loss(edges, loss, tau)
    return [edge for edge in edges if edge not in circuit]


@wrong("acdc", "changed-input")
def edges_removed_in_place(edges, loss, tau):
    for edge in list(edges):
        before = loss(edges)
        edges.remove(edge)
        if loss(edges) - before >= tau:
            edges.append(edge)
    return edges


# completeness
@right("completeness")
def both_without_k(score, edges, circuit, removed):
    return abs(
        score([e for e in edges if e not in removed]) - score([e for e in circuit if e not in removed])
    )


@right("completeness")
def differences_of_sets(score, edges, circuit, removed):
    left = [score(sorted(set(some) - set(removed))) for some in (edges, circuit)]
    return max(left) - min(left)


@right("completeness")
def with_a_filter(score, edges, circuit, removed):
    stays = lambda edge: edge not in removed  # noqa: E731
    return ((score(list(filter(stays, edges))) - score(list(filter(stays, circuit)))) ** 2) ** 0.5


@wrong("completeness", "signed")
def no_abs(score, edges, circuit, removed):
    return score(sorted(set(edges) - set(removed))) - score(sorted(set(circuit) - set(removed)))


@wrong("completeness", "signed-other-way")
def no_abs_turned(score, edges, circuit, removed):
    return -no_abs(score, edges, circuit, removed)


@wrong("completeness", "nothing-removed")
def k_forgotten(score, edges, circuit, removed):
    return abs(score(edges) - score(circuit))


@wrong("completeness", "model-whole")
def from_the_circuit_only(score, edges, circuit, removed):
    return abs(score(edges) - score([e for e in circuit if e not in removed]))


@wrong("completeness", "circuit-whole")
def from_the_model_only(score, edges, circuit, removed):
    return abs(score([e for e in edges if e not in removed]) - score(circuit))


@wrong("completeness", "k-alone")
def k_is_the_circuit(score, edges, circuit, removed):
    return abs(score([e for e in edges if e not in removed]) - score(removed))


# minimality
@right("minimality")
def one_score_kept(score, circuit):
    whole = score(circuit)
    return {edge: whole - score([e for e in circuit if e != edge]) for edge in circuit}


@right("minimality")
def by_place(score, circuit):
    drops = {}
    for i, edge in enumerate(circuit):
        drops[edge] = score(circuit) - score(circuit[:i] + circuit[i + 1 :])
    return drops


@right("minimality")
def as_sets(score, circuit):
    return {edge: score(set(circuit)) - score(set(circuit) - {edge}) for edge in circuit}


@wrong("minimality", "sign")
def the_wrong_way(score, circuit):
    return {edge: -drop for edge, drop in by_place(score, circuit).items()}


@wrong("minimality", "size")
def sizes(score, circuit):
    return {edge: abs(drop) for edge, drop in by_place(score, circuit).items()}


@wrong("minimality", "one-after-another")
def never_put_back(score, circuit):
    drops = {}
    for i, edge in enumerate(circuit):
        drops[edge] = score(circuit[i:]) - score(circuit[i + 1 :])
    return drops


@wrong("minimality", "what-is-left")
def what_remains(score, circuit):
    return {edge: score(set(circuit) - {edge}) for edge in circuit}


@wrong("minimality", "alone")
def each_alone(score, circuit):
    return {edge: score({edge}) for edge in circuit}
