"""What chapter 4's exercises must compute: rank and probability."""

from transformer_lens import TransformerBridge


def rank_and_prob(model: TransformerBridge, prompt: str, answer: str) -> tuple[int, float, float]:
    """Rank (0 is the likeliest), logit and probability of a token at the prompt's end."""
    last = model(model.to_tokens(prompt))[0, -1].detach()
    token = model.to_single_token(answer)
    better = sum(1 for logit in last.tolist() if logit > last[token].item())
    weights = (last - last.max()).exp()
    return better, last[token].item(), (weights[token] / weights.sum()).item()
