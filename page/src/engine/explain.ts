// What the answer is, and what of the picture made it.

import type { Engine } from "./engine";
import { three } from "./shape";

/** The probability of each class, whatever the output's numbers are. */
export function probabilities({ model, values }: Engine): Float32Array {
  const { node, kind } = model.output;
  const output = values[node]!;
  switch (kind) {
    case "probabilities":
    case "independent":
      return output.slice();
    case "log-probabilities":
      return output.map(Math.exp);
    case "logits": {
      if (output.length === 1) return output.map((logit) => 1 / (1 + Math.exp(-logit)));
      const largest = Math.max(...output);
      const exponentials = Array.from(output, (logit) => Math.exp(logit - largest));
      const total = exponentials.reduce((sum, exponential) => sum + exponential, 0);
      return Float32Array.from(exponentials, (exponential) => exponential / total);
    }
  }
}

/**
 * How much each pixel matters to the number whose gradient was computed down to the input, `[H, W]`: the largest
 * gradient of its channels, without sign. Simonyan et al., 2013, arXiv:1312.6034.
 */
export function salient(engine: Engine): Float32Array {
  const { channels, height, width } = engine.model.input;
  const map = new Float32Array(height * width);
  const gradient = engine.gradients[0];
  if (!gradient) return map;
  for (let at = 0; at < channels * map.length; at++) {
    const pixel = at % map.length;
    map[pixel] = Math.max(map[pixel]!, Math.abs(gradient[at]!));
  }
  return map;
}

/**
 * Where a node `[C, h, w]` speaks for the number whose gradient was computed down to it, `[h, w]`, at least 0: its
 * channels weighted by the mean of their gradient (Grad-CAM). Selvaraju et al., 2016, arXiv:1610.02391.
 */
export function camAt(engine: Engine, node: number): Float32Array {
  const { name, shape } = engine.model.nodes[node]!;
  const [channels, height, width] = three(shape, name);
  const places = height * width;
  const map = new Float32Array(places);
  const gradient = engine.gradients[node];
  if (!gradient) return map;
  const value = engine.values[node]!;
  const sums = new Float64Array(places);
  for (let channel = 0; channel < channels; channel++) {
    let weight = 0;
    for (let at = 0; at < places; at++) weight += gradient[channel * places + at]! / places;
    for (let at = 0; at < places; at++) sums[at] = sums[at]! + weight * value[channel * places + at]!;
  }
  return map.map((_, at) => Math.max(sums[at]!, 0));
}
