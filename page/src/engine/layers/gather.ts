// Values picked from others, dimension by dimension: slice, permute, pad.

import type { PadNode, PermuteNode, SliceNode } from "../../format";
import { BORDER, read } from "../arithmetic";
import type { Layer } from "../layer";
import type { Range, Region } from "../region";
import { places, size, strides, type Shape } from "../shape";

/** Where a dimension of the value comes from. */
interface Pick {
  /** The dimension of the input. */
  readonly dim: number;
  /** Its index at each index of the value's; `BORDER` for none. */
  readonly indices: readonly number[];
}

export class Gather implements Layer {
  /** The unit of the input at each unit of the value, or `BORDER`. */
  private readonly units: Int32Array;

  private constructor(
    private readonly source: Shape,
    private readonly picks: readonly Pick[],
    /** What stands in the border. */
    private readonly border: number,
  ) {
    const steps = strides(source);
    const shape = picks.map(({ indices }) => indices.length);
    this.units = Int32Array.from({ length: size(shape) }, (_, unit) => {
      const indices = places(unit, shape).map((place, dim) => picks[dim]!.indices[place]!);
      if (indices.includes(BORDER)) return BORDER;
      return indices.reduce((sum, index, dim) => sum + index * steps[picks[dim]!.dim]!, 0);
    });
  }

  static slice({ dim: sliced, start, step, shape }: SliceNode, source: Shape): Gather {
    const picks = shape.map((length, dim): Pick => {
      const indices = Array.from({ length }, (_, at) => (dim === sliced ? start + at * step : at));
      return { dim, indices };
    });
    return new Gather(source, picks, 0);
  }

  static permute({ order }: PermuteNode, source: Shape): Gather {
    const picks = order.map((dim): Pick => ({ dim, indices: Array.from({ length: source[dim]! }, (_, at) => at) }));
    return new Gather(source, picks, 0);
  }

  static pad({ amounts, mode, value }: PadNode, source: Shape): Gather {
    const picks = source.map((size, dim): Pick => {
      const [before, after] = amounts[dim]!;
      const indices = Array.from({ length: before + size + after }, (_, at) => beyond(mode, at - before, size));
      return { dim, indices };
    });
    return new Gather(source, picks, value);
  }

  forward([x]: readonly Float32Array[], value: Float32Array): void {
    const { units, border } = this;
    for (let i = 0; i < units.length; i++) {
      const unit = units[i]!;
      value[i] = unit === BORDER ? border : x![unit]!;
    }
  }

  backward(gradient: Float32Array, [into]: readonly (Float32Array | null)[]): void {
    if (!into) return;
    const { units } = this;
    for (let i = 0; i < units.length; i++) {
      const unit = units[i]!;
      if (unit !== BORDER) into[unit] = into[unit]! + gradient[i]!;
    }
  }

  reads(region: Region): Region | null {
    const seen: Range[] = this.source.map((size) => [0, size]);
    for (const [at, { dim, indices }] of this.picks.entries()) {
      const met = indices.slice(...region[at]!).filter((index) => index !== BORDER);
      if (met.length === 0) return null;
      seen[dim] = [Math.min(...met), Math.max(...met) + 1];
    }
    return seen;
  }

  arithmetic(unit: number, [x]: readonly Float32Array[], value: Float32Array, [node]: readonly number[]) {
    const from = read(node!, x!, this.units[unit]!, this.border);
    return { how: "copy" as const, read: from, value: value[unit]! };
  }
}

/** The index that stands at `at`, which may be beyond a dimension of that size. */
function beyond(mode: PadNode["mode"], at: number, size: number): number {
  const within = (period: number) => ((at % period) + period) % period;
  switch (mode) {
    case "constant":
      return at >= 0 && at < size ? at : BORDER;
    case "edge":
      return Math.min(Math.max(at, 0), size - 1);
    case "wrap":
      return within(size);
    case "reflect": {
      const place = within(Math.max(2 * size - 2, 1));
      return Math.max(Math.min(place, 2 * size - 2 - place), 0);
    }
  }
}
