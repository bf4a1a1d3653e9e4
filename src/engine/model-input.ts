import { LabError } from '../core/errors';
import type { CheckpointReader } from '../formats/checkpoint-reader';
import type { ModelFiles } from '../sources/model-files';

/** A model that a merge can read: its headers are known, its weights are not read yet. */
export interface ModelInput {
  /** The name in the recipe. */
  readonly id: string;
  readonly files: ModelFiles;
  readonly checkpoint: CheckpointReader;
  /** SHA-256 of the weights where it is known without reading them; for the model card. */
  readonly contentHash?: string | undefined;
}

/** Inputs by their name in the recipe. */
export type ModelInputs = ReadonlyMap<string, ModelInput>;

/** A model that a recipe names. @throws LabError `recipe/missing-model` */
export function inputOf(inputs: ModelInputs, id: string): ModelInput {
  const input = inputs.get(id);
  if (input !== undefined) return input;
  const known = [...inputs.keys()].join(', ');
  throw new LabError(
    'recipe/missing-model',
    `The recipe names the model "${id}", which is not here; open it, or use one of ${known}.`,
    { details: { model: id } },
  );
}
