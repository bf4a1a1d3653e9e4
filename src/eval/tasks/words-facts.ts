/** Facts of plain English that the base model has to know: each is a word and its partner. */

/** Reads "left/right, left/right" into pairs. */
function pairs(list: string): readonly (readonly [string, string])[] {
  return list.split(/,\s*/).map((entry) => {
    const [left = '', right = ''] = entry.trim().split('/');
    return [left, right] as const;
  });
}

/** Reads "group: word word; group: word word". */
function groups(list: string): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    list.split(/;\s*/).map((entry) => {
      const [name = '', members = ''] = entry.split(/:\s*/);
      return [name.trim(), members.trim().split(/\s+/)];
    }),
  );
}

/** Each word is in one pair only, so that both directions have one answer. */
export const opposites = pairs(
  `hot/cold, big/small, up/down, in/out, good/bad, young/old, fast/slow, day/night, black/white, rich/poor,
   happy/sad, open/closed, full/empty, hard/soft, high/low, long/short, wet/dry, early/late, left/right,
   light/dark, loud/quiet, near/far, new/used, strong/weak, thick/thin, true/false, win/lose, buy/sell,
   push/pull, start/stop, first/last, front/back, love/hate, clean/dirty, cheap/expensive, deep/shallow,
   wide/narrow, sweet/sour, brave/afraid, always/never, before/after, inside/outside, north/south, east/west,
   laugh/cry, give/take, sharp/blunt, smooth/rough, safe/dangerous, easy/difficult`,
);

export const categories = groups(
  `animal: cat dog horse cow sheep goat lion tiger bear rabbit mouse pig fox wolf camel zebra;
   fruit: apple banana pear peach plum cherry lemon grape melon mango;
   vegetable: carrot potato onion cabbage pea leek spinach turnip;
   color: red blue green yellow pink purple brown orange;
   tool: hammer saw drill wrench screwdriver spade axe rake;
   vehicle: car bus truck train bike tram van tractor;
   bird: owl eagle sparrow robin crow parrot swan pigeon;
   fish: salmon trout tuna shark cod herring;
   flower: rose tulip daisy lily violet poppy;
   drink: milk tea coffee juice water lemonade;
   instrument: piano violin guitar drum flute trumpet;
   furniture: chair table sofa bed desk wardrobe;
   garment: shirt coat hat scarf sock glove;
   metal: iron gold silver copper tin lead;
   country: France Spain Germany Russia Italy Japan;
   sport: football tennis golf hockey rugby cricket;
   insect: ant bee fly wasp beetle moth;
   tree: oak pine birch maple willow elm`,
);

export const weekdays = `Monday Tuesday Wednesday Thursday Friday Saturday Sunday`.split(' ');
export const months =
  `January February March April May June July August September October November December`.split(
    ' ',
  );

export const plurals = pairs(
  `cat/cats, dog/dogs, book/books, car/cars, tree/trees, hand/hands, box/boxes, fox/foxes, bus/buses,
   dish/dishes, glass/glasses, watch/watches, baby/babies, city/cities, lady/ladies, story/stories, leaf/leaves,
   knife/knives, wolf/wolves, wife/wives, man/men, woman/women, child/children, foot/feet, tooth/teeth,
   mouse/mice, goose/geese, king/kings, ship/ships, door/doors, apple/apples, chair/chairs, bird/birds,
   bottle/bottles, cup/cups, lamp/lamps, shoe/shoes, river/rivers, flower/flowers, brush/brushes, peach/peaches,
   cherry/cherries, pony/ponies, shelf/shelves, loaf/loaves, ox/oxen, star/stars, house/houses, bell/bells,
   key/keys`,
);

export const youngAnimals = pairs(
  `cat/kitten, dog/puppy, cow/calf, horse/foal, sheep/lamb, goat/kid, pig/piglet, hen/chick, duck/duckling,
   lion/cub, goose/gosling, deer/fawn, frog/tadpole, swan/cygnet, owl/owlet, kangaroo/joey, butterfly/caterpillar,
   hare/leveret, fish/fry, eagle/eaglet`,
);

