import { ProgressMeter, type LongTask } from '../core/progress';
import type { CheckpointReader } from '../formats/checkpoint-reader';
import { streamCheckpoint } from '../formats/tensor-stream';
import { dataFileBytes } from './data-file-bytes';
import type { WeightPlan } from './weight-plan';

/**
 * Converts every planned weight of a checkpoint into data files in memory.
 * @param data the files, as `allocateData` makes them; what they held is overwritten
 * @throws LabError as `checkSources` and the reader
 */
export async function fillWeights(
  plan: WeightPlan,
  reader: CheckpointReader,
  data: readonly Uint8Array[],
  { signal, onProgress }: LongTask = {},
): Promise<void> {
  const total = plan.files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const meter = new ProgressMeter(`Preparing ${reader.label}`, total, 'bytes', onProgress);
  const source = streamCheckpoint(reader);
  for (const [fileIndex, file] of data.entries()) {
    let offsetBytes = 0;
    for await (const bytes of dataFileBytes(plan, fileIndex, source, { signal })) {
      file.set(bytes, offsetBytes);
      offsetBytes += bytes.byteLength;
      meter.advance(bytes.byteLength);
    }
  }
}

/** All data files of a plan in memory, zeroed. */
export function allocateData(plan: WeightPlan): Uint8Array<ArrayBuffer>[] {
  return plan.files.map((file) => new Uint8Array(file.sizeBytes));
}
