import { f16ToF32 } from '../core/float-bits';
import { invariant } from '../core/errors';
import type { GgufType } from './gguf-types';
import { ggufTypes } from './gguf-types';

const { fround } = Math;

type QuantisedType = Exclude<GgufType, 'F32' | 'F16' | 'BF16'>;

/** Widens one block that begins at `from` in `bytes` to values that begin at `to` in `values`. */
type BlockDecoder = (bytes: Uint8Array, from: number, values: Float32Array, to: number) => void;

const decoders: Readonly<Record<QuantisedType, BlockDecoder>> = {
  Q4_0: (bytes, from, values, to) => {
    const scale = f16ToF32(halfAt(bytes, from));
    for (let index = 0; index < 16; index++) {
      const pair = byteAt(bytes, from + 2 + index);
      values[to + index] = scale * ((pair & 15) - 8);
      values[to + 16 + index] = scale * ((pair >> 4) - 8);
    }
  },
  Q4_1: (bytes, from, values, to) => {
    const scale = f16ToF32(halfAt(bytes, from));
    const low = f16ToF32(halfAt(bytes, from + 2));
    for (let index = 0; index < 16; index++) {
      const pair = byteAt(bytes, from + 4 + index);
      values[to + index] = fround(scale * (pair & 15)) + low;
      values[to + 16 + index] = fround(scale * (pair >> 4)) + low;
    }
  },
  Q5_0: (bytes, from, values, to) => {
    const scale = f16ToF32(halfAt(bytes, from));
    for (let index = 0; index < 16; index++) {
      const pair = byteAt(bytes, from + 6 + index);
      values[to + index] = scale * (((pair & 15) | fifthBit(bytes, from + 2, index)) - 16);
      values[to + 16 + index] = scale * (((pair >> 4) | fifthBit(bytes, from + 4, index)) - 16);
    }
  },
  Q5_1: (bytes, from, values, to) => {
    const scale = f16ToF32(halfAt(bytes, from));
    const low = f16ToF32(halfAt(bytes, from + 2));
    for (let index = 0; index < 16; index++) {
      const pair = byteAt(bytes, from + 8 + index);
      const first = (pair & 15) | fifthBit(bytes, from + 4, index);
      const second = (pair >> 4) | fifthBit(bytes, from + 6, index);
      values[to + index] = fround(scale * first) + low;
      values[to + 16 + index] = fround(scale * second) + low;
    }
  },
  Q8_0: (bytes, from, values, to) => {
    const scale = f16ToF32(halfAt(bytes, from));
    for (let index = 0; index < 32; index++) {
      values[to + index] = scale * signedAt(bytes, from + 2 + index);
    }
  },
  Q4_K: (bytes, from, values, to) => {
    const scale = f16ToF32(halfAt(bytes, from));
    const minScale = f16ToF32(halfAt(bytes, from + 2));
    for (let group = 0; group < 8; group++) {
      const groupScale = fround(scale * groupScaleAt(bytes, from + 4, group));
      const groupMin = fround(minScale * groupMinAt(bytes, from + 4, group));
      // Two groups of 32 share their bytes: the low halves are the first, the high ones the second.
      const shift = (group & 1) * 4;
      const begin = from + 16 + (group >> 1) * 32;
      for (let index = 0; index < 32; index++) {
        const value = (byteAt(bytes, begin + index) >> shift) & 15;
        values[to + group * 32 + index] = fround(groupScale * value) - groupMin;
      }
    }
  },
  Q5_K: (bytes, from, values, to) => {
    const scale = f16ToF32(halfAt(bytes, from));
    const minScale = f16ToF32(halfAt(bytes, from + 2));
    for (let group = 0; group < 8; group++) {
      const groupScale = fround(scale * groupScaleAt(bytes, from + 4, group));
      const groupMin = fround(minScale * groupMinAt(bytes, from + 4, group));
      const shift = (group & 1) * 4;
      const begin = from + 48 + (group >> 1) * 32;
      for (let index = 0; index < 32; index++) {
        const low = (byteAt(bytes, begin + index) >> shift) & 15;
        // Bit `group` of byte `index` belongs to this value.
        const high = ((byteAt(bytes, from + 16 + index) >> group) & 1) << 4;
        values[to + group * 32 + index] = fround(groupScale * (low | high)) - groupMin;
      }
    }
  },
  Q6_K: (bytes, from, values, to) => {
    const scale = f16ToF32(halfAt(bytes, from + 208));
    for (let half = 0; half < 2; half++) {
      for (let quarter = 0; quarter < 4; quarter++) {
        const lowBegin = from + half * 64 + (quarter & 1) * 32;
        const highBegin = from + 128 + half * 32;
        const lowShift = (quarter >> 1) * 4;
        for (let index = 0; index < 32; index++) {
          const low = (byteAt(bytes, lowBegin + index) >> lowShift) & 15;
          const high = ((byteAt(bytes, highBegin + index) >> (quarter * 2)) & 3) << 4;
          const place = half * 128 + quarter * 32 + index;
          // One scale for every 16 values.
          const groupScale = fround(scale * signedAt(bytes, from + 192 + (place >> 4)));
          values[to + place] = groupScale * ((low | high) - 32);
        }
      }
    }
  },
};

