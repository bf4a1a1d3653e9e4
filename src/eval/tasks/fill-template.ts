/**
 * Replaces every `{name}` in `template` by its value; text outside braces is kept as it is.
 *
 * @throws RangeError when the template names a value that is not given
 */
export function fillTemplate(
  template: string,
  values: Readonly<Record<string, string | number>>,
): string {
  return template.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => {
    const value = values[name];
    if (value === undefined) throw new RangeError(`Template "${template}" lacks {${name}}`);
    return String(value);
  });
}

/** The values in their given order, joined: the content key of a question made from a template. */
export function joinContent(values: Readonly<Record<string, string | number>>): string {
  return Object.values(values).join('|');
}
