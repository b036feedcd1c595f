"""What a trained model can do, in numbers, on text that training never showed it.

Every function takes the model as `load_model` gives it and returns plain numbers for the model card.
Unless it says otherwise, a number is a mean over prompts; losses are in nats, differences in logits.
"""

import random

import torch
import torch.nn.functional as F
from torch import Tensor

from patchbook import zoo
from patchbook.training.batches import encode
from patchbook.training.grammar import IOI, IOI_KEPT_OUT, STEPS, STEPS_KEPT_OUT
from patchbook.training.ioi_text import draw_kept_out_pair
from patchbook.training.sentences import fill

HELD_OUT = 999  # the seed of everything measured; training uses seeds below 100

CAPITAL_PROMPTS = {  # context -> prompts of the same shape; each ends with a full stop
    "normal": ["This is a sentence.", "The cat loves to scratch my car.", "Koalas are grumpy cute."],
    "all-lower": ["this is a sentence.", "the cat loves to scratch my car.", "koalas are grumpy cute."],
    "all-upper": ["THIS IS A SENTENCE.", "THE CAT LOVES TO SCRATCH MY CAR.", "CATS ARE CLEVER."],
    "is not 0.": [
        "The probability of me getting to the bottom of this circuit is not 0.",
        "The price of the car is 0.",
        "The height of the table is 0.",
    ],
}


def final_logits(model, prompts: list[str]) -> Tensor:
    """Logits after the last token of each prompt, run one by one, so that no padding: [prompt vocab]."""
    return torch.stack([model(model.to_tokens(prompt))[0, -1] for prompt in prompts])


def logit_differences(model, prompts: list[str], right: list[str], wrong: list[str]) -> Tensor:
    """logit(right) - logit(wrong) after each prompt: [prompt]."""
    logits = final_logits(model, prompts)
    good, bad = ([model.to_single_token(word) for word in words] for words in (right, wrong))
    index = torch.arange(len(prompts))
    return logits[index, good] - logits[index, bad]


def corpus_loss(model, documents: int = 200, length: int = 64) -> float:
    """Mean loss on new documents, in nats a token."""
    rows = torch.from_numpy(encode(model.tokenizer, HELD_OUT, documents, length))
    logits = model(rows)
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), rows[:, 1:].flatten()).item()


def ioi_prompts(patterns: list[str], each: int) -> list[tuple[str, str, str]]:
    """(prompt, indirect object, subject) of kept-out pairs, `each` a pattern, half ABBA, half BABA.

    A name at the very beginning of a text would be another token than the answer: a word goes before it.
    """
    rng, rows = random.Random(HELD_OUT), []
    for pattern in ("Yes. " * pattern.startswith("{") + pattern for pattern in patterns):
        for i in range(each):
            a, b = draw_kept_out_pair(rng)
            subject, indirect = (a, b) if i % 2 else (b, a)
            rows.append((fill(rng, pattern, a=a, b=b, s=subject), " " + indirect, " " + subject))
    return rows


def ioi(model, patterns: list[str], each: int = 20) -> dict[str, float]:
    """Mean logit difference, share of prompts where it is above 0, probabilities of both names."""
    rows = ioi_prompts(patterns, each)
    prompts, right, wrong = (list(column) for column in zip(*rows, strict=True))
    probs = final_logits(model, prompts).softmax(-1)
    differences = logit_differences(model, prompts, right, wrong)
    index = torch.arange(len(prompts))
    return {
        "prompts": len(prompts),
        "logit_diff": differences.mean().item(),
        "right": (differences > 0).float().mean().item(),
        "io_probability": probs[index, [model.to_single_token(w) for w in right]].mean().item(),
        "s_probability": probs[index, [model.to_single_token(w) for w in wrong]].mean().item(),
    }


def top_is_right(model, prompts: list[str], answers: list[str]) -> dict[str, float]:
    """How many prompts have the answer as likeliest token, and its mean probability."""
    probs = final_logits(model, prompts).softmax(-1)
    ids = torch.tensor([model.to_single_token(" " + answer) for answer in answers])
    return {
        "right": int((probs.argmax(-1) == ids).sum()),
        "of": len(prompts),
        "probability": probs.gather(1, ids[:, None]).mean().item(),
    }


