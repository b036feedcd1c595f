"""The known wrong ways of chapter 6: ACDC's search, completeness and minimality."""

from patchbook.checking import Mistake


def _search(goes, order=list, update=True, removed=False):
    """acdc, where an edge goes if goes(loss without it, loss with it, loss of all, tau)."""

    def wrong(edges, loss, tau):
        circuit, everything = list(edges), loss(edges)
        for edge in order(edges):
            without = [other for other in circuit if other != edge]
            if goes(loss(without), loss(circuit), everything, tau):
                circuit = without
        return [edge for edge in edges if edge not in circuit] if removed else circuit

    return wrong


def _one_by_one(edges, loss, tau):
    """Each edge removed from the whole model, and put back."""
    everything = loss(edges)
    return [edge for edge in edges if loss([e for e in edges if e != edge]) - everything >= tau]


def _rises_less(without, before, everything, tau):
    return without - before < tau


acdc = (
    Mistake(
        "each-from-the-whole",
        _one_by_one,
        "each edge is tried in the whole model: what was removed before is back again.",
        "Remove for good, and try the next edge in what is left.",
    ),
    Mistake(
        "against-the-whole",
        _search(lambda without, before, everything, tau: without - everything < tau),
        "the loss is compared with the whole model's.",
        "Compare with the loss just before: what does this one edge add?",
    ),
    Mistake(
        "loss-not-change",
        _search(lambda without, before, everything, tau: without < tau),
        "the loss itself is compared with tau; wanted how much it rises.",
        "Subtract the loss with the edge.",
    ),
    Mistake(
        "size-of-change",
        _search(lambda without, before, everything, tau: abs(without - before) < tau),
        "an edge whose removal lowers the loss stays.",
        "Leave out abs(): such an edge goes, too.",
    ),
    Mistake(
        "sign",
        _search(lambda without, before, everything, tau: before - without < tau),
        "the change has the wrong sign: edges go that are needed.",
        "The loss without the edge, less the loss with it.",
    ),
    Mistake(
        "order-reversed",
        _search(_rises_less, order=lambda edges: list(edges)[::-1]),
        "the edges are tried from the last to the first.",
        "Go through edges in their order.",
    ),
    Mistake(
        "what-was-removed",
        _search(_rises_less, removed=True),
        "these are the edges that were removed.",
        "Return those that are left.",
    ),
    Mistake(
        "inverted",
        _search(lambda without, before, everything, tau: without - before >= tau),
        "edges that matter are removed, the others stay.",
        "An edge goes if the loss rises by less than tau.",
    ),
)


def _gap(formula):
    """formula(model without K, circuit without K, model, circuit, K): of their scores."""

    def wrong(score, edges, circuit, removed):
        rest = [[edge for edge in some if edge not in removed] for some in (edges, circuit)]
        return float(formula(*map(score, rest), score(edges), score(circuit), score(removed)))

    return wrong


completeness = (
    Mistake(
        "signed",
        _gap(lambda m_left, c_left, m, c, k: m_left - c_left),
        "the gap has a sign; wanted its size.",
        "Take abs().",
    ),
    Mistake(
        "signed-other-way",
        _gap(lambda m_left, c_left, m, c, k: c_left - m_left),
        "the gap has a sign; wanted its size.",
        "Take abs().",
    ),
    Mistake(
        "nothing-removed",
        _gap(lambda m_left, c_left, m, c, k: abs(m - c)),
        "K is removed from neither: this is plain faithfulness.",
        "Take the edges of `removed` out of both.",
    ),
    Mistake(
        "model-whole",
        _gap(lambda m_left, c_left, m, c, k: abs(m - c_left)),
        "K is removed from the circuit only.",
        "Take the edges of `removed` out of both.",
    ),
    Mistake(
        "circuit-whole",
        _gap(lambda m_left, c_left, m, c, k: abs(m_left - c)),
        "K is removed from the model only.",
        "Take the edges of `removed` out of both.",
    ),
    Mistake(
        "drops-compared",
        _gap(lambda m_left, c_left, m, c, k: abs((m - m_left) - (c - c_left))),
        "what both lose is compared; wanted what both still have.",
        "Compare the two scores after the removal.",
    ),
    Mistake(
        "k-alone",
        _gap(lambda m_left, c_left, m, c, k: abs(m_left - k)),
        "K itself is scored.",
        "Score what is left of the circuit without it.",
    ),
    Mistake(
        "divided",
        _gap(lambda m_left, c_left, m, c, k: abs(m_left - c_left) / abs(m_left)),
        "the gap is divided by the model's score.",
        "Return the gap itself.",
    ),
)


def _drops(formula):
    """formula(score, circuit, without the edge, edge) for each edge."""

    def wrong(score, circuit):
        return {
            edge: float(formula(score, circuit, [other for other in circuit if other != edge], edge))
            for edge in circuit
        }

    return wrong


def _one_after_another(score, circuit):
    """Removed edges stay removed."""
    left, drops = list(circuit), {}
    for edge in circuit:
        without = [other for other in left if other != edge]
        drops[edge] = float(score(left) - score(without))
        left = without
    return drops


minimality = (
    Mistake(
        "sign",
        _drops(lambda score, circuit, without, edge: score(without) - score(circuit)),
        "the sign is turned: an edge that matters must have a positive number.",
        "The circuit's score, less the score without the edge.",
    ),
    Mistake(
        "size",
        _drops(lambda score, circuit, without, edge: abs(score(circuit) - score(without))),
        "the drop has lost its sign: an edge that harms looks like one that helps.",
        "Leave out abs().",
    ),
    Mistake(
        "what-is-left",
        _drops(lambda score, circuit, without, edge: score(without)),
        "this is the score that is left, not how much it fell.",
        "Subtract it from the circuit's score.",
    ),
    Mistake(
        "alone",
        _drops(lambda score, circuit, without, edge: score([edge])),
        "this is what the edge scores alone, with nothing around it.",
        "Remove it from the circuit, and see what is lost.",
    ),
    Mistake(
        "added-to-nothing",
        _drops(lambda score, circuit, without, edge: score([edge]) - score([])),
        "this is what the edge adds to nothing.",
        "Remove it from the circuit, and see what is lost.",
    ),
    Mistake(
        "one-after-another",
        _one_after_another,
        "removed edges stay removed: the later ones are tried in a smaller circuit.",
        "Put each edge back before you try the next.",
    ),
    Mistake(
        "as-a-share",
        _drops(lambda score, circuit, without, edge: (score(circuit) - score(without)) / score(circuit)),
        "the drop is divided by the circuit's score.",
        "Return the drop itself.",
    ),
)
