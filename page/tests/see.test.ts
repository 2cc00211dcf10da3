// What the page shows, as far as it needs no browser: places, projections, colors, words.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Model, Node } from "../src/format";
import { arrange, leastLength, mapCorner, placeOn } from "../src/see/arrange";
import { Camera } from "../src/see/camera";
import { colorOf, css, LEVELS, packed, paint, palettes, readableOn, scaleOf, unpacked, wider } from "../src/see/color";
import { heatOf, mixHeat, strengthAt } from "../src/see/heat";
import { led } from "../src/see/keys";
import { cellDecimals, decimalsFor, fixed, percent, short } from "../src/see/numbers";
import { likeInk } from "../src/see/picture";
import { mapsShape, rowsOf, type MapsShape } from "../src/see/rows";
import { sourceOf, termMaps } from "../src/see/terms";
import { cellAt, cellOf, corner, layOut, stepped, unitOf } from "../src/see/tiles";

const SHAPES: readonly MapsShape[] = [[1, 28, 28], [12, 24, 24], [24, 8, 8], [64, 1, 1], [5, 3, 7], [10, 1, 1]];

test("a point that is projected is found again, on every sheet and from every side", () => {
  const plates = arrange(SHAPES, 4, "column");
  const margin = { left: 10, right: 80, top: 20, bottom: 30 };
  for (const yaw of [-2.5, -0.9, 0, 0.4, 0.92, 2]) {
    for (const pitch of [-1.3, -0.3, 0.16, 1.2]) {
      const camera = new Camera({ yaw, pitch, zoom: 1.7, panX: 30, panY: -12 }, plates, 900, 500, margin);
      for (const { at, width, height } of plates) {
        for (const [u, v] of [[0, 0], [width / 2, -height / 3], [-width / 2, height / 2]] as const) {
          const found = camera.unproject(at, camera.project(at, u, v));
          assert.ok(found, `${yaw} ${pitch}`);
          assert.ok(Math.hypot(found.u - u, found.v - v) < 1e-9, `${yaw} ${pitch}: ${found.u} ${found.v} for ${u} ${v}`);
        }
      }
    }
  }
});

test("all sheets fit into the canvas, and one seen edge-on has no points", () => {
  const plates = arrange(SHAPES, 4, "row");
  const margin = { left: 10, right: 80, top: 20, bottom: 30 };
  const camera = new Camera({ yaw: 0.8, pitch: 0.3, zoom: 1, panX: 0, panY: 0 }, plates, 900, 500, margin);
  for (const { x, y } of plates.flatMap((plate) => camera.outline(plate))) {
    assert.ok(x > 9.9 && x < 820.1 && y > 19.9 && y < 470.1, `${x} ${y}`);
  }
  const sheet = { at: 0, width: 1, height: 1 };
  const edge = new Camera({ yaw: Math.PI / 2, pitch: 0, zoom: 1, panX: 0, panY: 0 }, [sheet], 100, 100, { left: 0, right: 0, top: 0, bottom: 0 });
  assert.equal(edge.unproject(0, { x: 50, y: 50 }), null);
});

test("of many layers no sheet hides the next one", () => {
  const shapes: MapsShape[] = [[1, 32, 32], ...Array.from({ length: 18 }, (_, layer): MapsShape => [16 << (layer / 6), 32 >> (layer / 6), 32 >> (layer / 6)]), [64, 1, 1], [10, 1, 1]];
  const margin = { left: 24, right: 120, top: 26, bottom: 44 };
  for (const [width, height] of [[830, 550], [1250, 470]] as const) {
    const plates = arrange(shapes, Math.max((1.5 * width) / height, leastLength(shapes.length)), "column");
    const camera = new Camera({ yaw: 1.12, pitch: 0.16, zoom: 1, panX: 0, panY: 0 }, plates, width, height, margin);
    const [left, right] = [-0.5, 0.5].map((side) => plates.map((plate) => camera.project(plate.at, side * plate.width, 0).x));
    for (let layer = 0; layer + 1 < plates.length; layer++) {
      const [begin, end, next] = [left?.[layer] ?? NaN, right?.[layer] ?? NaN, left?.[layer + 1] ?? NaN];
      assert.ok(end - next < 0.4 * (end - begin), `layer ${layer} of ${width}×${height}: ${begin} to ${end}, the next from ${next}`);
    }
  }
});

