import type { HubContent } from '../../../test/hub/content';
import type { HubTestModel } from '../../../test/hub/repos';
import { Line } from './line';
import type { SyntheticModel } from '../../synth/synthetic-model';

/** Synthetic models as repositories of a Hub on this machine, `synthetic/base` and so on. */
export function hubModels(family: readonly SyntheticModel[], line = new Line()): HubTestModel[] {
  return family.map(({ label, files }) => ({
    repo: `synthetic/${label}`,
    files: new Map(
      [...files.values()].map((file): [string, HubContent] => [
        file.path,
        {
          sizeBytes: file.sizeBytes,
          read: async (offsetBytes, lengthBytes) => {
            await line.carry(lengthBytes);
            return file.read(offsetBytes, lengthBytes);
          },
        },
      ]),
    ),
  }));
}
