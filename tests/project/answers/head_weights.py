"""Answers to chapter 1: what the weights alone say."""

import torch
from transformer_lens import FactoredMatrix

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


# full_OV_circuit
@right("full_OV_circuit")
def cut_in_the_middle(model, layer, head_index):
    W_V, W_O = model.W_V[layer, head_index], model.W_O[layer, head_index]
    return FactoredMatrix(model.W_E @ W_V, W_O @ model.W_U)


@right("full_OV_circuit")
def with_factored_methods(model, layer, head_index):
    return model.W_E @ FactoredMatrix(model.W_V, model.W_O)[layer, head_index] @ model.W_U


@right("full_OV_circuit")
def with_the_model_s_OV(model, layer, head_index):
    return (model.W_E @ model.OV @ model.W_U)[layer, head_index]


@right("full_OV_circuit")
def cut_elsewhere(model, layer, head_index):
    W_OV = torch.einsum("ih,ho->io", model.W_V[layer, head_index], model.W_O[layer, head_index])
    return FactoredMatrix(model.W_E, W_OV @ model.W_U)


@right("full_OV_circuit")
def in_double(model, layer, head_index):
    left = model.W_E.double() @ model.W_V[layer, head_index].double()
    return FactoredMatrix(left, (model.W_O[layer, head_index] @ model.W_U).double())


@wrong("full_OV_circuit", "rows-are-outputs")
def columns_times_matrices(model, layer, head_index):
    W_V, W_O = model.W_V[layer, head_index], model.W_O[layer, head_index]
    return FactoredMatrix(model.W_U.T @ W_O.T, W_V.T @ model.W_E.T)


@wrong("full_OV_circuit", "qk-circuit")
def took_queries_and_keys(model, layer, head_index):
    W_Q, W_K = model.W_Q[layer, head_index], model.W_K[layer, head_index]
    return FactoredMatrix(model.W_E @ W_Q, W_K.T @ model.W_E.T)


@wrong("full_OV_circuit", "order-swapped")
def output_before_value(model, layer, head_index):
    W_V, W_O = model.W_V[layer, head_index], model.W_O[layer, head_index]
    return model.W_E @ FactoredMatrix(W_O.T, W_V.T) @ model.W_U


@wrong("full_OV_circuit", "unembedded-with-W-E")
def as_if_tied(model, layer, head_index):
    W_V, W_O = model.W_V[layer, head_index], model.W_O[layer, head_index]
    return FactoredMatrix(model.W_E @ W_V, W_O @ model.W_E.T)


@wrong("full_OV_circuit", "no-embedding")
def without_ends(model, layer, head_index):
    return FactoredMatrix(model.W_V, model.W_O)[layer, head_index]


@wrong("full_OV_circuit", "no-embedding-but-unembedding")
def without_the_embedding(model, layer, head_index):
    return FactoredMatrix(model.W_V[layer, head_index], model.W_O[layer, head_index]) @ model.W_U


@wrong("full_OV_circuit", "layer-and-head-swapped")
def head_before_layer(model, layer, head_index):
    return cut_in_the_middle(model, head_index, layer)


@wrong("full_OV_circuit", "next-head")
def counted_from_one(model, layer, head_index):
    return cut_in_the_middle(model, layer, head_index + 1)


@wrong("full_OV_circuit", "whole-layer")
def all_heads_of_it(model, layer, head_index):
    return FactoredMatrix(model.W_E @ model.W_V[layer], model.W_O[layer] @ model.W_U)


@wrong("full_OV_circuit", "contract")
def multiplied_out(model, layer, head_index):
    return cut_in_the_middle(model, layer, head_index).AB


@wrong("full_OV_circuit", "raised")
def forgot_the_order_of_axes(model, layer, head_index):
    return FactoredMatrix(model.W_E @ model.W_V[layer, head_index], model.W_U @ model.W_O[layer, head_index])


# top_1_accuracy
@right("top_1_accuracy")
def block_by_block(full_OV_circuit):
    A, B = full_OV_circuit.A, full_OV_circuit.B
    right = 0
    for rows in torch.arange(A.shape[0]).split(40):
        right += ((A[rows] @ B).argmax(dim=-1) == rows).sum().item()
    return right / A.shape[0]


@right("top_1_accuracy")
def all_at_once(full_OV_circuit):
    full = full_OV_circuit.AB
    return (full.argmax(dim=-1) == torch.arange(full.shape[0])).float().mean().item()


@right("top_1_accuracy")
def as_a_tensor(full_OV_circuit):
    full = full_OV_circuit.AB.double()
    return (full.diagonal() == full.max(dim=1).values).double().mean()


