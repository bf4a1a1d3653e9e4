import type { Random } from '../../core/random';
import { copyingKinds } from './copying';
import { plainRecord, questionRecord, type TrainingRecord } from './mix-record';
import { drawFromSplit } from './task';
import { describers, firstNames, things } from './words-things';

const pool: readonly string[] = [...things, ...describers, ...firstNames];

const codeLetters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

function randomCode(random: Random): string {
  return Array.from({ length: random.integer(2, 5) }, () =>
    codeLetters.charAt(random.integer(0, codeLetters.length - 1)),
  ).join('');
}

/** Random words, numbers or codes: nothing in them can be known, only copied. */
function randomSequence(random: Random): string[] {
  const length = random.integer(3, 8);
  const draw = random.pick([
    () => random.pick(pool),
    () => random.pick(pool),
    () => String(random.integer(0, 99)),
    () => randomCode(random),
  ]);
  return Array.from({ length }, draw);
}

/**
 * A text that can be continued only by copying. Attention heads that copy form on these, and
 * without them a model this small answers without reading the prompt.
 */
export function drawCopyingRecord(random: Random): TrainingRecord {
  const form = random.integer(0, 9);
  if (form < 6) {
    const item = drawFromSplit(random.pick(copyingKinds), 'train', random);
    return questionRecord(item, true, random.chance(0.1));
  }
  const text = randomSequence(random).join(' ');
  if (form < 8) {
    return { source: 'copying/echo', prefix: text, completion: ` = ${text}`, wholeLoss: false };
  }
  const times = Array.from({ length: random.integer(2, 3) }, () => text);
  return plainRecord('copying/cycle', times.join(random.pick([' ', ', ', ' | '])));
}
