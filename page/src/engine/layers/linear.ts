// Fully connected layer, on the last dimension.

import { read, term, type Term } from "../arithmetic";
import type { Layer } from "../layer";
import { along, type Region } from "../region";

export class Linear implements Layer {
  private readonly features: number;
  private readonly out: number;

  constructor(
    [out, features]: readonly number[],
    private readonly weight: Float32Array,
    private readonly bias: Float32Array | null,
  ) {
    this.out = out!;
    this.features = features!;
  }

  forward([x]: readonly Float32Array[], value: Float32Array): void {
    const { weight, bias, features, out } = this;
    for (let row = 0, at = 0; at < value.length; row += features) {
      for (let o = 0, w = 0; o < out; o++, at++) {
        let sum = bias ? bias[o]! : 0;
        for (let i = 0; i < features; i++, w++) sum += weight[w]! * x![row + i]!;
        value[at] = sum;
      }
    }
  }

  backward(gradient: Float32Array, [into]: readonly (Float32Array | null)[]): void {
    if (!into) return;
    const { weight, features, out } = this;
    for (let row = 0, at = 0; at < gradient.length; row += features) {
      for (let o = 0, w = 0; o < out; o++, at++, w += features) {
        const g = gradient[at]!;
        if (g === 0) continue;
        for (let i = 0; i < features; i++) into[row + i] = into[row + i]! + g * weight[w + i]!;
      }
    }
  }

  reads(region: Region): Region {
    return along(region, region.length - 1, [0, this.features]);
  }

  arithmetic(unit: number, [x]: readonly Float32Array[], value: Float32Array, [node]: readonly number[]) {
    const [o, row] = [unit % this.out, Math.floor(unit / this.out) * this.features];
    const terms: Term[] = [];
    for (let i = 0; i < this.features; i++) {
      terms.push(term(read(node!, x!, row + i), this.weight[o * this.features + i]!));
    }
    return { how: "sum" as const, terms, bias: this.bias?.[o] ?? 0, value: value[unit]! };
  }
}
