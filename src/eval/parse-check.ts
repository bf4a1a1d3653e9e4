import { fail, isRecord, readCount, readText, readTexts, type UnknownRecord } from './parse-field';
import type { Constraint, ItemCheck } from './tasks/task';

const maxEntries = 64;
const maxTextChars = 4096;

/** Reads a check from JSON. @throws LabError `eval/bad-item` that names `where` and the field */
export function parseCheck(value: unknown, where: string): ItemCheck {
  if (!isRecord(value)) fail(where, 'check', 'must be an object');
  const place = `${where}, check`;
  const type = value['type'];
  switch (type) {
    case 'exact':
      return { type, answers: readTexts(value, 'answers', place, 1, maxEntries) };
    case 'number': {
      const answer = value['answer'];
      if (typeof answer !== 'number' || !Number.isFinite(answer)) {
        fail(place, 'answer', 'must be a number');
      }
      return { type, answer };
    }
    case 'choice': {
      const answer = readText(value, 'answer', place, 1);
      if (!/^[a-z]$/iu.test(answer)) fail(place, 'answer', 'must be one letter');
      return { type, answer };
    }
    case 'constraints': {
      const constraints = value['constraints'];
      if (!Array.isArray(constraints) || constraints.length === 0) {
        fail(place, 'constraints', 'must be a list with at least one constraint');
      }
      if (constraints.length > maxEntries) fail(place, 'constraints', 'has too many entries');
      return {
        type,
        constraints: constraints.map((entry: unknown, index) =>
          parseConstraint(entry, `${place}, constraint ${String(index + 1)}`),
        ),
      };
    }
    case 'python':
      return { type, tests: readTexts(value, 'tests', place, 1, maxEntries) };
    case 'refuse':
      return { type };
    case 'comply':
      return value['mentions'] === undefined
        ? { type }
        : { type, mentions: readText(value, 'mentions', place, maxTextChars) };
    default:
      return fail(place, 'type', 'is not a known check');
  }
}

function parseConstraint(value: unknown, where: string): Constraint {
  if (!isRecord(value)) fail(where, 'constraint', 'must be an object');
  const type = value['type'];
  switch (type) {
    case 'allUppercase':
    case 'allLowercase':
    case 'noCommas':
      return { type };
    case 'wordCount':
      return { type, count: readCount(value, 'count', where) };
    case 'startsWith':
    case 'endsWith':
      return { type, text: readText(value, 'text', where, maxTextChars) };
    case 'contains':
    case 'notContains': {
      const text = readText(value, 'text', where, maxTextChars);
      if (value['count'] === undefined) return { type, text };
      return { type, text, count: readCount(value, 'count', where, 1) };
    }
    case 'parts':
      return {
        type,
        separator: readText(value, 'separator', where, maxTextChars),
        parts: readTexts(value, 'parts', where, 1, maxEntries),
      };
    case 'json':
      return { type, value: readJsonValue(value, where) };
    case 'wrapped':
      return {
        type,
        open: readText(value, 'open', where, maxTextChars),
        close: readText(value, 'close', where, maxTextChars),
      };
    case 'bulletCount':
      return {
        type,
        marker: readText(value, 'marker', where, maxTextChars),
        count: readCount(value, 'count', where),
      };
    default:
      return fail(where, 'type', 'is not a known constraint');
  }
}

function readJsonValue(record: UnknownRecord, where: string): Record<string, string | number> {
  const value = record['value'];
  if (!isRecord(value) || Object.keys(value).length > maxEntries) {
    fail(where, 'value', `must be an object of at most ${String(maxEntries)} keys`);
  }
  const entries = Object.entries(value).map(([key, entry]): [string, string | number] => {
    if (typeof entry !== 'string' && typeof entry !== 'number') {
      fail(where, `value.${key}`, 'must be a text or a number');
    }
    return [key, entry];
  });
  return Object.fromEntries(entries);
}
