"""What chapter 4's exercises must compute: what a model says where it is wrong."""

from transformer_lens import TransformerBridge

from patchbook.tests.specifications.days_words import CYCLES


def said_instead(
    model: TransformerBridge, prompts: list[tuple[str, str, str]]
) -> list[tuple[str, str, int | None]]:
    """Each prompt whose likeliest token is not the right answer: text, that token, its steps from today."""
    rows = []
    for text, right, today in prompts:
        last = model(model.to_tokens(text))[0, -1].tolist()
        said = model.to_single_str_token(max(range(len(last)), key=last.__getitem__))
        if said != right:
            rows.append((text, said, _steps(today.removeprefix(" "), said)))
    return rows


def _steps(today: str, said: str) -> int | None:
    """How often one steps on from today until the word that was said; None if one never gets there."""
    cycle = next(cycle for cycle in CYCLES if today in cycle)
    for steps in range(len(cycle)):
        if said == " " + cycle[(cycle.index(today) + steps) % len(cycle)]:
            return steps
    return None
