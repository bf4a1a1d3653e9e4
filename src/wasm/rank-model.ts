import type { KernelValues, LoadedSlice } from '../expr/backend';
import { chunkElements } from '../expr/backend';
import { fromBits, magnitudeBits } from '../expr/build';
import type { Expr } from '../expr/expr';
import { rankBlockWords, rankScratchBytes } from '../expr/wasm-rank';
import type { KernelCache } from './kernel-cache';
import type { LanePool } from './lane-pool';
import type { WasmMemory } from './memory';
import { withRegions } from './memory';
import type { WasmSlice } from './parameter-block';
import { blockBytes, writeBlock } from './parameter-block';

/** What is ranked, and where the ranks go. */
export interface RankRequest {
  readonly slice: LoadedSlice;
  readonly found: WasmSlice;
  readonly of: Expr<'f32'>;
  readonly values: KernelValues;
  readonly rowLength: number;
  readonly model: number;
  /** Address of a float32 for every element. */
  readonly out: number;
}

/** The parts of the back end that take part. */
export interface RankParts {
  readonly memory: WasmMemory;
  readonly pool: LanePool;
  readonly kernels: KernelCache;
}

const magnitudes = new WeakMap<Expr, Expr<'f32'>>();

/** `magnitudeBits` as they are, in the guise of floats; the same object for the same expression. */
function magnitudesOf(of: Expr<'f32'>): Expr<'f32'> {
  const known = magnitudes.get(of) ?? fromBits(magnitudeBits(of));
  magnitudes.set(of, known);
  return known;
}

/**
 * Writes the ranks of one specialist: a kernel computes the magnitudes, another ranks them.
 * @throws LabError `wasm/out-of-memory`
 */
export async function rankModel(parts: RankParts, request: RankRequest): Promise<void> {
  const { memory, pool, kernels } = parts;
  const { slice, found, of, values, rowLength, model, out } = request;
  const { elementCount } = slice;
  const { id, kernel } = kernels.map(magnitudesOf(of), 'F32', found.layout, model);
  const rank = kernels.rank();
  const scratchBytes = rankScratchBytes(rowLength);
  const sizes = [
    // Kernels write eight elements at a time.
    4 * (elementCount + 8),
    blockBytes(kernel, found),
    4 * rankBlockWords.count,
    scratchBytes * pool.threadCount,
  ];
  await withRegions(memory, sizes, async ([keys = 0, block = 0, rankBlock = 0, scratch = 0]) => {
    writeBlock(memory.memory, block, slice, found, kernel, values);
    const noResults = { outStrideBytes: 0, bins: 0, binsStrideBytes: 0 };
    const map = { kernelId: id, kernelBytes: kernel.bytes, block, elementCount, out: keys };
    await pool.run({ ...map, ...noResults });
    const view = new DataView(memory.memory.buffer, rankBlock);
    view.setUint32(4 * rankBlockWords.keys, keys, true);
    view.setUint32(4 * rankBlockWords.rowLength, rowLength, true);
    await pool.run({
      kernelId: rank.id,
      kernelBytes: rank.kernel.bytes,
      block: rankBlock,
      elementCount,
      // Whole rows, about as many elements as elsewhere.
      chunkElements: rowLength * Math.max(1, Math.floor(chunkElements / rowLength)),
      out,
      outStrideBytes: 0,
      bins: scratch,
      binsStrideBytes: scratchBytes,
    });
  });
}
