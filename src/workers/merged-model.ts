import type { MergedWeights } from '../engine/merged-weights';
import type { ModelTexts } from '../model/model-texts';

/** A merge ready to be run, on its way from the worker that made it to the one that runs it. */
export interface MergedModel {
  readonly weights: MergedWeights;
  /** Config and tokenizer that the merge would be written with. */
  readonly texts: ModelTexts;
}
