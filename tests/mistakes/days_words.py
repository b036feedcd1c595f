"""The known wrong ways of chapter 4: words, prompts and corruptions."""

from patchbook.checking import Mistake
from patchbook.tests.specifications import days_words as specifications

_WEEK = list(specifications.DAYS)


def _cycle(word):
    """The cycle of a word as a list; raises ValueError as the exercise asks."""
    specifications.successor(word)
    return next(list(cycle) for cycle in specifications.CYCLES if word in cycle)


def _by_index(index):
    """index(place, step, length) -> the place of the result, wrong in some way."""

    def wrong(word, step=1):
        cycle = _cycle(word)
        return cycle[index(cycle.index(word), step, len(cycle))]

    return wrong


def _days_only(word, step=1):
    if word not in _WEEK:
        raise ValueError(word)
    return specifications.successor(word, step)


def _all_in_one_list(word, step=1):
    words = [w for cycle in specifications.CYCLES for w in cycle]
    if word not in words:
        raise ValueError(word)
    return words[(words.index(word) + step) % len(words)]


def _no_error(word, step=1):
    return specifications.successor(word, step) if any(word in c for c in specifications.CYCLES) else None


def _unknown_comes_back(word, step=1):
    return specifications.successor(word, step) if any(word in c for c in specifications.CYCLES) else word


def _wraps_once(word, step=1):
    cycle = _cycle(word)
    place = cycle.index(word) + step
    return cycle[place - len(cycle) if place >= len(cycle) else place]


def _wrapped_to_the_end(word, step=1):
    cycle = _cycle(word)
    return cycle[min(max(cycle.index(word) + step, 0), len(cycle) - 1)]


successor = (
    Mistake(
        "no-wrap",
        _by_index(lambda place, step, length: place + step),
        "the last word of a cycle has no successor: the index runs out of range (Sunday + 1).",
        "A cycle has no end: take the index modulo the cycle's length, (index + step) % len(cycle).",
    ),
    Mistake(
        "wraps-once",
        _wraps_once,
        "it goes round once at most: a step longer than the cycle runs out of range.",
        "Take the remainder, (index + step) % len(cycle): it goes round as often as it takes.",
    ),
    Mistake(
        "step-ignored",
        _by_index(lambda place, step, length: (place + 1) % length),
        "the step is ignored: it always goes one step on.",
        "Add `step` to the index; -1 is yesterday.",
    ),
    Mistake(
        "backwards",
        _by_index(lambda place, step, length: (place - step) % length),
        "it steps the other way: the day before instead of the day after.",
        "Add the step to the index.",
    ),
    Mistake(
        "always-seven",
        _by_index(lambda place, step, length: (place + step) % 7 % length),
        "every cycle is taken to have seven words.",
        "Take the index modulo the length of the word's own cycle: months have twelve, seasons four.",
    ),
    Mistake(
        "last-word-left-out",
        _by_index(lambda place, step, length: (place + step) % (length - 1)),
        "the modulus is one too small: the last word of a cycle is never reached.",
        "Take the index modulo len(cycle).",
    ),
    Mistake(
        "one-too-far",
        _by_index(lambda place, step, length: (place + step + 1) % length),
        "it goes one step too far.",
        "The index counts from 0: step 0 is the word itself.",
    ),
    Mistake(
        "stops-at-the-end",
        _wrapped_to_the_end,
        "it stops at the ends of a cycle: the day after Sunday is Sunday.",
        "Go on at the beginning: take the index modulo the cycle's length.",
    ),
    Mistake(
        "days-only",
        _days_only,
        "it knows the days only.",
        "Look for the word in all three cycles: days, months, seasons.",
    ),
    Mistake(
        "cycles-run-together",
        _all_in_one_list,
        "the three cycles are one list: after Sunday comes January.",
        "Find the word's own cycle first, and step within it.",
    ),
    Mistake(
        "unknown-is-none",
        _no_error,
        "a word of no cycle gives None; wanted a ValueError.",
        "After the loop over the cycles: raise ValueError(...).",
    ),
    Mistake(
        "unknown-comes-back",
        _unknown_comes_back,
        "a word of no cycle comes back as it is; wanted a ValueError.",
        "After the loop over the cycles: raise ValueError(...).",
    ),
)


def _rows(row):
    """row(pattern, word, next word) -> the tuple of one prompt, wrong in some way."""

    def wrong(pattern, words, step=1):
        return [row(pattern, word, specifications.successor(word, step)) for word in words]

    return wrong


def _filled(pattern, word):
    return pattern.replace("{}", word)


def _ignore_step(pattern, words, step=1):
    return specifications.today_prompts(pattern, words)


