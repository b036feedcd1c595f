"""Where marks are kept: nbgrader's course folder and database, and what became of each submission.

course_folder   nbgrader's folders, its settings and its steps
steps           those of its steps that are ours: outputs taken, scored, shortened, safe to show
database        which gradebook it is: the file, or PostgreSQL
results         marks, status and reason of one submission; grades.csv
journal         what is done already: a killed grader goes on from it
pages           the top of a learner's page of feedback
trouble         what gradebook and disk may say: wait, stop, or one row's reason
"""
