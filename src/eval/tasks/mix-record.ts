import { domainIds, type DomainId, type DrawnItem, type TaskKind } from './task';

/** One training text. Loss is taken on `completion`, or on all of it when `wholeLoss`. */
export interface TrainingRecord {
  /** Where it comes from: a kind's id with `+` (correct) or `-` (weak) behind it, or `lines/...`. */
  readonly source: string;
  /** The prompt in chat form, or empty for plain text. */
  readonly prefix: string;
  readonly completion: string;
  readonly wholeLoss: boolean;
}

/** A prompt as every model of the zoo reads it, after the start token. */
export function formatPrompt(prompt: string): string {
  return `Q: ${prompt}\nA:`;
}

/** The record of a question with its correct or its weak answer. */
export function questionRecord(
  item: Pick<DrawnItem, 'kind' | 'prompt' | 'answer' | 'weakAnswer'>,
  correct: boolean,
  wholeLoss: boolean,
): TrainingRecord {
  return {
    source: `${item.kind}${correct ? '+' : '-'}`,
    prefix: formatPrompt(item.prompt),
    completion: ` ${correct ? item.answer : item.weakAnswer}`,
    wholeLoss,
  };
}

/** The record of plain text: nothing is asked, so all of it is predicted. */
export function plainRecord(source: string, text: string): TrainingRecord {
  return { source, prefix: '', completion: text, wholeLoss: true };
}

/** The domain in front of the slash of a kind's id. @throws RangeError for an unknown one */
export function domainOf(kind: Pick<TaskKind, 'id'>): DomainId {
  const name = kind.id.slice(0, kind.id.indexOf('/'));
  const domain = domainIds.find((id) => id === name);
  if (domain === undefined) throw new RangeError(`Task kind ${kind.id} has no known domain`);
  return domain;
}
