// The terms of a sum as grids: for each map that it reads, the values, the weights and the products, as they lie.

import { BORDER, type Term } from "../engine/index";
import type { Model } from "../format";
import { mapsShape } from "./rows";

/** The terms that read one map. */
export interface TermMap {
  /** Its number; −1 if there are no maps but one row of numbers. */
  readonly map: number;
  readonly rows: number;
  readonly columns: number;
  readonly terms: readonly Term[];
  /** Of the products. */
  readonly sum: number;
}

/** The node whose maps a node's numbers are, if it only arranges them anew. */
export function sourceOf(model: Model, node: number): number {
  let at = node;
  for (;;) {
    const { op, inputs } = model.nodes[at] ?? { op: "input", inputs: [] };
    const before = inputs[0];
    if ((op !== "reshape" && op !== "identity") || before === undefined) return at;
    at = before;
  }
}

/** The terms of a unit of `node`, by the map that they read; in the maps' order. */
export function termMaps(model: Model, node: number, terms: readonly Term[]): TermMap[] {
  const reader = model.nodes[node];
  if (!reader || terms.length === 0) return [];
  const [rows, columns, firstMap] = windowOf(model, node, terms);
  const size = rows * columns;
  const maps: TermMap[] = [];
  for (let start = 0; start < terms.length; start += size) {
    const part = terms.slice(start, start + size);
    const sum = part.reduce((total, { product }) => total + product, 0);
    maps.push({ map: firstMap < 0 ? -1 : firstMap + start / size, rows, columns, terms: part, sum });
  }
  return maps;
}

/** The height and width of what is read of each map, and the first map; −1 where what is read has none. */
function windowOf(model: Model, node: number, terms: readonly Term[]): readonly [number, number, number] {
  const reader = model.nodes[node];
  const read = sourceOf(model, reader?.inputs[0] ?? 0);
  const [, height, width] = mapsShape(model.nodes[read]?.shape ?? []);
  const inside = terms.find(({ unit }) => unit !== BORDER);
  const map = Math.floor((inside?.unit ?? 0) / Math.max(1, height * width));
  if (reader?.op === "conv2d") {
    const [, , kernelHeight = 1, kernelWidth = 1] = reader.weight.shape;
    const position = terms.indexOf(inside as Term);
    return [kernelHeight, kernelWidth, map - Math.floor(Math.max(0, position) / (kernelHeight * kernelWidth))];
  }
  if (height * width > 1 && terms.length % (height * width) === 0) return [height, width, 0];
  // One row of numbers is folded to be seen at once.
  const wide = Math.max(1, Math.ceil(Math.sqrt(terms.length * 2)));
  return [Math.ceil(terms.length / wide), wide, -1];
}
