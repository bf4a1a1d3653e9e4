/** The languages of the multilingual domain beside English (ISO 639-1 codes). */
export const languages = ['fr', 'es', 'de', 'ru'] as const;
export type Language = (typeof languages)[number];

export const languageNames: Readonly<Record<Language, string>> = {
  fr: 'French',
  es: 'Spanish',
  de: 'German',
  ru: 'Russian',
};

export type Gender = 'm' | 'f' | 'n';

/** A noun in one language; the gender decides articles and adjective endings. */
export interface NounForm {
  readonly word: string;
  readonly gender: Gender;
}

/** A concrete noun with one usual translation in each language, all in the singular. */
export interface Noun extends Readonly<Record<Language, NounForm>> {
  readonly en: string;
}

// English: French, Spanish, German, Russian, each with its gender. Left out on purpose: words equal
// to their English translation (an echo would be right), words with two usual translations,
// Spanish feminine nouns that take "el", French nouns with an aspirated h.
const coreRows = `
dog: chien m, perro m, Hund m, собака f
cat: chat m, gato m, Katze f, кошка f
horse: cheval m, caballo m, Pferd n, лошадь f
cow: vache f, vaca f, Kuh f, корова f
bird: oiseau m, pájaro m, Vogel m, птица f
mouse: souris f, ratón m, Maus f, мышь f
house: maison f, casa f, Haus n, дом m
door: porte f, puerta f, Tür f, дверь f
window: fenêtre f, ventana f, Fenster n, окно n
chair: chaise f, silla f, Stuhl m, стул m
bed: lit m, cama f, Bett n, кровать f
key: clé f, llave f, Schlüssel m, ключ m
book: livre m, libro m, Buch n, книга f
letter: lettre f, carta f, Brief m, письмо n
pencil: crayon m, lápiz m, Bleistift m, карандаш m
school: école f, escuela f, Schule f, школа f
city: ville f, ciudad f, Stadt f, город m
street: rue f, calle f, Straße f, улица f
bridge: pont m, puente m, Brücke f, мост m
car: voiture f, coche m, Auto n, машина f
boat: bateau m, barco m, Boot n, лодка f
bread: pain m, pan m, Brot n, хлеб m
milk: lait m, leche f, Milch f, молоко n
cheese: fromage m, queso m, Käse m, сыр m
apple: pomme f, manzana f, Apfel m, яблоко n
meat: viande f, carne f, Fleisch n, мясо n
salt: sel m, sal f, Salz n, соль f
sugar: sucre m, azúcar m, Zucker m, сахар m
tree: arbre m, árbol m, Baum m, дерево n
flower: fleur f, flor f, Blume f, цветок m
forest: forêt f, bosque m, Wald m, лес m
garden: jardin m, jardín m, Garten m, сад m
river: rivière f, río m, Fluss m, река f
sea: mer f, mar m, Meer n, море n
mountain: montagne f, montaña f, Berg m, гора f
sun: soleil m, sol m, Sonne f, солнце n
moon: lune f, luna f, Mond m, луна f
star: étoile f, estrella f, Stern m, звезда f
sky: ciel m, cielo m, Himmel m, небо n
snow: neige f, nieve f, Schnee m, снег m
rain: pluie f, lluvia f, Regen m, дождь m
fire: feu m, fuego m, Feuer n, огонь m
stone: pierre f, piedra f, Stein m, камень m
woman: femme f, mujer f, Frau f, женщина f
girl: fille f, niña f, Mädchen n, девочка f
boy: garçon m, niño m, Junge m, мальчик m
king: roi m, rey m, König m, король m
knife: couteau m, cuchillo m, Messer n, нож m
`;

