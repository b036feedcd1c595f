"""Answers to chapter 4: what a model says where it is wrong."""

import torch

from patchbook import zoo

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


CYCLES = [zoo.words(name) for name in ("days", "months", "seasons")]


def likeliest(model, text):
    return model.to_single_str_token(model(model.to_tokens(text))[0, -1].argmax().item())


def places(today, said):
    """Where today and what was said (None if it does not) stand in today's cycle, and its length."""
    cycle = next(cycle for cycle in CYCLES if today.strip() in cycle)
    word = said.strip()
    return cycle.index(today.strip()), cycle.index(word) if word in cycle else None, len(cycle)


# said_instead
@right("said_instead")
def with_lists_of_words(model, prompts):
    failures = []
    for text, answer, today in prompts:
        said = likeliest(model, text)
        if said == answer:
            continue
        steps = None
        for name in ("days", "months", "seasons"):
            cycle = zoo.words(name)
            if today.strip() in cycle and said.strip() in cycle:
                steps = (cycle.index(said.strip()) - cycle.index(today.strip())) % len(cycle)
        failures.append((text, said, steps))
    return failures


@right("said_instead")
def in_one_batch(model, prompts):
    texts = [text for text, _, _ in prompts]
    best = model(texts, padding_side="left")[:, -1].argmax(-1).tolist()
    cycles = [[" " + word for word in zoo.words(name)] for name in ("days", "months", "seasons")]
    rows = []
    for (text, answer, today), token in zip(prompts, best, strict=True):
        said = model.tokenizer.decode([token])
        cycle = next(cycle for cycle in cycles if today in cycle)
        distance = (cycle.index(said) - cycle.index(today)) % len(cycle) if said in cycle else None
        if said != answer:
            rows.append((text, said, distance))
    return rows


@right("said_instead")
def by_walking_on(model, prompts):
    after = {}
    for name in ("days", "months", "seasons"):
        words = zoo.words(name)
        after |= dict(zip(words, words[1:] + words[:1], strict=True))

    def distance(today, said):
        word, steps = today, 0
        while word != said:
            word, steps = after[word], steps + 1
            if word == today:
                return None
        return steps

    found = []
    for text, answer, today in prompts:
        with torch.no_grad():
            probabilities = model(text)[0, -1].softmax(-1)
        said = model.to_str_tokens(probabilities.topk(1).indices, prepend_bos=False)[0]
        if said != answer:
            found.append([text, said, distance(today[1:], said[1:])])
    return [tuple(row) for row in found]


@wrong("said_instead", "all-prompts")
def forgot_the_condition(model, prompts):
    rows = []
    for text, _, today in prompts:
        said = likeliest(model, text)
        start, end, length = places(today, said)
        rows.append((text, said, None if end is None else (end - start) % length))
    return rows


@wrong("said_instead", "from-the-right-answer")
def how_far_off(model, prompts):
    return with_lists_of_words(model, [(text, answer, answer) for text, answer, _ in prompts])


@wrong("said_instead", "backwards")
def the_other_way_round(model, prompts):
    lengths = {word: len(cycle) for cycle in CYCLES for word in cycle}
    today_of = {text: today.strip() for text, _, today in prompts}
    rows = with_lists_of_words(model, prompts)
    return [(t, s, n if n is None else -n % lengths[today_of[t]]) for t, s, n in rows]


@wrong("said_instead", "not-round-the-end")
def no_modulo(model, prompts):
    rows = []
    for text, answer, today in prompts:
        said = likeliest(model, text)
        start, end, _ = places(today, said)
        if said != answer:
            rows.append((text, said, None if end is None else end - start))
    return rows


@wrong("said_instead", "other-words-left-out")
def days_only_are_interesting(model, prompts):
    return [(text, said, steps) for text, said, steps in in_one_batch(model, prompts) if steps is not None]


@wrong("said_instead", "none-for-today")
def zero_is_false(model, prompts):
    return [(text, said, steps if steps else None) for text, said, steps in in_one_batch(model, prompts)]


@wrong("said_instead", "space-lost")
def stripped(model, prompts):
    return [(text, said.strip(), steps) for text, said, steps in by_walking_on(model, prompts)]


@wrong("said_instead", "always-seven")
def a_week_has_seven_days(model, prompts):
    rows = []
    for text, answer, today in prompts:
        said = likeliest(model, text)
        start, end, _ = places(today, said)
        if said != answer:
            rows.append((text, said, None if end is None else (end - start) % 7))
    return rows


@wrong("said_instead", "contract")
def as_dictionaries(model, prompts):
    return [dict(zip(("text", "said", "steps"), row, strict=True)) for row in in_one_batch(model, prompts)]
