// Inputs joined along a dimension.

import type { ConcatNode } from "../../format";
import { read } from "../arithmetic";
import type { Layer } from "../layer";
import { along, type Region } from "../region";
import { around, places, strides, type Shape } from "../shape";

export class Concat implements Layer {
  /** Where each input begins along the dimension. */
  private readonly starts: readonly number[];

  constructor(
    private readonly node: ConcatNode,
    private readonly sources: readonly Shape[],
  ) {
    let next = 0;
    this.starts = sources.map((source) => {
      const start = next;
      next += source[node.dim]!;
      return start;
    });
  }

  forward(inputs: readonly Float32Array[], value: Float32Array): void {
    inputs.forEach((x, input) => this.rows(input, (at, from, length) => value.set(x.subarray(from, from + length), at)));
  }

  backward(gradient: Float32Array, into: readonly (Float32Array | null)[]): void {
    into.forEach((out, input) => {
      if (!out) return;
      this.rows(input, (at, from, length) => {
        for (let i = 0; i < length; i++) out[from + i] = out[from + i]! + gradient[at + i]!;
      });
    });
  }

  /** Calls back for each stretch of an input that stays together: where it lies in the value, in the input, how long. */
  private rows(input: number, each: (at: number, from: number, length: number) => void): void {
    const { before, length, after } = around(this.sources[input]!, this.node.dim);
    const all = this.node.shape[this.node.dim]! * after;
    for (let row = 0; row < before; row++) {
      each(row * all + this.starts[input]! * after, row * length * after, length * after);
    }
  }

  reads(region: Region, place: number): Region | null {
    const { dim } = this.node;
    const start = this.starts[place]!;
    const [from, to] = region[dim]!;
    const own: [number, number] = [
      Math.max(from - start, 0),
      Math.min(to - start, this.sources[place]![dim]!),
    ];
    return own[0] < own[1] ? along(region, dim, own) : null;
  }

  arithmetic(unit: number, inputs: readonly Float32Array[], value: Float32Array, nodes: readonly number[]) {
    const { dim, shape } = this.node;
    const at = places(unit, shape);
    const input = this.starts.filter((start) => start <= at[dim]!).length - 1;
    at[dim] = at[dim]! - this.starts[input]!;
    const from = strides(this.sources[input]!).reduce((sum, stride, d) => sum + stride * at[d]!, 0);
    return { how: "copy" as const, read: read(nodes[input]!, inputs[input]!, from), value: value[unit]! };
  }
}
