/** A way in which GGUF stores numbers: `valuesPerBlock` of them together in `bytesPerBlock`. */
interface BlockShape {
  readonly valuesPerBlock: number;
  readonly bytesPerBlock: number;
}

/**
 * The GGUF element types that can be read, by their official names (ggml, `ggml_type`; sizes of
 * gguf-py 0.19). Blocks lie along the innermost axis and never cross a row.
 */
export const ggufTypes = {
  F32: { valuesPerBlock: 1, bytesPerBlock: 4 },
  F16: { valuesPerBlock: 1, bytesPerBlock: 2 },
  BF16: { valuesPerBlock: 1, bytesPerBlock: 2 },
  Q4_0: { valuesPerBlock: 32, bytesPerBlock: 18 },
  Q4_1: { valuesPerBlock: 32, bytesPerBlock: 20 },
  Q5_0: { valuesPerBlock: 32, bytesPerBlock: 22 },
  Q5_1: { valuesPerBlock: 32, bytesPerBlock: 24 },
  Q8_0: { valuesPerBlock: 32, bytesPerBlock: 34 },
  Q4_K: { valuesPerBlock: 256, bytesPerBlock: 144 },
  Q5_K: { valuesPerBlock: 256, bytesPerBlock: 176 },
  Q6_K: { valuesPerBlock: 256, bytesPerBlock: 210 },
} as const satisfies Readonly<Record<string, BlockShape>>;

export type GgufType = keyof typeof ggufTypes;

/** Every number that the format gives a type, so that a message can name what is not read. */
const typeNames: ReadonlyMap<number, string> = new Map([
  [0, 'F32'],
  [1, 'F16'],
  [2, 'Q4_0'],
  [3, 'Q4_1'],
  [6, 'Q5_0'],
  [7, 'Q5_1'],
  [8, 'Q8_0'],
  [9, 'Q8_1'],
  [10, 'Q2_K'],
  [11, 'Q3_K'],
  [12, 'Q4_K'],
  [13, 'Q5_K'],
  [14, 'Q6_K'],
  [15, 'Q8_K'],
  [16, 'IQ2_XXS'],
  [17, 'IQ2_XS'],
  [18, 'IQ3_XXS'],
  [19, 'IQ1_S'],
  [20, 'IQ4_NL'],
  [21, 'IQ3_S'],
  [22, 'IQ2_S'],
  [23, 'IQ4_XS'],
  [24, 'I8'],
  [25, 'I16'],
  [26, 'I32'],
  [27, 'I64'],
  [28, 'F64'],
  [29, 'IQ1_M'],
  [30, 'BF16'],
  [34, 'TQ1_0'],
  [35, 'TQ2_0'],
  [39, 'MXFP4'],
]);

/** The name of a type number; `type 77` for one that the format does not have. */
export function ggufTypeName(id: number): string {
  return typeNames.get(id) ?? `type ${String(id)}`;
}

/** Whether a type of that name can be read. */
export function isGgufType(name: string): name is GgufType {
  return Object.hasOwn(ggufTypes, name);
}

/** Whether a type keeps fewer bits than a half, so that the numbers were rounded to be stored. */
export function isQuantised(type: GgufType): boolean {
  return ggufTypes[type].valuesPerBlock > 1;
}
