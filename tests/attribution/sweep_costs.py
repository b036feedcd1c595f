"""Checks of chapter 5: what a sweep must cost."""

from collections.abc import Iterator

from patchbook.checking import Case, checks
from patchbook.tests.mistakes import sweep_costs as mistakes
from patchbook.tests.specifications import sweep_costs as specifications

SIZES = ((3, 7, 20, 33), (5, 11, 36, 50), (2, 4, 9, 64), (12, 15, 768, 3072))
WAYS = ((False, False), (True, False), (False, True), (True, True))


@checks(specifications.sweep_flops, mistakes.sweep_flops)
def test_sweep_flops(seed: int) -> Iterator[Case]:
    """The operations of a sweep over the stream, whole and cut short."""
    tiny = {"n_layers": 1, "length": 2, "d_model": 3, "d_mlp": 5, "from_layer": False, "from_position": True}
    yield Case("1 layer, 2 positions, d_model 3, d_mlp 5, from_position True", lambda: dict(tiny))
    for index, (from_layer, from_position) in enumerate(WAYS):
        n_layers, length, d_model, d_mlp = SIZES[(seed + index) % len(SIZES)]
        sizes = {"n_layers": n_layers, "length": length, "d_model": d_model, "d_mlp": d_mlp}
        ways = {"from_layer": from_layer, "from_position": from_position}
        text = ", ".join(f"{name} {value}" for name, value in (sizes | ways).items())
        yield Case(text, lambda arguments=sizes | ways: dict(arguments))
