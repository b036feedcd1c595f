"""What the book shows as wrong in one way is wrong in that way."""

import pytest

from .mutation import CHAPTERS
from .slips import slips_of

SLIPS = [slip for chapter in CHAPTERS for slip in slips_of(chapter)]


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: f"{slip.exercise.name}-{slip.id}")
def test_a_check_says_of_a_slip_what_its_page_says(slip):
    assert slip.said() == slip.id
    assert slip.lines.startswith(f"def {slip.changed.name}(") and slip.lines.count("\n") < 25
