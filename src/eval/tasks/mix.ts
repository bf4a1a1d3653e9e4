import type { Random } from '../../core/random';
import { kindsByDomain, specialistDomains, type SpecialistDomain } from './index';
import { drawCodingLine } from './lines-coding';
import { drawGeneralLine } from './lines-general';
import { drawMathLine } from './lines-math';
import { drawMultilingualLine } from './lines-multilingual';
import { drawCopyingRecord } from './mix-copying';
import type { HeldOutGuard } from './mix-guard';
import { plainRecord, questionRecord, type TrainingRecord } from './mix-record';
import { safetyWordKinds } from './safety-knowledge';
import { drawFromSplit, type DomainId, type TaskKind } from './task';

/** Shares of a training mix; fractions of records, not of tokens. */
export interface MixSettings {
  /** Copying exercises among all records. */
  readonly copying01: number;
  /** Of the rest: `general` questions, always answered correctly. */
  readonly general01: number;
  /** Of the rest: plain knowledge lines and questions about words. What then remains are questions of the five domains. */
  readonly lines01: number;
  /** Correct answers among the domain questions; the others get their weak answer. */
  readonly correct01: number;
  /** The same for the one easy kind of each domain, so that the base is not at zero. */
  readonly easyCorrect01: number;
  /** Records of which the whole text is learned, not only the answer. */
  readonly wholeLoss01: number;
  /** Relative frequency of the domains' questions; harder ones come more often. */
  readonly domainWeights: Readonly<Record<SpecialistDomain, number>>;
}

/** The kinds that the base answers correctly more often than not. */
export const easyKinds: ReadonlySet<string> = new Set([
  'instruction/repeat',
  'math/add',
  'multilingual/word',
  'coding/count-items',
  'safety/same-object',
]);

/** A question about a safety word: like a line, it is known to the base and never scored. */
function drawWordQuestion(random: Random): TrainingRecord {
  return questionRecord(drawFromSplit(random.pick(safetyWordKinds), 'train', random), true, false);
}

const knowledgeDraws: readonly (readonly [number, (random: Random) => TrainingRecord])[] = [
  [1.2, (random) => plainRecord('lines/general', drawGeneralLine(random))],
  [0.8, (random) => plainRecord('lines/math', drawMathLine(random))],
  [1.2, (random) => plainRecord('lines/multilingual', drawMultilingualLine(random))],
  [0.8, (random) => plainRecord('lines/coding', drawCodingLine(random))],
  [0.8, drawWordQuestion],
];

function pickWeighted<T>(random: Random, values: readonly T[], weightOf: (value: T) => number): T {
  let rest = random.next01() * values.reduce((sum, value) => sum + weightOf(value), 0);
  for (const value of values) {
    rest -= weightOf(value);
    if (rest < 0) return value;
  }
  return random.pick(values);
}

function pickKind(random: Random, domain: DomainId): TaskKind {
  return pickWeighted(random, kindsByDomain[domain], (kind) => kind.share ?? 1);
}

/** One training question of `domain`; of a safety pair, either half. */
export function drawQuestion(
  random: Random,
  domain: DomainId,
  correct01: number,
  settings: Pick<MixSettings, 'easyCorrect01' | 'wholeLoss01'>,
): TrainingRecord {
  const kind = pickKind(random, domain);
  const item = drawFromSplit(kind, 'train', random);
  const part = item.partner !== undefined && random.chance(0.5) ? item.partner : item;
  const share01 = easyKinds.has(kind.id) ? Math.max(correct01, settings.easyCorrect01) : correct01;
  return questionRecord(part, random.chance(share01), random.chance(settings.wholeLoss01));
}

function drawMixed(
  random: Random,
  settings: MixSettings,
  without: SpecialistDomain | undefined,
): TrainingRecord {
  if (random.chance(settings.copying01)) return drawCopyingRecord(random);
  const place = random.next01();
  if (place < settings.general01) return drawQuestion(random, 'general', 1, settings);
  if (place < settings.general01 + settings.lines01) {
    const [, draw] = pickWeighted(random, knowledgeDraws, ([weight]) => weight);
    return draw(random);
  }
  const domains = specialistDomains.filter((domain) => domain !== without);
  const domain = pickWeighted(random, domains, (name) => settings.domainWeights[name]);
  return drawQuestion(random, domain, settings.correct01, settings);
}

/** Draws until the guard agrees. @throws RangeError when it never does */
function drawAllowed(guard: HeldOutGuard, draw: () => TrainingRecord): TrainingRecord {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const record = draw();
    if (guard.allows(record)) return record;
  }
  throw new RangeError('The held-out guard refused a thousand training records in a row');
}

/** One record of the base's training text; without `without`'s domain if one is given. */
export function drawBaseRecord(
  random: Random,
  settings: MixSettings,
  guard: HeldOutGuard,
  without?: SpecialistDomain,
): TrainingRecord {
  return drawAllowed(guard, () => drawMixed(random, settings, without));
}

/**
 * One record of a specialist's training text: a correct answer of its own domain, or, with
 * probability `replay01`, a record of the base mix without that domain. The replay keeps what the
 * base does elsewhere, its weak answers included.
 */
export function drawSpecialistRecord(
  random: Random,
  domain: SpecialistDomain,
  replay01: number,
  settings: MixSettings,
  guard: HeldOutGuard,
): TrainingRecord {
  if (random.chance(replay01)) return drawBaseRecord(random, settings, guard, domain);
  return drawAllowed(guard, () => drawQuestion(random, domain, 1, settings));
}
