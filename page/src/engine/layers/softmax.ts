// Exponentials that sum to 1 along a dimension, or their logarithms.

import type { SoftmaxNode } from "../../format";
import { read } from "../arithmetic";
import type { Layer } from "../layer";
import { along, type Region } from "../region";
import { around } from "../shape";

export class Softmax implements Layer {
  private readonly sizes: { readonly before: number; readonly length: number; readonly after: number };

  constructor(private readonly node: SoftmaxNode) {
    this.sizes = around(node.shape, node.dim);
  }

  forward([x]: readonly Float32Array[], value: Float32Array): void {
    const { before, length, after } = this.sizes;
    const logarithm = this.node.op === "log_softmax";
    for (let row = 0; row < before; row++) {
      for (let column = 0; column < after; column++) {
        const start = row * length * after + column;
        const end = start + length * after;
        let largest = -Infinity;
        for (let i = start; i < end; i += after) largest = Math.max(largest, x![i]!);
        let total = 0;
        for (let i = start; i < end; i += after) total += Math.exp(x![i]! - largest);
        for (let i = start; i < end; i += after) {
          const shifted = x![i]! - largest;
          value[i] = logarithm ? shifted - Math.log(total) : Math.exp(shifted) / total;
        }
      }
    }
  }

  backward(
    gradient: Float32Array,
    [into]: readonly (Float32Array | null)[],
    _inputs: readonly Float32Array[],
    value: Float32Array,
  ): void {
    if (!into) return;
    const { before, length, after } = this.sizes;
    const logarithm = this.node.op === "log_softmax";
    for (let row = 0; row < before; row++) {
      for (let column = 0; column < after; column++) {
        const start = row * length * after + column;
        const end = start + length * after;
        let shared = 0;
        for (let i = start; i < end; i += after) shared += gradient[i]! * (logarithm ? 1 : value[i]!);
        for (let i = start; i < end; i += after) {
          const own = logarithm
            ? gradient[i]! - Math.exp(value[i]!) * shared
            : value[i]! * (gradient[i]! - shared);
          into[i] = into[i]! + own;
        }
      }
    }
  }

  reads(region: Region): Region {
    return along(region, this.node.dim, [0, this.sizes.length]);
  }

  arithmetic(unit: number, [x]: readonly Float32Array[], value: Float32Array, [node]: readonly number[]) {
    const { length, after } = this.sizes;
    const of = Math.floor(unit / after) % length;
    const reads = Array.from({ length }, (_, i) => read(node!, x!, unit + (i - of) * after));
    const largest = Math.max(...reads.map(({ value }) => value));
    const exponentials = reads.map(({ value }) => Math.exp(value - largest));
    const total = exponentials.reduce((sum, exponential) => sum + exponential, 0);
    return { how: this.node.op, reads, of, largest, exponentials, total, value: value[unit]! };
  }
}
