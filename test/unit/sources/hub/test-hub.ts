import { afterAll, afterEach, beforeAll } from 'vitest';
import { LabError } from '../../../../src/core/errors';
import { HubClient, type HubClientOptions } from '../../../../src/sources/hub/hub-client';
import type { HubTestModel } from '../../../hub/repos';
import { startHubServer, type HubServer } from '../../../hub/server';

/** Of Ada, who accepted the terms of `lab/gated`. */
export const token = 'hf_AbsolutelySecretTokenOfAda';
/** Of Bob, who accepted nothing. */
export const strangerToken = 'hf_AnotherSecretTokenOfBob';

/** Set while the tests of a file run that called `serveHub`. */
export let hub: HubServer;
/** How long clients waited since the test began, in milliseconds. */
export const waitsMs: number[] = [];

/** Serves these models for all tests of a file; faults, requests and waits end with each test. */
export function serveHub(models: () => Promise<readonly HubTestModel[]>): void {
  beforeAll(async () => {
    hub = await startHubServer({
      models: await models(),
      users: [
        { name: 'ada', token, accepted: ['lab/gated'] },
        { name: 'bob', token: strangerToken },
      ],
    });
  });
  afterAll(async () => {
    await hub.close();
  });
  afterEach(() => {
    hub.setFaults([]);
    hub.forgetRequests();
    waitsMs.length = 0;
  });
}

/** A client whose waits take no time and are written down. */
export function client(options: HubClientOptions = {}): HubClient {
  return new HubClient({
    endpoint: hub.url,
    wait: async (ms, signal) => {
      signal?.throwIfAborted();
      waitsMs.push(ms);
      return Promise.resolve();
    },
    random01: () => 0.5,
    ...options,
  });
}

/** The coded error that some work ends with. @throws when it ends well, or with another error */
export async function errorOf(work: Promise<unknown>): Promise<LabError> {
  const error: unknown = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (error instanceof LabError) return error;
  throw new Error(`not a coded error: ${String(error)}`);
}
