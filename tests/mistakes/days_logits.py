"""The known wrong ways of chapter 4: logit differences and the metric.

In the rows, x are logits, r right and w wrong tokens.
"""

import torch

from patchbook.checking import Mistake


def _difference(x, r, w):
    rows = torch.arange(len(x))
    return x[rows, r] - x[rows, w]


def _each(per_prompt_values):
    """per_prompt_values(logits, right, wrong), averaged or not as the exercise asks."""

    def wrong(logits, answer_tokens, wrong_tokens, per_prompt=False):
        values = per_prompt_values(logits, answer_tokens, wrong_tokens)
        return values if per_prompt else values.mean()

    return wrong


_WAYS_TO_DIFFER = {  # id -> what a learner computes for each prompt, what is wrong, what to do
    "today-and-tomorrow-swapped": (
        lambda x, r, w: _difference(x[:, -1], w, r),
        "today and tomorrow are the other way round: it takes the answer's logit away from today's.",
        "Subtract the logit of wrong_tokens from that of answer_tokens.",
    ),
    "first-position": (
        lambda x, r, w: _difference(x[:, 0], r, w),
        "the logits are read at the first position.",
        "The answer is predicted at the last position: logits[:, -1].",
    ),
    "position-before-last": (
        lambda x, r, w: _difference(x[:, -2], r, w),
        "the logits are read one position before the last.",
        "The last position predicts what comes after the prompt: logits[:, -1].",
    ),
    "mean-over-positions": (
        lambda x, r, w: torch.stack([_difference(x[:, p], r, w) for p in range(x.shape[1])]).mean(0),
        "the difference is averaged over all positions.",
        "Only the last position predicts the answer: logits[:, -1].",
    ),
    "probabilities": (
        lambda x, r, w: _difference(x[:, -1].softmax(-1), r, w),
        "this is a difference of probabilities; wanted one of logits.",
        "Leave the softmax out.",
    ),
    "only-the-answer": (
        lambda x, r, w: x[:, -1].gather(1, r[:, None])[:, 0],
        "this is the answer's logit; today's is not taken away.",
        "Subtract the logit of wrong_tokens.",
    ),
    "one-prompts-answers": (
        lambda x, r, w: _difference(x[:, -1], r[:1].expand_as(r), w[:1].expand_as(w)),
        "the first prompt's answers are used for all prompts.",
        "Entry i of both token lists belongs to row i of the logits.",
    ),
    "every-answer-for-every-prompt": (
        lambda x, r, w: x[:, -1][:, r] - x[:, -1][:, w],
        "every prompt is asked for the answers of all prompts: the differences are (batch, batch).",
        "Prompt i goes with token i: logits[torch.arange(len(logits)), -1, answer_tokens].",
    ),
    "one-wrong-token-for-all": (
        lambda x, r, w: _difference(x[:, -1], r, w[:1].expand_as(w)),
        "the first prompt's wrong token is used for all prompts.",
        "Each prompt has a wrong token of its own: today's day in that prompt.",
    ),
    "absolute": (
        lambda x, r, w: _difference(x[:, -1], r, w).abs(),
        "the differences have lost their sign.",
        "A negative difference says that the model prefers today: leave .abs() out.",
    ),
    "added": (
        lambda x, r, w: x[:, -1].gather(1, torch.stack([r, w], dim=1)).sum(1),
        "the two logits are added.",
        "Subtract the logit of wrong_tokens.",
    ),
    "against-the-best": (
        lambda x, r, w: x[:, -1].gather(1, r[:, None])[:, 0] - x[:, -1].max(-1).values,
        "the answer is compared with the likeliest token; wanted today's day.",
        "Subtract the logit of wrong_tokens.",
    ),
}


logits_to_ave_logit_diff_of_days = (
    *(Mistake(id, _each(values), what, next) for id, (values, what, next) in _WAYS_TO_DIFFER.items()),
    Mistake(
        "sum-not-mean",
        lambda x, r, w, per_prompt=False: (
            _difference(x[:, -1], r, w) if per_prompt else _difference(x[:, -1], r, w).sum()
        ),
        "the prompts' differences are added up; wanted their mean.",
        "Use .mean().",
    ),
    Mistake(
        "per-prompt-ignored",
        lambda x, r, w, per_prompt=False: _difference(x[:, -1], r, w).mean(),
        "it gives the mean even when per_prompt is True.",
        "With per_prompt, return the differences before the mean: one for each prompt.",
    ),
    Mistake(
        "never-averaged",
        lambda x, r, w, per_prompt=False: _difference(x[:, -1], r, w),
        "it gives one value for each prompt even when per_prompt is False.",
        "Without per_prompt, return the mean of the differences.",
    ),
)


