import { autocompletion, closeBrackets, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { linter, lintGutter, lintKeymap } from '@codemirror/lint';
import { Annotation, EditorState, type Extension } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  hoverTooltip,
  keymap,
  lineNumbers,
  type Tooltip,
} from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { Collection } from '../../rpc/lab';
import type { RecipeTools } from '../state/recipe-desk';

export interface RecipeEditorOptions {
  readonly parent: HTMLElement;
  readonly text: string;
  readonly tools: RecipeTools;
  readonly collection: Collection;
  /** Called with the whole text whenever the person changed it. */
  readonly onChange: (text: string) => void;
}

/** An editor for recipes with completion, explanations and lint marks. */
export interface RecipeEditor {
  /** Puts in a text that was made elsewhere, leaving the cursor where it can stay. */
  show(text: string): void;
  dispose(): void;
}

const isFromElsewhere = Annotation.define<true>();
/** How long typing rests before a text is checked. */
const lintAfterMs = 250;

const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: 'var(--link)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--domain-coding)' },
  { tag: tags.comment, color: 'var(--ink-faint)', fontStyle: 'italic' },
]);

const theme = EditorView.theme({
  '&': {
    maxHeight: '28rem',
    border: '1px solid var(--line-strong)',
    borderRadius: 'var(--radius-small)',
    background: 'var(--panel)',
    color: 'var(--ink)',
    fontSize: '0.8125rem',
  },
  '&.cm-focused': { outline: '2px solid var(--focus)', outlineOffset: '2px' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.55', overflow: 'auto' },
  '.cm-content': { caretColor: 'var(--ink)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '.cm-gutters': {
    borderColor: 'var(--line)',
    background: 'var(--sunken)',
    color: 'var(--ink-faint)',
  },
  '.cm-activeLine, .cm-activeLineGutter': {
    background: 'color-mix(in oklab, var(--link) 8%, transparent)',
  },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground':
    { background: 'color-mix(in oklab, var(--link) 25%, transparent)' },
  '.cm-tooltip': {
    maxWidth: 'min(24rem, calc(100vw - 3rem))',
    border: '1px solid var(--line-strong)',
    borderRadius: 'var(--radius-small)',
    background: 'var(--panel)',
    color: 'var(--ink)',
    fontSize: 'var(--text-small)',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': {
    background: 'var(--action)',
    color: 'var(--on-action)',
  },
  '.recipe-meaning': { margin: '0', padding: 'var(--gap-2) var(--gap-3)' },
});

/**
 * Makes an editor inside `parent`. Tab leaves it, as it leaves every other field; Escape closes what
 * is open. It lies in a shadow tree: there CodeMirror adopts its style sheets, while in a document it
 * would write style elements, which the page's security policy forbids.
 */
export function createRecipeEditor(options: RecipeEditorOptions): RecipeEditor {
  const { parent, text, onChange } = options;
  const view = new EditorView({
    parent: parent.shadowRoot ?? parent.attachShadow({ mode: 'open' }),
    state: EditorState.create({
      doc: text,
      extensions: [
        ...[lineNumbers(), lintGutter(), history(), drawSelection(), highlightActiveLine()],
        ...[indentOnInput(), closeBrackets(), yaml(), syntaxHighlighting(colours), theme],
        ...assistance(options),
        keymap.of([...completionKeymap, ...lintKeymap, ...historyKeymap, ...defaultKeymap]),
        EditorState.tabSize.of(2),
        EditorView.lineWrapping,
        // It scrolls, and can be reached by keyboard for it; tools look for the attribute.
        EditorView.contentAttributes.of({
          'aria-label': 'Recipe',
          spellcheck: 'false',
          tabindex: '0',
        }),
        EditorView.updateListener.of((update) => {
          const isOurs = update.transactions.some((one) => one.annotation(isFromElsewhere));
          if (update.docChanged && !isOurs) onChange(update.state.doc.toString());
        }),
      ],
    }),
  });
  return {
    show: (next) => {
      const change = differenceOf(view.state.doc.toString(), next);
      if (change !== undefined) {
        view.dispatch({ changes: change, annotations: isFromElsewhere.of(true) });
      }
    },
    dispose: () => {
      view.destroy();
    },
  };
}

function assistance({ tools, collection }: RecipeEditorOptions): Extension[] {
  return [
    linter(
      ({ state }) =>
        tools
          .problemsIn(state.doc.toString(), collection)
          .map(({ from, to, severity, sentence }) => ({ from, to, severity, message: sentence })),
      { delay: lintAfterMs },
    ),
    autocompletion({
      icons: false,
      override: [
        ({ state, pos, explicit }) => {
          const { from, options } = tools.completionsIn(state.doc.toString(), pos, collection);
          if (options.length === 0 || (from === pos && !explicit)) return null;
          return {
            from,
            options: options.map(({ label, detail, kind, apply }) => ({
              label,
              type: kind === 'key' ? 'property' : kind === 'method' ? 'function' : 'variable',
              ...(detail === '' ? {} : { info: detail }),
              ...(apply === undefined ? {} : { apply }),
            })),
          };
        },
      ],
    }),
    hoverTooltip(({ state }, pos): Tooltip | null => {
      const found = tools.meaningAt(state.doc.toString(), pos);
      if (found === undefined) return null;
      return {
        pos: found.from,
        end: found.to,
        above: true,
        create: () => {
          const dom = document.createElement('p');
          dom.className = 'recipe-meaning';
          dom.textContent = found.text;
          return { dom };
        },
      };
    }),
  ];
}

/** The one piece in which two texts differ; undefined for equal ones. */
function differenceOf(
  before: string,
  after: string,
): { from: number; to: number; insert: string } | undefined {
  if (before === after) return undefined;
  const shorter = Math.min(before.length, after.length);
  let from = 0;
  while (from < shorter && before[from] === after[from]) from += 1;
  let same = 0;
  while (
    same < shorter - from &&
    before[before.length - 1 - same] === after[after.length - 1 - same]
  ) {
    same += 1;
  }
  return { from, to: before.length - same, insert: after.slice(from, after.length - same) };
}
