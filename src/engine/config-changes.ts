import type { FloatDtype } from '../core/dtype';
import type { JsonObject } from '../formats/bounded-json';
import { configDtypes } from '../formats/model-config';
import { architectureOf, textConfigOf } from './architecture';
import type { MatchedTensor } from './matched-tensor';
import type { PlannedTensor } from './plan-tensor';

/** What the merge's config must say otherwise than the donor's; absent where it need not. */
export interface ConfigChanges {
  readonly layerCount?: number;
  /** One of each layer, where the donor's config has them. */
  readonly layerTypes?: readonly unknown[];
  /** Rows of the written embedding. */
  readonly vocabularySize?: number;
  readonly dtype?: FloatDtype;
  readonly tiesEmbeddings?: boolean;
}

/** A layer of the output and the model it is shaped like. */
interface LayerOrigin {
  readonly config: JsonObject | undefined;
  readonly layer: number;
}

const layerCountKeys = ['num_hidden_layers', 'n_layer', 'num_layers'];
const vocabularyKey = 'vocab_size';

/**
 * The changes that the written tensors call for.
 * @param origins of every layer when the recipe stacks slices
 */
export function configChangesFor(
  donorConfig: JsonObject | undefined,
  tensors: readonly MatchedTensor[],
  origins: readonly LayerOrigin[] | undefined,
): Omit<ConfigChanges, 'dtype'> {
  if (donorConfig === undefined) return {};
  return {
    ...layerChanges(donorConfig, origins),
    ...vocabularyChange(donorConfig, tensors),
    ...tieChange(donorConfig, tensors),
  };
}

function layerChanges(
  donorConfig: JsonObject,
  origins: readonly LayerOrigin[] | undefined,
): Pick<ConfigChanges, 'layerCount' | 'layerTypes'> {
  if (origins === undefined) return {};
  const layerTypes = origins.map(
    ({ config, layer }) => typesOf(config)?.[layer] ?? typesOf(donorConfig)?.[layer],
  );
  const isWhole = typesOf(donorConfig) !== undefined && !layerTypes.includes(undefined);
  return { layerCount: origins.length, ...(isWhole ? { layerTypes } : {}) };
}

function typesOf(config: JsonObject | undefined): readonly unknown[] | undefined {
  const holder = config === undefined ? undefined : (textConfigOf(config) ?? config);
  const types: unknown = holder?.['layer_types'];
  return Array.isArray(types) ? types : undefined;
}

function vocabularyChange(
  donorConfig: JsonObject,
  tensors: readonly MatchedTensor[],
): Pick<ConfigChanges, 'vocabularySize'> {
  const embedding = tensors.find(({ role }) => role === 'embedding');
  if (embedding === undefined) return {};
  const shape = embedding.kind === 'merge' ? embedding.shape : embedding.tensor.shape;
  const [rowCount] = shape;
  const said = holderOf(donorConfig, vocabularyKey)?.[vocabularyKey];
  return rowCount === undefined || typeof said !== 'number' || said === rowCount
    ? {}
    : { vocabularySize: rowCount };
}

/** A distinct head that is written, or one that nobody has any more, must not be lost by a loader. */
function tieChange(
  donorConfig: JsonObject,
  tensors: readonly MatchedTensor[],
): Pick<ConfigChanges, 'tiesEmbeddings'> {
  const hasHead = tensors.some(({ role }) => role === 'head');
  const hasEmbedding = tensors.some(({ role }) => role === 'embedding');
  const { tiesHead } = architectureOf(donorConfig);
  if (!hasEmbedding || hasHead !== tiesHead) return {};
  return { tiesEmbeddings: !hasHead };
}

/**
 * The dtype that the config must name: the merge's, or, when every tensor keeps its stored dtype, what
 * is written if that is not what the donor's config says.
 */
export function dtypeChange(
  donorConfig: JsonObject | undefined,
  outDtype: FloatDtype | undefined,
  tensors: readonly PlannedTensor[],
): Pick<ConfigChanges, 'dtype'> {
  if (outDtype !== undefined) return { dtype: outDtype };
  const said = donorConfig?.['dtype'] ?? donorConfig?.['torch_dtype'];
  const written = tensors.filter((tensor) => tensor.kind === 'merge');
  const [first] = written;
  if (first === undefined || typeof said !== 'string') return {};
  const name = said.replace(/^torch\./, '');
  const isSaid = written.some(({ dtype }) => configDtypes[dtype] === name);
  return isSaid ? {} : { dtype: first.dtype };
}

/** The config with the changes made, everything else as it was. The dtype is left to the caller. */
export function changedConfig(config: JsonObject, changes: ConfigChanges): JsonObject {
  const { layerCount, layerTypes, vocabularySize, tiesEmbeddings } = changes;
  const layerKey = layerCountKeys.find((key) => holderOf(config, key) !== undefined);
  let changed = config;
  if (layerCount !== undefined) {
    changed = withKey(changed, layerKey ?? 'num_hidden_layers', layerCount);
  }
  if (layerTypes !== undefined) changed = withKey(changed, 'layer_types', layerTypes);
  if (vocabularySize !== undefined) changed = withKey(changed, vocabularyKey, vocabularySize);
  if (tiesEmbeddings !== undefined) {
    changed = withKey(changed, 'tie_word_embeddings', tiesEmbeddings);
  }
  return changed;
}

/** The config or its part for the language model, whichever has the key. */
function holderOf(config: JsonObject, key: string): JsonObject | undefined {
  return [config, textConfigOf(config)].find(
    (part) => part !== undefined && Object.hasOwn(part, key),
  );
}

function withKey(config: JsonObject, key: string, value: unknown): JsonObject {
  const text = textConfigOf(config);
  if (text !== undefined && !Object.hasOwn(config, key) && Object.hasOwn(text, key)) {
    return { ...config, text_config: { ...text, [key]: value } };
  }
  return { ...config, [key]: value };
}
