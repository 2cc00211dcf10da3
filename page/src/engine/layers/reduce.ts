// One number of all those along dimensions.

import type { ReduceNode } from "../../format";
import { read, term, type Read } from "../arithmetic";
import type { Layer } from "../layer";
import type { Range, Region } from "../region";
import { places, size, strides, type Shape } from "../shape";

export class Reduce implements Layer {
  /** The unit of the value into which each unit of the input goes. */
  private readonly into: Int32Array;
  /** What is summed so far, in double precision; for extremes, how many units have it. */
  private readonly sums: Float64Array;
  /** How many numbers become one. */
  private readonly count: number;

  constructor(
    private readonly node: ReduceNode,
    private readonly source: Shape,
  ) {
    const kept = source.map((size, dim) => (node.dims.includes(dim) ? 1 : size));
    const steps = strides(kept).map((stride, dim) => (node.dims.includes(dim) ? 0 : stride));
    const unit = (from: number) => places(from, source).reduce((at, place, dim) => at + place * steps[dim]!, 0);
    this.into = Int32Array.from({ length: size(source) }, (_, from) => unit(from));
    this.sums = new Float64Array(size(kept));
    this.count = this.into.length / this.sums.length;
  }

  forward([x]: readonly Float32Array[], value: Float32Array): void {
    const { into, sums } = this;
    const { by } = this.node;
    if (by === "sum" || by === "mean") {
      const share = by === "mean" ? 1 / this.count : 1;
      sums.fill(0);
      for (let i = 0; i < into.length; i++) sums[into[i]!] = sums[into[i]!]! + x![i]!;
      for (let i = 0; i < value.length; i++) value[i] = sums[i]! * share;
      return;
    }
    const sign = by === "max" ? 1 : -1;
    value.fill(-sign * Infinity);
    for (let i = 0; i < into.length; i++) {
      const at = into[i]!;
      if (sign * x![i]! > sign * value[at]!) value[at] = x![i]!;
    }
  }

  /** Several that are alike share the gradient of an extreme, as in `torch.amax`. */
  backward(
    gradient: Float32Array,
    [out]: readonly (Float32Array | null)[],
    [x]: readonly Float32Array[],
    value: Float32Array,
  ): void {
    if (!out) return;
    const { into, sums } = this;
    const { by } = this.node;
    if (by === "sum" || by === "mean") {
      const share = by === "mean" ? 1 / this.count : 1;
      for (let i = 0; i < into.length; i++) out[i] = out[i]! + gradient[into[i]!]! * share;
      return;
    }
    sums.fill(0);
    for (let i = 0; i < into.length; i++) {
      const at = into[i]!;
      if (x![i] === value[at]) sums[at] = sums[at]! + 1;
    }
    for (let i = 0; i < into.length; i++) {
      const at = into[i]!;
      if (x![i] === value[at]) out[i] = out[i]! + gradient[at]! / sums[at]!;
    }
  }

  reads(region: Region): Region {
    const { dims, shape } = this.node;
    const kept = shape.length === this.source.length;
    let at = 0;
    return this.source.map((size, dim): Range => {
      const reduced = dims.includes(dim);
      const range = kept || !reduced ? region[at++]! : null;
      return reduced || range === null ? [0, size] : range;
    });
  }

  arithmetic(unit: number, [x]: readonly Float32Array[], value: Float32Array, [node]: readonly number[]) {
    const reads: Read[] = [];
    this.into.forEach((into, from) => {
      if (into === unit) reads.push(read(node!, x!, from));
    });
    const { by } = this.node;
    if (by === "sum" || by === "mean") {
      const terms = reads.map((read) => term(read, by === "mean" ? 1 / this.count : 1));
      return { how: "sum" as const, terms, bias: 0, value: value[unit]! };
    }
    const how = by === "max" ? ("largest" as const) : ("smallest" as const);
    const chosen = reads.findIndex((read) => read.value === value[unit]);
    return { how, reads, chosen, value: value[unit]! };
  }
}
