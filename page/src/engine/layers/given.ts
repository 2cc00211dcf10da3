// Values from outside: the input, and tensors that no picture changes.

import type { Layer } from "../layer";

export class Given implements Layer {
  /** The value; null for the input, which is laid into its value before each pass. */
  constructor(private readonly constant: Float32Array | null) {}

  forward(_inputs: readonly Float32Array[], value: Float32Array): void {
    if (this.constant) value.set(this.constant);
  }

  backward(): void {}

  reads(): null {
    return null;
  }

  arithmetic(unit: number, _inputs: readonly Float32Array[], value: Float32Array) {
    return { how: "given" as const, value: value[unit]! };
  }
}
