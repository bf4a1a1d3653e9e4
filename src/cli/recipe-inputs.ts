import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { LabError } from '../core/errors';
import { adaptModel } from '../engine/adapted-checkpoint';
import type { ModelInput } from '../engine/model-input';
import { withArchitecture } from '../engine/overlay-files';
import { neededModels } from '../engine/recipe-models';
import { parseModelReference, type ModelPath } from '../recipe/model-reference';
import type { Recipe } from '../recipe/recipe';
import type { ModelFiles } from '../sources/model-files';
import { openNodeFile, openNodeFolder } from '../sources/node-folder';
import { openCheckpoint } from '../sources/open-checkpoint';

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

/**
 * Opens what the last of several recipes needs: folders in Hugging Face layout, single safetensors
 * files, and adapters (`model+adapter`), which are added to their models.
 *
 * @param root where relative paths begin
 * @throws LabError `recipe/missing-model` that names the model and the path tried; as `adaptModel`
 */
export async function openRecipeInputs(
  recipes: readonly Recipe[],
  root: string,
): Promise<RecipeInputs> {
  const opener = new InputOpener(root);
  const { models, unusedStages } = neededModels(recipes);
  const inputs = new Map<string, ModelInput>();
  try {
    for (const id of models) inputs.set(id, await opener.open(id));
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
  /** By absolute path: a model and the same model with an adapter share their files. */
  readonly #opened = new Map<string, ClosableFiles>();

  constructor(root: string) {
    this.#root = root;
  }

  async open(id: string): Promise<ModelInput> {
    const { model, lora, overrideArchitecture } = parseModelReference(id);
    const files = await this.files(model, id);
    let input: ModelInput = { id, files, checkpoint: await openCheckpoint(files) };
    if (overrideArchitecture !== undefined) {
      input = await withArchitecture(input, overrideArchitecture);
    }
    return lora === undefined ? input : adaptModel(id, input, await this.files(lora, id));
  }

  async files({ path, revision }: ModelPath, id: string): Promise<ModelFiles> {
    const absolute = resolve(this.#root, path);
    if (revision !== undefined) {
      throw new LabError(
        'recipe/missing-model',
        `The recipe names the revision "${revision}" of "${path}", but folders have no revisions; download that revision and name its folder.`,
        { details: { model: id, revision } },
      );
    }
    const known = this.#opened.get(absolute);
    if (known !== undefined) return known;
    const isFile = await stat(absolute).then(
      (found) => found.isFile(),
      () => false,
    );
    const label = basename(absolute);
    const opening = isFile ? openNodeFile(absolute, label) : openNodeFolder(absolute, label);
    const files = await opening.catch((cause: unknown) => {
      throw missingModel(id, absolute, cause);
    });
    this.#opened.set(absolute, files);
    return files;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#opened.values()].map(async (files) => files.close()));
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
