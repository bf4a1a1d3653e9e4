import { LabError } from '../core/errors';
import { isAbsent, type Located, type LocatedMap } from './located';
import {
  formatModelReference,
  parseModelPath,
  parseModelReference,
  type ModelPath,
  type ModelReference,
} from './model-reference';
import type { Reading } from './reading';

/** A reference to a model, as one text, or `undefined` when it is absent or wrong. */
export function readModel(
  node: Located | undefined,
  key: string,
  reading: Reading,
): string | undefined {
  if (isAbsent(node)) return undefined;
  const reference =
    node.kind === 'map'
      ? readMapping(node, key, reading)
      : readText(node, key, reading, parseModelReference);
  if (reference === undefined) return undefined;
  reading.references.push({ path: reference.model.path, span: node });
  return formatModelReference(reference);
}

function readMapping(map: LocatedMap, key: string, reading: Reading): ModelReference | undefined {
  const fields = reading.fields(map, 'modelReference');
  const model = readPath(fields.get('model'), `${key}.model`, reading);
  const lora = readPath(fields.get('lora'), `${key}.lora`, reading);
  const architecture = reading.text(
    fields.get('override_architecture'),
    `${key}.override_architecture`,
  );
  if (model === undefined) {
    if (reading.lacks(map, fields, 'model', 'modelReference')) {
      reading.badValue(map, `${key} has no model. Write it as a text, or as {model: PATH}.`);
    }
    return undefined;
  }
  return {
    model,
    ...(lora === undefined ? {} : { lora }),
    ...(architecture === undefined ? {} : { overrideArchitecture: architecture }),
  };
}

function readPath(node: Located | undefined, key: string, reading: Reading): ModelPath | undefined {
  if (isAbsent(node)) return undefined;
  if (node.kind !== 'map') {
    return readText(node, key, reading, (text) => parseModelPath(text));
  }
  const fields = reading.fields(node, 'modelPath');
  const path = reading.text(fields.get('path'), `${key}.path`);
  const revision = reading.text(fields.get('revision'), `${key}.revision`);
  if (path === undefined) {
    if (reading.lacks(node, fields, 'path', 'modelPath')) {
      reading.badValue(node, `${key} has no path. Add one, such as path: math.`);
    }
    return undefined;
  }
  return { path, ...(revision === undefined ? {} : { revision }) };
}

function readText<Value>(
  node: Located,
  key: string,
  reading: Reading,
  parse: (text: string) => Value,
): Value | undefined {
  const text = reading.text(node, key);
  if (text === undefined) return undefined;
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    reading.problems.error(error.code, node, error.message);
    return undefined;
  }
}

/** The key `model` of an entry of `models` or `sources`. */
export function requiredModel(
  map: LocatedMap,
  fields: ReadonlyMap<string, Located>,
  kind: 'model' | 'source',
  reading: Reading,
): string | undefined {
  if (reading.lacks(map, fields, 'model', kind)) {
    const list = kind === 'model' ? 'models' : 'sources';
    const sentence = `this entry of ${list} has no model. Add one, such as model: math.`;
    reading.problems.error('recipe/syntax', map, sentence);
  }
  return readModel(fields.get('model'), 'model', reading);
}
