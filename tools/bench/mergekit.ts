import { execFileSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import type { ProcessCost } from './run-process';
import { runProcess } from './run-process';

/** `mergekit-yaml` on the PATH, or what the environment variable MERGEKIT names; undefined without. */
export function findMergekit(): string | undefined {
  const command = process.env['MERGEKIT'] ?? 'mergekit-yaml';
  try {
    execFileSync(command, ['--help'], { stdio: 'ignore' });
    return command;
  } catch {
    return undefined;
  }
}

/** What a merge by mergekit costs, from starting its process to its end; its output is deleted. */
export async function mergeTheirs(
  command: string,
  recipe: string,
  out: string,
  folder: string,
): Promise<ProcessCost> {
  // The card would look the models up on the Hub.
  const parameters = [recipe, out, '--no-write-model-card', '--random-seed', '1'];
  const variables = { HF_HUB_OFFLINE: '1' };
  const cost = await runProcess(command, parameters, { folder, variables });
  await rm(out, { recursive: true });
  return cost;
}
