import { encodeModule, WasmCode, type MemoryShape } from '../expr/wasm-code';

/** Streams that one call hashes side by side, one to each 32-bit lane of a vector. */
export const laneCount = 4;
export const blockBytes = 64;
const roundCount = 64;
const vectorBytes = 16;
/** Eight words of state, each with all lanes. */
export const stateBytes = 8 * vectorBytes;
/** Round constants as the kernel wants them, each in all lanes. */
export const constantsBytes = roundCount * vectorBytes;

/** The first 32 bits behind the point of the cube roots of the first 64 primes. */
export function roundConstants(): number[] {
  const primes: number[] = [];
  for (let number = 2; primes.length < roundCount; number++) {
    if (primes.every((prime) => number % prime !== 0)) primes.push(number);
  }
  return primes.map((prime) => Number(cubeRoot(BigInt(prime) << 96n) & 0xffffffffn));
}

/** Rounded down; of what is below 2^105. */
function cubeRoot(value: bigint): bigint {
  let root = 0n;
  for (let bit = 1n << 35n; bit > 0n; bit >>= 1n) {
    if ((root + bit) ** 3n <= value) root += bit;
  }
  return root;
}

/** Parameters of the kernel, all of them addresses. */
const parameters = { state: 0, constants: 1, data: 2, endOfFirst: 6 } as const;

/** Local variables of the first sixteen words of the schedule, or of eight words of state. */
type Locals = readonly number[];

/**
 * SHA-256's compression (FIPS 180-4, 6.2.2) of four streams at once: `run(state, constants, data0,
 * data1, data2, data3, endOfData0)`. As many blocks are taken from every stream.
 */
export function sha256Module(memory: MemoryShape): Uint8Array<ArrayBuffer> {
  const code = new WasmCode(7);
  const { state: stateAt, data, endOfFirst } = parameters;
  const state = vectors(code, 8);
  const words = vectors(code, 16);
  const scratch = vectors(code, 4);
  const [shared, next] = vectors(code, 2) as [number, number];
  state.forEach((word, index) =>
    code
      .get(stateAt)
      .v128Load(index * vectorBytes)
      .set(word),
  );
  code.whileBelow(data, endOfFirst, () => {
    for (let group = 0; group < 4; group++) loadWords(code, group, words, scratch);
    writeRounds(code, state, words, [shared, next]);
    state.forEach((word, index) => {
      const offset = index * vectorBytes;
      code.get(word).get(stateAt).v128Load(offset).vec('i32x4Add').set(word);
      code.get(stateAt).get(word).v128Store(offset);
    });
    for (let lane = 0; lane < laneCount; lane++) {
      code
        .get(data + lane)
        .i32(blockBytes)
        .op('i32Add')
        .set(data + lane);
    }
  });
  return encodeModule(code, 7, memory);
}

/** Words 4 `group` to 4 `group` + 3 of the block: big-endian, and one stream to a lane. */
function loadWords(code: WasmCode, group: number, words: Locals, rows: Locals): void {
  rows.forEach((row, lane) => {
    code
      .get(parameters.data + lane)
      .v128Load(group * vectorBytes)
      .tee(row)
      .get(row);
    code.swapBytes().set(row);
  });
  const [a = 0, b = 0, c = 0, d = 0] = rows;
  const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = words.slice(4 * group);
  code.get(a).get(b).shuffleWords([0, 4, 1, 5]).set(w0);
  code.get(a).get(b).shuffleWords([2, 6, 3, 7]).set(w2);
  code.get(c).get(d).shuffleWords([0, 4, 1, 5]).set(a);
  code.get(c).get(d).shuffleWords([2, 6, 3, 7]).set(c);
  code.get(w0).get(a).shuffleWords([2, 3, 6, 7]).set(w1);
  code.get(w0).get(a).shuffleWords([0, 1, 4, 5]).set(w0);
  code.get(w2).get(c).shuffleWords([2, 3, 6, 7]).set(w3);
  code.get(w2).get(c).shuffleWords([0, 1, 4, 5]).set(w2);
}

/**
 * All rounds, written out; the words of state exchange names instead of places, and have their own
 * names again after 64 rounds.
 */
function writeRounds(
  code: WasmCode,
  state: Locals,
  words: Locals,
  [shared, next]: readonly [number, number],
): void {
  const at = (index: number): number => words[index % 16] ?? 0;
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  code.get(b).get(c).vec('v128Xor').set(shared);
  for (let round = 0; round < roundCount; round++) {
    if (round >= 16) {
      code.get(at(round));
      mix(code, at(round + 1), [7, 18], 3);
      code
        .vec('i32x4Add')
        .get(at(round + 9))
        .vec('i32x4Add');
      mix(code, at(round + 14), [17, 19], 10);
      code.vec('i32x4Add').set(at(round));
    }
    // First temporary, in h: h + Σ1(e) + Ch(e, f, g) + K + W.
    code.get(parameters.constants).v128Load(round * vectorBytes);
    code.get(at(round)).vec('i32x4Add').get(h).vec('i32x4Add');
    code.get(f).get(g).vec('v128Xor').get(e).vec('v128And').get(g).vec('v128Xor');
    code.vec('i32x4Add');
    mix(code, e, [6, 11, 25]);
    code.vec('i32x4Add').tee(h).get(d).vec('i32x4Add').set(d);
    // Maj(a, b, c) = b ^ ((a ^ b) & (b ^ c)), whose last part is the middle one of the round before.
    code.get(a).get(b).vec('v128Xor').tee(next).get(shared).vec('v128And').get(b).vec('v128Xor');
    code.get(h).vec('i32x4Add');
    mix(code, a, [2, 13, 22]);
    code.vec('i32x4Add').set(h);
    [shared, next] = [next, shared];
    [a, b, c, d, e, f, g, h] = [h, a, b, c, d, e, f, g];
  }
}

/** The sum without carry of a word rotated right by every count, and shifted right by `shift`. */
function mix(code: WasmCode, word: number, rotations: readonly number[], shift?: number): void {
  rotations.forEach((count, index) => {
    code.get(word).i32(count).vec('i32x4ShrU');
    if (index > 0) code.vec('v128Xor');
    code
      .get(word)
      .i32(32 - count)
      .vec('i32x4Shl')
      .vec('v128Xor');
  });
  if (shift !== undefined) code.get(word).i32(shift).vec('i32x4ShrU').vec('v128Xor');
}

function vectors(code: WasmCode, count: number): Locals {
  return Array.from({ length: count }, () => code.local('v128'));
}
