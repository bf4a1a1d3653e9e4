import type { HubListing, HubSearchResult } from '../../sources/hub/listing';
import { bytesText, countText } from '../state/format';

/** Who gets to read a model. */
export const gateWords: Readonly<Record<HubListing['gate'], string>> = {
  open: 'open to everyone',
  auto: 'gated: open to who accepts its terms.',
  manual: 'gated: its owner lets in one by one.',
};

/** What a search tells of a model, in a line. */
export function resultFacts(result: HubSearchResult): string {
  const { parameterCount, weightBytes, licence, gated, downloadCount } = result;
  return [
    parameterCount === undefined ? '' : `${countText(parameterCount)} parameters`,
    weightBytes === undefined ? '' : bytesText(weightBytes),
    licence ?? '',
    gated ? 'gated' : '',
    `${countText(downloadCount)} downloads`,
  ]
    .filter((fact) => fact !== '')
    .join(' · ');
}
