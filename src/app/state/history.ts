/** Undo and redo over immutable values; knows nothing of the page. */
export class History<T> {
  readonly #capacity: number;
  readonly #mergeWithinMs: number;
  readonly #now: () => number;
  #past: T[] = [];
  #future: T[] = [];
  #present: T;
  #lastKey = '';
  #lastAtMs = -Infinity;

  constructor(
    initial: T,
    options: { capacity?: number; mergeWithinMs?: number; now?: () => number } = {},
  ) {
    this.#present = initial;
    this.#capacity = options.capacity ?? 200;
    this.#mergeWithinMs = options.mergeWithinMs ?? 800;
    this.#now = options.now ?? (() => performance.now());
  }

  get present(): T {
    return this.#present;
  }

  get canUndo(): boolean {
    return this.#past.length > 0;
  }

  get canRedo(): boolean {
    return this.#future.length > 0;
  }

  /**
   * Makes `value` the present. Values of the same non-empty `key` in quick succession, such as one
   * drag of a slider, become one step; anything that could be redone is forgotten.
   */
  record(value: T, key = ''): void {
    if (Object.is(value, this.#present)) return;
    const nowMs = this.#now();
    const isSameStep =
      key !== '' && key === this.#lastKey && nowMs - this.#lastAtMs < this.#mergeWithinMs;
    if (!isSameStep) {
      this.#past.push(this.#present);
      if (this.#past.length > this.#capacity) this.#past.shift();
    }
    this.#present = value;
    this.#future = [];
    this.#lastKey = key;
    this.#lastAtMs = nowMs;
  }

  /** Steps back and returns the present, unchanged when there is nothing to undo. */
  undo(): T {
    const previous = this.#past.pop();
    if (previous === undefined) return this.#present;
    this.#future.push(this.#present);
    this.#present = previous;
    this.#lastKey = '';
    return previous;
  }

  /** Steps forward again and returns the present. */
  redo(): T {
    const next = this.#future.pop();
    if (next === undefined) return this.#present;
    this.#past.push(this.#present);
    this.#present = next;
    this.#lastKey = '';
    return next;
  }

  /** Starts over from `value`, as after another collection was opened. */
  restart(value: T): void {
    this.#past = [];
    this.#future = [];
    this.#present = value;
    this.#lastKey = '';
  }
}