test("maps on a sheet lie beside each other, and the middle of each value is found as that value", () => {
  for (const plate of [...arrange(SHAPES, 4, "column"), ...arrange(SHAPES, 4, "row")]) {
    const [count, height, width] = plate.shape;
    for (let map = 0; map < count; map++) {
      const [u, v] = mapCorner(plate, map);
      assert.ok(Math.abs(u) <= plate.width / 2 + 1e-9 && u + plate.mapWidth <= plate.width / 2 + 1e-9);
      for (const [row, column] of [[0, 0], [height - 1, width - 1]] as const) {
        const place = placeOn(plate, u + ((column + 0.5) * plate.mapWidth) / width, v + ((row + 0.5) * plate.mapHeight) / height);
        assert.deepEqual(place, { map, row, column });
      }
    }
    assert.equal(placeOn(plate, plate.width, plate.height), null);
  }
});

test("in the flat view every value is found where it is drawn, gaps are nothing, and maps fit into the room", () => {
  for (const shape of SHAPES) {
    for (const room of [60, 333, 1200]) {
      const tiles = layOut(shape, room, 76);
      assert.ok(tiles.zoom >= 1 && Number.isInteger(tiles.zoom));
      assert.ok(tiles.width <= room, `${shape} in ${room}: ${tiles.width}`);
      const [count, height, width] = shape;
      for (let unit = 0; unit < count * height * width; unit++) {
        const cell = cellOf(shape, unit);
        assert.equal(unitOf(shape, cell), unit);
        const [x, y] = corner(tiles, cell.map);
        const found = cellAt(tiles, x + (cell.column + 0.5) * tiles.zoom, y + (cell.row + 0.5) * tiles.zoom);
        assert.deepEqual(found, cell);
      }
      if (tiles.columns > 1) assert.equal(cellAt(tiles, width * tiles.zoom + tiles.gap / 2, 1), null);
      assert.equal(cellAt(tiles, -3, 1), null);
      assert.equal(cellAt(tiles, 1, tiles.height + tiles.gap + 1), null);
    }
  }
});

test("arrow keys go from value to value, past an edge to the map beside it, and stop at the ends", () => {
  const tiles = layOut([4, 2, 2], 46, 20);
  assert.equal(tiles.columns, 2);
  assert.equal(stepped(tiles, 0, 1, 0), 1);
  assert.equal(stepped(tiles, 1, 1, 0), 4, "to the map at the right");
  assert.equal(stepped(tiles, 2, 0, 1), 8, "to the map below");
  assert.equal(stepped(tiles, 0, -1, 0), 0);
  assert.equal(stepped(tiles, 15, 0, 1), 15);
});

test("in depth, page up and page down lead to the same place of the layer beside it, and stop at the ends", () => {
  const layers = arrange(SHAPES, 4, "column");
  const at = (layer: number, map: number, row: number, column: number) => ({ layer, unit: unitOf(SHAPES[layer] ?? [1, 1, 1], { map, row, column }) });
  assert.deepEqual(led(layers, at(1, 11, 12, 23), "PageDown"), at(2, 11, 4, 7));
  assert.deepEqual(led(layers, at(2, 23, 0, 7), "PageUp"), at(1, 11, 1, 22), "fewer maps: the last one");
  assert.deepEqual(led(layers, at(2, 5, 4, 4), "PageDown"), at(3, 5, 0, 0));
  assert.deepEqual(led(layers, at(0, 0, 3, 3), "PageUp"), at(0, 0, 3, 3));
  assert.deepEqual(led(layers, at(0, 0, 27, 27), "End"), at(5, 0, 0, 0));
  assert.deepEqual(led(layers, at(5, 2, 0, 0), "ArrowDown"), at(5, 3, 0, 0), "the answers stand in a column");
  assert.equal(led(layers, at(0, 0, 0, 0), "x"), null);
});

