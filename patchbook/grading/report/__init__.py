"""What people read of a graded class, from what `patchbook grade` wrote: pages, and tables for an LMS.

reading    marks from the gradebook, statuses from grades.csv, messages and code from the notebooks
messages   what a check said, in its three parts
late       points taken off for lateness
policy     policy.toml: lateness, extensions, dropped questions, bonus points
summing    the class as a whole: per exercise, commonest mistakes, who is stuck
copies     the same text from several
groups     wrong answers that nobody foresaw, by what they compute
comments   comments.toml: what the teacher says to such a group
pages      each learner's page and the teacher's, from templates/
lms        CSV as Canvas and Moodle import it
"""

from patchbook.grading.report.pages import notice, write_report
from patchbook.grading.report.reading import NothingGraded, read_class

__all__ = ["NothingGraded", "notice", "read_class", "write_report"]
