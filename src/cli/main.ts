import { setMaxListeners } from 'node:events';
import { isAbort, LabError, sentenceOf } from '../core/errors';
import { nearestName } from '../recipe/nearest-name';
import type { Command } from './command';

/** Loaded when they are called: a merge starts 0.05 s sooner without the runtime that runs models. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  merge: async () => (await import('./merge-command')).mergeCommand,
  plan: async () => (await import('./plan-command')).planCommand,
  export: async () => (await import('./export-command')).exportCommand,
  generate: async () => (await import('./generate-command')).generateCommand,
  logits: async () => (await import('./logits-command')).logitsCommand,
  eval: async () => (await import('./eval-command')).evalCommand,
};

/** One signal ends all reads of a run, of a dozen models; Node takes more than ten for a leak. */
const mostListeners = 100;

/**
 * Runs one subcommand.
 * @returns the exit status: 0, or 1 after one line `error CODE: sentence` on standard error
 */
export async function main(parameters: readonly string[]): Promise<number> {
  setMaxListeners(mostListeners);
  try {
    const [name, ...rest] = parameters;
    if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
      await printHelp();
      return 0;
    }
    const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (load === undefined) throw unknownCommand(name);
    const command = await load();
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
  const names = Object.keys(commands);
  const meant = nearestName(name, names);
  const hint = meant === undefined ? `Commands are ${names.join(', ')}.` : `Use ${meant}.`;
  return new LabError('cli/usage', `"${name}" is not a command. ${hint}`);
}

async function printHelp(): Promise<void> {
  console.log('MergeLab merges language models and measures what the merge did.\n');
  console.log('usage: mergelab COMMAND …\n');
  for (const load of Object.values(commands)) {
    const { name, summary } = await load();
    console.log(`  ${name.padEnd(10)} ${summary}`);
  }
  console.log('\nmergelab COMMAND --help tells how to call one.');
}
