"""The known wrong ways of chapter 4: what a model says where it is wrong."""

from patchbook.checking import Mistake
from patchbook.tests.specifications import days_failures as specifications
from patchbook.tests.specifications.days_words import CYCLES

DAYS = CYCLES[0]


def _cycle_of(word):
    return next((cycle for cycle in CYCLES if word in cycle), ())


def _steps(today, said):
    """The right steps: forward from today, within today's cycle."""
    cycle = _cycle_of(today)
    return (cycle.index(said) - cycle.index(today)) % len(cycle) if said in cycle else None


def _instead(
    steps=lambda today, said, right: _steps(today, said),
    keep=lambda said, right, logits, token: said != right,
    says=lambda model, logits: logits.argmax().item(),
    position=-1,
    row=lambda text, said, steps: (text, said, steps),
):
    """The right way, with one part replaced."""

    def wrong(model, prompts):
        rows = []
        for text, right, today in prompts:
            logits = model(model.to_tokens(text))[0, position]
            said = model.to_single_str_token(says(model, logits))
            if keep(said, right, logits, model.to_single_token(right)):
                words = (w.removeprefix(" ") for w in (today, said, right))
                rows.append(row(text, said, steps(*words)))
        return rows

    return wrong


def _apart(count):
    """count(place of today, place of what was said, length of the cycle) -> steps."""

    def steps(today, said, right):
        cycle = _cycle_of(today)
        return count(cycle.index(today), cycle.index(said), len(cycle)) if said in cycle else None

    return steps


def _likeliest_of_the_cycles(model, logits):
    tokens = [model.to_single_token(" " + word) for cycle in CYCLES for word in cycle]
    return max(tokens, key=lambda token: logits[token].item())


said_instead = (
    Mistake(
        "all-prompts",
        _instead(keep=lambda said, right, logits, token: True),
        "prompts that the model gets right are in the list, too.",
        "Keep a prompt only if the likeliest token is not the right answer. Both texts begin with a space.",
    ),
    Mistake(
        "successes",
        _instead(keep=lambda said, right, logits, token: said == right),
        "these are the prompts that the model gets right.",
        "Keep a prompt if the likeliest token is another one than the right answer: !=.",
    ),
    Mistake(
        "from-the-right-answer",
        _instead(steps=lambda today, said, right: _steps(right, said)),
        "the steps are counted from the right answer; wanted from today.",
        "Count from the third entry of each prompt.",
    ),
    Mistake(
        "backwards",
        _instead(steps=_apart(lambda today, said, length: (today - said) % length)),
        "the steps are counted back from today; wanted forward.",
        "Place of what was said less place of today, modulo the cycle's length.",
    ),
    Mistake(
        "not-round-the-end",
        _instead(steps=_apart(lambda today, said, length: said - today)),
        "the steps do not go round the end of the cycle: some are negative.",
        "Take the difference of the places modulo the cycle's length: %.",
    ),
    Mistake(
        "nearest-way",
        _instead(
            steps=_apart(lambda today, said, length: (said - today + length // 2) % length - length // 2)
        ),
        "the steps are counted the shorter way round, so that some are negative.",
        "Always step forward: the result lies between 0 and the cycle's length less 1.",
    ),
    Mistake(
        "always-seven",
        _instead(steps=_apart(lambda today, said, length: (said - today) % 7)),
        "the steps are counted modulo 7 in every cycle.",
        "Months and seasons have other lengths: use len(cycle).",
    ),
    Mistake(
        "only-days",
        _instead(
            steps=lambda today, said, right: (
                (DAYS.index(said) - DAYS.index(today)) % 7 if said in DAYS and today in DAYS else None
            )
        ),
        "months and seasons get None.",
        "Look for the cycle that holds today's word: days, months or seasons.",
    ),
    Mistake(
        "counted-from-1",
        _instead(steps=_apart(lambda today, said, length: (said - today) % length + 1)),
        "the steps are one too many: today itself counts as 1.",
        "The same word is 0 steps away.",
    ),
    Mistake(
        "other-words-left-out",
        lambda model, prompts: [
            row for row in specifications.said_instead(model, prompts) if row[2] is not None
        ],
        "prompts after which the model says no word of the cycle are missing.",
        "They are failures as well: keep them, with None for the steps.",
    ),
    Mistake(
        "minus-one-for-none",
        _instead(steps=lambda today, said, right: -1 if (n := _steps(today, said)) is None else n),
        "a word that is not in the cycle gets -1; wanted None.",
        "-1 could be taken for a step back. Return None.",
    ),
    Mistake(
        "any-cycle",
        _instead(
            steps=lambda today, said, right: (
                (_cycle_of(said).index(said) - _cycle_of(today).index(today)) % len(_cycle_of(today))
                if _cycle_of(said)
                else None
            )
        ),
        "a day gets a number of steps after a prompt about months.",
        "Look for what was said in the cycle of today's word only, else None.",
    ),
    Mistake(
        "copies-left-out",
        lambda model, prompts: [row for row in specifications.said_instead(model, prompts) if row[2] != 0],
        "prompts after which the model says today's word again are missing.",
        "Saying today again is a failure too, of 0 steps.",
    ),
    Mistake(
        "none-for-today",
        _instead(steps=lambda today, said, right: _steps(today, said) or None),
        "saying today again gives None; wanted 0 steps.",
        "0 counts as false in Python: ask whether it `is None`.",
    ),
    Mistake(
        "likeliest-day",
        _instead(says=_likeliest_of_the_cycles),
        "only words of the cycles are looked at; the model may say something else altogether.",
        "Take the likeliest token of all.",
    ),
    Mistake(
        "second-best",
        _instead(says=lambda model, logits: logits.topk(2).indices[1].item()),
        "this is the second-likeliest token.",
        "Ranks count from 0: use argmax.",
    ),
    Mistake(
        "least-likely",
        _instead(says=lambda model, logits: logits.argmin().item()),
        "this is the least likely token.",
        "Use argmax.",
    ),
    Mistake(
        "first-position",
        _instead(position=0),
        "the logits are read at the first position, after BOS.",
        "The answer is predicted at the prompt's end: logits[0, -1].",
    ),
    Mistake(
        "position-before-last",
        _instead(position=-2),
        "the logits are read one position before the end.",
        "The last position predicts what comes after the prompt: logits[0, -1].",
    ),
    Mistake(
        "space-lost",
        _instead(row=lambda text, said, steps: (text, said.strip(), steps)),
        "what was said has lost its space.",
        "Return the token's text as it is, and strip only the copy that you look up.",
    ),
    Mistake(
        "steps-before-text",
        _instead(row=lambda text, said, steps: (said, text, steps)),
        "prompt and answer have changed places.",
        "The order is prompt, what the model says, steps.",
    ),
)
