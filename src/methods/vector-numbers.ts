import type { ColumnSource, VectorAxis } from './columns';
import { vectorColumn } from './columns';

/** Named numbers of every vector of a tensor. */
export class VectorNumbers {
  readonly #count: number;
  readonly #lists = new Map<string, Float32Array>();

  constructor(count: number) {
    this.#count = count;
  }

  set(vector: number, numbers: Readonly<Record<string, number>>): void {
    for (const [name, value] of Object.entries(numbers)) {
      const list = this.#lists.get(name) ?? new Float32Array(this.#count);
      this.#lists.set(name, list);
      list[vector] = value;
    }
  }

  /** Each list as a column that is constant along every vector. */
  columns(axis: VectorAxis): ColumnSource[] {
    return [...this.#lists].map(([name, list]) => vectorColumn(name, list, axis));
  }
}
