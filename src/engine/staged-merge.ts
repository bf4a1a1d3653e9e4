import { invariant, LabError } from '../core/errors';
import type { MergeBackend } from '../expr/backend';
import type {
  Allocate,
  ByteRange,
  CheckpointReader,
  TensorInfo,
} from '../formats/checkpoint-reader';
import { quoted } from '../formats/text';
import type { ModelInput } from './model-input';
import { mergedFiles } from './output-config';
import type { MergePlan } from './plan';
import { MergeRun } from './run-merge';

/** A tensor at work, the one being read ahead, and an embedding that stands for a head. */
const maxKeptTensors = 3;

/**
 * The result of a merge as the input of another, never written anywhere: a tensor is merged when its
 * first byte is asked for, rounded to the dtype that the stage would write, and kept in memory until
 * others take its place. Stages merge one tensor at a time each, so that memory stays bounded.
 */
export class StagedCheckpoint implements CheckpointReader {
  readonly label: string;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly #plan: MergePlan;
  readonly #run: MergeRun | undefined;
  readonly #kept = new Map<string, Promise<Uint8Array>>();
  #turn: Promise<unknown> = Promise.resolve();

  /** @param backend without it the stage can be planned with, but not read */
  constructor(label: string, plan: MergePlan, backend: MergeBackend | undefined) {
    this.label = label;
    this.#plan = plan;
    this.#run = backend && new MergeRun(plan, backend);
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
    const bytes = await this.#tensor(name, signal);
    const { offsetBytes, lengthBytes } = range ?? {
      offsetBytes: 0,
      lengthBytes: bytes.byteLength,
    };
    if (offsetBytes + lengthBytes > bytes.byteLength) {
      throw new LabError(
        'format/truncated',
        `The stage ${quoted(this.label)} has no such bytes of tensor ${quoted(name)}; correct the recipe.`,
        { details: { tensor: name, offsetBytes, lengthBytes } },
      );
    }
    const part = allocate(lengthBytes);
    part.set(bytes.subarray(offsetBytes, offsetBytes + lengthBytes));
    return part;
  }

  async #tensor(name: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const known = this.#kept.get(name);
    // Moved to the end: the least recently used leaves first.
    this.#kept.delete(name);
    const merging = known ?? this.#mergeInTurn(name, signal);
    this.#kept.set(name, merging);
    merging.catch(() => {
      if (this.#kept.get(name) === merging) this.#kept.delete(name);
    });
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size > maxKeptTensors) this.#kept.delete(oldest);
    }
    return merging;
  }

  async #mergeInTurn(name: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const merging = this.#turn.then(async () => this.#merge(name, signal));
    this.#turn = merging.catch(() => undefined);
    return merging;
  }

  async #merge(name: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const tensor = this.#plan.tensors.find((planned) => planned.name === name);
    invariant(tensor, 'only tensors of the stage are read');
    invariant(this.#run, 'a stage that is read has a back end');
    const merged = new Uint8Array(tensor.sizeBytes);
    await this.#run.merge(
      [tensor],
      (_tensor, bytes, offsetBytes) => {
        merged.set(bytes, offsetBytes);
      },
      { signal },
    );
    return merged;
  }
}

/** A planned merge as a model, with the config and tokenizer that it would be written with. */
export function stagedInput(
  id: string,
  plan: MergePlan,
  backend: MergeBackend | undefined,
): ModelInput {
  return {
    id,
    files: mergedFiles(id, plan),
    checkpoint: new StagedCheckpoint(id, plan, backend),
  };
}
