// What the engine asks of an operation.

import type { Arithmetic } from "./arithmetic";
import type { Region } from "./region";

/** One node's operation with its weights, made for the shapes of this network. Its functions allocate nothing. */
export interface Layer {
  /** Computes the value from those of the node's inputs. */
  forward(inputs: readonly Float32Array[], value: Float32Array): void;

  /**
   * Adds to the gradients of its inputs what its value's gradient makes of them; those that are null take none.
   * The values are those of the last forward pass.
   */
  backward(
    gradient: Float32Array,
    gradients: readonly (Float32Array | null)[],
    inputs: readonly Float32Array[],
    value: Float32Array,
  ): void;

  /** What a part of the value reads of input `place`; null for nothing. */
  reads(region: Region, place: number): Region | null;

  /** How one number of the value comes about. `nodes` are the indices of the inputs. */
  arithmetic(unit: number, inputs: readonly Float32Array[], value: Float32Array, nodes: readonly number[]): Arithmetic;
}
