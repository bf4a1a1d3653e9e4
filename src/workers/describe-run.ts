import type { LongTask } from '../core/progress';
import { mergedFiles } from '../engine/output-config';
import { describeOutput, type OutputFile, type OutputOptions } from '../engine/output-files';
import type { MergePlan } from '../engine/plan';
import type { RunJournal } from '../engine/run-journal';
import { streamMerge } from '../engine/stream-merge';
import type { MergeBackend } from '../expr/backend';
import { describeExport } from '../model/describe-export';
import { readModelTexts } from '../model/read-texts';
import { withoutCount } from './run-titles';
import type { RunRequest } from './run-types';

/** Smaller than on the command line, so that an interrupted run goes through little of a file again. */
const maxShardBytes = 1_000_000_000;

/**
 * The files of a run's output: a checkpoint, or a folder for transformers.js whose weights are
 * quantised as they come out of the kernels.
 * @throws LabError as `describeOutput` and `describeExport`
 */
export async function describeRun(
  { title, recipeText, output }: RunRequest,
  plan: MergePlan,
  backend: MergeBackend,
  journal: RunJournal,
  { createHash, ...task }: LongTask & Pick<OutputOptions, 'createHash'>,
): Promise<readonly OutputFile[]> {
  if (output === 'checkpoint') {
    return describeOutput(plan, backend, {
      title: withoutCount(title),
      recipeText,
      maxShardBytes,
      device: journal.who.device,
      memory: journal,
      createHash,
      ...task,
    });
  }
  const texts = await readModelTexts(mergedFiles(title, plan), task.signal);
  const tensors = streamMerge(plan, backend, title, {
    measured: journal.measured,
    onMeasured: async (found) => journal.onMeasured(found),
  });
  return describeExport(tensors, texts, output, task);
}
