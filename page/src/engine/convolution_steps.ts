// One convolution, slowly: the kernel at each place, one after the other.

import { BORDER } from "./arithmetic";
import type { Engine } from "./engine";
import { Conv2d } from "./layers/conv2d";
import type { Range } from "./region";

/** The way of one output channel's kernel over the picture. */
export interface ConvolutionSteps {
  /** The input's channels that it reads, and its height and width. */
  readonly channels: Range;
  readonly height: number;
  readonly width: number;
  /** How far apart the rows and columns that it reads are. */
  readonly dilation: readonly [number, number];
  /** `[channels, height, width]`, row by row. */
  readonly kernel: Float32Array;
  readonly bias: number;
  /** How many places there are, and how many to a row. */
  readonly places: number;
  readonly columns: number;
  /** What happens at one place. */
  step(place: number): ConvolutionStep;
}

export interface ConvolutionStep {
  /** The first row and column of the input under the kernel; negative in the border. */
  readonly top: number;
  readonly left: number;
  /** The unit of the input under each number of the kernel, `BORDER` beyond it; and what stands there, there 0. */
  readonly units: Int32Array;
  readonly patch: Float32Array;
  /** patch · kernel */
  readonly products: Float64Array;
  /** Of the products. */
  readonly sum: number;
  /** sum + bias, as the engine computed it: the output's number at that place. */
  readonly value: number;
}

/** The steps of a convolution to one of its output channels; null for any other node. */
export function convolutionSteps(engine: Engine, node: number, channel: number): ConvolutionSteps | null {
  const layer = engine.layers[node];
  if (!(layer instanceof Conv2d)) return null;
  const { kernel: [height, width], dilation, result } = layer.windows;
  const columns = result[2];
  const places = result[1] * columns;
  const kernel = layer.kernel(channel);
  return {
    channels: layer.channels([channel, channel + 1]),
    height, width, dilation, kernel, places, columns,
    bias: layer.bias?.[channel] ?? 0,
    step(place) {
      const input = engine.values[engine.model.nodes[node]!.inputs[0]!]!;
      const [row, column] = [Math.floor(place / columns), place % columns];
      const units = new Int32Array(kernel.length);
      let at = 0;
      layer.window(channel, row, column, (unit) => (units[at++] = unit));
      const patch = Float32Array.from(units, (unit) => (unit === BORDER ? 0 : input[unit]!));
      const products = Float64Array.from(patch, (value, at) => value * kernel[at]!);
      return {
        top: layer.windows.first(0, row),
        left: layer.windows.first(1, column),
        units, patch, products,
        sum: products.reduce((sum, product) => sum + product, 0),
        value: engine.values[node]![channel * places + place]!,
      };
    },
  };
}