export const thingColors = pairs(
  `snow/white, grass/green, the sky/blue, blood/red, coal/black, milk/white, a banana/yellow, a lemon/yellow,
   a tomato/red, a carrot/orange, a leaf/green, a cloud/white, the sun/yellow, a strawberry/red, a frog/green,
   an elephant/gray, chocolate/brown, a cherry/red, a pumpkin/orange, a swan/white, a crow/black, the sea/blue,
   a cucumber/green, mud/brown, salt/white, a flamingo/pink, a pea/green, an aubergine/purple, soot/black,
   a violet/purple, a plum/purple, a ruby/red, an emerald/green, a mouse/gray, a pig/pink, wood/brown`,
);

export const jobPlaces = pairs(
  `a teacher/school, a nurse/hospital, a farmer/farm, a baker/bakery, a pilot/plane, a sailor/ship, a cook/kitchen,
   a judge/court, a king/palace, an actor/theatre, a priest/church, a miner/mine, a waiter/restaurant,
   a librarian/library, a clerk/office, a gardener/garden, a zookeeper/zoo, a banker/bank, a mechanic/garage,
   a scientist/laboratory, a monk/monastery, a butcher/butchery, an artist/studio, a guard/prison`,
);

export const toolUses = pairs(
  `a knife/cut, a pen/write, a broom/sweep, a spade/dig, a needle/sew, a brush/paint, an oven/bake, a spoon/eat,
   a cup/drink, a bed/sleep, a chair/sit, a book/read, a phone/call, a saw/saw, a comb/comb, a towel/dry,
   a kettle/boil, a ladder/climb, a ball/play, a boat/sail, a ruler/measure, a lamp/see, a key/unlock,
   a camera/photograph`,
);

export const pastTenses = pairs(
  `go/went, see/saw, eat/ate, drink/drank, run/ran, sing/sang, write/wrote, give/gave, take/took, come/came,
   make/made, say/said, find/found, buy/bought, think/thought, sleep/slept, swim/swam, fly/flew, break/broke,
   speak/spoke, walk/walked, play/played, jump/jumped, look/looked, open/opened, help/helped, work/worked,
   cook/cooked, paint/painted, wash/washed, talk/talked, live/lived, love/loved, dance/danced, try/tried,
   carry/carried, stop/stopped, plan/planned, know/knew, grow/grew, begin/began, build/built, send/sent, lose/lost,
   win/won, sit/sat, stand/stood, tell/told, keep/kept, leave/left`,
);

export const animalSounds = pairs(
  `cat/meow, dog/woof, cow/moo, sheep/baa, duck/quack, pig/oink, lion/roar, bee/buzz, snake/hiss, frog/croak,
   horse/neigh, owl/hoot, mouse/squeak, hen/cluck, wolf/howl, crow/caw, turkey/gobble, donkey/bray,
   cricket/chirp, pigeon/coo`,
);

/** Words of a group rhyme with each other and with no word of another group. */
export const rhymeGroups: readonly (readonly string[])[] = [
  'cat hat bat mat',
  'dog log fog frog',
  'house mouse blouse',
  'tree bee knee sea',
  'car star jar bar',
  'king ring sing wing',
  'light night kite white',
  'cake lake snake rake',
  'boat coat goat float',
  'pen hen ten men',
  'sun run bun fun',
  'ball wall tall fall',
  'moon spoon noon soon',
  'book cook hook look',
  'fish dish wish',
  'bed red head bread',
  'train rain plane chain',
  'bell shell well smell',
  'rock sock clock lock',
  'nose rose toes hose',
  'pig wig big dig',
  'door floor four more',
].map((group) => group.split(' '));

export const letters = 'abcdefghijklmnopqrstuvwxyz'.split('');
