"""Answers to chapter 4: logit differences and the metric."""

import torch

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


# logits_to_ave_logit_diff_of_days
@right("logits_to_ave_logit_diff_of_days")
def with_gather(logits, answer_tokens, wrong_tokens, per_prompt=False):
    both = logits[:, -1].gather(-1, torch.stack([answer_tokens, wrong_tokens], dim=-1))
    difference = both[:, 0] - both[:, 1]
    return difference if per_prompt else difference.mean()


@right("logits_to_ave_logit_diff_of_days")
def difference_of_means(logits, answer_tokens, wrong_tokens, per_prompt=False):
    rows = torch.arange(len(logits))
    good, bad = logits[rows, -1, answer_tokens], logits[rows, -1, wrong_tokens]
    return good - bad if per_prompt else good.mean() - bad.mean()


@right("logits_to_ave_logit_diff_of_days")
def of_log_probabilities(logits, answer_tokens, wrong_tokens, per_prompt=False):
    log_probabilities = logits[:, -1].log_softmax(-1)
    pairs = zip(log_probabilities, answer_tokens, wrong_tokens, strict=True)
    difference = torch.stack([row[good] - row[bad] for row, good, bad in pairs])
    return difference if per_prompt else difference.sum() / len(difference)


@right("logits_to_ave_logit_diff_of_days")
def a_plain_number(logits, answer_tokens, wrong_tokens, per_prompt=False):
    difference = with_gather(logits, answer_tokens, wrong_tokens, True)
    return difference if per_prompt else difference.mean().item()


@wrong("logits_to_ave_logit_diff_of_days", "today-and-tomorrow-swapped")
def today_less_tomorrow(logits, answer_tokens, wrong_tokens, per_prompt=False):
    return with_gather(logits, wrong_tokens, answer_tokens, per_prompt)


@wrong("logits_to_ave_logit_diff_of_days", "first-position")
def at_bos(logits, answer_tokens, wrong_tokens, per_prompt=False):
    return with_gather(logits[:, :1], answer_tokens, wrong_tokens, per_prompt)


@wrong("logits_to_ave_logit_diff_of_days", "probabilities")
def after_softmax(logits, answer_tokens, wrong_tokens, per_prompt=False):
    return with_gather(logits.softmax(-1), answer_tokens, wrong_tokens, per_prompt)


@wrong("logits_to_ave_logit_diff_of_days", "per-prompt-ignored")
def always_the_mean(logits, answer_tokens, wrong_tokens, per_prompt=False):
    return with_gather(logits, answer_tokens, wrong_tokens)


@wrong("logits_to_ave_logit_diff_of_days", "sum-not-mean")
def added_up(logits, answer_tokens, wrong_tokens, per_prompt=False):
    difference = with_gather(logits, answer_tokens, wrong_tokens, True)
    return difference if per_prompt else difference.sum()


@wrong("logits_to_ave_logit_diff_of_days", "against-the-best")
def against_the_top_token(logits, answer_tokens, wrong_tokens, per_prompt=False):
    return with_gather(logits, answer_tokens, logits[:, -1].argmax(-1), per_prompt)


@wrong("logits_to_ave_logit_diff_of_days", "one-wrong-token-for-all")
def monday_for_everybody(logits, answer_tokens, wrong_tokens, per_prompt=False):
    same = torch.full_like(wrong_tokens, wrong_tokens[0].item())
    return with_gather(logits, answer_tokens, same, per_prompt)


@wrong("logits_to_ave_logit_diff_of_days", "every-answer-for-every-prompt")
def every_answer_for_every_prompt(logits, answer_tokens, wrong_tokens, per_prompt=False):
    difference = logits[:, -1, answer_tokens] - logits[:, -1, wrong_tokens]
    return difference if per_prompt else difference.mean()


@wrong("logits_to_ave_logit_diff_of_days", "contract")
def as_a_list(logits, answer_tokens, wrong_tokens, per_prompt=False):
    difference = with_gather(logits, answer_tokens, wrong_tokens, True).tolist()
    return difference if per_prompt else [sum(difference) / len(difference)]


# day_metric
@right("day_metric")
def share_of_the_way(logits, answer_tokens, wrong_tokens, corrupted_logit_diff, clean_logit_diff):
    way = clean_logit_diff - corrupted_logit_diff
    if way == 0:
        raise ValueError("the clean and the corrupted run are alike")
    return (with_gather(logits, answer_tokens, wrong_tokens) - corrupted_logit_diff) / way


