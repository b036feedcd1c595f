"""Answers to chapter 1: repeated tokens."""

import einops
import torch

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


@right("generate_repeated_tokens")
def cat_of_three(model, seq_len, batch_size=1):
    bos = torch.full((batch_size, 1), model.tokenizer.bos_token_id)
    half = torch.randint(0, model.cfg.d_vocab, (batch_size, seq_len))
    return torch.cat([bos, half, half], dim=-1).to(model.cfg.device)


@right("generate_repeated_tokens")
def bos_by_to_tokens(model, seq_len, batch_size=1):
    half = torch.randint(model.cfg.d_vocab_out, (batch_size, seq_len))
    bos = einops.repeat(model.to_tokens(""), "1 1 -> batch 1", batch=batch_size)
    return torch.hstack((bos, half.repeat(1, 2)))


@right("generate_repeated_tokens")
def without_bos_within(model, seq_len, batch_size=1):
    ids = torch.tensor([i for i in range(model.cfg.d_vocab) if i != model.tokenizer.bos_token_id])
    tokens = torch.empty(batch_size, 1 + 2 * seq_len, dtype=torch.int64)
    tokens[:, 0] = model.tokenizer.bos_token_id
    for row in tokens:
        row[1 : seq_len + 1] = ids[torch.randperm(len(ids))[:seq_len]]
        row[seq_len + 1 :] = row[1 : seq_len + 1]
    return tokens


@right("generate_repeated_tokens")
def as_int32(model, seq_len, batch_size=1):
    return cat_of_three(model, seq_len, batch_size).int()


def parts(model, seq_len, batch_size):
    bos = torch.ones(batch_size, 1).long() * model.tokenizer.bos_token_id
    return bos, torch.randint(0, model.cfg.d_vocab, (batch_size, seq_len))


@wrong("generate_repeated_tokens", "missing-bos")
def without_bos(model, seq_len, batch_size=1):
    return parts(model, seq_len, batch_size)[1].repeat(1, 2)


@wrong("generate_repeated_tokens", "two-halves")
def drawn_twice(model, seq_len, batch_size=1):
    bos, first = parts(model, seq_len, batch_size)
    _, second = parts(model, seq_len, batch_size)
    return torch.cat([bos, first, second], 1)


@wrong("generate_repeated_tokens", "same-prompt-repeated")
def one_row_copied(model, seq_len, batch_size=1):
    return cat_of_three(model, seq_len).repeat(batch_size, 1)


@wrong("generate_repeated_tokens", "constant")
def all_zeros(model, seq_len, batch_size=1):
    bos, half = parts(model, seq_len, batch_size)
    return torch.cat([bos, half * 0, half * 0], dim=1)


@wrong("generate_repeated_tokens", "counting")
def counted_up(model, seq_len, batch_size=1):
    bos, _ = parts(model, seq_len, batch_size)
    half = torch.arange(1, seq_len + 1).expand(batch_size, -1)
    return torch.cat([bos, half, half], dim=1)


@wrong("generate_repeated_tokens", "fixed-seed")
def seeded_inside(model, seq_len, batch_size=1):
    torch.manual_seed(42)
    return cat_of_three(model, seq_len, batch_size)


@wrong("generate_repeated_tokens", "each-token-twice")
def interleaved(model, seq_len, batch_size=1):
    bos, half = parts(model, seq_len, batch_size)
    return torch.cat([bos, einops.repeat(half, "b s -> b (s 2)")], dim=1)


@wrong("generate_repeated_tokens", "never-token-0")
def from_one_on(model, seq_len, batch_size=1):
    bos, _ = parts(model, seq_len, batch_size)
    half = torch.randint(low=1, high=model.cfg.d_vocab, size=(batch_size, seq_len))
    return torch.cat([bos, half, half], dim=1)


@wrong("generate_repeated_tokens", "never-the-last-token")
def up_to_the_last_one(model, seq_len, batch_size=1):
    bos, _ = parts(model, seq_len, batch_size)
    half = torch.randint(0, model.cfg.d_vocab - 1, (batch_size, seq_len))
    return torch.cat([bos, half, half], dim=1)


@wrong("generate_repeated_tokens", "beyond-the-vocabulary")
def vocabulary_of_gpt2(model, seq_len, batch_size=1):
    bos, _ = parts(model, seq_len, batch_size)
    half = torch.randint(0, 50257, (batch_size, seq_len))
    return torch.cat([bos, half, half], dim=1)


@wrong("generate_repeated_tokens", "bos-twice")
def bos_before_each_half(model, seq_len, batch_size=1):
    return torch.cat(parts(model, seq_len, batch_size), dim=1).repeat(1, 2)


@wrong("generate_repeated_tokens", "wrong-bos")
def zero_first(model, seq_len, batch_size=1):
    tokens = cat_of_three(model, seq_len, batch_size)
    tokens[:, 0] = 0
    return tokens


@wrong("generate_repeated_tokens", "one-prompt")
def forgot_the_batch(model, seq_len, batch_size=1):
    return cat_of_three(model, seq_len)


@wrong("generate_repeated_tokens", "contract")
def floats(model, seq_len, batch_size=1):
    return torch.cat([torch.ones(batch_size, 1) * 61.0, cat_of_three(model, seq_len, batch_size)[:, 1:]], 1)


@wrong("generate_repeated_tokens", "contract")
def flat(model, seq_len, batch_size=1):
    return cat_of_three(model, seq_len, batch_size).flatten()
