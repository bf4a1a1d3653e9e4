/** The items in order, each beside those right before and after it that are like the first of them. */
export function rowsOfAlike<T>(
  items: readonly T[],
  isLike: (first: T, item: T) => boolean,
): [T, ...T[]][] {
  const rows: [T, ...T[]][] = [];
  for (const item of items) {
    const last = rows.at(-1);
    if (last !== undefined && isLike(last[0], item)) last.push(item);
    else rows.push([item]);
  }
  return rows;
}
