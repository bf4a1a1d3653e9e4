import { LabError } from '../core/errors';
import type {
  MethodOptions,
  NumberParameter,
  PassContext,
  SwitchParameter,
  TensorRole,
} from './method';
import { density, lambda, weight } from './parameters';

/**
 * What the `mb_` methods share: the variants that MergeBench runs (He et al. 2025,
 * https://arxiv.org/abs/2505.10833; its repository as of February 2026). They differ from mergekit's
 * in that all tensors are one long vector, thresholds are of that vector, embeddings and head stay
 * the base's, and specialists are summed.
 *
 * Parameters keep mergekit's names, so that a recipe moves between the two: `density` is the share
 * that is kept (MergeBench's K of TIES, 1 − p of DARE, sparsity of Localize-and-Stitch), `lambda` its
 * scaling coefficient, and `weight`, which MergeBench lacks, scales one task vector (1 unless given).
 */
export const mergebenchUrl = 'https://arxiv.org/abs/2505.10833';

/** 1 for every specialist unless a recipe says otherwise, as MergeBench has it. */
export const mergebenchWeight: NumberParameter = { ...weight, default: 1 };

/** MergeBench's `scaling_coef`; its examples set 0.4 for sums of five task vectors. */
export const mergebenchLambda: NumberParameter = {
  ...lambda,
  meaning: 'Scales the merged change before it is added to the base (MergeBench: scaling_coef).',
};

/** The share of changes kept, with the method's own default. */
export function mergebenchDensity(share: number, meaning: string): NumberParameter {
  return { ...density, default: share, meaning };
}

export const includeEmbeddings: SwitchParameter = {
  name: 'include_embeddings',
  symbol: 'include_embeddings',
  scope: 'method',
  kind: 'switch',
  default: false,
  meaning: 'Merges the embedding and the output head too, which MergeBench leaves at the base.',
  larger: 'On: new tokens and word meanings of specialists count, but vocabularies must match.',
};

/**
 * `keepsBase` of every `mb_` method. An untied head takes no part in thresholds either; MergeBench's
 * code counts it there although it never writes it.
 */
export function keepsEmbeddings(role: TensorRole, options: MethodOptions): boolean {
  return (role === 'embedding' || role === 'head') && options['include_embeddings'] !== true;
}

/**
 * A specialist's share, above 0 and at most 1.
 * @param name the per-model parameter that holds it
 * @throws LabError `recipe/bad-value` outside that range; MergeBench reads more than 1 as a percentage
 */
export function shareOf(name: string, model: number, { perModel, subject }: PassContext): number {
  const share = perModel[name]?.[model] ?? 1;
  if (share > 0 && share <= 1) return share;
  throw new LabError(
    'recipe/bad-value',
    `A ${name} of ${share} for model ${model + 1} is no share of ${subject}. Give a number above 0 ` +
      'and at most 1, such as 0.2 for a fifth.',
    { details: { parameter: name, value: share, model, subject } },
  );
}
