"""The known wrong ways of generate_repeated_tokens."""

from collections.abc import Callable

import torch

from patchbook.checking import Mistake


def _draw(model, batch_size, seq_len, **options):
    return torch.randint(model.cfg.d_vocab, (batch_size, seq_len), **options)


def _bos(model, batch_size, token=None):
    return torch.full((batch_size, 1), model.tokenizer.bos_token_id if token is None else token)


def _repeats(half_of: Callable, first=None, join: Callable = lambda bos, half: (bos, half, half)) -> Callable:
    """A wrong way: half_of(model, batch_size, seq_len) draws, `join` puts the parts in a row."""

    def wrong(model, seq_len, batch_size=1):
        half = half_of(model, batch_size, seq_len)
        return torch.cat(join(_bos(model, len(half), first), half), dim=-1)

    return wrong


def _seeded(model, batch_size, seq_len):
    return _draw(model, batch_size, seq_len, generator=torch.Generator().manual_seed(0))


generate_repeated_tokens = (
    Mistake(
        "missing-bos",
        _repeats(_draw, join=lambda bos, half: (half, half)),
        "BOS is missing: the prompts begin with a random token.",
        "Put model.tokenizer.bos_token_id in front of each prompt.",
    ),
    Mistake(
        "bos-twice",
        _repeats(_draw, join=lambda bos, half: (bos, half, bos, half)),
        "BOS stands before each half; wanted one, at the very beginning.",
        "[BOS, half, half]: join the halves first, or put BOS in front once.",
    ),
    Mistake(
        "bos-last",
        _repeats(_draw, join=lambda bos, half: (half, half, bos)),
        "BOS stands at the end; wanted at the beginning.",
        "The first part given to torch.cat comes first.",
    ),
    Mistake(
        "wrong-bos",
        _repeats(_draw, first=0),
        "the first token is not this model's BOS.",
        "Ask the model: model.tokenizer.bos_token_id.",
    ),
    Mistake(
        "bos-of-gpt2",
        _repeats(_draw, first=50256),
        "the first token is 50256, which is GPT-2's BOS. Other models have another one.",
        "Ask the model: model.tokenizer.bos_token_id.",
    ),
    Mistake(
        "two-halves",
        lambda model, seq_len, batch_size=1: torch.cat(
            [_bos(model, batch_size), _draw(model, batch_size, 2 * seq_len)], dim=-1
        ),
        "the second half is not the first: it was drawn anew.",
        "Draw one half and use it twice: two draws give two different halves.",
    ),
    Mistake(
        "each-token-twice",
        _repeats(_draw, join=lambda bos, half: (bos, half.repeat_interleave(2, dim=-1))),
        "each token stands twice in a row (a a b b c c); wanted the whole half twice (a b c a b c).",
        "repeat_interleave repeats elements. torch.cat([half, half], dim=-1) repeats the half.",
    ),
    Mistake(
        "not-repeated",
        _repeats(_draw, join=lambda bos, half: (bos, half)),
        "the half is there only once.",
        "torch.cat([bos, half, half], dim=-1)",
    ),
    Mistake(
        "seq-len-is-both-halves",
        lambda model, seq_len, batch_size=1: _repeats(_draw)(model, seq_len // 2, batch_size),
        "the two halves together have seq_len tokens; wanted seq_len in each.",
        "The full length is 1 + 2 * seq_len.",
    ),
    Mistake(
        "one-prompt",
        lambda model, seq_len, batch_size=1: _repeats(_draw)(model, seq_len, 1),
        "there is only one prompt, whatever batch_size says.",
        "Draw tokens of shape (batch_size, seq_len).",
    ),
    Mistake(
        "same-prompt-repeated",
        _repeats(lambda model, batch_size, seq_len: _draw(model, 1, seq_len).expand(batch_size, -1)),
        "all prompts of the batch are the same.",
        "Draw tokens of shape (batch_size, seq_len), so that each prompt has its own.",
    ),
    Mistake(
        "one-token-per-prompt",
        _repeats(lambda model, batch_size, seq_len: _draw(model, batch_size, 1).expand(-1, seq_len)),
        "a prompt holds one token over and over.",
        "Draw tokens of shape (batch_size, seq_len): one draw for each position.",
    ),
    Mistake(
        "constant",
        _repeats(lambda model, batch_size, seq_len: torch.ones(batch_size, seq_len, dtype=torch.long)),
        "every token is the same, and nothing is random.",
        "Draw tokens with torch.randint(0, model.cfg.d_vocab, (batch_size, seq_len)).",
    ),
    Mistake(
        "counting",
        _repeats(lambda model, batch_size, seq_len: torch.arange(seq_len).repeat(batch_size, 1)),
        "the tokens are the same in every prompt and on every call: nothing is random.",
        "Draw tokens with torch.randint(0, model.cfg.d_vocab, (batch_size, seq_len)).",
    ),
    Mistake(
        "fixed-seed",
        _repeats(_seeded),
        "two calls give the same tokens: a seed is set inside the function.",
        "Leave the seed to the caller: take torch.manual_seed out of the function.",
    ),
    Mistake(
        "part-of-the-vocabulary",
        _repeats(lambda model, batch_size, seq_len: torch.randint(seq_len, (batch_size, seq_len))),
        "only a small part of the vocabulary is drawn from.",
        "The upper end of the draw is model.cfg.d_vocab.",
    ),
    Mistake(
        "never-token-0",
        _repeats(lambda model, b, seq_len: torch.randint(1, model.cfg.d_vocab, (b, seq_len))),
        "token 0 is never drawn.",
        "Ids count from 0, and torch.randint(low, high) draws `low` too: begin at 0.",
    ),
    Mistake(
        "never-the-last-token",
        _repeats(lambda model, b, seq_len: torch.randint(model.cfg.d_vocab - 1, (b, seq_len))),
        "the last token of the vocabulary is never drawn.",
        "torch.randint(low, high) leaves `high` out already: take model.cfg.d_vocab itself.",
    ),
    Mistake(
        "beyond-the-vocabulary",
        _repeats(lambda model, batch_size, seq_len: torch.randint(50257, (batch_size, seq_len))),
        "some tokens do not exist in this model: their ids are too large.",
        "The upper end of the draw is model.cfg.d_vocab; 50257 is GPT-2's.",
    ),
)
