extension ChatPage {
    static let script = #"""
        'use strict';
        const $ = id => document.getElementById(id);
        const store = { get(key, other) { try { return JSON.parse(localStorage.getItem('quintet.' + key)) ?? other; } catch { return other; } },
          set(key, value) { try { localStorage.setItem('quintet.' + key, JSON.stringify(value)); } catch {} } };
        // Until the tab is closed, unlike the rest.
        const keys = { get() { try { return sessionStorage.getItem('quintet.key') ?? ''; } catch { return ''; } },
          set(key) { try { sessionStorage.setItem('quintet.key', key); } catch {} } };
        const settings = ['system', 'temperature', 'top_p', 'max_tokens', 'seed'];
        let messages = store.get('messages', []);
        let running = null;

        function element(name, className, text) {
          const node = document.createElement(name);
          if (className) node.className = className;
          if (text !== undefined) node.textContent = text;
          return node;
        }

        // Markdown into nodes, never into HTML text: whatever a model writes stays text.
        function inline(text, into) {
          const pattern = /(`+)([\s\S]*?[^`])\1(?!`)|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*|\[([^\]]+)\]\((https?:\/\/[^\s)]+)\)/g;
          let last = 0;
          for (const match of text.matchAll(pattern)) {
            into.append(text.slice(last, match.index));
            if (match[2] !== undefined) into.append(element('code', '', match[2].trim()));
            else if (match[3] !== undefined) into.append(element('strong', '', match[3]));
            else if (match[4] !== undefined) into.append(element('em', '', match[4]));
            else { const link = element('a', '', match[5]); link.href = match[6]; link.rel = 'noopener noreferrer nofollow'; link.target = '_blank'; into.append(link); }
            last = match.index + match[0].length;
          }
          into.append(text.slice(last));
        }

        function codeBlock(text) {
          const pre = element('pre');
          const copy = element('button', '', 'Copy');
          copy.onclick = () => copyText(text, copy);
          pre.append(element('code', '', text), copy);
          return pre;
        }

        function table(rows) {
          const node = element('table');
          rows.filter((_, index) => index !== 1).forEach((row, index) => {
            const line = element('tr');
            row.replace(/^\s*\||\|\s*$/g, '').split('|').forEach(cell => { const box = element(index ? 'td' : 'th'); inline(cell.trim(), box); line.append(box); });
            node.append(line);
          });
          return node;
        }

        function markdown(text, into) {
          into.replaceChildren();
          const lines = text.split('\n');
          let index = 0;
          const take = test => { const start = index; while (index < lines.length && test(lines[index])) index += 1; return lines.slice(start, index); };
          while (index < lines.length) {
            const line = lines[index];
            const heading = /^(#{1,6}) +(.*)/.exec(line);
            if (/^ {0,3}```/.test(line)) {
              index += 1;
              const code = take(other => !/^ {0,3}```/.test(other));
              index += 1;
              into.append(codeBlock(code.join('\n')));
            } else if (heading) {
              const node = element('h' + Math.min(heading[1].length + 2, 6)); inline(heading[2], node); into.append(node); index += 1;
            } else if (/^> ?/.test(line)) {
              const quote = element('blockquote'); inline(take(other => /^> ?/.test(other)).map(other => other.replace(/^> ?/, '')).join('\n'), quote); into.append(quote);
            } else if (/^\s*([-*+]|\d+[.)]) +/.test(line)) {
              const list = element(/^\s*\d/.test(line) ? 'ol' : 'ul');
              for (const item of take(other => /^\s*([-*+]|\d+[.)]) +/.test(other))) { const node = element('li'); inline(item.replace(/^\s*([-*+]|\d+[.)]) +/, ''), node); list.append(node); }
              into.append(list);
            } else if (/\|/.test(line) && /^\s*\|?[\s:|-]+\|?\s*$/.test(lines[index + 1] ?? '') && /-/.test(lines[index + 1])) {
              into.append(table(take(other => /\|/.test(other))));
            } else if (line.trim() === '') { index += 1; } else {
              const paragraph = element('p');
              inline(take(other => other.trim() !== '' && !/^ {0,3}```|^#{1,6} |^> ?|^\s*([-*+]|\d+[.)]) +/.test(other)).join('\n') || lines[index++], paragraph);
              into.append(paragraph);
            }
          }
        }

        async function copyText(text, button) {
          try { await navigator.clipboard.writeText(text); } catch {
            const area = element('textarea'); area.value = text; document.body.append(area); area.select(); document.execCommand('copy'); area.remove();
          }
          const before = button.textContent; button.textContent = 'Copied'; setTimeout(() => { button.textContent = before; }, 1200);
        }

        function tool(name, action) { const button = element('button', '', name); button.onclick = () => action(button); return button; }

        // An answer: its thoughts, folded, and its text.
        function show(message, body) {
          const isOpen = body.querySelector('details')?.open ?? false;
          markdown(message.content, body);
          if (!message.thought) return;
          const box = element('details', 'thought'); box.open = isOpen;
          box.append(element('summary', '', 'Thoughts'), element('div', '', message.thought));
          body.prepend(box);
        }

        function drawMessage(message, index) {
          const node = element('article', message.role);
          const body = element('div', 'body');
          if (message.role === 'user') body.textContent = message.content; else show(message, body);
          if (message.error) body.append(element('p', 'error', message.error));
          const tools = element('div', 'tools');
          tools.append(tool('Copy', button => copyText(message.content, button)));
          if (message.role === 'user') tools.append(tool('Edit', () => edit(node, index)));
          else if (index === messages.length - 1) tools.append(tool('Regenerate', () => regenerate()));
          if (message.speed) tools.append(element('span', '', message.speed));
          node.append(body, tools);
          return node;
        }

        function draw() {
          const talk = $('talk');
          talk.replaceChildren(...messages.map(drawMessage));
          if (messages.length === 0) talk.append(element('p', 'empty', 'Say something. It stays in this browser and on the server you opened.'));
          talk.scrollTop = talk.scrollHeight;
          store.set('messages', messages);
        }

        function edit(node, index) {
          if (running) return;
          const area = element('textarea', 'edit'); area.value = messages[index].content; area.rows = 4;
          const tools = element('div', 'tools');
          tools.append(tool('Send', () => { messages = messages.slice(0, index); say(area.value); }), tool('Cancel', draw));
          node.replaceChildren(area, tools); area.focus();
        }

        function regenerate() {
          if (running || messages.length === 0) return;
          if (messages.at(-1).role === 'assistant') messages.pop();
          answer();
        }

        function say(text) { if (text.trim() === '' || running) return; messages.push({ role: 'user', content: text }); answer(); }

        function headers() { const key = $('key').value; return { 'content-type': 'application/json', ...(key ? { authorization: 'Bearer ' + key } : {}) }; }

        function request() {
          const body = { model: $('model').value || undefined, stream: true, stream_options: { include_usage: true }, max_tokens: 512,
            messages: messages.filter(message => message.content !== '' || message.role === 'user').map(({ role, content }) => ({ role, content })) };
          if ($('system').value.trim()) body.messages.unshift({ role: 'system', content: $('system').value });
          for (const name of ['temperature', 'top_p', 'max_tokens', 'seed']) if ($(name).value !== '') body[name] = Number($(name).value);
          return body;
        }

        async function* events(response) {
          const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
          let rest = '';
          while (true) {
            const { value, done } = await reader.read();
            if (done) return;
            rest += value;
            let end;
            while ((end = rest.indexOf('\n\n')) >= 0) {
              const data = rest.slice(0, end).split('\n').filter(line => line.startsWith('data: ')).map(line => line.slice(6)).join('\n');
              rest = rest.slice(end + 2);
              if (data && data !== '[DONE]') yield JSON.parse(data);
            }
          }
        }

        async function answer() {
          const body = request();
          const message = { role: 'assistant', content: '' };
          messages.push(message); draw();
          const box = $('talk').lastElementChild.querySelector('.body');
          running = new AbortController(); busy(true);
          const start = performance.now(); let first = 0, pieces = 0, tokens = 0, pace = 0, frame = 0;
          const paint = () => { frame = 0; const talk = $('talk'); const low = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 80;
            show(message, box); if (low) talk.scrollTop = talk.scrollHeight; };
          try {
            const response = await fetch('/v1/chat/completions', { method: 'POST', headers: headers(), body: JSON.stringify(body), signal: running.signal });
            if (!response.ok) throw new Error((await response.json().catch(() => ({}))).error?.message ?? 'The server answered ' + response.status);
            for await (const event of events(response)) {
              if (event.error) throw new Error(event.error.message);
              const { content: piece, reasoning_content: thought } = event.choices?.[0]?.delta ?? {};
              if (thought) message.thought = (message.thought ?? '') + thought;
              if (piece) message.content += piece;
              if (piece || thought) { first ||= performance.now(); pieces += 1; frame ||= requestAnimationFrame(paint); }
              if (event.usage) { tokens = event.usage.completion_tokens; pace = event.timings?.predicted_per_second ?? 0; }
            }
          } catch (error) { if (error.name !== 'AbortError') message.error = error.message; }
          const seconds = (performance.now() - (first || start)) / 1000, count = tokens || pieces;
          if (count > 1) message.speed = `${count} tokens, ${(pace || (count - 1) / seconds).toFixed(1)} tokens/s, first after ${((first - start) / 1000).toFixed(2)} s`;
          running = null; busy(false); draw(); $('input').focus();
        }

        function busy(is) { $('send').hidden = is; $('stop').hidden = !is; $('status').textContent = is ? 'Writing… Esc stops.' : 'Enter sends, Shift+Enter makes a new line.'; }
        function fit() { const input = $('input'); input.style.height = 'auto'; input.style.height = input.scrollHeight + 2 + 'px'; }

        async function models() {
          try {
            const response = await fetch('/v1/models', { headers: headers() });
            const list = response.ok ? (await response.json()).data : [];
            $('model').replaceChildren(...list.map(({ id }) => { const option = element('option', '', id); option.value = id; return option; }));
            const last = store.get('model', ''); if (list.some(({ id }) => id === last)) $('model').value = last;
            if (response.status === 401) $('status').textContent = 'This server asks for an API key: open Settings.';
          } catch { $('status').textContent = 'The server does not answer.'; }
        }

        $('form').onsubmit = event => { event.preventDefault(); const text = $('input').value; if (text.trim() === '' || running) return; $('input').value = ''; fit(); say(text); };
        $('input').oninput = fit;
        $('input').onkeydown = event => { if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) { event.preventDefault(); $('form').requestSubmit(); } };
        document.onkeydown = event => { if (event.key === 'Escape' && running) running.abort(); };
        $('stop').onclick = () => running?.abort();
        $('new').onclick = () => { running?.abort(); messages = []; draw(); $('input').focus(); };
        $('open-settings').onclick = event => { const box = $('settings'); box.hidden = !box.hidden; event.target.setAttribute('aria-expanded', String(!box.hidden)); };
        $('theme').onclick = () => { const dark = matchMedia('(prefers-color-scheme: dark)').matches, root = document.documentElement;
          root.dataset.theme = (root.dataset.theme || (dark ? 'dark' : 'light')) === 'dark' ? 'light' : 'dark'; store.set('theme', root.dataset.theme); };
        $('model').onchange = () => store.set('model', $('model').value);
        $('key').value = keys.get();
        $('key').onchange = () => { keys.set($('key').value); models(); };
        for (const name of settings) { $(name).value = store.get(name, ''); $(name).onchange = () => store.set(name, $(name).value); }
        const theme = store.get('theme', ''); if (theme) document.documentElement.dataset.theme = theme;
        busy(false); draw(); models();
        """#
}
