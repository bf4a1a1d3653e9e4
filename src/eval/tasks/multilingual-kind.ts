import type { Random } from '../../core/random';
import {
  allNouns,
  coreNouns,
  languages,
  languageNames,
  type Language,
  type Noun,
} from './dictionary';
import { fillTemplate } from './fill-template';
import type { DrawnItem, TaskKind } from './task';

/** A question before it is worded. */
export interface LanguageQuestion {
  /** The language and the words asked about; never the wording, the order or the direction. */
  readonly content: readonly string[];
  readonly wordings: readonly string[];
  /** Fills the wordings; `language` is an English language name. */
  readonly values: Readonly<Record<string, string>>;
  readonly answers: readonly [string, ...string[]];
  /** What an untuned model says: mostly the words it was given. */
  readonly echo: string;
}

/** Russian ё is often written е; both count. */
function withPlainYo(answers: readonly string[]): string[] {
  return [...new Set(answers.flatMap((answer) => [answer, answer.replaceAll('ё', 'е')]))];
}

/** A kind of question about words or sentences, judged by equality with one of the answers. */
export function languageKind(
  name: string,
  drawQuestion: (random: Random) => LanguageQuestion,
  options: { readonly share?: number; readonly tail?: boolean } = {},
): TaskKind {
  const id = `multilingual/${name}`;
  return {
    id,
    ...options,
    draw(random: Random): DrawnItem {
      const question = drawQuestion(random);
      return {
        kind: id,
        contentKey: question.content.join('|'),
        prompt: fillTemplate(random.pick(question.wordings), question.values),
        answer: question.answers[0],
        weakAnswer: question.echo,
        check: { type: 'exact', answers: withPlainYo(question.answers) },
      };
    },
  };
}

export function drawLanguage(random: Random): Language {
  return random.pick(languages);
}

/** Different nouns; core words are drawn more often, so that the rare ones are the harder part. */
export function drawNouns(random: Random, count: number): Noun[] {
  const drawn = new Set<Noun>();
  while (drawn.size < count) drawn.add(random.pick(random.chance(0.6) ? coreNouns : allNouns));
  return [...drawn];
}

/** Wordings that ask for `{source}` in `{language}`. */
export const intoWordings: readonly string[] = [
  'Translate into {language}: {source}',
  'Say {source} in {language}.',
  'What is {source} in {language}?',
];

/** Wordings that ask for the English of `{source}`. */
export const backWordings: readonly string[] = [
  'Translate into English: {source}',
  'Say {source} in English.',
  'What does {source} mean?',
];

/** The words of a question in one fixed order, so that swapping them gives the same question. */
export function unordered(words: readonly string[]): string[] {
  return [...words].sort((a, b) => (a < b ? -1 : 1));
}

export function nameOf(language: Language): string {
  return languageNames[language];
}
