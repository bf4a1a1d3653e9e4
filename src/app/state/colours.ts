import { domainIds } from '../../eval/tasks/task';

const seriesCount = 8;

/** The colour of a domain, and of the specialist that is named after it. */
export function domainColour(domain: string): string {
  return `var(--domain-${domain})`;
}

/** A specialist's colour: its domain's if it has that name, else by its place in the collection. */
export function specialistColour(id: string, index: number): string {
  return domainIds.some((domain) => domain === id)
    ? domainColour(id)
    : `var(--series-${index % seriesCount})`;
}
