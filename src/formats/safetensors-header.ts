import { dtypeSizesBytes, isDtype, type Dtype } from '../core/dtype';
import { LabError } from '../core/errors';
import { isJsonObject, parseJsonObject, type JsonObject } from './bounded-json';
import type { TensorInfo } from './checkpoint-reader';
import { tensorError } from './tensor-error';
import { quoted, shownBytes } from './text';

/** The format's own cap on its header (safetensors 0.6, `MAX_HEADER_SIZE`). */
export const maxHeaderSizeBytes = 100_000_000;

/** No model needs more axes; the widest seen in the wild has 6. */
const maxAxisCount = 32;
/** A tebi-element axis: far above any vocabulary, far below where sums lose exactness. */
const maxAxisLength = 2 ** 40;

/** A tensor and where its bytes begin. */
export interface SafetensorsEntry extends TensorInfo {
  /** Counted from the beginning of the file, header included. */
  readonly beginBytes: number;
}

/** What the header of one safetensors file says, checked against the file's size. */
export interface SafetensorsHeader {
  /** In the order of the bytes in the file. */
  readonly tensors: ReadonlyMap<string, SafetensorsEntry>;
  readonly metadata: ReadonlyMap<string, string>;
  /** Length field and JSON together: where the data begins. */
  readonly headerSizeBytes: number;
}

/**
 * Reads the header's length from the first 8 bytes of a file, a little-endian u64.
 *
 * @param first at least 8 bytes unless the file is shorter
 * @returns the size of the JSON in bytes, so that the header ends at 8 + that
 * @throws LabError `format/truncated`, `format/too-large`
 */
export function headerJsonSize(first: Uint8Array, fileSizeBytes: number, fileName: string): number {
  if (fileSizeBytes < 8 || first.byteLength < 8) {
    throw new LabError(
      'format/truncated',
      `${fileName} is ${shownBytes(fileSizeBytes)}, too short for a safetensors file; download it again.`,
      { details: { file: fileName, sizeBytes: fileSizeBytes } },
    );
  }
  const length = new DataView(first.buffer, first.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(maxHeaderSizeBytes)) {
    throw new LabError(
      'format/too-large',
      `${fileName} announces a header of ${String(length)} bytes, above the format's limit of 100 MB; it is not a safetensors file or is damaged, so download it again.`,
      { details: { file: fileName, headerBytes: String(length) } },
    );
  }
  const jsonSizeBytes = Number(length);
  if (8 + jsonSizeBytes > fileSizeBytes) {
    throw new LabError(
      'format/truncated',
      `${fileName} ends inside its header (${shownBytes(fileSizeBytes)} of at least ${shownBytes(8 + jsonSizeBytes)}); download it again.`,
      { details: { file: fileName, sizeBytes: fileSizeBytes, headerBytes: 8 + jsonSizeBytes } },
    );
  }
  return jsonSizeBytes;
}

/**
 * Parses the JSON of a safetensors header and checks everything in it: dtypes, shapes, that each
 * length is shape × dtype, and that the tensors fill the file without gap or overlap, as the format
 * demands (safetensors 0.6, `Metadata::validate`). Names need not be in order of their bytes.
 *
 * @param json the bytes between the length field and the data
 * @throws LabError `format/bad-header`, `format/bad-dtype`, `format/bad-offset`, `format/truncated`
 */
export function parseSafetensorsHeader(
  json: Uint8Array,
  fileSizeBytes: number,
  fileName: string,
): SafetensorsHeader {
  if (json[0] !== 0x7b) {
    throw new LabError(
      'format/bad-header',
      `${fileName} has a header that does not begin with "{"; it is not a safetensors file or is damaged, so download it again.`,
      { details: { file: fileName } },
    );
  }
  const raw = parseJsonObject(json, `The header of ${fileName}`, 'format/bad-header', {
    maxSizeBytes: maxHeaderSizeBytes,
    maxDepth: 8,
  });
  const headerSizeBytes = 8 + json.byteLength;
  const entries: SafetensorsEntry[] = [];
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [name, value] of Object.entries(raw)) {
    if (name === '__metadata__') metadata = parseMetadata(value, fileName);
    else entries.push(parseEntry(name, value, headerSizeBytes, fileName));
  }
  entries.sort((a, b) => a.beginBytes - b.beginBytes || a.sizeBytes - b.sizeBytes);
  checkLayout(entries, headerSizeBytes, fileSizeBytes, fileName);
  return {
    tensors: new Map(entries.map((entry) => [entry.name, entry])),
    metadata,
    headerSizeBytes,
  };
}

function parseMetadata(value: unknown, fileName: string): ReadonlyMap<string, string> {
  if (!isJsonObject(value)) {
    throw new LabError(
      'format/bad-header',
      `${fileName} has a "__metadata__" that is not an object; export the file again.`,
      { details: { file: fileName } },
    );
  }
  const metadata = new Map<string, string>();
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') {
      throw new LabError(
        'format/bad-header',
        `${fileName} has a value in "__metadata__" under ${quoted(key)} that is not text; export the file again.`,
        { details: { file: fileName } },
      );
    }
    metadata.set(key, text);
  }
  return metadata;
}

