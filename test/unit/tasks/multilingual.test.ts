import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/core/random';
import { scoreReply } from '../../../src/eval/scorers/score-reply';
import { allNouns, languageNames, languages } from '../../../src/eval/tasks/dictionary';
import {
  allAdjectives,
  conjoin,
  describeNoun,
  stateQuality,
  withArticle,
} from '../../../src/eval/tasks/dictionary-grammar';
import { numberWords, people, verbPhrases } from '../../../src/eval/tasks/dictionary-sentences';
import { drawMultilingualLine } from '../../../src/eval/tasks/lines-multilingual';
import { multilingualKinds } from '../../../src/eval/tasks/multilingual';
import { splitOf } from '../../../src/eval/tasks/task';
import { drawMany, expectDisjointSplits, expectWellFormed, normalisePrompt } from './domain-checks';

function findNoun(en: string) {
  const noun = allNouns.find((candidate) => candidate.en === en);
  if (!noun) throw new Error(`no noun ${en}`);
  return noun;
}

function findAdjective(en: string) {
  const adjective = allAdjectives.find((candidate) => candidate.en === en);
  if (!adjective) throw new Error(`no adjective ${en}`);
  return adjective;
}

describe('the dictionary', () => {
  it('has the promised size, all entries filled and composed (NFC)', () => {
    expect(allNouns.length).toBeGreaterThanOrEqual(90);
    expect(allAdjectives.length).toBeGreaterThanOrEqual(20);
    expect(verbPhrases.length).toBeGreaterThanOrEqual(12);
    for (const language of languages) {
      expect(numberWords[language]).toHaveLength(20);
      const texts = [
        ...allNouns.map((noun) => noun[language].word),
        ...allAdjectives.flatMap((adjective) => Object.values(adjective.forms[language])),
        ...[...verbPhrases, ...people].map((phrase) => phrase[language]),
        ...numberWords[language],
      ];
      for (const text of texts) {
        expect(text, language).toMatch(language === 'ru' ? /^[а-яё ]+$/i : /^[a-zß-ÿ' -]+$/i);
        expect(text.normalize('NFC')).toBe(text);
      }
    }
  });

  it('has no word that is right in two ways: all words differ, in and across languages', () => {
    const words = [
      ...allNouns.map((noun) => noun.en),
      ...allNouns.flatMap((noun) => languages.map((language) => noun[language].word.toLowerCase())),
    ];
    expect(words.filter((word, index) => words.indexOf(word) !== index)).toEqual([]);
  });

  it('agrees gender with what the endings of Russian nouns show', () => {
    for (const noun of allNouns) {
      const { word, gender } = noun.ru;
      if (/[ая]$/.test(word)) expect(gender, word).toBe('f');
      else if (/[оеё]$/.test(word)) expect(gender, word).toBe('n');
      else if (!word.endsWith('ь')) expect(gender, word).toBe('m');
    }
  });

  it('gives German nouns a capital and Spanish endings their usual gender', () => {
    for (const noun of allNouns) {
      expect(noun.de.word).toMatch(/^[A-ZÄÖÜ]/);
      if (noun.es.word.endsWith('a') && noun.es.word !== 'día') expect(noun.es.gender).toBe('f');
      if (noun.es.word.endsWith('o')) expect(noun.es.gender, noun.es.word).toBe('m');
      expect(noun.fr.gender).not.toBe('n');
      expect(noun.es.gender).not.toBe('n');
    }
  });

  it('puts articles and endings as the languages do', () => {
    expect(withArticle(findNoun('school'), 'fr')).toBe("l'école");
    expect(withArticle(findNoun('house'), 'fr')).toBe('la maison');
    expect(withArticle(findNoun('girl'), 'de')).toBe('das Mädchen');
    expect(withArticle(findNoun('needle'), 'es')).toBe('la aguja');
    expect(describeNoun(findNoun('cat'), findAdjective('white'), 'de')).toBe('die weiße Katze');
    expect(describeNoun(findNoun('house'), findAdjective('green'), 'fr')).toBe('la maison verte');
    expect(describeNoun(findNoun('milk'), findAdjective('blue'), 'ru')).toBe('синее молоко');
    expect(describeNoun(findNoun('mountain'), findAdjective('red'), 'es')).toBe('la montaña roja');
    expect(stateQuality(findNoun('apple'), findAdjective('red'), 'ru')).toBe('яблоко красное');
    expect(stateQuality(findNoun('star'), findAdjective('old'), 'fr')).toBe("l'étoile est vieille");
  });

  it('changes Spanish "y" and "o" before their own sound only', () => {
    expect(conjoin('pan', 'or', 'oso', 'es')).toBe('pan u oso');
    expect(conjoin('pan', 'or', 'hoja', 'es')).toBe('pan u hoja');
    expect(conjoin('pan', 'and', 'hierro', 'es')).toBe('pan y hierro');
    expect(conjoin('pan', 'and', 'hijo', 'es')).toBe('pan e hijo');
    expect(conjoin('pain', 'or', 'os', 'fr')).toBe('pain ou os');
  });
});

describe('multilingual questions', () => {
  it('are well formed, short, and occur in every split', () => {
    expectWellFormed(multilingualKinds, 'multilingual');
  });

  it.each(multilingualKinds)('$id: the answer passes and the weak answer fails', (kind) => {
    const items = drawMany(kind, 3000);
    expect(items.filter((item) => !scoreReply(item.check, item.answer).passed)).toEqual([]);
    expect(items.filter((item) => scoreReply(item.check, item.weakAnswer).passed)).toEqual([]);
  });

  it('put the right option at every letter about equally often', () => {
    for (const id of ['multilingual/choose-meaning', 'multilingual/choose-word']) {
      const kind = multilingualKinds.find((candidate) => candidate.id === id);
      const items = kind ? drawMany(kind, 3000) : [];
      for (const letter of ['(a)', '(b)', '(c)']) {
        const count = items.filter((item) => item.answer.endsWith(letter)).length;
        // 1000 expected; six standard deviations of a binomial are 155.
        expect(Math.abs(count - 1000)).toBeLessThan(155);
      }
      for (const item of items) expect(item.prompt).toContain(item.answer);
    }
  });

  it('accept е for ё', () => {
    const items = multilingualKinds.flatMap((kind) => drawMany(kind, 500));
    const withYo = items.filter((item) => item.answer.includes('ё'));
    expect(withYo.length).toBeGreaterThan(20);
    for (const item of withYo) {
      expect(scoreReply(item.check, item.answer.replaceAll('ё', 'е')).passed).toBe(true);
    }
  });

  it('share no prompt between splits', () => {
    expectDisjointSplits(multilingualKinds, 4000);
  });
});

describe('multilingual lines', () => {
  it('state no held-out word, pair or sentence', () => {
    const random = new Random(5);
    const lines = Array.from({ length: 40_000 }, () => drawMultilingualLine(random));
    const distinct = new Set(lines);
    const singles = new Set<string>();
    for (const line of distinct) {
      const [, english = '', entries = ''] = /^(\S+): ([A-Z].*)\.$/.exec(line) ?? [];
      for (const entry of entries.split(', ')) singles.add(`${english}|${entry}`);
      const [, word = '', language = '', en = ''] = /^(\S+) is (\w+) for (\S+)\.$/.exec(line) ?? [];
      singles.add(`${en}|${language} ${word}`);
    }
    let checked = 0;
    for (const kind of multilingualKinds) {
      for (const item of drawMany(kind, 3000)) {
        if (splitOf(item) === 'train') continue;
        checked++;
        const [language, en = ''] = item.contentKey.split('|');
        const spoken = languages.find((candidate) => candidate === language);
        if (/\/word(-back)?$/.test(kind.id) && spoken) {
          const entry = `${en}|${languageNames[spoken]} ${findNoun(en)[spoken].word}`;
          expect(singles.has(entry), entry).toBe(false);
        }
        const strip = (text: string): string => text.replace(/\.$/, '');
        const [source, reply] = [strip(item.weakAnswer), strip(item.answer)];
        expect(distinct.has(`${source} = ${reply}`), item.contentKey).toBe(false);
        expect(distinct.has(`${reply} = ${source}`), item.contentKey).toBe(false);
      }
    }
    expect(checked).toBeGreaterThan(5000);
    // The lines do state what training may know.
    expect(singles.size).toBeGreaterThan(200);
  });

  it('hold no held-out prompt', () => {
    const random = new Random(6);
    const lines = new Set(
      Array.from({ length: 20_000 }, () => normalisePrompt(drawMultilingualLine(random))),
    );
    const items = multilingualKinds.flatMap((kind) => drawMany(kind, 1000));
    const heldOut = items.filter((item) => splitOf(item) !== 'train');
    expect(heldOut.filter((item) => lines.has(normalisePrompt(item.prompt)))).toEqual([]);
  });
});
