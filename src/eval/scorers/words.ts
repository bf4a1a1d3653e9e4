/** A letter or a digit of any script, as Python's `\w` without the underscore. */
const wordCharacter = /[\p{L}\p{N}]/u;

/** Words as people count them: "don't" and "well-known" are one, numbers count, punctuation does not. */
const wordPattern = /[\p{L}\p{N}\p{M}]+(?:['’-][\p{L}\p{N}\p{M}]+)*/gu;

export function countWords(text: string): number {
  let count = 0;
  for (const match of text.matchAll(wordPattern)) count += match[0] === '' ? 0 : 1;
  return count;
}

/**
 * Lower case. Not composed as well: composing takes quadratic time on a long run of combining marks,
 * and a byte-level tokenizer writes the form it was trained on.
 */
export function foldCase(text: string): string {
  return text.toLowerCase();
}

/** Whether no word runs across `index` of `text`. */
export function isWordBoundary(text: string, index: number): boolean {
  if (index <= 0 || index >= text.length) return true;
  // Word characters outside the basic plane do not occur in the items; single units suffice.
  return !(wordCharacter.test(text.charAt(index - 1)) && wordCharacter.test(text.charAt(index)));
}

/** How often `needle` stands in `text` as whole words, letter case ignored, without overlaps. */
export function countOccurrences(text: string, needle: string): number {
  const hay = foldCase(text);
  const wanted = foldCase(needle);
  if (wanted === '') return 0;
  let count = 0;
  let index = hay.indexOf(wanted);
  while (index !== -1) {
    const end = index + wanted.length;
    const isWhole = isWordBoundary(hay, index) && isWordBoundary(hay, end);
    if (isWhole) count++;
    index = hay.indexOf(wanted, isWhole ? end : index + 1);
  }
  return count;
}
