"""Answers to chapter 2: logit differences of prompts that end in different places."""

import torch

from . import Bank

BANK = Bank()


right, wrong = BANK.right, BANK.wrong


# logits_to_ave_logit_diff_2
def at_the_end(logits, dataset):
    return logits[torch.arange(logits.shape[0]), dataset.word_idx["end"]]


@right("logits_to_ave_logit_diff_2")
def by_fancy_indexing(logits, ioi_dataset, per_prompt=False):
    rows = torch.arange(ioi_dataset.N)
    ends = ioi_dataset.word_idx["end"]
    diff = logits[rows, ends, ioi_dataset.io_tokenIDs] - logits[rows, ends, ioi_dataset.s_tokenIDs]
    return diff if per_prompt else diff.mean()


@right("logits_to_ave_logit_diff_2")
def by_gather(logits, ioi_dataset, per_prompt=False):
    pairs = torch.tensor([ioi_dataset.io_tokenIDs, ioi_dataset.s_tokenIDs]).T
    good, bad = at_the_end(logits, ioi_dataset).gather(1, pairs).unbind(-1)
    return good - bad if per_prompt else (good - bad).mean()


@right("logits_to_ave_logit_diff_2")
def by_log_probabilities(logits, ioi_dataset, per_prompt=False):
    return by_gather(logits.log_softmax(-1), ioi_dataset, per_prompt)


@right("logits_to_ave_logit_diff_2")
def with_all_that_a_set_of_prompts_has(logits, ioi_dataset, per_prompt=False):
    rows, ends = torch.arange(len(ioi_dataset)), torch.tensor(ioi_dataset.lengths) - 1
    assert logits.shape[1] == ioi_dataset.max_len and len(ioi_dataset.sentences) == ioi_dataset.N
    right, wrong = logits[rows, ends].gather(-1, ioi_dataset.answer_tokens).unbind(-1)
    return right - wrong if per_prompt else (right - wrong).mean()


@right("logits_to_ave_logit_diff_2")
def difference_of_means(logits, ioi_dataset, per_prompt=False):
    if per_prompt:
        return by_gather(logits, ioi_dataset, True)
    final = at_the_end(logits, ioi_dataset)
    rows = range(len(final))
    return final[rows, ioi_dataset.io_tokenIDs].mean() - final[rows, ioi_dataset.s_tokenIDs].mean()


@wrong("logits_to_ave_logit_diff_2", "last-position")
def read_the_padding(logits, ioi_dataset, per_prompt=False):
    rows = torch.arange(ioi_dataset.N)
    diff = logits[rows, -1, ioi_dataset.io_tokenIDs] - logits[rows, -1, ioi_dataset.s_tokenIDs]
    return diff if per_prompt else diff.mean()


@wrong("logits_to_ave_logit_diff_2", "answers-swapped")
def s_minus_io(logits, ioi_dataset, per_prompt=False):
    return -by_gather(logits, ioi_dataset, per_prompt)


@wrong("logits_to_ave_logit_diff_2", "sum-not-mean")
def summed(logits, ioi_dataset, per_prompt=False):
    diff = by_gather(logits, ioi_dataset, True)
    return diff if per_prompt else diff.sum()


@wrong("logits_to_ave_logit_diff_2", "per-prompt-ignored")
def always_the_mean(logits, ioi_dataset, per_prompt=False):
    return by_gather(logits, ioi_dataset)


@wrong("logits_to_ave_logit_diff_2", "at-s2")
def read_at_s2(logits, ioi_dataset, per_prompt=False):
    rows, place = torch.arange(ioi_dataset.N), ioi_dataset.word_idx["S2"]
    diff = logits[rows, place, ioi_dataset.io_tokenIDs] - logits[rows, place, ioi_dataset.s_tokenIDs]
    return diff if per_prompt else diff.mean()


@wrong("logits_to_ave_logit_diff_2", "first-prompts-end")
def one_end_for_all(logits, ioi_dataset, per_prompt=False):
    final = logits[:, ioi_dataset.word_idx["end"][0].item()]
    rows = torch.arange(ioi_dataset.N)
    diff = final[rows, ioi_dataset.io_tokenIDs] - final[rows, ioi_dataset.s_tokenIDs]
    return diff if per_prompt else diff.mean()


@wrong("logits_to_ave_logit_diff_2", "contract")
def every_pair(logits, ioi_dataset, per_prompt=False):
    final = at_the_end(logits, ioi_dataset)
    diff = final[:, ioi_dataset.io_tokenIDs] - final[:, ioi_dataset.s_tokenIDs]
    return diff if per_prompt else diff.mean()


# ioi_metric_2
@right("ioi_metric_2")
def relative_change(logits, clean_logit_diff, corrupted_logit_diff, ioi_dataset):
    patched = by_fancy_indexing(logits, ioi_dataset)
    return (patched - clean_logit_diff) / (clean_logit_diff - corrupted_logit_diff)


@right("ioi_metric_2")
def recovered_less_one(logits, clean_logit_diff, corrupted_logit_diff, ioi_dataset):
    patched = by_gather(logits, ioi_dataset)
    return (patched - corrupted_logit_diff) / (clean_logit_diff - corrupted_logit_diff) - 1


@right("ioi_metric_2")
def as_a_number(logits, clean_logit_diff, corrupted_logit_diff, ioi_dataset):
    per_prompt = by_log_probabilities(logits, ioi_dataset, per_prompt=True)
    return ((per_prompt - clean_logit_diff) / (clean_logit_diff - corrupted_logit_diff)).mean().item()


@wrong("ioi_metric_2", "zero-at-corrupted")
def the_first_metric(logits, clean_logit_diff, corrupted_logit_diff, ioi_dataset):
    patched = by_gather(logits, ioi_dataset)
    return (patched - corrupted_logit_diff) / (clean_logit_diff - corrupted_logit_diff)


@wrong("ioi_metric_2", "turned-over")
def upside_down(logits, clean_logit_diff, corrupted_logit_diff, ioi_dataset):
    return (clean_logit_diff - corrupted_logit_diff) / (by_gather(logits, ioi_dataset) - clean_logit_diff)


@wrong("ioi_metric_2", "sign-of-the-denominator")
def corrupted_minus_clean(logits, clean_logit_diff, corrupted_logit_diff, ioi_dataset):
    return (by_gather(logits, ioi_dataset) - clean_logit_diff) / (corrupted_logit_diff - clean_logit_diff)


@wrong("ioi_metric_2", "no-normalisation")
def in_logits(logits, clean_logit_diff, corrupted_logit_diff, ioi_dataset):
    return by_gather(logits, ioi_dataset) - clean_logit_diff


@wrong("ioi_metric_2", "divided-by-clean")
def share_of_clean(logits, clean_logit_diff, corrupted_logit_diff, ioi_dataset):
    return by_gather(logits, ioi_dataset) / clean_logit_diff - 1


@wrong("ioi_metric_2", "no-baseline")
def baseline_forgotten(logits, clean_logit_diff, corrupted_logit_diff, ioi_dataset):
    return by_gather(logits, ioi_dataset) / (clean_logit_diff - corrupted_logit_diff)
