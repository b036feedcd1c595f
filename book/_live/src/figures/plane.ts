// The plane in which a few vectors differ most: principal component analysis, in the page.

export type Point = [x: number, y: number];

export interface Plane {
  share: number; // of the variance of the vectors that it was made from
  project(vector: ArrayLike<number>, origin?: ArrayLike<number>): Point;
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};

export function centre(vectors: readonly ArrayLike<number>[]): number[] {
  return Array.from(vectors[0]!, (_, i) => vectors.reduce((sum, one) => sum + one[i]!, 0) / vectors.length);
}

/** The first two principal components, turned so that the first vector is on top and the second to its right. */
export function plane(vectors: readonly ArrayLike<number>[]): Plane {
  const middle = centre(vectors);
  const rows = vectors.map((one) => middle.map((its, i) => one[i]! - its));
  const all = rows.reduce((sum, row) => sum + dot(row, row), 0);
  let axes = [0, 1].map((k) => middle.map((_, i) => rows.reduce((sum, row, n) => sum + row[i]! * Math.cos((k + 1) * (n + 0.3)), 0)));
  for (let turn = 0; turn < 100; turn++) { // the two axes together: on a circle neither comes first
    axes = axes.map((axis) => {
      const along = rows.map((row) => dot(row, axis));
      return axis.map((_, i) => rows.reduce((sum, row, n) => sum + row[i]! * along[n]!, 0));
    });
    for (const k of [0, 1]) {
      if (k) {
        const shared = dot(axes[1]!, axes[0]!);
        axes[1] = axes[1]!.map((x, i) => x - shared * axes[0]![i]!);
      }
      const long = Math.sqrt(dot(axes[k]!, axes[k]!)) || 1;
      axes[k] = axes[k]!.map((x) => x / long);
    }
  }
  const flat = (row: ArrayLike<number>): Point => [dot(row, axes[0]!), dot(row, axes[1]!)];
  const [x, y] = flat(rows[0]!);
  const long = Math.hypot(x, y) || 1;
  const upright = ([u, v]: Point): Point => [(u * y - v * x) / long, (u * x + v * y) / long];
  const mirror = upright(flat(rows[1]!))[0] < 0 ? -1 : 1;
  return {
    share: rows.reduce((sum, row) => sum + dot(flat(row), flat(row)), 0) / (all || 1),
    project(vector, origin) {
      const [u, v] = upright(flat(origin ? Array.from(vector, (its, i) => its - origin[i]!) : vector));
      return [mirror * u, v];
    },
  };
}

/** Mean distance of neighbours in a circle of vectors, over that of all pairs. */
export function neighbours(vectors: readonly ArrayLike<number>[]): number {
  const far = (a: ArrayLike<number>, b: ArrayLike<number>) => Math.sqrt(dot(a, a) + dot(b, b) - 2 * dot(a, b));
  const mean = (xs: number[]) => xs.reduce((a, b) => a + b, 0) / xs.length;
  const apart = mean(vectors.flatMap((a, i) => vectors.filter((_, j) => j !== i).map((b) => far(a, b))));
  return mean(vectors.map((a, i) => far(a, vectors[(i + 1) % vectors.length]!))) / apart;
}
