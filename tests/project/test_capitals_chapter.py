"""Chapter 3: the analyses that it shows are wrong in the way it says, and its padding reference is right."""

import ast

import pytest
import torch
from transformer_lens import TransformerBridge

from patchbook import load_model, reference_for
from patchbook.authoring import find_course
from patchbook.authoring.source import source_notebook
from patchbook.checking import CheckFailed
from patchbook.prompts.capitals import RAGGED
from patchbook.tests import capitals

SHOWN = {
    "first_analysis": ("mend_second_best", "second-best"),
    "second_analysis": ("mend_model_on_answers", "model-on-answers"),
    "third_analysis": ("mend_stale_cache", "stale-cache"),
}


def shown_function(name: str):
    """A function of the chapter's text, as the learner sees it."""
    cells = source_notebook(find_course(), "03_capitals").cells
    source = next(cell.source for cell in cells if f"def {name}(" in cell.source)
    definition = next(node for node in ast.parse(source).body if getattr(node, "name", "") == name)
    given = {"torch": torch, "Tensor": torch.Tensor, "TransformerBridge": TransformerBridge}
    exec(ast.unparse(definition), given)
    return given[name]


@pytest.mark.parametrize("name", SHOWN)
def test_each_shown_analysis_is_wrong_and_recognised(name):
    exercise, diagnosis = SHOWN[name]
    with pytest.raises(CheckFailed) as failure:
        getattr(capitals, f"test_{exercise}")(shown_function(name))
    assert failure.value.diagnosis == diagnosis, str(failure.value)


@pytest.mark.parametrize("side", ["left", "right"])
def test_one_batch_with_a_mask_is_the_same_as_one_by_one(side):
    model = load_model("tiny-gpt2")
    model.tokenizer.padding_side = side
    texts = [prompt.text for prompt in RAGGED]
    with torch.no_grad():
        alone = reference_for("left_padded_final_logits")(model, texts)
        batched = model(texts, padding_side="left")[:, -1]
    assert model.tokenizer.padding_side == side
    assert (alone - batched).abs().max() < 1e-4
