import { invariant } from '../core/errors';

/** WebAssembly value types. */
export const valueTypes = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const;
export type WasmType = keyof typeof valueTypes;

/** One-byte instructions that the kernels use. */
const plain = {
  end: 0x0b,
  drop: 0x1a,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32Mul: 0x6c,
  i32And: 0x71,
  i32Xor: 0x73,
  i32Shl: 0x74,
  i32ShrU: 0x76,
  i32Ne: 0x47,
  i32LtU: 0x49,
  i32GtU: 0x4b,
  i32GeU: 0x4f,
  f32ConvertI32S: 0xb2,
  f32Max: 0x97,
  f64Add: 0xa0,
  f64ConvertI32U: 0xb8,
  f64PromoteF32: 0xbb,
} as const;

/** Vector instructions: their number after the prefix 0xfd. None of the relaxed ones. */
const vector = {
  i32x4Splat: 0x11,
  f32x4Splat: 0x13,
  i32x4Eq: 0x37,
  i32x4Ne: 0x38,
  i32x4LtS: 0x39,
  i32x4GtS: 0x3b,
  i32x4LeS: 0x3d,
  i32x4GeS: 0x3f,
  i32x4GeU: 0x40,
  f32x4Eq: 0x41,
  f32x4Ne: 0x42,
  f32x4Lt: 0x43,
  f32x4Gt: 0x44,
  f32x4Le: 0x45,
  f32x4Ge: 0x46,
  v128Not: 0x4d,
  v128And: 0x4e,
  v128AndNot: 0x4f,
  v128Or: 0x50,
  v128Xor: 0x51,
  v128Bitselect: 0x52,
  v128AnyTrue: 0x53,
  f64x2PromoteLowF32x4: 0x5f,
  f32x4Ceil: 0x67,
  f32x4Floor: 0x68,
  i32x4Shl: 0xab,
  i32x4ShrU: 0xad,
  i32x4Add: 0xae,
  i32x4Sub: 0xb1,
  i32x4Mul: 0xb5,
  i32x4MinU: 0xb7,
  i32x4MaxS: 0xb8,
  i32x4MaxU: 0xb9,
  f32x4Sqrt: 0xe3,
  f32x4Add: 0xe4,
  f32x4Sub: 0xe5,
  f32x4Mul: 0xe6,
  f32x4Div: 0xe7,
  f32x4Min: 0xe8,
  f32x4Max: 0xe9,
  f64x2Add: 0xf0,
  f64x2Sub: 0xf1,
  f64x2Mul: 0xf2,
  i32x4TruncSatF32x4S: 0xf8,
  f32x4ConvertI32x4S: 0xfa,
  f32x4ConvertI32x4U: 0xfb,
} as const;

export type PlainOp = keyof typeof plain;
export type VectorOp = keyof typeof vector;

/** Four lanes given as 32-bit patterns. */
export type Lanes = readonly [number, number, number, number];

/** The body of one function, written instruction by instruction. */
export class WasmCode {
  readonly bytes: number[] = [];
  readonly #locals: WasmType[] = [];
  readonly #parameterCount: number;

  constructor(parameterCount: number) {
    this.#parameterCount = parameterCount;
  }

  /** A new local variable, zero at first. */
  local(type: WasmType): number {
    this.#locals.push(type);
    return this.#parameterCount + this.#locals.length - 1;
  }

  get localTypes(): readonly WasmType[] {
    return this.#locals;
  }

  op(name: PlainOp): this {
    this.bytes.push(plain[name]);
    return this;
  }

  vec(name: VectorOp): this {
    this.bytes.push(0xfd, ...unsigned(vector[name]));
    return this;
  }

  get(local: number): this {
    this.bytes.push(0x20, ...unsigned(local));
    return this;
  }

  set(local: number): this {
    this.bytes.push(0x21, ...unsigned(local));
    return this;
  }

  tee(local: number): this {
    this.bytes.push(0x22, ...unsigned(local));
    return this;
  }

  i32(value: number): this {
    this.bytes.push(0x41, ...signed(value | 0));
    return this;
  }

  f32(value: number): this {
    this.bytes.push(0x43, ...new Uint8Array(new Float32Array([value]).buffer));
    return this;
  }

  v128(lanes: Lanes): this {
    this.bytes.push(0xfd, ...unsigned(0x0c), ...new Uint8Array(new Uint32Array(lanes).buffer));
    return this;
  }

  /** Loads an i32 from the address on the stack plus `offset`. */
  i32Load(offset: number): this {
    return this.#memory([0x28], 2, offset);
  }

  i32Store(offset: number): this {
    return this.#memory([0x36], 2, offset);
  }

