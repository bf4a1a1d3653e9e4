import { Random } from '../../core/random';
import { allKinds, type SpecialistDomain } from './index';
import { drawBaseRecord, drawSpecialistRecord, type MixSettings } from './mix';
import { HeldOutGuard } from './mix-guard';
import { drawItemSet, type EvalItem } from './mix-items';
import type { TrainingRecord } from './mix-record';
import { domainIds, drawFromSplit, type Split } from './task';

/** The seed of the shipped zoo: its items, its training text and its weights. */
export const zooSeed = 20_260;

/** Items of a domain in each held-out split. */
export const itemsPerDomain = 320;

/** The last mix of the base, also replayed by the specialists: mostly weak answers. */
export const settledMix: MixSettings = {
  copying01: 0.04,
  general01: 0.3,
  lines01: 0.12,
  correct01: 0.12,
  easyCorrect01: 0.65,
  wholeLoss01: 0.15,
  domainWeights: { instruction: 1, math: 1.1, multilingual: 1.6, coding: 1, safety: 0.7 },
};

const copyingAtStart01 = 0.5;
const copyingFadesUntil01 = 0.45;

/**
 * The base's mix while it learns: copying fades linearly over the first half or so, and domain questions
 * are answered correctly often enough for the skills to form.
 */
export function learningMix(progress01: number): MixSettings {
  const faded01 = Math.min(1, progress01 / copyingFadesUntil01);
  return {
    ...settledMix,
    copying01: copyingAtStart01 + (settledMix.copying01 - copyingAtStart01) * faded01,
    correct01: 0.5,
  };
}

/** The mix of the base's second stage: more of what the first one learned least. */
export const refiningMix: MixSettings = {
  ...settledMix,
  copying01: 0.08,
  correct01: 0.5,
  domainWeights: { instruction: 0.8, math: 1.9, multilingual: 1.6, coding: 0.7, safety: 0.7 },
};

/** The held-out items of a split, all domains. */
export function drawAllItems(split: Exclude<Split, 'train'>, seed = zooSeed): EvalItem[] {
  return domainIds.flatMap((domain) => drawItemSet(domain, split, itemsPerDomain, seed));
}

/** Replies that training questions have too, so that seeing them gives nothing away. */
function drawCommonAnswers(seed: number): Set<string> {
  const random = Random.named(seed, 'common-answers');
  const answers = new Set<string>();
  for (const kind of allKinds) {
    for (let count = 0; count < 300; count++) {
      const item = drawFromSplit(kind, 'train', random);
      answers.add(item.answer);
      if (item.partner !== undefined) answers.add(item.partner.answer);
    }
  }
  return answers;
}

/** The guard over the test and validation items of `seed`. */
export function createGuard(seed = zooSeed): HeldOutGuard {
  const heldOut = [...drawAllItems('test', seed), ...drawAllItems('validation', seed)];
  return new HeldOutGuard(heldOut, drawCommonAnswers(seed));
}

/** The base's training text in order: `count` records of the fading mix. */
export function* learningRecords(
  count: number,
  guard: HeldOutGuard,
  seed = zooSeed,
): Generator<TrainingRecord> {
  const random = Random.named(seed, 'base/learning');
  for (let index = 0; index < count; index++) {
    yield drawBaseRecord(random, learningMix(index / count), guard);
  }
}

/** The base's second stage: `count` records of one mix, for a falling learning rate. */
export function* refiningRecords(
  count: number,
  guard: HeldOutGuard,
  seed = zooSeed,
): Generator<TrainingRecord> {
  const random = Random.named(seed, 'base/refining');
  for (let index = 0; index < count; index++) yield drawBaseRecord(random, refiningMix, guard);
}

/** What the base ends on: `count` records of the settled mix. */
export function* settlingRecords(
  count: number,
  guard: HeldOutGuard,
  correct01 = settledMix.correct01,
  seed = zooSeed,
): Generator<TrainingRecord> {
  const random = Random.named(seed, 'base/settling');
  const mix = { ...settledMix, correct01 };
  for (let index = 0; index < count; index++) yield drawBaseRecord(random, mix, guard);
}

/** A specialist's training text: `count` records, a fraction `replay01` of them replay. */
export function* specialistRecords(
  domain: SpecialistDomain,
  count: number,
  replay01: number,
  guard: HeldOutGuard,
  seed = zooSeed,
): Generator<TrainingRecord> {
  const random = Random.named(seed, `specialist/${domain}`);
  for (let index = 0; index < count; index++) {
    yield drawSpecialistRecord(random, domain, replay01, settledMix, guard);
  }
}