test("signed values are blue and red around the paper, in both themes; magnitudes begin at 0", () => {
  for (const dark of [false, true]) {
    const colors = palettes(dark);
    const scale = scaleOf([-1, 0.5, 0.25]);
    assert.deepEqual(scale, { signed: true, reach: 1 });
    const [r, , b] = unpacked(colorOf(-0.6, scale, colors));
    assert.ok(b > r, "negative is blue");
    const [r2, , b2] = unpacked(colorOf(0.6, scale, colors));
    assert.ok(r2 > b2, "positive is red");
    assert.ok(unpacked(colorOf(0, scale, colors)).every((byte) => (dark ? byte < 60 : byte > 230)), "0 is the paper");
    assert.equal(colors.signed.length, LEVELS);
  }
  assert.equal(css(colorOf(0, { signed: false, reach: 2 }, palettes(false))), "rgb(68,1,84)");
  assert.equal(css(colorOf(9, { signed: false, reach: 2 }, palettes(false))), "rgb(253,231,37)");
});

test("a whole layer is painted as its single values are, whatever they are", () => {
  const colors = palettes(false);
  const values = Float32Array.from([-3, -1, -0.3, 0, 0.2, 1, 7, NaN, Infinity, -Infinity]);
  for (const scale of [{ signed: true, reach: 1 }, { signed: false, reach: 2 }, { signed: true, reach: 0 }]) {
    const pixels = new Uint32Array(values.length);
    paint(values, scale, colors, pixels);
    values.forEach((value, index) => {
      if (scale.reach > 0) assert.equal(pixels[index], colorOf(value, scale, colors), `${value}`);
    });
    assert.equal(pixels[7], packed([255, 0, 255]));
  }
});

test("scales end before lone extremes, keep lone peaks, and grow together", () => {
  const values = new Float32Array(1000).fill(1);
  values[7] = 50;
  assert.deepEqual(scaleOf(values), { signed: false, reach: 1 });
  const sparse = new Float32Array(1000);
  sparse[7] = 3;
  assert.equal(scaleOf(sparse).reach, 3);
  assert.deepEqual(scaleOf([]), { signed: false, reach: 0 });
  assert.deepEqual(wider({ signed: true, reach: 1 }, { signed: false, reach: 2 }), { signed: true, reach: 2 });
});

