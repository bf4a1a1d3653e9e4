import type { MethodText } from '../texts/method-text';

/** From this many specialists on, what an average leaves of each is too little to show. */
const noticeableCount = 3;

/** Why an average of this many specialists scores near the base; empty where that is no surprise. */
export function averageNote({ isAverage, title }: MethodText, specialistCount: number): string {
  if (isAverage !== true || specialistCount < noticeableCount) return '';
  return `${title} averages: each of the ${specialistCount} specialists keeps about 1/${specialistCount} of what it learned, so their skills may not show at all. Fewer specialists fade less; methods that add changes up, such as Task arithmetic, do not divide them.`;
}

/**
 * The same about all methods of a comparison.
 * @param averages those that were measured
 */
export function averagesNote(averages: readonly MethodText[], specialistCount: number): string {
  if (averages.length === 0 || specialistCount < noticeableCount) return '';
  const titles = averages.map(({ title }) => title).join(', ');
  return `Why some stay near the base: an average leaves each of the ${specialistCount} specialists about 1/${specialistCount} of what it learned (${titles}), and a method for one or two specialists knows nothing of the others. Nothing went wrong there.`;
}
