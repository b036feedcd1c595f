"""How the models in `patchbook/zoo` were made. `make models` runs it all again.

Read it in this order; each file is one step:

    grammar.py      the words and sentence patterns, as data
    sentences.py    one pattern -> one English sentence
    ioi_text.py     two people, a place, a gift
    day_text.py     days, months and seasons
    prose_text.py   everything else: ordinary prose, decimals, repetition
    corpus.py       sentences -> documents in normal, lower and upper case
    vocabulary.py   GPT-2's tokenizer, cut down to the words of the corpus
    batches.py      documents and repeated random tokens -> rows of token ids
    build.py        the two untrained models, and how they are written to a folder
    trainer.py      the training loop
    checkpoints.py  a training that was interrupted goes on
    runs.py         how each model is made: its stages and seeds
    measure.py      what a trained model can do, in numbers
    circuits.py     which heads do it
    storage.py      half precision, where nothing measured notices
    card.py         the numbers -> measured.json and README.md (the model card)
    roles.py        the IOI circuit by chapter 2's questions
    seeds.py        one table of all seeds: python -m patchbook.training.seeds
    __main__.py     python -m patchbook.training [name] [--seed N] [--steps N] [--out DIR]
"""
