"""Sets of prompts with their answers and positions, seeded; one module per behaviour.

ioi.py            IOIDataset: two people, a place, a gift (chapters 2 and 5)
distracted.py     DistractedPrompts: the same with one more sentence, about a name of your choice
ioi_sentences.py  its sentences, as data, and how one is written
days.py           DayPrompts: days, months and seasons; what comes next (chapter 4)
rules.py          corruptions by rule: "ABB->XYZ, BAB->XYZ"
capitals.py       CapitalSet: sentences that end with a full stop (chapter 3)
tokens.py         words that must be one token; padding
"""
