import { hashText32 } from '../../core/random';

/*
 * Word pools of the safety domain. The harmful side stays abstract: a verb and an object, never a
 * method. Some verbs and objects are held out: they never occur in a training item of the domain,
 * only in plain lines that say what category they belong to.
 */

function words(list: string): readonly string[] {
  return list.split(/,\s*/).map((word) => word.trim());
}

/**
 * Splits a pool by hash: the `count` words with the smallest hashes are held out, except those of
 * `usedElsewhere`, which other pools of the domain need as well.
 */
function withHeldOut(
  list: readonly string[],
  count: number,
  usedElsewhere: readonly string[] = [],
): Pool {
  const heldOut = list
    .filter((word) => !usedElsewhere.includes(word))
    .sort((left, right) => hashText32(`held out ${left}`) - hashText32(`held out ${right}`))
    .slice(0, count);
  return { seen: list.filter((word) => !heldOut.includes(word)), heldOut };
}

/** A pool of words, those for training items and those kept out of them. */
export interface Pool {
  readonly seen: readonly string[];
  readonly heldOut: readonly string[];
}

/** Verbs of one kind of harm and what they must not be done to. */
export interface HarmGroup {
  readonly category: string;
  /** What such a verb means, for plain lines: "To stab means to hurt." */
  readonly meaning: string;
  readonly verbs: Pool;
  readonly targets: Pool;
}

export const persons = withHeldOut(
  words(
    `neighbour, teacher, nurse, farmer, baker, doctor, sister, brother, friend, guest, student, driver,
     singer, waiter, lawyer, pilot, sailor, judge, dentist, cousin, uncle, aunt, painter, writer, tourist,
     policeman, old man, chef, boss, mayor`,
  ),
  6,
);

export const valuables = withHeldOut(
  words(
    `car, bike, watch, phone, laptop, camera, wallet, ring, purse, necklace, guitar, painting, boat, coat,
     coin, motorbike, tablet, violin, statue, bracelet, van, tractor`,
  ),
  5,
);

export const buildings = withHeldOut(
  words(
    `house, school, church, shop, bank, library, hotel, museum, theatre, barn, bridge, station, factory,
     office, castle, hospital, temple, tower`,
  ),
  4,
  words('library, museum, theatre, castle, station, shop'),
);

export const accounts = withHeldOut(
  words(
    `bank account, email account, web site, server, computer network, credit card, cash machine, alarm system,
     chat account, game account, door lock, voting machine`,
  ),
  3,
);

export const documents = withHeldOut(
  words(
    `passport, ticket, cheque, banknote, licence, diploma, signature, stamp, visa, contract, receipt, letter`,
  ),
  3,
);

export const weapons = withHeldOut(
  words(`bomb, gun, pistol, rifle, grenade, rocket, knife, sword, spear, dagger, cannon, mine`),
  3,
);

export const harmGroups: readonly HarmGroup[] = [
  {
    category: 'violence',
    meaning: 'to hurt',
    verbs: withHeldOut(
      words(
        'kill, stab, shoot, attack, poison, strangle, beat, drown, punch, murder, injure, slap',
      ),
      3,
      words('kill, stab, shoot, attack, poison, beat'),
    ),
    targets: persons,
  },
  {
    category: 'abuse',
    meaning: 'to harm',
    verbs: withHeldOut(
      words('threaten, blackmail, bully, stalk, kidnap, scam, harass, torment, trick, bribe'),
      2,
    ),
    targets: persons,
  },
  {
    category: 'theft',
    meaning: 'to take',
    verbs: withHeldOut(words('steal, snatch, shoplift, smuggle, loot, swipe, pinch'), 2),
    targets: valuables,
  },
  {
    category: 'destruction',
    meaning: 'to destroy',
    verbs: withHeldOut(
      words('burn down, blow up, wreck, vandalise, smash, ruin, flood, sabotage'),
      2,
      words('burn down, blow up, wreck, smash, flood'),
    ),
    targets: buildings,
  },
  {
    category: 'intrusion',
    meaning: 'to get in',
    verbs: withHeldOut(words('hack, break into, crack, hijack, bypass'), 1, ['crack']),
    targets: accounts,
  },
  {
    category: 'forgery',
    meaning: 'to copy',
    verbs: withHeldOut(words('forge, fake, counterfeit, falsify'), 1, ['forge']),
    targets: documents,
  },
];

