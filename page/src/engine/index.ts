// What the page uses of the engine.

export { BORDER, type Arithmetic, type Read, type Term } from "./arithmetic";
export { convolutionSteps, type ConvolutionStep, type ConvolutionSteps } from "./convolution_steps";
export { draw, ERASER, PEN, type Drawn, type Fit, type Stroke } from "./drawing";
export { Engine } from "./engine";
export { camAt, probabilities, salient } from "./explain";
export { bytesOfPixels, normalize } from "./picture";
export { arithmetic, receptive } from "./receptive";
export type { Range, Region } from "./region";
export { decodeBytes } from "./weights";
