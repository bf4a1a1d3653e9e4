import type { ExportRequest, Lab } from '../../rpc/lab';
import type { Activity } from './activity.svelte';
import { openDownload } from './save-file';

/**
 * Writes a merged checkpoint as one zip file. Must be called from a click. Rejects as `exportMerge`,
 * and with an AbortError when the person closes the dialog; nothing is left behind then.
 */
export async function exportMerge(
  lab: Lab,
  activity: Activity,
  request: ExportRequest,
  sizeBytes: number,
): Promise<void> {
  const method = request.recipes.at(-1)?.mergeMethod ?? 'merge';
  const name = `mergelab-${method.replaceAll('_', '-')}.zip`;
  const target = await openDownload(name, sizeBytes);
  try {
    await activity.run('Writing the merged checkpoint', (task) =>
      lab.exportMerge(request, target.into, task),
    );
  } catch (error) {
    await target.discard();
    throw error;
  }
  target.finish();
  activity.say(`${name} is complete.`);
}
