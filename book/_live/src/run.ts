// One run of a model on one prompt, and what follows from changing it.
//
//     const clean = run(model, tokens);
//     const patched = run(model, other, { base: corrupted, interventions: [{ place: "z", layer: 2, head: 1, from: clean }] });
//
// A run with a base computes only what its interventions reach: later layers, the changed positions and those that
// look back at them. Everything else is the base's own arrays. Positions are rows.

import { dot, gelu, linear, normalise, rotate, softmax } from "./arithmetic";
import type { Config, Weights } from "./weights";

export type Place =
  | "resid_pre" | "resid_mid" | "resid_post" | "attn_out" | "mlp_out" | "q" | "k" | "v" | "z" | "pattern";

/** Where activations come from: another run, zeros, a mean of runs. */
export interface Source {
  activation(place: Place, layer: number): Float32Array;
}

/** One activation to replace. Without head, pos or key: all of them. pos of a pattern is the query's, key the key's. */
export interface Intervention {
  place: Place;
  layer: number;
  head?: number;
  pos?: number;
  key?: number;
  from: Source;
}

export interface Layer {
  W_Q: Float32Array; b_Q: Float32Array; W_K: Float32Array; b_K: Float32Array; W_V: Float32Array; b_V: Float32Array;
  W_O: Float32Array; b_O: Float32Array;
  W_in?: Float32Array; b_in: Float32Array; W_out: Float32Array; b_out: Float32Array;
}

export class Model {
  readonly config: Config;
  readonly layers: Layer[];
  readonly W_E: Float32Array;
  readonly W_pos: Float32Array | undefined;
  readonly W_U: Float32Array;
  readonly b_U: Float32Array;

  constructor(weights: Weights) {
    const { config, tensors } = weights;
    this.config = config;
    this.W_E = tensors.get("W_E")!;
    this.W_pos = tensors.get("W_pos");
    this.W_U = tensors.get("W_U")!;
    this.b_U = tensors.get("b_U")!;
    this.layers = Array.from({ length: config.n_layers }, (_, layer) => {
      const names = [...tensors.keys()].filter((name) => name.startsWith(`${layer}.`));
      return Object.fromEntries(names.map((name) => [name.split(".")[1], tensors.get(name)])) as unknown as Layer;
    });
  }

  /** One token's logit, of a row as the unembedding reads it. */
  logit(row: Float32Array, token: number): number {
    const { d_model } = this.config;
    return dot(row, 0, this.W_U, token * d_model, d_model) + this.b_U[token]!;
  }
}

/** All that a run computed. readOnly: in the last layer only these rows are right after its keys and values. */
export class Run implements Source {
  readonly stream: Float32Array[] = []; // before each layer, and at the end
  readonly q: Float32Array[] = [];
  readonly k: Float32Array[] = [];
  readonly v: Float32Array[] = [];
  readonly pattern: Float32Array[] = []; // head query key
  readonly z: Float32Array[] = [];
  readonly attn_out: Float32Array[] = [];
  readonly mid: Float32Array[] = [];
  readonly mlp_out: Float32Array[] = [];

  constructor(readonly model: Model, readonly tokens: readonly number[], readonly readOnly: number[] | null) {}

  get length(): number {
    return this.tokens.length;
  }

  activation(place: Place, layer: number): Float32Array {
    if (place === "resid_pre") return this.stream[layer]!;
    if (place === "resid_post") return this.stream[layer + 1]!;
    if (place === "resid_mid") return this.mid[layer]!;
    return this[place][layer]!;
  }

  /** The end of the stream as the unembedding reads it, and the final scale. */
  final(pos = this.length - 1): { row: Float32Array; scale: number } {
    return this.normed(this.stream.at(-1)!, pos);
  }

  /** The same for the stream before the layers and after each attention and MLP, each with its own scale. */
  stations(pos: number): Float32Array[] {
    const streams = [this.stream[0]!, ...this.mid.flatMap((mid, layer) => [mid, this.stream[layer + 1]!])];
    return streams.map((stream) => this.normed(stream, pos).row);
  }

  private normed(stream: Float32Array, pos: number): { row: Float32Array; scale: number } {
    const { d_model, eps, normed } = this.model.config;
    const row = stream.slice(pos * d_model, (pos + 1) * d_model);
    return { row, scale: normed ? normalise(row, 0, d_model, eps, row) : 1 };
  }

  logits(pos = this.length - 1): Float32Array {
    const { d_model, d_vocab } = this.model.config;
    const out = new Float32Array(d_vocab);
    linear(this.final(pos).row, d_model, this.model.W_U, this.model.b_U, out, [0]);
    return out;
  }

