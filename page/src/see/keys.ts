// The keyboard in the views: from value to value, and from layer to layer.

import { cellOf, stepped, unitOf, type Grid } from "./tiles";

/** The arrow keys, as steps to the right and down. */
export const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
};

const LAYERS: Readonly<Record<string, number>> = { PageUp: -1, PageDown: 1, Home: -Infinity, End: Infinity };

/** A unit, and which of the layers it is in. */
export interface Spot {
  readonly layer: number;
  readonly unit: number;
}

/** The unit that a key leads to: an arrow within the layer, page up and down to the layers beside it; null for other keys. */
export function led(layers: readonly Grid[], { layer, unit }: Spot, key: string): Spot | null {
  const [from, arrow, by] = [layers[layer], ARROWS[key], LAYERS[key]];
  if (from && arrow) return { layer, unit: stepped(from, unit, ...arrow) };
  if (!from || by === undefined) return null;
  const next = Math.max(0, Math.min(layers.length - 1, layer + by));
  const to = layers[next];
  return to ? { layer: next, unit: likePlace(from, to, unit) } : null;
}

/** The unit of another layer that is at the same place of the picture, in the map of the same number if there is one. */
function likePlace({ shape: from }: Grid, { shape: to }: Grid, unit: number): number {
  const { map, row, column } = cellOf(from, unit);
  const scaled = (at: number, size: number, other: number) => Math.floor(((at + 0.5) * other) / size);
  return unitOf(to, { map: Math.min(map, to[0] - 1), row: scaled(row, from[1], to[1]), column: scaled(column, from[2], to[2]) });
}
