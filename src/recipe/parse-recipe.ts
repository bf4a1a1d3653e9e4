import { isMap, isScalar, isSeq, LineCounter, parseDocument, type YAMLMap } from 'yaml';
import { LabError, type LabErrorCode } from '../core/errors';
import { nearestName } from './nearest-name';
import {
  recipeDtypes,
  type LabSettings,
  type ParameterValue,
  type Recipe,
  type RecipeDtype,
  type RecipeModel,
} from './recipe';

/** A recipe is written by hand or by the page: a few kilobytes. The cap stops alias bombs early. */
const maxRecipeChars = 256 * 1024;
/** MergeBench merges five models; twelve sliders fit a page. More than 64 is a mistake. */
const maxModelCount = 64;

const topLevelKeys = [
  'merge_method',
  'base_model',
  'models',
  'parameters',
  'dtype',
  'out_dtype',
  'mergelab',
  'name',
];
/** Keys of mergekit's dialect that this version cannot carry out; ignoring them would change the result. */
const unsupportedKeys = ['slices', 'modules', 'tokenizer', 'tokenizer_source', 'chat_template'];

/** Reads one YAML node after another and knows where each stands. */
class RecipeReader {
  readonly #label: string;
  readonly #lines = new LineCounter();
  readonly #text: string;

  constructor(text: string, label: string) {
    this.#text = text;
    this.#label = label;
  }

