/** Numbers and amounts as the page words them. English, with thin rules: no exponent, no jargon. */

/** 38.6 MB: decimal units, as file managers count. */
export function bytesText(sizeBytes: number): string {
  if (!Number.isFinite(sizeBytes) || sizeBytes < 0) return 'unknown size';
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let amount = sizeBytes;
  let unit = 0;
  while (amount >= 999.5 && unit < units.length - 1) {
    amount /= 1000;
    unit++;
  }
  const digits = unit === 0 || amount >= 99.95 ? 0 : 1;
  return `${amount.toFixed(digits)} ${units[unit] ?? ''}`;
}

/** 3.2 M, 135 M, 1.7 B. */
export function countText(count: number): string {
  if (count >= 999.5e6) return `${(count / 1e9).toFixed(1)} B`;
  if (count >= 99.5e6) return `${(count / 1e6).toFixed(0)} M`;
  if (count >= 999.5e3) return `${(count / 1e6).toFixed(1)} M`;
  if (count >= 1e4) return `${(count / 1e3).toFixed(0)} k`;
  return String(count);
}

/** `1 run`, `2 runs`: how many there are of something that takes an s. */
export function countedText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** 31 ms, 1.4 s, 2 min 5 s, 3 h 20 min. */
export function durationText(elapsedMs: number): string {
  if (elapsedMs < 1) return 'under 1 ms';
  if (elapsedMs < 999.5) return `${elapsedMs.toFixed(0)} ms`;
  if (elapsedMs < 59_950) return `${(elapsedMs / 1000).toFixed(1)} s`;
  const seconds = Math.round(elapsedMs / 1000);
  if (seconds >= 3600) {
    return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`;
  }
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** A fraction as whole percent, `87 %`; a dash when there is none. */
export function percentText(fraction01: number | undefined): string {
  return fraction01 === undefined || !Number.isFinite(fraction01)
    ? '–'
    : `${percentOf(fraction01)} %`;
}

/** A fraction as a whole number of percent. */
export function percentOf(fraction01: number): number {
  return Math.round(fraction01 * 100);
}

/** A difference of two fractions in points, with its sign: `+4`, `−12`, `0`. */
export function pointsText(difference: number | undefined): string {
  if (difference === undefined || !Number.isFinite(difference)) return '–';
  const points = Math.round(difference * 100);
  if (points === 0) return '0';
  return points > 0 ? `+${points}` : `−${-points}`;
}

/** Up to two decimals without trailing zeros, with a real minus sign. */
export function decimalText(value: number): string {
  const text = String(Number(value.toFixed(3)));
  return text.replace('-', '−');
}
