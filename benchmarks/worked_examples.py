"""The capstone's two worked examples, found and measured: writes patchbook/zoo/worked/*.json.

python -m benchmarks.worked_examples

Each circuit is the largest edges by EAP-IG on its own prompts, and nothing was chosen on the others.
"""

import json
from functools import partial

from patchbook import load_model, zoo
from patchbook.checking.measured_declarations import CLAIMED
from patchbook.patching.declared import measured, task_of
from patchbook.patching.estimates import attribute
from patchbook.prompts.ioi import TEMPLATES, IOIDataset

MODEL = "tiny-gpt2"
STEPS = 10


def of_names(template: str, seed: int) -> list[dict[str, str]]:
    """Sixteen sentences of one template, each corrupted by the other giver."""
    tokenizer = load_model(MODEL, device="cpu").tokenizer
    clean = IOIDataset("mixed", 16, tokenizer, seed=seed, templates=[template])
    other = clean.gen_flipped_prompts("ABB->ABA, BAB->BAA")
    answers = [
        [tokenizer.decode([token]) for token in tokens] for tokens in (clean.io_tokenIDs, clean.s_tokenIDs)
    ]
    return [
        dict(zip(("clean", "corrupted", "right", "wrong"), row, strict=True))
        for row in zip(clean.sentences, other.sentences, *answers, strict=True)
    ]


def of_days(text: str, answer: int, wrong: int) -> list[dict[str, str]]:
    """A sentence for each day of the week: {0} is the day, {1} the next. Corrupted: three days on."""
    days = zoo.words("days")

    def said(start: int) -> str:
        return text.format(*(days[(start + step) % 7] for step in range(3)))

    return [
        {
            "clean": said(start),
            "corrupted": said(start + 3),
            "right": f" {days[(start + answer) % 7]}",
            "wrong": f" {days[(start + wrong) % 7]}",
        }
        for start in range(7)
    ]


EXAMPLES = {
    "names": {
        "claim": "These edges do indirect object identification.",
        "prompts": of_names(TEMPLATES[0], 7),
        "falsify": of_names(TEMPLATES[3], 5),
        "size": 40,
    },
    "days": {
        "claim": "These edges know which day comes next.",
        "prompts": of_days("Today it is {0}, tomorrow it is", 1, 0),
        "falsify": of_days("{0}, {1} and", 2, 1),
        "size": 60,
    },
}


def top_edges(declared: dict, size: int) -> list[str]:
    """The largest edges by EAP-IG on the declared prompts."""
    task = task_of(declared)
    prompts, lead = task.prompts, partial(task.lead, task.prompts)
    scores = attribute(task.model, prompts.clean, prompts.corrupted, lead, steps=STEPS)
    return [edge.label for edge, _ in scores.top(size)]


def main() -> None:
    folder = zoo.ZOO / "worked"
    folder.mkdir(exist_ok=True)
    for name, given in EXAMPLES.items():
        size = given["size"]
        declared = {"model": MODEL, "metric": "logit difference"} | given
        del declared["size"]
        declared["edges"] = top_edges(declared, size)
        found = measured(declared)
        figures = {figure: round(getattr(found, figure), 2) for figure in CLAIMED}
        declared |= {"figures": figures, "verdict": found.verdict}
        text = json.dumps(declared, indent=1, ensure_ascii=False) + "\n"
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
        print(f"{name}: {declared['claim']}\n{found}\n")


if __name__ == "__main__":
    main()
