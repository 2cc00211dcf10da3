// What Rust hands to the page: one JSON object, a `Model`, with the weights in it as base64.
//
// Values are those of one picture, without the batch: `[C, H, W]` behind convolutions, `[D]` behind a
// flattening. Dimensions count from 0, the channels. All numbers in JSON are finite.

/** The version of this format that the page reads; raised when an older page would misread. */
export const FORMAT = 1;

/** A network, how pictures get into it, and pictures to begin with. */
export interface Model {
  readonly format: number;
  /** The network's name. */
  readonly name: string;
  /** The figure's heading. */
  readonly title: string;
  readonly input: Input;
  /** Names of the classes in the order of the output; empty where none are known. */
  readonly classes: readonly string[];
  readonly output: Output;
  /** In the order they are computed. `nodes[0]` is the only `input`. */
  readonly nodes: readonly Node[];
  /** Base64 of the bytes into which `Weights` point, little-endian, each tensor at a multiple of 4. */
  readonly weights: string;
  readonly examples: readonly Example[];
}

/** How a picture becomes the input `[channels, height, width]`. */
export interface Input {
  /** 1 (gray: ITU-R 601 luma) or 3 (red, green, blue). */
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** (byte / 255 − mean) / std of each channel; both empty where byte / 255 is the input. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly drawing: Drawing;
}

/** What the drawing pad makes of strokes. */
export interface Drawing {
  /** The bytes of an empty pad and of a stroke, one for each channel: `[0]` and `[255]` for MNIST. */
  readonly paper: readonly number[];
  readonly ink: readonly number[];
  /**
   * "mnist": what is drawn is fitted into 20/28 of the picture and moved by whole pixels until its center of
   * mass is in the middle, as MNIST's digits were. "none": it stays where it is drawn.
   */
  readonly centering: "mnist" | "none";
}

export interface Output {
  /** The index of the node whose value is the answer. */
  readonly node: number;
  /**
   * What its numbers are. "logits": a softmax makes probabilities of them, a sigmoid of a single one.
   * "independent": each class's probability by itself, behind a sigmoid.
   */
  readonly kind: "logits" | "log-probabilities" | "probabilities" | "independent";
}

/** A picture to choose. */
export interface Example {
  readonly name: string;
  /** Base64 of the input's bytes before normalization, `[channels, height, width]`. */
  readonly pixels: string;
  /** Its true class, if known. */
  readonly label?: number;
}

/** A tensor in `Model.weights`. */
export interface Weights {
  readonly shape: readonly number[];
  /** Where it begins, in bytes. */
  readonly offset: number;
  /**
   * Where float32 scales begin, one for each index of the first dimension, in bytes. With them the tensor is
   * 16-bit integers, and a number is integer · scale; without them it is float32.
   */
  readonly scales?: number;
}

/** Along height and width. */
export type Pair = readonly [number, number];

/** `[[top, bottom], [left, right]]` */
export type Sides = readonly [Pair, Pair];

interface Common {
  /** As in `Network`: `layer1.0.conv1`. */
  readonly name: string;
  /** Indices of the nodes it reads, all smaller than its own, in the operation's order. */
  readonly inputs: readonly number[];
  /** Of its value. */
  readonly shape: readonly number[];
}

/** The network's picture; reads nothing. */
export interface InputNode extends Common {
  readonly op: "input";
}

/** A tensor that other nodes read (`Parameter`); reads nothing. Its weights' shape may have a leading 1, the batch. */
export interface ConstantNode extends Common {
  readonly op: "constant";
  readonly value: Weights;
}

export interface Conv2dNode extends Common {
  readonly op: "conv2d";
  /** `[out, in / groups, kernel height, kernel width]` */
  readonly weight: Weights;
  /** `[out]` */
  readonly bias?: Weights;
  readonly stride: Pair;
  /** Zeros. */
  readonly padding: Sides;
  readonly dilation: Pair;
  readonly groups: number;
}

/** (x − mean) / √(variance + eps) · weight + bias, all `[C]`. */
export interface BatchNormNode extends Common {
  readonly op: "batch_norm";
  readonly weight: Weights;
  readonly bias: Weights;
  readonly mean: Weights;
  readonly variance: Weights;
  readonly eps: number;
}

/** A function of each value by itself. */
export interface PointwiseNode extends Common {
  readonly op: "pointwise";
  readonly function: PointwiseFunction;
}

