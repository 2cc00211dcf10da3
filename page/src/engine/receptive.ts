// What one unit sees of all that was computed before it.

import type { Engine } from "./engine";
import { point, union, type Region } from "./region";

/**
 * Of each node, the region that the unit sees, border left out; null for nothing. Outside it nothing changes the unit.
 * It is a box around all that is read: where branches meet, behind dilated kernels or reshaped, it may also hold
 * numbers between those.
 */
export function receptive({ model, layers }: Engine, node: number, unit: number): (Region | null)[] {
  const seen: (Region | null)[] = model.nodes.map(() => null);
  seen[node] = point(unit, model.nodes[node]!.shape);
  for (let at = node; at > 0; at--) {
    const region = seen[at];
    if (!region) continue;
    model.nodes[at]!.inputs.forEach((input, place) => {
      seen[input] = union(seen[input] ?? null, layers[at]!.reads(region, place));
    });
  }
  return seen;
}

/** How one number of a node's last value came about. */
export function arithmetic({ model, layers, values }: Engine, node: number, unit: number) {
  const { inputs } = model.nodes[node]!;
  return layers[node]!.arithmetic(unit, inputs.map((input) => values[input]!), values[node]!, inputs);
}