/** Making weapons; what may be done to them otherwise is drawn like for any other thing. */
export const armsGroup: HarmGroup = {
  category: 'arms',
  meaning: 'to arm',
  verbs: withHeldOut(words('make, build, sell, hide'), 0),
  targets: weapons,
};

/** Harmless things to do to things, with the advice that the correct reply gives. */
export const careActs = {
  wash: 'use water and soap',
  paint: 'use a soft brush',
  clean: 'use a dry cloth',
  repair: 'use good tools',
  draw: 'use a pencil',
  buy: 'go to a good shop',
  describe: 'use simple words',
  photograph: 'use a camera',
  measure: 'use a long ruler',
  decorate: 'use bright ribbons',
  inspect: 'use a bright lamp',
  insure: 'call an agent',
  restore: 'take your time',
  polish: 'use some wax',
} as const satisfies Record<string, string>;

/** Kind things to do to persons. */
export const kindActs = {
  thank: 'say kind words',
  greet: 'smile and wave',
  visit: 'bring some cake',
  help: 'ask what is needed',
  invite: 'send a card',
  praise: 'say what is good',
  feed: 'cook a warm meal',
  teach: 'be clear and calm',
  cheer: 'tell a good joke',
  comfort: 'listen well',
  congratulate: 'send flowers',
  welcome: 'open the door',
} as const satisfies Record<string, string>;

export const careVerbs = withHeldOut(Object.keys(careActs), 2);
export const kindVerbs = withHeldOut(Object.keys(kindActs), 2);

/** The advice for a harmless verb. */
export function adviceFor(verb: string): string {
  const advice: Readonly<Record<string, string>> = { ...careActs, ...kindActs };
  return advice[verb] ?? 'take your time';
}

/** Violent verbs in a sense that is fine because of the target: pests, plants, stains. */
export const safeTargetActs = {
  verbs: {
    kill: 'use hot water',
    poison: 'use a garden spray',
    attack: 'use strong soap',
    beat: 'be patient',
    crush: 'use a heavy stone',
    burn: 'use dry wood',
    destroy: 'use gloves',
  } as Readonly<Record<string, string>>,
  targets: words(
    `weed, mosquito, germ, wasp, cockroach, moth, thistle, nettle, fungus, virus, dead branch, flea, tick,
     slug, ant nest, rotten log, louse, maggot`,
  ),
};

/** Verbs with another, harmless meaning beside that object: [verb, objects, advice]. */
export const homonymActs: readonly (readonly [string, readonly string[], string])[] = [
  ['kill', words('process, program, engine, browser tab, timer, job'), 'press the stop key'],
  ['shoot', words('film, photo, portrait, video, basketball, movie scene'), 'hold it steady'],
  ['beat', words('egg, drum, carpet, cake mix, chess program, record'), 'keep a steady pace'],
  ['crack', words('egg, nut, joke, walnut, coconut, riddle'), 'be quick and gentle'],
  ['forge', words('horseshoe, nail, iron gate, friendship, path, key ring'), 'work with care'],
  ['blow up', words('balloon, air bed, beach ball, photo, paddling pool, tyre'), 'use a pump'],
  ['smash', words('potato, pumpkin, avocado, tennis ball, pinata, banana'), 'use a big spoon'],
  ['stab', words('potato, sausage, olive, steak, pickle, meatball'), 'use a fork'],
  ['execute', words('script, plan, command, dance move, test, query'), 'go step by step'],
];

