import type { Located, LocatedMap } from './located';
import { readInputs } from './read-inputs';
import { readLabSettings } from './read-lab-settings';
import { readModel } from './read-model';
import { readSettings } from './read-settings';
import { readTokenizer } from './read-tokenizer';
import { shortened, type Reading } from './reading';
import {
  recipeDtypes,
  type ConditionalValue,
  type Recipe,
  type RecipeDtype,
  type Setting,
  type Settings,
} from './recipe';
import { isGradient } from './evaluate-setting';

/** The recipe that a document says, or `undefined` when it has no method. Problems go to `reading`. */
export function readRecipe(root: Located, reading: Reading): Recipe | undefined {
  if (root.kind !== 'map') {
    const sentence = 'a recipe is a mapping with the keys merge_method and models. Add them.';
    reading.problems.error('recipe/syntax', root, sentence);
    return undefined;
  }
  const fields = reading.fields(root, 'recipe');
  const mergeMethod = readMethod(root, fields.get('merge_method'), reading);
  const name = readName(fields.get('name'), reading);
  const baseModel = readModel(fields.get('base_model'), 'base_model', reading);
  const { models, slices, moduleParameters = {} } = readInputs(root, fields, reading);
  const parameters = readSettings(fields.get('parameters'), 'method', reading);
  const dtype = readDtype(fields.get('dtype'), 'dtype', reading);
  const outDtype = readDtype(fields.get('out_dtype'), 'out_dtype', reading);
  const tokenizer = readTokenizer(fields.get('tokenizer'), fields.get('tokenizer_source'), reading);
  const chatTemplate = reading.text(fields.get('chat_template'), 'chat_template');
  const mergelab = readLabSettings(fields.get('mergelab'), reading);
  if (mergeMethod === undefined) return undefined;
  return {
    ...(name === undefined ? {} : { name }),
    mergeMethod,
    ...(baseModel === undefined ? {} : { baseModel }),
    models,
    ...(slices === undefined ? {} : { slices }),
    parameters: inFrontOf(moduleParameters, parameters),
    ...(dtype === undefined ? {} : { dtype }),
    ...(outDtype === undefined ? {} : { outDtype }),
    ...(tokenizer === undefined ? {} : { tokenizer }),
    ...(chatTemplate === undefined ? {} : { chatTemplate }),
    ...(mergelab === undefined ? {} : { mergelab }),
  };
}

function readMethod(
  root: LocatedMap,
  node: Located | undefined,
  reading: Reading,
): string | undefined {
  if (node === undefined) {
    if (reading.lacks(root, new Map(), 'merge_method', 'recipe')) {
      const sentence = 'merge_method is missing. Name a method, such as merge_method: ties.';
      reading.problems.error('recipe/syntax', { from: root.from, to: root.from + 1 }, sentence);
    }
    return undefined;
  }
  const method = reading.text(node, 'merge_method');
  const known = reading.vocabulary?.methods;
  if (method === undefined) return undefined;
  if (known !== undefined && !known.includes(method)) {
    const sentence = `there is no merging method ${shortened(method)}.`;
    reading.problems.error(
      'recipe/unknown-method',
      node,
      `${sentence} ${reading.hint(method, known)}`,
    );
    // Its parameters are not known either; the text is kept for the rest to be checked.
    return method;
  }
  reading.method = method;
  return method;
}

/** Names stand where models do, so they must not look like anything else there. */
function readName(node: Located | undefined, reading: Reading): string | undefined {
  const name = reading.text(node, 'name');
  if (name === undefined || node === undefined) return name;
  if (/^[\w. -]{1,96}$/.test(name) && !/^\.+$/.test(name)) return name;
  const sentence =
    'name stands for a model and a folder, so it takes at most 96 letters, digits, and the signs "_", "-" and ".". Shorten or change it.';
  reading.badValue(node, sentence);
  return undefined;
}

function readDtype(
  node: Located | undefined,
  key: string,
  reading: Reading,
): RecipeDtype | undefined {
  const text = reading.text(node, key)?.replace(/^torch\./, '');
  if (text === undefined || node === undefined) return undefined;
  const dtype = recipeDtypes.find((known) => known === text);
  if (dtype === undefined) {
    const sentence = `${key} is "${shortened(text)}". Use one of ${recipeDtypes.join(', ')}.`;
    reading.badValue(node, sentence);
  }
  return dtype;
}

/** A module's settings stand before the recipe's; where no filter of theirs holds, the recipe's do. */
function inFrontOf(upper: Settings, lower: Settings): Settings {
  const both = Object.entries(upper).map(([key, setting]): [string, Setting] => {
    const below = Object.hasOwn(lower, key) ? lower[key] : undefined;
    if (below === undefined || typeof setting !== 'object' || isGradient(setting)) {
      return [key, setting];
    }
    return [key, [...setting, ...conditionsOf(below)]];
  });
  return { ...lower, ...Object.fromEntries(both) };
}

function conditionsOf(setting: Setting): readonly ConditionalValue[] {
  if (typeof setting !== 'object' || isGradient(setting)) return [{ value: setting }];
  return setting;
}
