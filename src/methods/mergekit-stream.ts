import { invariant } from '../core/errors';
import { MersenneTwister } from './mersenne-twister';
import type { MergekitDraws } from './tensor-task';

/** What mergekit draws for one tensor. */
export interface StreamTensor {
  /** Name in the merged checkpoint. */
  readonly name: string;
  readonly elementCount: number;
  /** How many draws there are: for masks, one for every model with a density below 1. */
  readonly drawCount: number;
  /** 32-bit outputs that a draw uses up: as many as elements, one less for a permutation. */
  readonly outputsPerDraw?: number;
}

/** Generators kept where they stand: the draws of a tensor are read side by side, slice by slice. */
const cursorLimit = 32;

interface Draw {
  readonly outputCount: number;
  /** The generator before the draw, once the stream has been followed that far. */
  start?: MersenneTwister;
}

/**
 * The random numbers of mergekit with `--random-seed` on a CPU: one stream that runs through the
 * tensors in ascending order of their names and, within a tensor, through the models that draw at
 * all, in listed order. An element takes one output of the Mersenne Twister (mergekit 0.1.4 with
 * PyTorch 2; checked by whole merges).
 *
 * Tensors may be read in any order and more than once. The way to a tensor that lies far ahead is
 * gone once, at a few nanoseconds an element, so visiting in the stream's order is cheapest.
 */
export class MergekitStream implements MergekitDraws {
  readonly #draws: readonly Draw[];
  /** Which of the draws are a tensor's: from `first` to before `end`. */
  readonly #ranges = new Map<string, { readonly first: number; readonly end: number }>();
  readonly #cursors = new Map<number, { generator: MersenneTwister; place: number }>();
  /** Up to here the starts are known. */
  #knownCount = 0;

  /**
   * @param seed mergekit's `--random-seed`; its low 32 bits count
   * @param tensors in mergekit's visiting order
   */
  constructor(seed: number, tensors: readonly StreamTensor[]) {
    const draws: Draw[] = [];
    for (const { name, elementCount, drawCount, outputsPerDraw } of tensors) {
      this.#ranges.set(name, { first: draws.length, end: draws.length + drawCount });
      for (let draw = 0; draw < drawCount; draw++) {
        draws.push({ outputCount: outputsPerDraw ?? elementCount });
      }
    }
    const [first] = draws;
    if (first) {
      first.start = new MersenneTwister(seed);
      this.#knownCount = 1;
    }
    this.#draws = draws;
  }

  uniforms(
    tensorName: string,
    draw: number,
    firstElement: number,
    elementCount: number,
  ): Float32Array {
    const index = this.#indexOf(tensorName, draw);
    const cursor = this.#cursorAt(index, firstElement);
    const out = new Float32Array(elementCount);
    cursor.generator.fillUniform(out);
    cursor.place += elementCount;
    return out;
  }

  /**
   * The first `count` places of a random order of 0 … `length` − 1, as `torch.randperm(length)` on a
   * CPU gives them: Fisher and Yates from the front, one output modulo what is left for each place.
   */
  permutationHead(tensorName: string, draw: number, length: number, count: number): Uint32Array {
    const { generator } = this.#cursorAt(this.#indexOf(tensorName, draw), 0);
    this.#cursors.clear();
    // Only moved entries are stored, since `length` may be large.
    const moved = new Map<number, number>();
    const head = new Uint32Array(Math.min(count, length));
    for (let place = 0; place < head.length; place++) {
      const left = length - place;
      const from = left > 1 ? place + (generator.nextUint32() % left) : place;
      head[place] = moved.get(from) ?? from;
      moved.set(from, moved.get(place) ?? place);
      moved.delete(place);
    }
    return head;
  }

  #indexOf(tensorName: string, draw: number): number {
    const range = this.#ranges.get(tensorName);
    invariant(range, `the stream has tensor ${tensorName}`);
    const index = range.first + draw;
    invariant(index < range.end, `the stream has draw ${String(draw)} of ${tensorName}`);
    return index;
  }

  /** A generator at `place` of a draw: the one that stands there, or one led there from the start. */
  #cursorAt(index: number, place: number): { generator: MersenneTwister; place: number } {
    let cursor = this.#cursors.get(index);
    if (cursor === undefined || cursor.place > place) {
      cursor = { generator: new MersenneTwister(this.#startOf(index)), place: 0 };
      const [oldest] = this.#cursors.keys();
      if (this.#cursors.size >= cursorLimit && oldest !== undefined) this.#cursors.delete(oldest);
      this.#cursors.set(index, cursor);
    }
    cursor.generator.skip(place - cursor.place);
    cursor.place = place;
    return cursor;
  }

  #startOf(index: number): MersenneTwister {
    for (; this.#knownCount <= index; this.#knownCount++) {
      const before = this.#draws[this.#knownCount - 1];
      const next = this.#draws[this.#knownCount];
      invariant(before?.start && next, 'every draw follows a known one');
      next.start = new MersenneTwister(before.start);
      next.start.skip(before.outputCount);
    }
    const start = this.#draws[index]?.start;
    invariant(start, 'the starts are known up to this draw');
    return start;
  }
}
