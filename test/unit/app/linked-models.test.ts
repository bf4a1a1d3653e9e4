import { describe, expect, it } from 'vitest';
import { areOpen, linkedModels, readLinkedModels } from '../../../src/app/models/linked-models';
import { chosenFamily, familyFacts } from '../../../src/app/models/preset-choice';
import type { PlacedModel } from '../../../src/rpc/lab';
import { presetFamilies } from '../../../src/sources/presets';
import { decodeState, encodeState } from '../../../src/recipe/url-codec';

const places: readonly PlacedModel[] = [
  { id: 'base', place: { kind: 'hub', repo: 'org/base', revision: 'main' } },
  { id: 'org/math@v2', place: { kind: 'hub', repo: 'org/math', revision: 'v2' } },
  { id: 'mine', place: { kind: 'folder', name: 'mine', files: [] } },
];

describe('models in a link', () => {
  it('are those of a hub, and found again as they were', async () => {
    const hub = linkedModels(places, 'base');
    const packed = await encodeState({ recipe: {}, hub });
    const link = (await decodeState(packed)) as { hub: unknown };
    const read = readLinkedModels(link.hub);
    expect(read).toEqual(hub);
    expect(read?.models.map(({ id }) => id)).toEqual(['base', 'org/math@v2']);
    expect(JSON.stringify(read)).not.toContain('mine');
  });

  it('are open only when name, repository and revision are', () => {
    const hub = linkedModels(places, 'base');
    if (hub === undefined) throw new Error('there are models of a hub');
    expect(areOpen(hub, places)).toBe(true);
    const moved = places.map((model) =>
      model.id === 'base'
        ? { id: 'base', place: { kind: 'hub', repo: 'org/base', revision: 'v3' } as const }
        : model,
    );
    expect(areOpen(hub, moved)).toBe(false);
  });

  it('are none without a hub', () => {
    expect(linkedModels([{ id: 'base', place: { kind: 'zoo', id: 'base' } }], 'base')).toBe(
      undefined,
    );
  });

  it.each([
    ['nothing', undefined],
    ['no base', { models: [{ id: 'a', repo: 'org/a', revision: 'main' }] }],
    ['no models', { base: 'a', models: [] }],
    ['a path for a name', { base: 'a', models: [{ id: 'a', repo: '../a', revision: 'main' }] }],
    ['an address', { base: 'a', models: [{ id: 'a', repo: 'https://x/a', revision: 'main' }] }],
    ['a revision that climbs', { base: 'a', models: [{ id: 'a', repo: 'o/a', revision: '../x' }] }],
    ['a number', { base: 'a', models: [{ id: 7, repo: 'org/a', revision: 'main' }] }],
    [
      'too many',
      {
        base: 'm0',
        models: Array.from({ length: 14 }, (_, at) => ({
          id: `m${at}`,
          repo: `org/m${at}`,
          revision: 'main',
        })),
      },
    ],
  ])('are none in a link with %s', (_, value) => {
    expect(readLinkedModels(value)).toBeUndefined();
  });
});

describe('families of models', () => {
  it.each(presetFamilies.map((family) => [family.title, family] as const))(
    'are chosen whole: %s',
    (_, family) => {
      const { models, baseId } = chosenFamily(family);
      expect(models.map(({ id }) => id)).toContain(baseId);
      expect(models).toHaveLength(1 + family.specialists.length);
      expect(models.every(({ sizeBytes = 0 }) => sizeBytes > 1e8)).toBe(true);
      expect(familyFacts(family)).toMatch(/^\d+ models · [\d.]+ [MG]B · /u);
    },
  );

  it('say what is behind a gate', () => {
    const gemma = presetFamilies.find(({ base }) => base.repo === 'google/gemma-2-2b');
    expect(gemma && familyFacts(gemma)).toContain('the base is gated');
  });
});
