"""Which logits does a metric read? Only those are computed.

A metric gets all logits, (batch pos d_vocab), and most read the last position's, some of those two answers'
only. GPT-2's unembedding is a third of a run. So a metric is first tried on the unpatched run's logits, in a
tensor that notes which (prompt, position) pairs are picked out of it, and which tokens there. Patched runs
fill in only those. A metric that then reads more, or does anything else with the tensor than picking, raises
`ReadMore`, and whoever caught it gives it all of them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

Metric = Callable[[Float[Tensor, "batch pos d_vocab"]], Tensor]


class ReadMore(BaseException):
    """A metric reads logits that are not known. No `except Exception` of a metric may swallow it."""


@dataclass(frozen=True)
class Read:
    """Which logits are read. tokens: None is all tokens."""

    pairs: Bool[Tensor, "batch pos"]
    tokens: Int[Tensor, " token"] | None = None

    @classmethod
    def everything(cls, logits: Float[Tensor, "batch pos d_vocab"]) -> "Read":
        return cls(torch.ones(logits.shape[:2], dtype=torch.bool, device=logits.device))

    @property
    def is_all(self) -> bool:
        return self.tokens is None and bool(self.pairs.all())

    def has(self, pairs: Tensor, tokens: Tensor | None) -> bool:
        """Whether these are among what is read. pairs: numbers of flattened ones."""
        if not bool(self.pairs.view(-1)[pairs].all()):
            return False
        return self.tokens is None or (tokens is not None and bool(torch.isin(tokens, self.tokens).all()))


class ReadLogits(Tensor):
    """Logits of which only those are right that are known.

    Picking those (`logits[:, -1]`, `logits[rows, ends, answers]`) gives an ordinary tensor; anything else
    needs all of them.
    """

    @classmethod
    def over(cls, logits: Float[Tensor, "batch pos d_vocab"], known: Read) -> "ReadLogits":
        """known: where `logits` are right."""
        made = Tensor._make_wrapper_subclass(cls, logits.shape, dtype=logits.dtype, device=logits.device)
        vars(made).update(vars(logits))  # what is noted on the tensor stays
        made.logits, made.known = logits, known
        made.pairs, made.tokens = torch.zeros_like(known.pairs), []  # what was read; None among tokens: all
        return made

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function is Tensor.__getitem__ and isinstance(args[0], cls):
            picked = args[0].pick(args[1])
            if picked is not None:
                return picked
        if function in SHAPE:
            with torch._C.DisableTorchFunctionSubclass():
                return function(*args, **kwargs)
        args, kwargs = torch.utils._pytree.tree_map_only(cls, cls.all, (args, kwargs))
        return function(*args, **kwargs)

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        args, kwargs = torch.utils._pytree.tree_map_only(cls, cls.all, (args, kwargs or {}))
        return function(*args, **kwargs)

    def all(self) -> Tensor:
        """Every logit, as an ordinary tensor."""
        self.pairs.fill_(True)
        self.tokens.append(None)
        if not self.known.is_all:
            raise ReadMore
        return self.logits.clone()

    def pick(self, index) -> Tensor | None:
        """What `index` picks, if that is plain to see and known."""
        places = index if isinstance(index, tuple) else (index,)
        if not all(isinstance(place, slice) or _numbers(place) for place in places):
            return None
        device, (batch, positions) = self.known.pairs.device, self.known.pairs.shape
        try:
            pairs = (
                torch.arange(batch * positions, device=device).view(batch, positions)[places[:2]].flatten()
            )
        except (IndexError, TypeError):
            return None  # the whole tensor will say what is wrong
        tokens = None
        if len(places) == 3 and not isinstance(places[2], slice):
            tokens = torch.as_tensor(places[2], device=device).flatten() % self.logits.shape[-1]
        self.pairs.view(-1)[pairs] = True
        self.tokens.append(tokens)
        if not self.known.has(pairs, tokens):
            raise ReadMore
        return self.logits[index].clone()


def _numbers(place) -> bool:
    """Whether a part of an index is one number or several: not None, not an ellipsis, not a mask."""
    if place is None or place is Ellipsis:
        return False
    return torch.as_tensor(place).dtype in (torch.int64, torch.int32)


SHAPE = {
    Tensor.shape.__get__,
    Tensor.dtype.__get__,
    Tensor.device.__get__,
    Tensor.ndim.__get__,
    Tensor.requires_grad.__get__,
    Tensor.is_cuda.__get__,
    Tensor.layout.__get__,
    Tensor.size,
    Tensor.dim,
    Tensor.numel,
    Tensor.__len__,
    Tensor.is_floating_point,
}


def what_is_read(metric: Metric, logits: Float[Tensor, "batch pos d_vocab"]) -> Read:
    """What a metric reads of these logits."""
    watched = ReadLogits.over(logits, Read.everything(logits))
    metric(watched)
    some = [tokens for tokens in watched.tokens if tokens is not None]
    everywhere = len(some) < len(watched.tokens) or not some
    return Read(watched.pairs, None if everywhere else torch.cat(some).unique())
