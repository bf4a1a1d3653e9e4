import { afterAll } from 'vitest';
import { OracleBackend } from '../../../src/expr/oracle-backend';
import { WasmBackend } from '../../../src/wasm/wasm-backend';

/** Two rows of four, as run through mergekit 0.1.4 in float32; printed to seven digits. */
export const base = [1, -2, 0.5, 3, 0.25, 0, -1, 2];
export const a = [1.5, -2.25, 0.5, 2, 0.25, 0.5, -1.5, 2.5];
export const b = [0, -2, 1, 3.5, 0.5, 0.5, -0.25, 1];

/** The back ends that numbers of others are held against, freed when the file's tests are done. */
export function testedBackends(): readonly (OracleBackend | WasmBackend)[] {
  const wasm = new WasmBackend({ threadCount: 1 });
  afterAll(() => {
    wasm.dispose();
  });
  return [new OracleBackend(), wasm];
}