@right("top_1_accuracy")
def row_by_row(full_OV_circuit):
    n = full_OV_circuit.shape[0]
    return sum(int(full_OV_circuit[i].AB.argmax() == i) for i in range(n)) / n


@wrong("top_1_accuracy", "columns-not-rows")
def argmax_along_the_first_axis(full_OV_circuit):
    full = full_OV_circuit.AB
    return (full.argmax(dim=0) == torch.arange(full.shape[0])).float().mean().item()


@wrong("top_1_accuracy", "counted")
def how_many(full_OV_circuit):
    full = full_OV_circuit.AB
    return (full.argmax(dim=-1) == torch.arange(full.shape[0])).sum().item()


@wrong("top_1_accuracy", "percent")
def in_percent(full_OV_circuit):
    return 100 * all_at_once(full_OV_circuit)


@wrong("top_1_accuracy", "sum-of-diagonal")
def sum_of_own_logits(full_OV_circuit):
    return torch.trace(full_OV_circuit.AB).item()


@wrong("top_1_accuracy", "off-by-one")
def numbered_from_one(full_OV_circuit):
    full = full_OV_circuit.AB
    return (full.argmax(dim=-1) == torch.arange(1, full.shape[0] + 1)).float().mean().item()


@wrong("top_1_accuracy", "positive-diagonal")
def own_logit_rises(full_OV_circuit):
    return (full_OV_circuit.AB.diagonal() > 0).float().mean().item()


@wrong("top_1_accuracy", "top-5")
def among_the_five_best(full_OV_circuit):
    full = full_OV_circuit.AB
    rank = (full > full.diagonal()[:, None]).sum(dim=-1)
    return (rank < 5).float().mean().item()


@wrong("top_1_accuracy", "contract")
def for_each_token(full_OV_circuit):
    full = full_OV_circuit.AB
    return full.argmax(dim=-1) == torch.arange(full.shape[0])


# get_comp_score
@right("get_comp_score")
def with_norm(W_A, W_B):
    return ((W_A @ W_B).norm() / (W_A.norm() * W_B.norm())).item()


@right("get_comp_score")
def with_matrix_norm(W_A, W_B):
    norm = torch.linalg.matrix_norm
    return (norm(W_A @ W_B) / norm(W_A) / norm(W_B)).detach()


@right("get_comp_score")
def by_hand(W_A, W_B):
    product = torch.einsum("ij,jk->ik", W_A.double(), W_B.double())
    return float((product**2).sum() / (W_A.double() ** 2).sum() / (W_B.double() ** 2).sum()) ** 0.5


@right("get_comp_score")
def from_singular_values(W_A, W_B):
    def size(W):
        return torch.linalg.svdvals(W).pow(2).sum().sqrt()

    return (size(W_A @ W_B) / (size(W_A) * size(W_B))).item()


@wrong("get_comp_score", "not-normalised")
def norm_of_the_product(W_A, W_B):
    return torch.linalg.norm(W_A @ W_B).item()


@wrong("get_comp_score", "spectral-norm")
def with_the_largest_singular_value(W_A, W_B):
    norm = torch.linalg.norm
    return (norm(W_A @ W_B, 2) / (norm(W_A, 2) * norm(W_B, 2))).item()


@wrong("get_comp_score", "trace-norm")
def with_nuclear_norms(W_A, W_B):
    norm = torch.linalg.norm
    return (norm(W_A @ W_B, "nuc") / (norm(W_A, "nuc") * norm(W_B, "nuc"))).item()


@wrong("get_comp_score", "norms-not-multiplied")
def forgot_the_brackets(W_A, W_B):
    return ((W_A @ W_B).norm() / W_A.norm() * W_B.norm()).item()


@wrong("get_comp_score", "norms-added")
def added_the_norms(W_A, W_B):
    return ((W_A @ W_B).norm() / (W_A.norm() + W_B.norm())).item()


@wrong("get_comp_score", "squared")
def forgot_the_root(W_A, W_B):
    return ((W_A @ W_B).pow(2).sum() / (W_A.pow(2).sum() * W_B.pow(2).sum())).item()


@wrong("get_comp_score", "order-swapped")
def B_before_A(W_A, W_B):
    return ((W_B @ W_A).norm() / (W_A.norm() * W_B.norm())).item()


@wrong("get_comp_score", "absolute-sum")
def sums_of_sizes(W_A, W_B):
    return ((W_A @ W_B).abs().sum() / W_A.abs().sum() / W_B.abs().sum()).item()


