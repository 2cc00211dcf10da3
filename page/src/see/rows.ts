// Which of a network's nodes are shown: one row for each convolution, dense layer and pooling, together with the
// norms and functions that follow it. The others are shown on demand.

import type { Model, Node, PointwiseFunction } from "../format";

export interface Row {
  /** Indices of its nodes in order; the last is what the row shows. */
  readonly steps: readonly number[];
  /** The node whose value is shown. */
  readonly node: number;
  /** The name of its first node. */
  readonly name: string;
  /** What it does, in words. */
  readonly what: string;
}

/** `[maps, height, width]` of a node's value; numbers without a place are maps of one value. */
export type MapsShape = readonly [number, number, number];

export function mapsShape(shape: readonly number[]): MapsShape {
  const [a = 1, b = 1, c = 1] = shape;
  if (shape.length <= 1) return [a, 1, 1];
  if (shape.length === 2) return [1, a, b];
  return [shape.slice(0, -2).reduce((product, size) => product * size, 1), shape[shape.length - 2] ?? b, shape[shape.length - 1] ?? c];
}

/** A shape as it is written: `12×24×24`. */
export function shapeText(shape: readonly number[]): string {
  return shape.join("×");
}

/** The rows of a network, from the input to the output. */
export function rowsOf(model: Model): Row[] {
  const { nodes } = model;
  const readers = readersOf(nodes);
  const chains: number[][] = [];
  /** The chain that ends in a node, if nobody but the next node reads it. */
  const ending = new Map<number, number[]>();
  nodes.forEach((node, index) => {
    if (isPassing(node, nodes)) return;
    const chain = continuedBy(node, ending) ?? startOf(chains);
    for (const input of node.inputs) ending.delete(input);
    chain.push(index);
    if (readers[index] === 1) ending.set(index, chain);
  });
  return chains
    .filter((chain) => isShown(chain, nodes, model.output.node))
    .sort((a, b) => last(a) - last(b))
    .map((chain) => ({ steps: chain, node: last(chain), name: nameOf(chain, nodes), what: whatOf(chain, nodes) }));
}

function startOf(chains: number[][]): number[] {
  const chain: number[] = [];
  chains.push(chain);
  return chain;
}

function last(chain: readonly number[]): number {
  return chain[chain.length - 1] ?? 0;
}

function readersOf(nodes: readonly Node[]): number[] {
  const readers = nodes.map(() => 0);
  for (const node of nodes) for (const input of node.inputs) readers[input] = (readers[input] ?? 0) + 1;
  return readers;
}

/** Whether the node only hands on, arranges or holds numbers. */
function isPassing(node: Node, nodes: readonly Node[]): boolean {
  switch (node.op) {
    case "reshape":
    case "identity":
    case "permute":
    case "slice":
    case "pad":
    case "constant":
      return true;
    case "max_pool":
    case "avg_pool":
      return node.kernel[0] === 1 && node.kernel[1] === 1;
    // One number of one.
    case "adaptive_avg_pool":
      return shapeText(nodes[node.inputs[0] ?? 0]?.shape ?? []) === shapeText(node.shape);
    default:
      return false;
  }
}

/** The chain that this node carries on, if it summarizes with what is before it. */
function continuedBy(node: Node, ending: Map<number, number[]>): number[] | undefined {
  switch (node.op) {
    case "batch_norm":
    case "pointwise":
    case "prelu":
    case "softmax":
    case "log_softmax":
    case "arithmetic": {
      // Of the branches that meet in a sum, the one that was computed last.
      const before = [...node.inputs].sort((a, b) => b - a).find((input) => ending.has(input));
      const chain = before === undefined ? undefined : ending.get(before);
      return chain?.[0] === 0 ? undefined : chain;
    }
    default:
      return undefined;
  }
}

function isShown(chain: readonly number[], nodes: readonly Node[], output: number): boolean {
  const node = nodes[last(chain)];
  return node !== undefined && (last(chain) <= output || chain.includes(output));
}

function nameOf(chain: readonly number[], nodes: readonly Node[]): string {
  return nodes[chain[0] ?? 0]?.name ?? "";
}

function whatOf(chain: readonly number[], nodes: readonly Node[]): string {
  const words = chain.map((index) => {
    const node = nodes[index];
    return node ? describe(node) : "";
  });
  return words.filter((word) => word !== "").join(" · ");
}

/** What a node does, in a few words. */
export function describe(node: Node): string {
  switch (node.op) {
    case "input": return node.shape[0] === 3 ? "the picture" : "the picture, gray";
    case "conv2d": {
      const [, , height = 1, width = 1] = node.weight.shape;
      const depthwise = node.groups > 1 && node.groups === node.shape[0];
      const kind = depthwise ? "depthwise convolution" : "convolution";
      const extras = [
        node.stride[0] > 1 || node.stride[1] > 1 ? `stride ${pairText(node.stride)}` : "",
        node.dilation[0] > 1 || node.dilation[1] > 1 ? `dilation ${pairText(node.dilation)}` : "",
        node.groups > 1 && !depthwise ? `${node.groups} groups` : "",
      ].filter((text) => text !== "");
      return [`${height}×${width} ${kind}`, ...extras].join(", ");
    }
    case "batch_norm": return "batch norm";
    case "pointwise": return functionName(node.function);
    case "prelu": return "PReLU";
    case "max_pool": return `largest of ${node.kernel[0]}×${node.kernel[1]}`;
    case "avg_pool": return `mean of ${node.kernel[0]}×${node.kernel[1]}`;
    case "adaptive_avg_pool": return node.shape[1] === 1 && node.shape[2] === 1 ? "mean of each map" : "means of regions";
    case "reduce": return { mean: "mean", sum: "sum", max: "largest", min: "smallest" }[node.by];
    case "arithmetic":
      return { add: "sum", sub: "difference", mul: "product", div: "quotient", max: "larger", min: "smaller" }[node.by];
    case "concat": return "joined";
    case "linear": return "dense";
    case "softmax": return "softmax";
    case "log_softmax": return "log-softmax";
    case "reshape": return "reshaped";
    case "identity": return "unchanged";
    case "permute": return "turned";
    case "slice": return "a part";
    case "pad": return "padded";
    case "constant": return "constant";
  }
}

function pairText([a, b]: readonly [number, number]): string {
  return a === b ? String(a) : `${a}×${b}`;
}

/** A function's name as people write it. */
export function functionName(of: PointwiseFunction): string {
  switch (of.name) {
    case "relu": return "ReLU";
    case "relu6": return "ReLU6";
    case "leaky_relu": return `leaky ReLU (${of.slope})`;
    case "gelu":
    case "gelu_tanh": return "GELU";
    case "silu": return "SiLU";
    case "elu": return "ELU";
    case "celu": return "CELU";
    case "selu": return "SELU";
    case "hard_sigmoid": return "hard sigmoid";
    case "hard_swish": return "hard swish";
    case "pow": return `power ${of.exponent}`;
    case "scale": return `× ${of.factor}`;
    case "shift": return `+ ${of.term}`;
    default: return of.name;
  }
}
