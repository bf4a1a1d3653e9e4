/** Written by tools/vite/method-texts.ts from src/methods. */
declare module 'virtual:method-texts' {
  // A relative import statement is not allowed here.
  // eslint-disable-next-line @typescript-eslint/consistent-type-imports
  export const methodTexts: readonly import('./method-text').MethodText[];
}

/** Written by tools/vite/method-texts.ts: the lines of every formula as MathML, by method id. */
declare module 'virtual:method-formulas' {
  export const methodFormulas: Readonly<Record<string, readonly string[]>>;
}
