/**
 * Four random words from four counters: pcg4d of Jarzynski and Olano 2020, "Hash functions for GPU
 * rendering" (JCGT 9-3, listing in §4.2). Only 32-bit multiplication, addition, exclusive or and
 * shifts, so that every back end has the same bits.
 */
export function pcg4d(
  x: number,
  y: number,
  z: number,
  w: number,
): readonly [number, number, number, number] {
  let [a, b, c, d] = [x, y, z, w].map(
    (word) => (Math.imul(word, lcgFactor) + lcgIncrement) | 0,
  ) as [number, number, number, number];
  for (let round = 0; round < 2; round++) {
    if (round === 1) {
      a ^= a >>> 16;
      b ^= b >>> 16;
      c ^= c >>> 16;
      d ^= d >>> 16;
    }
    a = (a + Math.imul(b, d)) | 0;
    b = (b + Math.imul(c, a)) | 0;
    c = (c + Math.imul(a, b)) | 0;
    d = (d + Math.imul(b, c)) | 0;
  }
  return [a >>> 0, b >>> 0, c >>> 0, d >>> 0];
}

export const lcgFactor = 1664525;
export const lcgIncrement = 1013904223;

/** Words of a model and element stand this far apart: the most models that a merge has. */
const wordStride = 12;
/** One hash serves so many models in a row. */
export const wordsPerHash = 4;

/** Which of an element's random words `randomBits(word)` means for a model. */
export function randomNumber(word: number, model: number): number {
  return wordStride * word + model;
}

/** The value of `randomBits(word)`. */
export function randomWord(
  word: number,
  element: number,
  model: number,
  tensorKey: number,
  seed: number,
): number {
  const number = randomNumber(word, model);
  const words = pcg4d(element, Math.floor(number / wordsPerHash), tensorKey, seed);
  return words[number % wordsPerHash] ?? 0;
}
