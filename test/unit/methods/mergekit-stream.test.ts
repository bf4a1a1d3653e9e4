import { describe, expect, it } from 'vitest';
import { MergekitStream } from '../../../src/methods/mergekit-stream';
import { MersenneTwister } from '../../../src/methods/mersenne-twister';

const tensors = [
  { name: 'a', elementCount: 1000, drawCount: 2 },
  { name: 'b', elementCount: 7, drawCount: 0 },
  { name: 'c', elementCount: 0, drawCount: 3 },
  { name: 'd', elementCount: 301, drawCount: 3 },
];

/** The whole stream, drawn at once. */
const all = new Float32Array(2000 + 3 * 301);
new MersenneTwister(42).fillUniform(all);
const part = (first: number, count: number): number[] => [...all.subarray(first, first + count)];

describe('MergekitStream', () => {
  it('runs through tensors, then models, then elements', () => {
    const stream = new MergekitStream(42, tensors);
    expect([...stream.uniforms('a', 0, 0, 1000)]).toEqual(part(0, 1000));
    expect([...stream.uniforms('a', 1, 0, 1000)]).toEqual(part(1000, 1000));
    expect([...stream.uniforms('c', 2, 0, 0)]).toEqual([]);
    expect([...stream.uniforms('d', 0, 0, 301)]).toEqual(part(2000, 301));
    expect([...stream.uniforms('d', 2, 0, 301)]).toEqual(part(2602, 301));
  });

  it('is the same for any order of tensors, models, slices and repetitions', () => {
    const stream = new MergekitStream(42, tensors);
    const starts = { a: 0, d: 2000 };
    for (const [name, draw, first, count] of [
      ['d', 2, 200, 101],
      ['d', 0, 0, 100],
      ['d', 1, 0, 100],
      ['d', 0, 100, 100],
      ['a', 1, 999, 1],
      ['a', 0, 500, 300],
      ['a', 0, 500, 300],
      ['a', 0, 900, 100],
      ['a', 0, 0, 1],
      ['d', 1, 100, 201],
    ] as const) {
      const length = name === 'a' ? 1000 : 301;
      const wanted = part(starts[name] + draw * length + first, count);
      expect([...stream.uniforms(name, draw, first, count)]).toEqual(wanted);
    }
  });

  it('follows more draws side by side than it keeps generators', () => {
    const stream = new MergekitStream(1, [{ name: 'a', elementCount: 40, drawCount: 50 }]);
    const whole = new Float32Array(2000);
    new MersenneTwister(1).fillUniform(whole);
    for (const first of [0, 20]) {
      for (let draw = 0; draw < 50; draw++) {
        const start = draw * 40 + first;
        expect(stream.uniforms('a', draw, first, 20)).toEqual(whole.slice(start, start + 20));
      }
    }
  });

  it('gives the permutations of torch.randperm', () => {
    const ten = new MergekitStream(7, [
      { name: 'a', elementCount: 10, drawCount: 1, outputsPerDraw: 9 },
    ]);
    expect([...ten.permutationHead('a', 0, 10, 10)]).toEqual([5, 0, 3, 4, 1, 7, 9, 6, 8, 2]);

    const stream = new MergekitStream(12345, [
      { name: 'a', elementCount: 1000, drawCount: 1, outputsPerDraw: 999 },
      { name: 'b', elementCount: 2, drawCount: 1 },
    ]);
    const head = [690, 394, 777, 772, 676, 857, 14, 924];
    expect([...stream.permutationHead('a', 0, 1000, 8)]).toEqual(head);
    // torch.rand(2) after torch.randperm(1000), printed to seven digits.
    const after = [...stream.uniforms('b', 0, 0, 2)].map((value) => value.toFixed(7));
    expect(after).toEqual(['0.8032396', '0.6510469']);
    const whole = stream.permutationHead('a', 0, 1000, 1000);
    expect([...whole].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });

  it('knows only the draws it was told of', () => {
    const stream = new MergekitStream(42, tensors);
    expect(() => stream.uniforms('d', 3, 0, 1)).toThrow('MergeLab bug');
    expect(() => stream.uniforms('a', 2, 0, 1)).toThrow('MergeLab bug');
    expect(() => stream.uniforms('z', 0, 0, 1)).toThrow('MergeLab bug');
  });
});
