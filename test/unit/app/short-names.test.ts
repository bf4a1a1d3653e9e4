import { describe, expect, it } from 'vitest';
import { hasLongName, shortName } from '../../../src/app/state/short-names';

describe('shortName', () => {
  it('leaves the owner out', () => {
    expect(shortName('org/model', ['org/model', 'org/other'])).toBe('model');
    expect(shortName('math', ['math'])).toBe('math');
    expect(shortName('org/base+me/lora', ['org/base+me/lora'])).toBe('base+lora');
  });

  it('keeps it where two models would be called alike', () => {
    const ids = ['one/model', 'two/model', 'two/other'];
    expect(ids.map((id) => shortName(id, ids))).toEqual(['one/model', 'two/model', 'other']);
  });
});

describe('hasLongName', () => {
  it('counts what is shown, without the owner', () => {
    expect(hasLongName(['a-very-long-organisation-name/model'])).toBe(false);
    expect(hasLongName(['org/Meta-Llama-3.1-8B-Instruct-abliterated'])).toBe(true);
  });
});
