// The sweeps of the chapters. A cell of a sweep is a run of its own; its values are the logits of some answers.

import { headWrites } from "./hooks";
import { type Intervention, type Place, reading, run, type Run, type Source } from "./run";

export type Axis = "layer" | "pos" | "head" | "key";
export type Head = readonly [layer: number, head: number];

export interface Table {
  shape: number[];
  data: Float32Array; // the last axis is the answers
}

/** Each activation of `place` in turn from another run, put into `base`: (…axes, answer). */
export function patchSweep(
  base: Run, from: Source, place: Place, axes: readonly Axis[], answers: readonly number[], pos = base.length - 1,
): Table {
  const { n_layers, n_heads } = base.model.config;
  const sizes = { layer: n_layers, head: n_heads, pos: base.length, key: base.length };
  const shape = axes.map((axis) => sizes[axis]);
  const count = shape.reduce((a, b) => a * b, 1);
  const data = new Float32Array(count * answers.length);
  const unpatched = base.logitsOf(answers, pos);
  for (let cell = 0; cell < count; cell++) {
    const one: Intervention = { place, layer: 0, from };
    let rest = cell;
    for (let i = axes.length - 1; i >= 0; i--) {
      one[axes[i]!] = rest % shape[i]!;
      rest = Math.floor(rest / shape[i]!);
    }
    const blind = one.pos !== undefined && (one.pos > pos || (one.key ?? 0) > one.pos);
    const values = blind ? unpatched : run(base.model, base.tokens, { base, interventions: [one], read: [pos] }).logitsOf(answers, pos);
    data.set(values, cell * answers.length);
  }
  return { shape: [...shape, answers.length], data };
}

/** `base` where the sender alone is another run's and no head hears it; MLPs do. Then what receivers read of it. */
export function pathRun(
  base: Run, other: Run, sender: Head, receivers: readonly Head[], letter: "q" | "k" | "v", read: number[],
): Run {
  const { n_layers, n_heads } = base.model.config;
  const interventions: Intervention[] = [];
  for (let layer = 0; layer < n_layers; layer++) {
    for (let head = 0; head < n_heads; head++) {
      const sends = layer === sender[0] && head === sender[1];
      interventions.push({ place: "z", layer, head, from: sends ? other : base });
    }
  }
  const sent = run(base.model, base.tokens, receivers.length ? { base, interventions } : { base, interventions, read });
  if (!receivers.length) return sent;
  const heard = reading(sent);
  return run(base.model, base.tokens, {
    base, read,
    interventions: receivers.map(([layer, head]) => ({ place: letter, layer, head, from: heard })),
  });
}

/** Path patching from each head to the end of the stream, or to the receivers' q, k or v: (layer, head, answer). */
export function pathSweep(
  base: Run, other: Run, receivers: readonly Head[], letter: "q" | "k" | "v", answers: readonly number[],
  pos = base.length - 1,
): Table {
  const { n_layers, n_heads } = base.model.config;
  const layers = receivers.length ? Math.max(...receivers.map(([layer]) => layer)) : n_layers;
  const data = new Float32Array(layers * n_heads * answers.length);
  for (let layer = 0; layer < layers; layer++) {
    for (let head = 0; head < n_heads; head++) {
      const values = pathRun(base, other, [layer, head], receivers, letter, [pos]).logitsOf(answers, pos);
      data.set(values, (layer * n_heads + head) * answers.length);
    }
  }
  return { shape: [layers, n_heads, answers.length], data };
}

/** A logit difference as a sum: what each part wrote along W_U[right] - W_U[wrong], and b_U's own difference. */
export interface Parts {
  embedding: number;
  heads: number[][]; // layer head
  mlps: number[];
  attention_biases: number[];
  unembedding_bias: number;
  lens: number[]; // if the stream were read before each layer, and at the end, by the final scale; b_U is in each
}

export function attribution(of: Run, right: number, wrong: number, pos = of.length - 1): Parts {
  const { model } = of;
  const { n_layers, n_heads, d_model, d_mlp, normed } = model.config;
  const { W_U, b_U } = model;
  const direction = Float32Array.from({ length: d_model }, (_, i) => W_U[right * d_model + i]! - W_U[wrong * d_model + i]!);
  const { scale } = of.final(pos);
  const share = (row: Float32Array) => {
    const mean = normed ? row.reduce((sum, x) => sum + x, 0) / d_model : 0;
    return row.reduce((sum, x, i) => sum + ((x - mean) / scale) * direction[i]!, 0);
  };
  const row = (x: Float32Array) => x.subarray(pos * d_model, (pos + 1) * d_model);
  const layers = Array.from({ length: n_layers }, (_, layer) => layer);
  const bias = b_U[right]! - b_U[wrong]!;
  return {
    embedding: share(row(of.stream[0]!)),
    heads: layers.map((layer) => Array.from({ length: n_heads }, (_, head) => share(headWrites(of, layer, head, pos)))),
    mlps: layers.map((layer) => (d_mlp ? share(row(of.mlp_out[layer]!)) : 0)),
    attention_biases: layers.map((layer) => share(model.layers[layer]!.b_O)),
    unembedding_bias: bias,
    lens: of.stream.map((stream) => share(row(stream)) + bias),
  };
}

/** Each head's z replaced at all positions, or at one: (layer, head, answer). */
export function ablationSweep(base: Run, by: Source, answers: readonly number[], at?: number, pos = base.length - 1): Table {
  const { n_layers, n_heads } = base.model.config;
  const data = new Float32Array(n_layers * n_heads * answers.length);
  for (let layer = 0; layer < n_layers; layer++) {
    for (let head = 0; head < n_heads; head++) {
      const one: Intervention = { place: "z", layer, head, from: by };
      if (at !== undefined) one.pos = at;
      const values = run(base.model, base.tokens, { base, interventions: [one], read: [pos] }).logitsOf(answers, pos);
      data.set(values, (layer * n_heads + head) * answers.length);
    }
  }
  return { shape: [n_layers, n_heads, answers.length], data };
}