  /** The logits of some tokens only. */
  logitsOf(tokens: readonly number[], pos = this.length - 1): number[] {
    const { row } = this.final(pos);
    return tokens.map((token) => this.model.logit(row, token));
  }
}

export interface Options {
  base?: Run;
  interventions?: readonly Intervention[];
  read?: number[]; // positions whose logits are wanted; without it all
}

export function run(model: Model, tokens: readonly number[], options: Options = {}): Run {
  return new Runner(model, tokens, options).run;
}

class Runner {
  readonly run: Run;
  private readonly base: Run | undefined;
  private readonly n: number;
  private readonly config: Config;
  private stream: Float32Array;
  private dirty: Uint8Array; // of the stream, by position

  constructor(private readonly model: Model, tokens: readonly number[], private readonly options: Options) {
    this.run = new Run(model, tokens, options.read ?? null);
    this.base = options.base;
    this.config = model.config;
    this.n = tokens.length;
    this.dirty = new Uint8Array(this.n).fill(this.base ? 0 : 1);
    this.stream = this.base ? this.base.stream[0]! : this.embedded(tokens);
    for (let layer = 0; layer < this.config.n_layers; layer++) this.layer(layer);
    this.run.stream.push(this.stream);
  }

  private embedded(tokens: readonly number[]): Float32Array {
    const { d_model } = this.config;
    const { W_E, W_pos } = this.model;
    const out = new Float32Array(this.n * d_model);
    tokens.forEach((token, pos) => {
      for (let i = 0; i < d_model; i++) {
        out[pos * d_model + i] = W_E[token * d_model + i]! + (W_pos ? W_pos[pos * d_model + i]! : 0);
      }
    });
    return out;
  }

  private at(layer: number, place: Place, head?: number): Intervention[] {
    return (this.options.interventions ?? []).filter(
      (one) =>
        one.layer === layer && one.place === place &&
        (head === undefined || one.head === undefined || one.head === head),
    );
  }

  /** Rows of the stream's width from elsewhere; marks what is not as before. */
  private replace(rows: Float32Array, layer: number, place: Place, dirty: Uint8Array): Float32Array {
    const { d_model } = this.config;
    const its = this.at(layer, place);
    if (!its.length) return rows;
    const out = rows.slice();
    for (const { pos, from } of its) {
      const source = from.activation(place, layer);
      for (const row of pos === undefined ? this.positions() : [pos]) {
        if (copied(out, source, row * d_model, d_model)) dirty[row] = 1;
      }
    }
    return out;
  }

  private positions(): number[] {
    return Array.from({ length: this.n }, (_, pos) => pos);
  }

  private layer(layer: number): void {
    const { run, base, config, n } = this;
    const { d_model, d_mlp, n_heads, eps, normed } = config;
    const weights = this.model.layers[layer]!;
    const last = layer === config.n_layers - 1;
    const wanted = last && run.readOnly ? new Set(run.readOnly) : null;

    const pre = this.replace(this.stream, layer, "resid_pre", this.dirty);
    run.stream.push(pre);
    const z = this.heads(layer, pre, wanted); // pushes q, k, v, pattern and z; says which rows changed

    const width = n_heads * config.d_head;
    let attn = base ? base.attn_out[layer]! : new Float32Array(n * d_model);
    const attnRows = listed(z, wanted);
    if (attnRows.length) {
      attn = base ? attn.slice() : attn;
      linear(run.z[layer]!, width, weights.W_O, weights.b_O, attn, attnRows);
    }
    const attnDirty = marked(n, attnRows);
    attn = this.replace(attn, layer, "attn_out", attnDirty);
    run.attn_out.push(attn);

    const midDirty = either(this.dirty, attnDirty);
    let mid = this.summed(pre, attn, base?.mid[layer], midDirty, wanted);
    mid = this.replace(mid, layer, "resid_mid", midDirty);
    run.mid.push(mid);

    let mlp = base ? base.mlp_out[layer]! : new Float32Array(n * d_model);
    const mlpRows = d_mlp ? listed(midDirty, wanted) : [];
    if (mlpRows.length) {
      mlp = base ? mlp.slice() : mlp;
      const read = new Float32Array(n * d_model);
      for (const row of mlpRows) {
        if (normed) normalise(mid.subarray(row * d_model), 0, d_model, eps, read.subarray(row * d_model));
        else copied(read, mid, row * d_model, d_model);
      }
      const hidden = new Float32Array(n * d_mlp);
      linear(read, d_model, weights.W_in!, weights.b_in, hidden, mlpRows);
      for (const row of mlpRows) {
        for (let i = row * d_mlp; i < (row + 1) * d_mlp; i++) hidden[i] = gelu(hidden[i]!);
      }
      linear(hidden, d_mlp, weights.W_out, weights.b_out, mlp, mlpRows);
    }
    const postDirty = midDirty;
    mlp = this.replace(mlp, layer, "mlp_out", postDirty);
    run.mlp_out.push(mlp);
    const post = this.summed(mid, mlp, base?.stream[layer + 1], postDirty, wanted);
    this.stream = this.replace(post, layer, "resid_post", postDirty);
    this.dirty = postDirty;
  }

