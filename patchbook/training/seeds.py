"""The table of seeds: every tiny-gpt2 that ships, measured alike.

    python -m patchbook.training.seeds [name ...]

Behaviours come from the models' own cards, heads of random tokens too; the IOI circuit is found as chapter 2
finds it (`roles.py`). It writes zoo/seeds/measured.json, and from that zoo/seeds/README.md.
"""

import json
import sys
from collections.abc import Callable

import torch

from patchbook import zoo
from patchbook.models import load_model, shipped
from patchbook.patching.effects import Effect, Head
from patchbook.training import circuits
from patchbook.training.card import heads as in_words
from patchbook.training.roles import MANY, PLACES, Circuit, helping

FOLDER = zoo.ZOO / "seeds"
FIGURES, TABLE = FOLDER / "measured.json", FOLDER / "README.md"
LAYER, INDUCTION = 1, 0.4  # where tiny-gpt2's induction heads are, and chapter 1's line for their score
TEXT = """\
# The zoo: one recipe, several seeds

`tiny-gpt2` was trained once more for each further seed, by the same committed recipe
(`patchbook/training/runs.py`), and once without the price on early looks, as a control. All that finished
ship. None was chosen, and none was trained again because of what came out. A seed that is not in these tables
has not been trained to its end.

Behaviours: documents, names and templates that training never saw, as in each model's own card. Heads: by
chapter 2's questions and its rule, on {many} prompts. (Without the head's message 3 % of the answer or more
is lost, and that lies three standard errors from zero; the number after ± is one of them.) A head's number is
an address within one model: L2H4 of one seed has nothing to do with L2H4 of another. Compare roles.

*Alone*: the share of the logit difference that is left when everything but the named heads at their places is
mean-ablated. *Grown*: the head that gains most once the name movers are gone, and how much more it writes; it
is a *backup* where it passes the rule. *Against*: the head that hurts most on its direct path; it is
*negative* where it passes the rule.

GPT-2 small has duplicate-token heads, backups, negative heads, and heads of one layer that differ (Wang et
al. 2022). The last table asks of each model which of these it has. Each further seed is a trial of this
question, and so is the control.

`python -m patchbook.training.seeds` measures it all again.
"""


def duplicates(model: dict) -> str:
    """Its duplicate-token heads, on random tokens or in the circuit."""
    return in_words(model["random tokens"]["duplicate token"] | model["circuit"]["roles"]["duplicate token"])


def other_than_induction(model: dict) -> str:
    """The heads of layer 1 that are no induction heads by chapter 1's line."""
    return listed({head: score for head, score in model["scores"]["induction"].items() if score < INDUCTION})


QUESTIONS: dict[str, Callable[[dict], str]] = {  # what the first tiny-gpt2 lacks and GPT-2 small has
    "a duplicate-token head": duplicates,
    "a backup": lambda model: in_words(model["circuit"]["backup"]),
    "a negative head": lambda model: in_words(model["circuit"]["roles"]["negative"]),
    f"in layer {LAYER}, a head that is no induction head": other_than_induction,
}


@torch.no_grad()
def figures(name: str, prompts: int = MANY) -> dict:
    """All that the tables say of one model."""
    card = json.loads((zoo.ZOO / name / "measured.json").read_text())
    ioi, patterns = card["ioi"], card["found"]["attention on repeated random tokens"]
    kept_out = ioi["kept-out pairs, kept-out templates"]
    return {
        "behaviours": {
            "corpus loss": card["corpus_loss"],
            "loss on repeats": card["repeats"]["second_half_loss"],
            "IOI logit difference": ioi["kept-out pairs, trained templates"]["logit_diff"],
            "IOI right": ioi["kept-out pairs, trained templates"]["right"],
            "right on kept-out templates": kept_out["right"],
            "tomorrow, of 7": card["days"]["tomorrow"]["right"],
            "yesterday, of 7": card["days"]["yesterday"]["right"],
            "capital after a full stop": card["capitals"]["normal"]["space+upper"],
            "the same in small letters": card["capitals"]["all-lower"]["space+upper"],
        },
        "random tokens": {
            kind: patterns[kind] for kind in ("previous token", "duplicate token", "induction")
        },
        "scores": scores(name),
        "circuit": circuit_figures(Circuit.of(name, prompts)),
    }


