import { LabError } from '../core/errors';
import { shardFileName } from '../formats/safetensors-index';
import { layOutSafetensors, type SafetensorsLayout } from '../formats/safetensors-writer';
import type { PlannedTensor } from './plan';

/** mergekit 0.1.4's default, in bytes. */
export const defaultShardBytes = 5_000_000_000;

/** One file of weights before any of its bytes exists. */
export interface Shard {
  readonly path: string;
  readonly tensors: readonly PlannedTensor[];
  readonly layout: SafetensorsLayout;
}

/**
 * Fills shards in order, as mergekit does: a tensor that does not fit begins the next one, and one
 * that is larger than a shard has its own. With 0 or less there is a single file.
 */
export function layOutShards(tensors: readonly PlannedTensor[], maxShardBytes: number): Shard[] {
  const groups: PlannedTensor[][] = [[]];
  let groupBytes = 0;
  for (const tensor of tensors) {
    const isFull = groupBytes + tensor.sizeBytes > maxShardBytes && maxShardBytes > 0;
    if (isFull && groups.at(-1)?.length !== 0) {
      groups.push([]);
      groupBytes = 0;
    }
    groups.at(-1)?.push(tensor);
    groupBytes += tensor.sizeBytes;
  }
  return groups.map((group, index) => ({
    path: shardFileName(index + 1, groups.length),
    tensors: group,
    layout: layOutSafetensors(group),
  }));
}

const unitBytes: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, b: 1e9 };

/**
 * Reads a size as mergekit writes it: a whole number of bytes, or of thousands (`k`), millions (`m`)
 * or billions (`b`) of them. Its help speaks of parameters, but it counts bytes, and so do we.
 * @param what it is the size of, for messages
 * @throws LabError `cli/usage` for anything else, `5GB` included
 */
export function parseByteSize(text: string, what: string): number {
  const [, digits = '', unit = ''] = /^(-?\d{1,15})([kmb]?)$/i.exec(text.trim()) ?? [];
  const sizeBytes = Number(digits) * (unitBytes[unit.toLowerCase()] ?? 1);
  if (digits !== '' && Number.isSafeInteger(sizeBytes)) return sizeBytes;
  throw new LabError(
    'cli/usage',
    `The ${what} size "${text}" is no whole number of bytes, or of thousands (k), millions (m) or billions (b) of them; write 5b for 5 GB.`,
    { details: { text } },
  );
}
