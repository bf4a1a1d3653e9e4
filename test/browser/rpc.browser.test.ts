import { afterEach, describe, expect, it } from 'vitest';
import { connect, type Connection } from '../../src/rpc/connect';
import { Transferred } from '../../src/core/transferred';
import type { EchoService } from './fixtures/echo.worker';

let connection: Connection<EchoService>;
let crashCount = 0;

function open(): Connection<EchoService> {
  const worker = new Worker(new URL('./fixtures/echo.worker.ts', import.meta.url), {
    type: 'module',
  });
  connection = connect<EchoService>(worker, 'echo', () => {
    crashCount += 1;
  });
  return connection;
}

afterEach(() => {
  connection.close();
});

describe('a worker service', () => {
  it('returns values and keeps a LabError whole', async () => {
    const { service } = open();
    expect(await service.add(2, 3)).toBe(5);
    await expect(service.fail()).rejects.toMatchObject({
      name: 'LabError',
      code: 'store/quota',
      message: 'The store is full.',
      details: { usedBytes: 5 },
    });
  });

  it('calls back with progress', async () => {
    const { service } = open();
    const steps: number[] = [];
    expect(await service.countTo(3, (step) => steps.push(step))).toBe('counted');
    await expect.poll(() => steps).toEqual([1, 2, 3]);
  });

  it('carries an abort across, before and during the call', async () => {
    const { service } = open();
    const controller = new AbortController();
    const waiting = service.waitForAbort(controller.signal);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    await expect(service.waitForAbort(AbortSignal.abort())).rejects.toMatchObject({
      name: 'AbortError',
    });
  });

  it('moves buffers in both directions', async () => {
    const { service } = open();
    const bytes = await service.makeBytes(1000);
    expect(bytes.length).toBe(1000);
    expect(bytes[999]).toBe(7);
    expect(await service.measure(new Transferred(bytes, [bytes.buffer]))).toBe(1000);
    expect(bytes.byteLength).toBe(0);
  });

  it('rejects calls in flight when the worker dies, and says so', async () => {
    const before = crashCount;
    const { service } = open();
    await expect(service.crash()).rejects.toMatchObject({ code: 'worker/crashed' });
    expect(crashCount).toBe(before + 1);
  });

  it('rejects calls in flight when it is closed', async () => {
    const opened = open();
    const waiting = opened.service.waitForAbort(new AbortController().signal);
    opened.close();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  });
});
