import type { Random } from '../../core/random';
import { coreNouns } from './dictionary';
import { allAdjectives, capitalise, stateQuality, withArticle } from './dictionary-grammar';
import { colourQuestions, people, verbPhrases, whoQuestions } from './dictionary-sentences';
import {
  drawLanguage,
  drawNouns,
  languageKind,
  nameOf,
  unordered,
  type LanguageQuestion,
} from './multilingual-kind';
import type { TaskKind } from './task';

const colours = allAdjectives.filter((adjective) => adjective.isColour);
const letters = ['a', 'b', 'c'] as const;

/** Three lettered options of which one is right; the letter alone counts too. */
function drawOptions(
  random: Random,
  right: string,
  wrong: readonly string[],
): Pick<LanguageQuestion, 'answers'> & { readonly options: string } {
  const texts = random.shuffled([right, ...wrong]);
  const letter = letters[texts.indexOf(right)] ?? 'a';
  return {
    options: texts.map((text, index) => `${text} (${letters[index] ?? ''})`).join(', '),
    // The word before its letter: a small model translates first and then copies what follows it.
    answers: [`${right} (${letter})`, `(${letter})`, letter, `(${letter}) ${right}`],
  };
}

const chooseMeaning = languageKind(
  'choose-meaning',
  (random) => {
    const language = drawLanguage(random);
    const [noun, ...others] = drawNouns(random, 3);
    if (!noun) throw new RangeError('A noun is needed');
    const wrong = others.map((other) => other.en);
    const { options, answers } = drawOptions(random, noun.en, wrong);
    return {
      content: [language, noun.en, ...unordered(wrong)],
      wordings: [
        'What does {source} mean? Choose: {options}',
        'Choose the meaning of {source}: {options}',
      ],
      values: { source: noun[language].word, options },
      answers,
      echo: noun[language].word,
    };
  },
  { share: 1.9 },
);

const chooseWord = languageKind(
  'choose-word',
  (random) => {
    const language = drawLanguage(random);
    const [noun, ...others] = drawNouns(random, 3);
    if (!noun) throw new RangeError('A noun is needed');
    const wrong = others.map((other) => other[language].word);
    const { options, answers } = drawOptions(random, noun[language].word, wrong);
    return {
      content: [language, noun.en, ...unordered(others.map((other) => other.en))],
      wordings: [
        'Which is {source} in {language}? Choose: {options}',
        'Choose the {language} word for {source}: {options}',
      ],
      values: { language: nameOf(language), source: noun.en, options },
      answers,
      echo: noun.en,
    };
  },
  { share: 1.9 },
);

const readColour = languageKind('read-colour', (random) => {
  const language = drawLanguage(random);
  const noun = random.pick(coreNouns);
  const colour = random.pick(colours);
  const thing = withArticle(noun, language);
  const statement = capitalise(stateQuality(noun, colour, language));
  return {
    content: [language, noun.en, colour.en],
    wordings: [`{statement}. ${colourQuestions[language]}`],
    values: { statement, thing },
    answers: [colour.forms[language][noun[language].gender]],
    echo: `${capitalise(thing)}.`,
  };
});

const readWho = languageKind(
  'read-who',
  (random) => {
    const language = drawLanguage(random);
    const [first, second] = random.sample(people, 2);
    const [does, alsoDoes] = random.sample(verbPhrases, 2);
    if (!first || !second || !does || !alsoDoes) throw new RangeError('Two people are needed');
    const asksFirst = random.chance(0.5);
    return {
      content: [
        language,
        ...unordered([`${first.en} ${does.en}`, `${second.en} ${alsoDoes.en}`]),
        asksFirst ? does.en : alsoDoes.en,
      ],
      wordings: [
        `{first} {does}. {second} {alsoDoes}. ${whoQuestions[language].replace('does', 'asked')}`,
      ],
      values: {
        first: first[language],
        does: does[language],
        second: second[language],
        alsoDoes: alsoDoes[language],
        asked: asksFirst ? does[language] : alsoDoes[language],
      },
      answers: [asksFirst ? first[language] : second[language]],
      echo: capitalise(`${asksFirst ? does[language] : alsoDoes[language]}.`),
    };
  },
  { share: 0.8, tail: true },
);

/** Multiple choice, and questions in the language about a sentence in the language. */
export const readingKinds: readonly TaskKind[] = [chooseMeaning, chooseWord, readColour, readWho];
