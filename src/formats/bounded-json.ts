import { LabError, sentenceOf, type LabErrorCode } from '../core/errors';
import { decodeUtf8, quoted, shownBytes } from './text';

/** A JSON object whose fields nobody has checked yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** What a JSON file may cost before it is refused. */
export interface JsonLimits {
  readonly maxSizeBytes: number;
  /** Nesting of objects and arrays; 1 is a flat object. */
  readonly maxDepth: number;
}

/**
 * Parses a JSON object from bytes of unknown origin: size and depth are capped before parsing, and a
 * key that occurs twice in one object is refused (`JSON.parse` would keep the last).
 * @throws LabError with `code`; `format/too-large` when the bytes exceed the cap
 */
export function parseJsonObject(
  bytes: Uint8Array,
  fileName: string,
  code: LabErrorCode,
  limits: JsonLimits,
): JsonObject {
  const details = { file: fileName, sizeBytes: bytes.byteLength };
  if (bytes.byteLength > limits.maxSizeBytes) {
    throw new LabError(
      'format/too-large',
      `${fileName} is ${shownBytes(bytes.byteLength)}, above the limit of ${shownBytes(limits.maxSizeBytes)}; check that it is the right file.`,
      { details },
    );
  }
  const text = decodeUtf8(bytes, fileName, code);
  const problem = findProblem(text, limits.maxDepth);
  if (problem !== undefined) {
    throw new LabError(code, `${fileName} ${problem}; download or export the file again.`, {
      details,
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new LabError(
      code,
      `${fileName} is not valid JSON (${sentenceOf(cause)}); download or export the file again.`,
      { details, cause },
    );
  }
  if (!isJsonObject(value)) {
    throw new LabError(
      code,
      `${fileName} must hold a JSON object; download or export the file again.`,
      { details },
    );
  }
  return value;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Looks for nesting below `maxDepth` and repeated keys in one pass. On text that is not JSON the
 * answer is only a guess: `JSON.parse` still has the last word.
 */
function findProblem(text: string, maxDepth: number): string | undefined {
  // One entry per open bracket: the keys of an object, or undefined for an array.
  const open: (Set<string> | undefined)[] = [];
  let expectsKey = false;
  let index = 0;
  while (index < text.length) {
    const character = text.charAt(index);
    if (character === '"') {
      const end = endOfString(text, index);
      const keys = open.at(-1);
      if (expectsKey && keys !== undefined) {
        const key = decodedString(text.slice(index, end));
        if (keys.has(key)) return `has the key ${quoted(key)} twice in one object`;
        keys.add(key);
      }
      expectsKey = false;
      index = end;
      continue;
    }
    if (character === '{' || character === '[') {
      open.push(character === '{' ? new Set() : undefined);
      if (open.length > maxDepth) return `is nested more than ${String(maxDepth)} levels deep`;
      expectsKey = character === '{';
    } else if (character === '}' || character === ']') {
      open.pop();
      expectsKey = false;
    } else if (character === ',') {
      expectsKey = open.at(-1) !== undefined;
    }
    index += 1;
  }
  return undefined;
}

/** The index after the closing quote of the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let index = start + 1;
  while (index < text.length) {
    const character = text.charAt(index);
    if (character === '"') return index + 1;
    index += character === '\\' ? 2 : 1;
  }
  return text.length;
}

/** Two spellings of one key (`"a"` and `"\u0061"`) must compare equal. */
function decodedString(literal: string): string {
  if (!literal.includes('\\')) return literal.slice(1, -1);
  try {
    return String(JSON.parse(literal));
  } catch {
    return literal;
  }
}
