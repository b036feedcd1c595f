"""measured.json -> README.md: the model card is written by the code that measured, never by hand."""

import json
from pathlib import Path

ABOUT = {
    "tiny-gpt2": """\
GPT-2's architecture, small: it loads wherever GPT-2 loads. It was trained on Patchbook's own synthetic
English (`patchbook/training`): two people and a gift, days and months, prose in three kinds of case,
decimals, and random tokens said twice. It knows nothing else. Where it does what GPT-2 small does, it does
so with heads you can find by the same methods; its heads have other numbers, and what is true of it is not
thereby true of GPT-2.

Its tokenizer is GPT-2's, cut down to the words of the corpus: those words split exactly as GPT-2 splits them.
All 256 positions were trained. Trained from random weights; no one else's weights or text went in.

It was trained in three stages: to copy, to read, and to take its time. After the second, a head of layer 0
took the giver's name straight to the end, and little was left to find. So in the third stage, from the place
before the receiver's name, looks in layers 0 and 1 and looks of layer 3 at the last eight tokens had a price
(`CHARGED` in `patchbook/training/trainer.py`). Nothing in it says which name is right or which head should
do what; it is the reason why the name travels through layer 2. Keep it in mind when you compare this circuit
with GPT-2's, which nobody charged for anything.""",
    "variant": """\
GPT-2's architecture, small, as tiny-gpt2, whose card says how it was trained and on what. It reads with
tiny-gpt2's tokenizer. {difference}

Nobody chose it: it came out like this, and it ships whether or not it has a circuit that you would know from
tiny-gpt2. The table of all seeds (`patchbook/zoo/seeds/README.md`) sets them side by side.""",
    "tiny-attn-only": """\
Two layers of attention and nothing else: no MLP, no LayerNorm, no biases, and no positions in the residual
stream (rotary positions act on queries and keys only). It was trained on the same synthetic English as
tiny-gpt2, with more random tokens said twice, and reads with tiny-gpt2's tokenizer. Because the stream holds
no positions, a head can find what followed an earlier token only by composing with another head.

`induction_curve.json` holds ten moments of its training: look for the step where it starts to copy.""",
}

SEED = """\
The recipe is the same, in all three stages, and so is the corpus's grammar. Only the seeds differ, and with
them the first weights, the documents drawn, and the order of the batches."""
FREE = """\
It is the control for the price on early looks: the same recipe and the same seeds as tiny-gpt2, but in the
third stage no look costs anything. Until the second stage ends the two are one model."""

MEANING = """\
Losses are in nats a token, differences in logits. Documents and random tokens are new, from seeds of their
own; kept-out pairs of names never meet in a training IOI sentence; kept-out templates are never trained on.
Head scores of a pattern are mean attention over the second half of 50 random tokens said twice; "patched"
scores are the share of the IOI logit difference that comes back when the head's clean value is put into a
run whose third name is the other one, so that the other person gives (0 none, 1 all). Each head is named by
320 texts or prompts: its mean reaches the line and lies three standard errors (the number after ±) from zero.
How many heads chance would name is told by effects that lost their mean."""


def write_card(folder: Path, name: str, measured: dict) -> None:
    """Write measured.json and README.md into `folder`."""
    text = json.dumps(measured, indent=2) + "\n"
    (folder / "measured.json").write_text(text)
    (folder / "README.md").write_text(card(name, measured))


def about(name: str) -> str:
    """What the model is, in words."""
    base, _, which = name.partition("@")
    if not which:
        return ABOUT[base]
    return ABOUT["variant"].format(difference=FREE if which == "free" else SEED)


def card(name: str, measured: dict) -> str:
    """The card as markdown: what the model is, then one table for each group of numbers."""
    parts = [f"# {name}", about(name), "## What was measured", MEANING]
    single = {key: value for key, value in measured.items() if not isinstance(value, dict)}
    parts.append(table(single))
    for key, value in measured.items():
        if isinstance(value, dict):
            parts.extend(section(key, value, depth=3))
    return "\n\n".join(part for part in parts if part) + "\n"


def section(title: str, values: dict, depth: int) -> list[str]:
    """A heading with a table: of numbers, of heads, or of rows that share their columns; else sections."""
    head = "#" * depth + " " + title[:1].upper() + title[1:]
    if is_grid(values):
        return [head, grid(values)]
    lines = {key: value if not isinstance(value, dict) else heads(value) for key, value in values.items()
             if not isinstance(value, dict) or is_heads(value)}  # fmt: skip
    parts = [head, table(lines)]
    for key, value in values.items():
        if key not in lines:
            parts.extend(section(key, value, depth + 1))
    return [part for part in parts if part]


def is_grid(values: dict) -> bool:
    """True if every value is a dict of plain numbers, and all have the same keys."""
    rows = list(values.values())
    if not all(isinstance(row, dict) and row and not is_heads(row) for row in rows):
        return False
    plain = all(not isinstance(entry, dict) for row in rows for entry in row.values())
    return plain and len({tuple(row) for row in rows}) == 1


def is_heads(row: dict) -> bool:
    """True for {'L3H5': [mean, error], ...}, and for no heads at all."""
    return all(key[:1] == "L" and "H" in key for key in row)


def heads(row: dict) -> str:
    """{'L3H5': [0.9, 0.01]} -> 'L3H5 0.900 ± 0.010'."""
    return ", ".join(f"{label} {mean:.3f} ± {error:.3f}" for label, (mean, error) in row.items()) or "none"


def number(value) -> str:
    """Three decimals for a float, everything else as it is; a matrix becomes its shape."""
    if isinstance(value, list):
        return f"see measured.json ({len(value)} rows)"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def table(values: dict) -> str:
    """Two columns: what, how much."""
    rows = [f"| {key.replace('_', ' ')} | {number(value)} |" for key, value in values.items()]
    return "\n".join(["| | |", "|---|---|", *rows]) if rows else ""


def grid(values: dict) -> str:
    """One row for each key, one column for each number."""
    columns = list(next(iter(values.values())))
    lines = [["", *(column.replace("_", " ") for column in columns)], ["---"] * (len(columns) + 1)]
    lines += [[key, *(number(row[column]) for column in columns)] for key, row in values.items()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
