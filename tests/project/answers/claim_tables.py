"""Answers to chapter 7: what a claim's figure and its control allow one to say."""

import numpy as np

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


def by_chance(figure, control):
    return (1 + sum(draw >= figure for draw in control)) / (1 + len(control))


# claim_table
@right("claim_table")
def one_after_another(figures, controls, lines):
    table = {}
    for claim in figures:
        if len(controls[claim]) == 0:
            table[claim] = "no control"
        elif by_chance(figures[claim], controls[claim]) > 0.05:
            table[claim] = "chance"
        else:
            table[claim] = "holds" if figures[claim] >= lines[claim] else "weak"
    return table


@right("claim_table")
def by_numpy(figures, controls, lines):
    def judge(claim):
        draws = np.array(controls[claim])
        if not draws.size:
            return "no control"
        p = (1 + np.count_nonzero(draws >= figures[claim])) / (1 + draws.size)
        return "chance" if p > 0.05 else ("weak" if figures[claim] < lines[claim] else "holds")

    return {claim: judge(claim) for claim in figures}


@right("claim_table")
def most_that_may_reach_it(figures, controls, lines):
    table = dict.fromkeys(figures, "holds")
    for claim, figure in figures.items():
        table[claim] = "weak" if figure < lines[claim] else table[claim]
        reached = len([draw for draw in controls[claim] if draw >= figure])
        if 20 * (1 + reached) > 1 + len(controls[claim]):
            table[claim] = "chance"
        if not controls[claim]:
            table[claim] = "no control"
    return table


@wrong("claim_table", "no-control-needed")
def nothing_to_beat(figures, controls, lines):
    return {
        claim: "chance"
        if controls[claim] and by_chance(figures[claim], controls[claim]) > 0.05
        else ("holds" if figures[claim] >= lines[claim] else "weak")
        for claim in figures
    }


@wrong("claim_table", "line-ignored")
def beats_chance(figures, controls, lines):
    said = {
        claim: "chance" if by_chance(figures[claim], controls[claim]) > 0.05 else "holds" for claim in figures
    }
    return said | {claim: "no control" for claim in figures if not controls[claim]}


@wrong("claim_table", "line-first")
def size_before_chance(figures, controls, lines):
    table = {}
    for claim, figure in figures.items():
        if not controls[claim]:
            table[claim] = "no control"
        elif figure < lines[claim]:
            table[claim] = "weak"
        else:
            table[claim] = "chance" if by_chance(figure, controls[claim]) > 0.05 else "holds"
    return table


@wrong("claim_table", "share-of-controls")
def percentile(figures, controls, lines):
    table = one_after_another(figures, controls, lines)
    for claim, figure in figures.items():
        if controls[claim]:
            share = np.mean([draw >= figure for draw in controls[claim]])
            passed = "holds" if figure >= lines[claim] else "weak"
            table[claim] = "chance" if share > 0.05 else passed
    return table


@wrong("claim_table", "above-them-all")
def record(figures, controls, lines):
    table = one_after_another(figures, controls, lines)
    for claim, figure in figures.items():
        if controls[claim]:
            passed = "holds" if figure >= lines[claim] else "weak"
            table[claim] = passed if figure > max(controls[claim]) else "chance"
    return table


@wrong("claim_table", "strict-line")
def must_pass_the_line(figures, controls, lines):
    table = one_after_another(figures, controls, lines)
    return {c: "weak" if v == "holds" and figures[c] == lines[c] else v for c, v in table.items()}


@wrong("claim_table", "contract")
def only_the_verdicts(figures, controls, lines):
    return list(one_after_another(figures, controls, lines).values())
