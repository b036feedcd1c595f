"""The known wrong ways of chapter 4: rank and probability."""

from patchbook.checking import Mistake
from patchbook.tests.specifications import days_ranks as specifications


def _last(model, prompt, **options):
    return model(model.to_tokens(prompt, **options))[0, -1].detach()


def _answer(changed):
    """changed(rank, logit, probability, logits, token) -> the tuple, wrong in some way."""

    def wrong(model, prompt, answer):
        logits = _last(model, prompt)
        return changed(
            *specifications.rank_and_prob(model, prompt, answer), logits, model.to_single_token(answer)
        )

    return wrong


def _read_from(logits, token):
    rank = int((logits > logits[token]).sum())
    return rank, logits[token].item(), logits.softmax(-1)[token].item()


def _with_tokens(tokens_of):
    def wrong(model, prompt, answer):
        logits = model(tokens_of(model, prompt)).detach()[0, -1]
        return _read_from(logits, model.to_single_token(answer))

    return wrong


def _at(position):
    def wrong(model, prompt, answer):
        logits = model(model.to_tokens(prompt)).detach()[0, position]
        return _read_from(logits, model.to_single_token(answer))

    return wrong


def _first_piece_without_space(model, prompt, answer):
    token = model.to_tokens(answer.strip(), prepend_bos=False)[0, 0].item()
    return _read_from(_last(model, prompt), token)


def _ascending(rank, logit, p, x, t):
    return int((x < x[t]).sum()), logit, p


rank_and_prob = (
    Mistake(
        "rank-from-1",
        _answer(lambda rank, logit, p, x, t: (rank + 1, logit, p)),
        "ranks are counted from 1; the likeliest token has rank 0.",
        "Count the tokens whose logit is larger than the answer's: for the best there are none.",
    ),
    Mistake(
        "rank-from-the-bottom",
        _answer(_ascending),
        "the rank counts from the least likely token.",
        "Count the larger logits, or sort with descending=True.",
    ),
    Mistake(
        "log-probability",
        _answer(lambda rank, logit, p, x, t: (rank, logit, x.log_softmax(-1)[t].item())),
        "the third number is a log-probability; wanted a probability.",
        "Use softmax, or take .exp() of the log-probability.",
    ),
    Mistake(
        "log-probability-for-logit",
        _answer(lambda rank, logit, p, x, t: (rank, x.log_softmax(-1)[t].item(), p)),
        "the second number is a log-probability; wanted the logit as the model gives it.",
        "Take it before any softmax.",
    ),
    Mistake(
        "probability-and-logit-swapped",
        _answer(lambda rank, logit, p, x, t: (rank, p, logit)),
        "logit and probability have changed places.",
        "The order is rank, logit, probability.",
    ),
    Mistake(
        "exp-of-logit",
        _answer(lambda rank, logit, p, x, t: (rank, logit, x[t].exp().item())),
        "the third number is exp(logit), which is not divided by the sum over all tokens.",
        "Use softmax over the vocabulary.",
    ),
    Mistake(
        "sigmoid",
        _answer(lambda rank, logit, p, x, t: (rank, logit, x[t].sigmoid().item())),
        "the third number is a sigmoid; it asks about one token alone.",
        "Use softmax over the vocabulary: the probabilities of all tokens sum to 1.",
    ),
    Mistake(
        "percent",
        _answer(lambda rank, logit, p, x, t: (rank, logit, 100 * p)),
        "the probability is in percent; wanted a number from 0 to 1.",
        "Leave the factor 100 out.",
    ),
    Mistake(
        "first-position",
        _at(0),
        "the logits are read at the first position, after BOS.",
        "The answer is predicted at the prompt's end: logits[0, -1].",
    ),
    Mistake(
        "position-before-last",
        _at(-2),
        "the logits are read one position before the end.",
        "The last position predicts what comes after the prompt: logits[0, -1].",
    ),
    Mistake(
        "no-bos",
        _with_tokens(lambda model, prompt: model.to_tokens(prompt, prepend_bos=False)),
        "the prompt runs without BOS.",
        "model.to_tokens(prompt) puts it there by itself.",
    ),
    Mistake(
        "space-at-the-end",
        _with_tokens(lambda model, prompt: model.to_tokens(prompt + " ")),
        "a space is added to the end of the prompt: it becomes a token of its own.",
        "Run the prompt as it is: the answer brings its own space.",
    ),
    Mistake(
        "answer-without-space",
        _first_piece_without_space,
        "the answer's leading space was lost: this is another token.",
        "Pass the answer on as it is: model.to_single_token(answer).",
    ),
    Mistake(
        "answer-in-the-prompt",
        lambda model, prompt, answer: _read_from(
            _last(model, prompt + answer), model.to_single_token(answer)
        ),
        "the answer was run as part of the prompt.",
        "Run the prompt alone; its end predicts the answer.",
    ),
)
