// Batch normalization by its running statistics: a factor and a term for each channel.

import { read, term } from "../arithmetic";
import type { Layer } from "../layer";
import type { Region } from "../region";

export class BatchNorm implements Layer {
  private readonly factor: Float64Array;
  private readonly shift: Float64Array;

  constructor(
    weight: Float32Array,
    bias: Float32Array,
    mean: Float32Array,
    variance: Float32Array,
    eps: number,
  ) {
    this.factor = Float64Array.from(weight, (weight, channel) => weight / Math.sqrt(variance[channel]! + eps));
    this.shift = Float64Array.from(bias, (bias, channel) => bias - mean[channel]! * this.factor[channel]!);
  }

  forward([x]: readonly Float32Array[], value: Float32Array): void {
    const places = value.length / this.factor.length;
    for (let channel = 0, at = 0; channel < this.factor.length; channel++) {
      const factor = this.factor[channel]!;
      const shift = this.shift[channel]!;
      for (const end = at + places; at < end; at++) value[at] = x![at]! * factor + shift;
    }
  }

  backward(gradient: Float32Array, [into]: readonly (Float32Array | null)[]): void {
    if (!into) return;
    const places = gradient.length / this.factor.length;
    for (let channel = 0, at = 0; channel < this.factor.length; channel++) {
      const factor = this.factor[channel]!;
      for (const end = at + places; at < end; at++) into[at] = into[at]! + gradient[at]! * factor;
    }
  }

  reads(region: Region): Region {
    return region;
  }

  arithmetic(unit: number, [x]: readonly Float32Array[], value: Float32Array, [node]: readonly number[]) {
    const channel = Math.floor((unit * this.factor.length) / value.length);
    const terms = [term(read(node!, x!, unit), this.factor[channel]!)];
    return { how: "sum" as const, terms, bias: this.shift[channel]!, value: value[unit]! };
  }
}
