"""The models and word lists that travel with Patchbook; nothing here needs a network.

    zoo/words/*.txt      one word a line; each is ONE token, with a space before it, here and in GPT-2
    zoo/tiny-gpt2/       GPT-2's architecture, 4 layers x 6 heads, and the tokenizer that all share
    zoo/tiny-gpt2@3/     the same recipe by another seed; @free: without the price of its third stage
    zoo/seeds/           what the seeds have in common and what not, measured
    zoo/tiny-attn-only/  two layers of attention and nothing else

`patchbook.models.load_model` turns a folder into a model; this module only finds files.
"""

import json
from pathlib import Path

ZOO = Path(__file__).parent


def words(name: str) -> list[str]:
    """The list `zoo/words/{name}.txt`: names, places, objects, days, months or seasons.

    >>> words("days")[:2]
    ['Monday', 'Tuesday']
    """
    path = ZOO / "words" / f"{name}.txt"
    if not path.exists():
        have = ", ".join(sorted(p.stem for p in path.parent.glob("*.txt")))
        raise ValueError(f"wanted a word list, but got {name!r}; try one of: {have}")
    return path.read_text().split()


def roles_of(name: str) -> dict[str, list[str]]:
    """Which heads of a tiny-gpt2 have which role in IOI, by chapter 2's questions; {} where nobody has asked.

    >>> roles_of("tiny-gpt2")["S-inhibition"]
    ['L2H4']
    """
    measured = json.loads((ZOO / "seeds" / "measured.json").read_text())
    roles = measured[name]["circuit"]["roles"] if name in measured else {}
    return {role: list(heads) for role, heads in roles.items()}


def roles_again(name: str) -> dict[str, dict[str, list[str]]]:
    """The same on other prompts: which prompts -> role -> heads; {} where nobody has asked.

    >>> roles_again("tiny-gpt2")["ABBA"]["S-inhibition"]
    ['L2H4']
    """
    return json.loads((ZOO / "seeds" / "redrawn.json").read_text()).get(name, {})
