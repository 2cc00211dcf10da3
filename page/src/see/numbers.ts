// How numbers are written.

const MINUS = "−";

function withMinus(text: string): string {
  return text.replace(/-/g, MINUS);
}

/** Three significant digits, exponents only where needed. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "not a number" : value > 0 ? "∞" : `${MINUS}∞`;
  const magnitude = Math.abs(value);
  if (magnitude === 0) return "0";
  if (magnitude < 1e-3 || magnitude >= 1e5) return withMinus(value.toExponential(1));
  if (magnitude >= 100) return withMinus(value.toFixed(0));
  return withMinus(value.toFixed(Math.min(5, Math.max(0, 2 - Math.floor(Math.log10(magnitude))))));
}

/** How many decimals show the largest of these with four significant digits: between 1 and 6. */
export function decimalsFor(values: Iterable<number>): number {
  let largest = 0;
  for (const value of values) if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
  return largest > 0 ? Math.min(6, Math.max(1, 3 - Math.floor(Math.log10(largest)))) : 1;
}

/** The decimals of numbers that have little room: about three digits of the largest. */
export function cellDecimals(values: Iterable<number>): number {
  const decimals = decimalsFor(values) - 1;
  return decimals <= 3 ? Math.min(decimals, 2) : 3;
}

export function fixed(value: number, decimals: number): string {
  if (!Number.isFinite(value)) return short(value);
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? text.replace("-", "") : withMinus(text);
}

/** A share of 1 in percent, never rounded up to all or down to nothing. */
export function percent(share: number): string {
  if (!Number.isFinite(share)) return short(share);
  if (share > 0 && share < 0.001) return "< 0.1 %";
  if (share > 0.9995) return "> 99.9 %";
  return `${(share * 100).toFixed(1)} %`;
}
