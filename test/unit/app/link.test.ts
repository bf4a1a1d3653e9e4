import { describe, expect, it } from 'vitest';
import { readLink } from '../../../src/app/state/link';
import { startSetup, type Setup } from '../../../src/app/state/setup';
import { recipeOf } from '../../../src/app/state/setup-recipe';
import { LabError } from '../../../src/core/errors';
import { decodeState, encodeState } from '../../../src/recipe/url-codec';
import { smallCollection } from './collection';

const setup: Setup = {
  ...startSetup(smallCollection, 'ties'),
  coefficients: { math: 1.25, coding: -0.5 },
  parameters: { ties: { density: 0.25, granularity: 'global', normalize: false } },
};

/** What travels: the state of `setup`, packed and unpacked as the address bar does. */
async function travelled(change: (state: Record<string, unknown>) => void = () => undefined) {
  const state = {
    recipe: recipeOf(setup, smallCollection),
    collection: 'zoo',
    prompt: 'What is 3 plus 4?',
    specialist: 'coding',
  };
  const copy = JSON.parse(JSON.stringify(state)) as Record<string, unknown>;
  change(copy);
  return decodeState(await encodeState(copy));
}

function recipeIn(state: Record<string, unknown>): {
  mergeMethod: unknown;
  models: { model: unknown; parameters: Record<string, unknown> }[];
  parameters: Record<string, unknown>;
} {
  return state['recipe'] as ReturnType<typeof recipeIn>;
}

describe('readLink', () => {
  it('finds the whole set-up again', async () => {
    const reading = readLink(await travelled(), smallCollection);
    expect(reading.problems).toEqual([]);
    expect(reading.setup).toEqual(setup);
    expect(reading.prompt).toBe('What is 3 plus 4?');
    expect(reading.specialist).toBe('coding');
  });

  it('finds the seed of a random method again', async () => {
    const random: Setup = { ...startSetup(smallCollection, 'dare_linear'), seed: 4_294_967_295 };
    const link = await encodeState({ recipe: recipeOf(random, smallCollection) });
    expect(readLink(await decodeState(link), smallCollection).setup).toEqual(random);
  });

  it.each([
    ['NaN, which JSON writes as null', null],
    ['text', 'NaN'],
    ['too much', 2.01],
    ['too little', -1.5],
    ['nothing', undefined],
  ])('sets one bad coefficient back and keeps the rest: %s', async (_, weight) => {
    const link = await travelled((state) => {
      const [first] = recipeIn(state).models;
      if (first !== undefined) first.parameters['weight'] = weight;
    });
    const reading = readLink(link, smallCollection);
    expect(reading.problems.map(({ code }) => code)).toEqual(['recipe/bad-value']);
    expect(reading.problems[0]?.message).toContain('math');
    expect(reading.setup).toEqual({ ...setup, coefficients: { math: 0.4, coding: -0.5 } });
  });

  it('refuses infinities, which JSON can carry as 1e999', () => {
    const text = JSON.stringify({ recipe: recipeOf(setup, smallCollection) }).replace(
      '1.25',
      '1e999',
    );
    const reading = readLink(JSON.parse(text), smallCollection);
    expect(reading.problems).toHaveLength(1);
    expect(reading.setup.coefficients['math']).toBe(0.4);
  });

  it('uses the usual method for one that does not exist, with the coefficients of the link', async () => {
    const link = await travelled((state) => {
      recipeIn(state).mergeMethod = 'soup_of_the_day';
    });
    const reading = readLink(link, smallCollection);
    expect(reading.problems.map(({ code }) => code)).toEqual(['recipe/unknown-method']);
    expect(reading.problems[0]?.message).toContain('"soup_of_the_day"');
    expect(reading.setup.method).toBe('task_arithmetic');
    expect(reading.setup.coefficients).toEqual(setup.coefficients);
  });

  it('names a model that is not open', async () => {
    const link = await travelled((state) => {
      recipeIn(state).models.push({ model: 'poetry', parameters: { weight: 1 } });
    });
    const reading = readLink(link, smallCollection);
    expect(reading.problems.map(({ code }) => code)).toEqual(['recipe/missing-model']);
    expect(reading.problems[0]?.message).toContain('"poetry"');
    expect(reading.setup).toEqual(setup);
  });

  it.each([
    ['density', 7],
    ['density', 'much'],
    ['normalize', 1],
    ['granularity', 'galaxy'],
  ])('sets %s back when it is %s', async (name, value) => {
    const link = await travelled((state) => {
      const recipe = recipeIn(state) as unknown as Record<string, Record<string, unknown>>;
      if (name === 'density') {
        const [first] = recipeIn(state).models;
        if (first !== undefined) first.parameters[name] = value;
      } else if (name === 'granularity') recipe['mergelab'] = { granularity: value };
      else recipeIn(state).parameters[name] = value;
    });
    const reading = readLink(link, smallCollection);
    expect(reading.problems.map(({ code }) => code)).toEqual(['recipe/bad-value']);
    expect(reading.setup.parameters['ties']).not.toHaveProperty(name);
  });

  it.each([null, 3, 'text', [], {}, { recipe: null }, { recipe: [] }])(
    'refuses a state that holds no recipe: %j',
    (state) => {
      const read = (): unknown => readLink(state, smallCollection);
      expect(read).toThrow(LabError);
      expect(read).toThrow(/cannot be read/u);
    },
  );
});