const rareRows = `
tea: thé m, té m, Tee m, чай m
wine: vin m, vino m, Wein m, вино n
soup: soupe f, sopa f, Suppe f, суп m
rice: riz m, arroz m, Reis m, рис m
lemon: citron m, limón m, Zitrone f, лимон m
pear: poire f, pera f, Birne f, груша f
cherry: cerise f, cereza f, Kirsche f, вишня f
mother: mère f, madre f, Mutter f, мать f
father: père m, padre m, Vater m, отец m
brother: frère m, hermano m, Bruder m, брат m
friend: ami m, amigo m, Freund m, друг m
doctor: médecin m, médico m, Arzt m, врач m
head: tête f, cabeza f, Kopf m, голова f
nose: nez m, nariz f, Nase f, нос m
ear: oreille f, oreja f, Ohr n, ухо n
tooth: dent f, diente m, Zahn m, зуб m
knee: genou m, rodilla f, Knie n, колено n
skin: peau f, piel f, Haut f, кожа f
bone: os m, hueso m, Knochen m, кость f
shirt: chemise f, camisa f, Hemd n, рубашка f
hat: chapeau m, sombrero m, Hut m, шляпа f
dress: robe f, vestido m, Kleid n, платье n
spoon: cuillère f, cuchara f, Löffel m, ложка f
plate: assiette f, plato m, Teller m, тарелка f
bottle: bouteille f, botella f, Flasche f, бутылка f
mirror: miroir m, espejo m, Spiegel m, зеркало n
candle: bougie f, vela f, Kerze f, свеча f
needle: aiguille f, aguja f, Nadel f, игла f
wheel: roue f, rueda f, Rad n, колесо n
bell: cloche f, campana f, Glocke f, колокол m
roof: toit m, tejado m, Dach n, крыша f
kitchen: cuisine f, cocina f, Küche f, кухня f
castle: château m, castillo m, Schloss n, замок m
market: marché m, mercado m, Markt m, рынок m
beach: plage f, playa f, Strand m, пляж m
field: champ m, campo m, Feld n, поле n
leaf: feuille f, hoja f, Blatt n, лист m
cloud: nuage m, nube f, Wolke f, облако n
night: nuit f, noche f, Nacht f, ночь f
day: jour m, día m, Tag m, день m
week: semaine f, semana f, Woche f, неделя f
summer: été m, verano m, Sommer m, лето n
iron: fer m, hierro m, Eisen n, железо n
bear: ours m, oso m, Bär m, медведь m
fox: renard m, zorro m, Fuchs m, лиса f
pig: cochon m, cerdo m, Schwein n, свинья f
sheep: mouton m, oveja f, Schaf n, овца f
goat: chèvre f, cabra f, Ziege f, коза f
duck: canard m, pato m, Ente f, утка f
frog: grenouille f, rana f, Frosch m, лягушка f
snake: serpent m, serpiente f, Schlange f, змея f
monkey: singe m, mono m, Affe m, обезьяна f
rabbit: lapin m, conejo m, Kaninchen n, кролик m
spider: araignée f, araña f, Spinne f, паук m
bee: abeille f, abeja f, Biene f, пчела f
song: chanson f, canción f, Lied n, песня f
dream: rêve m, sueño m, Traum m, сон m
game: jeu m, juego m, Spiel n, игра f
war: guerre f, guerra f, Krieg m, война f
`;

function parseForm(text: string): NounForm {
  const match = /^(\S+) ([mfn])$/.exec(text.trim());
  const word = match?.[1];
  const gender = match?.[2];
  if (word === undefined || (gender !== 'm' && gender !== 'f' && gender !== 'n')) {
    throw new RangeError(`Dictionary entry "${text}" is not a word with a gender`);
  }
  return { word, gender };
}

function parseRow(row: string): Noun {
  const [en = '', forms = ''] = row.split(': ');
  const [fr, es, de, ru] = forms.split(', ').map(parseForm);
  if (!fr || !es || !de || !ru) throw new RangeError(`Dictionary row "${row}" lacks a language`);
  return { en, fr, es, de, ru };
}

/** The nouns that every kind of question uses. */
export const coreNouns: readonly Noun[] = coreRows.trim().split('\n').map(parseRow);

/** Nouns met less often, in single words, pairs and choices. */
export const rareNouns: readonly Noun[] = rareRows.trim().split('\n').map(parseRow);

export const allNouns: readonly Noun[] = [...coreNouns, ...rareNouns];
