// A ReLU with a learned slope of negative values.

import { read } from "../arithmetic";
import type { Layer } from "../layer";
import type { Region } from "../region";

export class PRelu implements Layer {
  constructor(private readonly slopes: Float32Array) {}

  forward([x]: readonly Float32Array[], value: Float32Array): void {
    for (let i = 0; i < value.length; i++) {
      const number = x![i]!;
      value[i] = number > 0 ? number : number * this.slope(i, value.length);
    }
  }

  backward(
    gradient: Float32Array,
    [into]: readonly (Float32Array | null)[],
    [x]: readonly Float32Array[],
  ): void {
    if (!into) return;
    for (let i = 0; i < gradient.length; i++) {
      into[i] = into[i]! + gradient[i]! * (x![i]! > 0 ? 1 : this.slope(i, gradient.length));
    }
  }

  /** Of the unit's channel. */
  private slope(unit: number, units: number): number {
    return this.slopes[Math.floor((unit * this.slopes.length) / units)]!;
  }

  reads(region: Region): Region {
    return region;
  }

  arithmetic(unit: number, [x]: readonly Float32Array[], value: Float32Array, [node]: readonly number[]) {
    const slope = Number(this.slope(unit, value.length).toPrecision(4));
    const text = `x if x > 0, else ${slope}·x`;
    return { how: "function" as const, text, read: read(node!, x!, unit), value: value[unit]! };
  }
}
