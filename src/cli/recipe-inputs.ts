import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { LabError } from '../core/errors';
import { ProgressMeter, type LongTask } from '../core/progress';
import { adaptModel } from '../engine/adapted-checkpoint';
import type { ModelInput } from '../engine/model-input';
import { withArchitecture } from '../engine/overlay-files';
import { neededModels } from '../engine/recipe-models';
import { parseModelReference, type ModelPath } from '../recipe/model-reference';
import type { Recipe } from '../recipe/recipe';
import { isRepoId } from '../sources/hub/addresses';
import type { HubClient } from '../sources/hub/hub-client';
import type { ModelFiles } from '../sources/model-files';
import { openNodeFile, openNodeFolder } from '../sources/node-folder';
import { openModel } from '../sources/open-model';

/** The recipes' models as open folders. */
export interface RecipeInputs {
  /** By their references in the recipes. */
  readonly inputs: ReadonlyMap<string, ModelInput>;
  /** Opens a folder for a stage's adapter; `close` closes it, too. */
  readonly openAdapter: (path: string) => Promise<ModelFiles>;
  /** Names of recipes that the last one does not use. */
  readonly unusedStages: readonly string[];
  readonly close: () => Promise<void>;
}

/** Where to look for models, and who hears of it. */
export interface OpenInputsOptions extends LongTask {
  /** Where names that are no folders are looked up; without it only folders count. */
  readonly hub?: HubClient | undefined;
}

/**
 * Opens what the last of several recipes needs: folders in Hugging Face layout, single safetensors
 * or GGUF files, models on the Hub, and adapters (`model+adapter`), which are added to their models. A folder
 * goes before a model of the same name on the Hub.
 *
 * @param root where relative paths begin
 * @throws LabError `recipe/missing-model` that names the model and the places tried; `hub/…`; as
 *   `adaptModel`
 */
export async function openRecipeInputs(
  recipes: readonly Recipe[],
  root: string,
  options: OpenInputsOptions = {},
): Promise<RecipeInputs> {
  const opener = new InputOpener(root, options);
  const { models, unusedStages } = neededModels(recipes);
  const inputs = new Map<string, ModelInput>();
  const meter = new ProgressMeter('Opening models', models.length, 'items', options.onProgress);
  try {
    for (const id of models) {
      inputs.set(id, await opener.open(id));
      meter.advance(1);
    }
  } catch (error) {
    await opener.close();
    throw error;
  }
  return {
    inputs,
    openAdapter: async (path) => opener.files({ path }, path),
    unusedStages,
    close: async () => opener.close(),
  };
}

type ClosableFiles = ModelFiles & { close(): Promise<void> };

class InputOpener {
  readonly #root: string;
  readonly #options: OpenInputsOptions;
  /** By absolute path or name on the Hub: a model and the same model with an adapter share their files. */
  readonly #opened = new Map<string, ModelFiles | ClosableFiles>();

  constructor(root: string, options: OpenInputsOptions) {
    this.#root = root;
    this.#options = options;
  }

  async open(id: string): Promise<ModelInput> {
    const { model, lora, overrideArchitecture } = parseModelReference(id);
    const { signal } = this.#options;
    const files = await this.files(model, id);
    let input: ModelInput = { id, ...(await openModel(files, signal)) };
    if (overrideArchitecture !== undefined) {
      input = await withArchitecture(input, overrideArchitecture);
    }
    return lora === undefined ? input : adaptModel(id, input, await this.files(lora, id));
  }

  async files({ path, revision }: ModelPath, id: string): Promise<ModelFiles> {
    const absolute = resolve(this.#root, path);
    const found = await stat(absolute).catch(() => undefined);
    const { hub } = this.#options;
    if (found === undefined && hub !== undefined && isRepoId(path)) {
      const key = `${hub.endpoint} ${path}@${revision ?? 'main'}`;
      return this.#once(key, async () => this.#fromHub(hub, path, revision, id, absolute));
    }
    if (revision !== undefined) {
      throw new LabError(
        'recipe/missing-model',
        `The recipe names the revision "${revision}" of "${path}", but folders have no revisions; download that revision and name its folder.`,
        { details: { model: id, revision } },
      );
    }
    return this.#once(absolute, async () => {
      const label = basename(absolute);
      const opening =
        found?.isFile() === true ? openNodeFile(absolute, label) : openNodeFolder(absolute, label);
      return opening.catch((cause: unknown) => {
        throw missingModel(id, absolute, cause);
      });
    });
  }

  async close(): Promise<void> {
    for (const files of this.#opened.values()) if ('close' in files) await files.close();
  }

  async #once(key: string, open: () => Promise<ModelFiles>): Promise<ModelFiles> {
    const known = this.#opened.get(key);
    if (known !== undefined) return known;
    const files = await open();
    this.#opened.set(key, files);
    return files;
  }

  async #fromHub(
    hub: HubClient,
    repo: string,
    revision: string | undefined,
    id: string,
    folder: string,
  ): Promise<ModelFiles> {
    try {
      return await hub.open(repo, revision, { signal: this.#options.signal });
    } catch (cause) {
      if (!(cause instanceof LabError)) throw cause;
      const details = { ...cause.details, model: id, folder, hub: hub.endpoint };
      if (cause.code === 'hub/not-found') {
        throw new LabError(
          'recipe/missing-model',
          `The recipe names the model "${id}", but there is no folder or file ${folder}, and the Hub at ${hub.endpoint} has no ${repo}${revision === undefined ? '' : ` with the revision "${revision}"`}. Correct the name, give the folder that holds the models with --root, or set HF_TOKEN if the model is private.`,
          { details, cause },
        );
      }
      if (cause.code !== 'hub/unavailable') throw cause;
      throw new LabError(
        cause.code,
        `There is no folder or file ${folder} for the model "${id}", and the Hub at ${hub.endpoint} could not be asked: ${cause.message}`,
        { details, cause },
      );
    }
  }
}

function missingModel(id: string, folder: string, cause: unknown): unknown {
  if (!(cause instanceof LabError && cause.code === 'source/missing-file')) return cause;
  return new LabError(
    'recipe/missing-model',
    `The recipe names the model "${id}", but there is no folder or file ${folder}. Correct the name, or give the folder that holds the models with --root.`,
    { details: { model: id, folder }, cause },
  );
}
