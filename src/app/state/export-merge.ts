import type { Recipe } from '../../recipe/recipe';
import type { Lab } from '../../rpc/lab';
import type { Activity } from './activity.svelte';
import { openDownload } from './save-file';

/**
 * Writes a merged checkpoint as one zip file. Must be called from a click. Rejects as `exportMerge`,
 * and with an AbortError when the person closes the dialog; nothing is left behind then.
 */
export async function exportMerge(
  lab: Lab,
  activity: Activity,
  recipe: Recipe,
  sizeBytes: number,
): Promise<void> {
  const name = `mergelab-${recipe.mergeMethod.replaceAll('_', '-')}.zip`;
  const target = await openDownload(name, sizeBytes);
  try {
    await activity.run('Writing the merged checkpoint', (task) =>
      lab.exportMerge(recipe, target.stream, task),
    );
  } catch (error) {
    await target.discard();
    throw error;
  }
  target.finish();
  activity.say(`${name} is complete.`);
}
