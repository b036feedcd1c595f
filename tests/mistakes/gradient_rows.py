"""What is said of the wrong ways that nodes and edges share: id, what, next, by their name in `slopes`."""

WAYS = {
    "at_clean": (
        "gradient-of-the-clean-run",
        "the gradient is the clean run's.",
        "You patch the corrupted run: take the gradient there, on corrupted_tokens.",
    ),
    "swapped": (
        "clean-and-corrupted-swapped",
        "clean and corrupted have changed places: the gradient is the clean run's, and the sign is turned.",
        "Gradient on corrupted_tokens, times (clean - corrupted).",
    ),
    "sign": (
        "wrong-sign",
        "the sign is turned.",
        "The message is the clean run's in place of the corrupted one's: (clean - corrupted).",
    ),
    "activation": (
        "no-difference",
        "the gradient is multiplied with the clean activation itself, not with the difference.",
        "What changes is (clean - corrupted).",
    ),
    "own_activation": (
        "corrupted-activation",
        "the gradient is multiplied with the corrupted activation, not with the difference.",
        "What changes is (clean - corrupted).",
    ),
    "last": (
        "last-position-only",
        "only the last position is counted. The metric may read there alone, but earlier ones are passed on.",
        "Sum over batch, position and d_model.",
    ),
    "absolute": (
        "absolute",
        "the scores have lost their sign.",
        "Leave abs out: what moves the metric down is negative.",
    ),
    "shortened": (
        "lengths-ignored",
        "prompts of two lengths give scores; their positions do not correspond, so this has to be refused.",
        "`if clean_tokens.shape != corrupted_tokens.shape: raise ValueError(…)`.",
    ),
    "divided": (
        "divided-by-batch",
        "the scores are divided by the number of prompts.",
        "The metric has its mean already, so its gradient has: sum over the batch.",
    ),
}
