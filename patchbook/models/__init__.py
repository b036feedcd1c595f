"""`load_model(name)`: a TransformerBridge that is ready to be read, and quiet about it.

| name             | what it is                                            | where it comes from      |
|------------------|-------------------------------------------------------|--------------------------|
| tiny-gpt2        | GPT-2's architecture, 4 layers x 6 heads, one million parameters | inside this package |
| tiny-gpt2@1 to @4 | the same recipe by other seeds                       | inside this package      |
| tiny-gpt2@free   | the same without the price of stage 3                 | inside this package      |
| tiny-attn-only   | two layers of attention, nothing else                 | inside this package      |
| gpt2-small       | the 124M model of the literature                      | hub, or its local cache  |
| attn-only-2l-shortformer | the public two-layer toy model of many courses | hub, or its local cache  |
| a folder         | any GPT-2-like checkpoint, or a toy model's state dict | your disk                |

Heavy libraries are imported inside the functions: `patchbook doctor` asks `available_models` without torch.
"""

from patchbook.models.loading import (
    SEEDS,
    SHIPPED,
    Availability,
    ModelUnavailable,
    available_models,
    is_slow,
    load_model,
    load_raw,
    quietly,
    seeds,
    shipped,
    variant,
)

__all__ = [
    "SEEDS",
    "SHIPPED",
    "Availability",
    "ModelUnavailable",
    "available_models",
    "is_slow",
    "load_model",
    "load_raw",
    "quietly",
    "seeds",
    "shipped",
    "variant",
]
