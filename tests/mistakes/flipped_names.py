"""The known wrong ways of chapter 2: the names of a prompt after a corruption."""

from patchbook.checking import Mistake


def _clauses(rule):
    return [tuple(side.strip() for side in clause.split("->")) for clause in rule.split(",")]


def _fits(before, names):
    return (before[0] == before[2]) == (names[0] == names[2])


def _flip(rename, clauses=_clauses, fits=_fits):
    """rename(before, after, names, fresh_names) of the first clause that fits; else the names as they are."""

    def wrong(names, rule, fresh_names):
        for before, after in clauses(rule):
            if fits(before, names):
                return tuple(rename(before, after, names, fresh_names))
        return names

    return wrong


def _as_asked(before, after, names, fresh_names):
    meaning = dict(zip(before, names, strict=True))
    new = [letter for letter in dict.fromkeys(after) if letter not in meaning]
    meaning |= dict(zip(new, fresh_names, strict=False))
    return [meaning[letter] for letter in after]


def _always(before, names):
    return True


def _exchanged(before, after, names, fresh_names):
    return _as_asked(before, after.translate(str.maketrans("AB", "BA")), names, fresh_names)


def _one_for_all(before, after, names, fresh_names):
    return _as_asked(before, after, names, [fresh_names[0]] * 3)


def _each_slot_anew(before, after, names, fresh_names):
    meaning, fresh = dict(zip(before, names, strict=True)), iter(fresh_names)
    return [meaning[letter] if letter in meaning else next(fresh) for letter in after]


def _by_slot(before, after, names, fresh_names):
    renamed = _as_asked(before, after, names, fresh_names)
    return [
        name if letter in before else new for letter, name, new in zip(after, names, renamed, strict=True)
    ]


def _everyone_new(before, after, names, fresh_names):
    return _as_asked("", after, (), fresh_names)


def _slot_number(before, after, names, fresh_names):
    meaning = dict(zip(before, names, strict=True))
    return [meaning.get(letter, new) for letter, new in zip(after, fresh_names, strict=False)]


def _alphabetical(before, after, names, fresh_names):
    meaning = dict(zip(before, names, strict=True))
    meaning |= dict(zip(sorted(set(after) - set(before)), fresh_names, strict=False))
    return [meaning[letter] for letter in after]


def _fixed_letters(before, after, names, fresh_names):
    meaning = dict(zip("XYZ", fresh_names, strict=False)) | dict(zip(before, names, strict=True))
    return [meaning[letter] for letter in after]


def _from_the_end(before, after, names, fresh_names):
    return _as_asked(before, after, names, fresh_names[::-1])


flip_names = (
    Mistake(
        "first-clause-always",
        _flip(_as_asked, fits=_always),
        "the rule's first clause is applied to every prompt, whether its left side fits or not.",
        "Three names read ABB or BAB: find the clause whose left side reads the same.",
    ),
    Mistake(
        "first-clause-only",
        _flip(_as_asked, clauses=lambda rule: _clauses(rule)[:1]),
        "only the rule's first clause is read: names that fit the second come back unchanged.",
        'Split the rule at the commas, and try each clause: "ABB->XYZ, BAB->XYZ" has two.',
    ),
    Mistake(
        "last-clause-only",
        _flip(_as_asked, clauses=lambda rule: _clauses(rule)[-1:]),
        "only the rule's last clause is read: names that fit the first come back unchanged.",
        "Go through all clauses, from the first, and return as soon as one fits.",
    ),
    Mistake(
        "last-clause-always",
        _flip(_as_asked, clauses=lambda rule: _clauses(rule)[-1:], fits=_always),
        "the rule's last clause is applied to every prompt, whether its left side fits or not.",
        "Three names read ABB or BAB: find the clause whose left side reads the same.",
    ),
    Mistake(
        "sides-swapped",
        _flip(lambda before, after, names, fresh: _as_asked(after, before, names, fresh)),
        "the two sides of the arrow are swapped.",
        "The left side says how the names read now, the right side what they become.",
    ),
    Mistake(
        "letters-exchanged",
        _flip(_exchanged),
        "A and B are exchanged.",
        "Take the letters from the left side: in BAB the first name is B and the second is A.",
    ),
    Mistake(
        "one-name-for-all-letters",
        _flip(_one_for_all),
        "all new letters get the same name.",
        "X, Y and Z are three people: each new letter takes the next of fresh_names.",
    ),
    Mistake(
        "new-name-for-each-slot",
        _flip(_each_slot_anew),
        "a letter that stands twice on the right gets two different names.",
        "Remember each letter's name in a dictionary, and take a fresh one only for a new letter.",
    ),
    Mistake(
        "fresh-name-of-the-slot",
        _flip(_slot_number),
        "the second slot takes the second fresh name, the third the third, whatever their letters are.",
        "Fresh names are taken in turn, one for each new letter.",
    ),
    Mistake(
        "kept-by-slot",
        _flip(_by_slot),
        "A and B keep the name of their slot; wanted the name that the letter had on the left.",
        "Make a dictionary from letter to name from the left side, then read the right side with it.",
    ),
    Mistake(
        "everyone-new",
        _flip(_everyone_new),
        "everyone gets a new name, A and B too.",
        "A letter that stands on both sides keeps its name.",
    ),
    Mistake(
        "alphabetical",
        _flip(_alphabetical),
        "the fresh names are given out in alphabetical order of the letters.",
        "Give them out in the order in which the new letters first stand on the right side.",
    ),
    Mistake(
        "fixed-letters",
        _flip(_fixed_letters),
        "X always gets the first fresh name, Y the second and Z the third.",
        "Give them out in the order in which the new letters first stand on the right side.",
    ),
    Mistake(
        "from-the-end",
        _flip(_from_the_end),
        "the fresh names are taken from the end of the list.",
        "Take them from the front; list.pop() takes the last one.",
    ),
    Mistake(
        "unchanged",
        lambda names, rule, fresh_names: names,
        "the names come back unchanged.",
        "Read the clause that fits, and build the three names from its right side.",
    ),
)
