"""Patchbook: reading transformer circuits, one patch at a time.

load_model(name=None)        a TransformerBridge, ready for the exercises
predict(name, prediction)    commits a prediction; reveal(name, answer) says it beside what came out
or_reference(function)       the learner's function, or the reference's values while it is unwritten
reference_for(exercise)      the specification that a check compares with
keep_attempts()              each attempt as a line in a file beside the notebook, if a learner says so
progress()                   the chapter's exercises, the checks that passed, the points, what is next
"""

__version__ = "0.1.0"
__all__ = ["keep_attempts", "load_model", "or_reference", "predict", "progress", "reference_for", "reveal"]

_HOME = {
    "keep_attempts": "attempts",
    "load_model": "models",
    "or_reference": "checking.fallback",
    "predict": "predicting",
    "progress": "checking.standing",
    "reference_for": "checking.fallback",
    "reveal": "predicting",
}


def __getattr__(name):
    """Import on first use: `import patchbook` alone must not load torch."""
    if name not in _HOME:
        raise AttributeError(f"module 'patchbook' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"patchbook.{_HOME[name]}"), name)


def __dir__():
    return sorted([*globals(), *__all__])
