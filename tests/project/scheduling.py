"""How pytest-xdist shares out the tests; imported only where xdist is there."""

from xdist.scheduler import LoadScopeScheduling

RUNS_A_CHAPTER = (
    "test_a_solution_runs_from_top_to_bottom",
    "test_untouched_stubs_stop_nothing_but_their_own_checks",
)


class ByWork(LoadScopeScheduling):
    """Tests of one exercise share its cases, runs of one chapter a kernel, tests of one file its fixtures."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        name, _, parameters = test.rstrip("]").partition("[")
        shared = file.endswith("test_checks.py") or name in RUNS_A_CHAPTER
        return parameters.split("-")[0] if shared and parameters else file
