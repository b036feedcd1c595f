"""Answers to chapter 4: words, prompts and corruptions."""

from patchbook import zoo
from patchbook.prompts.days import moved

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong
DAYS, MONTHS, SEASONS = (zoo.words(name) for name in ("days", "months", "seasons"))


# successor
@right("successor")
def with_modulus(word, step=1):
    for cycle in (DAYS, MONTHS, SEASONS):
        if word in cycle:
            return cycle[(cycle.index(word) + step) % len(cycle)]
    raise ValueError(f"{word} is in no cycle")


@right("successor")
def step_by_step(word, step=1):
    after = {a: b for c in (DAYS, MONTHS, SEASONS) for a, b in zip(c, c[1:] + c[:1], strict=True)}
    if word not in after:
        raise ValueError(word)
    before = {b: a for a, b in after.items()}
    for _ in range(abs(step)):
        word = after[word] if step > 0 else before[word]
    return word


@right("successor")
def with_a_rotated_list(word, step=1):
    cycle = next((c for c in (SEASONS, MONTHS, DAYS) if word in c), None)
    if cycle is None:
        raise ValueError("no such word")
    place = cycle.index(word)
    return (cycle[place:] + cycle[:place])[step % len(cycle)]


@right("successor")
def index_of_a_missing_word_raises(word, step=1):
    cycle = MONTHS if word in MONTHS else SEASONS if word in SEASONS else DAYS
    return cycle[(cycle.index(word) + step) % len(cycle)]


@wrong("successor", "no-wrap")
def sunday_plus_one(word, step=1):
    for cycle in (DAYS, MONTHS, SEASONS):
        if word in cycle:
            return cycle[cycle.index(word) + step]
    raise ValueError(word)


@wrong("successor", "step-ignored")
def always_the_next(word, step=1):
    return with_modulus(word)


@wrong("successor", "backwards")
def stepped_back(word, step=1):
    return with_modulus(word, -step)


@wrong("successor", "always-seven")
def modulo_seven(word, step=1):
    for cycle in (DAYS, MONTHS, SEASONS):
        if word in cycle:
            place = (cycle.index(word) + step) % 7
            return cycle[place % len(cycle)]
    raise ValueError(word)


@wrong("successor", "stops-at-the-end")
def stays_on_sunday(word, step=1):
    for cycle in (DAYS, MONTHS, SEASONS):
        if word in cycle:
            place = cycle.index(word) + step
            return cycle[0] if place < 0 else cycle[-1] if place >= len(cycle) else cycle[place]
    raise ValueError(word)


@wrong("successor", "days-only")
def knows_the_week(word, step=1):
    return DAYS[(DAYS.index(word) + step) % 7]


@wrong("successor", "cycles-run-together")
def one_long_list(word, step=1):
    everything = DAYS + MONTHS + SEASONS
    return everything[(everything.index(word) + step) % len(everything)]


@wrong("successor", "unknown-is-none")
def falls_off_the_loop(word, step=1):
    for cycle in (DAYS, MONTHS, SEASONS):
        if word in cycle:
            return with_modulus(word, step)
    return None


@wrong("successor", "last-word-left-out")
def modulo_one_less(word, step=1):
    for cycle in (DAYS, MONTHS, SEASONS):
        if word in cycle:
            return cycle[(cycle.index(word) + step) % (len(cycle) - 1)]
    raise ValueError(word)


@wrong("successor", "ready-made")
def asked_the_prompts(word, step=1):
    for name in ("days", "months", "seasons"):
        if word in zoo.words(name):
            return moved(word, step, name)
    raise ValueError(word)


@wrong("successor", "wraps-once")
def subtracts_the_length(word, step=1):
    for cycle in (DAYS, MONTHS, SEASONS):
        if word in cycle:
            place = cycle.index(word) + step
            return cycle[place] if place < len(cycle) else cycle[place - len(cycle)]
    raise ValueError(word)


@wrong("successor", "wrong-error")
def looks_it_up(word, step=1):
    cycles = {member: cycle for cycle in (DAYS, MONTHS, SEASONS) for member in cycle}
    cycle = cycles[word]
    return cycle[(cycle.index(word) + step) % len(cycle)]


@wrong("successor", "wrong-error")
def takes_the_first_that_fits(word, step=1):
    cycle = next(c for c in (DAYS, MONTHS, SEASONS) if word in c)
    return cycle[(cycle.index(word) + step) % len(cycle)]


@wrong("successor", "no-error")
def returns_the_error(word, step=1):
    for cycle in (DAYS, MONTHS, SEASONS):
        if word in cycle:
            return with_modulus(word, step)
    return ValueError(word)


# today_prompts
@right("today_prompts")
def with_format(pattern, words, step=1):
    return [(pattern.format(word), f" {with_modulus(word, step)}", f" {word}") for word in words]


@right("today_prompts")
def with_a_loop(pattern, words, step=1):
    rows = []
    for word in words:
        before, after = pattern.split("{}")
        rows.append((before + word + after, " " + with_modulus(word, step), " " + word))
    return rows


