"""The engine under `patchbook.tests`: seeded cases, an observation, a judgement, a diagnosis.

    @checks(reference, mistakes)   turns a function that yields cases into `test_f(implementation, seed=0)`
    Case                           one seeded input: a description and a function that builds the arguments
    Mistake                        a known wrong way, run to see whether it reproduces a learner's result
    Bench                          right and wrong functions that a learner's own cases are held against
    observe(check, f, seed)        run a learner's function; a Record of what came back and what it did
    judge(check, record)           compare a Record with the reference; raises CheckFailed

`observe` and `judge` share nothing but the Record, which is data: they may run in different processes.
"""

from patchbook.checking.arguments import make_arguments
from patchbook.checking.bench import Bench
from patchbook.checking.calling import call_as_hook
from patchbook.checking.check import Case, Check, Mistake
from patchbook.checking.judging import judge
from patchbook.checking.messages import CheckFailed
from patchbook.checking.observing import observe
from patchbook.checking.record import Outcome, Record
from patchbook.checking.running import checks

__all__ = [
    "Bench",
    "Case",
    "Check",
    "CheckFailed",
    "Mistake",
    "Outcome",
    "Record",
    "call_as_hook",
    "checks",
    "judge",
    "make_arguments",
    "observe",
]
