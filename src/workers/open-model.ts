import { elementCountOf, isFloatDtype } from '../core/dtype';
import type { ModelInput } from '../engine/model-input';
import type { CheckpointReader } from '../formats/checkpoint-reader';
import type { ModelFiles } from '../sources/model-files';
import { openModel as openFiles } from '../sources/open-model';

/** A model with its headers read. */
export interface OpenModel extends ModelInput {
  readonly title: string;
  readonly parameterCount: number;
  readonly sizeBytes: number;
  /** The dtype of most of its weights. */
  readonly dtype: string;
  /** Names its content, where the content is known without reading it. */
  readonly contentHash: string | undefined;
}

/** Reads a model’s headers and counts what they promise. */
export async function openModel(
  id: string,
  title: string,
  found: ModelFiles,
  contentHash: string | undefined,
  signal: AbortSignal | undefined,
): Promise<OpenModel> {
  const { files, checkpoint } = await openFiles(found, signal);
  return { id, title, files, checkpoint, contentHash, ...contentsOf(checkpoint) };
}

/** What the headers of a checkpoint promise. */
export function contentsOf({
  tensors,
}: CheckpointReader): Pick<OpenModel, 'parameterCount' | 'sizeBytes' | 'dtype'> {
  const elementCounts = new Map<string, number>();
  let sizeBytes = 0;
  for (const tensor of tensors.values()) {
    sizeBytes += tensor.sizeBytes;
    if (!isFloatDtype(tensor.dtype)) continue;
    const count = elementCounts.get(tensor.dtype) ?? 0;
    elementCounts.set(tensor.dtype, count + elementCountOf(tensor.shape));
  }
  const [mostCommon] = [...elementCounts].sort((left, right) => right[1] - left[1]);
  const parameterCount = [...elementCounts.values()].reduce((sum, count) => sum + count, 0);
  return { parameterCount, sizeBytes, dtype: mostCommon?.[0] ?? 'unknown' };
}
