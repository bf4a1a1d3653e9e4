/** What a thread needs to take part; all of it can be posted to a worker. */
export interface LaneStart {
  /** Words of the job at hand, numbered by `jobWords`. */
  readonly control: SharedArrayBuffer | ArrayBuffer;
  /** Modules of kernels. */
  readonly code: SharedArrayBuffer | ArrayBuffer;
  readonly memory: WebAssembly.Memory;
  /** 0 is the caller's own thread. */
  readonly lane: number;
}

type RunKernel = (block: number, first: number, end: number, out: number, bins: number) => void;

export interface Lane {
  /** Works on the job numbered `sequence` until no chunk of it is left. */
  runChunks(sequence: number): void;
  /** Works on every job until told to stop; blocks its thread between jobs. */
  loop(): void;
}

/**
 * One thread of the pool. Chunks of a job are claimed one by one through `ticket`, which holds the
 * job's number in its upper 12 bits and the next chunk below. A thread that wakes late finds another
 * number or no chunk left, so nobody waits for a thread that has claimed nothing.
 *
 * The function refers to nothing outside itself: Node runs its text in a worker thread.
 */
export function createLane(start: LaneStart): Lane {
  // The numbers of `jobWords`, repeated because of the rule above.
  const sequenceWord = 0;
  const stopWord = 1;
  const ticketWord = 2;
  const chunkCountWord = 3;
  const completedWord = 4;
  const kernelWord = 5;
  const failedWord = 14;
  const chunkListWord = 16;
  const words = new Int32Array(start.control);
  const kernels = new Map<number, RunKernel>();

  const read = (word: number): number => Atomics.load(words, word);

  function kernelOf(id: number): RunKernel {
    const known = kernels.get(id);
    if (known !== undefined) return known;
    if (kernels.size >= 512) kernels.clear();
    // A module cannot be compiled from shared memory, hence the copy.
    const bytes = new Uint8Array(start.code).slice(read(6), read(6) + read(7));
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
      env: { memory: start.memory },
    });
    const run = instance.exports['run'];
    if (typeof run !== 'function') throw new TypeError('a kernel exports run');
    kernels.set(id, run as RunKernel);
    return run as RunKernel;
  }

  /** The number of the chunk that stands at `place` among those of the job. */
  function chunkAt(place: number): number {
    const list = read(chunkListWord);
    return list === 0 ? place : (new Int32Array(start.memory.buffer, list)[place] ?? 0);
  }

  function runChunk(place: number): void {
    try {
      const chunk = chunkAt(place);
      const chunkElements = read(15);
      const first = chunk * chunkElements;
      const end = Math.min(first + chunkElements, read(11));
      const out = read(9) + place * read(10);
      kernelOf(read(kernelWord))(read(8), first, end, out, read(12) + start.lane * read(13));
    } catch {
      Atomics.store(words, failedWord, 1);
    }
    const completed = Atomics.add(words, completedWord, 1) + 1;
    if (completed === read(chunkCountWord)) Atomics.notify(words, completedWord);
  }

  function runChunks(sequence: number): void {
    const tag = (sequence & 0xfff) << 20;
    for (;;) {
      const ticket = read(ticketWord);
      const chunk = ticket & 0xfffff;
      if ((ticket & ~0xfffff) !== tag || chunk >= read(chunkCountWord)) return;
      if (Atomics.compareExchange(words, ticketWord, ticket, ticket + 1) === ticket) {
        runChunk(chunk);
      }
    }
  }

  function loop(): void {
    let seen = 0;
    for (;;) {
      Atomics.wait(words, sequenceWord, seen);
      seen = read(sequenceWord);
      if (read(stopWord) === 1) return;
      runChunks(seen);
    }
  }

  return { runChunks, loop };
}

/** Numbers of the words of `control`. */
export const jobWords = {
  sequence: 0,
  stop: 1,
  ticket: 2,
  chunkCount: 3,
  completed: 4,
  kernel: 5,
  codeOffset: 6,
  codeLength: 7,
  block: 8,
  out: 9,
  outStride: 10,
  elementCount: 11,
  bins: 12,
  binsStride: 13,
  failed: 14,
  chunkElements: 15,
  chunkList: 16,
} as const;
