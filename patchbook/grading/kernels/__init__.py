"""Where learners' code runs: forks of one warm process, each behind walls.

manager        which kernel runs a submission, and what it may see: chosen here and nowhere else
wire           what a kernel may send, and what becomes of one that sends something else
provisioner    jupyter_client asks it for kernels that are forks of the warm process
warm_process   libraries imported, models loaded, checks at hand
withheld       what no such fork may have: answers, known mistakes, what measures heads, ready-made functions
fork_server    servers that answer each caller with a fork of themselves
overseer       the process beside each kernel: starts, signals and ends it
sandbox        the walls and the limits
held           memory that no process's pages show
usage          what the processes of a submission use
observation    what runs in the kernel beside the learner's code
"""
