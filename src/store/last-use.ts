import type { FileCatalogue } from './file-catalogue';
import type { FileRecord } from './schema';

/** How often a file's last use is noted while it is being read. */
const intervalMs = 60_000;

/** Notes in the catalogue when files are used, at most once a minute each. */
export class LastUse {
  readonly #catalogue: FileCatalogue;
  readonly #notedAtMs = new Map<string, number>();

  constructor(catalogue: FileCatalogue) {
    this.#catalogue = catalogue;
  }

  /** Nobody waits for it: a use that goes unnoted costs at most a download. */
  note(file: FileRecord): void {
    const nowMs = Date.now();
    const lastMs = Math.max(this.#notedAtMs.get(file.key) ?? 0, file.usedAtMs);
    if (nowMs - lastMs < intervalMs) return;
    this.#notedAtMs.set(file.key, nowMs);
    this.#catalogue.update(file, { usedAtMs: nowMs }).catch(() => undefined);
  }
}