@right("day_metric")
def one_less_what_is_missing(logits, answer_tokens, wrong_tokens, corrupted_logit_diff, clean_logit_diff):
    if abs(clean_logit_diff - corrupted_logit_diff) < 1e-9:
        raise ValueError
    missing = clean_logit_diff - difference_of_means(logits, answer_tokens, wrong_tokens)
    return 1 - missing / (clean_logit_diff - corrupted_logit_diff)


@right("day_metric")
def mean_of_shares(logits, answer_tokens, wrong_tokens, corrupted_logit_diff, clean_logit_diff):
    if clean_logit_diff == corrupted_logit_diff:
        raise ValueError("no scale")
    each = of_log_probabilities(logits, answer_tokens, wrong_tokens, per_prompt=True)
    return ((each - corrupted_logit_diff) / (clean_logit_diff - corrupted_logit_diff)).mean().item()


@wrong("day_metric", "clean-and-corrupted-swapped")
def zero_for_clean_one_for_corrupted(logits, answer_tokens, wrong_tokens, corrupted, clean):
    return share_of_the_way(logits, answer_tokens, wrong_tokens, clean, corrupted)


def refuse(corrupted, clean):
    if corrupted == clean:
        raise ValueError


@wrong("day_metric", "no-baseline")
def over_the_way_only(logits, answer_tokens, wrong_tokens, corrupted, clean):
    refuse(corrupted, clean)
    return with_gather(logits, answer_tokens, wrong_tokens) / (clean - corrupted)


@wrong("day_metric", "not-divided")
def distance_in_logits(logits, answer_tokens, wrong_tokens, corrupted, clean):
    refuse(corrupted, clean)
    return with_gather(logits, answer_tokens, wrong_tokens) - corrupted


@wrong("day_metric", "inverted")
def upside_down(logits, answer_tokens, wrong_tokens, corrupted, clean):
    return 1 / share_of_the_way(logits, answer_tokens, wrong_tokens, corrupted, clean)


@wrong("day_metric", "today-and-tomorrow-swapped")
def other_way_round(logits, answer_tokens, wrong_tokens, corrupted, clean):
    return share_of_the_way(logits, wrong_tokens, answer_tokens, corrupted, clean)


@wrong("day_metric", "never-refuses")
def divides_by_zero(logits, answer_tokens, wrong_tokens, corrupted, clean):
    difference = with_gather(logits, answer_tokens, wrong_tokens)
    return (difference - corrupted) / torch.tensor(clean - corrupted)


@wrong("day_metric", "refuses-a-smaller-clean-lead")
def wants_clean_above_corrupted(logits, answer_tokens, wrong_tokens, corrupted, clean):
    if not clean > corrupted:
        raise ValueError("clean must be larger")
    return share_of_the_way(logits, answer_tokens, wrong_tokens, corrupted, clean)


@wrong("day_metric", "raised")
def refuses_the_wrong_way_round(logits, answer_tokens, wrong_tokens, corrupted, clean):
    if clean != corrupted:
        raise ValueError("no scale")
    return share_of_the_way(logits, answer_tokens, wrong_tokens, corrupted, clean)


@wrong("day_metric", "wrong-error")
def asserts_that_they_differ(logits, answer_tokens, wrong_tokens, corrupted, clean):
    assert corrupted != clean, "no scale"
    return share_of_the_way(logits, answer_tokens, wrong_tokens, corrupted, clean)


@wrong("day_metric", "absolute-denominator")
def lost_the_direction(logits, answer_tokens, wrong_tokens, corrupted, clean):
    refuse(corrupted, clean)
    return (with_gather(logits, answer_tokens, wrong_tokens) - corrupted) / abs(clean - corrupted)


@wrong("day_metric", "wrong-error")
def lets_python_complain(logits, answer_tokens, wrong_tokens, corrupted, clean):
    difference = with_gather(logits, answer_tokens, wrong_tokens).item()
    return (difference - corrupted) / (clean - corrupted)


@wrong("day_metric", "zero-instead-of-an-error")
def nothing_happened(logits, answer_tokens, wrong_tokens, corrupted, clean):
    if corrupted == clean:
        return torch.zeros(())
    return share_of_the_way(logits, answer_tokens, wrong_tokens, corrupted, clean)
