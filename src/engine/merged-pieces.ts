import { dtypeSizesBytes, elementCountOf } from '../core/dtype';
import type { ByteRange } from '../formats/checkpoint-reader';
import type { Measured } from '../methods/merge-tensor';
import type { MergedTensor } from './plan-tensor';
import type { MergeRun } from './run-merge';

/** At least; small enough that a single row of a large embedding costs little. */
const minPieceElements = 1 << 17;
/** Pieces that reads cover in part, kept for the next one; two of them are the ends of a read. */
const maxKeptPieces = 16;

/** Bytes that the pieces of a tensor take between reads, at most. */
export function keptPiecesBytes(tensor: MergedTensor): number {
  const pieceBytes = pieceElementsOf(tensor) * dtypeSizesBytes[tensor.dtype];
  return Math.min(tensor.sizeBytes, maxKeptPieces * pieceBytes);
}

/**
 * A merged tensor that is never held whole: reads merge what they ask for. What passes over the
 * tensor find is remembered; parts of it are merged again whenever they are read again.
 */
export class MergedPieces {
  readonly #run: MergeRun;
  readonly #tensor: MergedTensor;
  readonly #pieceElements: number;
  readonly #widthBytes: number;
  /** By number, least recently used first. */
  readonly #kept = new Map<number, Uint8Array>();
  #measured: Measured | undefined;

  constructor(run: MergeRun, tensor: MergedTensor) {
    this.#run = run;
    this.#tensor = tensor;
    this.#pieceElements = pieceElementsOf(tensor);
    this.#widthBytes = dtypeSizesBytes[tensor.dtype];
  }

  /**
   * Fills `into` with the bytes from `range.offsetBytes` on. One read at a time.
   * @throws LabError as `MergeRun`
   */
  async read(range: ByteRange, into: Uint8Array, signal?: AbortSignal): Promise<void> {
    if (range.lengthBytes === 0) return;
    const pieceBytes = this.#pieceElements * this.#widthBytes;
    const end = Math.ceil((range.offsetBytes + range.lengthBytes) / pieceBytes);
    for (let piece = Math.floor(range.offsetBytes / pieceBytes); piece < end;) {
      const kept = this.#kept.get(piece);
      if (kept === undefined) {
        piece = await this.#merge(piece, end, range, into, signal);
        continue;
      }
      copyOverlap(kept, piece * pieceBytes, into, range.offsetBytes);
      this.#keep(piece, kept);
      piece += 1;
    }
  }

  /** Frees what is as large as a part of the tensor; single numbers stay. */
  forget(): void {
    this.#kept.clear();
    if ((this.#measured?.columns.length ?? 0) > 0) this.#measured = undefined;
  }

  /** Merges pieces from `first` on, up to one that is kept or `end`; returns where it stopped. */
  async #merge(
    first: number,
    end: number,
    range: ByteRange,
    into: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    const run = this.#run;
    const tensor = this.#tensor;
    this.#measured ??= await run.measureOne(tensor, { signal });
    let stop = first + 1;
    while (stop < end && !this.#kept.has(stop)) stop += 1;
    const firstElement = first * this.#pieceElements;
    const endElement = Math.min(stop * this.#pieceElements, elementCountOf(tensor.shape));
    const part = { firstElement, elementCount: endElement - firstElement };
    const ends = new Map(
      [first, stop - 1]
        .filter((piece) => !this.#isWithin(piece, range))
        .map((piece) => [piece, new Uint8Array(this.#lengthOf(piece))]),
    );
    const pieceBytes = this.#pieceElements * this.#widthBytes;
    const emit = (_tensor: unknown, bytes: Uint8Array, offsetBytes: number): void => {
      copyOverlap(bytes, offsetBytes, into, range.offsetBytes);
      for (const [piece, kept] of ends) copyOverlap(bytes, offsetBytes, kept, piece * pieceBytes);
    };
    await run.mergePart(tensor, part, this.#measured, emit, signal);
    for (const [piece, kept] of ends) this.#keep(piece, kept);
    return stop;
  }

  /** Whether a read takes all of a piece, so that the next one will hardly want it. */
  #isWithin(piece: number, { offsetBytes, lengthBytes }: ByteRange): boolean {
    const beginBytes = piece * this.#pieceElements * this.#widthBytes;
    const endBytes = beginBytes + this.#lengthOf(piece);
    return beginBytes >= offsetBytes && endBytes <= offsetBytes + lengthBytes;
  }

  #lengthOf(piece: number): number {
    const pieceBytes = this.#pieceElements * this.#widthBytes;
    return Math.min(pieceBytes, this.#tensor.sizeBytes - piece * pieceBytes);
  }

  #keep(piece: number, bytes: Uint8Array): void {
    this.#kept.delete(piece);
    this.#kept.set(piece, bytes);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size > maxKeptPieces) this.#kept.delete(oldest);
    }
  }
}

function pieceElementsOf({ sliceNeeds }: MergedTensor): number {
  const { unitElements } = sliceNeeds;
  return unitElements * Math.ceil(minPieceElements / unitElements);
}

/** Copies what `from`, which begins at `fromBytes` of the tensor, shares with `to` at `toBytes`. */
function copyOverlap(from: Uint8Array, fromBytes: number, to: Uint8Array, toBytes: number): void {
  const beginBytes = Math.max(fromBytes, toBytes);
  const endBytes = Math.min(fromBytes + from.byteLength, toBytes + to.byteLength);
  if (beginBytes >= endBytes) return;
  to.set(from.subarray(beginBytes - fromBytes, endBytes - fromBytes), beginBytes - toBytes);
}
