import type { ChosenModel } from './chosen-models.svelte';
import type { Dropped } from './dropped';
import type { LinkedModels } from './linked-models';

/** Why the picker opens: each ask is a new object. */
export interface PickerAsk {
  /** What was dropped on the page. */
  readonly dropped?: readonly Dropped[];
  /** What stands in place of what was chosen before, such as the models of a link. */
  readonly models?: readonly ChosenModel[];
  readonly baseId?: string;
  /** What is chosen besides what was chosen before. */
  readonly added?: readonly ChosenModel[];
}

/** Asks for the models that a link names. */
export function askForLinked({ base, models }: LinkedModels): PickerAsk {
  return {
    models: models.map(({ id, repo, revision }) => ({
      id,
      place: { kind: 'hub', repo, revision },
    })),
    baseId: base,
  };
}
