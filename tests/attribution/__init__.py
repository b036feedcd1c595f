"""Checks of chapter 5: from patching to attribution. One module per group of exercises."""

from patchbook.tests.attribution.attribution_cases import test_cases_for_attribution
from patchbook.tests.attribution.attribution_predictions import (
    test_my_share_saved,
    test_my_speedup,
    test_my_wrong_edge,
)
from patchbook.tests.attribution.edge_agreement import test_agreement
from patchbook.tests.attribution.edge_scores import (
    test_edge_attribution,
    test_edge_attribution_ig,
    test_edge_patching,
)
from patchbook.tests.attribution.node_scores import test_node_attribution
from patchbook.tests.attribution.suffix_runs import test_run_from
from patchbook.tests.attribution.sweep_costs import test_sweep_flops

__all__ = [
    "test_agreement",
    "test_cases_for_attribution",
    "test_edge_attribution",
    "test_edge_attribution_ig",
    "test_edge_patching",
    "test_my_share_saved",
    "test_my_speedup",
    "test_my_wrong_edge",
    "test_node_attribution",
    "test_run_from",
    "test_sweep_flops",
]
