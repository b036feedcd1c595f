"""Runs of a model, taken apart.

attribution   a logit difference as a sum of what every part wrote
evidence      numbers beside a claim, judged by lines: for, against, open
graph         a model as nodes and edges: what writes into the stream, what reads from it
"""
