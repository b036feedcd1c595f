"""One mutant through the cases of its check, in a process of its own.

A mutant may loop for ever or ask for all memory, and may edit what the cases share: none of it comes back.
"""

import dataclasses
import enum
import os
import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from patchbook.checking import Case, Check, CheckFailed, judge, observe
from tests.project.mutation.mutants import Mutant
from tests.project.mutation.solutions import Exercise

CPU_SECONDS = 120  # the longest check needs less than 10
MEMORY = 4 * 2**30  # bytes above what the process has when the mutant begins


class Verdict(enum.Enum):
    PASSED = 0
    REFUSED = 1
    KILLED = 2  # by a limit or by itself: refused, too
    BROKE_THE_CHECK = 3  # an error of ours, not a CheckFailed


def single_cases(exercise: Exercise) -> Iterator[tuple[Check, Case, int]]:
    """For each case of each seed a check that has this case only, and no mistakes to name.

    Only "refused or not" is asked for: the diagnosis would take most of the time.
    """
    for seed in exercise.seeds:
        for case in exercise.check.cases(seed):
            only = dataclasses.replace(exercise.check, mistakes=(), cases=lambda seed, case=case: (case,))
            yield only, case, seed


def warm(exercise: Exercise) -> list[tuple[Check, int]]:
    """The exercise's single cases, with the references known to the processes that are forked after.

    Raises CheckFailed when the solution itself is refused.
    """
    checks = [(check, seed) for check, _, seed in single_cases(exercise)]
    for check, seed in checks:
        judge(check, observe(check, exercise.function(exercise.source), seed))
    return checks


def judge_mutant(
    exercise: Exercise, mutant: Mutant, checks: list[tuple[Check, int]] | None = None
) -> Verdict:
    """Whether some case refuses the mutant. Stops at the first that does.

    checks: what `warm` gave. Without them the references are worked out as far as they are needed.
    """
    checks = checks or [(check, seed) for check, _, seed in single_cases(exercise)]
    return _in_a_fork(lambda: _verdict(exercise, mutant, checks))


def _verdict(exercise: Exercise, mutant: Mutant, checks: list[tuple[Check, int]]) -> Verdict:
    try:
        function = exercise.function(mutant.source)
    except Exception:
        return Verdict.REFUSED
    for check, seed in checks:
        try:
            judge(check, observe(check, function, seed))
        except CheckFailed:
            return Verdict.REFUSED
        except Exception as error:
            print(f"{mutant.exercise} {mutant.id}: {type(error).__name__}: {error}", file=sys.stderr)
            return Verdict.BROKE_THE_CHECK
    return Verdict.PASSED


def _in_a_fork(work: Callable[[], Verdict]) -> Verdict:
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = Verdict.KILLED.value
        try:
            _set_limits()
            code = work().value
        finally:
            os._exit(code)  # no clean-up of what belongs to the parent
    _, status = os.waitpid(child, 0)
    known = {verdict.value: verdict for verdict in Verdict}
    return known.get(os.waitstatus_to_exitcode(status), Verdict.KILLED)


def _set_limits() -> None:
    torch.set_num_threads(1)  # a forked process has none of its parent's threads
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * os.sysconf("SC_PAGE_SIZE") + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
