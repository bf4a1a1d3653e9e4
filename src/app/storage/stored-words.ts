import type { StoredModel } from '../../store/storage-details';
import { bytesText } from '../state/format';

const dayMs = 24 * 60 * 60 * 1000;

const driverWords: Readonly<Record<NonNullable<StoredModel['driver']>, string>> = {
  indexeddb: 'in the database',
  opfs: 'in private files',
};

/** What a stored model is, whether not all of it is there, when it was used and where it lies. */
export function storedFacts(model: StoredModel, nowMs: number): string {
  const facts = [
    wordOf(model),
    model.isComplete ? '' : `partial: ${bytesText(model.totalBytes)} in all`,
    model.isInUse ? 'in use now' : `used ${agoText(nowMs - model.lastUsedAtMs)}`,
    model.driver === undefined ? '' : driverWords[model.driver],
  ];
  return facts.filter((fact) => fact !== '').join(' · ');
}

function wordOf({ id, kind }: StoredModel): string {
  if (kind === 'merge') return 'merged here';
  return id.startsWith('zoo/') ? 'of the zoo' : 'download';
}

function agoText(agoMs: number): string {
  const days = Math.floor(agoMs / dayMs);
  if (days < 1) return 'today';
  if (days < 2) return 'yesterday';
  return days < 60 ? `${days} days ago` : `${Math.round(days / 30)} months ago`;
}
