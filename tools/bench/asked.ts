/**
 * Whether a benchmark is to measure one of its cases: an environment variable such as
 * `SIZES=1b` or `METHODS=ties,linear` names those wanted, and without it all are.
 */
export function isAsked(
  variable: 'SIZES' | 'METHODS' | 'SOURCES' | 'OUTPUTS',
  name: string,
): boolean {
  const asked = process.env[variable];
  return asked === undefined || asked.split(',').includes(name);
}
