"""Answers to chapter 2: the names of a prompt after a corruption."""

from . import Bank

BANK = Bank()


right, wrong = BANK.right, BANK.wrong


# flip_names
def read(names):
    return "ABB" if names[1] == names[2] else "BAB"


def parts(rule):
    return dict(part.replace(" ", "").split("->") for part in rule.split(","))


@right("flip_names")
def by_a_dictionary_of_clauses(names, rule, fresh_names):
    before = read(names)
    after = parts(rule).get(before, before)
    people = dict(zip(before, names, strict=True))
    fresh = list(fresh_names)
    for letter in after:
        if letter not in people:
            people[letter] = fresh.pop(0)
    return tuple(people[letter] for letter in after)


@right("flip_names")
def clause_by_clause(names, rule, fresh_names):
    for clause in rule.split(","):
        before, after = clause.strip().split("->")
        same = before[0] == before[2]
        if same != (names[0] == names[2]):
            continue
        result, taken = [], []
        for letter in after:
            if letter in before:
                result.append(names[before.index(letter)])
            else:
                if letter not in taken:
                    taken.append(letter)
                result.append(fresh_names[taken.index(letter)])
        return tuple(result)
    return names


@right("flip_names")
def with_setdefault_and_next(names, rule, fresh_names):
    people, fresh = dict(zip(read(names), names, strict=True)), iter(fresh_names)
    first, second, third = parts(rule).get(read(names), read(names))
    for letter in (first, second, third):
        people[letter] = people[letter] if letter in people else next(fresh)
    return people[first], people[second], people[third]


def renamed(before, after, names, fresh_names):
    """The right way to read one clause."""
    return clause_by_clause(names, f"{before}->{after}", fresh_names)


@wrong("flip_names", "first-clause-only")
def stopped_after_the_first(names, rule, fresh_names):
    return clause_by_clause(names, rule.split(",")[0], fresh_names)


@wrong("flip_names", "first-clause-always")
def assumed_abba(names, rule, fresh_names):
    before, after = rule.split(",")[0].split("->")
    people, fresh = dict(zip(before, names, strict=True)), iter(fresh_names)
    for letter in after:
        if letter not in people:
            people[letter] = next(fresh)
    return tuple(people[letter] for letter in after)


@wrong("flip_names", "sides-swapped")
def read_the_arrow_backwards(names, rule, fresh_names):
    for before, after in parts(rule).items():
        if read(names) == before:
            people, fresh = dict(zip(after, names, strict=True)), list(fresh_names)
            return tuple(people[c] if c in people else people.setdefault(c, fresh.pop(0)) for c in before)
    return names


@wrong("flip_names", "one-name-for-all-letters")
def one_stranger(names, rule, fresh_names):
    people = dict(zip(read(names), names, strict=True))
    return tuple(people.get(letter, fresh_names[0]) for letter in parts(rule).get(read(names), read(names)))


@wrong("flip_names", "new-name-for-each-slot")
def a_stranger_each_time(names, rule, fresh_names):
    people, fresh = dict(zip(read(names), names, strict=True)), iter(fresh_names)
    after = parts(rule).get(read(names), read(names))
    return tuple(people[letter] if letter in people else next(fresh) for letter in after)


@wrong("flip_names", "letters-exchanged")
def took_b_for_the_one_named_once(names, rule, fresh_names):
    before = read(names)
    after = parts(rule).get(before)
    if after is None:
        return names
    once = names[before.index("A")]
    people, fresh = {"B": once, "A": names[2]}, iter(fresh_names)
    for letter in after:
        if letter not in people:
            people[letter] = next(fresh)
    return tuple(people[letter] for letter in after)


@wrong("flip_names", "everyone-new")
def replaced_all(names, rule, fresh_names):
    after = parts(rule).get(read(names))
    if after is None:
        return names
    order = list(dict.fromkeys(after))
    return tuple(fresh_names[order.index(letter)] for letter in after)


@wrong("flip_names", "fixed-letters")
def numbered_the_letters(names, rule, fresh_names):
    people = dict(zip(read(names), names, strict=True))
    after = parts(rule).get(read(names), read(names))
    return tuple(people[c] if c in people else fresh_names["XYZ".index(c)] for c in after)


@wrong("flip_names", "kept-by-slot")
def left_the_slot_alone(names, rule, fresh_names):
    after = parts(rule).get(read(names), read(names))
    new = [letter for letter in dict.fromkeys(after) if letter not in "AB"]
    return tuple(
        name if letter in "AB" else fresh_names[new.index(letter)]
        for letter, name in zip(after, names, strict=True)
    )


@wrong("flip_names", "contract")
def nothing_when_no_clause_fits(names, rule, fresh_names):
    if read(names) in parts(rule):
        return by_a_dictionary_of_clauses(names, rule, fresh_names)


@wrong("flip_names", "raised")
def expected_both_clauses(names, rule, fresh_names):
    return renamed(read(names), parts(rule)[read(names)], names, fresh_names)
