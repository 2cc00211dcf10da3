// Parts of values: a range along each dimension.

import { places, type Shape } from "./shape";

/** From the first index to the one behind the last. */
export type Range = readonly [number, number];

/** One range for each dimension of a value, within it and not empty. */
export type Region = readonly Range[];

/** The region of one unit. */
export function point(unit: number, shape: Shape): Region {
  return places(unit, shape).map((at) => [at, at + 1]);
}

/** The smallest region that has both. */
export function union(a: Region | null, b: Region | null): Region | null {
  if (a === null || b === null) return a ?? b;
  return a.map(([from, to], dim) => [Math.min(from, b[dim]![0]), Math.max(to, b[dim]![1])]);
}

/** The same region with another range along one dimension. */
export function along(region: Region, dim: number, range: Range): Region {
  return region.map((own, at) => (at === dim ? range : own));
}

/** A region of `to` that has all numbers of `region`, if they lie in the same order in both: the smallest, mostly. */
export function reshaped(region: Region, from: Shape, to: Shape): Region {
  // Dimensions at the end that both have stay as they are.
  let same = 0;
  while (same < Math.min(from.length, to.length) && from[from.length - 1 - same] === to[to.length - 1 - same]) same++;
  const [before, after] = [from.length - same, to.length - same];
  const unit = (side: (range: Range) => number) =>
    region.slice(0, before).reduce((unit, range, dim) => unit * from[dim]! + side(range), 0);
  const first = places(unit(([from]) => from), to.slice(0, after));
  const last = places(unit(([, to]) => to - 1), to.slice(0, after));
  // Behind the first dimension in which the two differ, everything may be met.
  const differs = first.findIndex((at, dim) => at !== last[dim]);
  const ranges = first.map((at, dim): Range => (differs >= 0 && dim > differs ? [0, to[dim]!] : [at, last[dim]! + 1]));
  return [...ranges, ...region.slice(before)];
}
