import type { MemoryShape } from './wasm-code';
import { encodeModule, WasmCode } from './wasm-code';
import { lanes } from './wasm-ops';
import type { RadixList } from './wasm-radix';
import { radixScratchBytes, sortedBits, writeRadixSort, writeStarts } from './wasm-radix';
import { runParameterCount, runParameters } from './wasm-steps';

/** Words of the block of a rank kernel. */
export const rankBlockWords = { keys: 0, rowLength: 1, count: 2 } as const;

/** The common magnitude of all NaN. */
const largestKey = 0x7f800001;
/** One counter for every upper part of a key and one for zero; four are cleared at a time. */
const binsBytes = 4 * ((largestKey >>> sortedBits) + 2 + 4);

/** Working memory of a thread. */
export function rankScratchBytes(rowLength: number): number {
  return radixScratchBytes + binsBytes + 5 * 4 * (rowLength + 4);
}

/** Local variables: addresses in memory, where nothing else is said. */
interface RankLocals {
  /** The keys of the row at hand, and where its ranks go. */
  readonly row: number;
  readonly ranks: number;
  /** Length of a row, in bytes of four for an element. */
  readonly rowBytes: number;
  /** Counters, one for every bin, and their end. */
  readonly bins: number;
  readonly binsEnd: number;
  /** For every element the address of its bin's counter, plus 1 where lower bits of its key are set. */
  readonly binOf: number;
  /** The elements with lower bits set. */
  readonly list: RadixList;
}

/**
 * A module whose `run(block, first, end, out, scratch)` ranks the u32 keys of the rows from element
 * `first` to `end`: 0 for the smallest, equal keys in the order of their places, as float32 from
 * `out` on. Keys are `magnitudeBits`.
 *
 * Differences of 16-bit weights seldom need more than the upper 16 bits of a float32. A counter for
 * every upper part that occurs tells the ranks of those keys; the few keys with lower bits set are
 * sorted by these, and come after the others with the same upper part.
 */
export function compileRank(memory: MemoryShape): Uint8Array<ArrayBuffer> {
  const code = new WasmCode(runParameterCount);
  const local = (): number => code.local('i32');
  const list = {
    ...{ keys: local(), places: local(), otherKeys: local(), otherPlaces: local() },
    sizeBytes: local(),
  };
  const locals: RankLocals = {
    ...{ row: local(), ranks: local(), rowBytes: local(), bins: local(), binsEnd: local() },
    ...{ binOf: local(), list },
  };
  const { row, ranks, rowBytes } = locals;
  const { block, first, end, out } = runParameters;
  const rowsEnd = local();
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
    writeLayout(code, locals);
    writeBins(code, locals);
    writeCounts(code, locals);
    writeRadixSort(code, list);
    writeRanks(code, locals);
    code.get(row).get(rowBytes).op('i32Add').set(row);
    code.get(ranks).get(rowBytes).op('i32Add').set(ranks);
  });
  return encodeModule(code, runParameterCount, memory);
}

/** Where everything lies in the thread's working memory, after what the radix sort needs. */
function writeLayout(code: WasmCode, { rowBytes, bins, binOf, list }: RankLocals): void {
  code.get(runParameters.bins).i32(radixScratchBytes).op('i32Add').tee(bins);
  code.i32(binsBytes).op('i32Add').tee(binOf);
  for (const array of [list.keys, list.places, list.otherKeys, list.otherPlaces]) {
    // Vectors may be written to beyond the end of a row.
    code.get(rowBytes).op('i32Add').i32(16).op('i32Add').tee(array);
  }
  code.op('drop');
}

/**
 * Finds every element's bin: the upper part of its key, counted from the smallest part of a key that
 * is not zero, so that there are few. Sets the counters of these bins to zero.
 */
function writeBins(code: WasmCode, { row, rowBytes, bins, binsEnd, binOf }: RankLocals): void {
  const [smallest, largest, keys] = [code.local('v128'), code.local('v128'), code.local('v128')];
  const at = code.local('i32');
  const eachVector = (body: () => void): void => {
    code.i32(0).set(at);
    code.whileBelow(at, rowBytes, () => {
      // The last vector reaches into the next row, or beyond all keys, where anything may stand.
      code.get(row).get(at).op('i32Add').v128Load(0);
      code.v128(lanes(largestKey)).vec('i32x4MinU').set(keys);
      body();
      code.get(at).i32(16).op('i32Add').set(at);
    });
  };
  // The smallest of all keys less one, so that zero counts as the largest word.
  code.v128(lanes(0xffffffff)).set(smallest).v128(lanes(0)).set(largest);
  eachVector(() => {
    code.get(keys).v128(lanes(1)).vec('i32x4Sub').get(smallest).vec('i32x4MinU').set(smallest);
    code.get(keys).get(largest).vec('i32x4MaxU').set(largest);
  });
  writeAcross(code, smallest, 'i32x4MinU');
  writeAcross(code, largest, 'i32x4MaxU');
  const binZero = smallest;
  code.get(smallest).v128(lanes(1)).vec('i32x4Add').i32(sortedBits).vec('i32x4ShrU');
  code.v128(lanes(1)).vec('i32x4Sub').set(binZero);
  eachVector(() => {
    code.get(binOf).get(at).op('i32Add');
    code.get(keys).i32(sortedBits).vec('i32x4ShrU').get(binZero).vec('i32x4Sub');
    code.v128(lanes(0)).vec('i32x4MaxS').i32(2).vec('i32x4Shl');
    code.get(bins).vec('i32x4Splat').vec('i32x4Add');
    code
      .get(keys)
      .v128(lanes(2 ** sortedBits - 1))
      .vec('v128And')
      .v128(lanes(0))
      .vec('i32x4Ne');
    code.v128(lanes(1)).vec('v128And').vec('v128Or').v128Store(0);
  });
  code.get(largest).i32(sortedBits).vec('i32x4ShrU').get(binZero).vec('i32x4Sub');
  code.i32x4ExtractLane(0).i32(1).op('i32Add').i32(2).op('i32Shl');
  code.get(bins).op('i32Add').set(binsEnd);
  code.get(bins).set(at);
  code.whileBelow(at, binsEnd, () => {
    code.get(at).v128(lanes(0)).v128Store(0);
    code.get(at).i32(16).op('i32Add').set(at);
  });
}

