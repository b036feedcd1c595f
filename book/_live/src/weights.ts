// The file that book/_ext/live_weights.py writes, read: its docstring says what is in it.

export interface Config {
  name: string;
  n_layers: number;
  n_heads: number;
  d_head: number;
  d_model: number;
  d_mlp: number; // 0: no MLPs
  n_ctx: number;
  d_vocab: number;
  eps: number;
  normed: boolean; // LayerNorms, their weights folded into what follows
  rotary: number; // how many of a head's dimensions turn; 0: positions are in the stream
  bos: number;
}

export interface Weights {
  config: Config;
  tensors: Map<string, Float32Array>;
  tokens: string[];
  special: Record<string, number>;
  merges: string[];
}

interface Head extends Omit<Weights, "tensors"> {
  tensors: [string, number[]][];
}

/** How far a download has come: bytes had, and bytes wanted where the server says so. */
export type Progress = (had: number, wanted: number) => void;

export async function fetched(url: string, progress: Progress): Promise<Uint8Array<ArrayBuffer>> {
  const answer = await fetch(url);
  if (!answer.ok || !answer.body) throw new Error(`the weights did not come (${answer.status} for ${url})`);
  const wanted = Number(answer.headers.get("content-length") ?? 0);
  const pieces: BlobPart[] = [];
  let had = 0;
  for (const reader = answer.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(value);
    progress((had += value.length), wanted);
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

export async function unpacked(file: Uint8Array<ArrayBuffer>): Promise<Weights> {
  const opened = new Blob([file]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(opened).arrayBuffer());
  const length = new DataView(bytes.buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length))) as Head;
  const planes = bytes.subarray(4 + length);
  const count = planes.length / 3;
  const bits = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    bits[i] = (planes[i]! << 24) | (planes[count + i]! << 16) | (planes[2 * count + i]! << 8);
  }
  const all = new Float32Array(bits.buffer);
  const tensors = new Map<string, Float32Array>();
  let start = 0;
  for (const [name, shape] of head.tensors) {
    const end = start + shape.reduce((a, b) => a * b, 1);
    tensors.set(name, all.subarray(start, end));
    start = end;
  }
  return { ...head, tensors };
}
