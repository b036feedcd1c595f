"""Checks of chapter 1: induction heads."""


# --- attribution, ablation, weights (second half of the chapter)
