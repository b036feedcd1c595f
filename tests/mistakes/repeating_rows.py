"""The known wrong ways of find_repeating_rows and of the induction detector, which uses it."""

from collections.abc import Callable

from patchbook.checking import Mistake
from patchbook.tests.mistakes.head_labels import LABEL_ROWS, LISTS_ALL, detect, detect_per_query


# find_repeating_rows
def _earlier(tokens, choose: Callable) -> dict:
    """position -> choose(all earlier positions of its token), where there are any."""
    ids = tokens[0].tolist()
    before = {p: [e for e in range(p) if ids[e] == token] for p, token in enumerate(ids)}
    return {p: choose(earlier) for p, earlier in before.items() if earlier}


def _last(tokens) -> dict:
    return _earlier(tokens, max)


def _first_repeats_only(tokens) -> dict:
    once = _earlier(tokens, len)
    return {p: e for p, e in _last(tokens).items() if once[p] == 1}


find_repeating_rows = (
    Mistake(
        "first-occurrence",
        lambda tokens: _earlier(tokens, min),
        "a token that occurred several times is sent to its first occurrence; wanted the last earlier one.",
        "Write the new position down each time you meet the token, not only the first time.",
    ),
    Mistake(
        "reversed",
        lambda tokens: {earlier: later for later, earlier in _last(tokens).items()},
        "the dictionary is the wrong way round: it leads from the earlier position to the later one.",
        "The key is the position that repeats; the value is where its token was before.",
    ),
    Mistake(
        "position-0-missing",
        lambda tokens: {later: earlier for later, earlier in _last(tokens).items() if earlier},
        "tokens that occurred last at position 0 are left out.",
        "0 counts as false in Python: ask `token in last_seen`, not `if last_seen.get(token)`.",
    ),
    Mistake(
        "one-too-far",
        lambda tokens: {later: earlier + 1 for later, earlier in _last(tokens).items()},
        "every value is the position after the earlier occurrence.",
        "Give the earlier occurrence itself here; the step of one comes in the next exercise.",
    ),
    Mistake(
        "counted-from-1",
        lambda tokens: {later + 1: earlier + 1 for later, earlier in _last(tokens).items()},
        "positions are counted from 1.",
        "The first token is at position 0: enumerate(ids) starts there.",
    ),
    Mistake(
        "itself",
        lambda tokens: {p: p for p in range(tokens.shape[1])},
        "every position leads to itself.",
        "Look the token up before you write its new position down.",
    ),
    Mistake(
        "new-tokens-too",
        lambda tokens: {p: _last(tokens).get(p, p) for p in range(tokens.shape[1])},
        "positions with a new token are there too, and lead to themselves.",
        "Leave out a position whose token has not occurred before.",
    ),
    Mistake(
        "new-tokens-as-minus-1",
        lambda tokens: {p: _last(tokens).get(p, -1) for p in range(tokens.shape[1])},
        "positions with a new token are there too, with -1.",
        "Leave out a position whose token has not occurred before.",
    ),
    Mistake(
        "distances",
        lambda tokens: {later: later - earlier for later, earlier in _last(tokens).items()},
        "the values are distances; wanted positions.",
        "Store where the token was, not how far back that is.",
    ),
    Mistake(
        "by-token",
        lambda tokens: {tokens[0, later].item(): earlier for later, earlier in _last(tokens).items()},
        "the keys are token ids; wanted positions.",
        "You need two dictionaries: token -> last position while you walk, position -> position to return.",
    ),
    Mistake(
        "first-repeat-only",
        _first_repeats_only,
        "only the second occurrence of each token is listed; a third and a fourth are repeats too.",
        "Every position counts whose token occurred before.",
    ),
    Mistake(
        "neighbours-missing",
        lambda tokens: {later: e for later, e in _last(tokens).items() if e < later - 1},
        "a token that follows itself directly is left out.",
        "The position just before is an earlier position too.",
    ),
    Mistake(
        "nothing",
        lambda tokens: {},
        "the dictionary is always empty.",
        "Walk over tokens[0].tolist(): tokens has shape (1, seq), and its first row is the prompt.",
    ),
)