let widenedHalves: Float32Array | undefined;

/**
 * Widens whole blocks of a GGUF tensor to float32, bit-equal with gguf-py 0.19 and ggml's reference
 * (each product and sum rounded to float32 once); NaN payloads are whatever the engine keeps.
 *
 * @param bytes whole blocks
 * @param values room for all their values
 */
export function decodeGgufBlocks(type: GgufType, bytes: Uint8Array, values: Float32Array): void {
  const { valuesPerBlock, bytesPerBlock } = ggufTypes[type];
  const blockCount = bytes.byteLength / bytesPerBlock;
  invariant(Number.isInteger(blockCount), `${type} bytes are not whole blocks`);
  invariant(values.length === blockCount * valuesPerBlock, `${type} values have another length`);
  if (type === 'F32' || type === 'F16' || type === 'BF16') {
    widen(type, bytes, values);
    return;
  }
  const decode = decoders[type];
  for (let block = 0; block < blockCount; block++) {
    decode(bytes, block * bytesPerBlock, values, block * valuesPerBlock);
  }
}

/** Numbers that stand by themselves: a copy, a look-up, or bits moved to their places. */
function widen(type: 'F32' | 'F16' | 'BF16', bytes: Uint8Array, values: Float32Array): void {
  const { buffer, byteOffset, byteLength, length } = values;
  if (type === 'F32') {
    new Uint8Array(buffer, byteOffset, byteLength).set(bytes);
  } else if (type === 'BF16') {
    const words = new Uint32Array(buffer, byteOffset, length);
    for (let index = 0; index < length; index++) words[index] = halfAt(bytes, index * 2) << 16;
  } else {
    widenedHalves ??= Float32Array.from({ length: 65_536 }, (_, half) => f16ToF32(half));
    for (let index = 0; index < length; index++) {
      values[index] = widenedHalves[halfAt(bytes, index * 2)] as number;
    }
  }
}

function byteAt(bytes: Uint8Array, offset: number): number {
  return bytes[offset] as number;
}

function signedAt(bytes: Uint8Array, offset: number): number {
  return (byteAt(bytes, offset) << 24) >> 24;
}

function halfAt(bytes: Uint8Array, offset: number): number {
  return byteAt(bytes, offset) | (byteAt(bytes, offset + 1) << 8);
}

/** Bit `index` of the two bytes at `offset`, at the place of the fifth bit. */
function fifthBit(bytes: Uint8Array, offset: number, index: number): number {
  return ((byteAt(bytes, offset + (index >> 3)) >> (index & 7)) & 1) << 4;
}

/**
 * Eight scales and eight minima of 6 bits each lie in 12 bytes: the first four of each in the low
 * bits of bytes 0-3 and 4-7; the others in halves of bytes 8-11, with their top two bits in the top
 * of bytes 0-3 and 4-7.
 */
function groupScaleAt(bytes: Uint8Array, offset: number, group: number): number {
  if (group < 4) return byteAt(bytes, offset + group) & 63;
  const top = (byteAt(bytes, offset + group - 4) >> 6) << 4;
  return (byteAt(bytes, offset + 4 + group) & 15) | top;
}

function groupMinAt(bytes: Uint8Array, offset: number, group: number): number {
  if (group < 4) return byteAt(bytes, offset + 4 + group) & 63;
  const top = (byteAt(bytes, offset + group) >> 6) << 4;
  return (byteAt(bytes, offset + 4 + group) >> 4) | top;
}
