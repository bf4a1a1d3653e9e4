import { LabError } from '../core/errors';
import {
  adapterRank,
  adapterScale,
  parseAdapterConfig,
  type AdapterConfig,
} from '../formats/adapter-config';
import type { CheckpointReader, TensorInfo } from '../formats/checkpoint-reader';
import { quoted } from '../formats/text';
import type { ModelFiles } from '../sources/model-files';
import { openWeights } from '../sources/open-checkpoint';
import { missingFile } from '../sources/read-range';

const configName = 'adapter_config.json';
const weightsName = 'adapter_model.safetensors';

/** scale · up · down, with `down` of shape [rank, in] and `up` of shape [out, rank]. */
export interface LowRankProduct {
  readonly down: TensorInfo;
  readonly up: TensorInfo;
  readonly rank: number;
  readonly scale: number;
  /** The adapter of an embedding: its product is added transposed. */
  readonly isEmbedding: boolean;
}

/** What an adapter does to one tensor of the model: the replacement comes first. */
export interface TensorChange {
  /** Takes the place of the model's own tensor. */
  readonly replacement?: TensorInfo;
  readonly product?: LowRankProduct;
  /** Added after multiplication by `scale`; a bias that was trained along. */
  readonly addend?: { readonly tensor: TensorInfo; readonly scale: number };
}

/** A LoRA adapter whose headers were read. */
export interface LoraAdapter {
  readonly label: string;
  readonly config: AdapterConfig;
  readonly weights: CheckpointReader;
  /** By the name of the model's tensor. */
  readonly changes: ReadonlyMap<string, TensorChange>;
}

/**
 * Opens a folder that PEFT wrote: `adapter_config.json` and `adapter_model.safetensors`.
 * @throws LabError `source/missing-file`, `format/…`; `engine/unsupported` for anything but plain LoRA
 */
export async function openLoraAdapter(
  files: ModelFiles,
  signal?: AbortSignal,
): Promise<LoraAdapter> {
  const configFile = files.files.get(configName);
  if (configFile === undefined) throw missingAdapterFile(files.label, configName);
  const weightsFile = files.files.get(weightsName);
  if (weightsFile === undefined) throw missingAdapterFile(files.label, weightsName);
  const configBytes = await configFile.read(0, configFile.sizeBytes, signal);
  const config = parseAdapterConfig(configBytes, `${files.label}/${configName}`);
  const weights = await openWeights(files.label, weightsFile, signal);
  return { label: files.label, config, weights, changes: changesOf(weights, config) };
}

function missingAdapterFile(label: string, path: string): LabError {
  const { code, details } = missingFile(label, path);
  return new LabError(
    code,
    `The adapter ${quoted(label)} has no ${path}; give a folder that PEFT saved with safetensors.`,
    { details },
  );
}

/** The parts of one module as they are found, before pairs are complete. */
interface ModuleParts {
  down?: TensorInfo;
  up?: TensorInfo;
  upBias?: TensorInfo;
  isEmbedding: boolean;
}

const linearKey = /^(.+)\.lora_([AB])(?:\.default)?\.weight$/;
const embeddingKey = /^(.+)\.lora_embedding_([AB])(?:\.default)?$/;
const upBiasKey = /^(.+)\.lora_B(?:\.default)?\.bias$/;
/** `modules_to_save`, biases that were trained, and embeddings saved beside their adapter. */
const wholeKey = /^(.+?)(?:\.base_layer|\.modules_to_save(?:\.default)?)?\.(weight|bias)$/;

function changesOf(weights: CheckpointReader, config: AdapterConfig): Map<string, TensorChange> {
  const modules = new Map<string, ModuleParts>();
  const changes = new Map<string, TensorChange>();
  const partsOf = (module: string): ModuleParts => {
    const known = modules.get(module) ?? { isEmbedding: false };
    modules.set(module, known);
    return known;
  };
  for (const tensor of weights.tensors.values()) {
    const key = tensor.name.replace(/^base_model\.model\./, '');
    const low = linearKey.exec(key) ?? embeddingKey.exec(key);
    const upBias = upBiasKey.exec(key);
    const whole = key.includes('lora_') ? null : wholeKey.exec(key);
    if (low !== null) {
      const parts = partsOf(low[1] ?? '');
      parts[low[2] === 'A' ? 'down' : 'up'] = tensor;
      parts.isEmbedding = key.includes('.lora_embedding_');
    } else if (upBias !== null) {
      partsOf(upBias[1] ?? '').upBias = tensor;
    } else if (whole !== null) {
      changes.set(`${whole[1] ?? ''}.${whole[2] ?? ''}`, { replacement: tensor });
    } else {
      throw new LabError(
        'engine/unsupported',
        `Tensor ${quoted(tensor.name)} of the adapter ${quoted(weights.label)} belongs to no plain LoRA; merge the adapter into its model with PEFT first and use the merged folder.`,
        { details: { adapter: weights.label, tensor: tensor.name } },
      );
    }
  }
  for (const [module, parts] of modules) {
    const product = productOf(module, parts, config, weights.label);
    const name = `${module}.weight`;
    changes.set(name, { ...changes.get(name), product });
    if (parts.upBias === undefined) continue;
    const addend = { tensor: parts.upBias, scale: product.scale };
    changes.set(`${module}.bias`, { ...changes.get(`${module}.bias`), addend });
  }
  return changes;
}

function productOf(
  module: string,
  { down, up, isEmbedding }: ModuleParts,
  config: AdapterConfig,
  label: string,
): LowRankProduct {
  const rank = adapterRank(config, module);
  const fits =
    down?.shape.length === 2 &&
    up?.shape.length === 2 &&
    down.shape[0] === rank &&
    up.shape[1] === rank;
  if (fits) return { down, up, rank, scale: adapterScale(config, module), isEmbedding };
  const shapeOf = (tensor: TensorInfo | undefined): string =>
    tensor === undefined ? 'missing' : `[${tensor.shape.join(', ')}]`;
  throw new LabError(
    'recipe/shape-mismatch',
    `The adapter ${quoted(label)} has A ${shapeOf(down)} and B ${shapeOf(up)} for ${quoted(module)}, but its config says rank ${rank}; choose an adapter of linear or embedding layers, or save it again.`,
    { details: { adapter: label, module, rank } },
  );
}
