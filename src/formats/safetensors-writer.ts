import { dtypeSizesBytes, elementCountOf } from '../core/dtype';
import { invariant } from '../core/errors';
import type { TensorInfo } from './checkpoint-reader';
import type { SafetensorsEntry } from './safetensors-header';

/** One safetensors file before any of its data exists. */
export interface SafetensorsLayout {
  /** Length field and JSON, padded with spaces to a multiple of 8 bytes. */
  readonly header: Uint8Array<ArrayBuffer>;
  /** In the order in which the data must follow the header. */
  readonly entries: readonly SafetensorsEntry[];
  readonly fileSizeBytes: number;
}

/**
 * Lays out a safetensors file: header first, then the tensors' bytes in the order given, without
 * gaps. Wide dtypes should come first if a reader is to map them in place; a file of one dtype needs
 * no such care. The header is aligned to 8 bytes as the format asks.
 *
 * @param metadata written as `__metadata__`; `{ format: 'pt' }` is what transformers expects
 */
export function layOutSafetensors(
  tensors: readonly Omit<TensorInfo, 'sizeBytes'>[],
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): SafetensorsLayout {
  // A Map keeps names such as "1" in order, which a plain object would not; JSON is joined by hand.
  const parts = new Map<string, string>([['__metadata__', JSON.stringify(metadata)]]);
  const sizes: number[] = [];
  let offset = 0;
  for (const { name, dtype, shape } of tensors) {
    invariant(!parts.has(name), `two tensors are named ${name}`);
    const sizeBytes = elementCountOf(shape) * dtypeSizesBytes[dtype];
    const end = offset + sizeBytes;
    parts.set(name, JSON.stringify({ dtype, shape, data_offsets: [offset, end] }));
    sizes.push(sizeBytes);
    offset = end;
  }
  const fields = [...parts].map(([name, value]) => `${JSON.stringify(name)}:${value}`);
  const json = new TextEncoder().encode(`{${fields.join(',')}}`);
  const paddedBytes = Math.ceil(json.byteLength / 8) * 8;
  const header = new Uint8Array(8 + paddedBytes).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(paddedBytes), true);
  header.set(json, 8);

  let beginBytes = header.byteLength;
  const entries = tensors.map(({ name, dtype, shape }, index) => {
    const sizeBytes = sizes[index] ?? 0;
    const entry = { name, dtype, shape, sizeBytes, beginBytes };
    beginBytes += sizeBytes;
    return entry;
  });
  return { header, entries, fileSizeBytes: beginBytes };
}

/** A whole safetensors file in memory; for small checkpoints and tests. */
export function encodeSafetensors(
  tensors: readonly (Omit<TensorInfo, 'sizeBytes'> & { readonly bytes: Uint8Array })[],
  metadata?: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const layout = layOutSafetensors(tensors, metadata);
  const file = new Uint8Array(layout.fileSizeBytes);
  file.set(layout.header);
  layout.entries.forEach((entry, index) => {
    const bytes = tensors[index]?.bytes;
    invariant(bytes?.byteLength === entry.sizeBytes, `tensor ${entry.name} has other bytes`);
    file.set(bytes, entry.beginBytes);
  });
  return file;
}
