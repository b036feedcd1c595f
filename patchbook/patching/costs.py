"""What rows of patched runs must cost, in floating-point operations, and which of them go in one batch.

Counted are matrix products only, two operations for each multiplication and sum. Together they are the bound
that `benchmarks/patching.py` holds the clock against. Starting a batch costs time, too: as much as CALL
operations in each layer. So on a small model patches of several positions go together, although the earliest
one decides how many positions all of them compute; on a large one they do not. And a batch is so small that a
core keeps its activations close, unless reading the weights so often would cost more.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from patchbook.patching.arithmetic import Arithmetic
from patchbook.patching.reading import Read

CALL = 2e7  # operations that a processor core does while a layer's calls are started
CLOSE = 2**22  # bytes that a core keeps close

Item = TypeVar("Item")


@dataclass(frozen=True)
class Entry:
    """Where rows enter: the layer, the first changed position and their number; behind attention or not."""

    layer: int
    start: int
    changed: int
    after_attention: bool = False

    def joined(self, other: "Entry") -> "Entry":
        """An entry that does for both."""
        start = min(self.start, other.start)
        stop = max(self.start + self.changed, other.start + other.changed)
        return Entry(self.layer, start, stop - start, self.after_attention)


@dataclass(frozen=True)
class Costs:
    """A model's sizes, and those of a batch of prompts.

    d_vocab: how many tokens' logits are read. read: at how many positions. pairs: of prompt and position.
    asks: whether queries may go to the stream's space, one of its vectors for each head (`Arithmetic.ask`).
    """

    layers: int
    d_model: int
    n_heads: int
    d_head: int
    d_mlp: int
    d_vocab: int
    batch: int
    length: int
    read: int
    pairs: int
    asks: bool
    bytes_each: int

    @classmethod
    def of(cls, arithmetic: Arithmetic, read: Read) -> "Costs":
        """read: what a metric reads."""
        first = arithmetic.layers[0]
        return cls(
            layers=len(arithmetic.layers),
            d_model=arithmetic.W_E.shape[1],
            n_heads=first.W_O.shape[0],
            d_head=first.W_O.shape[1],
            d_mlp=0 if first.mlp is None else len(first.mlp[0]),
            d_vocab=len(arithmetic.W_U if read.tokens is None else read.tokens),
            batch=read.pairs.shape[0],
            length=read.pairs.shape[1],
            read=int(read.pairs.any(0).sum()),
            pairs=int(read.pairs.sum()),
            asks=arithmetic.few_ask(1, 1, read.pairs.shape[1]),
            bytes_each=arithmetic.W_E.element_size(),
        )

    def row(self, entry: Entry) -> float:
        """Operations of one row from its entry to its logits."""
        total, layer, changed = 0.0, entry.layer, entry.changed
        after = self.length - entry.start
        read = min(self.read, after)
        if entry.after_attention:
            total += self._mlp(read if layer == self.layers - 1 else changed)
            layer += 1
        for number in range(layer, self.layers):
            queries = after if number < self.layers - 1 else read
            total += self._attention(changed, queries) + self._mlp(queries)
            changed = after
        return self.batch * total + 2 * self.pairs * read / max(self.read, 1) * self.d_model * self.d_vocab

    def room(self, entry: Entry) -> float:
        """Bytes of one row's widest activation, and of its logits."""
        positions = self.batch * (self.length - entry.start)
        asked = self.n_heads * self.d_model if self.asks else self.d_model
        widest = max(self.d_mlp, self.n_heads * self.d_head, asked)
        return self.bytes_each * (positions * widest + self.pairs * self.d_vocab)

    @property
    def most(self) -> float:
        """Bytes that one batch may take: what a core keeps close; half a layer's weights if that is more."""
        weights = self.d_model * (4 * self.n_heads * self.d_head + 2 * self.d_mlp)
        return max(CLOSE, self.bytes_each * weights / 2)

    def batches(
        self, items: Sequence[Item], entry_of: Callable[[Item], Entry]
    ) -> Iterator[tuple[list[Item], Entry]]:
        """Items that may go together, in batches. Give them in the order of their entries."""
        batch: list[Item] = []
        entry = None
        for item in items:
            own = entry_of(item)
            if batch:
                both = entry.joined(own)
                more = (len(batch) + 1) * self.row(both) - len(batch) * self.row(entry) - self.row(own)
                calls = CALL * (self.layers - own.layer + 1)
                if more <= calls and (len(batch) + 1) * self.room(both) <= self.most:
                    batch.append(item)
                    entry = both
                    continue
                yield batch, entry
            batch, entry = [item], own
        if batch:
            yield batch, entry

    def packed(
        self, items: Sequence[Item], entry_of: Callable[[Item], Entry]
    ) -> Iterator[list[tuple[list[Item], Entry]]]:
        """Batches of one layer that share its matrix products, as many as there is room for."""
        pack, room = [], 0.0
        for batch, entry in self.batches(items, entry_of):
            more = len(batch) * self.room(entry)
            if pack and room + more > self.most:
                yield pack
                pack, room = [], 0.0
            pack.append((batch, entry))
            room += more
        if pack:
            yield pack

    def alike(self, items: Sequence[Item], entry: Entry, rows_each: int = 1) -> list[list[Item]]:
        """Items that all enter alike, in batches. rows_each: how many rows' room one takes."""
        number = max(1, int(self.most // (rows_each * self.room(entry))))
        return [[*items[start : start + number]] for start in range(0, len(items), number)]

    def _attention(self, changed: int, queries: int) -> float:
        heads = self.n_heads * self.d_head
        keys_and_values = 4.0 * changed * self.d_model * heads + 4.0 * queries * self.length * heads
        without = 4.0 * queries * self.d_model * (heads + self.n_heads * self.length)  # `Arithmetic.ask`
        return min(keys_and_values, without) + 2.0 * (min(changed, queries) + queries) * self.d_model * heads

    def _mlp(self, positions: int) -> float:
        return 4.0 * positions * self.d_model * self.d_mlp
