"""The known wrong ways of chapter 2: logit differences of prompts that end in different places."""

import torch

from patchbook.checking import Mistake


# logits_to_ave_logit_diff_2 and ioi_metric_2
def _differences(logits, dataset, role="end", shift=0):
    """IO less S at each prompt's `role`, `shift` positions on."""
    rows = torch.arange(len(logits))
    at = logits[rows, dataset.word_idx[role] + shift]
    return at[rows, torch.tensor(dataset.io_tokenIDs)] - at[rows, torch.tensor(dataset.s_tokenIDs)]


def _averaged(differences, per_prompt):
    return differences if per_prompt else differences.mean()


def _at_the_last_position(logits, ioi_dataset, per_prompt=False):
    rows = torch.arange(len(logits))
    io, s = torch.tensor(ioi_dataset.io_tokenIDs), torch.tensor(ioi_dataset.s_tokenIDs)
    return _averaged(logits[rows, -1, io] - logits[rows, -1, s], per_prompt)


def _everyone_at_the_first_end(logits, ioi_dataset, per_prompt=False):
    rows = torch.arange(len(logits))
    at = logits[:, ioi_dataset.word_idx["end"][0]]
    io, s = torch.tensor(ioi_dataset.io_tokenIDs), torch.tensor(ioi_dataset.s_tokenIDs)
    return _averaged(at[rows, io] - at[rows, s], per_prompt)


logits_to_ave_logit_diff_2 = (
    Mistake(
        "last-position",
        _at_the_last_position,
        "it reads the last position of the tensor. In a shorter prompt that is padding.",
        'Read each prompt at its own end: ioi_dataset.word_idx["end"].',
    ),
    Mistake(
        "first-prompts-end",
        _everyone_at_the_first_end,
        "it reads every prompt where the first prompt ends.",
        "Index prompts and ends together: logits[torch.arange(N), ends].",
    ),
    Mistake(
        "one-before-the-end",
        lambda logits, d, per_prompt=False: _averaged(_differences(logits, d, shift=-1), per_prompt),
        "it reads one position before the end.",
        'word_idx["end"] is already the last real token: the answer is predicted there.',
    ),
    Mistake(
        "at-s2",
        lambda logits, d, per_prompt=False: _averaged(_differences(logits, d, "S2"), per_prompt),
        "it reads the logits at S2.",
        'The answer is predicted at word_idx["end"].',
    ),
    Mistake(
        "at-io",
        lambda logits, d, per_prompt=False: _averaged(_differences(logits, d, "IO"), per_prompt),
        "it reads the logits at IO.",
        'The answer is predicted at word_idx["end"].',
    ),
    Mistake(
        "answers-swapped",
        lambda logits, d, per_prompt=False: _averaged(-_differences(logits, d), per_prompt),
        "the sign is wrong: it takes IO's logit from S's.",
        "The right answer comes first: the logit of IO less that of S.",
    ),
    Mistake(
        "sum-not-mean",
        lambda lo, d, per_prompt=False: _differences(lo, d) if per_prompt else _differences(lo, d).sum(),
        "the differences are added up, not averaged.",
        "Take .mean() over the prompts.",
    ),
    Mistake(
        "per-prompt-ignored",
        lambda logits, d, per_prompt=False: _differences(logits, d).mean(),
        "per_prompt=True should give one number for each prompt, and gives their mean.",
        "Return the differences themselves when per_prompt is True.",
    ),
    Mistake(
        "per-prompt-inverted",
        lambda logits, d, per_prompt=False: _averaged(_differences(logits, d), not per_prompt),
        "per_prompt works the other way round.",
        "True: one number for each prompt. False: their mean.",
    ),
)  # fmt: skip


def _ioi_difference(logits, dataset):
    return _differences(logits, dataset).mean()


ioi_metric_2 = (
    Mistake(
        "zero-at-corrupted",
        lambda lo, clean, corrupted, d: (_ioi_difference(lo, d) - corrupted) / (clean - corrupted),
        "it gives 0 on corrupted and 1 on clean prompts; wanted -1 and 0.",
        "Subtract the clean logit difference, not the corrupted one.",
    ),
    Mistake(
        "turned-over",
        lambda lo, clean, corrupted, d: (clean - corrupted) / (_ioi_difference(lo, d) - clean),
        "numerator and denominator have changed places.",
        "Divide the change by clean - corrupted.",
    ),
    Mistake(
        "sign-of-the-denominator",
        lambda lo, clean, corrupted, d: (_ioi_difference(lo, d) - clean) / (corrupted - clean),
        "it gives +1 on corrupted prompts; wanted -1.",
        "The denominator is clean - corrupted.",
    ),
    Mistake(
        "no-normalisation",
        lambda lo, clean, corrupted, d: _ioi_difference(lo, d) - clean,
        "the change is left in logits: the division is missing.",
        "Divide by clean - corrupted.",
    ),
    Mistake(
        "divided-by-clean",
        lambda lo, clean, corrupted, d: (_ioi_difference(lo, d) - clean) / clean,
        "it divides by the clean logit difference alone.",
        "Divide by clean - corrupted, so that corrupted prompts give -1.",
    ),
    Mistake(
        "no-baseline",
        lambda lo, clean, corrupted, d: _ioi_difference(lo, d) / (clean - corrupted),
        "the clean logit difference is not subtracted.",
        "Subtract it first: clean prompts must give 0.",
    ),
    Mistake(
        "answers-swapped",
        lambda lo, clean, corrupted, d: (-_ioi_difference(lo, d) - clean) / (clean - corrupted),
        "the logit difference inside has the wrong sign.",
        "Use your logits_to_ave_logit_diff_2: the logit of IO minus that of S.",
    ),
    Mistake(
        "last-position",
        lambda lo, clean, corrupted, d: (_at_the_last_position(lo, d) - clean) / (clean - corrupted),
        "the logit difference inside is read at the last position, which is padding in a shorter prompt.",
        'Read each prompt at its own end: word_idx["end"].',
    ),
)
