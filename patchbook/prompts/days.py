"""DayPrompts: prompts such as "Today it is Sunday, tomorrow it is", with their answers and roles.

    ds = DayPrompts(write_prompts(PATTERNS["tomorrow"]), model.tokenizer)
    logits = model(ds.toks)[torch.arange(len(ds)), ds.word_idx["end"]]     # (batch, d_vocab)
    other = ds.corrupted("the day after the answer")

Weekdays, months and seasons are cycles: after the last word comes the first again (zoo/words/*.txt).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from string import Formatter

import torch
from jaxtyping import Int
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from patchbook import zoo
from patchbook.prompts.tokens import TokenisedPrompts, single_tokens

CYCLES = ("days", "months", "seasons")
# How a prompt is corrupted -> how far its day moves on. The answer is one step on from today.
WAYS = {"same as the answer": 1, "the day after the answer": 2}
# The days of the published prompts "Today it is …, tomorrow it is", in their order (published_figures.json).
PUBLISHED = ("Sunday", "Friday", "Thursday", "Monday")


@dataclass(frozen=True)
class Pattern:
    """A text with numbered slots: {0} is any word of a cycle, {1} the next one, and so on.

    answer: how many steps the answer is from {0}. says_where: the word of the text that tells which way to
    step, "" in a list. The text ends just before the answer.
    """

    name: str
    cycle: str
    text: str
    answer: int
    says_where: str = ""

    @property
    def last(self) -> int:
        """The largest slot: the word that is said last, from which one steps to the answer."""
        return max(int(slot) for _, slot, _, _ in Formatter().parse(self.text) if slot)


# The survey: each row is asked of every word of its cycle.
SURVEY = (
    Pattern("list of two days", "days", "{0}, {1} and", 2),
    Pattern("list of three days", "days", "{0}, {1}, {2} and", 3),
    Pattern("tomorrow", "days", "Today it is {0}, tomorrow it is", 1, "tomorrow"),
    Pattern("so tomorrow", "days", "Today it is {0} so tomorrow it is", 1, "tomorrow"),
    Pattern("yesterday", "days", "Today it is {0}, yesterday it was", -1, "yesterday"),
    Pattern("list of two months", "months", "{0}, {1} and", 2),
    Pattern("next month", "months", "Now it is {0}, the next month is", 1, "next"),
    Pattern("last month", "months", "Now it is {0}, the last month was", -1, "last"),
    Pattern("list of two seasons", "seasons", "{0}, {1} and", 2),
    Pattern("next season", "seasons", "Now it is {0}, the next season is", 1, "next"),
    Pattern("last season", "seasons", "Now it is {0}, the last season was", -1, "last"),
)
PATTERNS = {pattern.name: pattern for pattern in SURVEY}


@dataclass(frozen=True)
class DayPrompt:
    """One prompt. `answer` is right; `wrong` is today: the word of the cycle that the text says last.

    pattern: what it was made from; start: the word in {0}. wraps: whether the way from the words of the
    text to the answer passes an end of the cycle. In a corrupted prompt, answer and wrong are the original's.
    """

    text: str
    pattern: Pattern
    start: str
    answer: str
    wrong: str
    wraps: bool

    @property
    def today(self) -> str:
        """The word of the cycle that stands in the text last, in a corrupted prompt too."""
        return moved(self.start, self.pattern.last, self.pattern.cycle)


def moved(word: str, steps: int, cycle: str) -> str:
    """The word so many steps on; the cycle has no end.

    >>> moved("Sunday", 1, "days"), moved("January", -1, "months")
    ('Monday', 'December')

    Raises ValueError if the word is not of that cycle.
    """
    words = zoo.words(cycle)
    if word not in words:
        raise ValueError(f"wanted one of the {cycle} {', '.join(words)}, but got {word!r}.")
    return words[(words.index(word) + steps) % len(words)]


def write_prompt(pattern: Pattern, start: str) -> DayPrompt:
    """The prompt with `start` in its first slot.

    >>> write_prompt(PATTERNS["list of two days"], "Saturday").text
    'Saturday, Sunday and'
    """
    words = [moved(start, step, pattern.cycle) for step in range(pattern.last + 1)]
    answer = moved(start, pattern.answer, pattern.cycle)
    first = zoo.words(pattern.cycle).index(start)
    ends = (first + pattern.last, first + pattern.answer)
    wraps = min(ends) < 0 or max(ends) >= len(zoo.words(pattern.cycle))
    return DayPrompt(pattern.text.format(*words), pattern, start, answer, words[-1], wraps)


def write_prompts(pattern: Pattern, starts: Sequence[str] | None = None) -> list[DayPrompt]:
    """One prompt for each word of the pattern's cycle, or for each of `starts`."""
    return [write_prompt(pattern, word) for word in starts or zoo.words(pattern.cycle)]


# What may stand before a sentence, each of six tokens: a week alone is too few prompts to be sure of a head.
LEADS = tuple(
    f"{name} was at the {place}."
    for name in ("Mary", "John", "Tom", "James", "Martin")
    for place in ("park", "school", "store", "garden", "house", "station", "office", "hospital", "river")
)


