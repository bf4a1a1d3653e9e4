/** What two lines beside a slider hold, in letters. */
const besideLetters = 26;

/** The name of a model without its owner, where no other of these models has the same one. */
export function shortName(id: string, ids: readonly string[]): string {
  const name = nameOf(id);
  return ids.some((other) => other !== id && nameOf(other) === name) ? id : name;
}

/** Whether a name of these is too long to stand beside its slider. */
export function hasLongName(ids: readonly string[]): boolean {
  return ids.some((id) => shortName(id, ids).length > besideLetters);
}

/** An adapter's id names its base too (`base+adapter`), with slashes of their own. */
function nameOf(id: string): string {
  return id
    .split('+')
    .map((part) => part.slice(part.lastIndexOf('/') + 1))
    .join('+');
}
