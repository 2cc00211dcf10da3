// Networks of which PyTorch has said what they compute (oracle.py), and how their numbers are compared.

import assert from "node:assert/strict";

import type { Model } from "../src/format";
import cases from "./cases.json";

export interface Case {
  readonly name: string;
  readonly model: Model;
  /** The node of the operation that the case is about. */
  readonly looked_at: number;
  /** Of each node, the input among them; null where they are those before it in another shape. */
  readonly values: readonly [readonly number[], ...(readonly number[] | null)[]];
  /** The number of the output of which the gradients are. */
  readonly unit: number;
  /** Of each node; null also where there are none. */
  readonly gradients: readonly (readonly number[] | null)[];
}

export const CASES = cases as unknown as readonly Case[];

/** Fails where numbers differ by more than rounding in single precision and to the six digits of the cases. */
export function near(found: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  assert.equal(found.length, expected.length, `${what}: how many numbers`);
  const scale = Math.max(1, ...Array.from(expected, Math.abs));
  for (let at = 0; at < expected.length; at++) {
    const error = Math.abs(found[at]! - expected[at]!);
    assert.ok(error <= 8e-6 * scale, `${what}[${at}] is ${found[at]}, PyTorch has ${expected[at]}`);
  }
}
