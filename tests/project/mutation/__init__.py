"""Mutation testing of the checks: each solution is changed in one place, and its check must refuse it.

    solutions/NN_topic.md --solutions--> Exercise --mutants--> Mutant --judging--> refused, or passed

    exchanges    data: what is mistaken for what
    operators    the ways one node of a syntax tree goes wrong
    mutants      every mutant of one function, each with a name that lasts
    solutions    the functions of the solutions, with the names they use, their check and its seeds
    judging      one mutant through the check's cases, in a process of its own
    equivalent/  data, a file for each chapter: mutants that are as right as the solution, and why

Where a solution is a list of cases, the function that they are for is changed, and the cases must refuse it.
A check that lets a mutant pass lets a learner pass who made that slip. `python -m tests.project.mutation`
prints how many are refused, and those that pass.
"""

from tests.project.mutation.judging import Verdict, judge_mutant, warm
from tests.project.mutation.mutants import Mutant, mutants_of
from tests.project.mutation.solutions import (
    CHAPTERS,
    Exercise,
    exercises_of,
    listed_as_equivalent,
    subject_of,
)

__all__ = [
    "CHAPTERS",
    "Exercise",
    "Mutant",
    "Verdict",
    "exercises_of",
    "judge_mutant",
    "listed_as_equivalent",
    "mutants_of",
    "subject_of",
    "warm",
]
