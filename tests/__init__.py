"""The checks that learners call: `test_f(implementation)` for each exercise f, a package or module a chapter.

A chapter's exercises come in groups. A group has one name in four places: its cases are a module of the
chapter's package, and in these folders are, under the same name, its specifications, mistakes and answers:

specifications/   what each exercise must compute: slow, plain, and with the contract in its signature
mistakes/         the known wrong ways, each with what a learner is told about it
project/          pytest for everything else; answers/ as learners write them
"""
