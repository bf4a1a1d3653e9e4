import type { Finding } from './finding';
import type { ModelInput } from './model-input';
import { quoted } from '../formats/text';

/** A model card's front matter fits in this. */
const frontMatterBytes = 16 << 10;

const known = new WeakMap<ModelInput, string | undefined>();

/**
 * The `license` that the front matter of a model's README names, such as `apache-2.0`; undefined when
 * it has none.
 * @throws LabError as the file
 */
export async function licenceOf(
  model: ModelInput,
  signal?: AbortSignal,
): Promise<string | undefined> {
  if (known.has(model)) return known.get(model);
  const file = model.files.files.get('README.md');
  const bytes = await file?.read(0, Math.min(file.sizeBytes, frontMatterBytes), signal);
  const text = bytes === undefined ? '' : new TextDecoder().decode(bytes.slice());
  const [, frontMatter = ''] = /^---\r?\n([\s\S]*?)\r?\n---/.exec(text) ?? [];
  const [, licence] = /^license:[ \t]*["']?([\w.+-]{1,60})/m.exec(frontMatter) ?? [];
  known.set(model, licence);
  return licence;
}

/** What the inputs' cards say of their licences; nothing when none says anything. */
export function licenceFindings(licences: ReadonlyMap<string, string>): Finding[] {
  if (licences.size === 0) return [];
  const shown = [...licences].map(([model, licence]) => `${quoted(model)} is under ${licence}`);
  const differ = new Set(licences.values()).size > 1;
  return [
    {
      severity: 'note',
      code: 'recipe/bad-value',
      sentence: `${shown.join(', ')}; the merge must respect ${differ ? 'all of these licences' : 'it'}.`,
      models: [...licences.keys()],
    },
  ];
}
