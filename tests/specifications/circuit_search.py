"""What chapter 6's exercises must compute: ACDC's search, completeness and minimality of a set of edges.

Sources: Conmy et al. 2023, arXiv 2304.14997 (ACDC); Wang et al. 2022, arXiv 2211.00593, sections 4.2 and 4.3.
"""

from collections.abc import Callable

Measure = Callable[[list[str]], float]  # a set of edges, all others ablated -> one number


def acdc(edges: list[str], loss: Measure, tau: float) -> list[str]:
    """Try the edges in their order; each whose removal raises the loss by less than tau goes for good."""
    circuit = list(edges)
    for edge in edges:
        without = [other for other in circuit if other != edge]
        if loss(without) - loss(circuit) < tau:
            circuit = without
    return circuit


def completeness(score: Measure, edges: list[str], circuit: list[str], removed: list[str]) -> float:
    """|score(model without K) - score(circuit without K)|: small where the circuit misses nothing."""
    model_left = [edge for edge in edges if edge not in removed]
    circuit_left = [edge for edge in circuit if edge not in removed]
    return abs(score(model_left) - score(circuit_left))


def minimality(score: Measure, circuit: list[str]) -> dict[str, float]:
    """For each edge what the score of the circuit falls by without it, and it alone."""
    return {edge: score(circuit) - score([other for other in circuit if other != edge]) for edge in circuit}
