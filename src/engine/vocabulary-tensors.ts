import { isFloatDtype, type FloatDtype } from '../core/dtype';
import { LabError } from '../core/errors';
import type { TensorInfo } from '../formats/checkpoint-reader';
import { quoted } from '../formats/text';
import type { VocabularyTensor } from './aligned-embeddings';
import { readConfig } from './compare-configs';
import type { ModelInput } from './model-input';
import { modelTensorsOf } from './model-tensors';
import type { TokenMap } from './token-map';

type Source = VocabularyTensor['sources'][number];

/** A tensor with its name in every model. */
export interface NamedVocabularyTensor {
  readonly names: readonly string[];
  readonly tensor: VocabularyTensor;
}

/**
 * The embedding, and the head when some model has one of its own; models that tie theirs give it
 * their embedding.
 *
 * Means and rows of a wider model would lose bits in another dtype, so they come in float32 where the
 * recipe states the dtype of the merge anyway; else everything comes in the first model's dtype, which is the merge's.
 *
 * @throws LabError `recipe/shape-mismatch`, `format/bad-dtype`
 */
export async function vocabularyTensors(
  models: readonly ModelInput[],
  map: TokenMap,
  statesDtype: boolean,
  signal?: AbortSignal,
): Promise<readonly NamedVocabularyTensor[]> {
  const found: { readonly embedding: Source; readonly head: Source | undefined }[] = [];
  for (const model of models) {
    const { embedding, ownHead } = modelTensorsOf(model, await readConfig(model, signal));
    if (embedding === undefined) throw noEmbedding(model);
    const head = ownHead === undefined ? undefined : sourceOf(model, ownHead);
    found.push({ embedding: sourceOf(model, embedding), head });
  }
  const wide = { always: statesDtype && map.hasMeans, whenMixed: statesDtype };
  const embeddings = found.map(({ embedding }) => embedding);
  const tensors = [
    { names: embeddings.map(({ info }) => info.name), tensor: tensorOf(embeddings, wide) },
  ];
  const headName = found.find(({ head }) => head !== undefined)?.head?.info.name;
  if (headName !== undefined) {
    const heads = found.map(({ head, embedding }) => head ?? embedding);
    const names = found.map(({ head }) => head?.info.name ?? headName);
    tensors.push({ names, tensor: tensorOf(heads, wide) });
  }
  return tensors;
}

function sourceOf(model: ModelInput, info: TensorInfo): Source {
  const { dtype } = info;
  if (isFloatDtype(dtype)) return { reader: model.checkpoint, info: { ...info, dtype } };
  throw new LabError(
    'format/bad-dtype',
    `Tensor ${quoted(info.name)} of ${quoted(model.id)} is ${dtype}, which cannot be merged; convert the model to BF16, F16 or F32.`,
    { details: { model: model.id, tensor: info.name, dtype } },
  );
}

function tensorOf(
  sources: readonly Source[],
  wide: { readonly always: boolean; readonly whenMixed: boolean },
): VocabularyTensor {
  const [first] = sources;
  const odd = sources.find(({ info }) => info.shape[1] !== first?.info.shape[1]);
  if (first !== undefined && odd !== undefined) {
    throw new LabError(
      'recipe/shape-mismatch',
      `Tensor ${quoted(odd.info.name)} has rows of ${odd.info.shape[1] ?? 0} in ${quoted(odd.reader.label)} but of ${first.info.shape[1] ?? 0} in ${quoted(first.reader.label)}; choose models of one size.`,
      { details: { tensor: odd.info.name } },
    );
  }
  const isMixed = sources.some(({ info }) => info.dtype !== first?.info.dtype);
  const isWide = wide.always || (wide.whenMixed && isMixed);
  const dtype: FloatDtype = isWide ? 'F32' : (first?.info.dtype ?? 'F32');
  return { sources, dtype };
}

function noEmbedding(model: ModelInput): LabError {
  return new LabError(
    'recipe/shape-mismatch',
    `${quoted(model.id)} has no token embedding that could follow the recipe’s tokenizer; leave the tokenizer setting out or choose another model.`,
    { details: { model: model.id } },
  );
}
