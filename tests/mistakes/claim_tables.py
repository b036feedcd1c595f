"""The known wrong ways of chapter 7: what a claim's figure and its control allow one to say."""

from patchbook.checking import Mistake
from patchbook.tests.specifications.overlaps import p_value

LEVEL = 0.05


def _judged(
    chance=lambda figure, control: p_value(figure, control) > LEVEL,
    short=lambda figure, line: figure < line,
    alone="no control",
    line_first=False,
):
    """claim_table. chance(figure, control), short(figure, line): whether a claim fails there."""

    def verdict(figure, control, line):
        if not control and alone is not None:
            return alone
        failures = [("chance", bool(control) and chance(figure, control)), ("weak", short(figure, line))]
        return next((name for name, failed in failures[:: -1 if line_first else 1] if failed), "holds")

    def wrong(figures, controls, lines):
        return {claim: verdict(figure, controls[claim], lines[claim]) for claim, figure in figures.items()}

    return wrong


def _mean(control):
    return sum(control) / len(control)


claim_table = (
    Mistake(
        "no-control-needed",
        _judged(alone=None),
        "a claim without a control is judged by its line alone.",
        "Without a control nobody knows what chance gets: say 'no control'.",
    ),
    Mistake(
        "no-control-is-chance",
        _judged(alone="chance"),
        "a claim without a control is called chance: nobody has asked chance.",
        "Say 'no control': that is a third thing.",
    ),
    Mistake(
        "line-ignored",
        _judged(short=lambda figure, line: False),
        "the line is not used: to beat chance is enough to hold.",
        "A figure below its line is 'weak'.",
    ),
    Mistake(
        "chance-ignored",
        _judged(chance=lambda figure, control: False),
        "the control is not used: to reach the line is enough to hold.",
        "Ask for the p-value first: above 0.05 it is 'chance'.",
    ),
    Mistake(
        "line-first",
        _judged(line_first=True),
        "the line is asked before the control: what chance does as well is called weak.",
        "Ask for the control first. A figure that chance reaches is no finding, however small.",
    ),
    Mistake(
        "strict-line",
        _judged(short=lambda figure, line: figure <= line),
        "a figure that is just on its line is called weak.",
        "On the line it holds: only a figure below it is weak.",
    ),
    Mistake(
        "strict-level",
        _judged(chance=lambda figure, control: p_value(figure, control) >= LEVEL),
        "a p-value of just 0.05 is called chance.",
        "Only a p-value above 0.05 is.",
    ),
    Mistake(
        "share-of-controls",
        _judged(chance=lambda figure, control: sum(c >= figure for c in control) / len(control) > LEVEL),
        "the p-value leaves out the figure itself: it claims to know more than 9 controls can show.",
        "Use p_value: the figure is one more draw.",
    ),
    Mistake(
        "above-the-mean",
        _judged(chance=lambda figure, control: figure <= _mean(control)),
        "the figure is compared with the mean of the controls: half of all chance results are above it.",
        "Use p_value, and 0.05.",
    ),
    Mistake(
        "above-them-all",
        _judged(chance=lambda figure, control: figure <= max(control)),
        "one control that reaches the figure is enough for chance here.",
        "Use p_value: of a hundred controls a few may reach it. With few controls, none is not enough.",
    ),
    Mistake(
        "level-of-a-hundredth",
        _judged(chance=lambda figure, control: p_value(figure, control) > LEVEL / 5),
        "the level is 0.01; wanted 0.05.",
        "Chance is what has a p-value above 0.05.",
    ),
)
