import { dtypeSizesBytes, elementCountOf, isFloatDtype, type FloatDtype } from '../core/dtype';
import { invariant, LabError } from '../core/errors';
import { decodeFloats, encodeFloats } from '../expr/decode';
import type {
  Allocate,
  ByteRange,
  CheckpointReader,
  TensorInfo,
} from '../formats/checkpoint-reader';
import { quoted } from '../formats/text';
import type { ModelFiles } from '../sources/model-files';
import { addLowRank, lowRankFactors, type LowRankFactors } from './low-rank';
import { architectureOf, roleOf } from './architecture';
import { readConfig } from './compare-configs';
import { openLoraAdapter, type LoraAdapter, type TensorChange } from './lora-adapter';
import type { ModelInput } from './model-input';
import { changedConfigText, overlayFiles } from './overlay-files';
import { wholeUnits } from './whole-units';

const headName = 'lm_head.weight';
const embeddingName = 'model.embed_tokens.weight';
/** A tensor at work and the one whose first slice is being read, with room for tied heads. */
const maxFactorCount = 4;

/** A tensor that the adapter changes, and what of the model it stands on. */
interface ChangedTensor {
  readonly info: TensorInfo & { readonly dtype: FloatDtype };
  readonly change: TensorChange;
  /** Name in the model; the embedding for a head that is tied to it. */
  readonly original: string;
}

/**
 * A model with a LoRA adapter added: W + scale · B · A, computed as its bytes are read, so that no
 * merged copy exists anywhere. Sums are float64 rounded to float32, the addition is float32, the
 * result is rounded to the dtype in which the model stores the tensor: PEFT 0.21's `merge_and_unload`
 * up to the order of its float32 sums.
 *
 * An adapter of the head of a model that ties head and embedding gives it a head of its own; PEFT
 * would change the embedding too.
 */
export class AdaptedCheckpoint implements CheckpointReader {
  readonly label: string;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly notes: readonly string[];
  readonly #model: CheckpointReader;
  readonly #adapter: LoraAdapter;
  readonly #changed: ReadonlyMap<string, ChangedTensor>;
  readonly #factors = new Map<string, Promise<LowRankFactors>>();

  /** @throws LabError `recipe/shape-mismatch`, `format/bad-dtype` when the adapter does not fit */
  constructor(model: CheckpointReader, adapter: LoraAdapter) {
    this.label = `${model.label}+${adapter.label}`;
    this.notes = model.notes ?? [];
    this.#model = model;
    this.#adapter = adapter;
    this.#changed = new Map(
      [...adapter.changes].map(([name, change]) => {
        const changed = placeChange(model, adapter, name, change);
        return [changed.info.name, changed];
      }),
    );
    const tensors = new Map(model.tensors);
    for (const [name, { info }] of this.#changed) tensors.set(name, info);
    this.tensors = tensors;
  }

