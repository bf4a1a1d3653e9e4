import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  evaluateSetting,
  gradientPosition,
  settingFor,
} from '../../../src/recipe/evaluate-setting';
import { parseRecipe } from '../../../src/recipe/parse-recipe';
import type { Setting } from '../../../src/recipe/recipe';

const query = 'model.layers.3.self_attn.q_proj.weight';

describe('gradientPosition', () => {
  it('runs from 0 to 1 over the layers of a slice and is 0 outside them', () => {
    expect([0, 1, 2, 3].map((index) => gradientPosition({ index, count: 4 }))).toEqual([
      0,
      1 / 3,
      2 / 3,
      1,
    ]);
    expect(gradientPosition({ index: 0, count: 1 })).toBe(1);
    expect(gradientPosition(undefined)).toBe(0);
  });
});

describe('evaluateSetting', () => {
  it.each<[Setting, number, number | boolean | string | undefined]>([
    [0.4, 0.5, 0.4],
    [true, 0, true],
    ['global', 0, 'global'],
    [[7], 0.3, 7],
    [[1, 0], 0.25, 0.75],
    [[0, 0.5, 0.3, 0.7, 1], 0, 0],
    [[0, 0.5, 0.3, 0.7, 1], 0.25, 0.5],
    [[0, 0.5, 0.3, 0.7, 1], 1, 1],
    // 0.625 of 4 steps is halfway between 0.3 and 0.7.
    [[0, 0.5, 0.3, 0.7, 1], 0.625, 0.5],
    [[{ filter: 'mlp', value: 1 }, { value: 2 }], 0, 2],
    [[{ filter: '*', value: 1 }, { value: 2 }], 0, 1],
    [[{ filter: 'self_attn', value: [0, 2] }], 0.5, 1],
    [[{ filter: 'Self_Attn', value: 1 }], 0, undefined],
    // Filters are no patterns.
    [[{ filter: 'layers.[0-9]', value: 1 }], 0, undefined],
    [
      [
        { filter: 'attn', value: 3 },
        { filter: 'q_proj', value: 4 },
      ],
      0,
      3,
    ],
  ])('%j at %d is %s', (setting, position, expected) => {
    expect(evaluateSetting(setting, query, position)).toBe(expected);
  });

  it('stays between the values of a gradient', () => {
    const number = fc.double({ min: -1e3, max: 1e3, noNaN: true });
    const position = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(number, { minLength: 1, maxLength: 9 }), position, (list, at) => {
        const value = evaluateSetting(list, query, at);
        // (1 - f)·a + f·b rounds twice, so it may leave the range by two units in the last place.
        expect(value).toBeGreaterThanOrEqual(Math.min(...list) - 1e-12);
        expect(value).toBeLessThanOrEqual(Math.max(...list) + 1e-12);
      }),
    );
  });
});

describe('settingFor', () => {
  it('asks the next level when no filter holds', () => {
    const own = { weight: [{ filter: 'mlp', value: 1 }] };
    const recipe = { weight: 0.5, lambda: 2 };
    expect(settingFor([own, undefined, recipe], 'weight', query, 0)).toBe(0.5);
    expect(settingFor([own, recipe], 'weight', 'layers.0.mlp.up_proj', 0)).toBe(1);
    expect(settingFor([own, recipe], 'density', query, 0)).toBeUndefined();
    expect(settingFor([own, recipe], 'constructor', query, 0)).toBeUndefined();
  });
});

/** Runs of mergekit 0.1.4 on models of four layers that hold only zeros and only ones. */
describe('goldens of mergekit', () => {
  it('a gradient of linear: layers 0, 1/3, 2/3, 1 and 0 outside the layers', () => {
    const { models, parameters } = parseRecipe(
      `merge_method: linear
models:
  - {model: zeros, parameters: {weight: [1, 0]}}
  - {model: ones, parameters: {weight: [0, 1]}}`,
    );
    const merged = [0, 1, 2, 3, undefined].map((index) => {
      const at = gradientPosition(index === undefined ? undefined : { index, count: 4 });
      const [zeros, ones] = models.map((model) =>
        Number(settingFor([model.parameters, parameters], 'weight', query, at)),
      );
      return Number(ones) / (Number(zeros) + Number(ones));
    });
    expect(merged).toEqual([0, expect.closeTo(1 / 3, 15), expect.closeTo(2 / 3, 15), 1, 0]);
  });

  it('a model’s filter sees its own layer, the method’s filter that of the output', () => {
    const { slices = [], parameters } = parseRecipe(
      `merge_method: linear
slices:
  - sources:
      - model: ones
        layer_range: [2, 4]
        parameters: {weight: [{filter: layers.2., value: 5}, {value: 3}]}
  - sources: [{model: ones, layer_range: [0, 1], parameters: {weight: 7}}]
parameters:
  normalize: [{filter: layers.0., value: false}]`,
    );
    const merged: number[] = [];
    for (const slice of slices) {
      for (const source of slice.sources) {
        for (let layer = source.layerRange[0]; layer < source.layerRange[1]; layer++) {
          const levels = [slice.parameters, parameters];
          const own = [source.parameters, ...levels];
          const weight = Number(settingFor(own, 'weight', `model.layers.${layer}.q_proj`, 0));
          const output = `model.layers.${merged.length}.q_proj`;
          const isNormalized = settingFor(levels, 'normalize', output, 0) ?? true;
          merged.push(isNormalized === true ? weight / weight : weight);
        }
      }
    }
    expect(merged).toEqual([5, 1, 1]);
  });
});
