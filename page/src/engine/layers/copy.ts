// The same values in their order: flatten, reshape, dropout.

import { read } from "../arithmetic";
import type { Layer } from "../layer";
import { reshaped, type Region } from "../region";
import type { Shape } from "../shape";

export class Copy implements Layer {
  constructor(
    private readonly source: Shape,
    private readonly shape: Shape,
  ) {}

  forward([x]: readonly Float32Array[], value: Float32Array): void {
    value.set(x!);
  }

  backward(gradient: Float32Array, [into]: readonly (Float32Array | null)[]): void {
    if (!into) return;
    for (let i = 0; i < gradient.length; i++) into[i] = into[i]! + gradient[i]!;
  }

  reads(region: Region): Region {
    return reshaped(region, this.shape, this.source);
  }

  arithmetic(unit: number, [x]: readonly Float32Array[], value: Float32Array, [node]: readonly number[]) {
    return { how: "copy" as const, read: read(node!, x!, unit), value: value[unit]! };
  }
}