function parseEntry(
  name: string,
  value: unknown,
  headerSizeBytes: number,
  fileName: string,
): SafetensorsEntry {
  if (!isJsonObject(value)) {
    throw tensorError('format/bad-header', fileName, name, 'is not described by an object');
  }
  const dtype = parseDtype(value['dtype'], name, fileName);
  const { shape, elementCount } = parseShape(value['shape'], name, fileName);
  const [begin, end] = parseOffsets(value, name, fileName);
  const sizeBytes = elementCount * dtypeSizesBytes[dtype];
  if (end - begin !== sizeBytes) {
    throw tensorError(
      'format/bad-offset',
      fileName,
      name,
      `occupies ${String(end - begin)} bytes but ${dtype} [${shape.join(', ')}] needs ${String(sizeBytes)}`,
    );
  }
  return { name, dtype, shape, sizeBytes, beginBytes: headerSizeBytes + begin };
}

function parseDtype(value: unknown, name: string, fileName: string): Dtype {
  if (typeof value === 'string' && isDtype(value)) return value;
  const shown = typeof value === 'string' ? quoted(value) : 'no readable dtype';
  throw new LabError(
    'format/bad-dtype',
    `Tensor ${quoted(name)} in ${fileName} has the dtype ${shown}, which cannot be read; convert the model to BF16, F16 or F32.`,
    { details: { file: fileName, tensor: name } },
  );
}

function parseShape(
  value: unknown,
  name: string,
  fileName: string,
): { shape: readonly number[]; elementCount: number } {
  if (!Array.isArray(value) || value.length > maxAxisCount) {
    throw tensorError(
      'format/bad-header',
      fileName,
      name,
      `has a shape that is not a list of at most ${String(maxAxisCount)} lengths`,
    );
  }
  const shape: number[] = [];
  let elementCount = 1;
  for (const axis of value as readonly unknown[]) {
    if (!isCount(axis) || axis > maxAxisLength) {
      throw tensorError(
        'format/bad-header',
        fileName,
        name,
        `has a shape with the length ${quoted(String(axis))}, which is no whole number from 0 to 2^40`,
      );
    }
    elementCount *= axis;
    // Eight bytes is the widest dtype: below this bound every byte count stays exact.
    if (elementCount > Number.MAX_SAFE_INTEGER / 8) {
      throw tensorError('format/bad-header', fileName, name, 'has a shape with too many elements');
    }
    shape.push(axis);
  }
  return { shape, elementCount };
}

function parseOffsets(value: JsonObject, name: string, fileName: string): [number, number] {
  const offsets: unknown = value['data_offsets'];
  if (!Array.isArray(offsets) || offsets.length !== 2) {
    throw tensorError('format/bad-offset', fileName, name, 'has no pair of "data_offsets"');
  }
  const [begin, end] = offsets as readonly unknown[];
  if (!isCount(begin) || !isCount(end) || begin > end) {
    throw tensorError(
      'format/bad-offset',
      fileName,
      name,
      `has the offsets ${quoted(`${String(begin)}, ${String(end)}`)}, which are no rising pair of whole numbers`,
    );
  }
  return [begin, end];
}

/** The tensors, in order of their bytes, must touch each other and end where the file ends. */
function checkLayout(
  entries: readonly SafetensorsEntry[],
  headerSizeBytes: number,
  fileSizeBytes: number,
  fileName: string,
): void {
  let expectedBytes = headerSizeBytes;
  let previous: string | undefined;
  for (const entry of entries) {
    if (entry.beginBytes !== expectedBytes) {
      const where = previous === undefined ? 'the header' : `tensor ${quoted(previous)}`;
      const how = entry.beginBytes < expectedBytes ? 'overlaps' : 'leaves a gap after';
      throw tensorError('format/bad-offset', fileName, entry.name, `${how} ${where}`);
    }
    expectedBytes += entry.sizeBytes;
    previous = entry.name;
    if (expectedBytes > fileSizeBytes) {
      throw new LabError(
        'format/truncated',
        `${fileName} ends inside tensor ${quoted(entry.name)} (${shownBytes(fileSizeBytes)} of at least ${shownBytes(expectedBytes)}); download it again.`,
        {
          details: { file: fileName, tensor: entry.name, sizeBytes: fileSizeBytes, expectedBytes },
        },
      );
    }
  }
  if (expectedBytes !== fileSizeBytes) {
    throw new LabError(
      'format/bad-offset',
      `${fileName} has ${String(fileSizeBytes - expectedBytes)} bytes after its last tensor; download it again.`,
      { details: { file: fileName, sizeBytes: fileSizeBytes, expectedBytes } },
    );
  }
}

/** A whole number from 0 to 2^53 - 1; NaN, fractions, negatives and other types are not. */
function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
