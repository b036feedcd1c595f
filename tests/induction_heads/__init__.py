"""Checks of chapter 1: induction heads. One module per group of exercises."""

from patchbook.tests.induction_heads.ablation import (
    test_get_ablation_scores,
    test_head_mean_ablation_hook,
    test_head_zero_ablation_hook,
)
from patchbook.tests.induction_heads.attribution import test_logit_attribution
from patchbook.tests.induction_heads.attribution_sums import test_full_logit_attribution
from patchbook.tests.induction_heads.averages import (
    test_average_over_condition,
    test_heads_with_high_average_pattern,
)
from patchbook.tests.induction_heads.compositions import test_composition_scores
from patchbook.tests.induction_heads.detectors import (
    test_current_attn_detector,
    test_first_attn_detector,
    test_prev_attn_detector,
)
from patchbook.tests.induction_heads.head_weights import (
    test_full_OV_circuit,
    test_get_comp_score,
    test_k_composition_scores,
    test_top_1_accuracy,
)
from patchbook.tests.induction_heads.induction_cases import test_cases_for_induction_score
from patchbook.tests.induction_heads.induction_predictions import test_my_induction_heads
from patchbook.tests.induction_heads.induction_score import test_induction_score_hook
from patchbook.tests.induction_heads.random_repeats import test_generate_repeated_tokens
from patchbook.tests.induction_heads.repeating_rows import (
    test_find_repeating_rows,
    test_induction_attn_detector,
)

__all__ = [
    "test_average_over_condition",
    "test_cases_for_induction_score",
    "test_composition_scores",
    "test_current_attn_detector",
    "test_find_repeating_rows",
    "test_first_attn_detector",
    "test_full_OV_circuit",
    "test_full_logit_attribution",
    "test_generate_repeated_tokens",
    "test_get_ablation_scores",
    "test_get_comp_score",
    "test_head_mean_ablation_hook",
    "test_head_zero_ablation_hook",
    "test_heads_with_high_average_pattern",
    "test_induction_attn_detector",
    "test_induction_score_hook",
    "test_k_composition_scores",
    "test_logit_attribution",
    "test_my_induction_heads",
    "test_prev_attn_detector",
    "test_top_1_accuracy",
]
