/** Plain English word pools shared by the instruction and copying tasks. */

/** Everyday things; all take the article "a" or "an" by their first letter. */
export const things =
  `apple arrow bag ball banana bank barn basket bath bean bed bell belt bench bike bird boat
bone book boot bottle bowl box bread brick bridge brush bucket bus button cage cake camera camp candle
canoe card cart cave chain chair cheese cherry city clock cloud coat coin comb cookie corn couch cow crown
cup desk dish doll door dress drum duck egg engine face farm fence field fire fish flag floor flower fork
forest fox frog game garden gate gift glass glove goat grape grass guitar hammer hat hill horse house
island jacket jam jar jewel kettle key king kite kitten knife ladder lake lamp leaf lemon letter lion lock
lunch map melon milk mirror moon mouse nail needle nest net nose novel nut oven owl page paint pan paper
park peach pear pen pencil phone piano picture pie pillow pin pipe plane plant plate plum pond pony pot
potato purse queen rabbit radio rain ring river road robot rock roof room rope rose ruler sail salad salt
sand scarf school seed sheep shelf shell ship shirt shoe shop shovel sock sofa song soup spoon stamp star
stone stove street sun table tent tiger toy train tree truck van vase violin wagon wall watch wheel window
wolf wood yard`
    .split(/\s+/)
    .filter((word) => word !== '');

/** Adjectives that go before any of {@link things}. */
export const describers =
  `big black blue bright brown clean cold cool dark dry fast fine flat fresh funny good gold gray
great green happy heavy hot huge kind large light little long loud low new nice old orange pink plain pretty
purple quick quiet red round sad sharp short silver slow small soft strong sweet tall thin tiny warm wet
white wide wild yellow young`
    .split(/\s+/)
    .filter((word) => word !== '');

/** First names for little stories. */
export const firstNames =
  `Adam Alice Amy Anna Ben Bob Carl Clara Dan Dora Emma Eva Fred George Grace Hanna Ida Jack
Jane John Kate Kim Laura Leo Lily Lisa Lucy Mark Mary Max Mia Nina Nora Oscar Otto Paul Peter Rosa Ruth Sam
Sara Sofia Tim Tom Vera Will Zoe`
    .split(/\s+/)
    .filter((word) => word !== '');

/** Number words from zero to twenty, at their own index. */
export const numberWords =
  `zero one two three four five six seven eight nine ten eleven twelve thirteen
fourteen fifteen sixteen seventeen eighteen nineteen twenty`
    .split(/\s+/)
    .filter((word) => word !== '');

/** "a lamp", "an owl": by the first letter, which is right for every pool used here. */
export function withArticle(noun: string): string {
  return /^[aeiou]/i.test(noun) ? `an ${noun}` : `a ${noun}`;
}

/** "cup", "cup and box", "cup, box and lamp". */
export function listInWords(items: readonly string[]): string {
  const last = items.at(-1) ?? '';
  return items.length < 2 ? last : `${items.slice(0, -1).join(', ')} and ${last}`;
}
