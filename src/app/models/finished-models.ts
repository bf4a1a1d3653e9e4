import type { RunSummary } from '../../rpc/lab';
import { runModelId } from '../../workers/stored-slot';
import type { ChosenModel } from './chosen-models.svelte';

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
