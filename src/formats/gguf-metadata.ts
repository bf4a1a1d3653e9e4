import { LabError } from '../core/errors';
import type { GgufCursor } from './gguf-cursor';
import { quoted } from './text';

/** A list longer than this is walked through and counted, and not kept: vocabularies, merges. */
const maxKeptItems = 4096;
/** Four times the largest vocabularies' merges. */
const maxItemCount = 2 ** 22;
/** Chat templates and licences are the longest texts. */
const maxTextBytes = 2 ** 22;
/** Of the format. */
const maxKeyBytes = 2 ** 16 - 1;

/** A list of the metadata. `items` is absent where the list was too long to keep. */
export interface GgufList {
  readonly itemCount: number;
  readonly items: readonly GgufScalar[] | undefined;
}

export type GgufScalar = number | boolean | string;
export type GgufValue = GgufScalar | GgufList;

/** Reads values by the number of their type (GGUF 3, `gguf_metadata_value_type`); 9 is a list. */
const scalarReaders: ReadonlyMap<number, (cursor: GgufCursor, what: string) => GgufScalar> =
  new Map<number, (cursor: GgufCursor, what: string) => GgufScalar>([
    [0, (cursor, what) => cursor.u8(what)],
    [1, (cursor, what) => cursor.i8(what)],
    [2, (cursor, what) => cursor.u16(what)],
    [3, (cursor, what) => cursor.i16(what)],
    [4, (cursor, what) => cursor.u32(what)],
    [5, (cursor, what) => cursor.i32(what)],
    [6, (cursor, what) => cursor.f32(what)],
    [7, (cursor, what) => cursor.u8(what) !== 0],
    [8, (cursor, what) => cursor.text(what, maxTextBytes)],
    [10, (cursor, what) => cursor.u64(what)],
    [11, (cursor, what) => cursor.i64(what)],
    [12, (cursor, what) => cursor.f64(what)],
  ]);
const listType = 9;
const textType = 8;
/** Of the types that have one size. */
const sizesBytes: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [1, 1],
  [2, 2],
  [3, 2],
  [4, 4],
  [5, 4],
  [6, 4],
  [7, 1],
  [10, 8],
  [11, 8],
  [12, 8],
]);

/**
 * Reads the metadata of a GGUF file.
 * @throws LabError `format/bad-header`, `format/too-large`, `format/truncated`
 */
export function readGgufMetadata(
  cursor: GgufCursor,
  fieldCount: number,
  fileName: string,
): ReadonlyMap<string, GgufValue> {
  const metadata = new Map<string, GgufValue>();
  for (let index = 0; index < fieldCount; index++) {
    const key = cursor.text(`the name of field ${String(index + 1)}`, maxKeyBytes);
    if (metadata.has(key)) throw badField(fileName, key, 'occurs twice');
    const what = `the field ${quoted(key)}`;
    const type = cursor.u32(what);
    const value = type === listType ? readList(cursor, key, fileName) : undefined;
    metadata.set(key, value ?? scalarReader(type, key, fileName)(cursor, what));
  }
  return metadata;
}

function readList(cursor: GgufCursor, key: string, fileName: string): GgufList {
  const what = `the field ${quoted(key)}`;
  const type = cursor.u32(what);
  // Also refuses lists of lists, which no model has and the official reader does not take.
  const read = scalarReader(type, key, fileName);
  const itemCount = cursor.count(`the number of items of ${what}`, maxItemCount);
  if (itemCount <= maxKeptItems) {
    const items: GgufScalar[] = [];
    for (let index = 0; index < itemCount; index++) items.push(read(cursor, what));
    return { itemCount, items };
  }
  if (type === textType) {
    for (let index = 0; index < itemCount; index++) {
      cursor.skip(cursor.count(`the length of a text of ${what}`, maxTextBytes), what);
    }
  } else {
    cursor.skip(itemCount * (sizesBytes.get(type) ?? 0), what);
  }
  return { itemCount, items: undefined };
}

function scalarReader(
  type: number,
  key: string,
  fileName: string,
): (cursor: GgufCursor, what: string) => GgufScalar {
  const read = scalarReaders.get(type);
  if (read !== undefined) return read;
  throw badField(fileName, key, `has a value of type ${String(type)}, which cannot be read`);
}

function badField(fileName: string, key: string, problem: string): LabError {
  return new LabError(
    'format/bad-header',
    `The field ${quoted(key)} in ${fileName} ${problem}; download or convert the file again.`,
    { details: { file: fileName, field: key } },
  );
}
