// Windows that move over a picture: of convolutions and of maximum pooling.

import type { Pair, Sides } from "../format";
import { BORDER } from "./arithmetic";
import type { Range, Region } from "./region";
import { three, type Shape } from "./shape";

export class Windows {
  /** Channels, height and width of what is read and of what is computed. */
  readonly source: readonly [number, number, number];
  readonly result: readonly [number, number, number];

  constructor(
    name: string,
    source: Shape,
    result: Shape,
    readonly kernel: Pair,
    readonly stride: Pair,
    readonly padding: Sides,
    readonly dilation: Pair,
  ) {
    this.source = three(source, name);
    this.result = three(result, name);
  }

  /** The row (`d` = 0) or column with which a window begins; negative in the border. */
  first(d: 0 | 1, place: number): number {
    return place * this.stride[d] - this.padding[d][0];
  }

  /** Calls back for each place of a window in one channel, row by row, with its unit or `BORDER`. */
  window(channel: number, row: number, column: number, each: (unit: number, row: number, column: number) => void): void {
    const { kernel, dilation, source } = this;
    const [top, left] = [this.first(0, row), this.first(1, column)];
    for (let r = 0; r < kernel[0]; r++) {
      for (let c = 0; c < kernel[1]; c++) {
        const [y, x] = [top + r * dilation[0], left + c * dilation[1]];
        const inside = y >= 0 && y < source[1] && x >= 0 && x < source[2];
        each(inside ? (channel * source[1] + y) * source[2] + x : BORDER, r, c);
      }
    }
  }

  /** What the windows of a region's rows and columns see, in these channels. */
  reads(region: Region, channels: Range): Region | null {
    const rows = this.range(0, region[1]!);
    const columns = this.range(1, region[2]!);
    return rows && columns && [channels, rows, columns];
  }

  /** The rows or columns that windows from one place to another have, without the border. */
  private range(d: 0 | 1, [from, to]: Range): Range | null {
    let range: Range | null = null;
    for (let place = from; place < to; place++) {
      for (let tap = 0; tap < this.kernel[d]; tap++) {
        const at = this.first(d, place) + tap * this.dilation[d];
        if (at < 0 || at >= this.source[d + 1]!) continue;
        range = range ? [Math.min(range[0], at), Math.max(range[1], at + 1)] : [at, at + 1];
      }
    }
    return range;
  }
}
