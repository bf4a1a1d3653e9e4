import type { JsonObject } from '../formats/bounded-json';
import { memoryFiles } from '../sources/memory-files';
import type { ModelFile, ModelFiles } from '../sources/model-files';
import { readConfig } from './compare-configs';
import { changedConfig, type ConfigChanges } from './config-changes';
import type { ModelInput } from './model-input';

/** A folder with some files replaced by other files or texts, or hidden (undefined). */
export function overlayFiles(
  files: ModelFiles,
  changes: ReadonlyMap<string, string | ModelFile | undefined>,
): ModelFiles {
  const changed = new Map(files.files);
  for (const [path, content] of changes) {
    if (content === undefined) changed.delete(path);
    else if (typeof content !== 'string') changed.set(path, content);
    else {
      const file = memoryFiles(files.label, new Map([[path, content]])).files.get(path);
      if (file !== undefined) changed.set(path, file);
    }
  }
  return { ...files, files: changed };
}

/** A model's config with changes made, as text; undefined when the model has no config. */
export async function changedConfigText(
  model: ModelInput,
  changes: ConfigChanges,
  more: JsonObject = {},
  signal?: AbortSignal,
): Promise<string | undefined> {
  const config = await readConfig(model, signal);
  if (config === undefined) return undefined;
  return `${JSON.stringify({ ...changedConfig(config, changes), ...more }, null, 2)}\n`;
}

/** A model whose config names another architecture; one without a config stays as it is. */
export async function withArchitecture(
  model: ModelInput,
  architecture: string,
  signal?: AbortSignal,
): Promise<ModelInput> {
  const text = await changedConfigText(model, {}, { architectures: [architecture] }, signal);
  if (text === undefined) return model;
  return { ...model, files: overlayFiles(model.files, new Map([['config.json', text]])) };
}
