import type { RunSummary } from '../../rpc/lab';
import { runModelId } from '../../workers/stored-slot';
import type { ChosenModel } from './chosen-models.svelte';

/** Finished runs that can be merged again: checkpoints; other outputs are made for running only. */
export function finishedModels(runs: readonly RunSummary[]): readonly ChosenModel[] {
  return runs.filter(isModel).map(modelOfRun);
}

/** Whether a run's result can be one of the models of a merge; what went to the disk is opened there. */
export function isModel({ state, output, writtenTo }: RunSummary): boolean {
  return state === 'done' && output === 'checkpoint' && writtenTo === undefined;
}

export function modelOfRun(run: RunSummary): ChosenModel {
  const { title, sizeBytes } = run;
  return {
    id: title,
    place: { kind: 'stored', modelId: runModelId(run.id) },
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
  };
}
