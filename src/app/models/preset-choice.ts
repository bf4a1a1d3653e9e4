import type { PresetFamily, PresetModel } from '../../sources/presets';
import { bytesText, countText } from '../state/format';
import { gateWords } from './gate-words';
import { hubModel, type ChosenModel } from './chosen-models.svelte';
import { mainRevision } from './hub-address';

/** A whole family on its way into the lab. */
export function chosenFamily({ base, specialists }: PresetFamily): {
  readonly models: readonly ChosenModel[];
  readonly baseId: string;
} {
  const models = [base, ...specialists].map(({ repo, weightBytes, licence, gate }) =>
    hubModel(repo, mainRevision, {
      sizeBytes: weightBytes,
      isGated: gate !== 'open',
      ...(licence === undefined ? {} : { licence }),
    }),
  );
  return { models, baseId: base.repo };
}

/** What a model is for, its size, licence and gate. */
export function modelFacts({
  role,
  parameterCount,
  weightBytes,
  licence,
  gate,
}: PresetModel): string {
  const size = `${countText(parameterCount)} parameters, ${bytesText(weightBytes)}`;
  return [role, size, licence ?? 'licence as its base', gateWords[gate]].join(' · ');
}

/** How many models, how large, under what licence and whether behind a gate. */
export function familyFacts({ base, specialists }: PresetFamily): string {
  const all = [base, ...specialists];
  const sizeBytes = all.reduce((sum, { weightBytes }) => sum + weightBytes, 0);
  const gated = all.filter(({ gate }) => gate !== 'open');
  const facts = [
    `${all.length} models`,
    bytesText(sizeBytes),
    base.licence ?? '',
    gated.length === 0 ? 'open' : gated.length === all.length ? 'gated' : 'the base is gated',
  ];
  return facts.filter((fact) => fact !== '').join(' · ');
}
