import type { ChosenModel } from './chosen-models.svelte';
import type { Dropped } from './dropped';

/** Why the picker opens: each ask is a new object. */
export interface PickerAsk {
  /** What was dropped on the page. */
  readonly dropped?: readonly Dropped[];
  /** What a link names; stands in place of what was chosen before. */
  readonly models?: readonly ChosenModel[];
  readonly baseId?: string;
}
