import { LabError } from '../core/errors';
import { isJsonObject, parseJsonObject } from '../formats/bounded-json';
import { quoted } from '../formats/text';
import type { Recipe } from '../recipe/recipe';
import type { ModelFile, ModelFiles } from '../sources/model-files';
import type { PreparedInputs } from './align-vocabularies';
import { chatTemplates } from './chat-templates';
import { inputOf, type ModelInput, type ModelInputs } from './model-input';
import { overlayFiles } from './overlay-files';
import { mergedModels } from './recipe-models';
import { readTokenizerConfig, templateFileName, tokenizerConfigName } from './tokenizer-files';

const textLimits = { maxSizeBytes: 4_000_000, maxDepth: 32 };
/** mergekit takes shorter texts for misspelt names. */
const minTemplateLength = 20;

/**
 * Carries out a recipe's `chat_template`: every merged model's tokenizer files get the template, so
 * that whichever of them the merge takes has it. `auto` is the template that most models have, the
 * first one on ties; nothing changes when none has any. Without the setting the inputs come back as
 * they are.
 *
 * @param original where `auto` looks: the models before their tokenizers were replaced
 * @throws LabError `recipe/bad-value` for a text that is neither a name nor a Jinja template
 */
export async function setChatTemplate(
  recipe: Recipe,
  inputs: ModelInputs,
  original: ModelInputs,
  signal?: AbortSignal,
): Promise<PreparedInputs> {
  const wanted = recipe.chatTemplate;
  if (wanted === undefined || wanted === '') return { inputs, findings: [] };
  const models = mergedModels(recipe).map((id) => inputOf(inputs, id));
  const template =
    wanted === 'auto'
      ? await commonTemplate(
          models.map(({ id }) => inputOf(original, id)),
          signal,
        )
      : namedTemplate(wanted);
  if (template === undefined) return { inputs, findings: [] };
  const changed = new Map(inputs);
  for (const model of models) {
    changed.set(model.id, await withTemplate(model, template, signal));
  }
  return { inputs: changed, findings: [] };
}

function namedTemplate(wanted: string): string {
  const template = chatTemplates.get(wanted);
  if (template !== undefined) return template;
  if (wanted.length >= minTemplateLength && wanted.includes('{')) return wanted;
  throw new LabError(
    'recipe/bad-value',
    `chat_template is ${quoted(wanted)}, which is neither a Jinja template nor one of auto, ${[...chatTemplates.keys()].join(', ')}; correct it.`,
    { details: { template: wanted.slice(0, 80) } },
  );
}

async function commonTemplate(
  models: readonly ModelInput[],
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const counts = new Map<string, number>();
  for (const { files } of models) {
    const template = (await templateOf(files, signal))?.trim();
    if (template) counts.set(template, (counts.get(template) ?? 0) + 1);
  }
  const most = Math.max(...counts.values());
  return [...counts].find(([, count]) => count === most)?.[0];
}

/** A model's own template: the file of its own, or the text in the tokenizer's config. */
async function templateOf(
  files: ModelFiles,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const file = files.files.get(templateFileName);
  if (file !== undefined) return textOf(file, signal);
  const config = await readTokenizerConfig(files, signal);
  const inConfig = chosenTemplate(config?.['chat_template']);
  const older = files.files.get('chat_template.json');
  if (inConfig !== undefined || older === undefined) return inConfig;
  const bytes = await older.read(0, older.sizeBytes, signal);
  const fileName = `${files.label}/${older.path}`;
  const fields = parseJsonObject(bytes, fileName, 'format/bad-tokenizer', textLimits);
  return chosenTemplate(fields['chat_template']);
}

/** A config holds one template, or several by name of which `default` is the usual one. */
function chosenTemplate(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return undefined;
  const named = (value as readonly unknown[]).filter(isJsonObject);
  const text = named.find(({ name }) => name === 'default')?.['template'];
  return typeof text === 'string' ? text : undefined;
}

async function textOf(file: ModelFile, signal: AbortSignal | undefined): Promise<string> {
  return new TextDecoder().decode(await file.read(0, file.sizeBytes, signal));
}

async function withTemplate(
  model: ModelInput,
  template: string,
  signal: AbortSignal | undefined,
): Promise<ModelInput> {
  const { files } = model;
  const config = await readTokenizerConfig(files, signal);
  const changes = new Map<string, string | undefined>();
  if (config !== undefined) {
    const changed = { ...config, chat_template: template };
    changes.set(tokenizerConfigName, `${JSON.stringify(changed, null, 2)}\n`);
  }
  if (config === undefined || files.files.has(templateFileName)) {
    changes.set(templateFileName, template);
  }
  if (files.files.has('chat_template.json')) {
    changes.set('chat_template.json', `${JSON.stringify({ chat_template: template }, null, 2)}\n`);
  }
  return { ...model, files: overlayFiles(files, changes) };
}