  async read(
    name: string,
    range?: ByteRange,
    signal?: AbortSignal,
    allocate?: Allocate,
  ): Promise<Uint8Array> {
    const changed = this.#changed.get(name);
    if (changed === undefined) return this.#model.read(name, range, signal, allocate);
    const { info, change } = changed;
    const widthBytes = dtypeSizesBytes[info.dtype];
    const { first, end, cut } = wholeUnits(info.sizeBytes, widthBytes, range);
    const values = await this.#original(changed, first, end - first, signal);
    if (change.product !== undefined) {
      addLowRank(values, first, await this.#factorsOf(changed, signal));
    }
    if (change.addend !== undefined) {
      const { tensor, scale } = change.addend;
      const added = await readFloats(this.#adapter.weights, tensor, first, end - first, signal);
      const factor = Math.fround(scale);
      added.forEach((value, index) => {
        values[index] = (values[index] ?? 0) + Math.fround(value * factor);
      });
    }
    const bytes = new Uint8Array((end - first) * widthBytes);
    encodeFloats(values, info.dtype, bytes, 0);
    return cut(bytes);
  }

  async #original(
    { change, original, info }: ChangedTensor,
    first: number,
    count: number,
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    const { replacement } = change;
    if (replacement === undefined) {
      const tensor = this.#model.tensors.get(original);
      invariant(tensor, 'a changed tensor is the model’s or a replacement');
      return readFloats(this.#model, tensor, first, count, signal);
    }
    const values = await readFloats(this.#adapter.weights, replacement, first, count, signal);
    // PEFT loads what was trained whole into the model's own dtype before it adds to it.
    const bytes = new Uint8Array(count * dtypeSizesBytes[info.dtype]);
    encodeFloats(values, info.dtype, bytes, 0);
    decodeFloats({ dtype: info.dtype, bytes }, 0, values);
    return values;
  }

  async #factorsOf(
    { info, change }: ChangedTensor,
    signal: AbortSignal | undefined,
  ): Promise<LowRankFactors> {
    const known = this.#factors.get(info.name);
    if (known !== undefined) return known;
    const { product } = change;
    invariant(product, 'only products have factors');
    const { weights, config } = this.#adapter;
    const isTransposed = product.isEmbedding || isStoredTransposed(info.shape, change, config);
    const loading = Promise.all([
      readFloats(weights, product.down, 0, elementCountOf(product.down.shape), signal),
      readFloats(weights, product.up, 0, elementCountOf(product.up.shape), signal),
    ]).then(([down, up]) => ({
      ...lowRankFactors(down, up, product, isTransposed),
      productDtype: product.isEmbedding ? info.dtype : undefined,
    }));
    this.#factors.set(info.name, loading);
    loading.catch(() => this.#factors.delete(info.name));
    const [oldest] = this.#factors.keys();
    if (this.#factors.size > maxFactorCount && oldest !== undefined) this.#factors.delete(oldest);
    return loading;
  }
}

/**
 * A model with the adapter of a folder added. Config and tokenizer stay the model's, except that a
 * head which the adapter changes is no longer tied.
 * @param id the reference in the recipe, such as `base+adapter`
 * @throws LabError as `openLoraAdapter`; `recipe/shape-mismatch` when it is no adapter of this model
 */
export async function adaptModel(
  id: string,
  model: ModelInput,
  adapterFiles: ModelFiles,
  signal?: AbortSignal,
): Promise<ModelInput> {
  const adapter = await openLoraAdapter(adapterFiles, signal);
  const checkpoint = new AdaptedCheckpoint(model.checkpoint, adapter);
  const changesHead = [...adapter.changes.keys()].some((name) => roleOf(name, []) === 'head');
  const config = await readConfig(model, signal);
  if (!changesHead || config === undefined || !architectureOf(config).tiesHead) {
    return { id, files: model.files, checkpoint };
  }
  const untied = await changedConfigText(model, { tiesEmbeddings: false }, {}, signal);
  const files = overlayFiles(model.files, new Map([['config.json', untied]]));
  return { id, files, checkpoint };
}

/** The file may name tensors as the bare transformer does, or the adapter may. */
function nameInModel(model: CheckpointReader, name: string): string {
  const bare = name.replace(/^(model|transformer)\./, '');
  const names = [name, bare, `model.${name}`, `transformer.${name}`];
  return names.find((candidate) => model.tensors.has(candidate)) ?? name;
}

function placeChange(
  model: CheckpointReader,
  adapter: LoraAdapter,
  nameInAdapter: string,
  change: TensorChange,
): ChangedTensor {
  const name = nameInModel(model, nameInAdapter);
  const isTied = name === headName && !model.tensors.has(headName);
  const original = isTied ? embeddingName : name;
  const found = model.tensors.get(original);
  if (found === undefined) {
    throw new LabError(
      'recipe/shape-mismatch',
      `The adapter ${quoted(adapter.label)} changes tensor ${quoted(name)}, which ${quoted(model.label)} does not have; use the model that the adapter was trained on.`,
      { details: { adapter: adapter.label, model: model.label, tensor: name } },
    );
  }
  const { dtype } = found;
  if (!isFloatDtype(dtype)) {
    throw new LabError(
      'format/bad-dtype',
      `Tensor ${quoted(name)} of ${quoted(model.label)} is ${dtype}, to which no adapter can be added; use the model in BF16, F16 or F32.`,
      { details: { model: model.label, tensor: name, dtype } },
    );
  }
  const shape = change.replacement?.shape ?? found.shape;
  const sizeBytes = elementCountOf(shape) * dtypeSizesBytes[dtype];
  const info = { name, dtype, shape, sizeBytes };
  const added = productShape(change) ?? change.addend?.tensor.shape;
  if (added === undefined || sameShape(added, shape) || isTransposeOf(added, shape, change)) {
    return { info, change, original };
  }
  throw new LabError(
    'recipe/shape-mismatch',
    `The adapter ${quoted(adapter.label)} adds [${added.join(', ')}] to tensor ${quoted(name)} of ${quoted(model.label)}, which is [${shape.join(', ')}]; use the model that the adapter was trained on.`,
    { details: { adapter: adapter.label, model: model.label, tensor: name } },
  );
}

/** Of B · A as the layer multiplies, [out, in]; of an embedding as it is stored, [tokens, width]. */
function productShape({ product }: TensorChange): readonly number[] | undefined {
  if (product === undefined) return undefined;
  const { down, up, isEmbedding } = product;
  const shape = [up.shape[0] ?? 0, down.shape[1] ?? 0];
  return isEmbedding ? shape.reverse() : shape;
}

function isTransposeOf(
  added: readonly number[],
  shape: readonly number[],
  { product }: TensorChange,
): boolean {
  return product?.isEmbedding === false && sameShape([...added].reverse(), shape);
}

/** The shape tells whether a weight is stored [in, out]; only of a square one the config must. */
function isStoredTransposed(
  shape: readonly number[],
  change: TensorChange,
  { isTransposed }: LoraAdapter['config'],
): boolean {
  const isSquare = shape[0] === shape[1];
  return isSquare ? isTransposed : !sameShape(productShape(change) ?? shape, shape);
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((axis, index) => axis === b[index]);
}

async function readFloats(
  reader: CheckpointReader,
  { name, dtype }: TensorInfo,
  first: number,
  count: number,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  if (!isFloatDtype(dtype)) {
    throw new LabError(
      'format/bad-dtype',
      `Tensor ${quoted(name)} of ${quoted(reader.label)} is ${dtype}; save the adapter in BF16, F16 or F32.`,
      { details: { file: reader.label, tensor: name, dtype } },
    );
  }
  const widthBytes = dtypeSizesBytes[dtype];
  const range = { offsetBytes: first * widthBytes, lengthBytes: count * widthBytes };
  const values = new Float32Array(count);
  decodeFloats({ dtype, bytes: await reader.read(name, range, signal) }, 0, values);
  return values;
}
