import { describe, expect, it } from 'vitest';
import { methods } from '../../../src/app/state/methods';
import {
  startSetup,
  withCoefficient,
  withEveryCoefficient,
  withParameter,
} from '../../../src/app/state/setup';
import { recipeOf } from '../../../src/app/state/setup-recipe';
import { parseRecipe } from '../../../src/recipe/parse-recipe';
import { writeRecipe } from '../../../src/recipe/write-recipe';
import { smallCollection } from './collection';

describe('recipeOf', () => {
  it.each(methods.map(({ id }) => id))('writes a recipe that reads back the same: %s', (id) => {
    const recipe = recipeOf(startSetup(smallCollection, id), smallCollection);
    expect(parseRecipe(writeRecipe(recipe), 'page')).toEqual(recipe);
  });

  it('names the base only where the method works on task vectors', () => {
    const baseOf = (id: string): string | undefined =>
      recipeOf(startSetup(smallCollection, id), smallCollection).baseModel;
    expect(baseOf('linear')).toBeUndefined();
    expect(baseOf('task_arithmetic')).toBe('base');
  });

  it('writes density to each model and keeps its own settings under mergelab', () => {
    const start = startSetup(smallCollection, 'ties');
    const recipe = recipeOf(withParameter(start, 'granularity', 'global'), smallCollection);
    expect(recipe.models.map(({ parameters }) => parameters)).toEqual([
      { weight: 0.4, density: 0.4 },
      { weight: 0.4, density: 0.4 },
    ]);
    expect(recipe.mergelab).toEqual({ granularity: 'model' });
    expect(recipe.parameters).not.toHaveProperty('granularity');
  });

  it('writes a seed only for methods that draw at random', () => {
    const seeded = { ...startSetup(smallCollection, 'dare_linear'), seed: 7 };
    expect(recipeOf(seeded, smallCollection).mergelab).toEqual({ seed: 7 });
    const plain = { ...seeded, method: 'task_arithmetic' };
    expect(recipeOf(plain, smallCollection).mergelab).toBeUndefined();
  });
});

describe('setups', () => {
  it('are not changed but copied', () => {
    const start = startSetup(smallCollection, 'ties');
    expect(withCoefficient(start, 'math', 1).coefficients).toEqual({ math: 1, coding: 0.4 });
    expect(withEveryCoefficient(start, 2).coefficients).toEqual({ math: 2, coding: 2 });
    expect(start.coefficients).toEqual({ math: 0.4, coding: 0.4 });
  });

  it('stay the same object when nothing changed, so that no merge starts', () => {
    const start = startSetup(smallCollection, 'ties');
    expect(withCoefficient(start, 'math', 0.4)).toBe(start);
  });

  it('keep the parameters of a method while another one is tried', () => {
    const ties = withParameter(startSetup(smallCollection, 'ties'), 'density', 0.1);
    const other = withParameter({ ...ties, method: 'dare_linear' }, 'density', 0.9);
    expect(other.parameters).toEqual({ ties: { density: 0.1 }, dare_linear: { density: 0.9 } });
    expect(withParameter(other, 'density', undefined).parameters['dare_linear']).toEqual({});
  });
});
