import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessCost {
  readonly elapsedMs: number;
  /** Largest resident memory of any process of the tree, as `time -v` states it; 0 if unknown. */
  readonly peakBytes: number;
}

const sampleEveryMs = 25;

/**
 * Runs a command to its end.
 * @throws Error with the end of its output when it fails
 */
export async function runProcess(
  command: string,
  parameters: readonly string[],
  options: { readonly folder: string; readonly variables?: Readonly<Record<string, string>> },
): Promise<ProcessCost> {
  const startMs = performance.now();
  const child = spawn(command, parameters, {
    cwd: options.folder,
    env: { ...process.env, ...options.variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (text: unknown): void => {
    output = (output + String(text)).slice(-2000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  let peakBytes = 0;
  // The kernel keeps the high-water mark, so that samples may be rare.
  const sampler = setInterval(() => {
    for (const id of processTree(child.pid)) peakBytes = Math.max(peakBytes, highWaterBytes(id));
  }, sampleEveryMs);
  try {
    const status = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    if (status !== 0) throw new Error(`${command} ${parameters.join(' ')} failed: ${output}`);
  } finally {
    clearInterval(sampler);
  }
  return { elapsedMs: performance.now() - startMs, peakBytes };
}

/** A process and all below it; empty where there is no /proc. */
function processTree(id: number | undefined): number[] {
  if (id === undefined) return [];
  try {
    const children = readdirSync(`/proc/${id}/task`).flatMap((thread) =>
      readFileSync(`/proc/${id}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
    );
    return [id, ...children.flatMap((child) => processTree(Number(child)))];
  } catch {
    return [id];
  }
}

function highWaterBytes(id: number): number {
  try {
    const text = readFileSync(`/proc/${id}/status`, 'utf8');
    return 1024 * Number(/VmHWM:\s+(\d+)/.exec(text)?.[1] ?? 0);
  } catch {
    return 0;
  }
}