/** The smallest or largest of four lanes, in each of them. */
function writeAcross(code: WasmCode, vector: number, choice: 'i32x4MinU' | 'i32x4MaxU'): void {
  for (const turned of [
    [2, 3, 0, 1],
    [1, 0, 3, 2],
  ] as const) {
    code.get(vector).get(vector).get(vector).shuffleWords(turned).vec(choice).set(vector);
  }
}

/** Turns counters into the first rank of every bin, and lists what has to be sorted. */
function writeCounts(code: WasmCode, locals: RankLocals): void {
  const { row, bins, binsEnd, binOf, list } = locals;
  const [place, bin, counter] = [code.local('i32'), code.local('i32'), code.local('i32')];
  const at = code.local('i32');
  code.i32(0).set(list.sizeBytes);
  writeEachPlace(code, locals, place, [[binOf, at]], (offset) => {
    writeCounter(code, at, offset, bin).tee(counter);
    code.get(counter).i32Load(0).i32(1).op('i32Add').i32Store(0);
    // Written for every element, but only those stay that are counted: no jump to foresee.
    code.get(list.places).get(list.sizeBytes).op('i32Add');
    code.get(place).i32(offset).op('i32Add').i32Store(0);
    code.get(bin).i32(1).op('i32And').i32(2).op('i32Shl');
    code.get(list.sizeBytes).op('i32Add').set(list.sizeBytes);
  });
  writeStarts(code, bins, binsEnd);
  code.i32(0).set(place);
  code.whileBelow(place, list.sizeBytes, () => {
    code.get(list.keys).get(place).op('i32Add').get(row);
    code.get(list.places).get(place).op('i32Add').i32Load(0).op('i32Add').i32Load(0).i32Store(0);
    code.get(place).i32(4).op('i32Add').set(place);
  });
}

/** Ranks the elements in the order of their places, then those of the list in theirs. */
function writeRanks(code: WasmCode, locals: RankLocals): void {
  const { ranks, binOf, list } = locals;
  const [place, bin, counter] = [code.local('i32'), code.local('i32'), code.local('i32')];
  const [rank, at, to] = [code.local('i32'), code.local('i32'), code.local('i32')];
  const writeRank = (offset: number): void => {
    writeCounter(code, at, offset, bin).tee(counter).i32Load(0).set(rank);
    code.get(to).get(rank).op('f32ConvertI32S').f32Store(offset);
    code.get(counter).get(rank);
  };
  const addresses = [
    [binOf, at],
    [ranks, to],
  ] as const;
  writeEachPlace(code, locals, place, addresses, (offset) => {
    writeRank(offset);
    // An element of the list does not count yet, and its rank is overwritten.
    code.get(bin).i32(1).op('i32And').i32(1).op('i32Xor').op('i32Add').i32Store(0);
  });
  const listed = code.local('i32');
  code.i32(0).set(listed);
  code.whileBelow(listed, list.sizeBytes, () => {
    code.get(list.places).get(listed).op('i32Add').i32Load(0).set(place);
    for (const [start, address] of addresses) {
      code.get(start).get(place).op('i32Add').set(address);
    }
    writeRank(0);
    code.i32(1).op('i32Add').i32Store(0);
    code.get(listed).i32(4).op('i32Add').set(listed);
  });
}

/** Elements of one turn: measured, a sixth of the time is saved by 8 in place of 1, and by 4 nearly so. */
const placesPerTurn = 8;

/**
 * Goes through the places of a row, in bytes, several in a turn.
 * @param addresses pairs of an array's start and the local that holds its address at `place`
 * @param body is written for every element of a turn, with its distance from `place` in bytes
 */
function writeEachPlace(
  code: WasmCode,
  { rowBytes }: RankLocals,
  place: number,
  addresses: readonly (readonly [number, number])[],
  body: (offset: number) => void,
): void {
  const turnBytes = 4 * placesPerTurn;
  const turnsEnd = code.local('i32');
  const turn = (elementCount: number): void => {
    for (const [start, address] of addresses) {
      code.get(start).get(place).op('i32Add').set(address);
    }
    for (let element = 0; element < elementCount; element++) body(4 * element);
    code
      .get(place)
      .i32(4 * elementCount)
      .op('i32Add')
      .set(place);
  };
  code.i32(0).set(place);
  code.get(rowBytes).i32(-turnBytes).op('i32And').set(turnsEnd);
  code.whileBelow(place, turnsEnd, () => {
    turn(placesPerTurn);
  });
  code.whileBelow(place, rowBytes, () => {
    turn(1);
  });
}

/** Puts the address of the counter of an element's bin on the stack, and its word into `bin`. */
function writeCounter(code: WasmCode, at: number, offset: number, bin: number): WasmCode {
  return code.get(at).i32Load(offset).tee(bin).i32(-4).op('i32And');
}
