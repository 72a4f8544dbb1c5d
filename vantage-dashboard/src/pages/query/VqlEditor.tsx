import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, pickedCompletion, type Completion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { bracketMatching } from '@codemirror/language';
import { setDiagnostics } from '@codemirror/lint';
import { EditorState, Prec, type Extension, type Range } from '@codemirror/state';
import { Decoration, EditorView, keymap, placeholder as hintWhenEmpty, ViewPlugin, type DecorationSet, type ViewUpdate } from '@codemirror/view';
import { useEffect, useRef } from 'react';
import { proposals, type Names } from './vql/completion';
import { spanAt, tokens } from './vql/tokens';
import './vqlEditor.css';
import insideCss from './vqlInside.css?inline';

export interface VqlProblem {
  message: string;
  hint: string | null;
  /** Index of the character in the text that `of` is. */
  position: number | null;
  /** The text that was refused: nothing is underlined once it is another one. */
  of: string;
}

export interface VqlEditorProps {
  label: string;
  value: string;
  onChange: (text: string) => void;
  /** Ctrl+Enter, or Cmd+Enter. */
  onRun: () => void;
  names: Names;
  /** Offered as `$name`. */
  variables?: readonly string[];
  problem: VqlProblem | null;
  placeholder?: string;
}

/** Where VQL is written. Default export: CodeMirror, which nothing else imports, is loaded with the first editor. */
export default function VqlEditor({ label, value, onChange, onRun, names, variables = [], problem, placeholder = '' }: VqlEditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  // CodeMirror keeps what it was given at the start; it calls through to what is of now.
  const current = useRef({ onChange, onRun, names, variables });
  useEffect(() => {
    current.current = { onChange, onRun, names, variables };
  });
  useEffect(() => {
    const parent = shadowIn(host.current!);
    const editor = new EditorView({
      parent,
      root: parent.getRootNode() as ShadowRoot,
      state: EditorState.create({
        doc: value,
        extensions: [
          Prec.highest(keymap.of([{ key: 'Mod-Enter', run: () => (current.current.onRun(), true) }, { key: 'Tab', run: acceptCompletion }])),
          // Escape ends here: it shall not close a dialog that the editor is in, and what was written with it.
          keymap.of([...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...defaultKeymap, { key: 'Escape', run: () => true }]),
          history(),
          closeBrackets(),
          bracketMatching(),
          autocompletion({ icons: false, override: [(context) => complete(context, current.current)] }),
          colours,
          EditorView.lineWrapping,
          EditorView.updateListener.of((update) => {
            if (update.docChanged) current.current.onChange(update.state.doc.toString());
          }),
          EditorView.contentAttributes.of({ 'aria-label': label, 'aria-description': LEAVING, spellcheck: 'false', autocapitalize: 'off' }),
          hintWhenEmpty(placeholder),
        ],
      }),
    });
    view.current = editor;
    return () => {
      view.current = null;
      editor.destroy();
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the value is kept in step below; made anew with it, the editor would lose its cursor
  }, [label, placeholder]);
  useEffect(() => {
    const editor = view.current;
    if (editor === null || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);
  useEffect(() => {
    if (view.current) underline(view.current, problem);
  }, [problem, value]);
  return (
    <div className="vql-editor" data-own-keys>
      <div ref={host} />
      <p className="vql-editor-hint soft">
        <span><kbd>Ctrl</kbd> <kbd>Enter</kbd> runs.</span> <span><kbd>Ctrl</kbd> <kbd>Space</kbd> completes, <kbd>Tab</kbd> accepts.</span> <span><kbd>Esc</kbd>, then <kbd>Tab</kbd> leaves the editor.</span>
      </p>
    </div>
  );
}

const LEAVING = 'Control Enter runs the query. Escape, then Tab leaves the editor.';

/**
 * The element in a shadow root that CodeMirror is put into. In the document itself it would add a <style> element, which
 * the CSP refuses; a shadow root takes its styles as adopted sheets. Ours come after them.
 */
function shadowIn(host: HTMLElement): HTMLElement {
  const before = host.shadowRoot?.querySelector<HTMLElement>('.inside');
  if (before) return before;
  const shadow = host.attachShadow({ mode: 'open', delegatesFocus: true });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(insideCss);
  shadow.adoptedStyleSheets = [sheet];
  const inside = document.createElement('div');
  inside.className = 'inside';
  shadow.append(inside);
  return inside;
}

function underline(editor: EditorView, problem: VqlProblem | null): void {
  const text = editor.state.doc.toString();
  const isOfThis = problem?.position !== null && problem?.of === text;
  const found = isOfThis ? [{ ...spanAt(text, problem.position!), severity: 'error' as const, message: problem.message }] : [];
  editor.dispatch(setDiagnostics(editor.state, found));
}

function complete(context: CompletionContext, { names, variables }: { names: Names; variables: readonly string[] }): CompletionResult | null {
  const found = proposals(context.state.doc.toString(), context.pos, names, variables);
  // Unasked for, it opens on the first letter, a quote or a variable: not on every space.
  if (!found || (!context.explicit && found.from === context.pos)) return null;
  // What is typed is matched up to the cursor; the rest of a text behind it goes when one is chosen.
  const rest = found.to - context.pos;
  const options = found.options.map(({ label, insert = label, detail, boost }): Completion => ({ label, detail, boost, apply: (view, completion, from, to) => put(view, completion, insert, from, to + rest) }));
  return { from: found.from, options, validFor: /^['$]?[\w.\-/]*$/ };
}

function put(view: EditorView, completion: Completion, insert: string, from: number, to: number): void {
  view.dispatch({ changes: { from, to, insert }, selection: { anchor: from + insert.length }, userEvent: 'input.complete', annotations: pickedCompletion.of(completion), scrollIntoView: true });
}

const marks = Object.fromEntries(
  ['keyword', 'function', 'table', 'name', 'text', 'number', 'variable', 'operator', 'comment', 'mark'].map((kind) => [kind, Decoration.mark({ class: `vql-${kind}` })]),
);

/** Colours every token by a class: a query is short, so all of it is read anew with each key. */
const colours: Extension = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet;
    constructor(view: EditorView) {
      this.decorations = coloured(view.state);
    }
    update(update: ViewUpdate): void {
      if (update.docChanged) this.decorations = coloured(update.state);
    }
  },
  { decorations: (plugin) => plugin.decorations },
);

function coloured(state: EditorState): DecorationSet {
  const ranges: Range<Decoration>[] = tokens(state.doc.toString()).map(({ kind, from, to }) => marks[kind]!.range(from, to));
  return Decoration.set(ranges);
}
