"""Runs of a model, taken apart, patched, scored.

What notebooks use:

sweeps        transformer_lens.patching's sweeps by the same names, many times as fast
paths         path patching: head to the end of the stream, head to heads
edges         every edge patched exactly: `edge_effects`, `edge_effects_by_prompt`
estimates     every edge estimated by gradients: `attribute`, `attribute_by_prompt` (EAP; EAP-IG with steps)
circuits      a set of edges alone, the rest ablated: `run_circuit`
graph         a model as nodes and edges: what writes into the stream, what reads from it
attribution   a logit difference as a sum of what every part wrote
effects       what a head does, prompt by prompt: its standard error, and what chance would name
declared      a circuit declared in data, and every figure of it with its controls
evidence      numbers beside a claim, judged by lines: for, against, open

What these stand on, each on those before it:

arithmetic    the forward pass in plain matrix products, on the bridge's weights
reading       which logits a metric reads
costs         what patched runs must cost, and which go in one batch
suffix        an unpatched run, kept, and what follows from changing it
patches       what is patched, as data: `Bench(model, tokens, metric).patched(patches, cache)`
labelled      results that know what their axes are, and draw themselves
progress      a bar on what takes more than two seconds
"""
