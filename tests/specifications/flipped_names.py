"""What chapter 2's exercises must compute: the names of a prompt after a corruption."""


def flip_names(names: tuple[str, str, str], rule: str, fresh_names: list[str]) -> tuple[str, str, str]:
    """The three names after the clause of the rule that fits them; new letters take fresh names in turn."""
    for clause in rule.split(","):
        before, after = (side.strip() for side in clause.split("->"))
        meaning = dict(zip(before, names, strict=True))
        if tuple(meaning[letter] for letter in before) != names or len(set(before)) != len(set(names)):
            continue
        fresh = iter(fresh_names)
        for letter in after:
            if letter not in meaning:
                meaning[letter] = next(fresh)
        return tuple(meaning[letter] for letter in after)
    return names
