import { afterEach, beforeEach, expect, it } from 'vitest';
import { openDownload } from '../../src/app/state/save-file';

// The test page has no service worker; a browser without a dialog for files is made by hiding it.

const dialog = Object.getOwnPropertyDescriptor(globalThis, 'showSaveFilePicker');

beforeEach(() => {
  Object.defineProperty(globalThis, 'showSaveFilePicker', { value: undefined, configurable: true });
});
afterEach(() => {
  if (dialog === undefined) Reflect.deleteProperty(globalThis, 'showSaveFilePicker');
  else Object.defineProperty(globalThis, 'showSaveFilePicker', dialog);
});

it('gathers a small file in memory, and refuses to gather a large one', async () => {
  const { into } = await openDownload('small.zip', 5e6);
  expect(into).toBeInstanceOf(WritableStream);
  await expect(openDownload('large.zip', 5e9)).rejects.toMatchObject({
    code: 'engine/write-failed',
    message: expect.stringContaining('The zip takes 5.0 GB') as string,
  });
});
