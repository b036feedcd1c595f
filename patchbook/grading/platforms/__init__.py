"""Where teachers already are: Gradescope, GitHub, JupyterHub with nbgrader. The same marks, in their forms.

one          one learner's notebooks, wherever they lie in a folder, graded as a class of one
gradescope   what runs in Gradescope's container: results.json
github       annotations and a summary, for a workflow in a learner's repository
hub          nbgrader's own commands on a course folder: its settings
export       writes what each of them needs
"""
