import { describe, expect, it } from 'vitest';
import { mergeToMemory } from '../../../src/engine/merged-weights';
import { planMerge } from '../../../src/engine/plan';
import { streamMerge } from '../../../src/engine/stream-merge';
import { parseRecipes } from '../../../src/recipe/parse-recipe';
import { CountingBackend, tinyModels } from './tiny-models';

const recipe = `merge_method: ties
base_model: base
models:
  - {model: a, parameters: {weight: 0.6, density: 0.5}}
  - {model: b, parameters: {weight: 0.7, density: 0.4}}
`;

describe('streamMerge', () => {
  it('gives the bytes of the merge, tensor by tensor in the order asked for', async () => {
    const [read] = parseRecipes(recipe);
    if (read === undefined) throw new Error('no recipe');
    const plan = await planMerge(read.recipe, await tinyModels('base', 'a', 'b'));
    const { buffer, tensors } = await mergeToMemory(plan, new CountingBackend(), 'merge');
    const backend = new CountingBackend();
    const source = streamMerge(plan, backend, 'merge');
    const names = [...source.tensors.keys()].reverse();
    const found = new Map<string, Uint8Array[]>();
    for await (const { name, bytes } of source.stream(names)) {
      found.set(name, [...(found.get(name) ?? []), bytes.slice()]);
    }
    expect([...found.keys()]).toEqual(names);
    for (const [name, pieces] of found) {
      const tensor = tensors.find((one) => one.name === name);
      const wanted = new Uint8Array(buffer, tensor?.offsetBytes, tensor?.sizeBytes);
      expect(Buffer.compare(Buffer.concat(pieces), wanted)).toBe(0);
    }
    expect(backend.loaded.size).toBe(0);
  });

  it('ends the merge when the reader leaves', async () => {
    const [read] = parseRecipes(recipe);
    if (read === undefined) throw new Error('no recipe');
    const plan = await planMerge(read.recipe, await tinyModels('base', 'a', 'b'));
    const backend = new CountingBackend();
    const source = streamMerge(plan, backend, 'merge');
    for await (const { bytes } of source.stream([...source.tensors.keys()])) {
      expect(bytes.byteLength).toBeGreaterThan(0);
      break;
    }
    expect(backend.loaded.size).toBe(0);
  });
});
