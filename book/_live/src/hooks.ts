// Every activation of a run under the name that TransformerLens gives it.

import { dot, gelu, linear, normalise } from "./arithmetic";
import { Run, turned } from "./run";

export interface Activation {
  shape: number[];
  data: Float32Array;
}

const KEPT = {
  "hook_resid_pre": "resid_pre", "hook_resid_mid": "resid_mid", "hook_resid_post": "resid_post",
  "hook_attn_out": "attn_out", "hook_mlp_out": "mlp_out", "attn.hook_q": "q", "attn.hook_k": "k", "attn.hook_v": "v",
  "attn.hook_z": "z", "attn.hook_pattern": "pattern",
} as const;
const MADE = ["attn.hook_attn_scores", "attn.hook_result"];
const OF_NORMS = ["ln1.hook_scale", "ln1.hook_normalized", "ln2.hook_scale", "ln2.hook_normalized"];
const OF_MLPS = ["hook_resid_mid", "hook_mlp_out", "mlp.hook_pre", "mlp.hook_post"];

/** What a run of this model has. */
export function hookNames(run: Run): string[] {
  const { n_layers, d_mlp, normed, rotary } = run.model.config;
  const its = [...Object.keys(KEPT), ...MADE, ...(normed ? OF_NORMS : []), "mlp.hook_pre", "mlp.hook_post"];
  const blocks = its.filter((name) => d_mlp || !OF_MLPS.includes(name));
  return [
    "hook_embed",
    ...(rotary ? [] : ["hook_pos_embed"]),
    ...Array.from({ length: n_layers }, (_, layer) => blocks.map((name) => `blocks.${layer}.${name}`)).flat(),
    ...(normed ? ["ln_final.hook_scale", "ln_final.hook_normalized"] : []),
    "hook_unembed",
  ];
}

/** One activation, without the batch axis. Raises for a name that no hook has. */
export function activation(run: Run, name: string): Activation {
  const { model, length: n, tokens } = run;
  const { d_model, n_heads, d_head, d_mlp, d_vocab, eps, n_layers } = model.config;
  const rows = Array.from({ length: n }, (_, pos) => pos);
  if (name === "hook_embed") {
    const data = new Float32Array(n * d_model);
    tokens.forEach((token, pos) => data.set(model.W_E.subarray(token * d_model, (token + 1) * d_model), pos * d_model));
    return { shape: [n, d_model], data };
  }
  if (name === "hook_pos_embed" && model.W_pos) return { shape: [n, d_model], data: model.W_pos.slice(0, n * d_model) };
  if (name === "hook_unembed") {
    const data = new Float32Array(n * d_vocab);
    for (const pos of rows) data.set(run.logits(pos), pos * d_vocab);
    return { shape: [n, d_vocab], data };
  }
  if (name.startsWith("ln_final.")) return normalised(run.stream[n_layers]!, n, d_model, eps, name);
  const [, number, its] = /^blocks\.(\d+)\.(.+)$/.exec(name) ?? [];
  const layer = Number(number);
  const weights = model.layers[layer];
  if (!its || !weights || !hookNames(run).includes(name)) throw new Error(`no hook is called ${name}`);
  if (its in KEPT) {
    const place = KEPT[its as keyof typeof KEPT];
    const shape =
      place === "pattern" ? [n_heads, n, n] : ["q", "k", "v", "z"].includes(place) ? [n, n_heads, d_head] : [n, d_model];
    return { shape, data: run.activation(place, layer) };
  }
  if (its.startsWith("ln1.")) return normalised(run.stream[layer]!, n, d_model, eps, its);
  if (its.startsWith("ln2.")) return normalised(run.mid[layer]!, n, d_model, eps, its);
  if (its.startsWith("mlp.")) {
    const read = normalised(run.mid[layer]!, n, d_model, eps, "hook_normalized").data;
    const data = new Float32Array(n * d_mlp);
    linear(read, d_model, weights.W_in!, weights.b_in, data, rows);
    return { shape: [n, d_mlp], data: its === "mlp.hook_pre" ? data : data.map(gelu) };
  }
  if (its === "attn.hook_result") {
    const data = new Float32Array(n * n_heads * d_model);
    for (const pos of rows) {
      for (let head = 0; head < n_heads; head++) data.set(headWrites(run, layer, head, pos), (pos * n_heads + head) * d_model);
    }
    return { shape: [n, n_heads, d_model], data };
  }
  return { shape: [n_heads, n, n], data: scores(run, layer) };
}

/** What one head adds to the stream at a position. */
export function headWrites(run: Run, layer: number, head: number, pos: number): Float32Array {
  const { d_model, n_heads, d_head } = run.model.config;
  const { W_O } = run.model.layers[layer]!;
  const width = n_heads * d_head;
  const start = pos * width + head * d_head;
  return Float32Array.from({ length: d_model }, (_, i) => dot(run.z[layer]!, start, W_O, i * width + head * d_head, d_head));
}

function scores(run: Run, layer: number): Float32Array {
  const { model, length: n } = run;
  const { n_heads, d_head } = model.config;
  const data = new Float32Array(n_heads * n * n).fill(-Infinity);
  for (let head = 0; head < n_heads; head++) {
    const q = turned(run.q[layer]!, head, n, model.config);
    const k = turned(run.k[layer]!, head, n, model.config);
    for (let query = 0; query < n; query++) {
      for (let key = 0; key <= query; key++) {
        data[(head * n + query) * n + key] = dot(q, query * d_head, k, key * d_head, d_head) / Math.sqrt(d_head);
      }
    }
  }
  return data;
}

function normalised(x: Float32Array, n: number, width: number, eps: number, name: string): Activation {
  const data = new Float32Array(n * width);
  const scale = new Float32Array(n);
  for (let row = 0; row < n; row++) {
    const at = row * width;
    scale[row] = normalise(x.subarray(at), 0, width, eps, data.subarray(at));
  }
  return name.endsWith("hook_scale") ? { shape: [n, 1], data: scale } : { shape: [n, width], data };
}
