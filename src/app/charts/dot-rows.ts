import { scaleLinear } from 'd3-scale';

/** Where a dot plot of shares puts its parts; all in pixels. */
export interface DotPlot {
  readonly heightPx: number;
  readonly plotLeftPx: number;
  readonly ticks: readonly { readonly share: number; readonly xPx: number }[];
  /** The place of a share from 0 to 1; shares outside are held at the edge. */
  readonly xOf: (share: number) => number;
  /** The middle of a row, from 0. */
  readonly yOf: (row: number) => number;
}

/** Wide enough for a letter of the labels' size, on average. */
const letterPx = 7.2;
const rowPx = 22;
const axisPx = 22;
const edgePx = 14;

/** One row of dots for each label, on a common axis from 0 to 100 %, for a chart of this width. */
export function dotPlot(widthPx: number, rowCount: number): DotPlot {
  const plotLeftPx = Math.min(226, Math.round(widthPx * 0.36));
  const scale = scaleLinear()
    .domain([0, 1])
    .range([plotLeftPx, Math.max(plotLeftPx + 40, widthPx - edgePx)])
    .clamp(true);
  const tickCount = widthPx > 480 ? 10 : 4;
  return {
    heightPx: axisPx + rowCount * rowPx + edgePx / 2,
    plotLeftPx,
    ticks: scale.ticks(tickCount).map((share) => ({ share, xPx: scale(share) })),
    xOf: (share) => scale(share),
    yOf: (row) => axisPx + (row + 0.5) * rowPx,
  };
}

/** How far dots of one row that have one place stand apart, and all of them together, in pixels. */
const apartPx = 7;
const apartInAllPx = 14;

/**
 * How far above or below the middle of its row each dot stands, in pixels: those of one share would
 * hide each other.
 */
export function dotOffsets(shares: readonly (number | undefined)[]): readonly number[] {
  return shares.map((share, index) => {
    const same = shares.flatMap((other, place) => (other === share ? [place] : []));
    const step = Math.min(apartPx, apartInAllPx / Math.max(1, same.length - 1));
    return (same.indexOf(index) - (same.length - 1) / 2) * step;
  });
}

/** A label that fits to the left of the plot; the table has it whole. */
export function fittingLabel(label: string, { plotLeftPx }: DotPlot): string {
  const letterCount = Math.floor((plotLeftPx - 8) / letterPx);
  return label.length <= letterCount ? label : `${label.slice(0, letterCount - 1).trimEnd()}…`;
}
