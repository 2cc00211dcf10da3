// The mean of each window, at places that are given or as many as give an output size.

import type { AvgPoolNode } from "../../format";
import { read, term, type Term } from "../arithmetic";
import type { Layer } from "../layer";
import type { Range, Region } from "../region";
import { places, three, type Shape } from "../shape";

/** The rows or columns of one window: those within the picture, and how many count in the mean. */
interface Span {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

export class AvgPool implements Layer {
  private readonly source: readonly [number, number, number];
  private readonly result: readonly [number, number, number];

  private constructor(
    name: string,
    source: Shape,
    result: Shape,
    private readonly rows: readonly Span[],
    private readonly columns: readonly Span[],
  ) {
    this.source = three(source, name);
    this.result = three(result, name);
  }

  /** Windows of one size. */
  static fixed({ name, shape, kernel, stride, padding, count_padding }: AvgPoolNode, source: Shape): AvgPool {
    const spans = (d: 0 | 1) => {
      const size = source[d + 1]!;
      return Array.from({ length: shape[d + 1]! }, (_, at): Span => {
        const first = at * stride[d] - padding[d][0];
        const [from, to] = [Math.max(first, 0), Math.min(first + kernel[d], size)];
        const end = Math.min(first + kernel[d], size + padding[d][1]);
        return { from, to, count: count_padding ? end - first : to - from };
      });
    };
    return new AvgPool(name, source, shape, spans(0), spans(1));
  }

  /** As many windows as the node's shape says; neighbors may share a row. */
  static adaptive(name: string, source: Shape, shape: Shape): AvgPool {
    const spans = (d: 0 | 1) => {
      const [size, windows] = [source[d + 1]!, shape[d + 1]!];
      return Array.from({ length: windows }, (_, at): Span => {
        const [from, to] = [Math.floor((at * size) / windows), Math.ceil(((at + 1) * size) / windows)];
        return { from, to, count: to - from };
      });
    };
    return new AvgPool(name, source, shape, spans(0), spans(1));
  }

  forward([x]: readonly Float32Array[], value: Float32Array): void {
    const [, height, width] = this.source;
    for (let at = 0, channel = 0; channel < this.result[0]; channel++) {
      for (const rows of this.rows) {
        for (const columns of this.columns) {
          let sum = 0;
          for (let row = rows.from; row < rows.to; row++) {
            const line = (channel * height + row) * width;
            for (let column = columns.from; column < columns.to; column++) sum += x![line + column]!;
          }
          value[at++] = sum / (rows.count * columns.count);
        }
      }
    }
  }

  backward(gradient: Float32Array, [into]: readonly (Float32Array | null)[]): void {
    if (!into) return;
    const [, height, width] = this.source;
    for (let at = 0, channel = 0; channel < this.result[0]; channel++) {
      for (const rows of this.rows) {
        for (const columns of this.columns) {
          const share = gradient[at++]! / (rows.count * columns.count);
          for (let row = rows.from; row < rows.to; row++) {
            const line = (channel * height + row) * width;
            for (let column = columns.from; column < columns.to; column++) {
              into[line + column] = into[line + column]! + share;
            }
          }
        }
      }
    }
  }

  reads(region: Region): Region {
    const range = (spans: readonly Span[], [from, to]: Range): Range => [spans[from]!.from, spans[to - 1]!.to];
    return [region[0]!, range(this.rows, region[1]!), range(this.columns, region[2]!)];
  }

  arithmetic(unit: number, [x]: readonly Float32Array[], value: Float32Array, [node]: readonly number[]) {
    const [channel, row, column] = places(unit, this.result) as [number, number, number];
    const [rows, columns] = [this.rows[row]!, this.columns[column]!];
    const factor = 1 / (rows.count * columns.count);
    const terms: Term[] = [];
    for (let y = rows.from; y < rows.to; y++) {
      for (let c = columns.from; c < columns.to; c++) {
        const at = (channel * this.source[1] + y) * this.source[2] + c;
        terms.push(term(read(node!, x!, at), factor));
      }
    }
    return { how: "sum" as const, terms, bias: 0, value: value[unit]! };
  }
}
