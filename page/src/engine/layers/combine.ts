// Arithmetic between two inputs, value by value.

import type { ArithmeticNode } from "../../format";
import { read, term, type Arithmetic } from "../arithmetic";
import type { Layer } from "../layer";
import type { Region } from "../region";
import { places, size, strides, type Shape } from "../shape";

export class Combine implements Layer {
  /** Of each unit of the value, the unit of each input; null where they are the same. */
  private readonly units: readonly [Int32Array | null, Int32Array | null];
  private readonly by: ArithmeticNode["by"];

  constructor(
    { by, shape }: ArithmeticNode,
    private readonly sources: readonly [Shape, Shape],
  ) {
    this.by = by;
    this.units = [repeated(sources[0], shape), repeated(sources[1], shape)];
  }

  forward([a, b]: readonly Float32Array[], value: Float32Array): void {
    const [first, second] = this.units;
    const { by } = this;
    if (by === "add" && first === null && second === null) {
      for (let i = 0; i < value.length; i++) value[i] = a![i]! + b![i]!;
      return;
    }
    for (let i = 0; i < value.length; i++) {
      value[i] = combined(by, a![first ? first[i]! : i]!, b![second ? second[i]! : i]!);
    }
  }

  backward(
    gradient: Float32Array,
    into: readonly (Float32Array | null)[],
    [a, b]: readonly Float32Array[],
  ): void {
    for (let input = 0; input < 2; input++) {
      const out = into[input];
      if (!out) continue;
      const [first, second] = this.units;
      const own = this.units[input];
      if (this.by === "add" && !own) {
        for (let i = 0; i < gradient.length; i++) out[i] = out[i]! + gradient[i]!;
        continue;
      }
      for (let i = 0; i < gradient.length; i++) {
        const at = own ? own[i]! : i;
        const slope = slopeOf(this.by, input, a![first ? first[i]! : i]!, b![second ? second[i]! : i]!);
        out[at] = out[at]! + gradient[i]! * slope;
      }
    }
  }

  reads(region: Region, place: number): Region {
    const source = this.sources[place]!;
    const missing = region.length - source.length;
    return source.map((size, dim) => (size === 1 ? [0, 1] : region[dim + missing]!));
  }

  arithmetic(
    unit: number,
    inputs: readonly Float32Array[],
    values: Float32Array,
    nodes: readonly number[],
  ): Arithmetic {
    const value = values[unit]!;
    const [a, b] = [0, 1].map((i) => read(nodes[i]!, inputs[i]!, this.units[i]?.[unit] ?? unit));
    switch (this.by) {
      case "add":
        return { how: "sum", terms: [term(a!, 1), term(b!, 1)], bias: 0, value };
      case "sub":
        return { how: "sum", terms: [term(a!, 1), term(b!, -1)], bias: 0, value };
      case "mul":
        return { how: "sum", terms: [term(a!, b!.value)], bias: 0, value };
      case "div":
        return { how: "sum", terms: [term(a!, 1 / b!.value)], bias: 0, value };
      case "max":
        return { how: "largest", reads: [a!, b!], chosen: a!.value >= b!.value ? 0 : 1, value };
      case "min":
        return { how: "smallest", reads: [a!, b!], chosen: a!.value <= b!.value ? 0 : 1, value };
    }
  }
}

/** The unit of `source` that stands at each unit of `shape`, over which it is repeated. */
function repeated(source: Shape, shape: Shape): Int32Array | null {
  if (size(source) === size(shape)) return null;
  const missing = shape.length - source.length;
  const steps = strides(source).map((stride, dim) => (source[dim] === 1 ? 0 : stride));
  const unit = (at: number) =>
    places(at, shape).slice(missing).reduce((sum, place, dim) => sum + place * steps[dim]!, 0);
  return Int32Array.from({ length: size(shape) }, (_, at) => unit(at));
}

function combined(by: ArithmeticNode["by"], a: number, b: number): number {
  switch (by) {
    case "add": return a + b;
    case "sub": return a - b;
    case "mul": return a * b;
    case "div": return a / b;
    case "max": return Math.max(a, b);
    case "min": return Math.min(a, b);
  }
}

/** By how much the result grows with one of the two; of two alike each has half the maximum. */
function slopeOf(by: ArithmeticNode["by"], input: number, a: number, b: number): number {
  const [own, other] = input === 0 ? [a, b] : [b, a];
  switch (by) {
    case "add": return 1;
    case "sub": return input === 0 ? 1 : -1;
    case "mul": return other;
    case "div": return input === 0 ? 1 / b : -a / (b * b);
    case "max": return own > other ? 1 : own === other ? 0.5 : 0;
    case "min": return own < other ? 1 : own === other ? 0.5 : 0;
  }
}
