import { HubClient } from '../sources/hub/hub-client';
import type { GivenOptions } from './command';

/**
 * The Hub that `--hub` names, or the public one. An access token comes from the environment variable
 * HF_TOKEN only: what stands on a command line can be read by everybody on the machine.
 * @throws LabError `hub/bad-name`
 */
export function hubFrom(options: GivenOptions): HubClient {
  return new HubClient({
    endpoint: options.text('hub'),
    token: () => process.env['HF_TOKEN'],
  });
}