today_prompts = (
    Mistake(
        "no-leading-space",
        _rows(lambda p, word, then: (_filled(p, word), then, word)),
        "the answers lack their leading space.",
        'The prompt ends without a space, so the next token is " Monday", with the space before it.',
    ),
    Mistake(
        "wrong-answer-without-space",
        _rows(lambda p, word, then: (_filled(p, word), " " + then, word)),
        "the wrong answer lacks its leading space.",
        'Both answers are tokens with a space before them: " Monday" and " Sunday".',
    ),
    Mistake(
        "right-answer-without-space",
        _rows(lambda p, word, then: (_filled(p, word), then, " " + word)),
        "the right answer lacks its leading space.",
        'Both answers are tokens with a space before them: " Monday" and " Sunday".',
    ),
    Mistake(
        "today-and-tomorrow-swapped",
        _rows(lambda p, word, then: (_filled(p, word), " " + word, " " + then)),
        "the two answers have changed places: today's word is the wrong one.",
        "Right is the word that the step leads to, wrong the word that the prompt says.",
    ),
    Mistake(
        "answer-in-the-prompt",
        _rows(lambda p, word, then: (_filled(p, then), " " + then, " " + word)),
        "the prompt says the answer instead of today's word.",
        "The slot is filled with the word itself.",
    ),
    Mistake(
        "space-at-the-end",
        _rows(lambda p, word, then: (_filled(p, word) + " ", " " + then, " " + word)),
        "the prompt ends with a space.",
        "Leave it out: the answer brings its own, and a lone space is another token.",
    ),
    Mistake(
        "whole-sentence",
        _rows(lambda p, word, then: (f"{_filled(p, word)} {then}", " " + then, " " + word)),
        "the prompt holds its answer already.",
        "A prompt ends just before its answer.",
    ),
    Mistake(
        "step-ignored",
        _ignore_step,
        "the step is ignored: the answer is always the next word.",
        "Pass `step` on to successor.",
    ),
    Mistake(
        "slot-not-filled",
        _rows(lambda p, word, then: (p, " " + then, " " + word)),
        "the slot {} is still in the prompt.",
        "pattern.format(word) puts the word in.",
    ),
    Mistake(
        "first-word-only",
        lambda pattern, words, step=1: specifications.today_prompts(pattern, words, step)[:1],
        "there is a prompt for the first word only.",
        "Collect one tuple for each word of the list.",
    ),
    Mistake(
        "each-word-once",
        lambda pattern, words, step=1: specifications.today_prompts(
            pattern, list(dict.fromkeys(words)), step
        ),
        "a word that stands in the list twice gets one prompt only.",
        "Collect the tuples in a list: a dictionary or a set keeps each word once.",
    ),
    Mistake(
        "answers-next-to-each-other",
        _rows(lambda p, word, then: (_filled(p, word), " " + then, " " + specifications.successor(then))),
        "the wrong answer is the word after the answer; wanted today's word.",
        "Wrong is what a model would say that copies: the word in the prompt.",
    ),
)


def _moved(same, after):
    """A corruption that goes `same` or `after` steps on from today."""

    def wrong(day, way):
        specifications.corrupt_day(day, way)
        return specifications.successor(
            day, {"same as the answer": same, "the day after the answer": after}[way]
        )

    return wrong


def _no_wrap(day, way):
    specifications.corrupt_day(day, way)
    return _WEEK[_WEEK.index(day) + specifications.STEPS_ON[way]]


def _anything_is_after(day, way):
    return specifications.successor(day, 1 if way == "same as the answer" else 2)


def _unknown_way_comes_back(day, way):
    return specifications.successor(day, specifications.STEPS_ON.get(way, 0))


corrupt_day = (
    Mistake(
        "counted-from-the-answer",
        _moved(0, 1),
        "the steps are counted from the answer, but `day` is today: both days come one too early.",
        "The answer is one step on from today; the day after the answer is two.",
    ),
    Mistake(
        "ways-swapped",
        _moved(2, 1),
        "the two ways have changed places.",
        '"same as the answer" goes one step on from today, "the day after the answer" two.',
    ),
    Mistake(
        "way-ignored",
        _moved(1, 1),
        "both ways give the answer itself.",
        '"the day after the answer" goes one step further.',
    ),
    Mistake(
        "always-after",
        _moved(2, 2),
        "both ways give the day after the answer.",
        '"same as the answer" goes one step on from today.',
    ),
    Mistake(
        "one-too-far",
        _moved(2, 3),
        "both days come one too late.",
        "`day` is today: the answer is one step on.",
    ),
    Mistake(
        "backwards",
        _moved(-1, -2),
        "it steps back in time.",
        "Both ways lie ahead of today.",
    ),
    Mistake(
        "no-wrap",
        _no_wrap,
        "the week ends at Sunday: the index runs out of range.",
        "Use your successor: it knows that a cycle has no end.",
    ),
    Mistake(
        "unknown-way-taken",
        _anything_is_after,
        "a way that nobody knows is taken for the second one; wanted a ValueError.",
        "Compare with both names, and raise ValueError for anything else.",
    ),
    Mistake(
        "unknown-way-comes-back",
        _unknown_way_comes_back,
        "with a way that nobody knows, the day comes back as it is; wanted a ValueError.",
        "Raise ValueError for any other way: a set that is not corrupted would look like a perfect patch.",
    ),
)
