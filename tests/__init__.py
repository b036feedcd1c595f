"""The checks that learners call, one module per chapter: `test_f(implementation)` for each exercise f.

specifications/   what each exercise must compute: slow, plain, and with the contract in its signature
mistakes/         the known wrong ways, each with what a learner is told about it
project/          pytest for everything else
"""
