import { describe, expect, it } from 'vitest';
import type { Finding } from '../../../src/engine/finding';
import { planMerge } from '../../../src/engine/plan';
import type { Recipe } from '../../../src/recipe/recipe';
import { tinyModel, tinyModels, tinyRecipe, tinyTensors } from './tiny-models';

/** Findings besides the warning about the tensor that is no weight. */
async function findingsOf(recipe: Recipe): Promise<readonly Finding[]> {
  const { findings } = await planMerge(recipe, await tinyModels('base', 'a', 'b'));
  return findings.filter(({ tensor }) => tensor !== 'model.layers.0.position_ids');
}

const vectors = tinyRecipe('task_arithmetic', { a: 1, b: 1 });

describe('findings about parameters', () => {
  it('are none for a recipe with parameters of other methods, as in mergekit', async () => {
    const parameters = { density: 0.5, int8_mask: 1, t: 0.5, gamma: 0.1 };
    expect(await findingsOf({ ...vectors, parameters })).toEqual([]);
  });

  it('stop at a misspelt name and warn of one that means nothing', async () => {
    const [misspelt] = await findingsOf({ ...vectors, parameters: { dnesity: 0.5 } });
    expect(misspelt).toMatchObject({ severity: 'error', code: 'recipe/unknown-key' });
    expect(misspelt?.sentence).toContain('did you mean "density"?');
    const unknown = await findingsOf({
      ...vectors,
      models: [{ model: 'a', parameters: { weight: 1, quux: 1 } }],
    });
    expect(unknown).toMatchObject([{ severity: 'warning', models: ['a'] }]);
  });

  it('say that a parameter of the merge has no effect under a model', async () => {
    const found = await findingsOf({
      ...vectors,
      models: [{ model: 'a', parameters: { weight: 1, lambda: 2 } }],
    });
    expect(found).toMatchObject([{ severity: 'warning', code: 'recipe/bad-value', models: ['a'] }]);
  });

  it.each(['ties', 'dare_linear', 'della', 'breadcrumbs'])(
    'note that %s without a density drops nothing',
    async (method) => {
      const found = await findingsOf(tinyRecipe(method, { a: 1 }));
      expect(found.map(({ severity }) => severity)).toEqual(['note']);
      const set = tinyRecipe(method, { a: 1 }, { parameters: { density: [1, 0.5] } });
      expect(await findingsOf(set)).toEqual([]);
    },
  );

  it('warn of weights that sum to 0 where the merge divides by them', async () => {
    const soup = tinyRecipe('linear', { a: 0.3, b: -0.3 });
    const found = await findingsOf(soup);
    expect(found).toMatchObject([{ severity: 'warning', tensor: 'model.embed_tokens.weight' }]);
    expect(found[0]?.sentence).toContain('3 more');
    expect(await findingsOf({ ...soup, parameters: { normalize: false } })).toEqual([]);
  });
});

describe('findings about the models', () => {
  const card = (licence: string): { files: [string, string][] } => ({
    files: [['README.md', `---\nlicense: ${licence}\ntags:\n- x\n---\n# A model\nlicense: none\n`]],
  });

  async function licencesOf(...licences: (string | undefined)[]): Promise<readonly Finding[]> {
    const models = await Promise.all(
      ['base', 'a', 'b'].map(async (id, index) => {
        const licence = licences[index];
        return tinyModel(id, licence === undefined ? {} : card(licence));
      }),
    );
    const { findings } = await planMerge(vectors, new Map(models.map((one) => [one.id, one])));
    return findings.filter(({ severity }) => severity === 'note');
  }

  it('name their licences', async () => {
    expect(await licencesOf()).toEqual([]);
    const [same] = await licencesOf('mit', 'mit', 'mit');
    expect(same?.sentence).toBe('All models are under mit, which the merge must respect.');
    const [mixed] = await licencesOf('apache-2.0', undefined, '"cc-by-nc-4.0"');
    expect(mixed?.sentence).toContain('"base" is under apache-2.0, "b" is under cc-by-nc-4.0;');
    expect(mixed?.models).toEqual(['base', 'b']);
  });

  it('note that they are stored in different numbers', async () => {
    const wide = Object.fromEntries(
      Object.entries(tinyTensors).map(([name, { dtype, shape }]) => [
        name,
        { dtype: dtype === 'I64' ? dtype : ('F32' as const), shape },
      ]),
    );
    const models = [
      await tinyModel('base'),
      await tinyModel('a', { tensors: wide }),
      await tinyModel('b'),
    ];
    const inputs = new Map(models.map((one) => [one.id, one]));
    const { findings, tensors, configChanges } = await planMerge(vectors, inputs);
    const notes = findings.filter(({ severity }) => severity === 'note');
    expect(notes.map(({ sentence }) => sentence)).toEqual([
      expect.stringContaining('"base" is stored in F16, "a" is stored in F32'),
    ]);
    // Task vectors are written in the base's dtypes, a soup in what holds all of them.
    expect(tensors[0]?.dtype).toBe('BF16');
    expect(configChanges).toEqual({});
    const soup = await planMerge(tinyRecipe('linear', { a: 1, b: 1 }), inputs);
    expect(soup.tensors.map(({ dtype }) => dtype)).toEqual(['F32', 'F32', 'F32', 'I64', 'F32']);
    expect(soup.configChanges).toEqual({ dtype: 'F32' });
  });
});
