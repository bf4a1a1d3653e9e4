import type { LongTask } from '../../core/progress';
import type { Collection, Lab, PlacedModel } from '../../rpc/lab';
import type { LabJobs } from '../../rpc/lab-jobs';

/** What the lab does beyond the page's own merges: models from anywhere, runs, storage. */
export type LabParts = Omit<{ [Name in keyof LabJobs]: LabJobs[Name] }, 'close'> & {
  /** Opens placed models as the collection of the page. */
  openModels(models: readonly PlacedModel[], baseId: string, task?: LongTask): Promise<Collection>;
};

export type WholeLab = Lab & LabParts;
