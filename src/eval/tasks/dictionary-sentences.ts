import type { Language } from './dictionary';

/** A phrase that stays the same with every name, in English and the four languages. */
export type Phrase = Readonly<Record<Language | 'en', string>>;

function parsePhrases(rows: string): readonly Phrase[] {
  return rows
    .trim()
    .split('\n')
    .map((row) => {
      const [en = '', fr = '', es = '', de = '', ru = ''] = row.split(' | ');
      return { en, fr, es, de, ru };
    });
}

/** What somebody does, in the third person singular. */
export const verbPhrases = parsePhrases(`
drinks milk | boit du lait | bebe leche | trinkt Milch | пьёт молоко
eats an apple | mange une pomme | come una manzana | isst einen Apfel | ест яблоко
reads a book | lit un livre | lee un libro | liest ein Buch | читает книгу
sees a dog | voit un chien | ve un perro | sieht einen Hund | видит собаку
buys bread | achète du pain | compra pan | kauft Brot | покупает хлеб
opens the door | ouvre la porte | abre la puerta | öffnet die Tür | открывает дверь
closes the window | ferme la fenêtre | cierra la ventana | schließt das Fenster | закрывает окно
writes a letter | écrit une lettre | escribe una carta | schreibt einen Brief | пишет письмо
looks for the key | cherche la clé | busca la llave | sucht den Schlüssel | ищет ключ
sings | chante | canta | singt | поёт
sleeps | dort | duerme | schläft | спит
works | travaille | trabaja | arbeitet | работает
dances | danse | baila | tanzt | танцует
laughs | rit | ríe | lacht | смеётся
`);

/** First names; Russian writes them in its own letters. */
export const people = parsePhrases(
  [
    'Anna Анна',
    'Maria Мария',
    'Olga Ольга',
    'Nina Нина',
    'Vera Вера',
    'Ivan Иван',
    'Anton Антон',
    'Max Макс',
    'Oscar Оскар',
    'Martin Мартин',
    'Victor Виктор',
    'Marta Марта',
    'Robert Роберт',
    'Clara Клара',
  ]
    .map((pair) => {
      const [latin = '', cyrillic = ''] = pair.split(' ');
      return [latin, latin, latin, latin, cyrillic].join(' | ');
    })
    .join('\n'),
);

function numbered(words: string): readonly string[] {
  return words.split(' ');
}

/** The words for 1 to 20; index 0 is 1. */
export const numberWords: Readonly<Record<Language, readonly string[]>> = {
  fr: numbered(
    'un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize ' +
      'dix-sept dix-huit dix-neuf vingt',
  ),
  es: numbered(
    'uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince ' +
      'dieciséis diecisiete dieciocho diecinueve veinte',
  ),
  de: numbered(
    'eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn ' +
      'sechzehn siebzehn achtzehn neunzehn zwanzig',
  ),
  ru: numbered(
    'один два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать тринадцать ' +
      'четырнадцать пятнадцать шестнадцать семнадцать восемнадцать девятнадцать двадцать',
  ),
};

/** Asks for the colour of a thing; `{thing}` is the noun with its article. */
export const colourQuestions: Readonly<Record<Language, string>> = {
  fr: 'De quelle couleur est {thing} ?',
  es: '¿De qué color es {thing}?',
  de: 'Welche Farbe hat {thing}?',
  ru: 'Какого цвета {thing}?',
};

/** Asks who does something; `{does}` is a verb phrase. */
export const whoQuestions: Readonly<Record<Language, string>> = {
  fr: 'Qui {does} ?',
  es: '¿Quién {does}?',
  de: 'Wer {does}?',
  ru: 'Кто {does}?',
};
