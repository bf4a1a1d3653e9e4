import { isAbort, LabError, sentenceOf } from '../core/errors';
import { nearestName } from '../recipe/nearest-name';
import type { Command } from './command';
import { evalCommand } from './eval-command';
import { exportCommand } from './export-command';
import { generateCommand } from './generate-command';
import { logitsCommand } from './logits-command';
import { mergeCommand } from './merge-command';
import { planCommand } from './plan-command';

const commands: readonly Command[] = [
  mergeCommand,
  planCommand,
  exportCommand,
  generateCommand,
  logitsCommand,
  evalCommand,
];

/**
 * Runs one subcommand.
 * @returns the exit status: 0, or 1 after one line `error CODE: sentence` on standard error
 */
export async function main(parameters: readonly string[]): Promise<number> {
  try {
    const [name, ...rest] = parameters;
    if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
      printHelp();
      return 0;
    }
    const command = commands.find((candidate) => candidate.name === name);
    if (command === undefined) throw unknownCommand(name);
    if (rest.includes('--help') || rest.includes('-h')) {
      console.log(`usage: ${command.usage}`);
      return 0;
    }
    await command.run(rest, stopSignal());
    return 0;
  } catch (error) {
    if (isAbort(error)) {
      console.error('Stopped; nothing was written.');
      return 1;
    }
    const code = error instanceof LabError ? error.code : 'internal';
    console.error(`error ${code}: ${sentenceOf(error).replaceAll('\n', ' ')}`);
    return 1;
  }
}

/** Fires at the first Ctrl+C, so that work can clean up; the second one ends the process as usual. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  process.once('SIGINT', () => {
    controller.abort();
  });
  return controller.signal;
}

function unknownCommand(name: string): LabError {
  const names = commands.map((command) => command.name);
  const meant = nearestName(name, names);
  const hint = meant === undefined ? `Commands are ${names.join(', ')}.` : `Use ${meant}.`;
  return new LabError('cli/usage', `"${name}" is not a command. ${hint}`);
}

function printHelp(): void {
  console.log('MergeLab merges language models and measures what the merge did.\n');
  console.log('usage: mergelab COMMAND …\n');
  for (const { name, summary } of commands) console.log(`  ${name.padEnd(10)} ${summary}`);
  console.log('\nmergelab COMMAND --help tells how to call one.');
}
