"""The IOI circuit of every shipped seed again, by chapter 2's questions, on prompts that it was not found on.

    python -m patchbook.training.redraws [name ...]

It writes zoo/seeds/redrawn.json: model -> which prompts -> role -> heads, for chapter 7's page.
"""

import json
import sys

import torch

from patchbook import zoo
from patchbook.checking.measured_ioi import runs_on
from patchbook.models import load_model, seeds
from patchbook.prompts.ioi import TEMPLATES
from patchbook.training.circuits import label
from patchbook.training.roles import MANY, SEED, Circuit

FILE = zoo.ZOO / "seeds" / "redrawn.json"
OTHERS = {  # beside `roles.SEED` with both orders of the first eight templates
    **{f"names of seed {seed}": {"seed": SEED + seed} for seed in (1, 2, 3)},
    "ABBA": {"order": "ABBA"},
    "BABA": {"order": "BABA"},
    "other templates": {"templates": TEMPLATES[8:]},
}


def redrawn(name: str, prompts: int = MANY) -> dict[str, dict[str, list[str]]]:
    """Which heads have which role on each of OTHERS."""
    model, found = load_model(name, device="cpu"), {}
    for which, options in OTHERS.items():
        roles = Circuit(runs_on(model, prompts, **{"seed": SEED} | options)).roles
        found[which] = {role: [label(*head) for head in heads] for role, heads in roles.items()}
    return found


def main() -> None:
    """Measure the named models, or all; keep what is known of the others."""
    torch.set_num_threads(1)
    known = json.loads(FILE.read_text()) if FILE.exists() else {}
    for name in sys.argv[1:] or seeds():
        print(name, flush=True)
        known[name] = redrawn(name)
        FILE.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main()
