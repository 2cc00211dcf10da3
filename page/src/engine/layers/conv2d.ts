// Convolution.

import type { Conv2dNode } from "../../format";
import { read, term, type Term } from "../arithmetic";
import { Correlation } from "../correlation";
import type { Layer } from "../layer";
import type { Range, Region } from "../region";
import { places, type Shape } from "../shape";
import { Windows } from "../windows";

export class Conv2d implements Layer {
  readonly windows: Windows;
  /** Input channels of one group, output channels of one group. */
  readonly perGroup: number;
  readonly outPerGroup: number;
  private readonly forwards: Correlation;
  private backwards: Correlation | null = null;

  constructor(
    private readonly node: Conv2dNode,
    source: Shape,
    readonly weight: Float32Array,
    readonly bias: Float32Array | null,
  ) {
    const [out, perGroup, ...kernel] = node.weight.shape as [number, number, number, number];
    const { stride, padding, dilation, groups, shape, name } = node;
    this.windows = new Windows(name, source, shape, kernel, stride, padding, dilation);
    this.perGroup = perGroup;
    this.outPerGroup = out / groups;
    const [, height, width] = this.windows.source;
    const [, rows, columns] = this.windows.result;
    this.forwards = new Correlation(
      {
        groups, out: this.outPerGroup, in: perGroup, kernel, dilation, stride,
        source: [height, width], offset: [padding[0][0], padding[1][0]], step: [1, 1],
        result: [rows, columns],
      },
      (group, o, channel, row, column) => this.tap(group * this.outPerGroup + o, channel, row, column),
    );
  }

  /** One number of the kernel of an output channel; `channel` counts within the group. */
  tap(out: number, channel: number, row: number, column: number): number {
    const [height, width] = this.windows.kernel;
    return this.weight[((out * this.perGroup + channel) * height + row) * width + column]!;
  }

  /** The kernel of an output channel: `[in / groups, height, width]`. */
  kernel(out: number): Float32Array {
    const length = this.weight.length / this.windows.result[0];
    return this.weight.slice(out * length, (out + 1) * length);
  }

  forward([x]: readonly Float32Array[], value: Float32Array): void {
    const places = value.length / this.windows.result[0];
    for (let channel = 0; channel < this.windows.result[0]; channel++) {
      value.fill(this.bias?.[channel] ?? 0, channel * places, (channel + 1) * places);
    }
    this.forwards.addTo(value, x!);
  }

  backward(gradient: Float32Array, [out]: readonly (Float32Array | null)[]): void {
    this.backwards ??= this.turned();
    if (out) this.backwards.addTo(out, gradient);
  }

  /** The kernels turned around, from output channels to input channels, over gradients `stride` apart. */
  private turned(): Correlation {
    const { kernel, dilation, stride, padding, source, result } = this.windows;
    const offset = ([0, 1] as const).map((d) => (kernel[d] - 1) * dilation[d] - padding[d][0]);
    return new Correlation(
      {
        groups: this.node.groups, out: this.perGroup, in: this.outPerGroup, kernel, dilation, stride: [1, 1],
        source: [result[1], result[2]], offset: [offset[0]!, offset[1]!], step: stride,
        result: [source[1], source[2]],
      },
      (group, channel, o, row, column) =>
        this.tap(group * this.outPerGroup + o, channel, kernel[0] - 1 - row, kernel[1] - 1 - column),
    );
  }

  /** The input channels that these output channels read. */
  channels([from, to]: Range): Range {
    const group = (out: number) => Math.floor(out / this.outPerGroup);
    return [group(from) * this.perGroup, (group(to - 1) + 1) * this.perGroup];
  }

  reads(region: Region): Region | null {
    return this.windows.reads(region, this.channels(region[0]!));
  }

  arithmetic(unit: number, [x]: readonly Float32Array[], value: Float32Array, [node]: readonly number[]) {
    const [out, row, column] = places(unit, this.windows.result) as [number, number, number];
    const terms: Term[] = [];
    this.window(out, row, column, (at, weight) => terms.push(term(read(node!, x!, at), weight)));
    return { how: "sum" as const, terms, bias: this.bias?.[out] ?? 0, value: value[unit]! };
  }

  /** Calls back for each tap of a place's window, border and all: the unit that it reads, and its weight. */
  window(out: number, row: number, column: number, each: (unit: number, weight: number) => void): void {
    const [first, end] = this.channels([out, out + 1]);
    for (let channel = first; channel < end; channel++) {
      this.windows.window(channel, row, column, (unit, r, c) => each(unit, this.tap(out, channel - first, r, c)));
    }
  }
}
