"""A notebook that was handed in, from its file to what is to be run of it.

submissions    folders of learners, read safely
strange_json   what may stand in a file that a stranger wrote
cells          graded cells: their exercise, their worth, the errors that ended them
repair         metadata, ids and cells that an editor lost are put back from the released notebook
tests_folder   where the checks of the graded course are
plan           what is run: the source's checks and seeds; which cells only show
outputs        what of an output any page can show
"""
