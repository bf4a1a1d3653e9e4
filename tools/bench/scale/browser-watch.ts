import { readdirSync, readFileSync } from 'node:fs';

/** What a tree of processes took while it was watched. */
export interface BrowserCost {
  /** Processor time of all of them, which other work on the machine does not lengthen. */
  readonly cpuMs: number;
  /** Largest proportional set size: pages that several processes share count once. */
  readonly peakBytes: number;
  /** Largest sum of resident sets, where they count in each process. */
  readonly peakResidentBytes: number;
}

/** The kernel goes through all pages for it: 45 ms with 1 GB, in which nothing else can be mapped. */
const sampleEveryMs = 1000;
/** Of the kernel's clock, as it tells processor time. */
const ticksPerSecond = 100;

/** Watches all processes below `rootId`, itself included, until it is stopped. Needs `/proc`. */
export class BrowserWatch {
  readonly #rootId: number;
  readonly #timer: NodeJS.Timeout;
  readonly #ticksBefore: number;
  #peak = { peakBytes: 0, peakResidentBytes: 0 };

  constructor(rootId: number) {
    this.#rootId = rootId;
    this.#ticksBefore = ticksBelow(rootId);
    this.#sample();
    this.#timer = setInterval(() => {
      this.#sample();
    }, sampleEveryMs);
  }

  stop(): BrowserCost {
    this.#sample();
    clearInterval(this.#timer);
    const ticks = ticksBelow(this.#rootId) - this.#ticksBefore;
    return { cpuMs: (1000 * ticks) / ticksPerSecond, ...this.#peak };
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

/** Processor time of all processes, those that ended meanwhile left out. */
function ticksBelow(rootId: number): number {
  return processesBelow(rootId).reduce((sum, id) => {
    // Of its own and not of its children: fields 14 and 15, the third being the one after the name.
    const fields = textOf(`/proc/${id}/stat`).split(') ').at(-1)?.split(' ') ?? [];
    return sum + Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  }, 0);
}

/** Threads of workers in all processes below `rootId`, whether a page still holds them or not. */
export function workerThreadsBelow(rootId: number): number {
  return processesBelow(rootId).reduce((sum, id) => {
    const names = namesIn(`/proc/${id}/task`).map((task) =>
      textOf(`/proc/${id}/task/${task}/comm`),
    );
    return sum + names.filter((name) => name.startsWith('DedicatedWorker')).length;
  }, 0);
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

/** Empty for a process that has ended meanwhile. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
