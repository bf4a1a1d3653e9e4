import { checkParameterName } from './check-parameter-name';
import { isAbsent, type Located, type LocatedMap, type LocatedScalar } from './located';
import { numberOf, shortened, type Reading } from './reading';
import type { ConditionalValue, Gradient, ParameterValue, Setting, Settings } from './recipe';

/** A list along the layers longer than any model, or more filters than anybody writes. */
const maxListLength = 1024;

/** The value of a key `parameters`. @param scope whose they are: one model's or the whole merge's */
export function readSettings(
  node: Located | undefined,
  scope: 'model' | 'method',
  reading: Reading,
): Settings {
  if (isAbsent(node)) return {};
  if (node.kind !== 'map') {
    reading.badValue(node, 'parameters must be a mapping, such as {weight: 0.5}.');
    return {};
  }
  const settings: [string, Setting][] = [];
  for (const { key, keySpan, value } of node.entries) {
    if (!checkParameterName(key, keySpan, scope, reading)) continue;
    const setting = readSetting(key, value, reading);
    if (setting !== undefined) settings.push([key, setting]);
  }
  return Object.fromEntries(settings);
}

function readSetting(key: string, node: Located, reading: Reading): Setting | undefined {
  if (node.kind === 'scalar') return readScalar(key, node, reading);
  if (node.kind === 'map') {
    reading.badValue(
      node,
      `${key} is a mapping, but filters stand in a list. Write "- filter: mlp" with its value below.`,
    );
    return undefined;
  }
  if (node.items.length === 0) {
    reading.badValue(node, `${key} is an empty list. Write one value, or remove ${key}.`);
    return undefined;
  }
  if (node.items.length > maxListLength) {
    reading.badValue(node, `${key} lists more than ${maxListLength} values. Shorten the list.`);
    return undefined;
  }
  const maps = node.items.filter((item) => item.kind === 'map');
  if (maps.length === 0) return readGradient(key, node.items, reading);
  if (maps.length === node.items.length) return readConditions(key, maps, reading);
  reading.badValue(
    node,
    `${key} mixes numbers and filters in one list. Give every entry a value: and, but for the last, a filter:.`,
  );
  return undefined;
}

function readScalar(
  key: string,
  node: LocatedScalar,
  reading: Reading,
): ParameterValue | undefined {
  const { value } = node;
  if (typeof value === 'boolean') return value;
  const number = numberOf(value);
  if (number !== undefined) {
    if (Number.isFinite(number)) return number;
    reading.badValue(node, `${key} must be a finite number. Correct it.`);
    return undefined;
  }
  const facts =
    reading.method === undefined
      ? undefined
      : reading.vocabulary?.parameterFacts?.(reading.method, key);
  if (typeof value === 'string') {
    // Without the facts a text may be a choice, which is checked when the recipe is resolved.
    if (facts === undefined || facts.choices?.includes(value) === true) return value;
    const expected =
      facts.choices === undefined
        ? 'a number, true or false'
        : `one of ${facts.choices.join(', ')}`;
    reading.badValue(node, `${key} is "${shortened(value)}", but must be ${expected}.`);
    return undefined;
  }
  reading.badValue(node, `${key} has no value. Write a number, true or false, or remove ${key}.`);
  return undefined;
}

function readGradient(
  key: string,
  items: readonly Located[],
  reading: Reading,
): Gradient | undefined {
  const numbers: number[] = [];
  for (const item of items) {
    const value = item.kind === 'scalar' ? item.value : null;
    const number = typeof value === 'boolean' ? Number(value) : numberOf(value);
    if (number === undefined || !Number.isFinite(number)) {
      reading.badValue(item, `${key} is a list along the layers, so each entry must be a number.`);
      return undefined;
    }
    numbers.push(number);
  }
  return numbers;
}

function readConditions(
  key: string,
  maps: readonly LocatedMap[],
  reading: Reading,
): ConditionalValue[] {
  const conditions: ConditionalValue[] = [];
  for (const map of maps) {
    const isUnreached = conditions.some(({ filter }) => filter === undefined);
    if (isUnreached) {
      const sentence = `an earlier entry of ${key} holds for every tensor, so this one is never reached. Move it up.`;
      reading.problems.warning('recipe/bad-value', map, sentence);
    }
    const condition = readCondition(key, map, reading);
    if (condition !== undefined) conditions.push(condition);
  }
  return conditions;
}

function readCondition(
  key: string,
  map: LocatedMap,
  reading: Reading,
): ConditionalValue | undefined {
  const fields = reading.fields(map, 'condition');
  const node = fields.get('value');
  if (node === undefined) {
    if (reading.lacks(map, fields, 'value', 'condition')) {
      reading.badValue(map, `this entry of ${key} has no value. Add one, such as value: 0.5.`);
    }
    return undefined;
  }
  const value = readConditionValue(key, node, reading);
  const filterNode = fields.get('filter');
  if (filterNode === undefined) return value === undefined ? undefined : { value };
  if (filterNode.kind !== 'scalar' || typeof filterNode.value !== 'string') {
    reading.badValue(
      filterNode,
      `the filter of ${key} must be a text that is part of a tensor's name. Put it in quotation marks.`,
    );
    return undefined;
  }
  if (value === undefined) return undefined;
  // Both hold for every tensor.
  const isForAll = filterNode.value === '' || filterNode.value === '*';
  return isForAll ? { value } : { filter: filterNode.value, value };
}

function readConditionValue(
  key: string,
  node: Located,
  reading: Reading,
): ParameterValue | Gradient | undefined {
  if (node.kind === 'scalar') return readScalar(key, node, reading);
  if (node.kind === 'list' && node.items.length > 0 && node.items.length <= maxListLength) {
    return readGradient(key, node.items, reading);
  }
  reading.badValue(
    node,
    `the value of ${key} for a filter must be a number or a list of numbers. Correct it.`,
  );
  return undefined;
}
