"""Checks of chapter 2: indirect object identification. One module per group of exercises."""

from patchbook.tests.ioi.copying_scores import test_get_copying_scores
from patchbook.tests.ioi.flipped_names import test_flip_names
from patchbook.tests.ioi.ioi_circuit import (
    test_add_knockout_hook,
    test_add_mean_ablation_hook,
    test_get_minimality_score,
)
from patchbook.tests.ioi.ioi_predictions import (
    test_my_duplicate_token_heads,
    test_my_name_movers,
    test_my_s_inhibition_heads,
)
from patchbook.tests.ioi.knockouts import (
    test_get_direct_effects_after_knockout,
    test_get_incompleteness_score,
)
from patchbook.tests.ioi.largest_entries import test_topk_of_Nd_tensor
from patchbook.tests.ioi.logit_diff_cases import test_cases_for_logit_diff
from patchbook.tests.ioi.logit_differences import (
    test_ioi_metric,
    test_logits_to_ave_logit_diff,
    test_residual_stack_to_logit_diff,
)
from patchbook.tests.ioi.patching import (
    test_get_act_patch_attn_head_all_pos_every,
    test_get_act_patch_attn_head_out_all_pos,
    test_get_act_patch_block_every,
    test_get_act_patch_resid_pre,
    test_patch_attn_patterns,
    test_patch_head_vector,
    test_patch_residual_component,
)
from patchbook.tests.ioi.path_metrics import test_ioi_metric_2, test_logits_to_ave_logit_diff_2
from patchbook.tests.ioi.path_patching import (
    test_get_path_patch_head_to_final_resid_post,
    test_get_path_patch_head_to_heads,
    test_patch_head_input,
    test_patch_or_freeze_head_vectors,
)
from patchbook.tests.ioi.standard_errors import test_null_of_threshold, test_standard_error_of_effect

__all__ = [
    "test_add_knockout_hook",
    "test_add_mean_ablation_hook",
    "test_cases_for_logit_diff",
    "test_flip_names",
    "test_get_act_patch_attn_head_all_pos_every",
    "test_get_act_patch_attn_head_out_all_pos",
    "test_get_act_patch_block_every",
    "test_get_act_patch_resid_pre",
    "test_get_copying_scores",
    "test_get_direct_effects_after_knockout",
    "test_get_incompleteness_score",
    "test_get_minimality_score",
    "test_get_path_patch_head_to_final_resid_post",
    "test_get_path_patch_head_to_heads",
    "test_ioi_metric",
    "test_ioi_metric_2",
    "test_logits_to_ave_logit_diff",
    "test_logits_to_ave_logit_diff_2",
    "test_my_duplicate_token_heads",
    "test_my_name_movers",
    "test_my_s_inhibition_heads",
    "test_null_of_threshold",
    "test_patch_attn_patterns",
    "test_patch_head_input",
    "test_patch_head_vector",
    "test_patch_or_freeze_head_vectors",
    "test_patch_residual_component",
    "test_residual_stack_to_logit_diff",
    "test_standard_error_of_effect",
    "test_topk_of_Nd_tensor",
]
