// Functions of one number of single precision and their slopes, as `Pointwise` has them. At a kink a slope is PyTorch's.

import type { PointwiseFunction } from "../format";

export interface Curve {
  /** How it is written: `max(x, 0)`. */
  readonly text: string;
  readonly at: (x: number) => number;
  readonly slope: (x: number) => number;
}

const SELU_ALPHA = 1.6732632423543772;
const SELU_SCALE = 1.0507009873554805;

const clamp = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high);
const flat = () => 0;
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const density = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
const cumulative = (x: number) => (1 + erf(x / Math.SQRT2)) / 2;

/** The error function, to 1e-15: its series near 0, a continued fraction of what is left beyond. */
function erf(x: number): number {
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x);
  if (size < 2.5) {
    let [sum, power] = [x, x];
    for (let n = 1; n < 60; n++) {
      power *= (-x * x) / n;
      sum += power / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (size + fraction);
  return Math.sign(x) * (1 - Math.exp(-x * x) / Math.sqrt(Math.PI) / (size + fraction));
}

/** Of two whole numbers that are as near, the even one. */
function round(x: number): number {
  const below = Math.floor(x);
  const over = x - below;
  return over < 0.5 || (over === 0.5 && below % 2 === 0) ? below : below + 1;
}

function geluTanh(x: number): { value: number; slope: number } {
  const factor = Math.sqrt(2 / Math.PI);
  const t = Math.tanh(factor * (x + 0.044715 * x ** 3));
  const inner = factor * (1 + 3 * 0.044715 * x * x);
  return { value: (x * (1 + t)) / 2, slope: (1 + t) / 2 + (x * (1 - t * t) * inner) / 2 };
}

/** x where positive, else alpha · (e^(x / scale) − 1), all times `factor`. */
function exponentialUnit(text: string, alpha: number, scale: number, factor = 1): Curve {
  return {
    text,
    at: (x) => factor * (x > 0 ? x : alpha * Math.expm1(x / scale)),
    slope: (x) => factor * (x > 0 ? 1 : (alpha / scale) * Math.exp(x / scale)),
  };
}

function mishSlope(x: number): number {
  const t = Math.tanh(softplus(x));
  return t + x * (1 - t * t) * sigmoid(x);
}

/** What the function is. */
export function curve(f: PointwiseFunction): Curve {
  const of = (text: string, at: Curve["at"], slope: Curve["slope"]): Curve => ({ text, at, slope });
  switch (f.name) {
    case "relu":
      return of("max(x, 0)", (x) => Math.max(x, 0), (x) => (x > 0 ? 1 : 0));
    case "relu6":
      return of("min(max(x, 0), 6)", (x) => clamp(x, 0, 6), (x) => (x > 0 && x < 6 ? 1 : 0));
    case "leaky_relu":
      return of(`x if x > 0, else ${f.slope}·x`, (x) => (x > 0 ? x : f.slope * x), (x) => (x > 0 ? 1 : f.slope));
    case "gelu":
      return of("x·Φ(x)", (x) => x * cumulative(x), (x) => cumulative(x) + x * density(x));
    case "gelu_tanh":
      return of("GELU(x)", (x) => geluTanh(x).value, (x) => geluTanh(x).slope);
    case "silu":
      return of(
        "x·sigmoid(x)",
        (x) => x * sigmoid(x),
        (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x))),
      );
    case "sigmoid":
      return of("1 / (1 + e^−x)", sigmoid, (x) => sigmoid(x) * (1 - sigmoid(x)));
    case "hard_sigmoid":
      return of(
        "min(max(x/6 + 1/2, 0), 1)",
        (x) => clamp(x / 6 + 0.5, 0, 1),
        (x) => (x > -3 && x < 3 ? 1 / 6 : 0),
      );
    case "hard_swish":
      return of(
        "x·min(max(x/6 + 1/2, 0), 1)",
        (x) => x * clamp(x / 6 + 0.5, 0, 1),
        (x) => (x <= -3 ? 0 : x < 3 ? x / 3 + 0.5 : 1),
      );
    case "tanh":
      return of("tanh(x)", Math.tanh, (x) => 1 - Math.tanh(x) ** 2);
    case "softplus":
      return of("ln(1 + e^x)", softplus, sigmoid);
    case "softsign":
      return of("x / (1 + |x|)", (x) => x / (1 + Math.abs(x)), (x) => 1 / (1 + Math.abs(x)) ** 2);
    case "elu":
      return exponentialUnit(`x if x > 0, else ${f.alpha}·(e^x − 1)`, f.alpha, 1);
    case "celu":
      return exponentialUnit(`x if x > 0, else ${f.alpha}·(e^(x/${f.alpha}) − 1)`, f.alpha, f.alpha);
    case "selu":
      return exponentialUnit("SELU(x)", SELU_ALPHA, 1, SELU_SCALE);
    case "mish":
      return of("x·tanh(ln(1 + e^x))", (x) => x * Math.tanh(softplus(x)), mishSlope);
    case "threshold": {
      const bound = Math.fround(f.at);
      return of(`x if x > ${f.at}, else 0`, (x) => (x > bound ? x : 0), (x) => (x > bound ? 1 : 0));
    }
    case "erf":
      return of("erf(x)", erf, (x) => (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x));
    case "exp":
      return of("e^x", Math.exp, Math.exp);
    case "log":
      return of("ln x", Math.log, (x) => 1 / x);
    case "sqrt":
      return of("√x", Math.sqrt, (x) => 0.5 / Math.sqrt(x));
    case "neg":
      return of("−x", (x) => -x, () => -1);
    case "abs":
      return of("|x|", Math.abs, Math.sign);
    case "sign":
      return of("sign(x)", Math.sign, flat);
    case "floor":
      return of("⌊x⌋", Math.floor, flat);
    case "ceil":
      return of("⌈x⌉", Math.ceil, flat);
    case "round":
      return of("round(x)", round, flat);
    case "trunc":
      return of("trunc(x)", Math.trunc, flat);
    case "sin":
      return of("sin(x)", Math.sin, Math.cos);
    case "cos":
      return of("cos(x)", Math.cos, (x) => -Math.sin(x));
    case "pow":
      return of(
        `x^${f.exponent}`,
        (x) => x ** f.exponent,
        (x) => (f.exponent === 0 ? 0 : f.exponent * x ** (f.exponent - 1)),
      );
    case "scale":
      return of(`x·${f.factor}`, (x) => x * f.factor, () => f.factor);
    case "shift":
      return of(`x + ${f.term}`, (x) => x + f.term, () => 1);
    case "clamp": {
      const [low, high] = [Math.fround(f.low ?? -Infinity), Math.fround(f.high ?? Infinity)];
      const below = f.low === null ? "x" : `max(x, ${f.low})`;
      const text = f.high === null ? below : `min(${below}, ${f.high})`;
      return of(text, (x) => clamp(x, low, high), (x) => (x >= low && x <= high ? 1 : 0));
    }
  }
}