# induction_attn_detector
def _looking(where: Callable, tell: Callable = detect) -> Callable:
    """A wrong way: where(query, key, last, step) says which pairs count."""

    def wrong(cache, tokens, off_by_one=True, threshold=0.4):
        last, step = _last(tokens), 1 if off_by_one else 0
        return tell(cache, lambda query, key: where(query, key, last, step), threshold)

    return wrong


def _right(query, key, last, step):
    return query in last and key == last[query] + step


def _from_first(cache, tokens, off_by_one=True, threshold=0.4):
    first, step = _earlier(tokens, min), 1 if off_by_one else 0
    return detect(cache, lambda q, k: q in first and k == first[q] + step, threshold)


def _from_any(cache, tokens, off_by_one=True, threshold=0.4):
    every, step = _earlier(tokens, list), 1 if off_by_one else 0
    return detect(cache, lambda q, k: k - step in every.get(q, ()), threshold)


induction_attn_detector = (
    Mistake(
        "off-by-one-inverted",
        _looking(lambda query, key, last, step: _right(query, key, last, 1 - step)),
        "off_by_one is the wrong way round.",
        "True looks one token after the earlier copy (e + 1), False at the copy itself (e).",
    ),
    Mistake(
        "off-by-one-ignored",
        _looking(lambda query, key, last, step: _right(query, key, last, 1)),
        "it always looks one token after the earlier copy, also with off_by_one=False.",
        "With off_by_one=False the key is the earlier copy itself.",
    ),
    Mistake(
        "never-off-by-one",
        _looking(lambda query, key, last, step: _right(query, key, last, 0)),
        "it always looks at the earlier copy itself: those are duplicate-token heads.",
        "With off_by_one=True the key is earlier + 1, the token that followed.",
    ),
    Mistake(
        "one-before",
        _looking(lambda query, key, last, step: _right(query, key, last, -step)),
        "with off_by_one=True it looks one token BEFORE the earlier copy.",
        "The token that followed the earlier copy is at earlier + 1.",
    ),
    Mistake(
        "query-moved",
        _looking(lambda query, key, last, step: _right(query - step, key, last, 0)),
        "the step is taken by the query; it belongs to the key.",
        "Average pattern[p, earlier + 1]: the query stays at p.",
    ),
    Mistake(
        "query-moved-back",
        _looking(lambda query, key, last, step: _right(query + step, key, last, 0)),
        "the step is taken by the query, backwards; it belongs to the key.",
        "Average pattern[p, earlier + 1]: the query stays at p.",
    ),
    Mistake(
        "first-occurrence",
        _from_first,
        "it looks at the first occurrence of the token; wanted the last one before the query.",
        "Use what find_repeating_rows returns.",
    ),
    Mistake(
        "every-occurrence",
        _from_any,
        "all earlier occurrences count; wanted only the last one before the query.",
        "Use what find_repeating_rows returns: one earlier position for each query.",
    ),
    Mistake(
        "position-0-missing",
        _looking(lambda query, key, last, step: bool(last.get(query)) and _right(query, key, last, step)),
        "pairs whose earlier copy is at position 0 are left out.",
        "0 counts as false in Python: ask `query in earlier`, not `if earlier.get(query)`.",
    ),
    Mistake(
        "reversed",
        lambda cache, tokens, *others, **named: [],
        "no head is ever listed.",
        "The query is the later position, the key the earlier one. Is your dictionary the other way round?",
    ),
    Mistake(
        "divided-by-length",
        _looking(_right, detect_per_query),
        "the average runs over all positions; wanted only those whose token occurred before.",
        "Divide by the number of repeated positions.",
    ),
    *(
        Mistake(id, _looking(_right, wrong), what, next)
        for id, wrong, what, next in (*LABEL_ROWS, LISTS_ALL)
        if id != "all-pairs"
    ),
)