  f32Store(offset: number): this {
    return this.#memory([0x38], 2, offset);
  }

  f64Store(offset: number): this {
    return this.#memory([0x39], 3, offset);
  }

  v128Load(offset: number): this {
    return this.#memory([0xfd, 0x00], 2, offset);
  }

  v128Store(offset: number): this {
    return this.#memory([0xfd, 0x0b], 2, offset);
  }

  v128Load32Splat(offset: number): this {
    return this.#memory([0xfd, 0x09], 2, offset);
  }

  v128Load64Splat(offset: number): this {
    return this.#memory([0xfd, 0x0a], 3, offset);
  }

  /**
   * Four words of the two vectors on the stack, which count as 0 to 3 and 4 to 7.
   * @param shift added to every number
   */
  shuffleWords(words: Lanes, shift = 0): this {
    const places = words.flatMap((word) => [0, 1, 2, 3].map((byte) => 4 * (word + shift) + byte));
    this.bytes.push(0xfd, 0x0d, ...places);
    return this;
  }

  /** The four words of the two vectors on the stack, which are the same one, in the other byte order. */
  swapBytes(): this {
    const places = [0, 4, 8, 12].flatMap((word) => [3, 2, 1, 0].map((byte) => word + byte));
    this.bytes.push(0xfd, 0x0d, ...places);
    return this;
  }

  i32x4ExtractLane(lane: number): this {
    this.bytes.push(0xfd, 0x1b, lane);
    return this;
  }

  f32x4ExtractLane(lane: number): this {
    this.bytes.push(0xfd, 0x1f, lane);
    return this;
  }

  f64x2ExtractLane(lane: number): this {
    this.bytes.push(0xfd, 0x21, lane);
    return this;
  }

  /** Lanes 2 and 3 of a vector moved to lanes 0 and 1. */
  highHalf(local: number): this {
    return this.get(local).get(local).shuffleWords([2, 3, 2, 3]);
  }

  /**
   * Runs `body` while `local` (unsigned) is below `limit`. The question is asked once before the loop
   * and then at the end of every turn: V8 moves what is the same in every turn out of a loop only if
   * there is no way past the body.
   */
  whileBelow(local: number, limit: number, body: () => void): this {
    this.bytes.push(0x02, 0x40); // block
    this.get(local).get(limit).op('i32GeU');
    this.bytes.push(0x0d, 0, 0x03, 0x40); // br_if out, loop
    body();
    this.get(local).get(limit).op('i32LtU');
    this.bytes.push(0x0d, 0); // br_if again
    return this.op('end').op('end');
  }

  /** Runs one of two bodies by the i32 on the stack. */
  when(yes: () => void, no?: () => void): this {
    this.bytes.push(0x04, 0x40);
    yes();
    if (no !== undefined) {
      this.bytes.push(0x05);
      no();
    }
    return this.op('end');
  }

  #memory(opcode: readonly number[], alignPower: number, offset: number): this {
    this.bytes.push(...opcode, alignPower, ...unsigned(offset));
    return this;
  }
}

/** How the module's imported memory is declared; it must not be narrower than the real one. */
export interface MemoryShape {
  readonly isShared: boolean;
  /** In pages of 64 KiB. */
  readonly maximumPages: number;
}

/** A module that imports `env.memory` and exports one function, `run`, of i32 parameters. */
export function encodeModule(
  code: WasmCode,
  parameterCount: number,
  memory: MemoryShape,
): Uint8Array<ArrayBuffer> {
  invariant(memory.maximumPages <= 65536, 'memory has at most 4 GiB');
  const text = (name: string): number[] => [name.length, ...new TextEncoder().encode(name)];
  const section = (id: number, body: readonly number[]): number[] => [
    id,
    ...unsigned(body.length),
    ...body,
  ];
  const parameters = Array.from({ length: parameterCount }, () => valueTypes.i32);
  const limits = [memory.isShared ? 3 : 1, 0, ...unsigned(memory.maximumPages)];
  const locals = code.localTypes.flatMap((type) => [1, valueTypes[type]]);
  const body = [...unsigned(code.localTypes.length), ...locals, ...code.bytes, plain.end];
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, parameterCount, ...parameters, 0]),
    ...section(2, [1, ...text('env'), ...text('memory'), 2, ...limits]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...text('run'), 0, 0]),
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ]);
}

/** LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value >>> 0;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7) {
    const low = rest & 0x7f;
    const next = rest >> 7;
    if ((next === 0 && (low & 0x40) === 0) || (next === -1 && (low & 0x40) !== 0)) {
      return [...bytes, low];
    }
    bytes.push(low | 0x80);
  }
}