def write_prompts_with_leads(pattern: Pattern) -> list[DayPrompt]:
    """Each of LEADS before each prompt of the pattern: 315 prompts about days.

    >>> write_prompts_with_leads(PATTERNS["tomorrow"])[0].text
    'Mary was at the park. Today it is Monday, tomorrow it is'
    """
    led = [replace(pattern, name=f"{pattern.name}, led in", text=f"{lead} {pattern.text}") for lead in LEADS]
    return [prompt for one in led for prompt in write_prompts(one)]


@dataclass(frozen=True, eq=False, repr=False)
class DayPrompts(TokenisedPrompts):
    """Prompts with their tokens, answers and positions.

    >>> ds = published_prompts(tokenizer)
    >>> ds.sentences[0], ds.prompts[0].answer, ds.prompts[0].wrong
    ('Today it is Sunday, tomorrow it is', 'Monday', 'Sunday')
    >>> ds.word_idx["today"]           # BOS is position 0
    tensor([4, 4, 4, 4])

    Args:
        prompts: records of `write_prompts`; one or more.
        tokenizer: that of the model in use. Answers and today's words must be one token each in it.
        prepend_bos: put BOS before each prompt.
        device: where the tensors live.

    Raises ValueError for an empty set and for words that are not one token.
    """

    prompts: Sequence[DayPrompt]
    tokenizer: PreTrainedTokenizerBase
    prepend_bos: bool = True
    device: str | torch.device = "cpu"

    def __post_init__(self):
        object.__setattr__(self, "prompts", tuple(self.prompts))
        if not self.prompts:
            raise ValueError("wanted one prompt or more, but got none.")
        _ = self.word_idx  # a role that cannot be found is an error now, not in the middle of a sweep

    @cached_property
    def _ids(self) -> dict[str, int]:
        words = [word for p in self.prompts for word in (p.answer, p.wrong, p.today)]
        return single_tokens(self.tokenizer, words, "answers and days")

    @cached_property
    def answer_tokens(self) -> Int[Tensor, "batch"]:
        """Each prompt's right answer; in a corrupted set, the original's."""
        return torch.tensor([self._ids[p.answer] for p in self.prompts], device=self.device)

    @cached_property
    def wrong_tokens(self) -> Int[Tensor, "batch"]:
        """Each prompt's wrong answer, today; in a corrupted set, the original's."""
        return torch.tensor([self._ids[p.wrong] for p in self.prompts], device=self.device)

    @cached_property
    def word_idx(self) -> dict[str, Int[Tensor, "batch"]]:
        """Positions in `toks` of "today" (the day said last) and "end" (the last real token).

        Where every prompt has a word such as "tomorrow", also "says_where", its position.
        """
        found = {"today": [self._last(row, self._ids[p.today]) for row, p in self._pairs()]}
        if all(p.pattern.says_where for p in self.prompts):
            words = [p.pattern.says_where for p in self.prompts]
            ids = single_tokens(self.tokenizer, words, "words that say where to step")
            found["says_where"] = [self._last(row, ids[p.pattern.says_where]) for row, p in self._pairs()]
        found["end"] = [len(row) - 1 for row in self._rows]
        return {role: torch.tensor(places, device=self.device) for role, places in found.items()}

    def _pairs(self) -> Iterator[tuple[list[int], DayPrompt]]:
        return zip(self._rows, self.prompts, strict=True)

    def _last(self, row: list[int], token: int) -> int:
        """Where a token stands in a row for the last time."""
        if token not in row:
            word, text = self.tokenizer.decode([token]), self.tokenizer.decode(row)
            raise ValueError(f"wanted {word!r} as a token of {text!r}, but it is not there.")
        return len(row) - 1 - row[::-1].index(token)

    def corrupted(self, way: str) -> "DayPrompts":
        """The same prompts with another day; answers, wrong answers and positions stay.

        >>> published_prompts(tokenizer).corrupted("the day after the answer").sentences[0]
        'Today it is Tuesday, tomorrow it is'

        Args:
            way: a key of WAYS.

        Raises ValueError for any other way, and for lists and for yesterday: their days lie elsewhere.
        """
        if way not in WAYS:
            raise ValueError(f"wanted one of {', '.join(map(repr, WAYS))}, but got {way!r}.")
        if any((p.pattern.last, p.pattern.answer) != (0, 1) for p in self.prompts):
            raise ValueError("wanted prompts with one day whose answer is the next, as in 'tomorrow'.")
        return replace(self, prompts=[_with_another_day(p, WAYS[way]) for p in self.prompts])

    def __len__(self) -> int:
        return len(self.prompts)

    def __iter__(self) -> Iterator[DayPrompt]:
        return iter(self.prompts)

    def __repr__(self) -> str:
        return f"DayPrompts({len(self)} prompts, {self.toks.shape[1]} tokens)"


def _with_another_day(prompt: DayPrompt, steps: int) -> DayPrompt:
    start = moved(prompt.start, steps, prompt.pattern.cycle)
    return replace(prompt, start=start, text=prompt.pattern.text.format(start))


def published_prompts(tokenizer: PreTrainedTokenizerBase, prepend_bos: bool = True) -> DayPrompts:
    """The four prompts "Today it is …, tomorrow it is" whose figures others published, in their order."""
    return DayPrompts(write_prompts(PATTERNS["tomorrow"], PUBLISHED), tokenizer, prepend_bos)
