import { LabError } from '../core/errors';
import { GgufCursor, NeedsBytes } from './gguf-cursor';
import { readGgufMetadata, type GgufValue } from './gguf-metadata';
import { ggufTypeName, ggufTypes, isGgufType, type GgufType } from './gguf-types';
import { tensorError } from './tensor-error';
import { quoted, shownBytes } from './text';

/** Ten times the header of a model with 256,000 tokens. */
const maxHeaderSizeBytes = 128_000_000;
const maxFieldCount = 2 ** 16;
const maxTensorCount = 2 ** 16;
/** Of the format. */
const maxAxisCount = 4;
/** The format says 64; some files have longer ones. */
const maxNameBytes = 256;
const maxAxisLength = 2 ** 40;
const defaultAlignmentBytes = 32;
const maxAlignmentBytes = 2 ** 20;

/** One tensor of a GGUF file. */
export interface GgufTensor {
  readonly name: string;
  readonly type: GgufType;
  /** Row-major, last axis contiguous: the reverse of the order in the file. */
  readonly shape: readonly number[];
  readonly elementCount: number;
  readonly sizeBytes: number;
  /** Counted from the beginning of the file. */
  readonly beginBytes: number;
}

/** What the header of one GGUF file says, checked against the file's size. */
export interface GgufHeader {
  readonly version: 2 | 3;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** In the order of the header. */
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  /** Where the tensors' data begins. */
  readonly dataBeginBytes: number;
}

/** A header, or how many bytes from the beginning of the file are at least needed to go on. */
export type GgufHeaderResult =
  | { readonly kind: 'header'; readonly header: GgufHeader }
  | { readonly kind: 'needs'; readonly endBytes: number };

/**
 * Parses the header of a GGUF file, version 2 or 3, little endian, and checks everything in it:
 * counts and lengths against caps, types, shapes, and that each tensor lies aligned inside the file
 * and over no other. The header states no length of its own, so a prefix may turn out too short.
 *
 * @param prefix the file's first bytes
 * @throws LabError `format/bad-header`, `format/bad-dtype`, `format/bad-offset`, `format/too-large`,
 * `format/truncated`
 */
export function parseGgufHeader(
  prefix: Uint8Array,
  fileSizeBytes: number,
  fileName: string,
): GgufHeaderResult {
  try {
    const cursor = new GgufCursor(prefix, fileSizeBytes, fileName);
    return { kind: 'header', header: readHeader(cursor, fileSizeBytes, fileName) };
  } catch (error) {
    if (!(error instanceof NeedsBytes)) throw error;
    if (error.endBytes <= maxHeaderSizeBytes) return { kind: 'needs', endBytes: error.endBytes };
    throw new LabError(
      'format/too-large',
      `${fileName} has a header above the limit of ${shownBytes(maxHeaderSizeBytes)}; it is damaged or not a GGUF file, so download it again.`,
      { details: { file: fileName, headerBytes: error.endBytes } },
    );
  }
}

function readHeader(cursor: GgufCursor, fileSizeBytes: number, fileName: string): GgufHeader {
  const version = readVersion(cursor, fileName);
  const tensorCount = cursor.count('the number of tensors', maxTensorCount);
  const fieldCount = cursor.count('the number of fields', maxFieldCount);
  const metadata = readGgufMetadata(cursor, fieldCount, fileName);
  const alignmentBytes = alignmentOf(metadata, fileName);
  const described: Omit<GgufTensor, 'sizeBytes'>[] = [];
  for (let index = 0; index < tensorCount; index++) {
    described.push(readTensor(cursor, index, fileName));
  }
  const dataBeginBytes = Math.ceil(cursor.offsetBytes / alignmentBytes) * alignmentBytes;
  const tensors = new Map<string, GgufTensor>();
  for (const tensor of described) {
    if (tensors.has(tensor.name)) {
      throw tensorError('format/bad-header', fileName, tensor.name, 'occurs twice');
    }
    if (tensor.beginBytes % alignmentBytes !== 0) {
      const where = `begins at byte ${String(tensor.beginBytes)}, which is no multiple of ${String(alignmentBytes)}`;
      throw tensorError('format/bad-offset', fileName, tensor.name, where);
    }
    const { valuesPerBlock, bytesPerBlock } = ggufTypes[tensor.type];
    const sizeBytes = (tensor.elementCount / valuesPerBlock) * bytesPerBlock;
    const beginBytes = dataBeginBytes + tensor.beginBytes;
    tensors.set(tensor.name, { ...tensor, sizeBytes, beginBytes });
  }
  checkPlaces([...tensors.values()], fileSizeBytes, fileName);
  return { version, metadata, tensors, dataBeginBytes };
}

