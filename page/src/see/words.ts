// What is said of units and classes.

import { mapsShape } from "./rows";
import { short } from "./numbers";
import type { Scene } from "./scene";
import { cellOf } from "./tiles";

/** A class's name, or its number where it has none. */
export function className(scene: Scene, index: number): string {
  return scene.model.classes[index] ?? `class ${index}`;
}

/** A name where there is little room. */
export function shortened(name: string, most = 18): string {
  const characters = [...name];
  return characters.length > most ? `${characters.slice(0, most - 1).join("")}…` : name;
}

/** The name of the layer that shows a node: a row's own, else the node's. */
function layerName(scene: Scene, node: number): string {
  return scene.rows.find((row) => row.node === node)?.name ?? scene.model.nodes[node]?.name ?? "";
}

/** Where a unit is: `conv1, map 3, row 4, column 5`. */
export function placeText(scene: Scene, node: number, unit: number): string {
  const shape = scene.model.nodes[node]?.shape ?? [];
  const name = layerName(scene, node);
  if (node === scene.model.output.node) return `${name}, ${className(scene, unit)}`;
  if (shape.length === 1) return `${name}, unit ${unit}`;
  const { map, row, column } = cellOf(mapsShape(shape), unit);
  const channel = node === 0 && shape[0] === 1 ? "" : `, map ${map}`;
  return `${name}${channel}, row ${row}, column ${column}`;
}

export function unitText(scene: Scene, node: number, unit: number): string {
  return `${placeText(scene, node, unit)}: ${short(scene.values(node)[unit] ?? NaN)}`;
}
