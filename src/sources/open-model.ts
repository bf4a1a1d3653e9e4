import { openCheckpoint } from './open-checkpoint';
import { ggufFilesOf, openGguf, type OpenedModel } from './open-gguf';
import type { ModelFiles } from './model-files';

/**
 * Opens a model of any kind that can be read: safetensors, or GGUF where the folder has no
 * safetensors. Headers only.
 * @throws LabError as `openCheckpoint` and `openGguf`
 */
export async function openModel(files: ModelFiles, signal?: AbortSignal): Promise<OpenedModel> {
  const hasSafetensors = [...files.files.keys()].some((path) => path.endsWith('.safetensors'));
  const parts = hasSafetensors ? [] : ggufFilesOf(files);
  return parts.length === 0
    ? { files, checkpoint: await openCheckpoint(files, signal) }
    : openGguf(files, parts, signal);
}