function readVersion(cursor: GgufCursor, fileName: string): 2 | 3 {
  const magic = cursor.u32('the first four bytes');
  if (magic !== 0x46554747) {
    throw new LabError(
      'format/bad-header',
      `${fileName} does not begin with "GGUF"; it is not a GGUF file or is damaged, so download it again.`,
      { details: { file: fileName } },
    );
  }
  const version = cursor.u32('the version');
  if (version === 2 || version === 3) return version;
  // A big-endian file has the version's bytes in the other order.
  const problem =
    version > 0 && version % 2 ** 16 === 0
      ? 'is written for big-endian machines'
      : `is GGUF version ${String(version)}`;
  throw new LabError(
    'format/bad-header',
    `${fileName} ${problem}, but only little-endian versions 2 and 3 can be read; convert it with a recent llama.cpp.`,
    { details: { file: fileName, version } },
  );
}

function alignmentOf(metadata: ReadonlyMap<string, GgufValue>, fileName: string): number {
  const value = metadata.get('general.alignment') ?? defaultAlignmentBytes;
  // A power of two has one bit.
  if (
    typeof value === 'number' &&
    Number.isInteger(value) &&
    value > 0 &&
    value <= maxAlignmentBytes &&
    (value & (value - 1)) === 0
  ) {
    return value;
  }
  throw new LabError(
    'format/bad-header',
    `${fileName} has a "general.alignment" that is no power of two up to 2^20; download or convert the file again.`,
    { details: { file: fileName, field: 'general.alignment' } },
  );
}

/** `beginBytes` counts from the beginning of the data. */
function readTensor(
  cursor: GgufCursor,
  index: number,
  fileName: string,
): Omit<GgufTensor, 'sizeBytes'> {
  const name = cursor.text(`the name of tensor ${String(index + 1)}`, maxNameBytes);
  const what = `the description of tensor ${quoted(name)}`;
  const axisCount = cursor.u32(what);
  if (axisCount > maxAxisCount) {
    throw tensorError(
      'format/bad-header',
      fileName,
      name,
      `has ${String(axisCount)} axes, above the format's 4`,
    );
  }
  const shape: number[] = [];
  let elementCount = 1;
  for (let axis = 0; axis < axisCount; axis++) {
    const length = cursor.count(`an axis of tensor ${quoted(name)}`, maxAxisLength);
    shape.unshift(length);
    elementCount *= length;
    // Four bytes is the widest type, before and after it is widened.
    if (elementCount > Number.MAX_SAFE_INTEGER / 8) {
      throw tensorError('format/bad-header', fileName, name, 'has a shape with too many elements');
    }
  }
  const type = readType(cursor.u32(what), name, fileName);
  const { valuesPerBlock } = ggufTypes[type];
  const rowLength = shape.at(-1) ?? 1;
  if (rowLength % valuesPerBlock !== 0) {
    const problem = `has rows of ${String(rowLength)}, which ${type} cannot hold in blocks of ${String(valuesPerBlock)}`;
    throw tensorError('format/bad-header', fileName, name, problem);
  }
  const beginBytes = cursor.count(
    `the offset of tensor ${quoted(name)}`,
    Number.MAX_SAFE_INTEGER / 2,
  );
  return { name, type, shape, elementCount, beginBytes };
}

function readType(id: number, tensor: string, fileName: string): GgufType {
  const type = ggufTypeName(id);
  if (isGgufType(type)) return type;
  throw new LabError(
    'format/bad-dtype',
    `Tensor ${quoted(tensor)} in ${fileName} is stored as ${type}, which cannot be read; take a file in ${Object.keys(ggufTypes).join(', ')}.`,
    { details: { file: fileName, tensor, type } },
  );
}

/** Gaps are allowed, as padding is one; overlaps and what lies outside the file are not. */
function checkPlaces(
  tensors: readonly GgufTensor[],
  fileSizeBytes: number,
  fileName: string,
): void {
  const inOrder = [...tensors].sort(
    (left, right) => left.beginBytes - right.beginBytes || left.sizeBytes - right.sizeBytes,
  );
  let previous: GgufTensor | undefined;
  for (const tensor of inOrder) {
    if (previous !== undefined && tensor.beginBytes < previous.beginBytes + previous.sizeBytes) {
      const problem = `overlaps tensor ${quoted(previous.name)}`;
      throw tensorError('format/bad-offset', fileName, tensor.name, problem);
    }
    const endBytes = tensor.beginBytes + tensor.sizeBytes;
    if (endBytes > fileSizeBytes) {
      throw new LabError(
        'format/truncated',
        `${fileName} ends before tensor ${quoted(tensor.name)} does (${shownBytes(fileSizeBytes)} of at least ${shownBytes(endBytes)}); download it again.`,
        { details: { file: fileName, tensor: tensor.name, sizeBytes: fileSizeBytes, endBytes } },
      );
    }
    previous = tensor;
  }
}
