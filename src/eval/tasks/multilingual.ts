import type { Random } from '../../core/random';
import { allNouns, coreNouns, languages, type Language, type Noun } from './dictionary';
import {
  allAdjectives,
  capitalise,
  conjoin,
  describeNoun,
  type Conjunction,
} from './dictionary-grammar';
import { numberWords, people, verbPhrases } from './dictionary-sentences';
import {
  backWordings,
  drawLanguage,
  drawNouns,
  intoWordings,
  languageKind,
  nameOf,
  unordered,
} from './multilingual-kind';
import { readingKinds } from './multilingual-reading';
import type { TaskKind } from './task';

const attributiveAdjectives = allAdjectives.filter((adjective) => adjective.isAttributive);

/** The numbers that have words in the dictionary. */
const numberValues: readonly number[] = Array.from({ length: 20 }, (_unused, index) => index + 1);

const word = languageKind('word', (random) => {
  const language = drawLanguage(random);
  const noun = random.pick(random.chance(0.5) ? coreNouns : allNouns);
  return {
    content: [language, noun.en],
    wordings: intoWordings,
    values: { language: nameOf(language), source: noun.en },
    answers: [noun[language].word],
    echo: noun.en,
  };
});

const wordBack = languageKind('word-back', (random) => {
  const language = drawLanguage(random);
  const noun = random.pick(random.chance(0.5) ? coreNouns : allNouns);
  return {
    content: [language, noun.en],
    wordings: backWordings,
    values: { source: noun[language].word },
    answers: [noun.en],
    echo: noun[language].word,
  };
});

interface Pair {
  readonly language: Language;
  readonly conjunction: Conjunction;
  readonly english: string;
  readonly foreign: string;
  readonly content: readonly string[];
}

function drawPair(random: Random): Pair {
  const language = drawLanguage(random);
  const conjunction = random.pick(['and', 'or'] as const);
  const [first, second] = drawNouns(random, 2) as [Noun, Noun];
  return {
    language,
    conjunction,
    english: `${first.en} ${conjunction} ${second.en}`,
    foreign: conjoin(first[language].word, conjunction, second[language].word, language),
    content: [language, conjunction, ...unordered([first.en, second.en])],
  };
}

const pair = languageKind('pair', (random) => {
  const { language, english, foreign, content } = drawPair(random);
  return {
    content,
    wordings: intoWordings,
    values: { language: nameOf(language), source: english },
    answers: [foreign],
    echo: english,
  };
});

const pairBack = languageKind('pair-back', (random) => {
  const { english, foreign, content } = drawPair(random);
  return {
    content,
    wordings: backWordings,
    values: { source: foreign },
    answers: [english],
    echo: foreign,
  };
});

const list = languageKind('list', (random) => {
  const language = drawLanguage(random);
  const nouns = drawNouns(random, 3);
  const english = nouns.map((noun) => noun.en).join(', ');
  return {
    content: [language, ...unordered(nouns.map((noun) => noun.en))],
    wordings: intoWordings,
    values: { language: nameOf(language), source: english },
    answers: [nouns.map((noun) => noun[language].word).join(', ')],
    echo: english,
  };
});

const qualities = languageKind('qualities', (random) => {
  const language = drawLanguage(random);
  const conjunction = random.pick(['and', 'or'] as const);
  const [first, second] = random.sample(allAdjectives, 2);
  if (!first || !second) throw new RangeError('Two adjectives are needed');
  const english = `${first.en} ${conjunction} ${second.en}`;
  return {
    content: [language, conjunction, ...unordered([first.en, second.en])],
    wordings: intoWordings,
    values: { language: nameOf(language), source: english },
    answers: [conjoin(first.forms[language].m, conjunction, second.forms[language].m, language)],
    echo: english,
  };
});

const numbersInto = languageKind('numbers-into', (random) => {
  const language = drawLanguage(random);
  const [first = 1, second = 2] = random.sample(numberValues, 2);
  const words = numberWords[language];
  const digits = `${String(first)}, ${String(second)}`;
  return {
    content: [language, ...unordered([String(first), String(second)])],
    wordings: ['Write {source} in {language} words.', 'Say the numbers {source} in {language}.'],
    values: { language: nameOf(language), source: digits },
    answers: [`${words[first - 1] ?? ''}, ${words[second - 1] ?? ''}`],
    echo: digits,
  };
});

