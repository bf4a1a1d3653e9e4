import { curveLinearClosed, lineRadial } from 'd3-shape';

/** One axis of a radar chart, with where its label goes. */
export interface RadarAxis {
  readonly x: number;
  readonly y: number;
  readonly labelX: number;
  readonly labelY: number;
  readonly anchor: 'start' | 'middle' | 'end';
}

/** Axes at equal angles, the first one straight up, clockwise; the centre is (0, 0). */
export function radarAxes(count: number, radius: number, labelRadius: number): RadarAxis[] {
  return Array.from({ length: count }, (_, index) => {
    const angle = angleOf(index, count);
    const [x, y] = [Math.sin(angle), -Math.cos(angle)];
    return {
      x: x * radius,
      y: y * radius,
      labelX: x * labelRadius,
      labelY: y * labelRadius,
      anchor: Math.abs(x) < 0.1 ? 'middle' : x > 0 ? 'start' : 'end',
    };
  });
}

/** The closed outline through one value from 0 to 1 on each axis, as an SVG path. */
export function radarPath(values01: readonly number[], radius: number): string {
  const outline = lineRadial<number>()
    .angle((_, index) => angleOf(index, values01.length))
    .radius((value) => Math.min(1, Math.max(0, value)) * radius)
    .curve(curveLinearClosed);
  return outline([...values01]) ?? '';
}

function angleOf(index: number, count: number): number {
  return (index / count) * 2 * Math.PI;
}
