import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { LabError } from '../../../src/core/errors';
import { evaluateSetting } from '../../../src/recipe/evaluate-setting';
import { parseModelReference } from '../../../src/recipe/model-reference';
import { parseRecipe, parseRecipes } from '../../../src/recipe/parse-recipe';
import type { Recipe, RecipeModel, Settings } from '../../../src/recipe/recipe';
import { writeRecipe } from '../../../src/recipe/write-recipe';

const folder = new URL('../../fixtures/recipes/', import.meta.url);

interface Case {
  readonly name: string;
  readonly text: string;
  /** Where the lab decides otherwise than mergekit. */
  readonly ours?: 'accept' | 'reject';
}

type Values = Readonly<Record<string, readonly (readonly (number | null)[])[]>>;

interface Entry {
  readonly model: readonly [string, string | null];
  readonly lora: readonly [string, string | null] | null;
  readonly override_architecture: string | null;
  readonly parameters: Values;
  readonly layer_range?: readonly [number, number];
}

interface Verdict {
  readonly accepted: boolean;
  readonly meaning?: {
    readonly models: readonly Entry[];
    readonly slices: readonly { readonly sources: readonly Entry[]; readonly parameters: Values }[];
    readonly parameters: Values;
  };
}

const golden = JSON.parse(readFileSync(new URL('verdicts.json', folder), 'utf8')) as {
  readonly mergekit: string;
  readonly tensors: readonly string[];
  readonly positions: readonly number[];
  readonly verdicts: Readonly<Record<string, Verdict>>;
};
const examples = readdirSync(new URL('examples/', folder)).map((name): Case => {
  return { name, text: readFileSync(new URL(`examples/${name}`, folder), 'utf8') };
});
const cases = parse(readFileSync(new URL('cases.yml', folder), 'utf8')) as readonly Case[];

function accepts(text: string): boolean {
  try {
    parseRecipes(text);
    return true;
  } catch (error) {
    if (error instanceof LabError) return false;
    throw error;
  }
}

function valuesOf(settings: Settings): Values {
  return Object.fromEntries(
    Object.entries(settings).map(([name, setting]) => [
      name,
      golden.tensors.map((tensor) =>
        golden.positions.map((position) => {
          const value = evaluateSetting(setting, tensor, position);
          return value === undefined ? null : Number(value);
        }),
      ),
    ]),
  );
}

function entryOf(entry: RecipeModel): Entry {
  const { model, lora, overrideArchitecture } = parseModelReference(entry.model);
  return {
    model: [model.path, model.revision ?? null],
    lora: lora === undefined ? null : [lora.path, lora.revision ?? null],
    override_architecture: overrideArchitecture ?? null,
    parameters: valuesOf(entry.parameters),
  };
}

function meaningOf(recipe: Recipe): Verdict['meaning'] {
  return {
    models: recipe.models.map(entryOf),
    slices: (recipe.slices ?? []).map(({ sources, parameters }) => ({
      parameters: valuesOf(parameters),
      sources: sources.map((source) => ({ ...entryOf(source), layer_range: source.layerRange })),
    })),
    parameters: valuesOf(recipe.parameters),
  };
}

describe('verdicts of mergekit', () => {
  it('cover every case', () => {
    expect(golden.mergekit).toBe('0.1.4');
    const names = [...cases, ...examples].map(({ name }) => name);
    expect(names.toSorted()).toEqual(Object.keys(golden.verdicts).toSorted());
    expect(names.length).toBeGreaterThan(80);
  });

  it.each([...cases, ...examples])('$name', ({ name, text, ours }) => {
    const verdict = golden.verdicts[name];
    const isAccepted = verdict?.accepted === true;
    const expected = ours === undefined ? isAccepted : ours === 'accept';
    expect(accepts(text)).toBe(expected);
    // A deviation that is none any more should go from the list.
    if (ours !== undefined) expect(expected).not.toBe(isAccepted);
  });

  const understood = [...cases, ...examples].filter(
    ({ name, text }) => golden.verdicts[name]?.meaning !== undefined && accepts(text),
  );

  // Both compute in float64 with the same operations in the same order, so equality is exact.
  it.each(understood)('$name means the same', ({ name, text }) => {
    const recipe = parseRecipe(text);
    expect(meaningOf(recipe)).toEqual(golden.verdicts[name]?.meaning);
    expect(meaningOf(parseRecipe(writeRecipe(recipe)))).toEqual(golden.verdicts[name]?.meaning);
  });
});
