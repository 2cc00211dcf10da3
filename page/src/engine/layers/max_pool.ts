// The maximum of each window.

import type { MaxPoolNode } from "../../format";
import { BORDER, read, type Read } from "../arithmetic";
import type { Layer } from "../layer";
import type { Region } from "../region";
import { places, type Shape } from "../shape";
import { Windows } from "../windows";

export class MaxPool implements Layer {
  private readonly windows: Windows;

  constructor({ name, shape, kernel, stride, padding, dilation }: MaxPoolNode, source: Shape) {
    this.windows = new Windows(name, source, shape, kernel, stride, padding, dilation);
  }

  forward([x]: readonly Float32Array[], value: Float32Array): void {
    const [channels, rows, columns] = this.windows.result;
    for (let at = 0, channel = 0; channel < channels; channel++) {
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++, at++) {
          value[at] = x![this.largest(x!, channel, row, column)]!;
        }
      }
    }
  }

  backward(
    gradient: Float32Array,
    [into]: readonly (Float32Array | null)[],
    [x]: readonly Float32Array[],
  ): void {
    if (!into) return;
    const [channels, rows, columns] = this.windows.result;
    for (let at = 0, channel = 0; channel < channels; channel++) {
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++, at++) {
          if (gradient[at] === 0) continue;
          const largest = this.largest(x!, channel, row, column);
          into[largest] = into[largest]! + gradient[at]!;
        }
      }
    }
  }

  /** The unit that wins a window; of several alike the first. */
  private largest(x: Float32Array, channel: number, row: number, column: number): number {
    const { kernel, dilation, stride, padding, source } = this.windows;
    const top = row * stride[0] - padding[0][0];
    const left = column * stride[1] - padding[1][0];
    const bottom = Math.min(top + kernel[0] * dilation[0], source[1]);
    const right = Math.min(left + kernel[1] * dilation[1], source[2]);
    let best = -1;
    let most = -Infinity;
    for (let r = top; r < bottom; r += dilation[0]) {
      if (r < 0) continue;
      const line = (channel * source[1] + r) * source[2];
      for (let c = left; c < right; c += dilation[1]) {
        if (c < 0) continue;
        const number = x[line + c]!;
        if (best < 0 || number > most) {
          best = line + c;
          most = number;
        }
      }
    }
    return best;
  }

  reads(region: Region): Region | null {
    return this.windows.reads(region, region[0]!);
  }

  arithmetic(unit: number, [x]: readonly Float32Array[], value: Float32Array, [node]: readonly number[]) {
    const [channel, row, column] = places(unit, this.windows.result) as [number, number, number];
    const reads: Read[] = [];
    this.windows.window(channel, row, column, (at) => {
      if (at !== BORDER) reads.push(read(node!, x!, at));
    });
    const largest = this.largest(x!, channel, row, column);
    const chosen = reads.findIndex((read) => read.unit === largest);
    return { how: "largest" as const, reads, chosen, value: value[unit]! };
  }
}
