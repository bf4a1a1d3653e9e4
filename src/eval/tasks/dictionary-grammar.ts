import type { Gender, Language, Noun } from './dictionary';

/** An adjective with the forms that the sentences of this domain need. */
export interface Adjective {
  readonly en: string;
  readonly isColour: boolean;
  /** French puts it after the noun, and German inflects it by adding "e" after an article. */
  readonly isAttributive: boolean;
  readonly forms: Readonly<Record<Language, Readonly<Record<Gender, string>>>>;
}

// English: French m f, Spanish m f, German (uninflected), Russian m f n.
const colourRows = `
red: rouge rouge, rojo roja, rot, красный красная красное
green: vert verte, verde verde, grün, зелёный зелёная зелёное
blue: bleu bleue, azul azul, blau, синий синяя синее
white: blanc blanche, blanco blanca, weiß, белый белая белое
black: noir noire, negro negra, schwarz, чёрный чёрная чёрное
yellow: jaune jaune, amarillo amarilla, gelb, жёлтый жёлтая жёлтое
grey: gris grise, gris gris, grau, серый серая серое
`;

const attributiveRows = `
round: rond ronde, redondo redonda, rund, круглый круглая круглое
clean: propre propre, limpio limpia, sauber, чистый чистая чистое
cold: froid froide, frío fría, kalt, холодный холодная холодное
heavy: lourd lourde, pesado pesada, schwer, тяжёлый тяжёлая тяжёлое
slow: lent lente, lento lenta, langsam, медленный медленная медленное
fast: rapide rapide, rápido rápida, schnell, быстрый быстрая быстрое
`;

const otherRows = `
big: grand grande, grande grande, groß, большой большая большое
small: petit petite, pequeño pequeña, klein, маленький маленькая маленькое
new: nouveau nouvelle, nuevo nueva, neu, новый новая новое
old: vieux vieille, viejo vieja, alt, старый старая старое
strong: fort forte, fuerte fuerte, stark, сильный сильная сильное
rich: riche riche, rico rica, reich, богатый богатая богатое
young: jeune jeune, joven joven, jung, молодой молодая молодое
full: plein pleine, lleno llena, voll, полный полная полное
empty: vide vide, vacío vacía, leer, пустой пустая пустое
`;

function parseRows(rows: string, isColour: boolean, isAttributive: boolean): Adjective[] {
  const toForms = (text = ''): Record<Gender, string> => {
    const [m = '', f = m, n = m] = text.split(' ');
    return { m, f, n };
  };
  return rows
    .trim()
    .split('\n')
    .map((row) => {
      const [en = '', rest = ''] = row.split(': ');
      const [fr, es, de, ru] = rest.split(', ');
      const forms = { fr: toForms(fr), es: toForms(es), de: toForms(de), ru: toForms(ru) };
      return { en, isColour, isAttributive, forms };
    });
}

export const allAdjectives: readonly Adjective[] = [
  ...parseRows(colourRows, true, true),
  ...parseRows(attributiveRows, false, true),
  ...parseRows(otherRows, false, false),
];

const definiteArticles: Readonly<Record<'es' | 'de', Readonly<Record<Gender, string>>>> = {
  es: { m: 'el', f: 'la', n: 'el' },
  de: { m: 'der', f: 'die', n: 'das' },
};

/** The noun with its definite article ("l'école", "der Hund"); Russian has none. */
export function withArticle(noun: Noun, language: Language): string {
  const { word, gender } = noun[language];
  if (language === 'ru') return word;
  if (language !== 'fr') return `${definiteArticles[language][gender]} ${word}`;
  // French elides before a vowel; the dictionary has no aspirated h.
  if (/^[aeiouhéèêâœ]/.test(word)) return `l'${word}`;
  return `${gender === 'f' ? 'la' : 'le'} ${word}`;
}

/** "le chien rouge", "der rote Hund", "красная собака"; needs an attributive adjective. */
export function describeNoun(noun: Noun, adjective: Adjective, language: Language): string {
  const { word, gender } = noun[language];
  const form = adjective.forms[language][gender];
  if (language === 'de') return `${definiteArticles.de[gender]} ${form}e ${word}`;
  if (language === 'ru') return `${form} ${word}`;
  return `${withArticle(noun, language)} ${form}`;
}

const copulas: Readonly<Record<Language, string>> = { fr: 'est ', es: 'es ', de: 'ist ', ru: '' };

/** "le chien est rouge", without a capital or a full stop. */
export function stateQuality(noun: Noun, adjective: Adjective, language: Language): string {
  const form = adjective.forms[language][noun[language].gender];
  return `${withArticle(noun, language)} ${copulas[language]}${form}`;
}

export function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export type Conjunction = 'and' | 'or';

const conjunctions: Readonly<Record<Language, Readonly<Record<Conjunction, string>>>> = {
  fr: { and: 'et', or: 'ou' },
  es: { and: 'y', or: 'o' },
  de: { and: 'und', or: 'oder' },
  ru: { and: 'и', or: 'или' },
};

/** "chien et chat". Spanish "y" is "e" before an i sound, and "o" is "u" before an o sound. */
export function conjoin(
  first: string,
  conjunction: Conjunction,
  second: string,
  language: Language,
): string {
  let link = conjunctions[language][conjunction];
  if (language === 'es' && conjunction === 'and' && /^h?i(?!e)/.test(second)) link = 'e';
  if (language === 'es' && conjunction === 'or' && /^h?[oó]/.test(second)) link = 'u';
  return `${first} ${link} ${second}`;
}