def step_accuracy(model, rows: list[tuple[str, int, str]]) -> dict[str, float]:
    """The sentence patterns `rows` of (cycle, steps, pattern), on every day, month or season."""
    prompts, answers = [], []
    for name, by, pattern in rows:
        cycle = zoo.words(name)
        for i, now in enumerate(cycle):
            prompts.append(pattern.format(d=now))
            answers.append(cycle[(i + by) % len(cycle)])
    return top_is_right(model, prompts, answers)


def list_accuracy(model, name: str, length: int) -> dict[str, float]:
    """Lists of `length` items whose last is asked for, from every start: 'Monday, Tuesday and'."""
    cycle = zoo.words(name)
    doubled = cycle * 2
    prompts = [", ".join(doubled[i : i + length - 1]) + " and" for i in range(len(cycle))]
    return top_is_right(model, prompts, [doubled[i + length - 1] for i in range(len(cycle))])


def days(model) -> dict[str, dict[str, float]]:
    """Weekdays, months and seasons: sentences trained on, sentences kept out, and lists."""
    trained = {
        f"{name} {label}": step_accuracy(model, [s for s in STEPS if s[:2] == (name, by)])
        for name in ("days", "months", "seasons")
        for label, by in (("next", 1), ("last", -1))
    }
    return {
        "tomorrow": step_accuracy(model, [STEPS[0]]),
        "yesterday": step_accuracy(model, [s for s in STEPS if "yesterday it was" in s[2]]),
        **trained,
        "kept-out tomorrow": step_accuracy(model, STEPS_KEPT_OUT[:1]),
        "kept-out yesterday": step_accuracy(model, STEPS_KEPT_OUT[1:]),
        **{f"list of {n} days": list_accuracy(model, "days", n) for n in (3, 4)},
        "list of 3 months": list_accuracy(model, "months", 3),
    }


def capital_groups(tokenizer) -> dict[str, list[int]]:
    """Token ids that begin with space+capital, space+small letter, and a digit."""
    text = {i: tokenizer.decode([i]) for i in range(len(tokenizer) - 1)}
    return {
        "space+upper": [i for i, t in text.items() if t[:1] == " " and t[1:2].isupper()],
        "space+lower": [i for i, t in text.items() if t[:1] == " " and t[1:2].islower()],
        "digit": [i for i, t in text.items() if t[:1].isdigit()],
    }


def capitals(model) -> dict[str, dict[str, float]]:
    """Context -> probability of each kind of next token after the full stop."""
    groups = capital_groups(model.tokenizer)
    found = {}
    for context, prompts in CAPITAL_PROMPTS.items():
        mean = final_logits(model, prompts).softmax(-1).mean(0)
        found[context] = {group: mean[ids].sum().item() for group, ids in groups.items()}
    return found


def repeated_tokens(model, half: int = 50, rows: int = 16) -> Tensor:
    """<|endoftext|>, `half` random tokens, the same again: [row 1+2*half]."""
    generator = torch.Generator().manual_seed(HELD_OUT)
    end = model.tokenizer.bos_token_id
    first = torch.randint(0, end, (rows, half), generator=generator)
    return torch.cat([torch.full((rows, 1), end), first, first], dim=1)


def repeats(model, half: int = 50) -> dict[str, float]:
    """Mean loss on random tokens the first and the second time they are said."""
    tokens = repeated_tokens(model, half)
    logprobs = model(tokens)[:, :-1].log_softmax(-1)
    loss = -logprobs.gather(2, tokens[:, 1:, None])[..., 0].mean(0)  # (1+2*half - 1)
    return {"first_half_loss": loss[:half].mean().item(), "second_half_loss": loss[half:].mean().item()}


@torch.no_grad()
def measure(model, gpt2: bool) -> dict:
    """Everything the model card reports, apart from the heads and the files."""
    found = {"corpus_loss": corpus_loss(model), "repeats": repeats(model)}
    if gpt2:
        found["ioi"] = {
            "kept-out pairs, trained templates": ioi(model, IOI),
            "kept-out pairs, kept-out templates": ioi(model, IOI_KEPT_OUT),
        }
        found["kept-out templates, one by one"] = {p: ioi(model, [p]) for p in IOI_KEPT_OUT}
        found["days"], found["capitals"] = days(model), capitals(model)
    return found
