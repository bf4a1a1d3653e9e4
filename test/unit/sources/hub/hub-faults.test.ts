import { describe, expect, it } from 'vitest';
import { LabError, sentenceOf } from '../../../../src/core/errors';
import type { HubClientOptions } from '../../../../src/sources/hub/hub-client';
import type { HubModel } from '../../../../src/sources/hub/hub-model';
import { bytesContent, seededContent, type HubContent } from '../../../hub/content';
import type { Fault, FaultAction } from '../../../hub/faults';
import { client, hub, serveHub } from './test-hub';

const weights = seededContent(5_000_000, 3);
const config = '{"model_type":"llama","hidden_size":64}\n';
const files = new Map<string, HubContent>([
  ['model.safetensors', weights],
  ['config.json', bytesContent(config)],
]);

serveHub(async () => Promise.resolve([{ repo: 'lab/open', files, licence: 'apache-2.0' }]));

const openModel = async (repo = 'lab/open', options: HubClientOptions = {}): Promise<HubModel> =>
  client({ stallMs: 300, ...options }).open(repo);

async function read(
  model: HubModel,
  path = 'model.safetensors',
  offsetBytes = 1_000_003,
  lengthBytes = 2_000_000,
): Promise<Uint8Array> {
  const file = model.files.get(path);
  if (file === undefined) throw new Error(`no ${path}`);
  return file.read(offsetBytes, lengthBytes);
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'no error',
    (error: unknown) => (error instanceof LabError ? error.code : sentenceOf(error)),
  );
}

const wanted = (): Uint8Array => weights.read(1_000_003, 2_000_000) as Uint8Array;
const rangesAsked = (): string[] =>
  hub.requests.flatMap(({ at, headers }) => (at === 'cdn' ? (headers.range ?? 'none') : []));

/** Faults of the transfer itself, which another attempt mends. */
const passing: readonly [string, FaultAction, number][] = [
  ['a connection dropped before the first byte', { kind: 'drop', afterBytes: 0 }, 2],
  ['a connection dropped on the way', { kind: 'drop', afterBytes: 1_300_000 }, 3],
  ['a body that ends early', { kind: 'truncate', afterBytes: 700_000 }, 2],
  ['a transfer that stands still', { kind: 'stall', afterBytes: 500_000 }, 1],
  ['too small a Content-Length', { kind: 'wrong-length', extraBytes: -400_000 }, 2],
  ['too large a Content-Length', { kind: 'wrong-length', extraBytes: 50 }, 2],
  ['another range than asked for', { kind: 'wrong-range' }, 2],
  ['status 500', { kind: 'status', status: 500 }, 3],
  ['status 502', { kind: 'status', status: 502 }, 3],
  ['status 503', { kind: 'status', status: 503, headers: { 'Retry-After': '2' } }, 2],
  ['status 429', { kind: 'status', status: 429, headers: { 'Retry-After': '3' } }, 2],
  ['a refusal of the other origin', { kind: 'status', status: 403 }, 2],
  ['no ranges', { kind: 'no-ranges' }, Infinity],
  ['compression in between', { kind: 'gzip', isAlways: true }, Infinity],
  ['a slow line', { kind: 'slow', bytesPerSecond: 20_000_000 }, Infinity],
];

describe('reading from the Hub', () => {
  it.each(passing)('gets the right bytes through %s', async (_name, action, times) => {
    const model = await openModel();
    hub.setFaults([{ at: 'cdn', action, times }]);
    expect(Buffer.compare(await read(model), wanted())).toBe(0);
  });

  it('asks only for what is missing after a drop', async () => {
    const model = await openModel();
    hub.setFaults([{ at: 'cdn', action: { kind: 'drop', afterBytes: 1_300_000 }, times: 1 }]);
    await read(model);
    const [first, second, ...more] = rangesAsked();
    expect(first).toBe('bytes=1000003-3000002');
    expect(more).toEqual([]);
    const resumedAt = Number(/^bytes=(\d+)-3000002$/.exec(second ?? '')?.[1]);
    expect(resumedAt).toBeGreaterThan(1_000_003 + 1_000_000);
    expect(resumedAt).toBeLessThanOrEqual(1_000_003 + 1_300_000);
  });
});

/** Faults that do not pass, and the one error that each ends with. */
const lasting: readonly [string, Fault, string][] = [
  ['drops without end', { at: 'cdn', action: { kind: 'drop', afterBytes: 0 } }, 'hub/unavailable'],
  ['a server without rest', { action: { kind: 'status', status: 500 } }, 'hub/unavailable'],
  ['too many requests', { action: { kind: 'status', status: 429 } }, 'hub/rate-limited'],
  ['a redirect loop', { at: 'hub', action: { kind: 'redirect-loop' } }, 'hub/unavailable'],
  ['a file that is gone', { at: 'hub', action: { kind: 'status', status: 404 } }, 'hub/not-found'],
  ['an unknown refusal', { at: 'hub', action: { kind: 'status', status: 418 } }, 'hub/unavailable'],
  ['a wrong range', { at: 'cdn', action: { kind: 'wrong-range' } }, 'hub/unavailable'],
];

describe('faults that last', () => {
  it.each(lasting)('ends with one coded error after %s', async (_name, fault, code) => {
    const model = await openModel();
    hub.setFaults([fault]);
    expect(await codeOf(read(model))).toBe(code);
  });
});
