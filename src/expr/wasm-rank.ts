import type { MemoryShape } from './wasm-code';
import { encodeModule, WasmCode } from './wasm-code';
import { runParameterCount, runParameters } from './wasm-steps';

/** Words of the block of a rank kernel. */
export const rankBlockWords = { keys: 0, rowLength: 1, count: 2 } as const;

const digitBits = 8;
const digitCount = 4;
const countsBytes = 4 << digitBits;

/** Working memory of a thread: counters of every digit, then places, other keys and other places. */
export function rankScratchBytes(rowLength: number): number {
  return digitCount * countsBytes + 3 * 4 * rowLength;
}

/**
 * A module whose `run(block, first, end, out, scratch)` ranks the u32 keys of the rows from element
 * `first` to `end`: 0 for the smallest, equal keys in the order of their places, as float32 from
 * `out` on. A radix sort from the lowest digit up, which keeps equal keys in order; a digit that is
 * the same in the whole row is passed over, as are the low ones of differences of 16-bit weights.
 * The keys are overwritten.
 */
export function compileRank(memory: MemoryShape): Uint8Array<ArrayBuffer> {
  const code = new WasmCode(runParameterCount);
  const { block, first, end, out, bins: scratch } = runParameters;
  const [rowBytes, row, ranks, rowsEnd] = fourLocals(code);
  const [keys, places, otherKeys, otherPlaces] = fourLocals(code);

  code
    .get(block)
    .i32Load(4 * rankBlockWords.rowLength)
    .i32(2)
    .op('i32Shl')
    .set(rowBytes);
  code.get(first).i32(2).op('i32Shl').set(first);
  code
    .get(block)
    .i32Load(4 * rankBlockWords.keys)
    .tee(row);
  code.get(end).i32(2).op('i32Shl').op('i32Add').set(rowsEnd);
  code.get(row).get(first).op('i32Add').set(row);
  code.get(out).get(first).op('i32Add').set(ranks);

  code.whileBelow(row, rowsEnd, () => {
    code.get(row).set(keys);
    code
      .get(scratch)
      .i32(digitCount * countsBytes)
      .op('i32Add')
      .tee(places);
    code.get(rowBytes).op('i32Add').tee(otherKeys);
    code.get(rowBytes).op('i32Add').set(otherPlaces);
    writeClear(code);
    writeCounts(code, row, rowBytes, places);
    for (let digit = 0; digit < digitCount; digit++) {
      const arrays = { keys, places, otherKeys, otherPlaces };
      writeSort(code, digit, rowBytes, arrays);
    }
    writeRanks(code, places, rowBytes, ranks);
    code.get(row).get(rowBytes).op('i32Add').set(row);
    code.get(ranks).get(rowBytes).op('i32Add').set(ranks);
  });
  return encodeModule(code, runParameterCount, memory);
}

function fourLocals(code: WasmCode): [number, number, number, number] {
  return [code.local('i32'), code.local('i32'), code.local('i32'), code.local('i32')];
}

/** Sets all counters to zero. */
function writeClear(code: WasmCode): void {
  const at = code.local('i32');
  const stop = code.local('i32');
  code.get(runParameters.bins).tee(at);
  code
    .i32(digitCount * countsBytes)
    .op('i32Add')
    .set(stop);
  code.whileBelow(at, stop, () => {
    code.get(at).v128([0, 0, 0, 0]).v128Store(0);
    code.get(at).i32(16).op('i32Add').set(at);
  });
}

/** Counts every digit of every key, and numbers the places. */
function writeCounts(code: WasmCode, row: number, rowBytes: number, places: number): void {
  const [at, stop, key, counter] = fourLocals(code);
  const place = code.local('i32');
  code.get(row).tee(at).get(rowBytes).op('i32Add').set(stop);
  code.i32(0).set(place);
  code.whileBelow(at, stop, () => {
    code.get(at).i32Load(0).set(key);
    for (let digit = 0; digit < digitCount; digit++) {
      writeCounterAddress(code, key, digit);
      code
        .tee(counter)
        .get(counter)
        .i32Load(digit * countsBytes)
        .i32(1)
        .op('i32Add');
      code.i32Store(digit * countsBytes);
    }
    // Places are kept in bytes, as addresses want them.
    code.get(places).get(place).op('i32Add').get(place).i32Store(0);
    code.get(place).i32(4).op('i32Add').set(place);
    code.get(at).i32(4).op('i32Add').set(at);
  });
}

/** The address of the counter of a key's digit, without the digit's own offset. */
function writeCounterAddress(code: WasmCode, key: number, digit: number): void {
  code.get(runParameters.bins).get(key);
  if (digit > 0) code.i32(digitBits * digit).op('i32ShrU');
  code
    .i32((1 << digitBits) - 1)
    .op('i32And')
    .i32(2)
    .op('i32Shl')
    .op('i32Add');
}

interface SortArrays {
  readonly keys: number;
  readonly places: number;
  readonly otherKeys: number;
  readonly otherPlaces: number;
}

/** Sorts by one digit into the other arrays, then exchanges the names, unless all digits are equal. */
function writeSort(code: WasmCode, digit: number, rowBytes: number, arrays: SortArrays): void {
  const { keys, places, otherKeys, otherPlaces } = arrays;
  const [key, counter, at, to] = fourLocals(code);
  const countsOffset = digit * countsBytes;
  code.get(keys).i32Load(0).set(key);
  writeCounterAddress(code, key, digit);
  code.i32Load(countsOffset).i32(2).op('i32Shl').get(rowBytes).op('i32Ne');
  code.when(() => {
    writeStarts(code, countsOffset);
    code.i32(0).set(at);
    code.whileBelow(at, rowBytes, () => {
      code.get(keys).get(at).op('i32Add').i32Load(0).set(key);
      writeCounterAddress(code, key, digit);
      code.tee(counter).i32Load(countsOffset).set(to);
      code.get(counter).get(to).i32(4).op('i32Add').i32Store(countsOffset);
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

/** Turns the counts of a digit into where each of its values begins, in bytes. */
function writeStarts(code: WasmCode, countsOffset: number): void {
  const [at, stop, start, next] = fourLocals(code);
  code.get(runParameters.bins).tee(at).i32(countsBytes).op('i32Add').set(stop);
  code.i32(0).set(start);
  code.whileBelow(at, stop, () => {
    code.get(at).i32Load(countsOffset).i32(2).op('i32Shl').get(start).op('i32Add').set(next);
    code.get(at).get(start).i32Store(countsOffset);
    code.get(next).set(start);
    code.get(at).i32(4).op('i32Add').set(at);
  });
}

function writeRanks(code: WasmCode, places: number, rowBytes: number, ranks: number): void {
  const at = code.local('i32');
  const stop = code.local('i32');
  const rank = code.local('i32');
  code.get(places).tee(at).get(rowBytes).op('i32Add').set(stop);
  code.i32(0).set(rank);
  code.whileBelow(at, stop, () => {
    code.get(ranks).get(at).i32Load(0).op('i32Add').get(rank).op('f32ConvertI32U').f32Store(0);
    code.get(rank).i32(1).op('i32Add').set(rank);
    code.get(at).i32(4).op('i32Add').set(at);
  });
}
