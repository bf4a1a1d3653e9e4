import { domainIds, type DomainId } from '../../eval/tasks/task';

/** What each colour of the series is also the colour of, as in tokens.css. */
const series: readonly (DomainId | undefined)[] = [
  ...(['math', 'coding', 'multilingual', 'safety', 'instruction'] as const),
  ...[undefined, undefined, undefined],
];

/** The colour of a domain, and of the specialist that is named after it. */
export function domainColour(domain: string): string {
  return `var(--domain-${domain})`;
}

/**
 * A specialist's colour: its domain's if it has that name, else one that no domain among them has, by
 * its place.
 * @param ids of all specialists
 */
export function specialistColour(id: string, ids: readonly string[]): string {
  const isDomain = (name: string): boolean => domainIds.some((domain) => domain === name);
  if (isDomain(id)) return domainColour(id);
  const free = series.flatMap((domain, place) =>
    domain !== undefined && ids.includes(domain) ? [] : [place],
  );
  const place = Math.max(0, ids.filter((other) => !isDomain(other)).indexOf(id));
  return `var(--series-${free[place % free.length] ?? 0})`;
}
