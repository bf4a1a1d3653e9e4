import { invariant, LabError } from '../core/errors';
import type {
  Allocate,
  ByteRange,
  CheckpointReader,
  TensorInfo,
} from '../formats/checkpoint-reader';
import { quoted } from '../formats/text';
import type { MemoryShares } from './memory-shares';
import { keptPiecesBytes, MergedPieces } from './merged-pieces';
import type { ModelInput } from './model-input';
import { mergedFiles } from './output-config';
import type { MergePlan } from './plan';
import type { MergedTensor, OutputTensor, PlannedTensor } from './plan-tensor';
import type { MergeRun, StartRun } from './run-merge';
import { readSource } from './tensor-source';

/** A tensor at work, the one being read ahead, and an embedding that stands for a head. */
const keptWholeCount = 3;
/** Large tensors whose parts are kept at a time: an embedding and a head at most. */
const maxInPieces = 2;

/**
 * Bytes of merged tensors that a stage holds at most: small tensors whole, and pieces of large ones.
 */
export function stagedBytesOf({ tensors, shares }: MergePlan): number {
  let [wholeBytes, piecesBytes] = [0, 0];
  for (const tensor of tensors) {
    if (tensor.kind === 'copy') continue;
    if (isKeptWhole(tensor, shares)) wholeBytes += tensor.sizeBytes;
    else piecesBytes = Math.max(piecesBytes, maxInPieces * keptPiecesBytes(tensor));
  }
  return Math.min(wholeBytes, shares.keptBytes) + piecesBytes;
}

/** Whether a stage merges a tensor once and keeps it, rather than the parts that are read. */
export function isKeptWhole({ sizeBytes }: OutputTensor, { keptBytes }: MemoryShares): boolean {
  return sizeBytes * keptWholeCount <= keptBytes;
}

/**
 * The result of a merge as the input of another, never written anywhere: what is read is merged then,
 * and rounded to the dtype that the stage would write. Small tensors are merged whole and kept until
 * others take their place; of large ones only what a read asks for. Stages merge one thing at a time
 * each, so that memory stays bounded.
 */
export class StagedCheckpoint implements CheckpointReader {
  readonly label: string;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly #shares: MemoryShares;
  readonly #planned: ReadonlyMap<string, PlannedTensor>;
  readonly #run: MergeRun | undefined;
  /** Least recently used first, as `#pieces`. */
  readonly #kept = new Map<string, Promise<Uint8Array>>();
  readonly #pieces = new Map<string, MergedPieces>();
  #turn: Promise<unknown> = Promise.resolve();

  /** @param startRun without it the stage can be planned with, but not read */
  constructor(label: string, plan: MergePlan, startRun: StartRun | undefined) {
    this.label = label;
    this.#shares = plan.shares;
    this.#planned = new Map(plan.tensors.map((tensor) => [tensor.name, tensor]));
    this.#run = startRun?.(plan);
    this.tensors = new Map(
      plan.tensors.map(({ name, dtype, shape, sizeBytes }) => [
        name,
        { name, dtype, shape, sizeBytes },
      ]),
    );
  }

  async read(
    name: string,
    range?: ByteRange,
    signal?: AbortSignal,
    allocate: Allocate = (sizeBytes) => new Uint8Array(sizeBytes),
  ): Promise<Uint8Array> {
    const tensor = this.#planned.get(name);
    invariant(tensor, 'only tensors of the stage are read');
    const { offsetBytes, lengthBytes } = range ?? {
      offsetBytes: 0,
      lengthBytes: tensor.sizeBytes,
    };
    if (offsetBytes + lengthBytes > tensor.sizeBytes) {
      throw new LabError(
        'format/truncated',
        `The stage ${quoted(this.label)} has no such bytes of tensor ${quoted(name)}; correct the recipe.`,
        { details: { tensor: name, offsetBytes, lengthBytes } },
      );
    }
    const wanted = { offsetBytes, lengthBytes };
    if (tensor.kind === 'copy') return readSource(tensor.source, wanted, signal, allocate);
    if (isKeptWhole(tensor, this.#shares)) {
      const bytes = await this.#whole(tensor, signal);
      const part = allocate(lengthBytes);
      part.set(bytes.subarray(offsetBytes, offsetBytes + lengthBytes));
      return part;
    }
    const part = allocate(lengthBytes);
    await this.#inTurn(async () => this.#piecesOf(tensor).read(wanted, part, signal));
    return part;
  }

  async #whole(tensor: MergedTensor, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const { name } = tensor;
    const known = this.#kept.get(name);
    // Moved to the end: the least recently used leaves first.
    this.#kept.delete(name);
    const merging = known ?? this.#inTurn(async () => this.#merge(tensor, signal));
    this.#kept.set(name, merging);
    merging.catch(() => {
      if (this.#kept.get(name) === merging) this.#kept.delete(name);
    });
    let keptBytes = 0;
    for (const other of this.#kept.keys()) keptBytes += this.tensors.get(other)?.sizeBytes ?? 0;
    for (const oldest of this.#kept.keys()) {
      if (keptBytes <= this.#shares.keptBytes) break;
      this.#kept.delete(oldest);
      keptBytes -= this.tensors.get(oldest)?.sizeBytes ?? 0;
    }
    return merging;
  }

  #piecesOf(tensor: MergedTensor): MergedPieces {
    const { name } = tensor;
    const known = this.#pieces.get(name) ?? new MergedPieces(this.#running, tensor);
    this.#pieces.delete(name);
    this.#pieces.set(name, known);
    const forgotten = [...this.#pieces.values()].slice(0, -maxInPieces);
    for (const pieces of forgotten) pieces.forget();
    return known;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const working = this.#turn.then(work);
    this.#turn = working.catch(() => undefined);
    return working;
  }

  async #merge(tensor: MergedTensor, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const merged = new Uint8Array(tensor.sizeBytes);
    await this.#running.merge(
      [tensor],
      (_tensor, bytes, offsetBytes) => {
        merged.set(bytes, offsetBytes);
      },
      { signal },
    );
    return merged;
  }

  get #running(): MergeRun {
    invariant(this.#run, 'a stage that is read has a back end');
    return this.#run;
  }
}

/** A planned merge as a model, with the config and tokenizer that it would be written with. */
export function stagedInput(
  id: string,
  plan: MergePlan,
  startRun: StartRun | undefined,
): ModelInput {
  return {
    id,
    files: mergedFiles(id, plan),
    checkpoint: new StagedCheckpoint(id, plan, startRun),
  };
}