test("numbers on any color can be read: contrast of at least 4.5", () => {
  const luminance = (color: number) => {
    const [r = 0, g = 0, b = 0] = unpacked(color).map((byte) => (byte / 255 <= 0.04045 ? byte / 255 / 12.92 : ((byte / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  for (const dark of [false, true]) {
    const all = palettes(dark);
    for (const color of [...all.magnitude, ...all.signed]) {
      const text = readableOn(color) === "#000" ? 0 : 1;
      const [light, shade] = [Math.max(text, luminance(color)), Math.min(text, luminance(color))];
      assert.ok((light + 0.05) / (shade + 0.05) >= 4.5, css(color));
    }
  }
});

test("numbers are short, and say no more than is known", () => {
  assert.deepEqual([0, 1, 0.123456, 12.345, 1234.5, 3e-7, -0.5].map(short), ["0", "1.00", "0.123", "12.3", "1234", "3.0e−7", "−0.500"].map((text) => text.replace("1234", (1234.5).toFixed(0))));
  assert.equal(short(NaN), "not a number");
  assert.equal(short(-Infinity), "−∞");
  assert.deepEqual([decimalsFor([]), decimalsFor([0.5, -2]), decimalsFor([120]), decimalsFor([NaN, 0.01])], [1, 3, 1, 5]);
  assert.deepEqual([cellDecimals([2]), cellDecimals([0.4]), cellDecimals([0.03])], [2, 2, 3]);
  assert.deepEqual([fixed(-0.0001, 2), fixed(-1.5, 2), fixed(NaN, 2)], ["0.00", "−1.50", "not a number"]);
  assert.deepEqual([percent(1), percent(0.9999), percent(0.5), percent(0.0001), percent(0)], ["> 99.9 %", "> 99.9 %", "50.0 %", "< 0.1 %", "0.0 %"]);
});

test("heat is strongest where its map is, dims what it doesn't cover, and is nowhere where there is none", () => {
  const heat = heatOf(Float32Array.from([0, 0, 0, 4]), 2, 2);
  assert.equal(heat.largest, 4);
  assert.equal(strengthAt(heat, 1, 1), 1);
  assert.equal(strengthAt(heat, 0, 0), 0);
  assert.ok(Math.abs(strengthAt(heat, 0.5, 0.5) - 0.25) < 1e-6, "bilinear between the values");
  assert.equal(strengthAt(heatOf(new Float32Array(4), 2, 2), 0.5, 0.5), 0);
  assert.equal(heatOf(Float32Array.from([NaN, 1]), 1, 2).largest, 1);
  const colors = new Uint32Array(4).fill(packed([255, 255, 255]));
  mixHeat(colors, 2, 2, heat, palettes(false).heat);
  const [cold = 0, hot = 0] = [colors[0], colors[3]];
  assert.ok((unpacked(hot)[0] ?? 0) > (unpacked(cold)[0] ?? 0));
});

test("dark ink on light paper is turned round for networks that know light ink, nothing else is", () => {
  const input = { channels: 1, height: 3, width: 3, mean: [], std: [], drawing: { paper: [0], ink: [255], centering: "mnist" as const } };
  const paper = Uint8Array.from([250, 250, 250, 250, 10, 250, 250, 250, 250]);
  assert.deepEqual([...likeInk(paper, input)], [5, 5, 5, 5, 245, 5, 5, 5, 5]);
  const ink = Uint8Array.from([0, 0, 0, 0, 200, 0, 0, 0, 0]);
  assert.deepEqual(likeInk(ink, input), ink);
  assert.deepEqual(likeInk(paper, { ...input, drawing: { ...input.drawing, centering: "none" } }), paper);
});

const WEIGHTS = { shape: [1], offset: 0 };

/** A network of nodes given as name, operation, inputs, shape, and whatever else the operation has. */
function network(...nodes: readonly (readonly [string, string, readonly number[], readonly number[], object?])[]): Model {
  return {
    format: 1, name: "net", title: "net", classes: [], weights: "", examples: [],
    input: { channels: 1, height: 4, width: 4, mean: [], std: [], drawing: { paper: [0], ink: [255], centering: "none" } },
    output: { node: nodes.length - 1, kind: "logits" },
    nodes: nodes.map(([name, op, inputs, shape, more]) => ({ name, op, inputs, shape, ...more }) as unknown as Node),
  };
}

const CONV = { weight: { ...WEIGHTS, shape: [2, 1, 3, 3] }, stride: [1, 1], padding: [[1, 1], [1, 1]], dilation: [1, 1], groups: 1 };
const NORM = { weight: WEIGHTS, bias: WEIGHTS, mean: WEIGHTS, variance: WEIGHTS, eps: 1e-5 };
const RELU = { function: { name: "relu" } };

test("a row is a convolution with the norm, the sum and the function behind it; arranging alone has no row", () => {
  const residual = network(
    ["input", "input", [], [2, 4, 4]],
    ["conv1", "conv2d", [0], [2, 4, 4], CONV], ["bn1", "batch_norm", [1], [2, 4, 4], NORM], ["relu", "pointwise", [2], [2, 4, 4], RELU],
    ["conv2", "conv2d", [3], [2, 4, 4], CONV], ["bn2", "batch_norm", [4], [2, 4, 4], NORM],
    ["pad", "pad", [3], [2, 4, 4], { amounts: [[0, 0], [0, 0], [0, 0]], mode: "constant", value: 0 }],
    ["add", "arithmetic", [5, 6], [2, 4, 4], { by: "add" }], ["relu2", "pointwise", [7], [2, 4, 4], RELU],
    ["flatten", "reshape", [8], [32]], ["fc", "linear", [9], [10], { weight: { ...WEIGHTS, shape: [10, 32] } }],
    ["softmax", "softmax", [10], [10], { dim: 0 }],
  );
  assert.deepEqual(rowsOf(residual).map(({ name, steps, node }) => [name, steps, node]), [
    ["input", [0], 0], ["conv1", [1, 2, 3], 3], ["conv2", [4, 5, 7, 8], 8], ["fc", [10, 11], 11],
  ]);
  assert.equal(rowsOf(residual)[2]?.what, "3×3 convolution · batch norm · sum · ReLU");
});

test("a value that two read ends its row, and so does the network's answer", () => {
  const before = network(
    ["input", "input", [], [2, 4, 4]], ["conv1", "conv2d", [0], [2, 4, 4], CONV],
    ["relu", "pointwise", [1], [2, 4, 4], RELU], ["conv2", "conv2d", [2], [2, 4, 4], CONV],
    ["add", "arithmetic", [1, 3], [2, 4, 4], { by: "add" }],
  );
  assert.deepEqual(rowsOf(before).map(({ steps }) => steps), [[0], [1], [2], [3, 4]]);
});

test("values are maps: without a place of one value, tokens one map", () => {
  assert.deepEqual(mapsShape([10]), [10, 1, 1]);
  assert.deepEqual(mapsShape([3, 5, 7]), [3, 5, 7]);
  assert.deepEqual(mapsShape([5, 7]), [1, 5, 7]);
  assert.deepEqual(mapsShape([2, 3, 5, 7]), [6, 5, 7]);
});

test("the terms of a sum are grouped by the map that they read, border and flattening included", () => {
  const model = network(
    ["input", "input", [], [2, 4, 4]], ["conv", "conv2d", [0], [2, 4, 4], { ...CONV, weight: { ...WEIGHTS, shape: [2, 2, 3, 3] } }],
    ["flatten", "reshape", [1], [32]], ["fc", "linear", [2], [10], { weight: { ...WEIGHTS, shape: [10, 32] } }],
    ["last", "linear", [3], [10], { weight: { ...WEIGHTS, shape: [10, 10] } }],
  );
  assert.equal(sourceOf(model, 2), 1);
  const term = (unit: number) => ({ node: 0, unit, value: 1, factor: 2, product: 2 });
  // The first place of a convolution with a border: five of nine are outside.
  const window = (map: number) => [-1, -1, -1, -1, 0, 1, -1, 4, 5].map((unit) => term(unit < 0 ? -1 : unit + map * 16));
  const maps = termMaps(model, 1, [...window(0), ...window(1)]);
  assert.deepEqual(maps.map(({ map, rows, columns, sum }) => [map, rows, columns, sum]), [[0, 3, 3, 18], [1, 3, 3, 18]]);
  const flat = termMaps(model, 3, Array.from({ length: 32 }, (_, unit) => term(unit)));
  assert.deepEqual(flat.map(({ map, rows, columns }) => [map, rows, columns]), [[0, 4, 4], [1, 4, 4]]);
  const plain = termMaps(model, 4, Array.from({ length: 10 }, (_, unit) => term(unit)));
  assert.equal(plain.length, 1);
  assert.equal(plain[0]?.map, -1);
  assert.ok((plain[0]?.rows ?? 0) * (plain[0]?.columns ?? 0) >= 10);
});
