import { dtypeSizesBytes, elementCountOf, type Dtype } from '../../../src/core/dtype';
import { f32ToBf16 } from '../../../src/core/float-bits';
import { Random } from '../../../src/core/random';
import type { ModelInput, ModelInputs } from '../../../src/engine/model-input';
import type { MergePlan } from '../../../src/engine/plan';
import type { LoadedSlice, MergeBackend, SliceInputs } from '../../../src/expr/backend';
import { encodeSafetensors } from '../../../src/formats/safetensors-writer';
import type { Recipe } from '../../../src/recipe/recipe';
import { memoryFiles } from '../../../src/sources/memory-files';
import { openCheckpoint } from '../../../src/sources/open-checkpoint';
import { WasmBackend } from '../../../src/wasm/wasm-backend';

export interface TinyTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/** Odd lengths, a vector, a tensor of two slices, and one that is no weight. */
export const tinyTensors: Readonly<Record<string, TinyTensor>> = {
  'model.embed_tokens.weight': { dtype: 'BF16', shape: [37, 16] },
  'model.layers.0.mlp.up_proj.weight': { dtype: 'F16', shape: [450, 151] },
  'model.layers.0.input_layernorm.weight': { dtype: 'F32', shape: [16] },
  'model.layers.0.position_ids': { dtype: 'I64', shape: [1, 5] },
  'model.norm.weight': { dtype: 'BF16', shape: [7] },
};

export const tinyConfig = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 16,
  num_attention_heads: 4,
  tie_word_embeddings: true,
  dtype: 'bfloat16',
};

/** Seeded finite weights; integers count up. */
export function tinyBytes({ dtype, shape }: TinyTensor, random: Random): Uint8Array<ArrayBuffer> {
  const count = elementCountOf(shape);
  const bytes = new Uint8Array(count * dtypeSizesBytes[dtype]);
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < count; index++) {
    const value = (random.next01() - 0.5) / 8;
    if (dtype === 'BF16') view.setUint16(2 * index, f32ToBf16(value), true);
    // Halves from -0.125 to 0.125, normal ones: sign, exponents 8 to 11, any fraction.
    else if (dtype === 'F16') {
      const sign = random.chance(0.5) ? 0x8000 : 0;
      view.setUint16(2 * index, sign | random.integer(0x2000, 0x2fff), true);
    } else if (dtype === 'F32') view.setFloat32(4 * index, value, true);
    else if (dtype === 'I64') view.setBigInt64(8 * index, BigInt(index), true);
  }
  return bytes;
}

/** Drawing weights takes longer than merging them; a model's are drawn once. */
const drawn = new Map<string, Uint8Array<ArrayBuffer>>();

function weightsFile(
  id: string,
  tensors: Readonly<Record<string, TinyTensor>>,
): Uint8Array<ArrayBuffer> {
  const key = JSON.stringify([id, tensors]);
  const known = drawn.get(key);
  if (known !== undefined) return known;
  const random = Random.named(1, id);
  const file = encodeSafetensors(
    Object.entries(tensors).map(([name, tensor]) => ({
      name,
      ...tensor,
      bytes: tinyBytes(tensor, random),
    })),
  );
  drawn.set(key, file);
  return file;
}

/** A model folder in memory with seeded weights. */
export async function tinyModel(
  id: string,
  changes: {
    readonly tensors?: Readonly<Record<string, TinyTensor>>;
    readonly config?: object;
    readonly files?: readonly (readonly [string, string])[];
  } = {},
): Promise<ModelInput> {
  const contents = new Map<string, Uint8Array | string>([
    ['config.json', JSON.stringify({ ...tinyConfig, ...changes.config })],
    ['tokenizer.json', '{"model":{"type":"BPE"}}'],
    ['model.safetensors', weightsFile(id, changes.tensors ?? tinyTensors)],
    ...(changes.files ?? []),
  ]);
  const files = memoryFiles(id, contents);
  return { id, files, checkpoint: await openCheckpoint(files) };
}

