import type { ModelPlace } from '../../rpc/lab';
import type { StorageDetails, StoredModel } from '../../store/storage-details';
import type { Kept } from './cost-sheet';

/** What is kept of chosen models; nothing while storage was not looked at. */
export function keptBytes(details: StorageDetails | undefined): Kept {
  const stored = details?.models ?? [];
  return {
    freeBytes:
      details === undefined || details.quotaBytes === 0
        ? undefined
        : details.freeBytes + details.evictableBytes,
    storedBytesOf: ({ place }) =>
      stored.reduce(
        (most, model) => (isOf(model, place) ? Math.max(most, model.storedBytes) : most),
        0,
      ),
  };
}

function isOf({ id, source }: StoredModel, place: ModelPlace): boolean {
  if (place.kind === 'zoo') return id === `zoo/${place.id}`;
  if (place.kind !== 'hub' || source?.repo !== place.repo) return false;
  return [source.revision, source.commit].includes(place.revision);
}
