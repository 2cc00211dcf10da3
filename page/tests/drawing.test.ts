// What the drawing pad gives: the crate's digits network must know it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { draw, Engine, normalize, probabilities, type Stroke } from "../src/engine/index";
import { digits, type Parameters } from "./build";

/** Points that a pen passes, in percent of the digit's box, for each digit. */
const DIGITS: readonly (readonly (readonly [number, number])[])[][] = [
  [[[54, 3], [32, 9], [17, 35], [15, 62], [27, 89], [48, 98], [70, 86], [82, 56], [77, 24], [62, 6], [48, 4]]],
  [[[51, 0], [50, 50], [49, 100]]],
  [[[16, 25], [28, 8], [50, 2], [70, 11], [73, 31], [58, 55], [34, 77], [12, 97], [45, 95], [84, 94]]],
  [[[18, 14], [40, 2], [66, 8], [70, 26], [54, 42], [36, 47], [60, 50], [77, 68], [69, 90], [44, 99], [14, 90]]],
  [[[28, 4], [21, 35], [16, 55], [45, 55], [84, 50]], [[70, 6], [66, 50], [60, 100]]],
  [[[30, 6], [24, 44], [48, 37], [73, 50], [77, 72], [60, 94], [36, 99], [12, 89]], [[30, 6], [55, 5], [84, 3]]],
  [[[55, 2], [36, 22], [23, 50], [19, 77], [34, 97], [58, 96], [74, 79], [66, 61], [45, 58], [22, 72]]],
  [[[14, 10], [50, 8], [80, 6], [60, 48], [44, 100]]],
  [[[50, 48], [30, 35], [31, 12], [50, 2], [69, 12], [70, 35], [50, 48], [26, 62], [26, 88], [50, 99], [74, 88],
    [74, 62], [50, 48]]],
  [[[69, 16], [50, 4], [30, 14], [24, 34], [35, 49], [54, 45], [68, 27], [70, 12], [68, 52], [64, 100]]],
];

/** A digit on the pad, `size` of its width high, its corner there. */
function strokes(digit: number, size = 0.7, left = 0.15, top = 0.15): Stroke[] {
  return DIGITS[digit]!.map((points) => ({
    erase: false,
    points: points.map(([x, y]) => ({ x: left + (size * x) / 100, y: top + (size * y) / 100 })),
  }));
}

/** The tensors of a safetensors file: a length, a JSON header, numbers. */
function safetensors(path: string): Parameters {
  const file = readFileSync(path);
  const length = Number(file.readBigUInt64LE());
  const header = JSON.parse(file.toString("utf8", 8, 8 + length)) as Record<string, { data_offsets: [number, number] }>;
  return (name) => {
    const [from, to] = header[name]!.data_offsets.map((at) => 8 + length + at);
    return new Float32Array(file.buffer.slice(file.byteOffset + from!, file.byteOffset + to!));
  };
}

const model = digits(safetensors("../src/zoo/digits.safetensors"));
const engine = new Engine(model);

function guess(strokes: readonly Stroke[]): { class: number; probability: number } {
  const input = new Float32Array(28 * 28);
  normalize(model.input, draw(strokes, model.input).bytes, input);
  engine.run(input);
  const all = probabilities(engine);
  const probability = Math.max(...all);
  return { class: all.indexOf(probability), probability };
}

test("digits are known wherever and however large they are drawn", () => {
  for (const [size, left, top] of [[0.7, 0.15, 0.15], [0.95, 0.02, 0.03], [0.4, 0.55, 0.5], [0.45, 0, 0.1]]) {
    for (let digit = 0; digit < 10; digit++) {
      const found = guess(strokes(digit, size, left, top));
      assert.equal(found.class, digit, `${digit} of size ${size} at ${left}, ${top}`);
      assert.ok(found.probability > 0.6, `${digit} of size ${size}: ${found.probability}`);
    }
  }
});

test("pictures are MNIST's: fitted into 20×20, their center of mass in the middle", () => {
  for (let digit = 0; digit < 10; digit++) {
    for (const size of [0.45, 0.95]) {
      const { bytes } = draw(strokes(digit, size, 0.02, 0.02), model.input);
      let [mass, x, y] = [0, 0, 0];
      const rows = new Set<number>();
      const columns = new Set<number>();
      bytes.forEach((value, at) => {
        const [row, column] = [Math.floor(at / 28), at % 28];
        mass += value;
        x += value * (column + 0.5);
        y += value * (row + 0.5);
        if (value > 20) rows.add(row), columns.add(column);
      });
      const extent = Math.max(rows.size, columns.size);
      assert.ok(extent >= 18 && extent <= 21, `${digit}: ${extent} pixels`);
      assert.ok(Math.abs(x / mass - 14.5) < 0.7 && Math.abs(y / mass - 14.5) < 0.7, `${digit}: ${x / mass}, ${y / mass}`);
      assert.equal(bytes.reduce((most, byte) => Math.max(most, byte)), 255);
    }
  }
});

test("the fit says where the pad lies in the picture", () => {
  const { bytes, fit } = draw(strokes(7, 0.5, 0.4, 0.3), model.input);
  for (const { x, y } of strokes(7, 0.5, 0.4, 0.3).flatMap(({ points }) => points)) {
    const [column, row] = [fit.scale * x + fit.x, fit.scale * y + fit.y];
    assert.ok(bytes[Math.floor(row) * 28 + Math.floor(column)]! > 150);
  }
});

test("the eraser takes ink away, and nothing is left of what was erased whole", () => {
  const line = { erase: false, points: [{ x: 0.2, y: 0.5 }, { x: 0.8, y: 0.5 }] };
  const across = { erase: true, points: [{ x: 0.5, y: 0.3 }, { x: 0.5, y: 0.7 }] };
  const { bytes } = draw([line, across], { ...model.input, drawing: { ...model.input.drawing, centering: "none" } });
  assert.equal(bytes[14 * 28 + 7], 255);
  assert.equal(bytes[14 * 28 + 14], 0);
  const empty = draw([line, { ...line, erase: true }], model.input);
  assert.ok(empty.bytes.every((byte) => byte === 0));
  assert.ok(draw([], model.input).bytes.every((byte) => byte === 0));
});

test("a dot and strokes beyond the pad are pictures too", () => {
  for (const points of [[{ x: 0.5, y: 0.5 }], [{ x: -3, y: 0.5 }, { x: 4, y: 0.6 }], []]) {
    const { bytes, fit } = draw([{ erase: false, points }], model.input);
    assert.equal(bytes.length, 784);
    assert.ok([fit.scale, fit.x, fit.y].every(Number.isFinite));
  }
});

test("over a picture strokes stay where they are, in their own color and width", () => {
  const input = {
    channels: 3, height: 20, width: 20, mean: [], std: [],
    drawing: { paper: [255, 255, 255], ink: [0, 0, 0], centering: "mnist" as const },
  };
  const below = new Uint8Array(1200).fill(77);
  const stroke = { erase: false, points: [{ x: 0.275, y: 0.275 }], color: [10, 20, 30], width: 0.2 };
  const { bytes, fit } = draw([stroke], input, below);
  assert.deepEqual(fit, { scale: 20, x: 0, y: 0 });
  const at = (row: number, column: number) => [0, 1, 2].map((c) => bytes[(c * 20 + row) * 20 + column]);
  assert.deepEqual(at(5, 5), [10, 20, 30]);
  assert.deepEqual(at(5, 6), [10, 20, 30]);
  assert.deepEqual(at(15, 15), [77, 77, 77]);
});
