import type { Random } from '../../core/random';
import { allNouns, coreNouns, languageNames, languages, type Language } from './dictionary';
import { allAdjectives, conjoin, withArticle } from './dictionary-grammar';
import { numberWords, people, verbPhrases } from './dictionary-sentences';
import { drawLanguage, drawNouns, unordered } from './multilingual-kind';
import { splitOf } from './task';

/** Whether all kinds that ask for this content, in either direction, ask it in training only. */
function isForTraining(kindNames: readonly string[], content: readonly string[]): boolean {
  const contentKey = content.join('|');
  return kindNames.every(
    (name) => splitOf({ kind: `multilingual/${name}`, contentKey }) === 'train',
  );
}

/** Whether a line may say that this noun has this translation: no held-out question asks for it. */
export function mayStateWord(language: Language, english: string): boolean {
  return isForTraining(['word', 'word-back'], [language, english]);
}

function drawDictionaryLine(random: Random): string | undefined {
  const noun = random.pick(random.chance(0.5) ? coreNouns : allNouns);
  const entries = languages
    .filter((language) => mayStateWord(language, noun.en))
    .map((language) => `${languageNames[language]} ${noun[language].word}`);
  return entries.length === 0 ? undefined : `${noun.en}: ${entries.join(', ')}.`;
}

function drawMeaningLine(random: Random): string | undefined {
  const language = drawLanguage(random);
  const noun = random.pick(allNouns);
  if (!mayStateWord(language, noun.en)) return undefined;
  return `${noun[language].word} is ${languageNames[language]} for ${noun.en}.`;
}

function drawPairLine(random: Random): string | undefined {
  const language = drawLanguage(random);
  const [first, second] = drawNouns(random, 2);
  if (!first || !second) return undefined;
  const conjunction = random.pick(['and', 'or'] as const);
  const content = [language, conjunction, ...unordered([first.en, second.en])];
  if (!isForTraining(['pair', 'pair-back', 'which-language'], content)) return undefined;
  const foreign = conjoin(first[language].word, conjunction, second[language].word, language);
  return `${first.en} ${conjunction} ${second.en} = ${foreign}`;
}

function drawSentenceLine(random: Random): string | undefined {
  const language = drawLanguage(random);
  const who = random.pick(people);
  const does = random.pick(verbPhrases);
  if (!isForTraining(['sentence', 'sentence-back'], [language, who.en, does.en])) return undefined;
  return `${who.en} ${does.en} = ${who[language]} ${does[language]}`;
}

/** Adjectives are only asked for in pairs, so that one alone is never a held-out question. */
function drawQualityLine(random: Random): string {
  const adjective = random.pick(allAdjectives);
  const entries = languages.map(
    (language) => `${languageNames[language]} ${adjective.forms[language].m}`,
  );
  return `${adjective.en}: ${entries.join(', ')}.`;
}

/** Numbers are only asked for in pairs; a run of them gives each digit its word. */
function drawNumberLine(random: Random): string {
  const language = drawLanguage(random);
  const start = random.integer(1, 18);
  const entries = [start, start + 1, start + 2].map(
    (value) => `${String(value)} ${numberWords[language][value - 1] ?? ''}`,
  );
  return `${languageNames[language]} numbers: ${entries.join(', ')}.`;
}

/** Nouns with their articles and without English, which shows the genders. */
function drawArticleLine(random: Random): string {
  const language = drawLanguage(random);
  const nouns = random.sample(coreNouns, 3).map((noun) => withArticle(noun, language));
  return `${languageNames[language]}: ${nouns.join('; ')}.`;
}

const lineForms: readonly ((random: Random) => string | undefined)[] = [
  drawDictionaryLine,
  drawDictionaryLine,
  drawMeaningLine,
  drawPairLine,
  drawPairLine,
  drawSentenceLine,
  drawQualityLine,
  drawNumberLine,
  drawArticleLine,
];

/**
 * A line of vocabulary as plain text: dictionary entries, pairs, sentences, numbers, articles.
 *
 * A word, pair or sentence that some held-out question asks for is left out, in both directions.
 */
export function drawMultilingualLine(random: Random): string {
  for (;;) {
    const line = random.pick(lineForms)(random);
    if (line !== undefined) return line;
  }
}
