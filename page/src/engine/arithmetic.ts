// How one number comes about, with all that goes into it.

/** A number that is read: the value of a unit of a node. */
export interface Read {
  /** The node's index. */
  readonly node: number;
  /** The unit's index in the node's value; `BORDER` in the border around it. */
  readonly unit: number;
  readonly value: number;
}

/** The unit of what stands beyond a value's border. */
export const BORDER = -1;

/** One term of a sum. */
export interface Term extends Read {
  readonly factor: number;
  /** value · factor */
  readonly product: number;
}

export type Arithmetic =
  /** Given from outside: the input, a constant. */
  | { readonly how: "given"; readonly value: number }
  /** Another value, unchanged. */
  | { readonly how: "copy"; readonly read: Read; readonly value: number }
  /** The products of all terms and the bias, added. */
  | { readonly how: "sum"; readonly terms: readonly Term[]; readonly bias: number; readonly value: number }
  /** One of those read: `reads[chosen]`. */
  | {
      readonly how: "largest" | "smallest";
      readonly reads: readonly Read[];
      readonly chosen: number;
      readonly value: number;
    }
  /** A function of one value; `text` says which: `max(x, 0)`. */
  | { readonly how: "function"; readonly text: string; readonly read: Read; readonly value: number }
  /** e^reads[of] / Σ e^reads, or the logarithm of that. Before, `largest` was taken from each, which cancels. */
  | {
      readonly how: "softmax" | "log_softmax";
      readonly reads: readonly Read[];
      readonly of: number;
      readonly largest: number;
      /** e^(value − largest) of each. */
      readonly exponentials: readonly number[];
      /** Of the exponentials. */
      readonly total: number;
      readonly value: number;
    };

/** A unit of a node, or its border, which holds `border`. */
export function read(node: number, values: Float32Array, unit: number, border = 0): Read {
  return { node, unit, value: unit === BORDER ? border : values[unit]! };
}

/** A term of a sum. */
export function term(read: Read, factor: number): Term {
  return { ...read, factor, product: read.value * factor };
}
