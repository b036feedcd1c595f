// The model's own thread: tasks in, numbers out.

import { softmax } from "./arithmetic";
import { activation, hookNames } from "./hooks";
import { type Intervention, mean, Model, type Place, run, type Run, type Source, zeros } from "./run";
import { ablationSweep, attribution, type Axis, type Head, pathRun, pathSweep, patchSweep, type Table } from "./sweeps";
import { Tokenizer } from "./tokenizer";
import { type Config, fetched, unpacked } from "./weights";

/** Where an intervention's values come from, as data: a prompt, the mean of prompts, zeros, or the run itself. */
export type From = { tokens: number[] } | { mean: number[][] } | "zero" | "own";

export interface Asked {
  place: Place;
  layer: number;
  head?: number;
  pos?: number;
  key?: number;
  from: From;
}

let model: Model;
let tokenizer: Tokenizer;
const kept = new Map<string, Run>();

/** A prompt's unpatched run; the last ones are kept. */
function plain(tokens: readonly number[]): Run {
  const key = tokens.join();
  const found = kept.get(key) ?? run(model, tokens);
  kept.delete(key);
  kept.set(key, found);
  if (kept.size > 64) kept.delete(kept.keys().next().value!);
  return found;
}

function source(from: From, base: Run): Source {
  if (from === "own") return base;
  if (from === "zero") return zeros(base);
  return "mean" in from ? mean(from.mean.map(plain)) : plain(from.tokens);
}

function patched(tokens: readonly number[], asked: readonly Asked[] = [], read?: number[]): Run {
  const base = plain(tokens);
  if (!asked.length) return base;
  const interventions: Intervention[] = asked.map((one) => ({ ...one, from: source(one.from, base) }));
  return run(model, tokens, read ? { base, interventions, read } : { base, interventions });
}

export interface Likely {
  token: number;
  text: string;
  probability: number;
}

function likeliest(probabilities: Float32Array, count: number): Likely[] {
  const order = Array.from(probabilities.keys()).sort((a, b) => probabilities[b]! - probabilities[a]!);
  return order.slice(0, count).map((token) => ({ token, text: tokenizer.text(token), probability: probabilities[token]! }));
}

export interface Said {
  likely: Likely[];
  answers: number[]; // probabilities
  logits: number[];
}

/** What a run says at a position, and what it makes of some answers. */
function said(its: Run, count: number, answers: readonly number[] = [], pos?: number): Said {
  const logits = its.logits(pos);
  const all = softmax(logits);
  return { likely: likeliest(all, count), answers: answers.map((a) => all[a]!), logits: answers.map((a) => logits[a]!) };
}

interface Prompted {
  tokens: number[];
  interventions?: Asked[];
}

