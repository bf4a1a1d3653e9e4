import { WasmBackend } from '../../src/wasm/wasm-backend';
import { drawWeights } from './draw-weights';

/** Weights drawn once and repeated: tensors begin at different places of them. */
export interface WeightTiles {
  /** Around 0. */
  readonly matrix: Uint8Array;
  /** Around 1. */
  readonly vector: Uint8Array;
}

const matrixElements = 4 << 20;
const vectorElements = 1 << 16;

/**
 * The tiles of a base, then of each of its fine-tuned siblings, in bf16. Equal places of two tiles
 * belong together: they differ by what fine-tuning added.
 */
export async function drawTiles(modelCount: number, seed: number): Promise<WeightTiles[]> {
  const backend = new WasmBackend();
  try {
    const drawKind = async (isVector: boolean): Promise<Uint8Array[]> => {
      const place = {
        tensorName: isVector ? 'vector' : 'matrix',
        isVector,
        firstElement: 0,
        elementCount: isVector ? vectorElements : matrixElements,
      };
      const drawn: Uint8Array[] = [];
      for await (const bytes of drawWeights(backend, place, modelCount, seed)) {
        drawn.push(bytes.slice());
      }
      return drawn;
    };
    const matrices = await drawKind(false);
    const vectors = await drawKind(true);
    return matrices.map((matrix, index) => ({ matrix, vector: vectors[index] ?? matrix }));
  } finally {
    backend.dispose();
  }
}

/** Fills `target` with the tile's endless repetition from `firstByte` on. */
export function copyRepeated(tile: Uint8Array, firstByte: number, target: Uint8Array): void {
  let done = 0;
  while (done < target.byteLength) {
    const from = (firstByte + done) % tile.byteLength;
    const length = Math.min(tile.byteLength - from, target.byteLength - done);
    target.set(tile.subarray(from, from + length), done);
    done += length;
  }
}
