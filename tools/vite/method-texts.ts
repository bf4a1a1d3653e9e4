import { resolve } from 'node:path';
import { runnerImport, type Plugin } from 'vite';
import type { MethodText } from '../../src/app/texts/method-text';
import { mathLinesOf } from './tex-lines.ts';

const source = 'src/app/texts/describe-methods.ts';
const textsId = 'virtual:method-texts';
const formulasId = 'virtual:method-formulas';

/**
 * Writes what the page says about the merging methods into two modules: their texts and parameters,
 * and, apart from the first load, their formulas as MathML. Neither brings the code of a method.
 */
export function methodTexts(): Plugin {
  return {
    name: 'mergelab-method-texts',
    resolveId: (id) => (id === textsId || id === formulasId ? `\0${id}` : undefined),
    async load(id) {
      if (id !== `\0${textsId}` && id !== `\0${formulasId}`) return undefined;
      const { module, dependencies } = await runnerImport<{
        readonly methodTexts: readonly MethodText[];
      }>(resolve(source), { configFile: false, logLevel: 'error' });
      for (const file of [source, ...dependencies]) this.addWatchFile(resolve(file));
      if (id === `\0${textsId}`) return exported('methodTexts', module.methodTexts);
      const formulas = module.methodTexts.map(({ id: name, tex }) => [name, mathLinesOf(tex)]);
      return exported('methodFormulas', Object.fromEntries(formulas));
    },
  };
}

function exported(name: string, value: unknown): string {
  return `export const ${name} = ${JSON.stringify(value)};`;
}