export const tasks = {
  async load(args: { name: string; url?: string; file?: Uint8Array<ArrayBuffer> }, id: number): Promise<Config> {
    const progress = (had: number, wanted: number) => self.postMessage({ id, had, wanted });
    const weights = await unpacked(args.file ?? (await fetched(args.url!, progress)));
    model = new Model(weights);
    tokenizer = new Tokenizer(weights);
    kept.clear();
    return model.config;
  },
  tokens(args: { text: string; bos?: boolean }): { tokens: number[]; texts: string[] } {
    const tokens = tokenizer.encode(args.text, args.bos).slice(0, model.config.n_ctx);
    return { tokens, texts: tokens.map((token) => tokenizer.text(token)) };
  },
  /** Tokens drawn from the vocabulary's whole words, said twice. */
  repeated(args: { count: number; seed: number }): { text: string } {
    const words: string[] = [];
    for (let token = 0; token < model.config.bos; token++) if (/^ [a-z]{3,}$/.test(tokenizer.text(token))) words.push(tokenizer.text(token));
    let state = args.seed >>> 0;
    const drawn = Array.from({ length: args.count }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return words[Math.floor((state / 2 ** 32) * words.length)]!;
    });
    return { text: [...drawn, ...drawn].join("") };
  },
  logits(args: Prompted & { pos?: number }): Float32Array {
    return patched(args.tokens, args.interventions, args.pos === undefined ? undefined : [args.pos]).logits(args.pos);
  },
  likely(args: Prompted & { pos: number; count: number; answers?: number[] }): Said {
    return said(patched(args.tokens, args.interventions, [args.pos]), args.count, args.answers, args.pos);
  },
  hooks(args: { tokens: number[] }): string[] {
    return hookNames(plain(args.tokens));
  },
  activations(args: Prompted & { names: string[] }): Float32Array[] {
    const its = patched(args.tokens, args.interventions);
    return args.names.map((name) => activation(its, name).data);
  },
  /** Patterns of all heads: layer head query key. */
  patterns(args: Prompted): Float32Array {
    const its = patched(args.tokens, args.interventions);
    const size = its.pattern[0]!.length;
    const out = new Float32Array(size * its.pattern.length);
    its.pattern.forEach((one, layer) => out.set(one, layer * size));
    return out;
  },
  /** How far a patch moves the stream: its length over the unpatched stream's, (layer + 1) pos. */
  moved(args: Required<Prompted>): Float32Array {
    const base = plain(args.tokens);
    const its = patched(args.tokens, args.interventions);
    const { d_model, n_layers } = model.config;
    const out = new Float32Array((n_layers + 1) * base.length);
    its.stream.forEach((stream, layer) => {
      const old = base.stream[layer]!;
      for (let pos = 0; pos < base.length; pos++) {
        let far = 0, long = 0;
        for (let i = pos * d_model; i < (pos + 1) * d_model; i++) {
          far += (stream[i]! - old[i]!) ** 2;
          long += old[i]! ** 2;
        }
        out[layer * base.length + pos] = Math.sqrt(far / (long || 1));
      }
    });
    return out;
  },
  /** The stream at one position of each prompt, before the layers and after each attention and MLP, as the unembedding
   * would read it: streams (prompt, station, d_model), logits of some words (prompt, station, word). */
  stations(args: { prompts: number[][]; pos: number; words: number[] }) {
    const { d_model } = model.config;
    const rows = args.prompts.map(plain).flatMap((its) => its.stations(args.pos));
    const streams = new Float32Array(rows.length * d_model);
    rows.forEach((row, i) => streams.set(row, i * d_model));
    const unembeddings = new Float32Array(args.words.length * d_model);
    args.words.forEach((word, i) => unembeddings.set(model.W_U.subarray(word * d_model, (word + 1) * d_model), i * d_model));
    return { streams, unembeddings, logits: Float32Array.from(rows.flatMap((row) => args.words.map((word) => model.logit(row, word)))) };
  },
  attribution(args: Prompted & { right: number; wrong: number }) {
    const its = patched(args.tokens, args.interventions);
    return attribution(its, args.right, args.wrong);
  },
  /** One sweep for each place: (place, …axes, answer). */
  sweeps(args: { tokens: number[]; from: From; places: Place[]; axes: Axis[]; answers: number[] }): Table {
    const base = plain(args.tokens);
    const from = source(args.from, base);
    const tables = args.places.map((place) => patchSweep(base, from, place, args.axes, args.answers));
    const size = tables[0]!.data.length;
    const data = new Float32Array(size * tables.length);
    tables.forEach((table, i) => data.set(table.data, i * size));
    return { shape: [tables.length, ...tables[0]!.shape], data };
  },
  path(args: { tokens: number[]; other: number[]; receivers: Head[]; letter: "q" | "k" | "v"; answers: number[] }) {
    return pathSweep(plain(args.tokens), plain(args.other), args.receivers, args.letter, args.answers);
  },
  pathLikely(args: { tokens: number[]; other: number[]; sender: Head; receivers: Head[]; letter: "q" | "k" | "v"; count: number; answers?: number[] }): Said {
    const base = plain(args.tokens);
    const its = pathRun(base, plain(args.other), args.sender, args.receivers, args.letter, [base.length - 1]);
    return said(its, args.count, args.answers);
  },
  ablations(args: { tokens: number[]; by: From; answers: number[]; at?: number }) {
    const base = plain(args.tokens);
    return ablationSweep(base, source(args.by, base), args.answers, args.at);
  },
};

export type Tasks = typeof tasks;

self.onmessage = async (message: MessageEvent<{ id: number; task: keyof Tasks; args: never }>) => {
  const { id, task, args } = message.data;
  try {
    self.postMessage({ id, result: await tasks[task](args, id) });
  } catch (error) {
    self.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
  }
};
