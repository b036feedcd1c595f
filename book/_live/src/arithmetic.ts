// The sums of a forward pass, on rows of flat arrays. Linear maps are (output, input).

/** out[row] = W x[row] + b for each row in `rows`; x and out hold all rows. */
export function linear(
  x: Float32Array, width: number, W: Float32Array, b: Float32Array | null,
  out: Float32Array, rows: readonly number[], from = 0, to = W.length / width,
): void {
  const outputs = W.length / width;
  const whole = width - (width % 4);
  for (let j = from; j < to; j++) {
    const w = j * width;
    const bias = b ? b[j]! : 0;
    for (const row of rows) {
      const start = row * width;
      let s0 = 0, s1 = 0, s2 = 0, s3 = 0;
      let i = 0;
      for (; i < whole; i += 4) {
        s0 += x[start + i]! * W[w + i]!;
        s1 += x[start + i + 1]! * W[w + i + 1]!;
        s2 += x[start + i + 2]! * W[w + i + 2]!;
        s3 += x[start + i + 3]! * W[w + i + 3]!;
      }
      for (; i < width; i++) s0 += x[start + i]! * W[w + i]!;
      out[row * outputs + j] = s0 + s1 + (s2 + s3) + bias;
    }
  }
}

/** A row centred and divided by its standard deviation, the scale; returns the scale. */
export function normalise(x: Float32Array, start: number, width: number, eps: number, out: Float32Array): number {
  let mean = 0;
  for (let i = 0; i < width; i++) mean += x[start + i]!;
  mean /= width;
  let variance = 0;
  for (let i = 0; i < width; i++) variance += (x[start + i]! - mean) ** 2;
  const scale = Math.sqrt(variance / width + eps);
  for (let i = 0; i < width; i++) out[start + i] = (x[start + i]! - mean) / scale;
  return scale;
}

/** GPT-2's GELU, by tanh. */
export function gelu(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

/** Turns the first `dims` numbers of a vector by its position: pairs lie side by side. */
export function rotate(x: Float32Array, start: number, pos: number, dims: number): void {
  for (let i = 0; i < dims; i += 2) {
    const angle = Math.fround(pos * Math.fround(1 / 10000 ** (i / dims)));
    const cos = Math.cos(angle), sin = Math.sin(angle);
    const a = x[start + i]!, b = x[start + i + 1]!;
    x[start + i] = a * cos - b * sin;
    x[start + i + 1] = b * cos + a * sin;
  }
}

export function softmax(x: Float32Array): Float32Array {
  let most = -Infinity, sum = 0;
  for (const value of x) if (value > most) most = value;
  const out = x.map((value) => Math.exp(value - most));
  for (const value of out) sum += value;
  return out.map((value) => value / sum);
}

export function dot(a: Float32Array, i: number, b: Float32Array, j: number, width: number): number {
  let sum = 0;
  for (let n = 0; n < width; n++) sum += a[i + n]! * b[j + n]!;
  return sum;
}
