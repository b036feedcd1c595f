"""What chapter 5's exercises must compute: how well estimates agree with what is true."""


def agreement(estimates: dict[str, float], effects: dict[str, float], number: int) -> tuple[float, list[str]]:
    """R² of the estimates as they stand, and the edges that lie furthest off, the furthest first."""
    if estimates.keys() != effects.keys():
        raise ValueError("estimates and effects are not of the same edges")
    mean = sum(effects.values()) / len(effects)
    missed = sum((effects[edge] - estimates[edge]) ** 2 for edge in effects)
    spread = sum((effect - mean) ** 2 for effect in effects.values())
    furthest = sorted(effects, key=lambda edge: -abs(effects[edge] - estimates[edge]))
    return 1 - missed / spread, furthest[:number]
