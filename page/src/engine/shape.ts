// Arithmetic of shapes, without the batch.

export type Shape = readonly number[];

/** How many numbers a value of that shape has. */
export function size(shape: Shape): number {
  return shape.reduce((all, size) => all * size, 1);
}

/** How far apart neighbors along each dimension lie. */
export function strides(shape: Shape): number[] {
  return shape.map((_, dim) => size(shape.slice(dim + 1)));
}

/** The place of a unit along each dimension. */
export function places(unit: number, shape: Shape): number[] {
  return strides(shape).map((stride, dim) => Math.floor(unit / stride) % shape[dim]!);
}

/** Channels, height and width of a value `[C, H, W]`. */
export function three(shape: Shape, name: string): [number, number, number] {
  const [channels, height, width] = shape;
  if (shape.length !== 3 || channels === undefined || height === undefined || width === undefined) {
    throw new Error(`${name}: [C, H, W] is expected, not [${shape.join(", ")}]`);
  }
  return [channels, height, width];
}

/** How a dimension divides a value: `before` blocks of `length` rows of `after` numbers. */
export function around(shape: Shape, dim: number): { before: number; length: number; after: number } {
  return { before: size(shape.slice(0, dim)), length: shape[dim] ?? 1, after: size(shape.slice(dim + 1)) };
}
