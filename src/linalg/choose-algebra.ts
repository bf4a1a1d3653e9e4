import type { JaxAlgebra } from './jax-algebra';
import type { JaxDevice } from './jax-device';
import type { LinearAlgebra } from './linear-algebra';

/** Where the rest of a merge runs; its linear algebra goes to the same place if it can. */
export type AlgebraPreference = 'webgpu' | 'wasm' | 'oracle';

/**
 * Matrices with no more rows, or no more columns, are solved by `Float64Algebra` everywhere: it
 * takes milliseconds, and every back end gives the same bits.
 */
const smallSide = 48;

/**
 * The implementation for matrices of this shape. WebGPU runs in browsers; in Node, and where there
 * is no adapter, WebAssembly takes its place, and plain JavaScript where that is missing too. Loads
 * what it needs on first use.
 */
export async function chooseAlgebra(
  preference: AlgebraPreference,
  shape: { readonly rowCount: number; readonly columnCount: number },
): Promise<LinearAlgebra> {
  const isSmall = Math.min(shape.rowCount, shape.columnCount) <= smallSide;
  if (preference === 'oracle' || isSmall) return float64();
  if (preference === 'webgpu') {
    const gpu = await onDevice('webgpu');
    if (gpu !== undefined) return gpu;
  }
  return (await onDevice('wasm')) ?? float64();
}

const opened = new Map<JaxDevice['id'], Promise<JaxAlgebra | undefined>>();

async function float64(): Promise<LinearAlgebra> {
  const { Float64Algebra } = await import('./float64-algebra');
  return new Float64Algebra();
}

/** Undefined when there is no such device, it failed, or its code could not be loaded this time. */
async function onDevice(id: JaxDevice['id']): Promise<LinearAlgebra | undefined> {
  const opening = opened.get(id) ?? openDevice(id);
  opened.set(id, opening);
  try {
    const algebra = await opening;
    return algebra?.isLost === true ? undefined : algebra;
  } catch {
    opened.delete(id);
    return undefined;
  }
}

async function openDevice(id: JaxDevice['id']): Promise<JaxAlgebra | undefined> {
  const [{ JaxDevice }, { JaxAlgebra }] = await Promise.all([
    import('./jax-device'),
    import('./jax-algebra'),
  ]);
  const device = await JaxDevice.open(id);
  return device && new JaxAlgebra(device);
}
