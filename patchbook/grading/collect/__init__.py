"""What teachers have becomes folders of submissions: folders, LMS downloads, Colab files.

collecting   the whole of it: found, read, mended, chosen, written down
sources      every notebook in folders and zips, read safely
names        whose it is, by how LMS and Colab call files
chapters     which chapter it is, by its cells
attempts     several of one chapter: which counts
table        what was collected, for the terminal
"""
