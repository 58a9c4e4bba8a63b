extension ChatPage {
    static let keyStyle = #"""

        #ask { margin: auto; padding: 16px; display: grid; align-items: stretch; gap: 10px; width: min(100%, 420px); }
        """#

    static let keyMarkup = #"""
        <form id="ask">
          <h1>Quintet</h1>
          <label>API key <input id="key" type="password" autocomplete="off" autofocus required></label>
          <button type="submit">Open</button>
          <p id="status" role="status">This server asks for a key. It is kept until this tab is closed.</p>
        </form>
        """#

    /// Fetches the chat page with the key and becomes it. In a block: the names of the two scripts share the window.
    static let keyScript = #"""
        {
          const name = 'quintet.key', status = document.getElementById('status'), input = document.getElementById('key');
          const kept = { get() { try { return sessionStorage.getItem(name); } catch { return null; } },
            set(key) { try { key === null ? sessionStorage.removeItem(name) : sessionStorage.setItem(name, key); } catch {} } };
          const open = async key => {
            let response, page;
            try { response = await fetch(location.href, { headers: { authorization: 'Bearer ' + key } }); page = await response.text(); } catch {
              status.textContent = 'The server does not answer, or this cannot be a key.'; return;
            }
            kept.set(response.ok ? key : null);
            if (!response.ok) { status.textContent = 'This is no key of this server.'; input.select(); return; }
            document.open(); document.write(page); document.close();
          };
          document.getElementById('ask').onsubmit = event => { event.preventDefault(); open(input.value.trim()); };
          const known = kept.get();
          if (known) open(known);
        }
        """#
}
