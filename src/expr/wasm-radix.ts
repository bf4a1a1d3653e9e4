import type { WasmCode } from './wasm-code';
import { lanes } from './wasm-ops';
import { runParameters } from './wasm-steps';

const digitBits = 6;
const digitCount = 3;
const countsBytes = 4 << digitBits;

/** Keys are sorted by so many of their lowest bits. */
export const sortedBits = digitBits * digitCount;
/** Counters of the digits, at the beginning of a thread's working memory. */
export const radixScratchBytes = digitCount * countsBytes;

/** Local variables with the addresses of u32 arrays, and how long these are. */
export interface RadixList {
  readonly keys: number;
  /** They move with the keys. */
  readonly places: number;
  readonly otherKeys: number;
  readonly otherPlaces: number;
  readonly sizeBytes: number;
}

/**
 * Sorts keys and places by the low bits of the keys, from the lowest digit up, which keeps equal keys
 * in order. A digit that is the same in all keys is passed over. The arrays exchange names.
 */
export function writeRadixSort(code: WasmCode, list: RadixList): void {
  code.get(list.sizeBytes).i32(4).op('i32GtU');
  code.when(() => {
    writeClear(code);
    writeDigitCounts(code, list);
    for (let digit = 0; digit < digitCount; digit++) writeSort(code, digit, list);
  });
}

/** Sets all counters to zero. */
function writeClear(code: WasmCode): void {
  const [at, end] = [code.local('i32'), code.local('i32')];
  code.get(runParameters.bins).tee(at).i32(radixScratchBytes).op('i32Add').set(end);
  code.whileBelow(at, end, () => {
    code.get(at).v128([0, 0, 0, 0]).v128Store(0);
    code.get(at).i32(16).op('i32Add').set(at);
  });
}

function writeDigitCounts(code: WasmCode, { keys, sizeBytes }: RadixList): void {
  const [at, key, counter] = [code.local('i32'), code.local('i32'), code.local('i32')];
  code.i32(0).set(at);
  code.whileBelow(at, sizeBytes, () => {
    code.get(keys).get(at).op('i32Add').i32Load(0).set(key);
    for (let digit = 0; digit < digitCount; digit++) {
      writeCounterAddress(code, key, digit);
      code.tee(counter).get(counter).i32Load(0).i32(1).op('i32Add').i32Store(0);
    }
    code.get(at).i32(4).op('i32Add').set(at);
  });
}

/** The address of the counter of a key's digit. */
function writeCounterAddress(code: WasmCode, key: number, digit: number): void {
  code
    .get(runParameters.bins)
    .i32(digit * countsBytes)
    .op('i32Add')
    .get(key);
  if (digit > 0) code.i32(digitBits * digit).op('i32ShrU');
  code
    .i32((1 << digitBits) - 1)
    .op('i32And')
    .i32(2)
    .op('i32Shl')
    .op('i32Add');
}

/** Sorts by one digit into the other arrays, then exchanges the names, unless all digits are equal. */
function writeSort(code: WasmCode, digit: number, list: RadixList): void {
  const { keys, places, otherKeys, otherPlaces, sizeBytes } = list;
  const [key, counter, at, to] = [0, 1, 2, 3].map(() => code.local('i32')) as FourLocals;
  const [counts, countsEnd] = [code.local('i32'), code.local('i32')];
  code.get(keys).i32Load(0).set(key);
  writeCounterAddress(code, key, digit);
  code.i32Load(0).i32(2).op('i32Shl').get(sizeBytes).op('i32Ne');
  code.when(() => {
    code
      .get(runParameters.bins)
      .i32(digit * countsBytes)
      .op('i32Add')
      .tee(counts);
    code.i32(countsBytes).op('i32Add').set(countsEnd);
    writeStarts(code, counts, countsEnd);
    code.i32(0).set(at);
    code.whileBelow(at, sizeBytes, () => {
      code.get(keys).get(at).op('i32Add').i32Load(0).set(key);
      writeCounterAddress(code, key, digit);
      code.tee(counter).i32Load(0).tee(to);
      code.i32(2).op('i32Shl').set(to);
      code.get(counter).get(counter).i32Load(0).i32(1).op('i32Add').i32Store(0);
      code.get(otherKeys).get(to).op('i32Add').get(key).i32Store(0);
      code.get(otherPlaces).get(to).op('i32Add');
      code.get(places).get(at).op('i32Add').i32Load(0).i32Store(0);
      code.get(at).i32(4).op('i32Add').set(at);
    });
    for (const [one, other] of [
      [keys, otherKeys],
      [places, otherPlaces],
    ] as const) {
      code.get(one).get(other).set(one).set(other);
    }
  });
}

type FourLocals = [number, number, number, number];

/**
 * Turns counts, from one address to another, into how many elements lie before each. Four at a time:
 * up to three words behind the last one are overwritten.
 */
export function writeStarts(code: WasmCode, first: number, end: number): void {
  const at = code.local('i32');
  const [counts, sums, before] = [code.local('v128'), code.local('v128'), code.local('v128')];
  const none = lanes(0);
  code.get(first).set(at).v128(none).set(before);
  code.whileBelow(at, end, () => {
    code.get(at).v128Load(0).tee(counts);
    // Each count and its left neighbour, then each such pair and the pair before it.
    code.get(counts).v128(none).shuffleWords([4, 0, 1, 2]).vec('i32x4Add').tee(sums);
    code.get(sums).v128(none).shuffleWords([4, 4, 0, 1]).vec('i32x4Add');
    code.get(before).vec('i32x4Add').set(sums);
    code.get(at).get(sums).get(counts).vec('i32x4Sub').v128Store(0);
    code.get(sums).get(sums).shuffleWords([3, 3, 3, 3]).set(before);
    code.get(at).i32(16).op('i32Add').set(at);
  });
}