  private summed(
    a: Float32Array, b: Float32Array, old: Float32Array | undefined, dirty: Uint8Array, wanted: Set<number> | null,
  ): Float32Array {
    const { d_model } = this.config;
    const rows = listed(dirty, wanted);
    if (old && !rows.length) return old;
    const out = old ? old.slice() : new Float32Array(a.length);
    for (const row of rows) {
      for (let i = row * d_model; i < (row + 1) * d_model; i++) out[i] = a[i]! + b[i]!;
    }
    return out;
  }

  /** A layer's attention, head by head; returns which positions of z changed. */
  private heads(layer: number, pre: Float32Array, wanted: Set<number> | null): Uint8Array {
    const { run, base, config, n } = this;
    const { n_heads, d_head, d_model } = config;
    const weights = this.model.layers[layer]!;
    const width = n_heads * d_head;
    const changed = new Uint8Array(n);
    const rows = listed(this.dirty, null);
    const touched = rows.length > 0 || ["q", "k", "v", "pattern", "z"].some((place) => this.at(layer, place as Place).length);
    if (base && !touched) {
      for (const place of ["q", "k", "v", "pattern", "z"] as const) run[place].push(base[place][layer]!);
      return changed;
    }
    const fresh = (old: Float32Array | undefined, size: number) => (old ? old.slice() : new Float32Array(size));
    const q = fresh(base?.q[layer], n * width);
    const k = fresh(base?.k[layer], n * width);
    const v = fresh(base?.v[layer], n * width);
    const pattern = fresh(base?.pattern[layer], n_heads * n * n);
    const z = fresh(base?.z[layer], n * width);
    run.q.push(q), run.k.push(k), run.v.push(v), run.pattern.push(pattern), run.z.push(z);

    const given = Array.from({ length: n_heads }, (_, head) => this.at(layer, "z", head));
    // whose whole z is given from elsewhere need not look at anything
    const free = given.map((its) => !base || !its.some((one) => one.pos === undefined));
    let read: Float32Array | null = null;
    for (let head = 0; head < n_heads; head++) {
      if (!free[head]) continue;
      if (rows.length && !read) read = this.normed(pre, rows);
      const from = head * d_head;
      if (read) {
        linear(read, d_model, weights.W_Q, weights.b_Q, q, listed(this.dirty, wanted), from, from + d_head);
        linear(read, d_model, weights.W_K, weights.b_K, k, rows, from, from + d_head);
        linear(read, d_model, weights.W_V, weights.b_V, v, rows, from, from + d_head);
      }
      this.look(layer, head, wanted, changed);
    }
    given.forEach((its, head) => {
      for (const { pos, from } of its) {
        const source = from.activation("z", layer);
        for (const row of pos === undefined ? this.positions() : [pos]) {
          if (copied(z, source, row * width + head * d_head, d_head)) changed[row] = 1;
        }
      }
    });
    return changed;
  }

  private normed(pre: Float32Array, rows: readonly number[]): Float32Array {
    const { d_model, eps, normed } = this.config;
    if (!normed) return pre;
    const out = new Float32Array(pre.length);
    for (const row of rows) normalise(pre.subarray(row * d_model), 0, d_model, eps, out.subarray(row * d_model));
    return out;
  }