def _metric(formula, values=lambda x, r, w: _difference(x[:, -1], r, w).mean(), refuse=True):
    """formula(difference, corrupted, clean), with the refusal that the exercise asks for."""

    def wrong(logits, answer_tokens, wrong_tokens, corrupted_logit_diff, clean_logit_diff):
        if refuse and corrupted_logit_diff == clean_logit_diff:
            raise ValueError("no way between them")
        difference = values(logits, answer_tokens, wrong_tokens)
        return formula(difference, corrupted_logit_diff, clean_logit_diff)

    return wrong


def _share(d, corrupted, clean):
    return (d - corrupted) / (clean - corrupted)


def _refuses_a_smaller_clean_lead(x, r, w, corrupted, clean):
    if clean <= corrupted:
        raise ValueError("no way up from corrupted to clean")
    return _share(_difference(x[:, -1], r, w).mean(), corrupted, clean)


day_metric = (
    Mistake(
        "clean-and-corrupted-swapped",
        _metric(lambda d, corrupted, clean: _share(d, clean, corrupted)),
        "clean and corrupted are the other way round: the clean run gets 0.",
        "corrupted_logit_diff is the point that gets 0. Also compare the order of your arguments with the "
        "stub's: corrupted comes before clean.",
    ),
    Mistake(
        "inverted",
        _metric(lambda d, corrupted, clean: (clean - corrupted) / (d - corrupted)),
        "numerator and denominator have changed places.",
        "The whole way, clean - corrupted, goes below the line.",
    ),
    Mistake(
        "no-baseline",
        _metric(lambda d, corrupted, clean: d / (clean - corrupted)),
        "the corrupted run's logit difference is not taken away above the line.",
        "The corrupted run must get 0: subtract corrupted_logit_diff first.",
    ),
    Mistake(
        "divided-by-clean",
        _metric(lambda d, corrupted, clean: (d - corrupted) / clean),
        "it divides by the clean run's logit difference alone.",
        "The clean run must get 1: divide by clean - corrupted.",
    ),
    Mistake(
        "not-divided",
        _metric(lambda d, corrupted, clean: d - corrupted),
        "this is the distance from the corrupted run, in logits; it is not divided by the whole way.",
        "Divide by clean_logit_diff - corrupted_logit_diff.",
    ),
    Mistake(
        "zero-is-clean",
        _metric(lambda d, corrupted, clean: (d - clean) / (clean - corrupted)),
        "it gives 0 for the clean run and -1 for the corrupted one.",
        "Subtract corrupted_logit_diff above the line.",
    ),
    Mistake(
        "today-and-tomorrow-swapped",
        _metric(lambda d, corrupted, clean: _share(-d, corrupted, clean)),
        "today and tomorrow are the other way round.",
        "Use your logits_to_ave_logit_diff_of_days: answer_tokens first.",
    ),
    Mistake(
        "per-prompt",
        _metric(_share, lambda x, r, w: _difference(x[:, -1], r, w)),
        "it gives one value for each prompt; a metric is one number.",
        "Use the mean logit difference.",
    ),
    Mistake(
        "clamped",
        _metric(lambda d, corrupted, clean: _share(d, corrupted, clean).clamp(0, 1)),
        "values below 0 and above 1 are cut off.",
        "A patch may do worse than the corrupted run or better than the clean one.",
    ),
    Mistake(
        "absolute-denominator",
        _metric(lambda d, corrupted, clean: (d - corrupted) / abs(clean - corrupted)),
        "the denominator has lost its sign.",
        "Leave abs out: the clean run must get 1 even where its logit difference is the smaller one.",
    ),
    Mistake(
        "refuses-a-smaller-clean-lead",
        _refuses_a_smaller_clean_lead,
        "it refuses a clean run whose logit difference is smaller than the corrupted one's.",
        "There is a scale then, too. Refuse only where the two are equal: ==.",
    ),
    Mistake(
        "never-refuses",
        _metric(
            lambda d, corrupted, clean: (d - corrupted) / (torch.as_tensor(clean) - corrupted), refuse=False
        ),
        "where both runs have the same logit difference it divides by zero; wanted a ValueError.",
        "if clean_logit_diff == corrupted_logit_diff: raise ValueError(...).",
    ),
    Mistake(
        "zero-instead-of-an-error",
        lambda x, r, w, corrupted, clean: (
            torch.tensor(0.0)
            if clean == corrupted
            else _share(_difference(x[:, -1], r, w).mean(), corrupted, clean)
        ),
        "where both runs have the same logit difference it gives 0, as if a patch had done nothing.",
        "There is no scale then. Say so: raise ValueError(...).",
    ),
)