def circuit_figures(circuit: Circuit) -> dict:
    """The circuit by chapter 2's questions, alone and without its name movers; and who works against it."""
    movers = circuit.roles["name mover"]
    grown = circuit.grown_without_movers() if movers else {}
    against = {head: Effect(-effect.by_prompt) for head, effect in circuit.direct.items()}
    return {
        "logit difference": circuit.found.clean_logit_diff,
        "roles": {role: labelled(heads) for role, heads in circuit.roles.items()},
        "heads": len(circuit.heads),
        "alone": circuit.share_alone(),
        "grown": labelled(most(grown)),
        "backup": labelled(helping(grown)),
        "against": labelled(most(against)),
    }


def scores(name: str) -> dict[str, dict[str, float]]:
    """Scores on random tokens said twice: the best duplicate-token head; each induction score of layer 1."""
    found = circuits.pattern_scores(load_model(name, device="cpu"))
    by_kind = {
        kind: {
            circuits.label(layer, head): round(score, 3)
            for layer, row in enumerate(found[kind].tolist())
            for head, score in enumerate(row)
        }
        for kind in ("duplicate token", "induction")
    }
    best = max(by_kind["duplicate token"].items(), key=lambda row: row[1])
    of_layer = {head: score for head, score in by_kind["induction"].items() if head[:2] == f"L{LAYER}"}
    return {"duplicate token": dict([best]), "induction": of_layer}


def most(effects: dict[Head, Effect]) -> dict[Head, Effect]:
    """The one head with the largest effect."""
    return dict(sorted(effects.items(), key=lambda row: -row[1].mean)[:1])


def labelled(effects: dict[Head, Effect]) -> dict[str, list[float]]:
    """{'L3H5': [mean, standard error]}, largest first."""
    ordered = sorted(effects.items(), key=lambda row: -row[1].mean)
    return {circuits.label(*head): [round(e.mean, 3), round(e.error, 3)] for head, e in ordered}


def tables(found: dict[str, dict]) -> str:
    """zoo/seeds/README.md: one column for each model."""
    parts = [TEXT.format(many=MANY)]
    sections = {
        "What they can do": {key: [f"{f['behaviours'][key]:.3g}" for f in found.values()]
                             for key in first(found)["behaviours"]},
        "On random tokens said twice": {
            **{f"{kind} heads": [in_words(f["random tokens"][kind]) for f in found.values()]
               for kind in first(found)["random tokens"]},
            "best duplicate-token head": [listed(f["scores"]["duplicate token"]) for f in found.values()],
        },
        "The circuit of IOI": {
            **{role: [in_words(f["circuit"]["roles"][role]) for f in found.values()] for role in PLACES},
            "heads in all": [str(f["circuit"]["heads"]) for f in found.values()],
            "alone": [f"{f['circuit']['alone']:.0%}" for f in found.values()],
            "grown": [in_words(f["circuit"]["grown"]) for f in found.values()],
            "backup": [in_words(f["circuit"]["backup"]) for f in found.values()],
            "against": [in_words(f["circuit"]["against"]) for f in found.values()],
        },
        "Would another one teach better?": {
            question: [answer(f) or "no" for f in found.values()] for question, answer in QUESTIONS.items()
        },
    }  # fmt: skip
    for title, rows in sections.items():
        lines = [["", *found], ["---"] * (1 + len(found)), *([key, *row] for key, row in rows.items())]
        parts += [f"## {title}\n", *("| " + " | ".join(line) + " |" for line in lines), ""]
    return "\n".join(parts)


def first(found: dict[str, dict]) -> dict:
    """Any model's figures: they have the same keys."""
    return next(iter(found.values()))


def listed(scores: dict[str, float]) -> str:
    """{'L1H4': 0.95} -> 'L1H4 0.95'."""
    return ", ".join(f"{label} {score:.2f}" for label, score in scores.items())


def main() -> None:
    """Measure the named models, or all; keep what is known of the others; write both files."""
    torch.set_num_threads(1)
    models = [name for name in shipped() if name != "tiny-attn-only"]
    known = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    for name in sys.argv[1:] or models:
        print(name, flush=True)
        known[name] = figures(name)
    found = {name: known[name] for name in models if name in known}
    FIGURES.write_text(json.dumps(found, indent=2) + "\n")
    TABLE.write_text(tables(found))


if __name__ == "__main__":
    main()
