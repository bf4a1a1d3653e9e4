import fc from 'fast-check';

/** One change of some bytes; places are fractions of the length, so that changes can be shrunk. */
type Mutation = (bytes: Uint8Array) => Uint8Array;

const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const smallLength = fc.integer({ min: 0, max: 24 });

/** What parsers of JSON and YAML trip over. */
const texts = fc.constantFrom(
  ...['{', '}', '[', ']', '"', ':', ',', '\\', '\\u0000', '\\ud800', '\u0000', '\ufeff', '🦙', 'é'],
  ...['null', 'true', '0', '-1', '-0', '1e999', '-1e-999', 'NaN', 'Infinity', '0x10', '1.5'],
  ...['9007199254740993', '18446744073709551615', '1e308', '123456789012345678901234567890'],
  ...['"__proto__":', '"constructor":', '"toString":', '"__proto__":{"a":1},', '"":', '{}', '[]'],
  '"a":1,"a":2,',
  '['.repeat(300),
  '{"a":'.repeat(120),
  `"${'x'.repeat(70_000)}"`,
);
const extremes = fc.constantFrom(
  ...[0n, 1n, 255n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 40n, 2n ** 53n],
  ...[2n ** 62n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 64n - 32n],
);

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(place, fc.nat(255)).map(([at, to]) => setByte(at, to)) },
  { weight: 3, arbitrary: fc.tuple(place, fc.nat(7)).map(([at, bit]) => flipBit(at, bit)) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(place, smallLength, texts)
      .map(([at, cut, text]) => replaced(at, cut, new TextEncoder().encode(text))),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(place, fc.constantFrom(1, 2, 4, 8), extremes)
      .map(([at, width, value]) => overwritten(at, width, value)),
  },
  { weight: 1, arbitrary: fc.tuple(place, place, place).map((from) => spliced(...from)) },
  {
    weight: 1,
    arbitrary: place.map((at) => (bytes: Uint8Array) => bytes.slice(0, at * bytes.length)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(place, fc.integer({ min: 1, max: 64 }))
      .map(([at, cut]) => replaced(at, cut, new Uint8Array())),
  },
);

/** Valid inputs with one to four changes. */
export function damaged(seeds: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(fc.constantFrom(...seeds), fc.array(mutation, { minLength: 1, maxLength: 4 }))
    .map(([seed, mutations]) => mutations.reduce((bytes, change) => change(bytes), seed));
}

/** As `damaged`, for inputs that are text; what is no longer UTF-8 gets U+FFFD. */
export function damagedText(seeds: readonly string[]): fc.Arbitrary<string> {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  return damaged(seeds.map((seed) => encoder.encode(seed))).map((bytes) => decoder.decode(bytes));
}

/** JSON objects as valid text whose fields are partly those of a format and partly anything. */
export function jsonOf(
  fields: Readonly<Record<string, fc.Arbitrary<unknown>>>,
): fc.Arbitrary<string> {
  const any = fc.oneof(
    fc.constantFrom(null, true, '', 0, -1, 1.5, 2 ** 53, 1e308, [], {}),
    fc.jsonValue({ maxDepth: 2 }),
  );
  const parts = Object.entries(fields).map(([key, usual]) =>
    fc.oneof(
      { weight: 8, arbitrary: usual.map((value) => [key, value] as const) },
      { weight: 1, arbitrary: any.map((value) => [key, value] as const) },
      { weight: 1, arbitrary: fc.constant(undefined) },
    ),
  );
  const extra = fc.option(fc.tuple(fc.constantFrom('__proto__', 'constructor', 'extra', ''), any), {
    nil: undefined,
    freq: 5,
  });
  // Joined by hand, so that `__proto__` and keys that stand twice come through.
  return fc.tuple(fc.tuple(...parts), extra).map(([known, more]) => {
    const all = [...known, more].filter((part) => part !== undefined);
    return `{${all.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`;
  });
}

function setByte(at: number, to: number): Mutation {
  return (bytes) => {
    const changed = bytes.slice();
    changed[Math.floor(at * bytes.length)] = to;
    return changed;
  };
}

function flipBit(at: number, bit: number): Mutation {
  return (bytes) => {
    const changed = bytes.slice();
    const index = Math.floor(at * bytes.length);
    changed[index] = (changed[index] ?? 0) ^ (1 << bit);
    return changed;
  };
}

function overwritten(at: number, width: number, value: bigint): Mutation {
  return (bytes) => {
    const changed = bytes.slice();
    const begin = Math.floor(at * bytes.length);
    for (let index = 0; index < width; index++) {
      changed[begin + index] = Number((value >> BigInt(8 * index)) & 255n);
    }
    return changed;
  };
}

function replaced(at: number, cut: number, added: Uint8Array): Mutation {
  return (bytes) => {
    const begin = Math.floor(at * bytes.length);
    return joined(bytes.subarray(0, begin), added, bytes.subarray(begin + cut));
  };
}

/** Copies a piece of the input to another place of it. */
function spliced(from: number, length: number, to: number): Mutation {
  return (bytes) => {
    const begin = Math.floor(from * bytes.length);
    const piece = bytes.subarray(begin, begin + Math.floor(length * 200));
    const at = Math.floor(to * bytes.length);
    return joined(bytes.subarray(0, at), piece, bytes.subarray(at));
  };
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
