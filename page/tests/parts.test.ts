// What stands around the network: weights, pictures, explanations, the slow convolution.

import assert from "node:assert/strict";
import test from "node:test";

import type { Input, Model } from "../src/format";
import {
  arithmetic, BORDER, bytesOfPixels, camAt, convolutionSteps, decodeBytes, Engine, normalize, probabilities, salient,
} from "../src/engine/index";
import { decode } from "../src/engine/weights";
import { digits, randomParameters } from "./build";
import { CASES, near } from "./cases";

const rgb: Input = {
  channels: 3, height: 1, width: 2, mean: [0.5, 0.4, 0.3], std: [0.2, 0.25, 0.5],
  drawing: { paper: [255, 255, 255], ink: [0, 0, 0], centering: "none" },
};

function engineOf(name: string): Engine {
  const found = CASES.find((example) => example.name.startsWith(name))!;
  const engine = new Engine(found.model);
  engine.run(Float32Array.from(found.values[0]));
  return engine;
}

test("integers with scales, little-endian", () => {
  const bytes = new Uint8Array([1, 0, 255, 255, 0, 128, 2, 1, 0, 0, 0, 63, 0, 0, 128, 191]);
  const values = decode(bytes, { shape: [2, 2], offset: 0, scales: 8 });
  assert.deepEqual([...values], [0.5, -0.5, 32768, -258]);
  assert.deepEqual([...decode(bytes, { shape: [2], offset: 8 })], [0.5, -1]);
});

test("base64 is bytes", () => {
  assert.deepEqual([...decodeBytes("AH//gA==")], [0, 127, 255, 128]);
});

test("bytes are normalized channel by channel", () => {
  const into = new Float32Array(6);
  normalize(rgb, new Uint8Array([0, 255, 51, 102, 153, 204]), into);
  near(into, [-2.5, 2.5, -0.8, 0, 0.6, 1], "input");
  normalize({ ...rgb, mean: [], std: [] }, new Uint8Array([0, 255, 51, 102, 153, 204]), into);
  near(into, [0, 1, 0.2, 0.4, 0.6, 0.8], "without normalization");
});

test("pixels become bytes, gray ones by luma, transparent ones the paper", () => {
  const pixels = [255, 0, 0, 255, 10, 20, 30, 0];
  assert.deepEqual([...bytesOfPixels(rgb, pixels)], [255, 255, 0, 255, 0, 255]);
  const gray = { ...rgb, channels: 1, drawing: { ...rgb.drawing, paper: [7] } };
  assert.deepEqual([...bytesOfPixels(gray, pixels)], [76, 7]);
});

test("probabilities by what the output is", () => {
  const engine = engineOf("linear of rows");
  const [a, b] = engine.values[engine.model.output.node]!;
  const of = (kind: Model["output"]["kind"]) => {
    const model = { ...engine.model, output: { ...engine.model.output, kind } };
    return [...probabilities({ ...engine, model, values: engine.values } as Engine)];
  };
  near(of("logits"), [1 / (1 + Math.exp(b! - a!)), 1 / (1 + Math.exp(a! - b!))], "softmax");
  assert.deepEqual(of("independent"), [a, b]);
  near(of("log-probabilities"), [Math.exp(a!), Math.exp(b!)], "exp");
});

test("saliency is the largest gradient of a pixel's channels", () => {
  for (const { model, values, gradients, unit } of CASES.slice(-3)) {
    const engine = new Engine(model);
    engine.run(Float32Array.from(values[0]));
    const [channels, places] = [model.input.channels, model.input.height * model.input.width];
    const expected = Array.from({ length: places }, (_, at) =>
      Math.max(...Array.from({ length: channels }, (_, c) => Math.abs(gradients[0]![c * places + at]!))),
    );
    engine.backward(model.output.node, unit);
    near(salient(engine), expected, "saliency");
  }
});

test("Grad-CAM weights channels by their mean gradient", () => {
  const { model, values, gradients, unit } = CASES.find(({ name }) => name === "an inception block")!;
  const engine = new Engine(model);
  engine.run(Float32Array.from(values[0]));
  const node = model.nodes.findIndex(({ op }) => op === "concat");
  const [channels, height, width] = model.nodes[node]!.shape as [number, number, number];
  const places = height * width;
  const expected = new Array<number>(places).fill(0);
  for (let c = 0; c < channels; c++) {
    const own = gradients[node]!.slice(c * places, (c + 1) * places);
    const mean = own.reduce((sum, value) => sum + value, 0) / places;
    for (let at = 0; at < places; at++) expected[at] = expected[at]! + mean * values[node]![c * places + at]!;
  }
  engine.backward(model.output.node, unit, node);
  near(camAt(engine, node), expected.map((value) => Math.max(value, 0)), "map");
  assert.equal(engine.gradients[0], null);
});

test("a slow convolution does what the fast one did, border and all", () => {
  for (const { name, model, values } of CASES.filter(({ name }) => name.startsWith("convolution of"))) {
    const engine = new Engine(model);
    engine.run(Float32Array.from(values[0]));
    const [channels, rows, columns] = model.nodes[1]!.shape as [number, number, number];
    for (let channel = 0; channel < channels; channel++) {
      const steps = convolutionSteps(engine, 1, channel)!;
      assert.equal(steps.places, rows * columns);
      for (let place = 0; place < steps.places; place++) {
        const unit = channel * steps.places + place;
        const step = steps.step(place);
        assert.equal(step.value, engine.values[1]![unit]);
        assert.ok(Math.abs(step.sum + steps.bias - step.value) < 1e-4, `${name}: ${step.sum} and ${step.value}`);
        const terms = arithmetic(engine, 1, unit);
        assert.ok(terms.how === "sum");
        assert.deepEqual([...step.units], terms.terms.map(({ unit }) => unit));
        assert.deepEqual([...step.products], terms.terms.map(({ product }) => product));
        const { height, width } = model.input;
        const inside = step.top >= 0 && step.top < height && step.left >= 0 && step.left < width;
        const corner = (steps.channels[0] * height + step.top) * width + step.left;
        assert.equal(step.units[0], inside ? corner : BORDER);
      }
    }
  }
  assert.equal(convolutionSteps(engineOf("relu"), 1, 0), null);
});

test("a pause after each node, and the same values", () => {
  const model = digits(randomParameters());
  const [whole, paused] = [new Engine(model), new Engine(model)];
  const input = Float32Array.from({ length: 784 }, (_, at) => Math.sin(at));
  whole.run(input);
  assert.deepEqual([...paused.steps(input)], model.nodes.map((_, at) => at));
  assert.deepEqual(paused.values, whole.values);
  whole.backward(model.output.node, 3);
  for (const _ of paused.stepsBack(model.output.node, 3));
  assert.deepEqual(paused.gradients, whole.gradients);
});

test("a model of another format, or with an unknown operation, is refused with a sentence", () => {
  const model = digits(randomParameters());
  assert.throws(() => new Engine({ ...model, format: 2 }), /format 1, this one has 2/);
  const strange = [{ ...model.nodes[0]!, op: "<b>" }] as unknown as Model["nodes"];
  assert.throws(() => new Engine({ ...model, nodes: strange }), /no operation "<b>"/);
});
