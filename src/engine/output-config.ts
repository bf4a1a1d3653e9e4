import { withConfigDtype } from '../formats/model-config';
import type { ModelFile, ModelFiles } from '../sources/model-files';
import { changedConfig } from './config-changes';
import { overlayFiles } from './overlay-files';
import type { MergePlan } from './plan';

/**
 * The merge's `config.json`: the donor's file where nothing changes, else its text with the changes;
 * undefined when the donor has none.
 */
export function changedConfigFile({
  donor,
  donorConfig,
  configChanges,
}: MergePlan): string | ModelFile | undefined {
  const file = donor.files.files.get('config.json');
  if (donorConfig === undefined || file === undefined) return undefined;
  if (Object.keys(configChanges).length === 0) return file;
  const config = changedConfig(donorConfig, configChanges);
  const { dtype } = configChanges;
  return dtype === undefined
    ? `${JSON.stringify(config, null, 2)}\n`
    : withConfigDtype(config, dtype);
}

/**
 * The folder that a merge would be written to, without weights: the donor's files with the merge's
 * config, and without the donor's card, whose licence and words are not the merge's.
 */
export function mergedFiles(label: string, plan: MergePlan): ModelFiles {
  return overlayFiles(
    { label, files: plan.donor.files.files },
    new Map([
      ['config.json', changedConfigFile(plan)],
      ['README.md', undefined],
    ]),
  );
}
