"""What chapter 7's exercises must compute: what a claim's figure and its control allow one to say."""

from patchbook.tests.specifications.overlaps import p_value


def claim_table(
    figures: dict[str, float], controls: dict[str, list[float]], lines: dict[str, float]
) -> dict[str, str]:
    """Claim by claim: has it a control, does it beat it, does it reach its line."""
    table = {}
    for claim, figure in figures.items():
        control = controls[claim]
        if not control:
            table[claim] = "no control"
        elif p_value(figure, control) > 0.05:
            table[claim] = "chance"
        elif figure < lines[claim]:
            table[claim] = "weak"
        else:
            table[claim] = "holds"
    return table
