import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { LabError } from '../../../../src/core/errors';
import type { Progress } from '../../../../src/core/progress';
import { HubClient } from '../../../../src/sources/hub/hub-client';
import { pushModel } from '../../../../src/sources/hub/push';
import { beginSignIn, endSignIn } from '../../../../src/sources/hub/sign-in';
import { memoryFiles } from '../../../../src/sources/memory-files';
import { seededContent } from '../../../hub/content';
import { startHubServer, type HubServer } from '../../../hub/server';

const token = 'hf_WriterOfSecrets';
const shard = seededContent(11_000_000, 5).read(0, 11_000_000) as Uint8Array;
const small = seededContent(900_000, 6).read(0, 900_000) as Uint8Array;
const card = '---\nlicense: apache-2.0\n---\n# merged\n';
const model = memoryFiles(
  'merged',
  new Map([
    ['config.json', new TextEncoder().encode('{"model_type":"llama"}')],
    ['README.md', new TextEncoder().encode(card)],
    ['model-00001-of-00002.safetensors', shard],
    ['model-00002-of-00002.safetensors', small],
  ]),
);

let hub: HubServer;
beforeAll(async () => {
  hub = await startHubServer({ users: [{ name: 'ada', token }] });
});
afterAll(async () => {
  await hub.close();
});
afterEach(() => {
  hub.setFaults([]);
  hub.forgetRequests();
});

describe('pushModel', () => {
  it('uploads a private repository in one commit, the large shard in parts', async () => {
    const seen: Progress[] = [];
    const { page, commit } = await pushModel(model, {
      endpoint: hub.url,
      token,
      repo: 'ada/merged',
      onProgress: (progress) => seen.push(progress),
    });
    expect(page).toBe(`${hub.url}/ada/merged`);
    const repo = hub.repos.get('ada/merged');
    expect(repo?.isPrivate).toBe(true);
    expect(repo?.commitOf('main')).toBe(commit);
    const client = new HubClient({ endpoint: hub.url, token: () => token });
    const back = await client.open('ada/merged');
    expect(back.commit).toBe(commit);
    for (const [path, file] of model.files) {
      const bytes = await back.files.get(path)?.read(0, file.sizeBytes);
      const sent = await file.read(0, file.sizeBytes);
      expect(Buffer.compare(bytes ?? Buffer.alloc(0), sent), path).toBe(0);
    }
    const parts = hub.requests.filter(({ at, path }) => at === 'cdn' && /\/\d+$/.test(path));
    expect(parts).toHaveLength(3);
    expect(new Set(seen.map(({ stage }) => stage))).toEqual(
      new Set(['Reading merged', 'Hashing', 'Uploading']),
    );
    const last = seen.at(-1);
    expect(last?.done).toBe(last?.total);
    for (const { at, headers, path } of hub.requests) {
      expect(path).not.toContain(token);
      if (at === 'cdn') expect(headers.authorization).toBeUndefined();
    }
  });

  it('does not write to a model that is there, unless it may', async () => {
    const options = { endpoint: hub.url, token, repo: 'ada/twice', isPrivate: false };
    const first = await pushModel(model, options);
    await expect(pushModel(model, options)).rejects.toMatchObject({ code: 'hub/exists' });
    hub.forgetRequests();
    const second = await pushModel(model, { ...options, mayExist: true });
    expect(second.commit).not.toBe(first.commit);
    // Large files that the Hub has are not sent again.
    expect(hub.requests.filter(({ method }) => method === 'PUT')).toEqual([]);
  });

  it.each([
    [401, 'hub/gated'],
    [403, 'hub/gated'],
    [429, 'hub/rate-limited'],
    [500, 'hub/unavailable'],
  ])('ends with one error without the token after status %d', async (status, code) => {
    hub.setFaults([{ match: /POST .*(create|commit)/, action: { kind: 'status', status } }]);
    const push = pushModel(model, { endpoint: hub.url, token, repo: `ada/refused-${status}` });
    const error: unknown = await push.catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(LabError);
    expect(error).toMatchObject({ code });
    expect(JSON.stringify([String(error), (error as LabError).details])).not.toContain(token);
    expect((error as LabError).cause).toBeUndefined();
  });

  it('stops when told, and leaves no commit', async () => {
    const controller = new AbortController();
    const push = pushModel(model, {
      endpoint: hub.url,
      token,
      repo: 'ada/stopped',
      signal: controller.signal,
      onProgress: ({ stage }) => {
        if (stage === 'Uploading') controller.abort();
      },
    });
    await expect(push).rejects.toMatchObject({ name: 'AbortError' });
    expect(hub.requests.filter(({ path }) => path.includes('/commit/'))).toEqual([]);
  });

  it('refuses tokens that cannot be tokens before it asks', async () => {
    const push = pushModel(model, { endpoint: hub.url, token: 'secret\n', repo: 'ada/none' });
    await expect(push).rejects.toMatchObject({ code: 'hub/gated' });
    expect(hub.requests).toEqual([]);
  });
});

describe('signing in', () => {
  const settings = () => ({
    endpoint: hub.url,
    clientId: 'mergelab-test',
    redirectUrl: 'http://localhost:4173/lab/',
  });

  it('goes to the Hub and back with a proof, and gets a token and a name', async () => {
    const { url, proof } = await beginSignIn(settings(), 'kept');
    expect(new URL(url).searchParams.get('client_id')).toBe('mergelab-test');
    expect(new URL(url).searchParams.get('code_challenge_method')).toBe('S256');
    const answer = await fetch(url, { redirect: 'manual' });
    const back = answer.headers.get('Location') ?? '';
    expect(back.startsWith('http://localhost:4173/lab/?code=')).toBe(true);
    const signedIn = await endSignIn(settings(), back, proof);
    expect(signedIn).toMatchObject({ token, name: 'ada', state: 'kept' });
    expect(signedIn?.expiresAtMs).toBeGreaterThan(Date.now());
    // A code is good for one token.
    const again = endSignIn(settings(), back, proof);
    await expect(again).rejects.toMatchObject({ code: 'hub/unavailable' });
  });

  it('takes no answer to a question it did not ask', async () => {
    const { url, proof } = await beginSignIn(settings());
    const answer = await fetch(url, { redirect: 'manual' });
    const back = answer.headers.get('Location') ?? '';
    const forged = endSignIn(settings(), back, { ...proof, nonce: 'another' });
    await expect(forged).rejects.toMatchObject({ code: 'hub/unavailable' });
    expect(await endSignIn(settings(), 'http://localhost:4173/lab/#r=x', proof)).toBeUndefined();
    const declined = 'http://localhost:4173/lab/?error=access_denied&state=%7B%7D';
    await expect(endSignIn(settings(), declined, proof)).rejects.toMatchObject({
      code: 'hub/unavailable',
    });
  });
});
