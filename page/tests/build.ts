// Networks in the page's format, built node by node.

import { FORMAT, type Drawing, type Model, type Node, type Pair, type Weights } from "../src/format";

/** The numbers of a parameter, by its name in PyTorch. */
export type Parameters = (name: string, shape: readonly number[]) => Float32Array;

/** Random numbers of a size that keeps values about as large from layer to layer, always the same. */
export function randomParameters(): Parameters {
  let state = 1;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  return (name, [out = 1, ...rest]) => {
    const fanIn = rest.reduce((all, size) => all * size, 1);
    const positive = name.endsWith("running_var") || (name.endsWith("weight") && rest.length === 0);
    const values = Float32Array.from({ length: out * fanIn }, () => uniform() * Math.sqrt(12 / fanIn));
    return positive ? values.map((value) => 0.5 + Math.abs(value)) : values;
  };
}

/** A network that grows; methods return the index of the node that they add. */
export class Build {
  private readonly nodes: Node[] = [];
  private bytes: number[] = [];

  constructor(
    private readonly input: readonly [number, number, number],
    private readonly parameters: Parameters,
  ) {
    this.nodes.push({ op: "input", name: "input", inputs: [], shape: input });
  }

  conv2d(x: number, name: string, out: number, kernel: number, { stride = 1, padding = 0, bias = true } = {}): number {
    const [channels, height, width] = this.shape(x) as [number, number, number];
    const size = (side: number) => Math.floor((side + 2 * padding - kernel) / stride) + 1;
    const sides: Pair = [padding, padding];
    return this.add({
      op: "conv2d", name, inputs: [x], shape: [out, size(height), size(width)],
      weight: this.weights(`${name}.weight`, [out, channels, kernel, kernel]),
      ...(bias ? { bias: this.weights(`${name}.bias`, [out]) } : {}),
      stride: [stride, stride], padding: [sides, sides], dilation: [1, 1], groups: 1,
    });
  }

  batchNorm(x: number, name: string): number {
    const of = (parameter: string) => this.weights(`${name}.${parameter}`, [this.shape(x)[0]!]);
    return this.add({
      op: "batch_norm", name, inputs: [x], shape: this.shape(x), eps: 1e-5,
      weight: of("weight"), bias: of("bias"), mean: of("running_mean"), variance: of("running_var"),
    });
  }

  relu(x: number, name: string): number {
    return this.add({ op: "pointwise", name, inputs: [x], shape: this.shape(x), function: { name: "relu" } });
  }

  maxPool(x: number, name: string, kernel: number, stride: number): number {
    const [channels, ...sides] = this.shape(x);
    const shape = [channels!, ...sides.map((side) => Math.floor((side - kernel) / stride) + 1)];
    const padding = [[0, 0], [0, 0]] as const;
    return this.add({
      op: "max_pool", name, inputs: [x], shape, kernel: [kernel, kernel], stride: [stride, stride], padding,
      dilation: [1, 1],
    });
  }

  padChannels(x: number, name: string, each: number): number {
    const [channels, ...sides] = this.shape(x);
    const amounts: Pair[] = [[each, each], [0, 0], [0, 0]];
    const shape = [channels! + 2 * each, ...sides];
    return this.add({ op: "pad", name, inputs: [x], shape, amounts, mode: "constant", value: 0 });
  }

  plus(a: number, b: number, name: string): number {
    return this.add({ op: "arithmetic", name, inputs: [a, b], shape: this.shape(a), by: "add" });
  }

  globalAvgPool(x: number, name: string): number {
    return this.add({ op: "adaptive_avg_pool", name, inputs: [x], shape: [this.shape(x)[0]!, 1, 1] });
  }

  flatten(x: number, name: string): number {
    const shape = [this.shape(x).reduce((all, size) => all * size, 1)];
    return this.add({ op: "reshape", name, inputs: [x], shape });
  }

  linear(x: number, name: string, out: number): number {
    return this.add({
      op: "linear", name, inputs: [x], shape: [out],
      weight: this.weights(`${name}.weight`, [out, this.shape(x)[0]!]),
      bias: this.weights(`${name}.bias`, [out]),
    });
  }

  /** The network; its answer is the last node's value. */
  model(name: string, drawing: Drawing, mean: readonly number[] = [], std: readonly number[] = []): Model {
    const [channels, height, width] = this.input;
    return {
      format: FORMAT, name, title: name, classes: [], examples: [], nodes: this.nodes,
      input: { channels, height, width, mean, std, drawing },
      output: { node: this.nodes.length - 1, kind: "logits" },
      weights: btoa(this.bytes.map((byte) => String.fromCharCode(byte)).join("")),
    };
  }

  private shape(node: number): readonly number[] {
    return this.nodes[node]!.shape;
  }

  private add(node: Node): number {
    return this.nodes.push(node) - 1;
  }

  private weights(name: string, shape: readonly number[]): Weights {
    const offset = this.bytes.length;
    this.bytes = this.bytes.concat(Array.from(new Uint8Array(this.parameters(name, shape).buffer)));
    return { shape, offset };
  }
}

/** The crate's digits network. */
export function digits(parameters: Parameters): Model {
  const b = new Build([1, 28, 28], parameters);
  let x = b.maxPool(b.relu(b.conv2d(0, "conv1", 12, 5), "relu1"), "pool1", 2, 2);
  x = b.maxPool(b.relu(b.conv2d(x, "conv2", 24, 5), "relu2"), "pool2", 2, 2);
  x = b.relu(b.linear(b.flatten(x, "flatten"), "fc1", 64), "relu3");
  b.linear(x, "fc2", 10);
  return b.model("digits", { paper: [0], ink: [255], centering: "mnist" }, [0.1307], [0.3081]);
}

/** ResNet-20 for CIFAR-10. */
export function resnet20(parameters: Parameters): Model {
  const b = new Build([3, 32, 32], parameters);
  let x = b.relu(b.batchNorm(b.conv2d(0, "conv1", 16, 3, { padding: 1, bias: false }), "bn1"), "relu");
  for (const [stage, width] of [16, 32, 64].entries()) {
    for (let index = 0; index < 3; index++) {
      const name = `layer${stage + 1}.${index}`;
      const halve = stage > 0 && index === 0;
      const first = b.conv2d(x, `${name}.conv1`, width, 3, { stride: halve ? 2 : 1, padding: 1, bias: false });
      const middle = b.relu(b.batchNorm(first, `${name}.bn1`), `${name}.relu`);
      const second = b.conv2d(middle, `${name}.conv2`, width, 3, { padding: 1, bias: false });
      const skip = halve ? b.padChannels(b.maxPool(x, `${name}.subsample`, 1, 2), `${name}.pad`, width / 4) : x;
      x = b.relu(b.plus(b.batchNorm(second, `${name}.bn2`), skip, `${name}.add`), `${name}.relu_1`);
    }
  }
  b.linear(b.flatten(b.globalAvgPool(x, "avgpool"), "flatten"), "linear", 10);
  const rgb = [255, 255, 255];
  return b.model("resnet20", { paper: rgb, ink: [0, 0, 0], centering: "none" });
}
