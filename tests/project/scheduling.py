"""How pytest-xdist shares out the tests; imported only where xdist is there."""

from xdist.scheduler import LoadScopeScheduling

from tests.project.drawing import subject
from tests.project.selecting import IN_PIECES

WHOLE_CHAPTERS = ("test_a_solution_runs_from_top_to_bottom[", "test_untouched_stubs_stop_nothing[")
MUTANTS = "test_a_mutant_of_each_solution_is_refused["
HANDED_IN = ("test_serving.py", "test_platforms.py")
GRADES_THE_TOY_COURSE = (  # its three servers take some twenty seconds of a processor to start
    "test_nothing_lost.py",
    "test_grading.py",
    "test_cluster.py",
    "test_cli.py",
    "test_judged_outside.py",
    "test_postgres.py",
    "test_sandbox.py",
)


class ByWork(LoadScopeScheduling):
    """Tests of one exercise share its cases, tests of one file its fixtures.

    The files that grade the toy course share its servers; a run of a whole chapter stands alone.
    """

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        if file.endswith(GRADES_THE_TOY_COURSE):
            return "the toy course"
        if file.endswith(HANDED_IN):
            return "what is handed in"
        if test.startswith(WHOLE_CHAPTERS):
            return nodeid
        of_an_exercise = file.endswith(IN_PIECES) or test.startswith(MUTANTS)
        return (subject(test) or file) if of_an_exercise else file
