// A function of each value by itself.

import type { PointwiseFunction } from "../../format";
import { read } from "../arithmetic";
import { curve, type Curve } from "../functions";
import type { Layer } from "../layer";
import type { Region } from "../region";

export class Pointwise implements Layer {
  private readonly curve: Curve;
  private readonly isRelu: boolean;

  constructor(f: PointwiseFunction) {
    this.curve = curve(f);
    this.isRelu = f.name === "relu";
  }

  forward([x]: readonly Float32Array[], value: Float32Array): void {
    if (this.isRelu) return relu(x!, value);
    const { at } = this.curve;
    for (let i = 0; i < value.length; i++) value[i] = at(x![i]!);
  }

  backward(
    gradient: Float32Array,
    [into]: readonly (Float32Array | null)[],
    [x]: readonly Float32Array[],
  ): void {
    if (!into) return;
    if (this.isRelu) return reluBackward(gradient, x!, into);
    const { slope } = this.curve;
    for (let i = 0; i < gradient.length; i++) into[i] = into[i]! + gradient[i]! * slope(x![i]!);
  }

  reads(region: Region): Region {
    return region;
  }

  arithmetic(unit: number, [x]: readonly Float32Array[], value: Float32Array, [node]: readonly number[]) {
    const { text } = this.curve;
    return { how: "function" as const, text, read: read(node!, x!, unit), value: value[unit]! };
  }
}

// A call for each number would take as long as a convolution.
function relu(x: Float32Array, value: Float32Array): void {
  for (let i = 0; i < value.length; i++) {
    const number = x[i]!;
    value[i] = number > 0 ? number : 0;
  }
}

function reluBackward(gradient: Float32Array, x: Float32Array, into: Float32Array): void {
  for (let i = 0; i < gradient.length; i++) {
    if (x[i]! > 0) into[i] = into[i]! + gradient[i]!;
  }
}
