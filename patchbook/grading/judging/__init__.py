"""One submission, from its file to a judged notebook.

task          read, repaired, run, judged: the work of one worker on one submission
execute       runs a notebook to its end, whatever its cells do; its checks are observed, not run
predictions   those that rest on an unwritten exercise run again, where references are
judge         decides on what was observed, in a process that no learner's code has been in
"""