export async function tinyModels(...ids: string[]): Promise<ModelInputs> {
  const models = await Promise.all(ids.map(async (id) => tinyModel(id)));
  return new Map(models.map((model) => [model.id, model]));
}

/** Models with the given numbers of layers: an embedding, a matrix a layer, and a norm. */
export async function layeredModels(
  layerCounts: Readonly<Record<string, number>>,
  config: object = {},
): Promise<ModelInputs> {
  const models = await Promise.all(
    Object.entries(layerCounts).map(async ([id, layerCount]) =>
      tinyModel(id, {
        tensors: layeredTensors(layerCount),
        config: { num_hidden_layers: layerCount, ...config },
      }),
    ),
  );
  return new Map(models.map((model) => [model.id, model]));
}

/** See `layeredModels`. */
export function layeredTensors(layerCount: number): Readonly<Record<string, TinyTensor>> {
  const layers = Array.from({ length: layerCount }, (_, layer): [string, TinyTensor] => [
    `model.layers.${layer}.mlp.up_proj.weight`,
    { dtype: 'BF16', shape: [6, 4] },
  ]);
  return {
    'model.embed_tokens.weight': { dtype: 'BF16', shape: [5, 4] },
    ...Object.fromEntries(layers),
    'model.norm.weight': { dtype: 'F32', shape: [4] },
  };
}

/** A recipe over `base`, unless it is a soup, with weights for the other models. */
export function tinyRecipe(
  mergeMethod: string,
  weights: Readonly<Record<string, number>>,
  more: Partial<Recipe> = {},
): Recipe {
  return {
    mergeMethod,
    ...(mergeMethod === 'linear' ? {} : { baseModel: 'base' }),
    models: Object.entries(weights).map(([model, weight]) => ({ model, parameters: { weight } })),
    parameters: {},
    ...more,
  };
}

/** The same stage under a bound that leaves no room for whole tensors. */
export function inPieces(plan: MergePlan): MergePlan {
  return { ...plan, shares: { ...plan.shares, keptBytes: 0 } };
}

/** One thread of WASM, with a smaller slice if wanted, and a ledger of what is loaded. */
export class CountingBackend implements MergeBackend {
  readonly id = 'wasm';
  readonly device = 'one counted thread';
  readonly threadCount = 1;
  readonly maxSliceBytes: number;
  readonly loaded = new Set<LoadedSlice>();
  peakLoadedBytes = 0;
  loadCount = 0;
  reduceCount = 0;
  readonly #inner = new WasmBackend({ threadCount: 1, memoryBytes: 64 << 20 });

  constructor(maxSliceBytes = 16 << 20) {
    this.maxSliceBytes = maxSliceBytes;
  }

  async load(inputs: SliceInputs): Promise<LoadedSlice> {
    const slice = await this.#inner.load(inputs);
    this.loaded.add(slice);
    this.loadCount += 1;
    let loadedBytes = 0;
    for (const { byteCount } of this.loaded) loadedBytes += byteCount;
    this.peakLoadedBytes = Math.max(this.peakLoadedBytes, loadedBytes);
    return slice;
  }

  reduce: MergeBackend['reduce'] = async (...given) => {
    this.reduceCount += 1;
    return this.#inner.reduce(...given);
  };

  attach: MergeBackend['attach'] = async (...given) => this.#inner.attach(...given);

  rankRows: MergeBackend['rankRows'] = async (...given) => this.#inner.rankRows(...given);

  attachComputed: MergeBackend['attachComputed'] = async (...given) =>
    this.#inner.attachComputed(...given);

  detach: MergeBackend['detach'] = async (...given) => this.#inner.detach(...given);

  map: MergeBackend['map'] = async (...given) => this.#inner.map(...given);

  release(slice: LoadedSlice): void {
    this.loaded.delete(slice);
    this.#inner.release(slice);
  }

  dispose(): void {
    this.#inner.dispose();
  }
}
