import { readdirSync, readFileSync } from 'node:fs';

/** Largest memory of a tree of processes while it was watched. */
export interface PeakMemory {
  /** Proportional set size: pages that several processes share count once. */
  readonly peakBytes: number;
  /** The sum of resident sets, where they count in each process. */
  readonly peakResidentBytes: number;
}

const sampleEveryMs = 250;

/** Watches all processes below `rootId`, itself included, until it is stopped. Needs `/proc`. */
export class MemoryWatch {
  readonly #rootId: number;
  readonly #timer: NodeJS.Timeout;
  #peak: PeakMemory = { peakBytes: 0, peakResidentBytes: 0 };

  constructor(rootId: number) {
    this.#rootId = rootId;
    this.#sample();
    this.#timer = setInterval(() => {
      this.#sample();
    }, sampleEveryMs);
  }

  stop(): PeakMemory {
    this.#sample();
    clearInterval(this.#timer);
    return this.#peak;
  }

  #sample(): void {
    let peakBytes = 0;
    let peakResidentBytes = 0;
    for (const id of processesBelow(this.#rootId)) {
      const text = textOf(`/proc/${id}/smaps_rollup`);
      const kilobytes = (name: string): number =>
        Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
      peakBytes += 1024 * kilobytes('Pss');
      peakResidentBytes += 1024 * kilobytes('Rss');
    }
    this.#peak = {
      peakBytes: Math.max(this.#peak.peakBytes, peakBytes),
      peakResidentBytes: Math.max(this.#peak.peakResidentBytes, peakResidentBytes),
    };
  }
}

/**
 * The main process of the browser that works in a profile's folder.
 * @throws Error when there is none
 */
export function browserProcessOf(profile: string): number {
  const found = readdirSync('/proc').find((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    const words = textOf(`/proc/${entry}/cmdline`).split('\0');
    const isOurs = words.includes(`--user-data-dir=${profile}`);
    return isOurs && !words.some((word) => word.startsWith('--type='));
  });
  if (found === undefined) throw new Error(`No browser works in ${profile}`);
  return Number(found);
}

/** Every process whose chain of parents leads to `rootId`. */
function processesBelow(rootId: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    // The name in brackets may hold anything; the parent comes after the last bracket and a letter.
    const [, parent = ''] = /\) \S (\d+)/.exec(textOf(`/proc/${entry}/stat`)) ?? [];
    children.set(Number(parent), [...(children.get(Number(parent)) ?? []), Number(entry)]);
  }
  const found: number[] = [];
  const waiting = [rootId];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    found.push(id);
    waiting.push(...(children.get(id) ?? []));
  }
  return found;
}

/** Empty for a process that has ended meanwhile. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
