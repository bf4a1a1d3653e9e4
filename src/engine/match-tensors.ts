import { isFloatDtype, type FloatDtype } from '../core/dtype';
import type { TensorInfo } from '../formats/checkpoint-reader';
import { quoted } from '../formats/text';
import type { Finding } from './finding';
import type { ModelInput } from './model-input';

/** A tensor of the output and the tensors it comes from. */
export type MatchedTensor =
  | {
      readonly kind: 'merge';
      readonly name: string;
      readonly shape: readonly number[];
      /** One of each model, in the order of the models. */
      readonly sources: readonly (TensorInfo & { readonly dtype: FloatDtype })[];
    }
  | {
      /** Not a weight, such as a table of positions: taken from the donor as it is. */
      readonly kind: 'copy';
      readonly name: string;
      readonly source: TensorInfo;
    };

const headName = 'lm_head.weight';
const embeddingName = 'model.embed_tokens.weight';

/**
 * Pairs the tensors of all models by name and says what does not fit. The order is the donor's.
 *
 * As in mergekit, a head that only some models store is merged with the input embedding of those
 * that tie the two, and a head that nobody stores is not written.
 *
 * @param models the donor first
 */
export function matchTensors(models: readonly ModelInput[]): {
  readonly tensors: readonly MatchedTensor[];
  readonly findings: readonly Finding[];
  /** Whether the output has a head although the donor ties it to the embedding. */
  readonly untiesHead: boolean;
} {
  const tensors: MatchedTensor[] = [];
  const findings: Finding[] = [];
  const names = new Set(models.flatMap((model) => [...model.checkpoint.tensors.keys()]));
  let untiesHead = false;
  for (const name of names) {
    // Old exports store what every loader computes anew.
    if (name.endsWith('rotary_emb.inv_freq')) continue;
    const found = models.map((model) => tensorOrTied(model, name));
    const missing = models.filter((_, index) => found[index] === undefined);
    const present = found.filter((tensor) => tensor !== undefined);
    if (missing.length > 0) {
      findings.push(missingFinding(name, models, missing));
      continue;
    }
    if (name === headName && models[0]?.checkpoint.tensors.has(headName) === false) {
      untiesHead = true;
      findings.push(untiedFinding(models));
    }
    const matched = matchOne(name, models, present, findings);
    if (matched !== undefined) tensors.push(matched);
  }
  return { tensors, findings, untiesHead };
}

function tensorOrTied(model: ModelInput, name: string): TensorInfo | undefined {
  const { tensors } = model.checkpoint;
  return tensors.get(name) ?? (name === headName ? tensors.get(embeddingName) : undefined);
}

function matchOne(
  name: string,
  models: readonly ModelInput[],
  found: readonly TensorInfo[],
  findings: Finding[],
): MatchedTensor | undefined {
  const [donorTensor] = found;
  if (donorTensor === undefined) return undefined;
  const odd = found.findIndex(
    (tensor) => JSON.stringify(tensor.shape) !== JSON.stringify(donorTensor.shape),
  );
  if (odd >= 0) {
    findings.push(shapeFinding(name, models, found, odd));
    return undefined;
  }
  const floats = found.filter(isFloatTensor);
  if (floats.length === found.length) {
    return { kind: 'merge', name, shape: donorTensor.shape, sources: floats };
  }
  const unmergeable = found.findIndex(({ dtype }) => /^F(8|64)/.test(dtype));
  if (unmergeable >= 0) {
    const model = models[unmergeable]?.id ?? '';
    const dtype = found[unmergeable]?.dtype ?? '';
    findings.push({
      severity: 'error',
      code: 'format/bad-dtype',
      sentence: `Tensor ${quoted(name)} of ${quoted(model)} is ${dtype}, which cannot be merged; convert the model to BF16, F16 or F32.`,
      models: [model],
      tensor: name,
    });
    return undefined;
  }
  findings.push({
    severity: 'warning',
    code: 'format/bad-dtype',
    sentence: `Tensor ${quoted(name)} holds ${donorTensor.dtype}, not weights, so it is copied from ${quoted(models[0]?.id ?? '')}.`,
    models: models.map((model) => model.id),
    tensor: name,
  });
  return { kind: 'copy', name, source: donorTensor };
}

function isFloatTensor(tensor: TensorInfo): tensor is TensorInfo & { readonly dtype: FloatDtype } {
  return isFloatDtype(tensor.dtype);
}

function missingFinding(
  name: string,
  models: readonly ModelInput[],
  missing: readonly ModelInput[],
): Finding {
  const owner = models.find((model) => !missing.includes(model));
  return {
    severity: 'error',
    code: 'recipe/shape-mismatch',
    sentence: `Tensor ${quoted(name)} is in ${quoted(owner?.id ?? '')} but not in ${listed(missing)}; choose models of one architecture and size.`,
    models: missing.map((model) => model.id),
    tensor: name,
  };
}

function shapeFinding(
  name: string,
  models: readonly ModelInput[],
  found: readonly TensorInfo[],
  odd: number,
): Finding {
  const shapeOf = (index: number): string => `[${found[index]?.shape.join(', ') ?? ''}]`;
  const donor = models[0]?.id ?? '';
  const model = models[odd]?.id ?? '';
  const isVocabulary =
    [headName, embeddingName].includes(name) && found[odd]?.shape[1] === found[0]?.shape[1];
  const sentence = isVocabulary
    ? `The vocabulary of ${quoted(model)} has ${found[odd]?.shape[0] ?? 0} entries and that of ${quoted(donor)} ${found[0]?.shape[0] ?? 0}; choose models with one tokenizer.`
    : `Tensor ${quoted(name)} is ${shapeOf(odd)} in ${quoted(model)} but ${shapeOf(0)} in ${quoted(donor)}; choose models of one architecture and size.`;
  return {
    severity: 'error',
    code: 'recipe/shape-mismatch',
    sentence,
    models: [donor, model],
    tensor: name,
  };
}

function untiedFinding(models: readonly ModelInput[]): Finding {
  const untied = models.filter((model) => model.checkpoint.tensors.has(headName));
  return {
    severity: 'warning',
    code: 'recipe/shape-mismatch',
    sentence: `${listed(untied)} ${untied.length === 1 ? 'has' : 'have'} an output head of its own, so the merge gets one too and its config says so.`,
    models: untied.map((model) => model.id),
    tensor: headName,
  };
}

function listed(models: readonly ModelInput[]): string {
  return models.map((model) => quoted(model.id)).join(', ');
}
