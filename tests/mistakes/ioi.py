"""The known wrong ways of chapter 2: the largest entries, and names by rule.

Logit differences are in logit_differences.py, sweeps in patching.py.
"""

import numpy as np

from patchbook.checking import Mistake


def _unravelled(flat, shape):
    return np.stack(np.unravel_index(flat.numpy(), shape), -1).tolist()


def _order(values, k, **options):
    """The indices of the k first of `values` in order."""
    return _unravelled(values.detach().flatten().topk(k, **options).indices, values.shape)


topk_of_Nd_tensor = (
    Mistake(
        "smallest",
        lambda t, k: _order(t, k, largest=False),
        "these are the k smallest entries.",
        "Use largest=True, or descending=True.",
    ),
    Mistake(
        "largest-absolute",
        lambda t, k: _order(t.abs(), k),
        "these are the entries of largest absolute value; wanted the largest.",
        "Leave .abs() out: -3 is smaller than 1.",
    ),
    Mistake(
        "flat-indices",
        lambda t, k: t.flatten().topk(k).indices.tolist(),
        "these are indices into the flattened tensor.",
        "Turn each into one index per axis, with np.unravel_index or divmod.",
    ),
    Mistake(
        "smallest-first",
        lambda t, k: _order(t, k)[::-1],
        "these are the right entries, with the largest at the end.",
        "Put the largest first.",
    ),
    Mistake(
        "in-index-order",
        lambda t, k: sorted(_order(t, k)),
        "these are the right entries, in the order in which they stand in the tensor.",
        "Sort them by value, the largest first.",
    ),
    Mistake(
        "values",
        lambda t, k: t.detach().flatten().topk(k).values.tolist(),
        "these are the largest values; wanted where they stand.",
        "topk gives (values, indices): take the indices.",
    ),
    Mistake(
        "axes-reversed",
        lambda t, k: [index[::-1] for index in _order(t, k)],
        "the indices are right, but their axes are in reverse order.",
        "List them as you would index the tensor: [layer, head] for tensor[layer, head].",
    ),
    Mistake(
        "along-the-last-axis",
        lambda t, k: t.topk(min(k, t.shape[-1])).indices.tolist(),
        "these are the largest entries of each row by itself.",
        "Flatten the tensor first, then take the k largest of all.",
    ),
    Mistake(
        "axes-apart",
        lambda t, k: np.array(_order(t, k)).T.tolist(),
        "the result has one list for each axis; wanted one for each entry.",
        "np.unravel_index gives one array per axis: transpose them (.T) before .tolist().",
    ),
    Mistake(
        "one-too-many",
        lambda t, k: _order(t, k + 1),
        "there is one entry too many.",
        "Return k entries.",
    ),
    Mistake(
        "largest-left-out",
        lambda t, k: _order(t, k + 1)[1:],
        "the largest entry is left out.",
        "Start at the first of the sorted entries, index 0.",
    ),
)


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
        "Return as soon as a clause fits; a later clause must not overwrite it.",
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
