// How a value comes about, step by step: from the sum of products through norms and functions to what is shown.

import { arithmetic, type Arithmetic } from "../engine/index";
import type { Model } from "../format";
import { fixed } from "./numbers";

export interface Step {
  readonly node: number;
  readonly unit: number;
  readonly how: Arithmetic;
}

/** More terms than that are a sum of products with grids of its own, not a line. */
const FEW = 4;

/** The steps that lead to a unit, the first one first; at most those of its row, `nodes`. */
export function chainOf(engine: Parameters<typeof arithmetic>[0], node: number, unit: number, nodes: readonly number[]): Step[] {
  const steps: Step[] = [];
  let at: { readonly node: number; readonly unit: number } | null = { node, unit };
  while (at) {
    const how: Arithmetic = arithmetic(engine, at.node, at.unit);
    steps.unshift({ ...at, how });
    at = before(how, nodes);
  }
  return steps;
}

/** The unit that this one makes something of, if it belongs to the same row. */
function before(how: Arithmetic, nodes: readonly number[]): { node: number; unit: number } | null {
  const reads = readsOf(how);
  const own = reads.filter(({ node, unit }) => nodes.includes(node) && unit >= 0);
  return own.length === 1 && own[0] ? own[0] : null;
}

function readsOf(how: Arithmetic) {
  switch (how.how) {
    case "copy":
    case "function": return [how.read];
    case "sum": return how.terms.length <= FEW ? how.terms : [];
    case "softmax":
    case "log_softmax": return how.reads.slice(how.of, how.of + 1);
    default: return [];
  }
}

/** Whether this is a sum or a choice that is shown as grids. */
export function hasGrids({ how }: Step): boolean {
  return (how.how === "sum" && how.terms.length > FEW) || how.how === "largest" || how.how === "smallest";
}

/** All numbers that the steps' lines show. */
export function numbersOf(steps: readonly Step[]): number[] {
  return steps.flatMap(({ how }) => [how.value, ...(how.how === "sum" ? [how.bias] : [])]);
}

/** A step's calculation in one line, without its result. */
export function lineOf(model: Model, { how }: Step, decimals: number): string {
  const text = (value: number) => fixed(value, decimals);
  switch (how.how) {
    case "given": return "given";
    case "copy": return "the same value";
    case "sum": {
      if (how.terms.length > FEW) {
        const products = how.terms.reduce((sum, { product }) => sum + product, 0);
        return `${how.terms.length} products: ${text(products)}${how.bias === 0 ? "" : plus(how.bias, decimals)}`;
      }
      const terms = how.terms.map(({ value, factor }) => (factor === 1 ? text(value) : `${text(value)} × ${fixed(factor, 4)}`));
      return joined(terms) + (how.bias === 0 ? "" : plus(how.bias, decimals));
    }
    case "largest": return `the largest of ${how.reads.length}`;
    case "smallest": return `the smallest of ${how.reads.length}`;
    case "function": return how.text.replace(/\bx\b/g, text(how.read.value));
    case "softmax":
    case "log_softmax": {
      const share = `e^${text(how.reads[how.of]?.value ?? NaN)} / sum over ${how.reads.length} ${model.classes.length === how.reads.length ? "classes" : "values"}`;
      return how.how === "softmax" ? share : `ln(${share})`;
    }
  }
}

function plus(value: number, decimals: number): string {
  return value < 0 ? ` − ${fixed(-value, decimals)} bias` : ` + ${fixed(value, decimals)} bias`;
}

function joined(terms: readonly string[]): string {
  return terms.reduce((line, term) => (line === "" ? term : term.startsWith("−") ? `${line} − ${term.slice(1)}` : `${line} + ${term}`), "");
}
