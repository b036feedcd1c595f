"""Cases as chapter 7 wants them: circuits for Jaccard's overlap."""


def cases_for_jaccard() -> list[dict]:
    """Circuits of two sizes in another order, an edge that is listed twice, and nothing at all."""
    circuit = ["embedding -> L0H1.q", "L0H1 -> logits", "L0H1 -> L1H0.k"]
    return [
        {"circuit": circuit, "other": ["L0H1 -> L1H0.k", "MLP 0 -> logits"], "expect": 0.25},
        {"circuit": ["L0H1 -> logits"] * 2, "other": ["L0H1 -> logits"], "expect": 1.0},
        {"circuit": [], "other": [], "expect": 1.0},
    ]
