"""Checks of chapter 3: a capital after the full stop. One module per group of exercises."""

from patchbook.tests.capitals.capital_cases import test_cases_for_capitalisation_type
from patchbook.tests.capitals.capitals_answers import (
    test_logits_to_ave_logit_diff_by_type,
    test_titleword_answer_generator,
)
from patchbook.tests.capitals.capitals_attribution import test_logit_attribution_by_type
from patchbook.tests.capitals.capitals_bias import test_logit_diff_from_bias, test_missing_logits
from patchbook.tests.capitals.capitals_padding import test_left_padded_final_logits
from patchbook.tests.capitals.capitals_patching import (
    test_corrupt_capitalisation,
    test_normalize_patched_logit_diff,
)
from patchbook.tests.capitals.capitals_repeats import (
    test_difference_of_differences,
    test_repeated_word_prompts,
)
from patchbook.tests.capitals.capitals_types import (
    test_capitalisation_type,
    test_cumul_probs_by_capitalisation_type,
)
from patchbook.tests.capitals.wrong_analyses import (
    test_mend_model_on_answers,
    test_mend_second_best,
    test_mend_stale_cache,
)

__all__ = [
    "test_capitalisation_type",
    "test_cases_for_capitalisation_type",
    "test_corrupt_capitalisation",
    "test_cumul_probs_by_capitalisation_type",
    "test_difference_of_differences",
    "test_left_padded_final_logits",
    "test_logit_attribution_by_type",
    "test_logit_diff_from_bias",
    "test_logits_to_ave_logit_diff_by_type",
    "test_mend_model_on_answers",
    "test_mend_second_best",
    "test_mend_stale_cache",
    "test_missing_logits",
    "test_normalize_patched_logit_diff",
    "test_repeated_word_prompts",
    "test_titleword_answer_generator",
]
