import type { TensorInfo } from '../formats/checkpoint-reader';
import { quoted } from '../formats/text';
import type { MergeMethod, TensorRole } from '../methods/method';
import type { Finding } from './finding';
import type { Member } from './matched-tensor';

/** A tensor that an input must have and has not. */
export function missingFinding(name: string, owner: string, lacking: readonly string[]): Finding {
  const where = owner === '' ? 'in none of' : `in ${quoted(owner)} but not in`;
  return {
    severity: 'error',
    code: 'recipe/shape-mismatch',
    sentence: `Tensor ${quoted(name)} is ${where} ${listed(lacking)}; choose models of one architecture and size.`,
    models: lacking,
    tensor: name,
  };
}

/** A tensor of an architecture without a table, merged from the models that have it. */
export function leftOutFinding(name: string, owner: string, lacking: readonly string[]): Finding {
  return {
    severity: 'warning',
    code: 'recipe/shape-mismatch',
    sentence: `Tensor ${quoted(name)} is in ${quoted(owner)} but not in ${listed(lacking)}, which ${lacking.length === 1 ? 'takes' : 'take'} no part in it; check that the models belong together.`,
    models: lacking,
    tensor: name,
  };
}

/** A float that no kernel takes. */
export function unmergeableFinding(name: string, model: string, { dtype }: TensorInfo): Finding {
  return {
    severity: 'error',
    code: 'format/bad-dtype',
    sentence: `Tensor ${quoted(name)} of ${quoted(model)} is ${dtype}, which cannot be merged; convert the model to BF16, F16 or F32.`,
    models: [model],
    tensor: name,
  };
}

/** A tensor that holds no weights. */
export function mixedFinding(name: string, dtype: string, models: readonly string[]): Finding {
  return {
    severity: 'warning',
    code: 'format/bad-dtype',
    sentence: `Tensor ${quoted(name)} holds ${dtype}, not weights, so it is copied from ${quoted(models[0] ?? '')}.`,
    models,
    tensor: name,
  };
}

/** Shapes that the method cannot bring together. */
export function shapeFinding(
  name: string,
  role: TensorRole,
  members: readonly Member[],
  odd: number,
): Finding {
  const [first, other] = [members[0], members[odd]];
  const [ours, theirs] = [first?.tensor.shape ?? [], other?.tensor.shape ?? []];
  const [base, model] = [first?.model ?? '', other?.model ?? ''];
  const isVocabulary = (role === 'embedding' || role === 'head') && ours[1] === theirs[1];
  const sentence = isVocabulary
    ? `The vocabulary of ${quoted(model)} has ${theirs[0] ?? 0} entries and that of ${quoted(base)} ${ours[0] ?? 0}; choose models with one tokenizer, or align them with tokenizer: {source: union}.`
    : `Tensor ${quoted(name)} is ${shown(theirs)} in ${quoted(model)} but ${shown(ours)} in ${quoted(base)}; choose models of one architecture and size.`;
  return {
    severity: 'error',
    code: 'recipe/shape-mismatch',
    sentence,
    models: [base, model],
    tensor: name,
  };
}

/** A specialist that takes no part in a tensor because its shape differs from the base's. */
export function skippedFinding(name: string, left: Member, base: Member): Finding {
  const [model, other] = [left.model, base.model];
  return {
    severity: 'warning',
    code: 'recipe/shape-mismatch',
    sentence: `Tensor ${quoted(name)} is ${shown(left.tensor.shape)} in ${quoted(model)} but ${shown(base.tensor.shape)} in ${quoted(other)}, so ${quoted(model)} takes no part in it; choose models of one size if that is not meant.`,
    models: [model],
    tensor: name,
  };
}

/** A model whose shapes fit nowhere. */
export function nothingFitsFinding(model: string): Finding {
  return {
    severity: 'error',
    code: 'recipe/shape-mismatch',
    sentence: `No tensor of ${quoted(model)} has the shape that the merge has; choose models of one architecture and size.`,
    models: [model],
  };
}

/** A vocabulary that is larger than the merge's. */
export function croppedFinding(
  name: string,
  { model, tensor }: Member,
  shape: readonly number[],
): Finding {
  return {
    severity: 'warning',
    code: 'recipe/shape-mismatch',
    sentence: `Tensor ${quoted(name)} of ${quoted(model)} is ${shown(tensor.shape)} and is cropped to ${shown(shape)}: tokens beyond are lost; align the vocabularies with tokenizer: {source: union} to keep them.`,
    models: [model],
    tensor: name,
  };
}

/** Too few models are left for the method. */
export function tooFewFinding(
  name: string,
  method: MergeMethod,
  members: readonly Member[],
): Finding {
  const models = members.map(({ model }) => model);
  return {
    severity: 'error',
    code: 'recipe/shape-mismatch',
    sentence: `Only ${listed(models)} can take part in tensor ${quoted(name)}, but ${method.title} merges at least ${method.specialistCount.min} models; choose models of one architecture.`,
    models,
    tensor: name,
  };
}

/** Names of models for a sentence. */
export function listed(models: readonly string[]): string {
  return models.map((model) => quoted(model)).join(', ');
}

function shown(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
