"""The list of what is withheld, as names of modules, functions and files."""

EVERY = None  # in place of names: all functions of the module
SPECIFICATIONS = "patchbook.tests.specifications"
ENGINE = tuple(  # all of it but the names of nodes and edges
    f"patchbook.patching.{name}"
    for name in (
        "arithmetic",
        "attribution",
        "circuits",
        "costs",
        "declared",
        "edges",
        "estimates",
        "patches",
        "paths",
        "suffix",
        "sweeps",
    )
)
WITHHELD = (  # modules, and packages with all that is in them
    "patchbook.tests.mistakes",
    "patchbook.checking.measured",
    "patchbook.checking.measured_ioi",
    "patchbook.checking.measured_days",
    "patchbook.checking.measured_edges",
    "patchbook.checking.measured_declarations",
    *ENGINE,
    "patchbook.patching.effects",
    "patchbook.training",
    "patchbook.verify.capitals",
    "patchbook.verify.days",
    "patchbook.verify.ioi",
    "patchbook.verify.measuring",
    "transformer_lens.patching",
    "transformer_lens.head_detector",
    "transformer_lens.tools.analysis",
)
CUT = {  # functions of modules that are needed for something else
    SPECIFICATIONS: EVERY,
    "patchbook.prompts.days": ("moved", "write_prompt", "write_prompts", "_with_another_day"),
    "patchbook.zoo": ("roles_of", "roles_again"),
    "transformer_lens.ActivationCache": ("ActivationCache.logit_attrs", "ActivationCache.logit_lens"),
    "transformer_lens.utilities.matrix": ("composition_scores",),
    "transformer_lens.model_bridge.transformer_bridge": ("TransformerBridge.all_composition_scores",),
}
FILES = {
    "patchbook.zoo": ("*/measured.json", "*/redrawn.json", "*/*.md")
}  # data that tells which head does what
FIGURES = (  # a figure may need these: they are there where only predictions count, or nothing does
    *ENGINE,
    "patchbook.prompts.days",
    "transformer_lens.patching",
)
