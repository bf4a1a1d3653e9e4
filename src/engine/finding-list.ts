import type { Finding } from './finding';

/** Findings about tensors: what holds for many tensors alike is said once, with their number. */
export class FindingList {
  readonly #byKind = new Map<string, { readonly first: Finding; count: number }>();

  /** @param kind equal for findings that differ in the tensor only */
  add(kind: string, finding: Finding): void {
    const key = JSON.stringify([kind, finding.severity, finding.models]);
    const known = this.#byKind.get(key);
    if (known === undefined) this.#byKind.set(key, { first: finding, count: 1 });
    else known.count += 1;
  }

  /** In the order of their first tensors. */
  all(): readonly Finding[] {
    return [...this.#byKind.values()].map(({ first, count }) =>
      count === 1
        ? first
        : { ...first, sentence: `${first.sentence} (So it is with ${count - 1} more tensors.)` },
    );
  }
}
