// A network that runs: all values of one picture, and gradients of any number with respect to all of them.

import { FORMAT, type Model, type Node, type Weights } from "../format";
import type { Layer } from "./layer";
import { AvgPool } from "./layers/avg_pool";
import { BatchNorm } from "./layers/batch_norm";
import { Combine } from "./layers/combine";
import { Concat } from "./layers/concat";
import { Conv2d } from "./layers/conv2d";
import { Copy } from "./layers/copy";
import { Gather } from "./layers/gather";
import { Given } from "./layers/given";
import { Linear } from "./layers/linear";
import { MaxPool } from "./layers/max_pool";
import { Pointwise } from "./layers/pointwise";
import { PRelu } from "./layers/prelu";
import { Reduce } from "./layers/reduce";
import { Softmax } from "./layers/softmax";
import { size, type Shape } from "./shape";
import { decode, decodeBytes } from "./weights";

export class Engine {
  /** Of each node, its value for the last picture. The next pass writes over it. */
  readonly values: readonly Float32Array[];
  /** Of each node, the gradient of the number last asked for; null where there is no way between the two. */
  readonly gradients: (Float32Array | null)[];
  readonly layers: readonly Layer[];
  private readonly inputs: readonly Float32Array[][];
  /** Gradients' memory, made when first needed. */
  private readonly memory: (Float32Array | null)[];

  /** Fails with a text where the model is not one that this page knows. */
  constructor(readonly model: Model) {
    if (model.format !== FORMAT) {
      throw new Error(`This page reads networks of format ${FORMAT}, this one has ${model.format}.`);
    }
    const bytes = decodeBytes(model.weights);
    const { nodes } = model;
    const weights = (weights: Weights) => decode(bytes, weights);
    this.layers = nodes.map((node) => layer(node, node.inputs.map((input) => nodes[input]!.shape), weights));
    this.values = nodes.map(({ shape }) => new Float32Array(size(shape)));
    this.inputs = nodes.map(({ inputs }) => inputs.map((input) => this.values[input]!));
    this.memory = nodes.map(() => null);
    this.gradients = nodes.map(() => null);
  }

  /** Computes all values for an input `[C, H, W]`, normalized. */
  run(input: Float32Array): void {
    for (const _ of this.steps(input));
  }

  /** The same with a pause after each node, whose index comes out. */
  *steps(input: Float32Array): Generator<number, void> {
    this.values[0]!.set(input);
    for (let at = 0; at < this.layers.length; at++) {
      this.layers[at]!.forward(this.inputs[at]!, this.values[at]!);
      yield at;
    }
  }

  /** The gradient of one number of a node with respect to all nodes before it, down to the node `downTo`. */
  backward(node: number, unit: number, downTo = 0): void {
    for (const _ of this.stepsBack(node, unit, downTo));
  }

  /** The same with a pause after each node. */
  *stepsBack(node: number, unit: number, downTo = 0): Generator<number, void> {
    this.choose(node, downTo);
    const start = this.gradients[node];
    if (!start) return;
    start[unit] = 1;
    for (let at = node; at > downTo; at--) {
      const gradient = this.gradients[at];
      if (!gradient) continue;
      const into = this.model.nodes[at]!.inputs.map((input) => this.gradients[input]!);
      this.layers[at]!.backward(gradient, into, this.inputs[at]!, this.values[at]!);
      yield at;
    }
  }

  /** Gives zeros to all nodes on a way from `downTo` to `node`, null to all others. */
  private choose(node: number, downTo: number): void {
    const { nodes } = this.model;
    const leads = nodes.map(() => false);
    const reaches = nodes.map(() => false);
    for (let at = downTo; at <= node; at++) {
      reaches[at] = at === downTo || nodes[at]!.inputs.some((input) => reaches[input]);
    }
    leads[node] = true;
    for (let at = node; at > downTo; at--) {
      if (leads[at]) for (const input of nodes[at]!.inputs) leads[input] = true;
    }
    nodes.forEach((_, at) => {
      if (!leads[at] || !reaches[at]) return (this.gradients[at] = null);
      const memory = (this.memory[at] ??= new Float32Array(this.values[at]!.length));
      return (this.gradients[at] = memory.fill(0));
    });
  }
}

/** A node's operation with its weights, for inputs of these shapes. */
function layer(node: Node, sources: readonly Shape[], weights: (weights: Weights) => Float32Array): Layer {
  const optional = (tensor: Weights | undefined) => (tensor ? weights(tensor) : null);
  const source = sources[0] ?? [];
  switch (node.op) {
    case "input":
      return new Given(null);
    case "constant":
      return new Given(weights(node.value));
    case "conv2d":
      return new Conv2d(node, source, weights(node.weight), optional(node.bias));
    case "batch_norm": {
      const { weight, bias, mean, variance, eps } = node;
      return new BatchNorm(weights(weight), weights(bias), weights(mean), weights(variance), eps);
    }
    case "pointwise":
      return new Pointwise(node.function);
    case "prelu":
      return new PRelu(weights(node.weight));
    case "max_pool":
      return new MaxPool(node, source);
    case "avg_pool":
      return AvgPool.fixed(node, source);
    case "adaptive_avg_pool":
      return AvgPool.adaptive(node.name, source, node.shape);
    case "reduce":
      return new Reduce(node, source);
    case "arithmetic":
      return new Combine(node, [source, sources[1] ?? []]);
    case "concat":
      return new Concat(node, sources);
    case "reshape":
    case "identity":
      return new Copy(source, node.shape);
    case "permute":
      return Gather.permute(node, source);
    case "slice":
      return Gather.slice(node, source);
    case "pad":
      return Gather.pad(node, source);
    case "linear":
      return new Linear(node.weight.shape, weights(node.weight), optional(node.bias));
    case "softmax":
    case "log_softmax":
      return new Softmax(node);
    default:
      throw new Error(`This page has no operation ${JSON.stringify((node as Node).op)}.`);
  }
}
