// The sums of a forward pass, on rows of flat arrays. Linear maps are (output, input).

/** out[row] = W x[row] + b for each row in `rows`; x and out hold all rows.
 *
 * Four outputs of two rows at a time: each number that is read serves several products, twice as fast as one by one.
 */
export function linear(
  x: Float32Array, width: number, W: Float32Array, b: Float32Array | null,
  out: Float32Array, rows: readonly number[], from = 0, to = W.length / width,
): void {
  const outputs = W.length / width;
  const whole = from + ((to - from) & ~3);
  for (let j = from; j < whole; j += 4) {
    const w0 = j * width, w1 = w0 + width, w2 = w1 + width, w3 = w2 + width;
    const b0 = b ? b[j]! : 0, b1 = b ? b[j + 1]! : 0, b2 = b ? b[j + 2]! : 0, b3 = b ? b[j + 3]! : 0;
    let r = 0;
    for (; r + 1 < rows.length; r += 2) {
      const p = rows[r]! * width, q = rows[r + 1]! * width;
      let p0 = b0, p1 = b1, p2 = b2, p3 = b3, q0 = b0, q1 = b1, q2 = b2, q3 = b3;
      for (let i = 0; i < width; i++) {
        const xp = x[p + i]!, xq = x[q + i]!;
        const a0 = W[w0 + i]!, a1 = W[w1 + i]!, a2 = W[w2 + i]!, a3 = W[w3 + i]!;
        p0 += xp * a0, p1 += xp * a1, p2 += xp * a2, p3 += xp * a3;
        q0 += xq * a0, q1 += xq * a1, q2 += xq * a2, q3 += xq * a3;
      }
      const o = rows[r]! * outputs + j, u = rows[r + 1]! * outputs + j;
      out[o] = p0, out[o + 1] = p1, out[o + 2] = p2, out[o + 3] = p3;
      out[u] = q0, out[u + 1] = q1, out[u + 2] = q2, out[u + 3] = q3;
    }
    if (r < rows.length) {
      const p = rows[r]! * width, o = rows[r]! * outputs + j;
      let p0 = b0, p1 = b1, p2 = b2, p3 = b3;
      for (let i = 0; i < width; i++) {
        const xp = x[p + i]!;
        p0 += xp * W[w0 + i]!, p1 += xp * W[w1 + i]!, p2 += xp * W[w2 + i]!, p3 += xp * W[w3 + i]!;
      }
      out[o] = p0, out[o + 1] = p1, out[o + 2] = p2, out[o + 3] = p3;
    }
  }
  for (let j = whole; j < to; j++) {
    for (const row of rows) out[row * outputs + j] = dot(x, row * width, W, j * width, width) + (b ? b[j]! : 0);
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
