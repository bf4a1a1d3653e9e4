import type { Caching, RunOutput } from '../../rpc/lab';
import type { Destination } from './run-target';

const gibibyte = 1024 ** 3;

/** Bounds of a run's memory that a person may set, in GiB. */
export const budgetRange = { min: 0.5, max: 8, step: 0.1 } as const;

/** What a run may use of a usual machine, and of one with little memory. */
const usualBudget = 1.5e9 / gibibyte;
const smallBudget = 0.75;
/** Devices with this many GiB of memory or fewer are small. */
const smallUpTo = 4;

interface DeviceHints {
  /** Of memory, rounded down and at most 8; absent in some browsers. */
  readonly deviceMemory?: number;
}

/** The bound that a run starts with on this device, in GiB. */
export function startBudget({ deviceMemory = 8 }: DeviceHints): number {
  return deviceMemory <= smallUpTo ? smallBudget : Math.round(usualBudget * 10) / 10;
}

/** How large an output is next to the weights in 16 bits. */
const outputShare: Readonly<Record<RunOutput, number>> = {
  checkpoint: 1,
  fp16: 1,
  // Every block of 32 weights has a scale on top of its 8 or 4 bits, and with 4 a zero point.
  q8: 0.53,
  q4: 0.29,
};

/** About how large the output is, from the size of one model in 16 bits. */
export function outputBytes(output: RunOutput, modelBytes: number): number {
  return modelBytes * outputShare[output];
}

/** How the next run is to work: chosen once, kept while the page is open. */
export class RunSettings {
  output = $state<RunOutput>('checkpoint');
  destination = $state.raw<Destination>({ kind: 'store' });
  caching = $state<Caching>('auto');
  budgetGibibytes = $state(startBudget(navigator as DeviceHints));

  get budgetBytes(): number {
    return Math.round(this.budgetGibibytes * gibibyte);
  }
}
