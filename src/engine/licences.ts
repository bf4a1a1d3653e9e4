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
export function licenceFindings(
  models: readonly ModelInput[],
  licences: ReadonlyMap<string, string>,
): Finding[] {
  const [licence] = licences.values();
  if (licence === undefined) return [];
  const isSame = licences.size === models.length && new Set(licences.values()).size === 1;
  const shown = [...licences].map(([model, own]) => `${quoted(model)} is under ${own}`);
  return [
    {
      severity: 'note',
      code: 'recipe/licence',
      sentence: isSame
        ? `All models are under ${licence}, which the merge must respect.`
        : `${shown.join(', ')}; check that the merge respects what each of them asks for.`,
      models: [...licences.keys()],
    },
  ];
}
