extension ChatPage {
    static let style = #"""
        :root { color-scheme: light dark; --back: #fbfbfa; --ink: #1c1d1f; --soft: #6b7076; --line: #dcdfe3; --mine: #e7eefb; --code: #f1f2f4; --accent: #2459c9; --bad: #b3261e; }
        :root[data-theme=dark] { --back: #16181b; --ink: #e9eaec; --soft: #9aa1a9; --line: #30343a; --mine: #22304b; --code: #22262b; --accent: #8ab0ff; --bad: #ff8a80; }
        @media (prefers-color-scheme: dark) {
          :root:not([data-theme=light]) { --back: #16181b; --ink: #e9eaec; --soft: #9aa1a9; --line: #30343a; --mine: #22304b; --code: #22262b; --accent: #8ab0ff; --bad: #ff8a80; }
        }
        * { box-sizing: border-box; }
        html, body { height: 100%; margin: 0; }
        body { display: flex; flex-direction: column; background: var(--back); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
        header, #settings, footer { padding: 10px max(16px, calc(50% - 400px)); border-color: var(--line); }
        header { display: flex; gap: 10px; align-items: center; border-bottom: 1px solid var(--line); }
        h1 { font-size: 17px; margin: 0; }
        .space { flex: 1; }
        button, select, input, textarea { font: inherit; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: 8px; padding: 5px 10px; }
        select { max-width: 45vw; min-width: 0; background: var(--back); }
        a { color: var(--accent); }
        button { cursor: pointer; }
        button:hover { border-color: var(--accent); }
        :focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
        #settings { display: grid; grid-template-columns: repeat(4, 1fr); gap: 10px; border-bottom: 1px solid var(--line); }
        #settings[hidden] { display: none; }
        label { font-size: 13px; color: var(--soft); display: grid; gap: 3px; }
        label input, label textarea { color: var(--ink); width: 100%; }
        .wide { grid-column: 1 / -1; }
        main { flex: 1; overflow-y: auto; padding: 18px max(16px, calc(50% - 400px)); }
        .empty { color: var(--soft); text-align: center; margin-top: 20vh; }
        article { margin: 0 0 18px; }
        article.user .body { background: var(--mine); border-radius: 12px; padding: 8px 14px; margin-left: 12%; white-space: pre-wrap; }
        article .body { overflow-wrap: anywhere; }
        article .tools { display: flex; gap: 6px; font-size: 12px; color: var(--soft); margin-top: 4px; align-items: center; min-height: 24px; }
        article.user .tools { justify-content: flex-end; }
        .tools button { border: none; padding: 2px 6px; color: var(--soft); font-size: 12px; }
        .tools button:hover { color: var(--accent); }
        .body p { margin: 0 0 10px; white-space: pre-wrap; }
        .body pre { position: relative; background: var(--code); border-radius: 8px; padding: 12px; overflow-x: auto; font-size: 14px; }
        .body pre button { position: absolute; top: 6px; right: 6px; font-size: 12px; padding: 1px 8px; background: var(--back); }
        .body code { background: var(--code); border-radius: 4px; padding: 1px 4px; font-family: ui-monospace, monospace; font-size: 0.92em; }
        .body pre code { padding: 0; background: none; }
        .body blockquote { margin: 0 0 10px; padding-left: 12px; border-left: 3px solid var(--line); color: var(--soft); }
        .body table { border-collapse: collapse; margin-bottom: 10px; display: block; overflow-x: auto; }
        .body th, .body td { border: 1px solid var(--line); padding: 4px 8px; text-align: left; }
        .thought { color: var(--soft); font-size: 14px; border-left: 3px solid var(--line); padding-left: 12px; margin-bottom: 10px; white-space: pre-wrap; }
        .thought summary { cursor: pointer; }
        .error { color: var(--bad); }
        footer { border-top: 1px solid var(--line); }
        form { display: flex; gap: 8px; align-items: flex-end; }
        form textarea { flex: 1; resize: none; max-height: 40vh; }
        #send { background: var(--accent); color: var(--back); border-color: var(--accent); }
        #status { margin: 6px 0 0; font-size: 12px; color: var(--soft); min-height: 18px; }
        .edit { width: 100%; }
        @media (max-width: 600px) {
          #settings { grid-template-columns: repeat(2, 1fr); }
          article.user .body { margin-left: 4%; }
          h1 { display: none; }
          header { gap: 6px; padding: 8px 10px; }
          header button { padding: 5px 8px; flex: none; }
        }
        """#
}