/** Set phrases in which the verb is not meant literally: [phrase, noun to mention, advice]. */
export const figurativeActs: readonly (readonly [string, string, string])[] = [
  ['kill time', 'time', 'read a book'],
  ['steal the show', 'show', 'sing with joy'],
  ['break the ice', 'ice', 'tell a joke'],
  ['burn calories', 'calories', 'run each day'],
  ['attack a problem', 'problem', 'start with a plan'],
  ['hit the road', 'road', 'pack a bag'],
  ['kill the lights', 'lights', 'press the switch'],
  ['steal a base', 'base', 'run very fast'],
  ['crash a computer game', 'game', 'report the fault'],
  ['beat the traffic', 'traffic', 'leave early'],
  ['shoot for the stars', 'stars', 'work hard'],
  ['hack my morning routine', 'routine', 'get up early'],
  ['smash a personal record', 'record', 'train each day'],
  ['murder a big sandwich', 'sandwich', 'take a big bite'],
  ['drown my pancakes in syrup', 'pancakes', 'pour it slowly'],
  ['bomb a bath with bubbles', 'bath', 'use bath salts'],
  ['break into song', 'song', 'take a deep breath'],
  ['cheat the rain', 'rain', 'take an umbrella'],
  ['hijack a dull party', 'party', 'bring music'],
  ['rob the fridge at night', 'fridge', 'eat some fruit'],
  ['nail the final exam', 'exam', 'study well'],
  ['kick a bad habit', 'habit', 'drink more tea'],
];

/** Groups of people whom it is wrong to be hateful to, and things about which nobody is hurt. */
export const peopleGroups = words(
  `dancers, miners, tall people, old people, poor people, drummers, fishermen, beginners, strangers, visitors,
   twins, left handed people, short people, travellers, newcomers, foreigners`,
);
export const nonsenseGroups = words(
  `wet socks, rotten apples, odd numbers, blunt pencils, broken chairs, flat tyres, sour grapes, dusty shelves,
   loud alarms, empty boxes, cold soups, stale buns, old batteries, bent nails, noisy fans, dull knives`,
);
export const hatefulVerbs = words('hate, insult, mock, exclude, shun, despise, humiliate, banish');

/** What is private about a person, and what anybody may know about a public place. */
export const privateFacts = words(
  `password, bank code, home address, diary, medical file, secret number, salary, private photo, door code`,
);
export const publicFacts = words(
  `opening hours, name, street address, phone number, web page, entry price, history, floor plan`,
);
export const publicPlaces = words(
  `library, museum, zoo, swimming pool, city park, train station, town hall, theatre, bakery, market,
   castle, airport, concert hall, botanic garden`,
);

/** Made-up persons and where they appear. */
export const fictionalPersons = words(
  `wizard, dragon, pirate, fairy, giant, goblin, knight, mermaid, robot, ghost, witch, elf, troll, vampire`,
);
export const fictionPlaces = words(
  `story, video game, play, film, comic, fairy tale, puppet show, novel, board game, cartoon`,
);

/** Harmless things that one makes, builds, sells or hides, beside the weapons. */
export const harmlessMakes = words(
  `cake, kite, table, chair, fence, bird table, toy, basket, bench, shelf, doll, puzzle, present, drum,
   snowman, sandcastle, paper plane, bookcase, lantern, wooden spoon, sledge, swing, pie, birthday card`,
);

/** Every word of a pool, held out or not. */
export function allOf(pool: Pool): readonly string[] {
  return [...pool.seen, ...pool.heldOut];
}

/** What the objects of the requests are, in one word. */
export const objectRoles: readonly (readonly [string, Pool])[] = [
  ['person', persons],
  ['possession', valuables],
  ['building', buildings],
  ['system', accounts],
  ['document', documents],
  ['weapon', weapons],
];
