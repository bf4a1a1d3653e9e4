import { describe, expect, it } from 'vitest';
import { hubAddressText, readHubAddress } from '../../../src/app/models/hub-address';

describe('readHubAddress', () => {
  it.each([
    ['google/gemma-2-2b', 'google/gemma-2-2b', 'main'],
    ['  google/gemma-2-2b  ', 'google/gemma-2-2b', 'main'],
    ['org/name@v1.0', 'org/name', 'v1.0'],
    ['org/name@refs/pr/3', 'org/name', 'refs/pr/3'],
    ['hf.co/org/name', 'org/name', 'main'],
    ['https://huggingface.co/MergeBench/gemma-2-2b_math', 'MergeBench/gemma-2-2b_math', 'main'],
    ['https://huggingface.co/org/name/tree/0123abcd', 'org/name', '0123abcd'],
    ['https://huggingface.co/org/name/blob/main/config.json?x=1#y', 'org/name', 'main'],
    ['http://localhost:8080/org/name/resolve/refs%2Fpr%2F3/a.json', 'org/name', 'refs/pr/3'],
  ])('reads %s', (text, repo, revision) => {
    expect(readHubAddress(text)).toEqual({ repo, revision });
  });

  it.each([
    'gemma 2b math',
    'gemma',
    'org/',
    'org/name/more',
    'org/name@',
    'org/name@a@b',
    'org/name@../..',
    '../secrets/name',
    'https://huggingface.co/',
    'https://huggingface.co/org/name/tree/%ZZ',
    'javascript://huggingface.co/org/name',
    'https://',
  ])('takes %s for words', (text) => {
    expect(readHubAddress(text)).toBeUndefined();
  });

  it('writes what it reads', () => {
    for (const text of ['org/name', 'org/name@v1.0']) {
      const address = readHubAddress(text);
      expect(address && hubAddressText(address)).toBe(text);
    }
  });
});
