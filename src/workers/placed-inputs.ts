import { LabError } from '../core/errors';
import { CollectionInputs } from './collection-inputs';
import type { OpenPlaced } from './open-placed';

/** The inputs of recipes over placed models. @throws LabError `recipe/missing-model` without any */
export function inputsOf({ models, adapters }: OpenPlaced): CollectionInputs {
  const [base, ...specialists] = models;
  if (base === undefined) {
    throw new LabError(
      'recipe/missing-model',
      'There is no model to merge; choose a base and others.',
    );
  }
  return new CollectionInputs({ base, specialists, adapters, notes: [], zoo: undefined });
}
