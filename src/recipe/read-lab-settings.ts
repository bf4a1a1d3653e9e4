import { isAbsent, type Located } from './located';
import type { Reading } from './reading';
import type { LabSettings } from './recipe';

/** Reads the key `mergelab`, which mergekit ignores. */
export function readLabSettings(
  node: Located | undefined,
  reading: Reading,
): LabSettings | undefined {
  if (isAbsent(node)) return undefined;
  if (node.kind !== 'map') {
    reading.badValue(node, 'mergelab must be a mapping, such as {seed: 1}. Correct it.');
    return undefined;
  }
  const fields = reading.fields(node, 'mergelab');
  const seed = reading.wholeNumber(fields.get('seed'), 'mergelab.seed', 0);
  const granularity = reading.choice(fields.get('granularity'), 'mergelab.granularity', [
    'tensor',
    'model',
  ]);
  const random = reading.choice(fields.get('random'), 'mergelab.random', ['lab', 'mergekit']);
  const notes = reading.text(fields.get('notes'), 'mergelab.notes');
  return {
    ...(seed === undefined ? {} : { seed }),
    ...(granularity === undefined ? {} : { granularity }),
    ...(random === undefined ? {} : { random }),
    ...(notes === undefined ? {} : { notes }),
  };
}