@right("today_prompts")
def with_three_columns(pattern, words, step=1):
    prompts = map(pattern.format, words)
    answers = (" " + with_modulus(word, step) for word in words)
    return list(zip(prompts, answers, (" " + word for word in words), strict=True))


@wrong("today_prompts", "no-leading-space")
def forgot_the_space(pattern, words, step=1):
    return [(pattern.format(word), with_modulus(word, step), word) for word in words]


@wrong("today_prompts", "right-answer-without-space")
def space_before_today_only(pattern, words, step=1):
    return [(pattern.format(word), with_modulus(word, step), f" {word}") for word in words]


@wrong("today_prompts", "today-and-tomorrow-swapped")
def today_is_right(pattern, words, step=1):
    return [(pattern.format(word), f" {word}", f" {with_modulus(word, step)}") for word in words]


@wrong("today_prompts", "step-ignored")
def never_yesterday(pattern, words, step=1):
    return [(pattern.format(word), f" {with_modulus(word)}", f" {word}") for word in words]


@wrong("today_prompts", "space-at-the-end")
def ends_with_a_space(pattern, words, step=1):
    return [(pattern.format(word) + " ", f" {with_modulus(word, step)}", f" {word}") for word in words]


@wrong("today_prompts", "whole-sentence")
def says_the_answer(pattern, words, step=1):
    rows = with_format(pattern, words, step)
    return [(prompt + answer, answer, today) for prompt, answer, today in rows]


@wrong("today_prompts", "answer-in-the-prompt")
def asks_about_tomorrow(pattern, words, step=1):
    return [(pattern.format(a.strip()), a, b) for _, a, b in with_format(pattern, words, step)]


@wrong("today_prompts", "first-word-only")
def returned_inside_the_loop(pattern, words, step=1):
    for word in words:
        return [(pattern.format(word), f" {with_modulus(word, step)}", f" {word}")]


@wrong("today_prompts", "each-word-once")
def in_a_dictionary(pattern, words, step=1):
    answers = {word: with_modulus(word, step) for word in words}
    return [(pattern.format(word), f" {then}", f" {word}") for word, then in answers.items()]


@right("today_prompts")
def lists_not_tuples(pattern, words, step=1):
    return [list(row) for row in with_format(pattern, words, step)]


@wrong("today_prompts", "contract")
def by_word(pattern, words, step=1):
    rows = with_format(pattern, words, step)
    return {word: row for word, row in zip(words, rows, strict=True)}


@wrong("today_prompts", "needs-another")
def before_successor_is_written(pattern, words, step=1):
    raise NotImplementedError("exercise successor")


# corrupt_day
@right("corrupt_day")
def with_a_table(day, way):
    steps = {"same as the answer": 1, "the day after the answer": 2}
    if way not in steps:
        raise ValueError(way)
    return with_modulus(day, steps[way])


@right("corrupt_day")
def from_the_answer_on(day, way):
    answer = with_modulus(day)
    if way == "same as the answer":
        return answer
    if way == "the day after the answer":
        return with_modulus(answer)
    raise ValueError(f"no such way: {way}")


@right("corrupt_day")
def with_match(day, way):
    match way:
        case "same as the answer":
            return DAYS[(DAYS.index(day) + 1) % 7]
        case "the day after the answer":
            return DAYS[(DAYS.index(day) - 5) % 7]
    raise ValueError


@wrong("corrupt_day", "counted-from-the-answer")
def took_the_day_for_the_answer(day, way):
    return with_modulus(day, {"same as the answer": 0, "the day after the answer": 1}[check_way(way)])


def check_way(way):
    if way not in ("same as the answer", "the day after the answer"):
        raise ValueError(way)
    return way


@wrong("corrupt_day", "ways-swapped")
def turned_round(day, way):
    return with_modulus(day, 2 if check_way(way) == "same as the answer" else 1)


@wrong("corrupt_day", "way-ignored")
def always_the_answer(day, way):
    return with_modulus(day, len(check_way(way)) and 1)


@wrong("corrupt_day", "unknown-way-taken")
def if_else(day, way):
    return with_modulus(day) if way == "same as the answer" else with_modulus(day, 2)


@wrong("corrupt_day", "no-wrap")
def saturday_plus_two(day, way):
    return DAYS[DAYS.index(day) + (1 if check_way(way) == "same as the answer" else 2)]


@wrong("corrupt_day", "unknown-way-comes-back")
def left_alone(day, way):
    if way == "same as the answer":
        return with_modulus(day)
    return with_modulus(day, 2) if way == "the day after the answer" else day


@wrong("corrupt_day", "backwards")
def the_days_before(day, way):
    return with_modulus(day, -1 if check_way(way) == "same as the answer" else -2)


@wrong("corrupt_day", "wrong-error")
def indexes_the_table(day, way):
    return with_modulus(day, {"same as the answer": 1, "the day after the answer": 2}[way])


@wrong("corrupt_day", "wrong-error")
def asserts_the_way(day, way):
    assert way in ("same as the answer", "the day after the answer")
    return with_modulus(day, 1 if way == "same as the answer" else 2)


@wrong("corrupt_day", "contract")
def with_a_space_in_a_list(day, way):
    return [" " + with_a_table(day, way)]
