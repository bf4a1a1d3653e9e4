import { withConfigDtype } from '../formats/model-config';
import type { ModelFile } from '../sources/model-files';
import { changedConfig } from './config-changes';
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
