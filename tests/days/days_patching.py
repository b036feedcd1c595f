"""Checks of chapter 4: the sweep over MLP outputs."""

from collections.abc import Iterator

from patchbook.checking import Case, checks
from patchbook.tests.ioi.patching import sweep_cases
from patchbook.tests.mistakes import days_patching as mistakes
from patchbook.tests.specifications import days_patching as specifications


@checks(specifications.get_act_patch_mlp_out, mistakes.get_act_patch_mlp_out)
def test_get_act_patch_mlp_out(seed: int) -> Iterator[Case]:
    """Patching what each MLP writes, one position at a time."""
    yield from sweep_cases(seed, {"n_layers": 2}, {})
