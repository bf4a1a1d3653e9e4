import type { Allocate } from '../formats/checkpoint-reader';

/** One file of a model folder, read by ranges. */
export interface ModelFile {
  /** Relative to the model's folder, with `/` between parts. */
  readonly path: string;
  readonly sizeBytes: number;
  /** When the file last changed, in milliseconds since 1970, where its place tells. */
  readonly modifiedAtMs?: number;
  /**
   * Bytes [offsetBytes, offsetBytes + lengthBytes).
   * @throws LabError `source/read-failed`, `source/network`, `format/truncated`
   */
  read(
    offsetBytes: number,
    lengthBytes: number,
    signal?: AbortSignal,
    allocate?: Allocate,
  ): Promise<Uint8Array>;
}

/** A model folder in Hugging Face layout, wherever it lies: our own origin, a folder of the person, Node's disk. */
export interface ModelFiles {
  /** A short name for messages and labels. */
  readonly label: string;
  readonly files: ReadonlyMap<string, ModelFile>;
  /** Bytes come in large pieces, and again when they were dropped: who reads in order has each once. */
  readonly comeInPieces?: boolean;
}