@wrong("get_comp_score", "raised")
def multiplied_entries(W_A, W_B):
    return ((W_A * W_B).norm() / (W_A.norm() * W_B.norm())).item()


@wrong("get_comp_score", "contract")
def a_norm_for_each_row(W_A, W_B):
    return (W_A @ W_B).norm(dim=-1) / (W_A.norm() * W_B.norm())


# k_composition_scores
@right("k_composition_scores")
def pair_by_pair(model):
    W_OV = model.W_V[0] @ model.W_O[0]
    W_QK = model.W_Q[1] @ model.W_K[1].transpose(-1, -2)
    return torch.tensor([[with_norm(writes, reads.T) for reads in W_QK] for writes in W_OV])


@right("k_composition_scores")
def keys_first(model):
    W_OV = torch.einsum("hmd,hdn->hmn", model.W_V[0], model.W_O[0])
    W_KQ = torch.einsum("hmd,hnd->hmn", model.W_K[1], model.W_Q[1])
    product = W_OV[:, None] @ W_KQ[None]
    norm = torch.linalg.matrix_norm
    return norm(product) / (norm(W_OV)[:, None] * norm(W_KQ)[None])


@right("k_composition_scores")
def with_factored_matrices(model):
    scores = torch.zeros(model.cfg.n_heads, model.cfg.n_heads)
    for earlier in range(model.cfg.n_heads):
        writes = FactoredMatrix(model.W_V[0, earlier], model.W_O[0, earlier])
        for later in range(model.cfg.n_heads):
            reads = FactoredMatrix(model.W_Q[1, later], model.W_K[1, later].T).T
            scores[earlier, later] = (writes @ reads).norm() / (writes.norm() * reads.norm())
    return scores


@right("k_composition_scores")
def in_double_without_grad(model):
    with torch.no_grad():
        W_OV, W_QK = (model.W_V[0] @ model.W_O[0]).double(), (model.W_Q[1] @ model.W_K[1].mT).double()
        return torch.stack([torch.stack([torch.tensor(by_hand(a, b.T)) for b in W_QK]) for a in W_OV])


@wrong("k_composition_scores", "q-composition")
def forgot_the_transpose(model):
    W_OV = model.W_V[0] @ model.W_O[0]
    W_QK = model.W_Q[1] @ model.W_K[1].mT
    return torch.tensor([[with_norm(writes, reads) for reads in W_QK] for writes in W_OV])


@wrong("k_composition_scores", "transposed")
def later_heads_first(model):
    return pair_by_pair(model).T.contiguous()


@wrong("k_composition_scores", "v-composition")
def into_the_values(model):
    W_OV = model.W_V @ model.W_O
    return torch.tensor([[with_norm(writes, reads) for reads in W_OV[1]] for writes in W_OV[0]])


@wrong("k_composition_scores", "last-layers")
def last_two_layers(model):
    W_OV = model.W_V[-2] @ model.W_O[-2]
    W_QK = model.W_Q[-1] @ model.W_K[-1].mT
    return torch.tensor([[with_norm(writes, reads.T) for reads in W_QK] for writes in W_OV])


@wrong("k_composition_scores", "layers-swapped")
def from_layer_1_to_layer_0(model):
    W_OV = model.W_V[1] @ model.W_O[1]
    W_QK = model.W_Q[0] @ model.W_K[0].mT
    return torch.tensor([[with_norm(writes, reads.T) for reads in W_QK] for writes in W_OV])


@wrong("k_composition_scores", "not-normalised")
def norms_of_products(model):
    W_OV = model.W_V[0] @ model.W_O[0]
    W_KQ = model.W_K[1] @ model.W_Q[1].mT
    return (W_OV[:, None] @ W_KQ).norm(dim=(-2, -1))


@wrong("k_composition_scores", "order-swapped")
def reader_before_writer(model):
    W_OV = model.W_V[0] @ model.W_O[0]
    W_KQ = model.W_K[1] @ model.W_Q[1].mT
    return torch.tensor([[with_norm(reads, writes) for reads in W_KQ] for writes in W_OV])


@wrong("k_composition_scores", "contract")
def all_layers(model):
    W_OV = model.W_V @ model.W_O
    W_KQ = model.W_K @ model.W_Q.mT
    product = W_OV[:-1, :, None] @ W_KQ[1:, None]
    return product.norm(dim=(-2, -1)) / (
        W_OV[:-1, :, None].norm(dim=(-2, -1)) * W_KQ[1:, None].norm(dim=(-2, -1))
    )


@wrong("k_composition_scores", "ready-made")
def asked_the_model(model):
    return model.all_composition_scores("K").scores[0, :, 1]
