// How long a picture takes: run by bench.mjs in node and in Chromium.

import { Engine } from "../src/engine/index";
import { digits, randomParameters, resnet20 } from "../tests/build";

export interface Speed {
  readonly network: string;
  /** Milliseconds: median of forward passes with all values, and of passes forward and back to the input. */
  readonly forward: number;
  readonly saliency: number;
}

export function speeds(milliseconds = 1500): Speed[] {
  return [digits, resnet20].map((network) => {
    const model = network(randomParameters());
    const engine = new Engine(model);
    const input = Float32Array.from(engine.values[0]!, (_, at) => Math.sin(at));
    const { node } = model.output;
    return {
      network: model.name,
      forward: median(milliseconds, () => engine.run(input)),
      saliency: median(milliseconds, () => {
        engine.run(input);
        engine.backward(node, 3);
      }),
    };
  });
}

function median(milliseconds: number, work: () => void): number {
  const times: number[] = [];
  for (const start = performance.now(); performance.now() - start < milliseconds; ) {
    const before = performance.now();
    work();
    times.push(performance.now() - before);
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!;
}