  /** One head's pattern and z, where its queries, keys or values are not the base's. */
  private look(layer: number, head: number, wanted: Set<number> | null, changed: Uint8Array): void {
    const { run, config, n } = this;
    const { n_heads, d_head, rotary } = config;
    const width = n_heads * d_head;
    const of = (place: "q" | "k" | "v") => {
      const dirty = this.dirty.slice();
      for (const { pos, from } of this.at(layer, place, head)) {
        const source = from.activation(place, layer);
        for (const row of pos === undefined ? this.positions() : [pos]) {
          if (copied(run[place][layer]!, source, row * width + head * d_head, d_head)) dirty[row] = 1;
        }
      }
      return dirty;
    };
    const [dq, dk, dv] = [of("q"), of("k"), of("v")];
    const firstKey = dk.indexOf(1);
    const firstValue = dv.indexOf(1);
    const pattern = run.pattern[layer]!.subarray(head * n * n, (head + 1) * n * n);
    const given = this.at(layer, "pattern", head);
    const q = rotary ? turned(run.q[layer]!, head, n, config) : run.q[layer]!;
    const k = rotary ? turned(run.k[layer]!, head, n, config) : run.k[layer]!;
    const [step, offset] = rotary ? [d_head, 0] : [width, head * d_head];
    const v = run.v[layer]!;
    const z = run.z[layer]!;
    const root = Math.sqrt(d_head);
    for (let query = 0; query < n; query++) {
      if (wanted && !wanted.has(query)) continue;
      let anew = false;
      const row = pattern.subarray(query * n, (query + 1) * n);
      if (dq[query] || (firstKey >= 0 && query >= firstKey)) {
        const scores = new Float32Array(query + 1);
        for (let key = 0; key <= query; key++) {
          scores[key] = dot(q, query * step + offset, k, key * step + offset, d_head) / root;
        }
        row.set(softmax(scores));
        anew = true;
      }
      for (const { pos, key, from } of given) {
        if (pos !== undefined && pos !== query) continue;
        const source = from.activation("pattern", layer).subarray((head * n + query) * n, (head * n + query + 1) * n);
        if (key === undefined) row.set(source);
        else row[key] = source[key]!;
        anew = true;
      }
      if (!anew && (firstValue < 0 || query < firstValue)) continue;
      changed[query] = 1;
      const start = query * width + head * d_head;
      for (let i = 0; i < d_head; i++) {
        let sum = 0;
        for (let key = 0; key <= query; key++) sum += row[key]! * v[key * width + head * d_head + i]!;
        z[start + i] = sum;
      }
    }
  }
}

/** A head's queries or keys, each turned by its position: (pos d_head). */
export function turned(x: Float32Array, head: number, n: number, config: Config): Float32Array {
  const { n_heads, d_head, rotary } = config;
  const out = new Float32Array(n * d_head);
  for (let pos = 0; pos < n; pos++) {
    const start = (pos * n_heads + head) * d_head;
    out.set(x.subarray(start, start + d_head), pos * d_head);
    rotate(out, pos * d_head, pos, rotary);
  }
  return out;
}

/** Copies a piece of another array of the same shape; says whether anything changed. */
function copied(to: Float32Array, from: Float32Array, start: number, width: number): boolean {
  let differs = false;
  for (let i = start; i < start + width; i++) {
    if (to[i] !== from[i]) differs = true;
    to[i] = from[i]!;
  }
  return differs;
}

function listed(marks: Uint8Array, wanted: Set<number> | null): number[] {
  const found: number[] = [];
  marks.forEach((mark, row) => mark && (!wanted || wanted.has(row)) && found.push(row));
  return found;
}

function marked(n: number, rows: readonly number[]): Uint8Array {
  const marks = new Uint8Array(n);
  for (const row of rows) marks[row] = 1;
  return marks;
}

function either(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((mark, row) => mark | b[row]!);
}

const NOTHING = new Map<number, Float32Array>();

/** Zeros of any shape. */
export function zeros(like: Run): Source {
  return {
    activation(place, layer) {
      const size = like.activation(place, layer).length;
      if (!NOTHING.has(size)) NOTHING.set(size, new Float32Array(size));
      return NOTHING.get(size)!;
    },
  };
}

/** A source that computes each activation once, when it is first asked for. */
function remembered(compute: Source["activation"]): Source {
  const known = new Map<string, Float32Array>();
  return {
    activation(place, layer) {
      const key = `${place} ${layer}`;
      let found = known.get(key);
      if (!found) known.set(key, (found = compute(place, layer)));
      return found;
    },
  };
}

/** What heads would read of a run's streams, whether or not they were run on them. */
export function reading(of: Run): Source {
  const { d_model, eps, normed } = of.model.config;
  return remembered((place, layer) => {
    const stream = of.stream[layer]!;
    const rows = Array.from({ length: of.length }, (_, pos) => pos);
    const read = normed ? new Float32Array(stream.length) : stream;
    if (normed) for (const row of rows) normalise(stream.subarray(row * d_model), 0, d_model, eps, read.subarray(row * d_model));
    const weights = of.model.layers[layer]!;
    const letter = place.toUpperCase() as "Q" | "K" | "V";
    const found = new Float32Array(weights[`b_${letter}`].length * of.length);
    linear(read, d_model, weights[`W_${letter}`], weights[`b_${letter}`], found, rows);
    return found;
  });
}

/** The mean over prompts of one length, position by position. */
export function mean(runs: readonly Source[]): Source {
  return remembered((place, layer) => {
    const several = runs.map((one) => one.activation(place, layer));
    return several[0]!.map((_, i) => several.reduce((sum, one) => sum + one[i]!, 0) / several.length);
  });
}
