"""A whole class: tasks out, results in, one writer.

batch          one class, from its folder to grades.csv
servers        starts the warm process, the judge and the workers
pool           workers side by side on this machine
cluster        the same tasks on a Dask cluster; remote is what its workers do
progress       the table and the progress lines
release_gate   the marks of a chapter's own solutions and of its untouched stubs
"""
