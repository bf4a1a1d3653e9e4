/** The layout of a slice's buffer of columns after a name is attached or detached, in words. */
export interface ColumnPlan {
  readonly offsets: ReadonlyMap<string, readonly number[]>;
  /** Columns of other names that stay, from the old buffer to the new. */
  readonly moves: readonly { readonly from: number; readonly to: number }[];
  readonly columnBytes: number;
  readonly sizeBytes: number;
}

/** Leaves out what `name` had before; its own `count` columns, if any, come last. */
export function planColumns(
  before: ReadonlyMap<string, readonly number[]>,
  name: string,
  count: number,
  elementCount: number,
): ColumnPlan {
  const offsets = new Map<string, readonly number[]>();
  const moves: { from: number; to: number }[] = [];
  let placed = 0;
  const place = (): number => placed++ * elementCount;
  for (const [other, places] of before) {
    if (other === name) continue;
    const moved = places.map((from) => ({ from, to: place() }));
    moves.push(...moved);
    offsets.set(
      other,
      moved.map(({ to }) => to),
    );
  }
  offsets.set(name, Array.from({ length: count }, place));
  const columnBytes = 4 * elementCount;
  return { offsets, moves, columnBytes, sizeBytes: placed * columnBytes };
}
