import { basename, resolve } from 'node:path';
import type { ModelInput } from '../engine/model-input';
import { LabError } from '../core/errors';
import type { Recipe } from '../recipe/recipe';
import { openNodeFolder } from '../sources/node-folder';
import { openCheckpoint } from '../sources/open-checkpoint';

/** The recipe's models as open folders. */
export interface RecipeInputs {
  readonly inputs: ReadonlyMap<string, ModelInput>;
  readonly close: () => Promise<void>;
}

/**
 * Opens the folder of every model that a recipe names.
 * @param root where relative folders begin
 * @throws LabError `recipe/missing-model` that names the model and the folder tried
 */
export async function openRecipeInputs(recipe: Recipe, root: string): Promise<RecipeInputs> {
  const ids = new Set(recipe.models.map(({ model }) => model));
  if (recipe.baseModel !== undefined) ids.add(recipe.baseModel);
  const inputs = new Map<string, ModelInput>();
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(closers.map((closeOne) => closeOne()));
  };
  try {
    for (const id of ids) {
      const folder = resolve(root, id);
      const files = await openNodeFolder(folder, basename(folder)).catch((cause: unknown) => {
        throw missingModel(id, folder, cause);
      });
      closers.push(() => files.close());
      inputs.set(id, { id, files, checkpoint: await openCheckpoint(files) });
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { inputs, close };
}

function missingModel(id: string, folder: string, cause: unknown): unknown {
  if (!(cause instanceof LabError && cause.code === 'source/missing-file')) return cause;
  return new LabError(
    'recipe/missing-model',
    `The recipe names the model "${id}", but there is no folder ${folder}. Correct the name, or give the folder that holds the models with --root.`,
    { details: { model: id, folder }, cause },
  );
}