  read(): Recipe {
    const document = parseDocument(this.#text, {
      lineCounter: this.#lines,
      version: '1.1',
      uniqueKeys: true,
    });
    const problem = document.errors[0];
    if (problem !== undefined) {
      const sentence = problem.message.split('\n')[0] ?? 'not valid YAML';
      throw this.#error('recipe/syntax', problem.pos[0], `${sentence} Correct the YAML there.`);
    }
    const root: unknown = document.contents;
    if (!isMap(root)) {
      throw this.#error('recipe/syntax', 0, 'a recipe is a mapping with the key merge_method.');
    }
    this.#checkKeys(root);
    return this.#recipe(root);
  }

  #recipe(root: YAMLMap): Recipe {
    const method = this.#optionalText(root, 'merge_method');
    if (method === undefined) {
      throw this.#error(
        'recipe/syntax',
        0,
        'merge_method is missing. Name a method, such as ties.',
      );
    }
    const baseModel = this.#optionalText(root, 'base_model');
    const dtype = this.#dtype(root, 'dtype');
    const outDtype = this.#dtype(root, 'out_dtype');
    const mergelab = this.#labSettings(root);
    return {
      mergeMethod: method,
      ...(baseModel === undefined ? {} : { baseModel }),
      models: this.#models(root),
      parameters: this.#parameters(root),
      ...(dtype === undefined ? {} : { dtype }),
      ...(outDtype === undefined ? {} : { outDtype }),
      ...(mergelab === undefined ? {} : { mergelab }),
    };
  }

  #models(root: YAMLMap): RecipeModel[] {
    const list: unknown = root.get('models', true);
    if (!isSeq(list) || list.items.length === 0) {
      throw this.#error(
        'recipe/syntax',
        offsetOf(list),
        'models must list at least one model. Add entries such as "- model: math".',
      );
    }
    if (list.items.length > maxModelCount) {
      throw this.#error(
        'recipe/bad-value',
        offsetOf(list),
        `models lists ${list.items.length} models; at most ${maxModelCount} can be merged.`,
      );
    }
    return list.items.map((item) => {
      if (!isMap(item)) {
        throw this.#error('recipe/syntax', offsetOf(item), 'each entry of models is a mapping.');
      }
      for (const pair of item.items) {
        const key = String(isScalar(pair.key) ? pair.key.value : pair.key);
        if (key !== 'model' && key !== 'parameters') {
          throw this.#unknownKey(key, offsetOf(pair.key), ['model', 'parameters']);
        }
      }
      const model = this.#optionalText(item, 'model');
      if (model === undefined) {
        throw this.#error('recipe/syntax', offsetOf(item), 'this entry of models has no model.');
      }
      return { model, parameters: this.#parameters(item) };
    });
  }

  #parameters(owner: YAMLMap): Record<string, ParameterValue> {
    const node: unknown = owner.get('parameters', true);
    if (node === undefined || (isScalar(node) && node.value === null)) return {};
    if (!isMap(node)) {
      throw this.#error('recipe/bad-value', offsetOf(node), 'parameters must be a mapping.');
    }
    const values: Record<string, ParameterValue> = {};
    for (const pair of node.items) {
      const key = String(isScalar(pair.key) ? pair.key.value : pair.key);
      values[key] = this.#value(key, pair.value);
    }
    return values;
  }

  /** mergekit coerces numeric text and booleans; lists are gradients or filters. */
  #value(key: string, node: unknown): ParameterValue {
    const value = isScalar(node) ? node.value : undefined;
    if (typeof value === 'boolean') return value;
    if (typeof value === 'number') {
      if (Number.isFinite(value)) return value;
      throw this.#error('recipe/bad-value', offsetOf(node), `${key} must be a finite number.`);
    }
    if (typeof value === 'string') {
      const number = Number(value);
      return value.trim() !== '' && Number.isFinite(number) ? number : value;
    }
    throw this.#error(
      'recipe/bad-value',
      offsetOf(node),
      `${key} must be one number or true/false; gradients and filters are not supported yet.`,
    );
  }

  #labSettings(root: YAMLMap): LabSettings | undefined {
    const node: unknown = root.get('mergelab', true);
    if (node === undefined || (isScalar(node) && node.value === null)) return undefined;
    if (!isMap(node)) {
      throw this.#error('recipe/bad-value', offsetOf(node), 'mergelab must be a mapping.');
    }
    const settings: { seed?: number; granularity?: 'tensor' | 'model'; notes?: string } = {};
    for (const pair of node.items) {
      const key = String(isScalar(pair.key) ? pair.key.value : pair.key);
      const value: unknown = isScalar(pair.value) ? pair.value.value : undefined;
      const offset = offsetOf(pair.value);
      if (key === 'seed') {
        if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
          throw this.#error('recipe/bad-value', offset, 'mergelab.seed must be a whole number.');
        }
        settings.seed = value;
      } else if (key === 'granularity') {
        if (value !== 'tensor' && value !== 'model') {
          throw this.#error(
            'recipe/bad-value',
            offset,
            'mergelab.granularity must be tensor or model.',
          );
        }
        settings.granularity = value;
      } else if (key === 'notes' && typeof value === 'string') {
        settings.notes = value;
      } else {
        throw this.#unknownKey(`mergelab.${key}`, offsetOf(pair.key), [
          'mergelab.seed',
          'mergelab.granularity',
          'mergelab.notes',
        ]);
      }
    }
    return settings;
  }

  #dtype(root: YAMLMap, key: string): RecipeDtype | undefined {
    const text = this.#optionalText(root, key)?.replace(/^torch\./, '');
    if (text === undefined) return undefined;
    const dtype = recipeDtypes.find((name) => name === text);
    if (dtype !== undefined) return dtype;
    throw this.#error(
      'recipe/bad-value',
      offsetOf(root.get(key, true)),
      `${key} is "${text}". Use one of ${recipeDtypes.join(', ')}.`,
    );
  }

  /** A text, or `undefined` when the key is absent or null. */
  #optionalText(owner: YAMLMap, key: string): string | undefined {
    const node: unknown = owner.get(key, true);
    const value = isScalar(node) ? node.value : node;
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'string' && value !== '') return value;
    throw this.#error('recipe/bad-value', offsetOf(node), `${key} must be a text.`);
  }

  #checkKeys(root: YAMLMap): void {
    for (const pair of root.items) {
      const key = String(isScalar(pair.key) ? pair.key.value : pair.key);
      if (topLevelKeys.includes(key)) continue;
      if (unsupportedKeys.includes(key)) {
        throw this.#error(
          'recipe/bad-value',
          offsetOf(pair.key),
          `${key} is part of mergekit's dialect but is not supported yet. Remove it.`,
        );
      }
      throw this.#unknownKey(key, offsetOf(pair.key), topLevelKeys);
    }
  }

  #unknownKey(key: string, offset: number, known: readonly string[]): LabError {
    const meant = nearestName(key, known);
    const hint = meant === undefined ? `Known keys are ${known.join(', ')}.` : `Use ${meant}.`;
    return this.#error('recipe/unknown-key', offset, `the key ${key} is not known. ${hint}`);
  }

  #error(code: LabErrorCode, offset: number, sentence: string): LabError {
    const { line, col } = this.#lines.linePos(offset);
    return new LabError(code, `${this.#label}, line ${line}, column ${col}: ${sentence}`, {
      details: { file: this.#label, line, column: col },
    });
  }
}

function offsetOf(node: unknown): number {
  if (typeof node !== 'object' || node === null || !('range' in node)) return 0;
  const range: unknown = node.range;
  const start: unknown = Array.isArray(range) ? range[0] : undefined;
  return typeof start === 'number' ? start : 0;
}

/**
 * Reads a recipe in mergekit's YAML dialect (mergekit 0.1.4), as far as `models:` recipes with
 * constant parameters go. Unlike mergekit, unknown keys are errors: a misspelt one would silently
 * do nothing.
 *
 * @param label names the text in messages, usually the file's name
 * @throws LabError `recipe/syntax`, `recipe/unknown-key`, `recipe/bad-value`, each with line and column
 */
export function parseRecipe(text: string, label = 'recipe'): Recipe {
  if (text.length > maxRecipeChars) {
    throw new LabError(
      'recipe/syntax',
      `${label} has ${text.length} characters; a recipe has at most ${maxRecipeChars}. Shorten it.`,
    );
  }
  return new RecipeReader(text, label).read();
}
