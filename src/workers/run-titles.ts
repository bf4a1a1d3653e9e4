/** The count that tells a run from others of its title. */
const count = / \(\d+\)$/u;

/** `wanted` if no run is called so, else with the first count from 2 that makes it the only one. */
export function freeTitle(wanted: string, taken: readonly string[]): string {
  if (!taken.includes(wanted)) return wanted;
  const plain = withoutCount(wanted);
  for (let number = 2; ; number++) {
    const title = `${plain} (${number})`;
    if (!taken.includes(title)) return title;
  }
}

/** What runs of one set-up are all called: their outputs, model cards included, are equal. */
export function withoutCount(title: string): string {
  return title.replace(count, '');
}
