import { invariant } from '../core/errors';
import type { MergeBackend } from '../expr/backend';
import type { TensorBytes, TensorStream } from '../formats/tensor-stream';
import { throwFirstError } from './finding';
import type { MergePlan } from './plan';
import { pulled } from './pulled';
import { MergeRun, type RunOptions } from './run-merge';

/**
 * The tensors of a planned merge as they come out of the kernels, never stored: what an export turns
 * into quantised weights. Each stream merges the tensors that it names.
 *
 * @param label a short name for messages
 * @throws LabError the first error among the plan's findings
 */
export function streamMerge(
  plan: MergePlan,
  backend: MergeBackend,
  label: string,
  options: RunOptions = {},
): TensorStream {
  throwFirstError(plan.findings);
  const run = new MergeRun(plan, backend, options);
  const planned = new Map(plan.tensors.map((tensor) => [tensor.name, tensor]));
  return {
    label,
    tensors: planned,
    stream: (names, signal) => {
      const tensors = names.map((name) => {
        const tensor = planned.get(name);
        invariant(tensor, 'only tensors of the merge are streamed');
        return tensor;
      });
      return pulled<TensorBytes>(async (emit, stop) => {
        await run.merge(tensors, async ({ name }, bytes) => emit({ name, bytes }), {
          signal: stop,
        });
      }, signal);
    },
  };
}