const numbersBack = languageKind(
  'numbers-back',
  (random) => {
    const language = drawLanguage(random);
    const [first = 1, second = 2] = random.sample(numberValues, 2);
    const words = numberWords[language];
    const source = `${words[first - 1] ?? ''}, ${words[second - 1] ?? ''}`;
    return {
      content: [language, ...unordered([String(first), String(second)])],
      wordings: ['Write {source} in digits.', 'Which numbers are these: {source}?'],
      values: { source },
      answers: [`${String(first)}, ${String(second)}`],
      echo: source,
    };
  },
  { share: 0.8 },
);

const sentence = languageKind('sentence', (random) => {
  const language = drawLanguage(random);
  const who = random.pick(people);
  const does = random.pick(verbPhrases);
  const english = `${who.en} ${does.en}.`;
  return {
    content: [language, who.en, does.en],
    wordings: ['Translate into {language}: {source}', 'Put into {language}: {source}'],
    values: { language: nameOf(language), source: english },
    answers: [`${who[language]} ${does[language]}.`],
    echo: english,
  };
});

const sentenceBack = languageKind('sentence-back', (random) => {
  const language = drawLanguage(random);
  const who = random.pick(people);
  const does = random.pick(verbPhrases);
  const foreign = `${who[language]} ${does[language]}.`;
  return {
    content: [language, who.en, does.en],
    wordings: ['Translate into English: {source}', 'Put into English: {source}'],
    values: { source: foreign },
    answers: [`${who.en} ${does.en}.`],
    echo: foreign,
  };
});

const whichLanguage = languageKind(
  'which-language',
  (random) => {
    const { language, foreign, content } = drawPair(random);
    return {
      content,
      wordings: ['Which language is this: {source}?', 'Name the language of {source}.'],
      values: { source: foreign },
      answers: [nameOf(language)],
      echo: foreign,
    };
  },
  { share: 0.6 },
);

const describedNoun = languageKind(
  'described-noun',
  (random) => {
    const language = drawLanguage(random);
    const noun = random.pick(coreNouns);
    const adjective = random.pick(attributiveAdjectives);
    const english = `the ${adjective.en} ${noun.en}`;
    return {
      content: [language, adjective.en, noun.en],
      wordings: intoWordings,
      values: { language: nameOf(language), source: english },
      answers: [describeNoun(noun, adjective, language)],
      echo: english,
    };
  },
  { share: 0.9, tail: true },
);

/** The Cartesian pairs of two different languages, none of them English. */
const directions = languages.flatMap((from) =>
  languages.filter((to) => to !== from).map((to) => ({ from, to })),
);

const between = languageKind(
  'between',
  (random) => {
    const { from, to } = random.pick(directions);
    const conjunction = random.pick(['and', 'or'] as const);
    const [first, second] = random.sample(coreNouns, 2) as [Noun, Noun];
    const source = conjoin(first[from].word, conjunction, second[from].word, from);
    return {
      content: [from, to, conjunction, ...unordered([first.en, second.en])],
      wordings: [
        'Translate from {from} into {to}: {source}',
        'Say the {from} words {source} in {to}.',
      ],
      values: { from: nameOf(from), to: nameOf(to), source },
      answers: [conjoin(first[to].word, conjunction, second[to].word, to)],
      echo: source,
    };
  },
  { share: 0.8, tail: true },
);

const twoSentences = languageKind(
  'two-sentences',
  (random) => {
    const language = drawLanguage(random);
    const [first, second] = random.sample(people, 2);
    const [does, alsoDoes] = random.sample(verbPhrases, 2);
    if (!first || !second || !does || !alsoDoes) throw new RangeError('Two people are needed');
    const english = `${first.en} ${does.en}. ${second.en} ${alsoDoes.en}.`;
    return {
      content: [language, first.en, does.en, second.en, alsoDoes.en],
      wordings: ['Translate into {language}: {source}', 'Put into {language}: {source}'],
      values: { language: nameOf(language), source: english },
      answers: [
        capitalise(
          `${first[language]} ${does[language]}. ${second[language]} ${alsoDoes[language]}.`,
        ),
      ],
      echo: english,
    };
  },
  { share: 0.8, tail: true },
);

/** Translation and multiple-choice comprehension between English and fr, es, de, ru. */
export const multilingualKinds: readonly TaskKind[] = [
  word,
  wordBack,
  pair,
  pairBack,
  list,
  qualities,
  numbersInto,
  numbersBack,
  sentence,
  sentenceBack,
  whichLanguage,
  ...readingKinds,
  describedNoun,
  between,
  twoSentences,
];