/** As `Pointwise` has them. */
export type PointwiseFunction =
  | { readonly name: SimpleFunction }
  /** x where positive, else slope·x */
  | { readonly name: "leaky_relu"; readonly slope: number }
  /** x where positive, else alpha·(eˣ − 1); celu: alpha·(e^(x/alpha) − 1) */
  | { readonly name: "elu" | "celu"; readonly alpha: number }
  /** x where larger than `at`, else 0 */
  | { readonly name: "threshold"; readonly at: number }
  | { readonly name: "pow"; readonly exponent: number }
  | { readonly name: "scale"; readonly factor: number }
  | { readonly name: "shift"; readonly term: number }
  /** A bound of `null` is none. */
  | { readonly name: "clamp"; readonly low: number | null; readonly high: number | null };

/** Functions without parameters. `gelu` is x·Φ(x), `gelu_tanh` its approximation. */
export type SimpleFunction =
  | "relu" | "relu6" | "gelu" | "gelu_tanh" | "silu" | "sigmoid" | "hard_sigmoid" | "hard_swish" | "tanh"
  | "softplus" | "softsign" | "selu" | "mish" | "erf" | "exp" | "log" | "sqrt" | "neg" | "abs" | "sign"
  | "floor" | "ceil" | "round" | "trunc" | "sin" | "cos";

/** x where positive, else weight·x; the weight is `[C]`, or `[1]` for all channels. */
export interface PReluNode extends Common {
  readonly op: "prelu";
  readonly weight: Weights;
}

/** The largest of each window. How many windows there are, the node's shape says (so ceil mode needs no attribute). */
export interface MaxPoolNode extends Common {
  readonly op: "max_pool";
  readonly kernel: Pair;
  readonly stride: Pair;
  /** A border that never wins. */
  readonly padding: Sides;
  readonly dilation: Pair;
}

/** The mean of each window. What a last window has beyond the border never counts. */
export interface AvgPoolNode extends Common {
  readonly op: "avg_pool";
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Sides;
  /** Whether the border counts, as zeros. */
  readonly count_padding: boolean;
}

/** PyTorch's adaptive average pooling to the node's shape `[C, H, W]`; `[C, 1, 1]` is global pooling. */
export interface AdaptiveAvgPoolNode extends Common {
  readonly op: "adaptive_avg_pool";
}

/** One number of all those along dimensions: global max pooling is `max` over `[1, 2]`. */
export interface ReduceNode extends Common {
  readonly op: "reduce";
  readonly by: "mean" | "sum" | "max" | "min";
  /** Ascending. Whether they stay, with size 1, the node's shape says. */
  readonly dims: readonly number[];
}

/** Between two inputs, value by value; a dimension of 1 is repeated, a missing one stands in front. */
export interface ArithmeticNode extends Common {
  readonly op: "arithmetic";
  readonly by: "add" | "sub" | "mul" | "div" | "max" | "min";
}

/** Two or more inputs joined along a dimension. */
export interface ConcatNode extends Common {
  readonly op: "concat";
  readonly dim: number;
}

/** The same values, in their order, in the node's shape: flatten, reshape, unsqueeze. */
export interface ReshapeNode extends Common {
  readonly op: "reshape";
}

/** The same values: dropout, and whatever does nothing outside training. */
export interface IdentityNode extends Common {
  readonly op: "identity";
}

/** Dimension d of the value is dimension `order[d]` of the input. */
export interface PermuteNode extends Common {
  readonly op: "permute";
  readonly order: readonly number[];
}

/** Indices start, start + step, … of one dimension; how many, the node's shape says. */
export interface SliceNode extends Common {
  readonly op: "slice";
  readonly dim: number;
  readonly start: number;
  readonly step: number;
}

/** Values added before and after each dimension; negative numbers cut. Also `SamePad`, its amounts computed. */
export interface PadNode extends Common {
  readonly op: "pad";
  readonly amounts: readonly Pair[];
  readonly mode: "constant" | "reflect" | "edge" | "wrap";
  /** What is added, in mode "constant". */
  readonly value: number;
}

/** weight · x + bias, on the last dimension. */
export interface LinearNode extends Common {
  readonly op: "linear";
  /** `[out, in]` */
  readonly weight: Weights;
  /** `[out]` */
  readonly bias?: Weights;
}

/** Exponentials that sum to 1 along a dimension, or their logarithms. */
export interface SoftmaxNode extends Common {
  readonly op: "softmax" | "log_softmax";
  readonly dim: number;
}

export type Node =
  | InputNode | ConstantNode | Conv2dNode | BatchNormNode | PointwiseNode | PReluNode | MaxPoolNode | AvgPoolNode
  | AdaptiveAvgPoolNode | ReduceNode | ArithmeticNode | ConcatNode | ReshapeNode | IdentityNode | PermuteNode
  | SliceNode | PadNode | LinearNode | SoftmaxNode;
