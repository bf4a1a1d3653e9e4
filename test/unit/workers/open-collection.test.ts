import { describe, expect, it } from 'vitest';
import { encodeSafetensors } from '../../../src/formats/safetensors-writer';
import { LabStore } from '../../../src/store/lab-store';
import { openCollection } from '../../../src/workers/open-collection';

const weights = encodeSafetensors([
  { name: 'w', dtype: 'F32', shape: [1], bytes: new Uint8Array(4) },
]);

/** The two files of a model in a folder, as the browser hands them over. */
function folder(name: string): { name: string; files: globalThis.File[] } {
  const files = [['config.json', '{}'] as const, ['model.safetensors', weights] as const].map(
    ([path, content]) => {
      const file = new File([content], path);
      Object.defineProperty(file, 'webkitRelativePath', { value: `${name}/${path}` });
      return file;
    },
  );
  return { name, files };
}

describe('picked folders', () => {
  it('get names that recipes do not read as adapters, revisions or mappings', async () => {
    const { base, specialists } = await openCollection(
      {
        kind: 'folders',
        baseName: 'base@main',
        folders: [folder('base@main'), folder('math+code'), folder('math@code'), folder('{x}')],
      },
      new LabStore(),
    );
    expect(base).toMatchObject({ id: 'base-main', title: 'base@main' });
    expect(specialists.map(({ id }) => id)).toEqual(['math-code', 'math-code-2', '-x-']);
  });
});
