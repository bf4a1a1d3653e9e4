import { invariant } from '../core/errors';
import type { Lane } from './lane';
import { createLane, jobWords } from './lane';
import type { WasmMemory } from './memory';
import type { EndLane } from './spawn-lane';
import { spawnLane } from './spawn-lane';

/** One kernel over the chunks of a slice. Addresses are in the pool's memory. */
export interface Job {
  readonly kernelId: number;
  readonly kernelBytes: Uint8Array;
  readonly block: number;
  readonly elementCount: number;
  /** Where the numbers of its chunks stand, as i32, unless it has all of them in order. */
  readonly chunkList?: { readonly address: number; readonly length: number } | undefined;
  /** Elements of a chunk where it is not the usual number. */
  readonly chunkElements?: number;
  readonly out: number;
  /** Added to `out` for every chunk. */
  readonly outStrideBytes: number;
  readonly bins: number;
  /** Added to `bins` for every lane. */
  readonly binsStrideBytes: number;
}

const controlBytes = 128;
const codeCapacityBytes = 2 * 1024 * 1024;
/** About 20 microseconds: less than it takes to fall asleep and wake. */
const spinCount = 2000;

/** Threads that share one memory; the caller's thread is one of them. */
export class LanePool {
  readonly #words: Int32Array;
  readonly #code: Uint8Array;
  readonly #own: Lane;
  readonly #ends: EndLane[] = [];
  readonly #chunkElements: number;
  readonly #codeOffsets = new Map<number, number>();
  #codeUsedBytes = 0;
  #sequence = 0;

  /** @param threadCount 1 when `memory` is not shared */
  constructor(memory: WasmMemory, threadCount: number, chunkElements: number) {
    const Buffer = memory.isShared ? SharedArrayBuffer : ArrayBuffer;
    const control = new Buffer(controlBytes);
    const code = new Buffer(codeCapacityBytes);
    this.#words = new Int32Array(control);
    this.#code = new Uint8Array(code);
    this.#chunkElements = chunkElements;
    this.#own = createLane({ control, code, memory: memory.memory, lane: 0 });
    try {
      for (let lane = 1; lane < threadCount; lane++) {
        this.#ends.push(spawnLane({ control, code, memory: memory.memory, lane }));
      }
    } catch {
      // A policy may forbid workers: those that started are enough.
    }
  }

  get threadCount(): number {
    return this.#ends.length + 1;
  }

  /**
   * Runs a job; returns when every chunk is done. One at a time.
   * @throws Error when a kernel trapped, which only a bug of ours can cause
   */
  async run(job: Job): Promise<void> {
    const chunkCount =
      job.chunkList?.length ??
      Math.ceil(job.elementCount / (job.chunkElements ?? this.#chunkElements));
    invariant(chunkCount < 0xfffff, 'a slice has fewer than a million chunks');
    if (chunkCount === 0) return;
    this.#post(job, chunkCount);
    // Waking a thread for a single chunk costs more than it saves.
    if (chunkCount > 1) Atomics.notify(this.#words, jobWords.sequence);
    this.#own.runChunks(this.#sequence);
    await this.#untilCompleted(chunkCount);
    invariant(Atomics.load(this.#words, jobWords.failed) === 0, 'a kernel ran to its end');
  }

  /** Ends the threads; no job may be running. */
  dispose(): void {
    this.#set('stop', 1);
    this.#sequence++;
    this.#set('sequence', this.#sequence);
    Atomics.notify(this.#words, jobWords.sequence);
    for (const end of this.#ends.splice(0)) end();
  }

  #set(word: keyof typeof jobWords, value: number): void {
    Atomics.store(this.#words, jobWords[word], value);
  }

  #post(job: Job, chunkCount: number): void {
    this.#sequence++;
    const tag = (this.#sequence & 0xfff) << 20;
    // First of all no chunk can be claimed any more; last of all they can.
    this.#set('ticket', tag | 0xfffff);
    this.#set('codeOffset', this.#placeCode(job));
    this.#set('codeLength', job.kernelBytes.length);
    this.#set('kernel', job.kernelId);
    this.#set('block', job.block);
    this.#set('elementCount', job.elementCount);
    this.#set('out', job.out);
    this.#set('outStride', job.outStrideBytes);
    this.#set('bins', job.bins);
    this.#set('binsStride', job.binsStrideBytes);
    this.#set('chunkElements', job.chunkElements ?? this.#chunkElements);
    this.#set('chunkList', job.chunkList?.address ?? 0);
    this.#set('failed', 0);
    this.#set('completed', 0);
    this.#set('chunkCount', chunkCount);
    this.#set('ticket', tag);
    this.#set('sequence', this.#sequence);
  }

  #placeCode({ kernelId, kernelBytes }: Job): number {
    const known = this.#codeOffsets.get(kernelId);
    if (known !== undefined) return known;
    if (this.#codeUsedBytes + kernelBytes.length > this.#code.length) {
      this.#codeOffsets.clear();
      this.#codeUsedBytes = 0;
    }
    const offset = this.#codeUsedBytes;
    this.#code.set(kernelBytes, offset);
    this.#codeOffsets.set(kernelId, offset);
    this.#codeUsedBytes += kernelBytes.length;
    return offset;
  }

  async #untilCompleted(chunkCount: number): Promise<void> {
    const words = this.#words;
    const word = jobWords.completed;
    for (let spin = 0; spin < spinCount; spin++) {
      if (Atomics.load(words, word) === chunkCount) return;
    }
    for (;;) {
      const completed = Atomics.load(words, word);
      if (completed === chunkCount) return;
      if (mayBlock) Atomics.wait(words, word, completed, 50);
      else await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }
}

/** Only a page's main thread must not wait. */
const mayBlock = canBlock();

function canBlock(): boolean {
  if (typeof SharedArrayBuffer === 'undefined') return false;
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
    return true;
  } catch {
    return false;
  }
}
