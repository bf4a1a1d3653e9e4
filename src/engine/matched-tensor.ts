import type { LayerPlace, TensorRole } from '../methods/method';
import type { FloatSource, TensorSource } from './tensor-source';

/** A model that takes part in a tensor, and what it gives. */
export interface Member<Source extends TensorSource = TensorSource> {
  readonly model: string;
  /** Its number among the specialists of the slice; -1 for the base. */
  readonly place: number;
  /** The name that conditions on parameters are matched with. */
  readonly inputName: string;
  readonly tensor: Source;
}

/** A tensor of the output and the tensors it comes from. */
export type MatchedTensor = {
  readonly name: string;
  readonly role: TensorRole;
  readonly layer: LayerPlace | undefined;
  /** Number of its slice in the recipe. */
  readonly slice: number;
} & (
  | {
      readonly kind: 'merge';
      readonly shape: readonly number[];
      /** Present exactly when the method works on task vectors. */
      readonly base: Member<FloatSource> | undefined;
      /** At least one, in the recipe's order. */
      readonly specialists: readonly Member<FloatSource>[];
    }
  /** Taken from one model as it is: no weight, such as a table of positions, or nothing to merge. */
  | { readonly kind: 'keep'; readonly tensor: TensorSource }
);
