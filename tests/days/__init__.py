"""Checks of chapter 4: what day is tomorrow? One module per group of exercises."""

from patchbook.tests.days.days_circuits import test_days_pca, test_ov_successor_score
from patchbook.tests.days.days_failures import test_said_instead
from patchbook.tests.days.days_logits import test_day_metric, test_logits_to_ave_logit_diff_of_days
from patchbook.tests.days.days_parts import test_decompose_logit_diff
from patchbook.tests.days.days_patching import test_get_act_patch_mlp_out
from patchbook.tests.days.days_predictions import test_tomorrow_layer
from patchbook.tests.days.days_ranks import test_rank_and_prob
from patchbook.tests.days.days_rivals import test_best_rivals
from patchbook.tests.days.days_tables import test_heads_by_depth, test_scatter_rows
from patchbook.tests.days.days_words import test_corrupt_day, test_successor, test_today_prompts
from patchbook.tests.days.successor_cases import test_cases_for_successor

__all__ = [
    "test_best_rivals",
    "test_cases_for_successor",
    "test_corrupt_day",
    "test_day_metric",
    "test_days_pca",
    "test_decompose_logit_diff",
    "test_get_act_patch_mlp_out",
    "test_heads_by_depth",
    "test_logits_to_ave_logit_diff_of_days",
    "test_ov_successor_score",
    "test_rank_and_prob",
    "test_said_instead",
    "test_scatter_rows",
    "test_successor",
    "test_today_prompts",
    "test_tomorrow_layer",
]
