"""What a grading kernel must not have: answers, known mistakes, what measures heads, ready-made functions.

One list, and two walls made of it. In the warm process, of which every kernel is a fork, imports give a
stand-in, so that no answer is ever in its memory. In the sandbox the same stand-in lies over the file, and
nothing lies in the folder of compiled modules beside it. The judge, which runs nothing of a learner's, has
all of it.

Checks are imported in a kernel for their cases. Of a specification's module the constants stay, for cases are
made of them; its functions do not.

what        the list
stand_ins   texts in place of modules: nothing, or no functions
finder      imports give stand-ins
covers      stand-ins lie over the files in a sandbox
not_here    what is said to whoever calls what is not there
"""
