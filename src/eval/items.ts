import { LabError } from '../core/errors';
import { parseCheck } from './parse-check';
import { fail, isRecord, readText } from './parse-field';
import { domainIds, type DomainId, type ItemCheck } from './tasks/task';

/** One prompt with what judges its reply. */
export interface ItemQuestion {
  readonly prompt: string;
  /** A correct reply; shown as the expected one. */
  readonly answer: string;
  readonly check: ItemCheck;
}

/** One line of an item file: the unit that counts once in a score. */
export interface EvalItem extends ItemQuestion {
  /** Unique in its file, such as `math-0001`. */
  readonly id: string;
  readonly domain: DomainId;
  /** `<domain>/<kind>`; the stratum. */
  readonly kind: string;
  /** Harder than the rest on purpose. */
  readonly tail: boolean;
  /** Safety: the benign look-alike. The item counts only when both replies are right. */
  readonly partner?: ItemQuestion;
}

const maxFileChars = 16 * 1024 * 1024;
const maxLineChars = 64 * 1024;
const maxItems = 100_000;

/**
 * Reads an item file: JSON Lines, one item a line, blank lines ignored.
 *
 * @param fileName names the file in errors
 * @returns the items in file order
 * @throws LabError `eval/bad-item` that names file, line and field; `format/too-large` for a file
 *   over 16 Mi characters, a line over 64 Ki, or more than 100,000 items
 */
export function parseItems(text: string, fileName: string): EvalItem[] {
  if (text.length > maxFileChars) throw tooLarge(fileName, 'characters', text.length, maxFileChars);
  const items: EvalItem[] = [];
  const knownIds = new Set<string>();
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const where = `${fileName}, line ${String(index + 1)}`;
    if (line.length > maxLineChars) throw tooLarge(where, 'characters', line.length, maxLineChars);
    if (items.length === maxItems) throw tooLarge(fileName, 'items', maxItems + 1, maxItems);
    const item = parseItem(line, where);
    if (knownIds.has(item.id)) fail(where, 'id', `must be unique, but "${item.id}" came before`);
    knownIds.add(item.id);
    items.push(item);
  }
  return items;
}

function parseItem(line: string, where: string): EvalItem {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new LabError('eval/bad-item', `${where} is not JSON; correct or remove the line.`, {
      cause: error,
    });
  }
  if (!isRecord(value)) fail(where, 'line', 'must be a JSON object');
  const domain = domainIds.find((id) => id === value['domain']);
  if (domain === undefined) fail(where, 'domain', `must be one of ${domainIds.join(', ')}`);
  const kind = readText(value, 'kind', where, 200);
  if (!kind.startsWith(`${domain}/`)) fail(where, 'kind', `must start with "${domain}/"`);
  const tail = value['tail'] ?? false;
  if (typeof tail !== 'boolean') fail(where, 'tail', 'must be true or false');
  const partner = value['partner'];
  if (partner !== undefined && !isRecord(partner)) fail(where, 'partner', 'must be an object');
  return {
    id: readText(value, 'id', where, 200),
    domain,
    kind,
    tail,
    ...parseQuestion(value, where),
    ...(partner === undefined ? {} : { partner: parseQuestion(partner, `${where}, partner`) }),
  };
}

function parseQuestion(value: Readonly<Record<string, unknown>>, where: string): ItemQuestion {
  return {
    prompt: readText(value, 'prompt', where, 16_384),
    answer: readText(value, 'answer', where, 16_384),
    check: parseCheck(value['check'], where),
  };
}

function tooLarge(where: string, unit: string, count: number, limit: number): LabError {
  return new LabError(
    'format/too-large',
    `${where} has ${String(count)} ${unit}, more than the ${String(limit)} allowed; split the file.`,
    { details: { count, limit } },
  );
}
