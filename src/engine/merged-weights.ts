import type { Dtype } from '../core/dtype';
import { LabError } from '../core/errors';
import { ProgressMeter, type LongTask } from '../core/progress';
import type { MergeBackend } from '../expr/backend';
import { shownBytes } from '../formats/text';
import { throwFirstError } from './finding';
import type { MergePlan, OutputTensor } from './plan';
import { MergeRun } from './run-merge';

/** A merged checkpoint as one buffer, which crosses to another worker by transfer. */
export interface MergedWeights {
  /** Names what was merged, for messages. */
  readonly label: string;
  readonly buffer: ArrayBuffer;
  readonly tensors: readonly {
    readonly name: string;
    readonly dtype: Dtype;
    readonly shape: readonly number[];
    readonly offsetBytes: number;
    readonly sizeBytes: number;
  }[];
}

/**
 * Room for the tensors, one after another, each at a multiple of 8 bytes.
 * @throws LabError `wasm/out-of-memory` when the machine has no such buffer
 */
export function reserveWeights(label: string, tensors: readonly OutputTensor[]): MergedWeights {
  let endBytes = 0;
  const placed = tensors.map(({ name, dtype, shape, sizeBytes }) => {
    const offsetBytes = endBytes;
    endBytes += Math.ceil(sizeBytes / 8) * 8;
    return { name, dtype, shape, offsetBytes, sizeBytes };
  });
  try {
    return { label, buffer: new ArrayBuffer(endBytes), tensors: placed };
  } catch (cause) {
    throw new LabError(
      'wasm/out-of-memory',
      `The merge of ${shownBytes(endBytes)} does not fit in memory; export it to a file instead, or choose smaller models.`,
      { details: { sizeBytes: endBytes }, cause },
    );
  }
}

/**
 * Carries out a plan into memory, for models that fit there.
 * @throws LabError the first error among the plan's findings, and as `MergeRun.merge`
 */
export async function mergeToMemory(
  plan: MergePlan,
  backend: MergeBackend,
  label: string,
  task: LongTask = {},
): Promise<MergedWeights> {
  throwFirstError(plan.findings);
  const weights = reserveWeights(label, plan.tensors);
  const places = new Map(weights.tensors.map((tensor) => [tensor.name, tensor.offsetBytes]));
  const meter = new ProgressMeter('Merging', plan.cost.bytesWritten, 'bytes', task.onProgress);
  const target = new Uint8Array(weights.buffer);
  const run = new MergeRun(plan, backend);
  await run.merge(
    plan.tensors,
    (tensor, bytes, offsetBytes) => {
      target.set(bytes, (places.get(tensor.name) ?? 0) + offsetBytes);
      meter.advance(bytes.byteLength);
    },
    task,
  );
  return weights;
}
