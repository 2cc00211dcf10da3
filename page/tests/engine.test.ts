// Values, gradients, arithmetic and receptive fields of every operation.

import assert from "node:assert/strict";
import test from "node:test";

import { BORDER, arithmetic, Engine, receptive, type Arithmetic, type Region } from "../src/engine/index";
import { places } from "../src/engine/shape";
import { CASES, near, type Case } from "./cases";

function ran({ model, values: [input] }: Case): Engine {
  const engine = new Engine(model);
  engine.run(Float32Array.from(input));
  return engine;
}

for (const example of CASES) {
  test(`values: ${example.name}`, () => {
    const engine = ran(example);
    example.values.forEach((value, at) => value && near(engine.values[at]!, value, example.model.nodes[at]!.name));
  });

  test(`gradients: ${example.name}`, () => {
    const engine = ran(example);
    // A second time, over what the first has left.
    for (let time = 0; time < 2; time++) engine.backward(example.model.output.node, example.unit);
    example.gradients.forEach((gradient, at) => {
      const found = engine.gradients[at];
      const { name, op } = example.model.nodes[at]!;
      if (gradient) near(found!, gradient, name);
      else assert.equal(found === null, op === "constant", name);
    });
  });

  test(`arithmetic: ${example.name}`, () => {
    const engine = ran(example);
    example.model.nodes.forEach(({ name }, node) => {
      engine.values[node]!.forEach((value, unit) => {
        const found = arithmetic(engine, node, unit);
        assert.equal(found.value, value, name);
        for (const read of readsOf(found)) {
          assert.ok(read.unit === BORDER || engine.values[read.node]![read.unit] === read.value, name);
        }
        const [result, rounding] = computed(found);
        const error = Math.abs(result - value);
        assert.ok(error <= rounding, `${name}[${unit}]: ${result} from the terms, ${value} in the network`);
      });
    });
  });

  test(`receptive fields: ${example.name}`, () => {
    const engine = ran(example);
    const node = example.looked_at;
    const { nodes } = example.model;
    const units = engine.values[node]!.length;
    for (let unit = 0; unit < units; unit += Math.ceil(units / 12)) {
      const seen = receptive(engine, node, unit);
      engine.backward(node, unit);
      nodes.forEach(({ name, shape, op }, at) => {
        const gradient = engine.gradients[at];
        if (!gradient || op === "constant") return;
        const met = box(gradient, shape);
        const region = seen[at] ?? null;
        if (met) assert.ok(region && contains(region, met), `${name}: ${text(region)} without ${text(met)}`);
        // Where every number that is read has a gradient, nothing more may be seen.
        if (nodes.every(isSmooth)) assert.deepEqual(region, met, name);
      });
    }
  });
}

/** The numbers that an arithmetic reads. */
function readsOf(found: Arithmetic) {
  if ("terms" in found) return found.terms;
  if ("reads" in found) return found.reads;
  return "read" in found ? [found.read] : [];
}

/** What an arithmetic's numbers make, and by how much the network's may differ for rounding. */
function computed(found: Arithmetic): [number, number] {
  switch (found.how) {
    case "given":
    case "function":
      return [found.value, 0];
    case "copy":
      return [found.read.value, 0];
    case "sum": {
      const sum = found.terms.reduce((sum, { value, factor }) => sum + value * factor, found.bias);
      const sizes = found.terms.reduce((sum, { product }) => sum + Math.abs(product), Math.abs(found.bias));
      return [sum, 1e-6 * sizes];
    }
    case "largest":
    case "smallest": {
      const extreme = found.how === "largest" ? Math.max : Math.min;
      assert.equal(found.reads[found.chosen]!.value, found.value);
      return [extreme(...found.reads.map(({ value }) => value)), 0];
    }
    case "softmax":
      return [found.exponentials[found.of]! / found.total, 1e-6];
    case "log_softmax":
      return [found.reads[found.of]!.value - found.largest - Math.log(found.total), 1e-5];
  }
}

/** The smallest region that has all numbers but 0. */
function box(gradient: Float32Array, shape: readonly number[]): Region | null {
  let met: [number, number][] | null = null;
  gradient.forEach((value, unit) => {
    if (value === 0) return;
    const at = places(unit, shape);
    met = at.map((place, dim) => {
      const [from, to] = met?.[dim] ?? [place, place + 1];
      return [Math.min(from, place), Math.max(to, place + 1)];
    });
  });
  return met;
}

function contains(region: Region, part: Region): boolean {
  return region.every(([from, to], dim) => from <= part[dim]![0] && part[dim]![1] <= to);
}

/** Whether each number that it reads changes its value, however little. */
function isSmooth({ op, ...node }: Case["model"]["nodes"][number]): boolean {
  if (op === "pointwise") return "function" in node && ["exp", "tanh", "sigmoid", "scale"].includes(node.function.name);
  if (op === "reduce" || op === "arithmetic") return "by" in node && !["max", "min"].includes(node.by);
  return op !== "max_pool" && op !== "prelu";
}

function text(region: Region | null): string {
  return JSON.stringify(region);
}
