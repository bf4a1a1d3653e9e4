import { codingKinds } from './coding';
import { generalKinds } from './general';
import { instructionKinds } from './instruction';
import { mathKinds } from './math';
import { multilingualKinds } from './multilingual';
import { safetyKinds } from './safety';
import type { DomainId, TaskKind } from './task';

/** Every kind of question, by domain. */
export const kindsByDomain: Readonly<Record<DomainId, readonly TaskKind[]>> = {
  instruction: instructionKinds,
  math: mathKinds,
  multilingual: multilingualKinds,
  coding: codingKinds,
  safety: safetyKinds,
  general: generalKinds,
};

/** The domains that have a specialist: all but `general`. */
export const specialistDomains = [
  'instruction',
  'math',
  'multilingual',
  'coding',
  'safety',
] as const satisfies readonly DomainId[];
export type SpecialistDomain = (typeof specialistDomains)[number];

/** Every kind of question of all domains. */
export const allKinds: readonly TaskKind[] = Object.values(kindsByDomain).flat();
